//! `CASCADE` that takes more than it names; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Behavior, Change, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Key, Object};

pub(super) const RULE: Rule = Rule {
    code: "cascade-drops-dependents",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("cascade_drops_dependents.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation
        .up()
        .filter(|act| cascades(*act))
        .filter_map(|act| {
            let lost = lost(act);
            (!lost.is_empty()).then(|| {
                act.find_whole(format!(
                    "{} goes along without being named",
                    lost.join(", ")
                ))
                .label("takes what depends on it")
                .why(
                    "CASCADE drops whatever the database holds that depends on this, also what \
                     nobody has thought of.",
                )
                .help("Drop what depends on it by its name first, and leave CASCADE out.")
            })
        });
    found.collect()
}

fn cascades(act: Act<'_>) -> bool {
    match &act.step.change {
        Change::Drop(drop) => drop.behavior == Behavior::Cascade,
        Change::AlterTable(alter) => alter.actions.iter().any(|action| match &action.verb {
            Verb::DropColumn { behavior, .. } | Verb::DropConstraint { behavior, .. } => {
                *behavior == Behavior::Cascade
            }
            _ => false,
        }),
        _ => false,
    }
}

/// What was there before the migration and is gone after the statement, unless it belongs to what
/// the statement names.
fn lost(act: Act<'_>) -> Vec<String> {
    let named = named(act);
    let start = act.situation.start();
    let (before, after) = (act.before(), act.after());
    let written = act
        .written()
        .filter(|key| !named.contains(key) && start.get(key).is_some());
    let lost = written.filter_map(|key| {
        let object = before.get(key)?;
        match after.get(key) {
            None if belongs(object, &named) => None,
            None => Some(format!("`{}`", key.name)),
            Some(left) => part_lost(key, object, left),
        }
    });
    lost.collect()
}

fn named(act: Act<'_>) -> Vec<Key> {
    let before = act.before();
    match &act.step.change {
        Change::Drop(drop) => {
            let written = act.written();
            let is_named = |key: &&Key| {
                drop.targets
                    .iter()
                    .any(|target| target.name.name == key.name)
            };
            written.filter(is_named).cloned().collect()
        }
        Change::AlterTable(alter) => before.relation(&alter.name).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether it comes and goes with a table that is named.
fn belongs(object: &Object, named: &[Key]) -> bool {
    let owner = match &object.body {
        Body::Index(index) => Some(&index.table),
        Body::Trigger(trigger) => Some(&trigger.table),
        Body::Sequence(sequence) => sequence.owned_by.as_ref().map(|(table, _)| table),
        Body::Other(other) => other.table.as_ref(),
        _ => None,
    };
    owner.is_some_and(|owner| named.contains(owner))
}

/// A constraint or column that a table of another name has lost.
fn part_lost(key: &Key, before: &Object, after: &Object) -> Option<String> {
    let (before, after) = (before.table()?, after.table()?);
    let constraint = before
        .constraints
        .keys()
        .find(|name| !after.constraints.contains_key(*name));
    let column = before
        .columns
        .iter()
        .find(|column| after.column(&column.name).is_none());
    let part = constraint.or(column.map(|column| &column.name))?;
    Some(format!("`{part}` of `{}`", key.name))
}
