//! A migration that says the old release keeps working, and takes something from it; see the page.

use super::finding::{Finding, Strength};
use super::situation::{Alteration, Situation};
use super::{
    Group, Rule, constraint_builds_index, constraint_without_not_valid, drop_column_loses_data,
    drop_table_loses_data, rename_column_breaks_clients, rename_table_breaks_clients,
    type_narrowing,
};
use crate::annotation;
use crate::change::{ColumnChange, ColumnOption, ConstraintRule, Verb};
use crate::migration::Phase;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "phase-mismatch",
    group: Group::Metadata,
    level: Level::Deny,
    engines: &[],
    check,
    page: include_str!("phase_mismatch.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.migration.phase != Some(Phase::Expand) {
        return Vec::new();
    }
    let source = situation.migration.source();
    let said = annotation::locate(source, situation.dialect(), "phase");
    let mut found: Vec<Finding> = Vec::new();
    for (contracts, what) in contractions(situation) {
        if found.iter().any(|other| other.place == contracts.place) {
            continue;
        }
        let finding = Finding::new(contracts.place, contracts.span, what)
            .strength(Strength::Certain)
            .label("the release before does not survive this")
            .why(
                "`expand` is run while the old release works, and kept when the new one is taken \
                 back; whatever it takes away has to wait until the old release is gone.",
            )
            .help("Move it to a migration of its own, to be run in a later release:\n-- @phase: contract");
        found.push(match said {
            Some((key, value)) => finding.also(key.to(value), "says that it only adds"),
            None => finding,
        });
    }
    found
}

/// Each place that takes something away, and what that is.
fn contractions(situation: &Situation<'_>) -> Vec<(Finding, String)> {
    let named = |found: Vec<Finding>, what: &str| -> Vec<(Finding, String)> {
        found
            .into_iter()
            .map(|finding| (finding, what.to_owned()))
            .collect()
    };
    let mut all = named(
        drop_table_loses_data::check(situation),
        "a table is dropped in a migration that expands",
    );
    all.extend(named(
        drop_column_loses_data::check(situation),
        "a column is dropped in a migration that expands",
    ));
    all.extend(named(
        rename_table_breaks_clients::check(situation),
        "a table loses its name in a migration that expands",
    ));
    all.extend(named(
        rename_column_breaks_clients::check(situation),
        "a column loses its name in a migration that expands",
    ));
    all.extend(named(
        type_narrowing::check(situation),
        "a column holds less in a migration that expands",
    ));
    let stricter = situation.alterations().filter(is_stricter);
    all.extend(stricter.map(|one| {
        (
            one.find(""),
            "rows are refused in a migration that expands".to_owned(),
        )
    }));
    all
}

/// Whether rows that the old release writes may be refused from then on.
fn is_stricter(alteration: &Alteration<'_>) -> bool {
    match &alteration.action.verb {
        Verb::AlterColumn { column, change } => {
            let old = alteration.old_column(&column.name);
            match change {
                ColumnChange::SetNotNull => old.is_some_and(|column| !column.not_null),
                ColumnChange::DropDefault => {
                    old.is_some_and(|column| column.not_null && column.default.is_some())
                }
                ColumnChange::DropIdentity(_) => {
                    old.is_some_and(|column| column.identity.is_some())
                }
                _ => false,
            }
        }
        Verb::Redefine {
            column, definition, ..
        } => {
            let forbids = definition.options.contains(&ColumnOption::NotNull);
            let old = alteration.old_column(&column.name);
            forbids && old.is_some_and(|column| !column.not_null)
        }
        Verb::AddConstraint { constraint, .. } => {
            let is_check = matches!(constraint.rule, ConstraintRule::Check(_));
            let binds = constraint_builds_index::builds(constraint)
                || is_check && constraint_without_not_valid::is_checked_at_once(constraint);
            let columns = key_columns(&constraint.rule);
            // A key over columns that the migration adds asks nothing of the old release.
            binds
                && columns
                    .iter()
                    .all(|name| alteration.old_column(name).is_some())
        }
        _ => false,
    }
}

fn key_columns(rule: &ConstraintRule) -> Vec<crate::change::Name> {
    use crate::change::KeyExpr;
    match rule {
        ConstraintRule::PrimaryKey(key) | ConstraintRule::Unique(key) => {
            let parts = key.parts.iter().filter_map(|part| match &part.what {
                KeyExpr::Column(column) => Some(column.name.clone()),
                KeyExpr::Expression(_) => None,
            });
            parts.collect()
        }
        _ => Vec::new(),
    }
}
