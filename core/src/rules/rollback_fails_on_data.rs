//! A way back that rows written meanwhile can stop; see the page.

use super::add_not_null_without_default::must_be_given;
use super::finding::{Finding, Strength};
use super::situation::{Act, Situation};
use super::type_narrowing::{Fate, fate, new_type};
use super::{Group, Rule};
use crate::change::{
    Action, AlterTable, Change, ColumnChange, ColumnOption, Constraint, ConstraintRule, Name, Verb,
};
use crate::options::Level;
use crate::schema::{self, Key, Table};

pub(super) const RULE: Rule = Rule {
    code: "rollback-fails-on-data",
    group: Group::Rollback,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("rollback_fails_on_data.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !situation.is_down_whole() {
        return Vec::new();
    }
    let found = situation.down().flat_map(|act| match &act.step.change {
        Change::AlterTable(alter) => of_table(act, alter),
        _ => Vec::new(),
    });
    found.collect()
}

fn of_table(act: Act<'_>, alter: &AlterTable) -> Vec<Finding> {
    let situation = act.situation;
    let Some(key) = act.before().relation(&alter.name) else {
        return Vec::new();
    };
    // Only a table that was there all the time holds rows that the UP has not made.
    let (Some(before), Some(middle)) = (
        situation.start().table(&key),
        situation.middle().table(&key),
    ) else {
        return Vec::new();
    };
    let is_prepared = situation
        .down()
        .take(act.place.index)
        .any(|earlier| earlier.writes_to(&key));
    if is_prepared {
        return Vec::new();
    }
    let found = alter.actions.iter().filter_map(|action| {
        let (message, strength) = strict(act, &key, before, middle, action)?;
        Some(finding(act, action, message, strength))
    });
    found.collect()
}

/// What rows the action does not put up with, if the UP lets them in.
fn strict(
    act: Act<'_>,
    key: &Key,
    before: &Table,
    middle: &Table,
    action: &Action,
) -> Option<(String, Strength)> {
    let usual = |message: String| Some((message, Strength::Usual));
    match &action.verb {
        Verb::AlterColumn {
            column,
            change: ColumnChange::SetNotNull,
        } if may_be_null(before, middle, &column.name) => {
            usual(format!("`{}` may hold NULLs by then", column.name))
        }
        Verb::Redefine {
            column, definition, ..
        } => {
            let name = &definition.name.name;
            let forbids = definition.options.contains(&ColumnOption::NotNull);
            let is_nullable = middle
                .column(&column.name)
                .is_some_and(|column| !column.not_null);
            if forbids && is_nullable && before.column(name).is_some_and(|column| column.not_null) {
                return usual(format!("`{name}` may hold NULLs by then"));
            }
            narrows(middle, action)
        }
        Verb::AlterColumn { .. } => narrows(middle, action),
        Verb::AddColumn { column, .. }
            if must_be_given(column) && !act.situation.dialect().fills_missing_values() =>
        {
            let is_old = before.column(&column.name.name).is_some();
            let is_gone = middle.column(&column.name.name).is_none();
            (is_old && is_gone).then(|| {
                let message = format!(
                    "`{}` has no value for the rows that are there",
                    column.name.name
                );
                (message, Strength::Usual)
            })
        }
        Verb::AddConstraint { constraint, .. }
            if is_stricter(act, key, before, middle, constraint) =>
        {
            usual("rows may break this constraint by then".to_owned())
        }
        _ => None,
    }
}

fn may_be_null(before: &Table, middle: &Table, name: &Name) -> bool {
    let was_forbidden = before.column(name).is_some_and(|column| column.not_null);
    was_forbidden && middle.column(name).is_some_and(|column| !column.not_null)
}

