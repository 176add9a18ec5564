//! Many tables that are locked by one transaction; see the page.

use super::finding::Finding;
use super::lock::strong_locks;
use super::situation::Situation;
use super::{Group, Rule};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Key;

pub(super) const RULE: Rule = Rule {
    code: "multiple-table-locks",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("multiple_table_locks.md"),
};

/// From how many tables on it is told.
const MANY: usize = 3;

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if !situation.is_one_transaction() {
        return Vec::new();
    }
    let mut locked: Vec<Key> = Vec::new();
    let last = situation.up().find(|act| {
        for key in strong_locks(*act) {
            if !locked.contains(&key) {
                locked.push(key);
            }
        }
        locked.len() >= MANY
    });
    let found = last.map(|act| {
        let names: Vec<String> = locked.iter().map(|key| format!("`{}`", key.name)).collect();
        act.find_whole(format!("{} are locked at once", names.join(", ")))
            .label(format!("the {MANY}rd table that stays locked until the end"))
            .why(
                "All of them stay locked until the last lock is granted and the transaction ends. A \
                 program that uses two of them in another order, and this migration, wait for one \
                 another, and the server ends one of both.",
            )
            .help("Give each table a migration of its own.")
    });
    found.into_iter().collect()
}
