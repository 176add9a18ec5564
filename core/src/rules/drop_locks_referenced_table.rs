//! Drops that lock a table which they do not name; see the page.

use super::finding::{Finding, Work};
use super::moment::foreign;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Key, Table};
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "drop-locks-referenced-table",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("drop_locks_referenced_table.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let dropped = situation.up().flat_map(|act| match &act.step.change {
        Change::Drop(drop) => {
            let tables = drop
                .targets
                .iter()
                .filter(|target| target.kind == Kind::Table);
            let tables = tables.filter_map(|target| {
                let (key, table) = act.old_table(&target.name)?;
                let parent = parents(act, &key, table).into_iter().next()?;
                Some(finding(act, target.name.span, &parent))
            });
            tables.collect::<Vec<_>>()
        }
        _ => Vec::new(),
    });
    let constraints = situation.alterations().filter_map(|one| {
        let Verb::DropConstraint { name, .. } = &one.action.verb else {
            return None;
        };
        let parent = &foreign(one.old_constraint(&name.name)?)?.table;
        let is_kept = parent != one.key && is_kept(one.act, parent);
        is_kept.then(|| finding(one.act, one.action.span, parent))
    });
    dropped.chain(constraints).collect()
}

/// The tables that it refers to, which were there before and are there after.
fn parents(act: Act<'_>, key: &Key, table: &Table) -> Vec<Key> {
    let parents = table
        .constraints
        .values()
        .filter_map(foreign)
        .map(|foreign| &foreign.table);
    parents
        .filter(|parent| *parent != key && is_kept(act, parent))
        .cloned()
        .collect()
}

fn is_kept(act: Act<'_>, parent: &Key) -> bool {
    let situation = act.situation;
    situation.start().table(parent).is_some() && situation.middle().table(parent).is_some()
}

fn finding(act: Act<'_>, span: Span, parent: &Key) -> Finding {
    let name = &parent.name;
    act.find(span, format!("everybody waits who uses `{name}`"))
        .label(format!("takes an ACCESS EXCLUSIVE lock on `{name}` too"))
        .why(
            "A foreign key has triggers on the table that it refers to, and these go along. The lock \
             is short once granted; until then all others wait behind it, readers too.",
        )
        .help("Drop the foreign keys one by one, each in a migration of its own, before the table.")
        .blocks(parent, Work::Lock)
}
