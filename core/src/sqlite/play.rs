//! One migration after the other: what is played, and what follows from how it went.

mod part;

use std::collections::{BTreeSet, HashMap};

use super::catalogue::{Catalogue, Key, Kind, Object, Objects, Rows};
use super::compare::{self, Comparison, Leftover};
use super::explain::{self, Setting};
use super::inverse::{self, Suggestion};
use super::judge::Knowledge;
use super::stage::{Stage, Theatre};
use super::words::{self, Line};
use super::{Outcome, Rehearsal};
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::migration::{ForeignKeys, Migration, Script};
use crate::options::Options;
use crate::set::Set;
use crate::source::Source;

/// Plays all migrations.
pub(super) fn play(set: &Set, options: &Options) -> Vec<Rehearsal> {
    let mut chain = Chain {
        set,
        theatre: Theatre::default(),
        catalogue: Catalogue::new(set.dialect),
        known: Knowledge::new(set, options),
    };
    let mut rehearsals = Vec::new();
    for (index, migration) in set.migrations.iter().enumerate() {
        let mut rehearsal = chain.play(index, migration);
        for diagnostic in &mut rehearsal.diagnostics {
            diagnostic.migration = Some(migration.id.clone());
        }
        rehearsals.push(rehearsal);
    }
    rehearsals
}

/// The migrations so far.
struct Chain<'s> {
    set: &'s Set,
    theatre: Theatre,
    catalogue: Catalogue,
    known: Knowledge<'s>,
}

/// How a section went.
#[derive(Default)]
pub(super) struct Played {
    diagnostics: Vec<Diagnostic>,
    /// Why it is not known how it went, for each statement of which it is not.
    unknown: Vec<String>,
    /// Objects that nothing is known of from here on.
    pub(super) unsure: BTreeSet<String>,
    pub(super) are_rows_unsure: bool,
    /// A statement that failed for the sake of foreign keys. Nothing was played behind it.
    foreign_keys: Option<Box<Diagnostic>>,
}

impl Played {
    fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// A section of a migration with its place in the set.
#[derive(Clone, Copy)]
pub(super) struct Part<'p> {
    pub(super) index: usize,
    pub(super) migration: &'p Migration,
    script: &'p Script,
    pub(super) section: Section,
    pub(super) lines: &'p [Line<'p>],
}

impl<'p> Part<'p> {
    /// The file of the section.
    pub(super) fn source(&self) -> &'p Source {
        &self.script.source
    }
}

/// The statements of a migration.
struct Lines<'m> {
    up: Vec<Line<'m>>,
    down: Option<Vec<Line<'m>>>,
}

/// How it went to play a migration with or without foreign keys.
enum Attempt {
    /// It is known how it went, and what the next migration finds.
    Done(Box<Rehearsal>, Option<Effects>),
    /// It failed for the sake of foreign keys.
    ForeignKeys(Box<Diagnostic>),
}

impl Attempt {
    fn done(rehearsal: Rehearsal) -> Attempt {
        Attempt::Done(Box::new(rehearsal), None)
    }
}

/// What a migration leaves behind.
struct Effects {
    before: Objects,
    after: Objects,
    rows: Vec<(String, Rows)>,
    /// The broken ones among the views and triggers, where that may have changed.
    broken: Option<Vec<Key>>,
}

