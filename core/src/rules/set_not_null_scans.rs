//! `SET NOT NULL` that reads the whole table; see the page.

use super::finding::{Finding, Work};
use super::moment::conjuncts;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnChange, ConstraintRule, Name, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema;

pub(super) const RULE: Rule = Rule {
    code: "set-not-null-scans",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("set_not_null_scans.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().flat_map(|one| {
        let mut columns = forbids_null(&one).into_iter();
        let scanned = columns.find(|name| is_scanned(&one, name));
        scanned.map(|name| finding(&one, &name))
    });
    found.collect()
}

/// The columns that the action forbids NULL for.
fn forbids_null(alteration: &Alteration<'_>) -> Vec<Name> {
    match &alteration.action.verb {
        Verb::AlterColumn {
            column,
            change: ColumnChange::SetNotNull,
        } => vec![column.name.clone()],
        Verb::AddConstraint { constraint, .. } => match &constraint.rule {
            ConstraintRule::UsingIndex {
                primary: true,
                index,
            } => {
                let indexes = alteration.act.before().indexes(alteration.key);
                let index = indexes.iter().find(|(key, _)| key.name == index.name);
                index.map_or_else(Vec::new, |(_, index)| {
                    schema::Rule::Unique(index.parts.clone(), "".into()).columns()
                })
            }
            ConstraintRule::NotNull(column)
                if !constraint.traits.iter().any(|t| &**t == "not valid") =>
            {
                vec![column.name.clone()]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn is_scanned(alteration: &Alteration<'_>, name: &Name) -> bool {
    alteration
        .old_column(name)
        .is_some_and(|column| !column.not_null)
        && !(alteration.act.situation.server_is(12, 0) && is_proved(alteration, name))
}

/// Whether a check that holds for every row says that the column is not null.
fn is_proved(alteration: &Alteration<'_>, name: &Name) -> bool {
    let dialect = alteration.act.situation.dialect();
    let mut constraints = alteration.table.constraints.values();
    constraints.any(|constraint| {
        let is_valid = constraint
            .traits
            .iter()
            .all(|t| !matches!(&**t, "not valid" | "not enforced"));
        match &constraint.rule {
            schema::Rule::Check(check) if is_valid => conjuncts(check, dialect)
                .iter()
                .any(|words| says_not_null(words, name, dialect)),
            schema::Rule::NotNull(column) => is_valid && column == name,
            _ => false,
        }
    })
}

fn says_not_null(words: &[String], name: &Name, dialect: crate::dialect::Dialect) -> bool {
    match words {
        [column, is, not, null] => {
            [is.as_str(), not, null] == ["is", "not", "null"]
                && Name::new(column.trim_matches('"'), dialect) == *name
        }
        _ => false,
    }
}

fn finding(alteration: &Alteration<'_>, name: &Name) -> Finding {
    let table = alteration.name;
    alteration
        .find(format!("every row of `{table}` is read to see whether `{name}` is NULL"))
        .label("nobody can read or write until that is done")
        .why(
            "The engine looks at the rows under an ACCESS EXCLUSIVE lock, unless a CHECK that it \
             has validated already says that there is no NULL.",
        )
        .help(format!(
            "Let a check prove it first: add it here, validate it in the next migration, and set \
             NOT NULL in the one after:\n\
             ALTER TABLE {table} ADD CONSTRAINT {}_{name}_not_null CHECK ({name} IS NOT NULL) NOT VALID;",
            table.name
        ))
        .blocks(alteration.key, Work::Scan)
}
