//! Runs UP and DOWN on the model and judges what comes out.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compare::{Unlike, compare};
use super::external::Externals;
use super::later::Lookout;
use super::{Difference, Leftover, Proof, Verdict, report, undo};
use crate::change::{self, Change, Name};
use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::{Dialect, Family};
use crate::migration::{Migration, Script};
use crate::replay::{self, Finding, Session};
use crate::rule::{Rules, Step};
use crate::schema::{Body, Class, Entry, Extension, Key, Mark, Object, Schema};
use crate::source::Span;

/// The schema before the first migration.
pub(super) fn empty(dialect: Dialect) -> Schema {
    let mut schema = Schema::new(dialect);
    let name = |text: &str| Name::new(text, dialect);
    if dialect.modelling().family == Family::Postgres {
        let public = Key::new(Class::Schema, name(""), name("public"));
        schema.put(public, Some(Object::new(Body::Schema)));
        let plpgsql = Key::new(Class::Extension, name(""), name("plpgsql"));
        schema.put(
            plpgsql,
            Some(Object::new(Body::Extension(Extension { schema: None }))),
        );
    }
    schema.forget();
    schema
}

/// One section, replayed.
#[derive(Default)]
pub(super) struct Ran {
    /// For each statement its place and where the journal stood before it.
    pub(super) steps: Vec<(Span, Mark)>,
    /// What the statements do, up to the first that is refused.
    changes: Vec<Step>,
    pub(super) findings: Vec<(Finding, Span)>,
    pub(super) errors: Vec<change::SyntaxError>,
    /// Why nothing can be proven.
    pub(super) unknowns: Vec<String>,
    /// Names of which the model lost sight.
    pub(super) doubts: BTreeSet<Name>,
    /// Whether it lost sight of everything.
    pub(super) anything: bool,
    pub(super) opaque: usize,
    /// Names that statements take away, each with its statement.
    pub(super) taken: Vec<(Name, Span)>,
    /// Tables into which rows were put.
    inserted: BTreeSet<Key>,
    /// Whether a statement was followed of which the effect is a change of the schema.
    stopped: bool,
}

/// Replays a migration, and proves its way back. The schema is then the one after its UP.
pub(super) fn prove(
    schema: &mut Schema,
    (migration, earlier): (&Migration, &[Migration]),
    rules: &mut Rules<'_>,
    lookout: &mut Lookout,
    externals: &mut Externals,
) -> (Proof, Vec<Diagnostic>) {
    externals.begin(migration, schema);
    let start = schema.mark();
    let up = run(
        schema,
        &migration.up,
        AfterError::GoOn,
        start,
        BTreeSet::new(),
    );
    let middle = schema.mark();
    let down = migration.down.as_ref().map(|down| {
        let inserted = up.inserted.clone();
        run(schema, down, AfterError::Stop, start, inserted)
    });
    let unlike = differences(schema, start);
    let is_up_refused = !up.findings.is_empty() || !up.errors.is_empty();
    let changes = down.as_ref().filter(|_| !is_up_refused);
    let changes = changes.map_or(&[][..], |down| &down.changes);
    let judged = rules.judge(migration, schema, start, &up.changes, changes);
    let last = schema.mark();
    let entries: Vec<Entry> = schema.between(middle, last).to_vec();
    schema.undo(middle);

    let case = Case {
        schema,
        migration,
        earlier,
        start,
        up: &up,
        down: down.as_ref(),
        down_entries: &entries,
        middle,
    };
    let verdict = case.verdict(unlike);
    let (mut diagnostics, lacking) = report::diagnose(&case, &verdict);
    lookout.look(&case, lacking);
    diagnostics.extend(externals.judge(&case));
    diagnostics.extend(judged);
    diagnostics.extend(rules.judge_proof(migration, &verdict));
    let statements = migration.up.statements.len()
        + migration
            .down
            .as_ref()
            .map_or(0, |down| down.statements.len());
    let is_asked = migration.down.is_none() && migration.irreversible.is_none();
    let suggestion = match is_asked && !is_up_refused {
        true => undo::whole_down(&case),
        false => None,
    };
    let proof = Proof {
        suggestion: suggestion.map(|down| format!("-- DOWN MIGRATION\n{down}\n")),
        verdict,
        statements,
        opaque: up.opaque + down.as_ref().map_or(0, |down| down.opaque),
    };
    schema.forget();
    (proof, diagnostics)
}

/// What happens behind a statement that the engine refuses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterError {
    /// The model doubts what the statement names, and goes on.
    GoOn,
    /// Nothing more is replayed.
    Stop,
}