impl Chain<'_> {
    /// Plays a migration. Whether foreign keys are on is the application's decision, so what fails
    /// for their sake alone is no mistake; it is played without them, and said.
    fn play(&mut self, index: usize, migration: &Migration) -> Rehearsal {
        let dialect = self.set.dialect;
        let script = Lines {
            up: words::lines(&migration.up, dialect),
            down: migration
                .down
                .as_ref()
                .map(|down| words::lines(down, dialect)),
        };
        let (rehearsal, effects) =
            match self.attempt(index, migration, migration.foreign_keys, &script) {
                Attempt::Done(rehearsal, effects) => (*rehearsal, effects),
                Attempt::ForeignKeys(diagnostic) => {
                    match self.attempt(index, migration, ForeignKeys::Off, &script) {
                        Attempt::Done(mut rehearsal, effects) => {
                            if matches!(
                                rehearsal.outcome,
                                Outcome::Reverts | Outcome::ColumnOrderOnly
                            ) {
                                rehearsal.outcome = Outcome::Unknown(
                                    "it fails where foreign keys are on".to_owned(),
                                );
                            }
                            rehearsal.diagnostics.insert(0, *diagnostic);
                            (*rehearsal, effects)
                        }
                        Attempt::ForeignKeys(_) => unreachable!("they are off"),
                    }
                }
            };
        if let Some(effects) = effects {
            self.take_over(index, effects);
        }
        rehearsal
    }

    fn attempt(
        &mut self,
        index: usize,
        migration: &Migration,
        foreign_keys: ForeignKeys,
        script: &Lines<'_>,
    ) -> Attempt {
        let checks = migration
            .checks_before
            .iter()
            .chain(&migration.checks_after);
        let checks: Vec<_> = checks
            .map(|check| {
                words::line(
                    migration.source().text(),
                    &check.statement,
                    self.set.dialect,
                )
            })
            .collect();
        let all: Vec<&Line<'_>> = script
            .up
            .iter()
            .chain(script.down.iter().flatten())
            .chain(&checks)
            .collect();
        if self.theatre.is_over() {
            return Attempt::done(
                self.give_up(&all, "the migrations take longer than a build should"),
            );
        }
        let Ok(stage) = self.theatre.open(foreign_keys) else {
            return Attempt::done(self.give_up(&all, "SQLite could not be started"));
        };
        let load = self.catalogue.load(&all);
        for key in stage.load(&load) {
            self.known.unsure.insert(key.name.clone());
        }
        let unsure = all
            .iter()
            .flat_map(|line| line.names())
            .find(|name| self.known.unsure.contains(name));
        let mut ends = Ends {
            has_rows: !load.rows.is_empty(),
            hollow: load.hollow.clone(),
            rows: load
                .rows
                .iter()
                .map(|(table, rows)| ((*table).to_owned(), (*rows).clone()))
                .collect(),
            ..Ends::default()
        };
        ends.before = stage.objects();
        ends.unknown = unsure.map(|name| format!("it is not known what `{name}` is by now"));
        let attempt = self.attempt_on(&stage, index, migration, script, ends);
        match stage.is_lost() {
            true => Attempt::done(self.give_up(&all, "it leaves SQLite confused")),
            false => attempt,
        }
    }

    fn attempt_on(
        &mut self,
        stage: &Stage,
        index: usize,
        migration: &Migration,
        script: &Lines<'_>,
        mut ends: Ends,
    ) -> Attempt {
        let up = Part {
            index,
            migration,
            script: &migration.up,
            section: Section::Up,
            lines: &script.up,
        };
        let mut played = self.play_checks(stage, up, &migration.checks_before);
        self.play_part(stage, up, &mut played);
        if let Some(diagnostic) = played.foreign_keys {
            return Attempt::ForeignKeys(diagnostic);
        }
        let checked = self.play_checks(stage, up, &migration.checks_after);
        played.diagnostics.extend(checked.diagnostics);
        ends.after = stage.objects();
        ends.has_rows |= script.up.iter().any(Line::writes);
        let effects = Some(self.effects(stage, &ends));
        self.known.unsure.extend(std::mem::take(&mut played.unsure));
        self.known.are_rows_unsure |= played.are_rows_unsure;

        ends.unknown = played.unknown.first().cloned().or(ends.unknown);
        let done = |outcome, suggestion, diagnostics| {
            Box::new(Rehearsal {
                outcome,
                diagnostics,
                suggestion,
            })
        };
        if played.has_errors() {
            return Attempt::Done(done(Outcome::UpFails, None, played.diagnostics), effects);
        }
        let (Some(down_script), Some(lines)) = (&migration.down, &script.down) else {
            let Ends {
                before,
                after,
                unknown,
                ..
            } = ends;
            let outcome = match (&migration.irreversible, unknown) {
                (Some(_), _) => Outcome::Irreversible,
                (None, Some(because)) => Outcome::Unknown(because),
                (None, None) if self.compare(&before, &after).is_equal() => Outcome::Reverts,
                (None, None) => Outcome::Missing,
            };
            let suggestion = match outcome {
                Outcome::Missing => self.suggest(&before, &after),
                _ => None,
            };
            let suggestion = suggestion.map(Suggestion::into_text);
            return Attempt::Done(done(outcome, suggestion, played.diagnostics), effects);
        };
        let down = Part {
            script: down_script,
            section: Section::Down,
            lines,
            ..up
        };
        match self.play_back(stage, up, down, ends) {
            Ok(mut rehearsal) => {
                rehearsal.diagnostics.splice(..0, played.diagnostics);
                Attempt::Done(Box::new(rehearsal), effects)
            }
            Err(diagnostic) => Attempt::ForeignKeys(diagnostic),
        }
    }

    /// DOWN, and where that is not certain to work, UP again.
    ///
    /// # Errors
    /// When the DOWN fails for the sake of foreign keys.
    fn play_back(
        &mut self,
        stage: &Stage,
        up: Part<'_>,
        down: Part<'_>,
        ends: Ends,
    ) -> Result<Rehearsal, Box<Diagnostic>> {
        let mut played = Played::default();
        self.play_part(stage, down, &mut played);
        if let Some(diagnostic) = played.foreign_keys {
            return Err(diagnostic);
        }
        if played.has_errors() {
            let suggestion = self.suggest(&ends.before, &ends.after);
            explain::add_suggestion(
                &mut played.diagnostics,
                suggestion.as_ref(),
                up.migration.foreign_keys,
            );
            return Ok(Rehearsal {
                outcome: Outcome::DownFails,
                diagnostics: played.diagnostics,
                suggestion: suggestion.map(Suggestion::into_text),
            });
        }
        let restored = stage.objects();
        let mut comparison = self.compare(&ends.before, &restored);
        let is_sure = |leftover: &Leftover| {
            let table = [&ends.before, &ends.after, &restored]
                .into_iter()
                .find_map(|objects| {
                    objects
                        .get(&Key::of(leftover.kind, &leftover.name))
                        .map(|object| object.table.clone())
                });
            let mut names = [
                leftover.name.to_ascii_lowercase(),
                table.unwrap_or_default(),
            ]
            .into_iter();
            !names.any(|name| self.known.unsure.contains(&name) || played.unsure.contains(&name))
        };
        let count = comparison.leftovers.len();
        comparison.leftovers.retain(is_sure);
        let is_unsure = comparison.leftovers.len() < count;
        let unknown = ends
            .unknown
            .clone()
            .or_else(|| played.unknown.first().cloned());
        if !comparison.leftovers.is_empty() {
            let leftovers = comparison.leftovers;
            return Ok(self.broken(up, down, &ends, &restored, leftovers, played.diagnostics));
        }
        let mut outcome = match unknown {
            Some(because) => Outcome::Unknown(because),
            None if is_unsure => {
                Outcome::Unknown("it is not known what its tables are by now".to_owned())
            }
            None if !comparison.respelt.is_empty() => Outcome::Unknown(format!(
                "`{}` comes back in another spelling",
                comparison.respelt.join("`, `")
            )),
            None if !comparison.reordered.is_empty() => Outcome::ColumnOrderOnly,
            None => Outcome::Reverts,
        };
        let mut diagnostics = played.diagnostics;
        if outcome == Outcome::ColumnOrderOnly {
            diagnostics.push(explain::reordered(&setting(down), &comparison.reordered));
        }
        // The same statements on the same schema and the same rows have the same result.
        let is_certain = comparison.is_equal() && self.has_same_rows(stage, down, &ends, &restored);
        if !is_certain && matches!(outcome, Outcome::Reverts | Outcome::ColumnOrderOnly) {
            let mut again = Played::default();
            self.play_part(stage, up, &mut again);
            let errors = again
                .diagnostics
                .into_iter()
                .filter(|found| found.severity == Severity::Error);
            if let Some(failed) = errors.chain(again.foreign_keys.map(|found| *found)).next() {
                diagnostics.push(explain::not_again(failed));
            } else if !again.unknown.is_empty()
                || !self
                    .compare(&ends.after, &stage.objects())
                    .leftovers
                    .is_empty()
            {
                outcome =
                    Outcome::Unknown("the UP does something else when it runs again".to_owned());
            }
        }
        Ok(Rehearsal {
            outcome,
            diagnostics,
            suggestion: None,
        })
    }

    fn broken(
        &self,
        up: Part<'_>,
        down: Part<'_>,
        ends: &Ends,
        restored: &Objects,
        leftovers: Vec<Leftover>,
        mut diagnostics: Vec<Diagnostic>,
    ) -> Rehearsal {
        let suggestion = self.suggest(&ends.before, &ends.after);
        let mut found: Vec<_> = leftovers
            .iter()
            .map(|leftover| {
                let key = Key::of(leftover.kind, &leftover.name);
                let scene = explain::Scene {
                    up: setting(up),
                    down: setting(down),
                    was: ends.before.get(&key),
                    between: ends.after.get(&key),
                    now: restored.get(&key),
                };
                explain::incomplete(&scene, leftover, self.set.dialect)
            })
            .collect();
        explain::add_suggestion(&mut found, suggestion.as_ref(), up.migration.foreign_keys);
        diagnostics.extend(found);
        Rehearsal {
            outcome: Outcome::Broken(leftovers),
            diagnostics,
            suggestion: suggestion.map(Suggestion::into_text),
        }
    }

    fn suggest(&self, before: &Objects, after: &Objects) -> Option<Suggestion> {
        inverse::suggest(before, after, &self.theatre, self.set.dialect)
    }

    fn compare(&self, before: &Objects, after: &Objects) -> Comparison {
        compare::compare(before, after, &self.theatre, self.set.dialect)
    }

    /// What nobody can tell is not told, and what depends on it neither.
    fn give_up(&mut self, lines: &[&Line<'_>], because: &str) -> Rehearsal {
        self.known
            .unsure
            .extend(lines.iter().flat_map(|line| line.relations()));
        Rehearsal {
            outcome: Outcome::Unknown(because.to_owned()),
            diagnostics: Vec::new(),
            suggestion: None,
        }
    }

    fn has_same_rows(
        &self,
        stage: &Stage,
        down: Part<'_>,
        ends: &Ends,
        restored: &Objects,
    ) -> bool {
        if !ends.has_rows && !down.lines.iter().any(Line::writes) {
            return true;
        }
        tables(restored, &ends.hollow).all(|table| {
            let none = Rows::default();
            let was = ends.rows.get(&table.table).unwrap_or(&none);
            stage.rows(table) == (was.clone(), true)
        })
    }

    fn effects(&mut self, stage: &Stage, ends: &Ends) -> Effects {
        let (before, after) = (&ends.before, &ends.after);
        let mut rows = Vec::new();
        for table in tables(after, &ends.hollow).filter(|_| ends.has_rows) {
            let (found, are_all) = stage.rows(table);
            self.known.are_rows_unsure |= !are_all;
            rows.push((table.table.clone(), found));
        }
        let looks = |object: &Object| matches!(object.kind, Kind::View | Kind::Trigger);
        let may_break = before != after && after.values().any(looks);
        Effects {
            before: before.clone(),
            after: after.clone(),
            rows,
            broken: may_break.then(|| stage.broken()),
        }
    }

    /// Lets the next migration find what this one leaves behind.
    fn take_over(&mut self, index: usize, effects: Effects) {
        let Effects {
            before,
            after,
            rows,
            broken,
        } = effects;
        for key in before.keys().filter(|key| !after.contains_key(key)) {
            self.known.removed.insert(key.clone(), index);
        }
        self.catalogue.update(&before, &after);
        for (table, rows) in rows {
            self.catalogue.set_rows(&table, rows);
        }
        if let Some(broken) = broken {
            self.catalogue.set_broken(&after, broken);
        }
    }
}

/// What a migration begins and ends with.
#[derive(Default)]
struct Ends {
    before: Objects,
    after: Objects,
    /// The rows that there are before.
    rows: HashMap<String, Rows>,
    /// Tables whose rows are left out.
    hollow: BTreeSet<String>,
    /// Whether there can be rows at all.
    has_rows: bool,
    /// Why it is not known what it does.
    unknown: Option<String>,
}

/// The tables whose rows are known.
fn tables<'o>(objects: &'o Objects, hollow: &BTreeSet<String>) -> impl Iterator<Item = &'o Object> {
    objects.values().filter(|object| {
        object.kind == Kind::Table && !object.is_virtual && !hollow.contains(&object.table)
    })
}

/// The part as those see it who explain.
pub(super) fn setting<'p>(part: Part<'p>) -> Setting<'p> {
    Setting {
        source: &part.script.source,
        section: part.section,
        lines: part.lines,
    }
}
