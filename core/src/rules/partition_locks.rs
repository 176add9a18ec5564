//! Partitions that are made or taken away under a lock on all of them; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, ObjectName, TableOrigin, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Rule as Kept;

pub(super) const RULE: Rule = Rule {
    code: "partition-locks",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("partition_locks.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation.up().flat_map(judge).collect()
}

fn judge(act: Act<'_>) -> Vec<Finding> {
    match &act.step.change {
        Change::CreateTable(create) => match &create.origin {
            TableOrigin::PartitionOf { parent, .. } => made(act, parent).into_iter().collect(),
            _ => Vec::new(),
        },
        Change::CreateIndex(create) if !create.only && !create.concurrently => create
            .table
            .as_ref()
            .and_then(|table| indexed(act, table))
            .into_iter()
            .collect(),
        Change::AlterTable(alter) => {
            let found = alter
                .actions
                .iter()
                .filter_map(|action| match &action.verb {
                    Verb::AttachPartition { part, .. } => attached(act, part),
                    Verb::DetachPartition(part) => detached(act, &alter.name, part),
                    _ => None,
                });
            found.collect()
        }
        _ => Vec::new(),
    }
}

fn made(act: Act<'_>, parent: &ObjectName) -> Option<Finding> {
    let (key, _) = act.old_table(parent)?;
    let finding = act
        .find_whole(format!("everybody waits who uses `{parent}`"))
        .label("takes an ACCESS EXCLUSIVE lock on the table and its default partition")
        .why("Nobody can read or write any partition until it is granted and the migration has ended.")
        .help("Make a plain table, and let it be attached, which keeps only other changes of the schema waiting:\nALTER TABLE … ATTACH PARTITION … FOR VALUES …;")
        .blocks(&key, Work::Lock);
    Some(finding)
}

fn indexed(act: Act<'_>, table: &ObjectName) -> Option<Finding> {
    let (key, old) = act.old_table(table)?;
    old.partition_by.as_ref()?;
    let finding = act
        .find_whole(format!("nobody can write to any partition of `{table}` until this index is built"))
        .label("no writes until the index is built")
        .why("An index on a partitioned table is built on all partitions, and never concurrently.")
        .help("Make it ON ONLY the table, build one CONCURRENTLY on each partition, and attach those:\nALTER INDEX … ATTACH PARTITION …;")
        .blocks(&key, Work::Build);
    Some(finding)
}

fn attached(act: Act<'_>, part: &ObjectName) -> Option<Finding> {
    let (key, table) = act.old_table(part)?;
    let mut constraints = table.constraints.values();
    let is_checked = constraints.any(|constraint| {
        let is_valid = constraint.traits.iter().all(|text| &**text != "not valid");
        is_valid && matches!(constraint.rule, Kept::Check(_))
    });
    (!is_checked).then(|| {
        act.find_whole(format!("every row of `{part}` is read to see whether it fits"))
            .label("nobody can use it until that is done")
            .why("Without a check that says the same as the bounds the engine looks at the rows, under a lock.")
            .help("Add a CHECK with the bounds first, NOT VALID, and validate it in a migration of its own.")
            .blocks(&key, Work::Scan)
    })
}

fn detached(act: Act<'_>, parent: &ObjectName, part: &ObjectName) -> Option<Finding> {
    let is_concurrent = act
        .lexemes()
        .iter()
        .any(|word| word.is("CONCURRENTLY") || word.is("FINALIZE"));
    let (key, _) = (!is_concurrent).then(|| act.old_table(parent))??;
    act.old_table(part)?;
    let finding = act
        .find_whole(format!("everybody waits who uses `{parent}`"))
        .label("takes an ACCESS EXCLUSIVE lock on the table")
        .why("Nobody can read or write any partition until it is granted and the migration has ended.")
        .help("Detach it CONCURRENTLY, outside of a transaction; that needs version 14 and no default partition:\n-- @transaction: false")
        .blocks(&key, Work::Lock);
    Some(finding)
}
