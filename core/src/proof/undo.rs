//! What to write so that a leftover is undone, or the whole UP.
//!
//! The UP is gone through from its last statement to its first, and each is taken back in terms of
//! what was there before it. What comes out is replayed: only what gives back the schema is
//! suggested. Where the model does not know enough to write it, nothing is.

mod rename;
mod writer;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use self::writer::{Replacing, Writer};
use super::Difference;
use super::compare::{Unlike, compare};
use super::run::{Case, differences};
use crate::change::{self, Change, Name, TypeAction, Verb};
use crate::dialect::Dialect;
use crate::migration::Script;
use crate::replay::{self, Session};
use crate::schema::{Body, Class, Key, Object, Schema};
use crate::source::Span;

/// So many statements are looked at one by one for whether they are needed.
const MANY: usize = 60;

/// What objects were before a statement, by their keys.
type Touched = BTreeMap<Key, Option<Arc<Object>>>;

/// The statements that undo a difference; none where they are not known.
pub(super) fn statements(case: &Case<'_>, key: &Key, unlike: &Unlike) -> Vec<String> {
    let dialect = case.schema.dialect();
    let touched = case.schema.touched(case.start);
    let before = match touched.get(key) {
        Some(before) => before.clone(),
        None => case.schema.get(key).cloned(),
    };
    let after = case.schema.get(key).cloned();
    let mut schema = case.schema.clone();
    schema.undo(case.start);
    let schema = RefCell::new(schema);
    let original = |key: &Key| original(case, &schema, key, Span::new(0..0));
    let writer = Writer {
        dialect,
        key,
        replacing: Replacing::InPlace,
        original: &original,
    };
    let written = match (&unlike.difference, before, after) {
        (Difference::NotUndone, _, Some(after)) => writer.undo(&after, &unlike.part),
        (Difference::NotRestored, Some(before), _) => writer.restore(&before, &unlike.part),
        // The UP took it away as a whole: what the DOWN made of it is made anew.
        (Difference::Restored { .. }, Some(before), None) if unlike.part.is_empty() => {
            writer.remade(&before)
        }
        (Difference::Restored { attribute, .. }, Some(before), after) => {
            let after = after.unwrap_or_else(|| before.clone());
            writer.reset(&before, &after, &unlike.part, &[*attribute])
        }
        _ => None,
    };
    written.unwrap_or_default()
}

/// The whole DOWN as it should be, when it is known and proven on the model.
pub(super) fn whole_down(case: &Case<'_>) -> Option<String> {
    // What can be replaced in its place keeps its privileges.
    [Replacing::InPlace, Replacing::Anew]
        .into_iter()
        .find_map(|replacing| {
            let statements = everything(case, replacing)?;
            let mut schema = case.schema.clone();
            let statements = needed(case, &mut schema, statements);
            gives_back(case, &mut schema, &statements).then(|| statements.join("\n"))
        })
}

/// The statements that take back those of the UP, last first; `None` when the model does not know
/// all of them.
fn everything(case: &Case<'_>, replacing: Replacing) -> Option<Vec<String>> {
    let dialect = case.schema.dialect();
    let script = &case.migration.up;
    // What is not known to be done cannot be undone.
    if !case.up.unknowns.is_empty() || case.migration.step.is_some() {
        return None;
    }
    let text = script.source.text();
    let mut schema = case.schema.clone();
    let mut statements = Vec::new();
    for (span, mark) in case.up.steps.iter().rev() {
        let touched = schema.touched(*mark);
        if touched.is_empty() {
            continue;
        }
        if touched.keys().any(|key| key.class == Class::Doubt) {
            return None;
        }
        let change = change::read(text, *span, dialect).ok()?;
        let now = |key: &Key| (key.clone(), schema.get(key).cloned());
        let after: Touched = touched.keys().map(now).collect();
        schema.undo(*mark);
        let cell = RefCell::new(schema);
        let renamed = rename::back(&change, &touched, &after, dialect);
        statements.extend(match renamed {
            Some(renamed) => renamed,
            None if may_rename(&change, &touched, &after) => return None,
            None => step(case, replacing, &cell, *span, (&touched, &after))?,
        });
        schema = cell.into_inner();
    }
    let is_swap = swaps(script, dialect);
    (!statements.is_empty() && !is_swap).then_some(statements)
}

/// Whether a table takes the place of one that is dropped: what the DOWN would make anew holds the
/// rows, which nobody can copy back without knowing how they were copied.
fn swaps(script: &Script, dialect: Dialect) -> bool {
    let mut dropped: Vec<Name> = Vec::new();
    for statement in &script.statements {
        let change = change::read(script.source.text(), statement.span, dialect);
        match change {
            Ok(Change::Drop(drop)) => {
                dropped.extend(drop.targets.into_iter().map(|one| one.name.name));
            }
            Ok(Change::Rename(rename)) if dropped.contains(&rename.to.name) => return true,
            _ => {}
        }
    }
    false
}