pub(super) fn run(
    schema: &mut Schema,
    script: &Script,
    after_error: AfterError,
    began: Mark,
    inserted_before: BTreeSet<Key>,
) -> Ran {
    let dialect = schema.dialect();
    let text = script.source.text();
    let mut session = Session {
        began: Some(began),
        inserted_before,
        ..Session::default()
    };
    let mut ran = Ran::default();
    for statement in &script.statements {
        if ran.stopped {
            break;
        }
        let span = statement.span;
        let before = schema.mark();
        ran.steps.push((span, before));
        let change = match &statement.unchecked {
            Some(_) => Change::Opaque(change::unread(
                text,
                span,
                dialect,
                "a statement is unchecked",
            )),
            None => match change::read(text, span, dialect) {
                Ok(change) => change,
                Err(error) => {
                    ran.errors.push(error);
                    Change::Opaque(change::unread(
                        text,
                        span,
                        dialect,
                        "a statement cannot be read",
                    ))
                }
            },
        };
        for (extension, word, _) in change::extensions(text, span, dialect) {
            if replay::assume_extension(schema, &extension) {
                ran.unknowns.push(format!(
                    "`{word}` belongs to the extension `{extension}`, which no migration makes"
                ));
            }
        }
        match &change {
            Change::Drop(drop) => {
                let names = drop.targets.iter().map(|one| one.name.name.clone());
                ran.taken.extend(names.map(|name| (name, span)));
            }
            Change::Rename(rename) => ran.taken.push((rename.target.name.name.clone(), span)),
            _ => {}
        }
        let mut outcome = replay::apply(schema, &mut session, &change, span);
        ran.opaque += usize::from(match &change {
            Change::Opaque(_) => true,
            Change::Block(_) => !outcome.unknowns.is_empty(),
            _ => false,
        });
        if !outcome.unknowns.is_empty() {
            let mentions = change::unread(text, span, dialect, "");
            ran.anything |= match &change {
                Change::Opaque(opaque) => opaque.anything,
                Change::Data(_) | Change::Block(_) => outcome.anything,
                _ => false,
            };
            ran.doubts.extend(mentions.mentions);
        }
        ran.unknowns
            .extend(outcome.unknowns.drain(..).map(|unknown| unknown.why));
        if let Some(finding) = outcome.findings.into_iter().next() {
            ran.stopped = after_error == AfterError::Stop;
            if after_error == AfterError::GoOn {
                let opaque = change::unread(text, span, dialect, "a statement is refused");
                replay::apply(schema, &mut session, &Change::Opaque(opaque), span);
            }
            ran.findings.push((finding, span));
        }
        if ran.findings.is_empty() && ran.errors.is_empty() {
            let after = schema.mark();
            ran.changes.push(Step {
                change,
                before,
                after,
            });
        }
    }
    ran.inserted = session.inserted;
    ran
}

/// What differs between the schema at `start` and now.
pub(super) fn differences(schema: &Schema, start: Mark) -> Vec<(Key, Unlike)> {
    let touched = schema.touched(start);
    let gone = |key: &Key| {
        let before = touched.get(key).map(|before| before.is_some());
        let now = schema.has(key);
        before.is_some_and(|before| before != now)
    };
    let mut found = Vec::new();
    for (key, before) in &touched {
        let now = schema.get(key);
        // What comes or goes with its table is not worth a word of its own.
        let table = before.as_ref().or(now).and_then(|object| table_of(object));
        if table.is_some_and(|table| gone(&table) && before.is_some() != now.is_some()) {
            continue;
        }
        let unlike = compare(
            key,
            before.as_deref(),
            now.map(Arc::as_ref),
            schema.dialect(),
        );
        let owner = before.as_ref().or(now).and_then(|object| table_of(object));
        // A table that is not known whole may be a part of another, and its indexes with it.
        let known = owner
            .as_ref()
            .and_then(|owner| schema.get(owner))
            .is_none_or(|table| !table.is_open());
        let owner = owner.map(|table| table.name);
        found.extend(unlike.into_iter().map(|unlike| {
            let owner = owner.clone();
            let sure = unlike.sure && known;
            (
                key.clone(),
                Unlike {
                    owner,
                    sure,
                    ..unlike
                },
            )
        }));
    }
    found
}

/// The table with which an object comes and goes.
fn table_of(object: &Object) -> Option<Key> {
    match &object.body {
        Body::Index(index) => Some(index.table.clone()),
        Body::Trigger(trigger) => Some(trigger.table.clone()),
        Body::Sequence(sequence) => sequence.owned_by.as_ref().map(|(table, _)| table.clone()),
        Body::Other(other) => other.table.clone(),
        _ => None,
    }
}

/// A migration that was replayed in both directions; the schema is the one after its UP.
pub(super) struct Case<'c> {
    pub(super) schema: &'c Schema,
    pub(super) migration: &'c Migration,
    /// Those before it.
    pub(super) earlier: &'c [Migration],
    pub(super) start: Mark,
    pub(super) middle: Mark,
    pub(super) up: &'c Ran,
    pub(super) down: Option<&'c Ran>,
    pub(super) down_entries: &'c [Entry],
}

