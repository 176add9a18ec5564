//! `VALIDATE CONSTRAINT` while a stronger lock is still held; see the page.

use super::finding::{Finding, Work};
use super::lock::locks_strongly;
use super::situation::{Act, Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Ident, Verb};
use crate::dialect::Family;
use crate::options::Level;

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
            let locks = acts.filter(|act| locks_strongly(*act, one.key));
            let locks = locks.into_iter().next()?;
            Some(finding(&one, name, locks))
        })
        .collect()
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
        .blocks(alteration.key, Work::Scan)
}
