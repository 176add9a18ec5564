//! `CREATE INDEX CONCURRENTLY IF NOT EXISTS`; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::{Change, IfExists};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "concurrent-index-if-not-exists",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("concurrent_index_if_not_exists.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().filter_map(|act| match &act.step.change {
        Change::CreateIndex(create) if create.concurrently && create.if_exists == IfExists::Keep => {
            let lacks = match create.unique {
                true => "nothing is then unique",
                false => "no query then uses an index",
            };
            let finding = act
                .find_whole("a second try takes an index that has failed for one that is there")
                .label(lacks)
                .why(
                    "When a concurrent build fails, an invalid index of that name stays behind. IF \
                     NOT EXISTS sees the name, says that all is well, and the migration is done.",
                )
                .help("Leave IF NOT EXISTS out; what a failed try has left is dropped before the next one.");
            Some(finding)
        }
        _ => None,
    });
    found.collect()
}