impl Case<'_> {
    /// What a DOWN knows when it begins.
    pub(super) fn session_of_down(&self) -> Session {
        Session {
            began: Some(self.start),
            inserted_before: self.up.inserted.clone(),
            ..Session::default()
        }
    }

    fn verdict(&self, unlike: Vec<(Key, Unlike)>) -> Verdict {
        if self.migration.irreversible.is_some() {
            return Verdict::Irreversible;
        }
        if !self.up.findings.is_empty() || !self.up.errors.is_empty() {
            return Verdict::Unproven(vec!["the UP is refused".to_owned()]);
        }
        let mut reasons = self.up.unknowns.clone();
        reasons.extend(self.migration.step.as_deref().map(super::of_step));
        let Some(down) = self.down else {
            let changes = unlike.iter().any(|(key, unlike)| self.is_sure(key, unlike));
            if changes {
                return Verdict::Missing;
            }
            reasons.extend(unlike.iter().map(|(key, unlike)| cannot_prove(key, unlike)));
            return unproven(reasons);
        };
        if !down.findings.is_empty() || !down.errors.is_empty() {
            return Verdict::Broken(Vec::new());
        }
        reasons.extend(down.unknowns.iter().cloned());
        let (sure, unsure): (Vec<_>, Vec<_>) = unlike
            .into_iter()
            .partition(|(key, unlike)| self.is_sure(key, unlike));
        if !sure.is_empty() {
            let leftovers = sure
                .into_iter()
                .map(|(key, unlike)| self.leftover(key, unlike))
                .collect();
            return Verdict::Broken(leftovers);
        }
        reasons.extend(unsure.iter().map(|(key, unlike)| cannot_prove(key, unlike)));
        unproven(reasons)
    }

    /// Whether a difference is there whatever the statements do that are not modelled.
    fn is_sure(&self, key: &Key, unlike: &Unlike) -> bool {
        if !unlike.sure {
            return false;
        }
        let part = unlike.part.rsplit(' ').next().unwrap_or_default();
        let table = unlike.owner.as_ref();
        // What the DOWN does out of sight may undo anything.
        if self.down.is_some_and(|down| down.anything) {
            return false;
        }
        let mut sections = [Some(self.up), self.down].into_iter().flatten();
        !sections.any(|ran| {
            ran.doubts.contains(&key.name)
                || key
                    .within
                    .as_ref()
                    .is_some_and(|table| ran.doubts.contains(table))
                || table.is_some_and(|table| ran.doubts.contains(table))
                || (!part.is_empty() && ran.doubts.iter().any(|name| name.as_str() == part))
        })
    }

    fn leftover(&self, key: Key, unlike: Unlike) -> Leftover {
        let up = self.schema.between(self.start, self.middle);
        let made_by = self.blame(&key, &unlike, up, self.up);
        let undone_by = self
            .down
            .and_then(|down| self.blame_last(&key, self.down_entries, down));
        let undo = undo::statements(self, &key, &unlike);
        Leftover {
            key,
            part: unlike.part,
            difference: unlike.difference,
            made_by,
            undone_by,
            undo,
        }
    }

    /// The statement that changed this part of the object.
    fn blame(&self, key: &Key, unlike: &Unlike, entries: &[Entry], ran: &Ran) -> Option<Span> {
        let mut after = self.schema.get(key).cloned();
        let mut last = None;
        for (at, entry) in entries.iter().enumerate().rev() {
            if entry.key != *key {
                continue;
            }
            let changed = compare(
                key,
                entry.before.as_deref(),
                after.as_deref(),
                self.schema.dialect(),
            );
            if unlike.part.is_empty() || changed.iter().any(|other| other.part == unlike.part) {
                last = statement_at(ran, self.start, at);
            }
            after = entry.before.clone();
        }
        last
    }

    fn blame_last(&self, key: &Key, entries: &[Entry], ran: &Ran) -> Option<Span> {
        let at = entries.iter().rposition(|entry| entry.key == *key)?;
        statement_at(ran, self.middle, at)
    }
}

/// The statement that wrote the entry at that place behind `from`.
pub(super) fn statement_at(ran: &Ran, from: Mark, at: usize) -> Option<Span> {
    ran.steps
        .iter()
        .rev()
        .find(|(_, mark)| mark.behind(from) <= at)
        .map(|(span, _)| *span)
}

fn unproven(mut reasons: Vec<String>) -> Verdict {
    reasons.dedup();
    match reasons.is_empty() {
        true => Verdict::Proven,
        false => Verdict::Unproven(reasons),
    }
}

fn cannot_prove(key: &Key, unlike: &Unlike) -> String {
    let place = match unlike.part.is_empty() {
        true => format!("`{}`", key.name),
        false => format!("`{}` of `{}`", unlike.part, key.name),
    };
    match &unlike.difference {
        Difference::Restored {
            attribute,
            before,
            after,
        } => format!("cannot prove equal: {attribute} of {place}, `{before}` and `{after}`"),
        Difference::NotUndone => format!("whether {place} is left over is not known"),
        Difference::NotRestored => format!("whether {place} comes back is not known"),
    }
}

/// The section of a script.
pub(super) fn sections<'c>(case: &Case<'c>) -> Vec<(Section, &'c Script, &'c Ran)> {
    let mut sections = vec![(Section::Up, &case.migration.up, case.up)];
    if let (Some(script), Some(ran)) = (&case.migration.down, case.down) {
        sections.push((Section::Down, script, ran));
    }
    sections
}
