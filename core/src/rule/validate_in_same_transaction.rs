//! `VALIDATE CONSTRAINT` while a stronger lock is still held; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Change, ColumnChange, Ident, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Key;

pub(super) const RULE: Rule = Rule {
    code: "validate-in-same-transaction",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("validate_in_same_transaction.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !situation.is_one_transaction() {
        return Vec::new();
    }
    let validations = situation
        .alterations()
        .filter_map(|one| match &one.action.verb {
            Verb::ValidateConstraint(name) => Some((one.clone(), name)),
            _ => None,
        });
    validations
        .filter_map(|(one, name)| {
            let acts = situation.up().take(one.act.place.index + 1);
            let locks = acts.filter(|act| locks_strongly(*act, &one.key));
            let locks = locks.into_iter().next()?;
            Some(finding(&one, name, locks))
        })
        .collect()
}

/// Whether the statement takes a lock on the table that keeps writers away until the end.
pub(super) fn locks_strongly(act: Act<'_>, table: &Key) -> bool {
    let is_it = |name| act.before().relation(name).as_ref() == Some(table);
    match &act.step.change {
        Change::AlterTable(alter) => {
            is_it(&alter.name) && alter.actions.iter().any(|action| is_strong(&action.verb))
        }
        Change::Rename(rename) => {
            is_it(&rename.target.name) || rename.target.owner.as_ref().is_some_and(is_it)
        }
        Change::SetSchema(set) => is_it(&set.target.name),
        Change::CreateTrigger(trigger) => is_it(&trigger.table),
        Change::Drop(drop) => drop
            .targets
            .iter()
            .any(|target| target.owner.as_ref().is_some_and(is_it)),
        _ => false,
    }
}

fn is_strong(verb: &Verb) -> bool {
    match verb {
        Verb::ValidateConstraint(_) | Verb::Nothing => false,
        Verb::AlterColumn {
            change: ColumnChange::SetOption(_),
            ..
        } => false,
        Verb::AttachPartition { .. } => false,
        // Storage parameters are set under a weak lock; the other options are not.
        Verb::SetOption(option) => matches!(
            &*option.name,
            "row level security" | "unlogged" | "tablespace"
        ),
        Verb::ResetOption(_) => false,
        _ => true,
    }
}

fn finding(alteration: &Alteration<'_>, name: &Ident, locks: Act<'_>) -> Finding {
    let table = alteration.name;
    alteration
        .find(format!(
            "every row of `{table}` is checked while an earlier lock on it is held"
        ))
        .label(format!(
            "`{}` is validated in the same transaction",
            name.name
        ))
        .also(
            alteration
                .act
                .situation
                .source(locks.place.section)
                .first_line(locks.statement.span),
            "takes the lock that is held until the end",
        )
        .why(
            "Validating alone lets everybody work. Locks are held until the transaction ends, so \
             here it reads the table under the lock of the statement before.",
        )
        .help(format!(
            "Move it to the next migration:\nALTER TABLE {table} VALIDATE CONSTRAINT {};",
            name.name
        ))
        .blocks(&alteration.key, Work::Scan)
}
