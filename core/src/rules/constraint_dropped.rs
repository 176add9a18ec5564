//! Guarantees that are given up; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Ident, Verb};
use crate::options::Level;
use crate::schema::{Constraint, Rule as Kept, Table};

pub(super) const RULE: Rule = Rule {
    code: "constraint-dropped",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("constraint_dropped.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let Verb::DropConstraint { name, .. } = &one.action.verb else {
            return None;
        };
        let dropped = one.old_constraint(&name.name)?;
        let middle = situation.middle().table(one.key)?;
        (!is_replaced(&one, dropped, middle)).then(|| finding(&one, name, dropped))
    });
    found.collect()
}

/// Whether something says the same after the migration, or its columns are gone.
fn is_replaced(alteration: &Alteration<'_>, dropped: &Constraint, middle: &Table) -> bool {
    let columns = dropped.rule.columns();
    let is_gone = columns.iter().any(|column| middle.column(column).is_none());
    is_gone
        || proved_not_null(alteration, dropped, middle)
        || middle
            .constraints
            .values()
            .any(|kept| is_alike(&dropped.rule, &kept.rule))
}

fn is_alike(dropped: &Kept, kept: &Kept) -> bool {
    match (dropped, kept) {
        (Kept::Foreign(dropped), Kept::Foreign(kept)) => dropped.columns == kept.columns,
        (Kept::Check(dropped), Kept::Check(kept)) => {
            // A check over the same words is the old one, put otherwise.
            dropped == kept || dropped.text.split(' ').next() == kept.text.split(' ').next()
        }
        (Kept::Exclude(_), Kept::Exclude(_)) => true,
        (Kept::PrimaryKey(..) | Kept::Unique(..), Kept::PrimaryKey(..) | Kept::Unique(..)) => {
            dropped
                .columns()
                .iter()
                .any(|column| kept.columns().contains(column))
        }
        _ => false,
    }
}

/// A check that was only there to prove what the column now says itself.
fn proved_not_null(alteration: &Alteration<'_>, dropped: &Constraint, middle: &Table) -> bool {
    let dialect = alteration.act.situation.dialect();
    match &dropped.rule {
        Kept::Check(check) => {
            check.text.contains("is not null") && {
                let mut columns = middle
                    .columns
                    .iter()
                    .filter(|column| check.mentions(&column.name, dialect));
                columns.any(|column| column.not_null)
            }
        }
        _ => false,
    }
}

fn finding(alteration: &Alteration<'_>, name: &Ident, dropped: &Constraint) -> Finding {
    let (what, then) = match &dropped.rule {
        Kept::PrimaryKey(..) => ("primary key", "rows are no longer told apart"),
        Kept::Unique(..) => (
            "unique key",
            "doubles are let in, and ON CONFLICT finds no key",
        ),
        Kept::Foreign(_) => ("foreign key", "rows may refer to what is not there"),
        Kept::Check(_) => ("check", "rows are let in that it kept out"),
        Kept::Exclude(_) => ("exclusion", "rows are let in that it kept out"),
        Kept::NotNull(_) => ("NOT NULL", "NULLs are let in"),
    };
    alteration
        .find(format!(
            "the {what} `{}` goes and nothing takes its place",
            name.name
        ))
        .label(then)
        .why(
            "Code relies on what a constraint guarantees, often without knowing; once rows break \
             it, the constraint cannot come back.",
        )
        .help("Add what is to hold instead in the same migration.")
}
