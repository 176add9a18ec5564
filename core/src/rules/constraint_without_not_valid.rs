//! Checks and foreign keys that look at every row at once; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Alteration, Situation};
use super::volatile::type_name;
use super::{Group, Rule};
use crate::change::{
    AlterDomain, Change, ColumnDef, ColumnOption, Constraint, ConstraintRule, DomainAction, Verb,
};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Class, Key};

pub(super) const RULE: Rule = Rule {
    code: "constraint-without-not-valid",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("constraint_without_not_valid.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let on_tables = situation
        .alterations()
        .filter_map(|one| match &one.action.verb {
            Verb::AddConstraint { constraint, .. } if is_checked_at_once(constraint) => {
                Some(finding(&one, constraint))
            }
            Verb::AddColumn { column, .. } => {
                let constraint = checked_with(column)?;
                one.table
                    .column(&column.name.name)
                    .is_none()
                    .then(|| finding(&one, constraint))
            }
            _ => None,
        });
    let on_domains = situation.up().filter_map(|act| match &act.step.change {
        Change::AlterDomain(alter) => of_domain(act, alter),
        _ => None,
    });
    on_tables.chain(on_domains).collect()
}

pub(super) fn is_checked_at_once(constraint: &Constraint) -> bool {
    let is_rule = matches!(
        constraint.rule,
        ConstraintRule::Check(_) | ConstraintRule::Foreign(_)
    );
    let is_later = |t: &str| matches!(t, "not valid" | "not enforced");
    is_rule && !constraint.traits.iter().any(|t| is_later(t))
}

/// A new column is looked at for a check, and for a foreign key unless it is empty.
fn checked_with(column: &ColumnDef) -> Option<&Constraint> {
    let has_default = column.options.iter().any(|option| match option {
        ColumnOption::Default(value) => &*value.text != "null",
        _ => false,
    });
    column.options.iter().find_map(|option| match option {
        ColumnOption::Constraint(constraint) => match constraint.rule {
            ConstraintRule::Check(_) => Some(constraint),
            ConstraintRule::Foreign(_) if has_default => Some(constraint),
            _ => None,
        },
        _ => None,
    })
}

fn of_domain(act: Act<'_>, alter: &AlterDomain) -> Option<Finding> {
    let is_checked = match &alter.action {
        DomainAction::AddConstraint(constraint) => is_checked_at_once(constraint),
        DomainAction::NotNull(not_null) => *not_null,
        _ => false,
    };
    let domain = act.before().named(Class::Type, &alter.name)?;
    act.situation.start().get(&domain)?;
    let table = is_checked.then(|| user_of(act, &domain))??;
    let name = &alter.name;
    let finding = act
        .find_whole(format!(
            "every row of `{}` is checked for the domain `{name}`",
            table.name
        ))
        .label("nobody can write to the tables that use it until that is done")
        .why("All tables with a column of the domain are read under a SHARE lock.")
        .help("Add it NOT VALID, and validate it in the next migration.")
        .blocks(&table, Work::Scan);
    Some(finding)
}

fn user_of(act: Act<'_>, domain: &Key) -> Option<Key> {
    let (before, dialect) = (act.before(), act.situation.dialect());
    let mut tables = act.situation.start_tables();
    tables.find(|key| {
        let columns = before.table(key).map_or(&[][..], |table| &table.columns);
        columns.iter().any(|column| {
            let name = type_name(&column.data_type, dialect);
            before.named(Class::Type, &name).as_ref() == Some(domain)
        })
    })
}

fn finding(alteration: &Alteration<'_>, constraint: &Constraint) -> Finding {
    let table = alteration.name;
    let name = constraint
        .name
        .as_ref()
        .map_or("…", |name| name.name.as_str());
    let is_foreign = matches!(constraint.rule, ConstraintRule::Foreign(_));
    let waits = match is_foreign {
        true => "nobody can write to either table until that is done",
        false => "nobody can read or write until that is done",
    };
    let needs_18 = is_foreign
        && alteration.table.partition_by.is_some()
        && !alteration.act.situation.server_is(18, 0);
    let help = match needs_18 {
        true => "Before version 18 Postgres knows no NOT VALID for a foreign key of a partitioned \
                 table: add it to each partition NOT VALID and validate it there, then add it here."
            .to_owned(),
        false => format!(
            "Add it with NOT VALID, which holds for new rows at once, and validate it in the next \
             migration:\n\
             ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
        ),
    };
    alteration
        .find(format!("every row of `{table}` is checked at once"))
        .label(waits)
        .why("The engine reads the table to the end under the lock that it needs to add the constraint.")
        .help(help)
        .blocks(alteration.key, Work::Scan)
}
