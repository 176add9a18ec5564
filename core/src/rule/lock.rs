//! Which locks of Postgres statements take on tables, and hold until their transaction ends.

use super::situation::Act;
use crate::change::{Change, ColumnChange, Kind, ObjectName, Target, Verb};
use crate::schema::{Body, Class, Key};

/// Whether the statement takes a lock on the table that keeps writers away until the end.
pub(crate) fn locks_strongly(act: Act<'_>, table: &Key) -> bool {
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

/// The tables with rows that a statement locks so, among those that its words name. A table that is
/// dropped is left out: nobody uses it any more.
pub(crate) fn strong_locks(act: Act<'_>) -> Vec<Key> {
    let mut keys: Vec<Key> = named(act)
        .into_iter()
        .filter_map(|name| act.old_table(name))
        .map(|(key, _)| key)
        .filter(|key| locks_strongly(act, key))
        .collect();
    keys.extend(indexed(act));
    keys.retain(|key| !act.situation.is_small(key));
    keys.sort();
    keys.dedup();
    keys
}

fn named<'s>(act: Act<'s>) -> Vec<&'s ObjectName> {
    let of = |target: &'s Target| [Some(&target.name), target.owner.as_ref()];
    match &act.step.change {
        Change::AlterTable(alter) => vec![&alter.name],
        Change::Rename(rename) => of(&rename.target).into_iter().flatten().collect(),
        Change::SetSchema(set) => vec![&set.target.name],
        Change::CreateTrigger(trigger) => vec![&trigger.table],
        Change::Drop(drop) => drop
            .targets
            .iter()
            .filter_map(|target| target.owner.as_ref())
            .collect(),
        _ => Vec::new(),
    }
}

/// The tables whose indexes it drops.
fn indexed(act: Act<'_>) -> Vec<Key> {
    let Change::Drop(drop) = &act.step.change else {
        return Vec::new();
    };
    let is_index = |target: &&Target| target.kind == Kind::Index && !drop.concurrently;
    let indexes = drop.targets.iter().filter(is_index);
    let tables = indexes.filter_map(|target| {
        let moment = act.before();
        let key = moment.named(Class::Relation, &target.name)?;
        let Body::Index(index) = &moment.get(&key)?.body else {
            return None;
        };
        let is_old = act.situation.start().get(&key).is_some();
        is_old.then(|| index.table.clone())
    });
    tables.collect()
}
