//! `CREATE INDEX` without `CONCURRENTLY`; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, CreateIndex};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "index-not-concurrent",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("index_not_concurrent.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation.up().filter_map(judge).collect()
}

fn judge(act: Act<'_>) -> Option<Finding> {
    let Change::CreateIndex(create) = &act.step.change else {
        return None;
    };
    // On a partitioned table `ONLY` makes an index without entries.
    if create.concurrently || create.only {
        return None;
    }
    let name = create.table.as_ref()?;
    let (table, object) = act.old_relation(name)?;
    let is_partitioned = object
        .table()
        .is_some_and(|table| table.partition_by.is_some());
    if is_partitioned {
        return None;
    }
    let finding = act
        .find_whole(format!(
            "building this index blocks every write to `{name}`"
        ))
        .label("no writes until the index is built")
        .why(
            "Without CONCURRENTLY the index is built under a lock that lets nobody insert, update \
             or delete, for as long as it takes to read and sort the table.",
        )
        .help(safe(create))
        .blocks(&table, Work::Build);
    Some(finding)
}

fn safe(create: &CreateIndex) -> String {
    let unique = if create.unique { "UNIQUE " } else { "" };
    let name = create.name.as_ref().map_or("", |name| name.name.as_str());
    format!(
        "Give the index a migration of its own, outside of a transaction:\n\
         -- @transaction: false\n\
         CREATE {unique}INDEX CONCURRENTLY {name} …"
    )
}