/// A column that goes back to a type which holds less.
fn narrows(middle: &Table, action: &Action) -> Option<(String, Strength)> {
    let (column, new, using) = new_type(&action.verb)?;
    let old = &middle.column(&column.name)?.data_type;
    let is_text = |text: &str| {
        text.starts_with("text") || text.starts_with("character") || text.starts_with("varchar")
    };
    let is_free_text =
        is_text(old) && !is_text(new) && using.is_some_and(|using| using.text.contains("::"));
    let message = format!("`{}` may hold what `{new}` cannot", column.name);
    match fate(old, new) {
        _ if is_free_text => Some((message, Strength::Usual)),
        Fate::Fit if is_enum_shorter(old, new) => Some((message, Strength::Remark)),
        Fate::Fit => None,
        Fate::Fail | Fate::Lost => Some((message, Strength::Remark)),
    }
}

fn is_enum_shorter(old: &str, new: &str) -> bool {
    old.starts_with("enum(") && new.starts_with("enum(") && new.len() < old.len()
}

/// Whether the constraint was dropped by the UP, and nothing took its place.
fn is_stricter(
    act: Act<'_>,
    key: &Key,
    before: &Table,
    middle: &Table,
    constraint: &Constraint,
) -> bool {
    if constraint
        .traits
        .iter()
        .any(|text| matches!(&**text, "not valid" | "not enforced"))
    {
        return false;
    }
    let after = act.after().table(key);
    let Some((name, added)) = after.and_then(|after| {
        let mut new = after.constraints.iter();
        new.find(|(name, found)| {
            !act.before()
                .table(key)
                .is_some_and(|table| table.constraints.contains_key(*name))
                && same_kind(&constraint.rule, &found.rule)
        })
    }) else {
        return false;
    };
    let columns = columns(act, before, &added.rule);
    // A column that the DOWN makes again is empty.
    let are_kept = columns.iter().all(|column| middle.column(column).is_some());
    let was_there = before.constraints.contains_key(name);
    let is_covered = middle
        .constraints
        .values()
        .any(|other| covers(&other.rule, &added.rule));
    was_there && are_kept && !middle.constraints.contains_key(name) && !is_covered
}

fn columns(act: Act<'_>, table: &Table, rule: &schema::Rule) -> Vec<Name> {
    match rule {
        schema::Rule::Check(text) | schema::Rule::Exclude(text) => {
            let names = text.names(act.situation.dialect()).into_iter();
            names.filter(|name| table.column(name).is_some()).collect()
        }
        _ => rule.columns(),
    }
}

fn same_kind(written: &ConstraintRule, kept: &schema::Rule) -> bool {
    matches!(
        (written, kept),
        (ConstraintRule::Check(_), schema::Rule::Check(_))
            | (ConstraintRule::Foreign(_), schema::Rule::Foreign(_))
            | (ConstraintRule::Unique(_), schema::Rule::Unique(..))
            | (ConstraintRule::PrimaryKey(_), schema::Rule::PrimaryKey(..))
            | (ConstraintRule::Exclude(_), schema::Rule::Exclude(_))
    )
}

/// Whether rows that keep the one keep the other too.
fn covers(kept: &schema::Rule, wanted: &schema::Rule) -> bool {
    use schema::Rule::{Check, Foreign, PrimaryKey, Unique};
    match (kept, wanted) {
        (Foreign(kept), Foreign(wanted)) => {
            (&kept.columns, &kept.table, &kept.referenced)
                == (&wanted.columns, &wanted.table, &wanted.referenced)
        }
        (Unique(..) | PrimaryKey(..), Unique(..) | PrimaryKey(..)) => {
            let wanted = wanted.columns();
            !kept.columns().is_empty()
                && kept.columns().iter().all(|column| wanted.contains(column))
        }
        (Check(kept), Check(wanted)) => kept == wanted,
        _ => false,
    }
}

fn finding(act: Act<'_>, action: &Action, message: String, strength: Strength) -> Finding {
    act.find(action.span, message)
        .strength(strength)
        .label("fails on such a row")
        .why(
            "Between the migration and its rollback the service writes rows that the UP allows and \
             the DOWN does not, so the rollback works in every test and fails when it is needed.",
        )
        .help("Repair or delete such rows first, in the DOWN before this statement.")
}
