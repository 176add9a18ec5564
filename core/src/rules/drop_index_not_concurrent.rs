//! `DROP INDEX` without `CONCURRENTLY`; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind, Target};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Body;

pub(super) const RULE: Rule = Rule {
    code: "drop-index-not-concurrent",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("drop_index_not_concurrent.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().flat_map(|act| match &act.step.change {
        Change::Drop(drop) if !drop.concurrently => drop
            .targets
            .iter()
            .filter_map(|target| judge(act, target))
            .collect(),
        _ => Vec::new(),
    });
    found.collect()
}

fn judge(act: Act<'_>, target: &Target) -> Option<Finding> {
    let name = &target.name;
    let (_, object) = (target.kind == Kind::Index).then(|| act.old_relation(name))??;
    let Body::Index(index) = &object.body else {
        return None;
    };
    let table = act.before().table(&index.table);
    let is_partitioned = table.is_some_and(|table| table.partition_by.is_some());
    (!is_partitioned && index.part_of.is_none()).then(|| {
        act.find(
            name.span,
            format!("everybody waits for `{name}` to be dropped"),
        )
        .label("takes an ACCESS EXCLUSIVE lock on the table")
        .why(
            "The lock is short once it is granted. While it waits for a long query to end, \
                 everybody who comes later waits behind it, readers too.",
        )
        .help(format!(
            "Give it a migration of its own, outside of a transaction:\n\
                 -- @transaction: false\n\
                 DROP INDEX CONCURRENTLY {name};"
        ))
        .blocks(&index.table, Work::Lock)
    })
}