/// The statements that take back one that is no mere renaming. `before` is the schema before it.
fn step(
    case: &Case<'_>,
    replacing: Replacing,
    before: &RefCell<Schema>,
    span: Span,
    (touched, after): (&Touched, &Touched),
) -> Option<Vec<String>> {
    let dialect = case.schema.dialect();
    let original = |key: &Key| original(case, before, key, span);
    let writer = |key| Writer {
        dialect,
        key,
        replacing,
        original: &original,
    };
    let mut drops = Vec::new();
    let mut changes = Vec::new();
    let mut creates = Vec::new();
    for (key, was) in touched {
        match (was, after.get(key).and_then(Option::as_ref)) {
            (None, None) => {}
            (None, Some(is)) if goes_with(is, touched) => {}
            (None, Some(is)) => drops.push((key, is)),
            (Some(was), None) if comes_with(key, was, touched, after) => {}
            (Some(was), None) => creates.push((key, was)),
            (Some(was), Some(is)) => changes.push(writer(key).change(was, is)?),
        }
    }
    drops.sort_by_key(|(_, is)| rank(is));
    creates.sort_by_key(|(_, was)| rank(was));
    let drop = |ranks: std::ops::Range<u8>| {
        let some = drops.iter().filter(|(_, is)| ranks.contains(&rank(is)));
        let some = ordered(some.copied().collect()).into_iter().rev();
        let written = some.map(|(key, is)| writer(key).undo(is, ""));
        written.collect::<Option<Vec<_>>>().map(|all| all.concat())
    };
    let create = |ranks: std::ops::Range<u8>| {
        let some = creates.iter().filter(|(_, was)| ranks.contains(&rank(was)));
        let written = ordered(some.copied().collect()).into_iter();
        let written = written.map(|(key, was)| writer(key).restore(was, ""));
        written.collect::<Option<Vec<_>>>().map(|all| all.concat())
    };
    let (freed, changed): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .map(|one| (one.freed, one.changed))
        .unzip();
    let statements = [
        drop(INDEX + 1..u8::MAX)?,
        freed.concat(),
        drop(INDEX..INDEX + 1)?,
        create(0..INDEX)?,
        changed.concat(),
        drop(0..INDEX)?,
        create(INDEX..u8::MAX)?,
    ];
    Some(statements.concat())
}

/// Whether the statement may have renamed something without saying so, or does so among other
/// things.
fn may_rename(change: &Change, touched: &Touched, after: &Touched) -> bool {
    let is_renaming = |verb: &Verb| match verb {
        Verb::RenameTo(_) | Verb::RenamePart { .. } | Verb::SetSchema(_) => true,
        Verb::Redefine {
            column, definition, ..
        } => column.name != definition.name.name,
        _ => false,
    };
    match change {
        Change::Rename(_) | Change::SetSchema(_) => true,
        Change::AlterTable(alter) => alter.actions.iter().any(|one| is_renaming(&one.verb)),
        Change::AlterType(alter) => alter.actions.iter().any(|action| {
            matches!(
                action,
                TypeAction::RenameValue { .. } | TypeAction::RenameAttribute { .. }
            )
        }),
        Change::Block(_) | Change::Data(_) | Change::Opaque(_) => {
            let mut touched = touched.iter();
            touched.any(
                |(key, was)| match (was, after.get(key).and_then(Option::as_ref)) {
                    (Some(_), None) => true,
                    (Some(was), Some(is)) => match (was.table(), is.table()) {
                        (Some(was), Some(is)) => {
                            let mut columns = was.columns.iter();
                            columns.any(|column| is.column(&column.name).is_none())
                        }
                        _ => false,
                    },
                    _ => false,
                },
            )
        }
        _ => false,
    }
}

const INDEX: u8 = 5;

/// In which order kinds of objects are made.
fn rank(object: &Object) -> u8 {
    match &object.body {
        Body::Schema => 0,
        Body::Extension(_) => 1,
        Body::Enum(_) | Body::Composite(_) | Body::Domain(_) => 2,
        Body::Sequence(_) => 3,
        Body::Table(_) => 4,
        Body::Index(_) => INDEX,
        Body::Routine(_) => 6,
        Body::View(_) => 7,
        Body::Trigger(_) => 8,
        Body::Other(_) | Body::Doubt => 9,
    }
}

/// What is named by others first.
fn ordered<'o>(mut objects: Vec<(&'o Key, &'o Arc<Object>)>) -> Vec<(&'o Key, &'o Arc<Object>)> {
    let mut done: Vec<(&Key, &Arc<Object>)> = Vec::new();
    while !objects.is_empty() {
        let free = objects.iter().position(|(key, object)| {
            let names = object.names();
            !objects
                .iter()
                .any(|(other, _)| other != key && names.contains(*other))
        });
        done.push(objects.remove(free.unwrap_or(0)));
    }
    done
}

