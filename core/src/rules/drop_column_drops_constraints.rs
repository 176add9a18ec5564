//! What goes along with a column although others need it; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Name, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{self, PartOf, Table};

pub(super) const RULE: Rule = Rule {
    code: "drop-column-drops-constraints",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("drop_column_drops_constraints.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let Verb::DropColumn { column, .. } = &one.action.verb else {
            return None;
        };
        one.old_column(&column.name)?;
        let lost = lost_with(&one, &column.name);
        (!lost.is_empty()).then(|| finding(&one, &column.name, &lost))
    });
    found.collect()
}

/// The constraints and indexes that go with the column, or shrink, and are about others that stay.
fn lost_with(alteration: &Alteration<'_>, column: &Name) -> Vec<Name> {
    let stays = |name: &Name| {
        let middle = alteration.act.situation.middle().table(alteration.key);
        name != column && middle.is_some_and(|table| table.column(name).is_some())
    };
    let is_shared = |columns: &[Name]| columns.contains(column) && columns.iter().any(&stays);
    let constraints = alteration.table.constraints.iter();
    let constraints = constraints.filter(|(name, constraint)| {
        is_shared(&columns_of(alteration, &constraint.rule)) && !is_dropped_first(alteration, name)
    });
    let mut lost: Vec<Name> = constraints.map(|(name, _)| name.clone()).collect();
    for (key, index) in alteration.act.before().indexes(alteration.key) {
        let columns = parts_of(alteration, &index.parts);
        let is_own = index.constraint.is_none() && !lost.contains(&key.name);
        if is_own && is_shared(&columns) && !is_dropped_first(alteration, &key.name) {
            lost.push(key.name.clone());
        }
    }
    lost
}

fn columns_of(alteration: &Alteration<'_>, rule: &schema::Rule) -> Vec<Name> {
    match rule {
        schema::Rule::Check(text) | schema::Rule::Exclude(text) => {
            let dialect = alteration.act.situation.dialect();
            named(alteration.table, &text.names(dialect))
        }
        _ => rule.columns(),
    }
}

fn parts_of(alteration: &Alteration<'_>, parts: &[schema::Part]) -> Vec<Name> {
    let dialect = alteration.act.situation.dialect();
    let names = parts.iter().flat_map(|part| match &part.what {
        PartOf::Column(name) => vec![name.clone()],
        PartOf::Expression(text) => text.names(dialect),
    });
    named(alteration.table, &names.collect::<Vec<_>>())
}

fn named(table: &Table, names: &[Name]) -> Vec<Name> {
    let columns = names.iter().filter(|name| table.column(name).is_some());
    columns.cloned().collect()
}

/// Whether an earlier action of the same statement drops it by its name.
fn is_dropped_first(alteration: &Alteration<'_>, name: &Name) -> bool {
    let middle = alteration.act.situation.middle();
    let others = alteration
        .act
        .siblings()
        .take_while(|action| action.span != alteration.action.span);
    others.into_iter().any(|action| match &action.verb {
        Verb::DropConstraint { name: dropped, .. } | Verb::DropIndex { name: dropped, .. } => {
            dropped.name == *name
        }
        _ => false,
    }) || middle
        .table(alteration.key)
        .is_some_and(|table| table.constraints.contains_key(name) && !alteration.shrinks_keys())
}

fn finding(alteration: &Alteration<'_>, column: &Name, lost: &[Name]) -> Finding {
    let names: Vec<String> = lost.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    let (what, why) = match alteration.shrinks_keys() {
        true => (
            format!("{names} shrinks without a word when `{column}` goes"),
            "The engine takes the column out of every index; a unique one then forbids more than \
             before, and the others serve fewer queries.",
        ),
        false => (
            format!("{names} goes without a word when `{column}` goes"),
            "The engine drops every constraint and index that is about the column, also where \
             other columns are in it: from here on nothing guarantees what they did.",
        ),
    };
    alteration
        .find(what)
        .label("takes along what is about other columns too")
        .why(why)
        .help("Drop it by its name first, and add what is to hold for the columns that stay.")
}
