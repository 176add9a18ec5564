//! Constraints that build their index under a lock; see the page.

use super::finding::{Finding, Work};
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnOption, Constraint, ConstraintRule, Verb};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "constraint-builds-index",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("constraint_builds_index.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let constraint = match &one.action.verb {
            Verb::AddConstraint { constraint, .. } => builds(constraint).then_some(constraint),
            Verb::AddColumn { column, .. } if one.table.column(&column.name.name).is_none() => {
                let mut constraints = column.options.iter().filter_map(|option| match option {
                    ColumnOption::Constraint(constraint) => Some(constraint),
                    _ => None,
                });
                constraints.find(|constraint| builds(constraint))
            }
            _ => None,
        };
        constraint.map(|constraint| finding(&one, constraint))
    });
    found.collect()
}

pub(super) fn builds(constraint: &Constraint) -> bool {
    match constraint.rule {
        ConstraintRule::PrimaryKey(_) | ConstraintRule::Unique(_) | ConstraintRule::Exclude(_) => {
            true
        }
        ConstraintRule::Foreign(_)
        | ConstraintRule::Check(_)
        | ConstraintRule::NotNull(_)
        | ConstraintRule::UsingIndex { .. } => false,
    }
}

fn finding(alteration: &Alteration<'_>, constraint: &Constraint) -> Finding {
    let table = alteration.name;
    alteration
        .find(format!(
            "this constraint builds an index while nobody can use `{table}`"
        ))
        .label("no reads and no writes until the index is built")
        .why("The index is built under the ACCESS EXCLUSIVE lock that adding a constraint takes.")
        .help(safe(alteration, constraint))
        .blocks(alteration.key, Work::Build)
}

fn safe(alteration: &Alteration<'_>, constraint: &Constraint) -> String {
    let table = alteration.name;
    let kind = match constraint.rule {
        ConstraintRule::PrimaryKey(_) => "PRIMARY KEY",
        _ => "UNIQUE",
    };
    if matches!(constraint.rule, ConstraintRule::Exclude(_)) {
        return "There is no way to build it beside the traffic: make a new table with the \
                constraint, or do it when nobody works."
            .to_owned();
    }
    if alteration.table.partition_by.is_some() {
        return "Build a unique index concurrently on each partition, then add the constraint to \
                the table, which takes them over."
            .to_owned();
    }
    format!(
        "Build the index CONCURRENTLY in a migration of its own, outside of a transaction, and \
         let the constraint take it over:\n\
         ALTER TABLE {table} ADD CONSTRAINT {}_key {kind} USING INDEX {}_key;",
        table.name, table.name
    )
}