/// Whether an object goes with its table or column by itself.
fn goes_with(object: &Object, touched: &Touched) -> bool {
    let is_new = |key: &Key| touched.get(key).is_some_and(|before| before.is_none());
    let is_new_column = |key: &Key, column: &Name| {
        let before = touched.get(key).and_then(|before| before.as_ref());
        let before = before.and_then(|before| before.table());
        is_new(key) || before.is_some_and(|before| before.column(column).is_none())
    };
    match &object.body {
        Body::Index(index) => index.constraint.is_some() || is_new(&index.table),
        Body::Sequence(sequence) => {
            sequence.identity
                || sequence
                    .owned_by
                    .as_ref()
                    .is_some_and(|(table, column)| is_new_column(table, column))
        }
        Body::Trigger(trigger) => is_new(&trigger.table),
        Body::Other(other) => other.table.as_ref().is_some_and(is_new),
        _ => false,
    }
}

/// Whether an object comes with its table, column or constraint by itself.
fn comes_with(key: &Key, object: &Object, touched: &Touched, after: &Touched) -> bool {
    match &object.body {
        Body::Index(index) => index.constraint.is_some(),
        Body::Sequence(sequence) => {
            let column = sequence.owned_by.as_ref().and_then(|(table, column)| {
                let table = touched.get(table)?.as_ref()?.table()?;
                table.column(column)
            });
            let draws = column.is_some_and(|column| column.draws_from.as_ref() == Some(key));
            let is_gone = sequence.owned_by.as_ref().is_some_and(|(table, column)| {
                after.get(table).is_some_and(|table| {
                    let table = table.as_ref().and_then(|table| table.table());
                    table.is_none_or(|table| table.column(column).is_none())
                })
            });
            sequence.identity || draws && is_gone
        }
        _ => false,
    }
}

/// The statement of an earlier migration, or before `until` in this one, that makes the object of
/// that key as it is in `schema`.
fn original(case: &Case<'_>, schema: &RefCell<Schema>, key: &Key, until: Span) -> Option<String> {
    let dialect = case.schema.dialect();
    let wanted = key.name.as_str().to_ascii_lowercase();
    let own = (&case.migration.up, until.start);
    let earlier = case.earlier.iter().rev().map(|one| (&one.up, u32::MAX));
    for (script, until) in std::iter::once(own).chain(earlier) {
        let text = script.source.text();
        for statement in script.statements.iter().rev() {
            let words = statement.span.of(text);
            if statement.span.start >= until || !words.to_ascii_lowercase().contains(&wanted) {
                continue;
            }
            let change = match change::read(text, statement.span, dialect) {
                Ok(change) => change,
                Err(_) => continue,
            };
            if makes(&change, key, &mut schema.borrow_mut(), statement.span) {
                return Some(format!("{};", words.trim_end_matches([';', ' ', '\n'])));
            }
        }
    }
    None
}

/// Whether a statement makes the object of that key as it is in the schema, which stays as it is.
fn makes(change: &Change, key: &Key, schema: &mut Schema, span: Span) -> bool {
    let is_creation = matches!(
        change,
        Change::CreateTable(_)
            | Change::CreateIndex(_)
            | Change::CreateView(_)
            | Change::CreateSequence(_)
            | Change::CreateType(_)
            | Change::CreateDomain(_)
            | Change::CreateRoutine(_)
            | Change::CreateTrigger(_)
            | Change::CreateOther(_)
            | Change::CreateSchema(_)
            | Change::CreateExtension(_)
    );
    let Some(wanted) = schema.get(key).cloned().filter(|_| is_creation) else {
        return false;
    };
    let mark = schema.mark();
    schema.put(key.clone(), None);
    let outcome = replay::apply(schema, &mut Session::default(), change, span);
    let made = schema.get(key).cloned();
    schema.undo(mark);
    let bare = Object::new(wanted.body.clone());
    let is_same = |made: Arc<Object>| {
        let made = Object::new(made.body.clone());
        compare(key, Some(&bare), Some(&made), schema.dialect()).is_empty()
    };
    outcome.findings.is_empty() && made.is_some_and(is_same)
}

/// Those statements without which the schema would not come back.
fn needed(case: &Case<'_>, schema: &mut Schema, mut statements: Vec<String>) -> Vec<String> {
    statements.dedup();
    if statements.len() > MANY {
        return statements;
    }
    loop {
        let many = statements.len();
        let mut at = 0;
        while at < statements.len() && statements.len() > 1 {
            let mut fewer = statements.clone();
            fewer.remove(at);
            match gives_back(case, schema, &fewer) {
                true => statements = fewer,
                false => at += 1,
            }
        }
        // What was needed by another that is gone may be needed no more.
        if statements.len() == many {
            return statements;
        }
    }
}

/// Whether the statements, behind the UP, give back the schema before it. That stays as it is.
fn gives_back(case: &Case<'_>, schema: &mut Schema, statements: &[String]) -> bool {
    let start = case.start;
    let mark = schema.mark();
    let mut session = case.session_of_down();
    let runs = statements.iter().all(|text| {
        let span = Span::new(0..text.trim_end_matches(';').len());
        let Ok(change) = change::read(text, span, schema.dialect()) else {
            return false;
        };
        let outcome = replay::apply(schema, &mut session, &change, span);
        outcome.findings.is_empty() && outcome.unknowns.is_empty()
    });
    let gives_back = runs && differences(schema, start).is_empty();
    schema.undo(mark);
    gives_back
}
