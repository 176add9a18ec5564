//! Who makes, before or behind it, what a statement does not find.
//!
//! Nothing is looked for as long as no statement misses anything. What is made later is seen in the
//! journal when its migration is replayed; what was there before is read off the statements that
//! took it away.

use std::cell::OnceCell;

use super::run::{Case, statement_at};
use crate::change::{self, Change, Kind, Name, Verb};
use crate::diagnostic::{Diagnostic, Section};
use crate::migration::Migration;
use crate::replay::Missing;
use crate::schema::Class;
use crate::set::Set;
use crate::source::{Source, Span};

/// A statement that misses something.
pub(super) struct Lacking {
    pub(super) missing: Missing,
    pub(super) section: Section,
    pub(super) statement: Span,
    /// The place of its diagnostic among those of its migration.
    pub(super) at: usize,
}

/// Looks out for whoever makes what statements miss.
#[derive(Default)]
pub(super) struct Lookout {
    waiting: Vec<Lacking>,
    found: Vec<(Lacking, Maker)>,
    /// How many diagnostics stand before those of the migration that is replayed.
    behind: usize,
}

struct Maker {
    id: String,
    source: Source,
    place: Span,
    /// Whether it is the migration that misses it.
    same: bool,
}

impl Lookout {
    /// So many diagnostics were found before the next migration.
    pub(super) fn behind(&mut self, diagnostics: usize) {
        self.behind = diagnostics;
    }

    /// Looks through what a migration makes, and notes what its own statements miss.
    pub(super) fn look(&mut self, case: &Case<'_>, lacking: Vec<Lacking>) {
        let own = self.waiting.len();
        let at = self.behind;
        self.waiting
            .extend(lacking.into_iter().map(|lacking| Lacking {
                at: at + lacking.at,
                ..lacking
            }));
        let waiting = std::mem::take(&mut self.waiting);
        for (index, lacking) in waiting.into_iter().enumerate() {
            let same = index >= own;
            // A DOWN runs when all of its UP has run.
            let place = match same && lacking.section == Section::Down {
                true => None,
                false => making(case, &lacking, same),
            };
            match place {
                Some(place) => self.found.push((
                    lacking,
                    Maker {
                        id: case.migration.id.clone(),
                        source: case.migration.up.source.clone(),
                        place,
                        same,
                    },
                )),
                None => self.waiting.push(lacking),
            }
        }
    }

    /// Adds to the diagnostics what was seen.
    pub(super) fn tell(self, set: &Set, diagnostics: &mut [Diagnostic]) {
        for (lacking, maker) in self.found {
            let label = match maker.same {
                true => "made here, behind it".to_owned(),
                false => format!("made here, by the later `{}`", maker.id),
            };
            let help = match (maker.same, lacking.section) {
                (true, _) => "Put the statement behind the one that makes it.".to_owned(),
                (false, Section::Down) => format!(
                    "The DOWN of `{}` runs before this one and takes it away: leave it out here.",
                    maker.id
                ),
                (false, _) => format!(
                    "Give this migration a version above that of `{}`, or make it here first.",
                    maker.id
                ),
            };
            add(
                &mut diagnostics[lacking.at],
                &maker.source,
                maker.place,
                label,
            );
            diagnostics[lacking.at].help = help;
        }
        let takers = Takers::of(set);
        for lacking in self.waiting {
            let found = &mut diagnostics[lacking.at];
            let Some((migration, place, word)) = takers.taking(&lacking, found) else {
                continue;
            };
            let label = match Some(&migration.id) == found.migration.as_ref() {
                true => format!("{word} here"),
                false => format!("{word} here, by `{}`", migration.id),
            };
            add(found, &migration.up.source, place, label);
        }
    }
}

fn add(diagnostic: &mut Diagnostic, source: &Source, place: Span, label: String) {
    *diagnostic = diagnostic.clone().at(source, place, label);
}

/// The statement of the UP that makes it; only one behind the statement that misses it if that
/// stands in the same UP.
fn making(case: &Case<'_>, lacking: &Lacking, same: bool) -> Option<Span> {
    let key = lacking.missing.key();
    let mut after = case.schema.get(key).cloned();
    let mut found = None;
    let entries = case.schema.between(case.start, case.middle);
    for (at, entry) in entries.iter().enumerate().rev() {
        if entry.key != *key {
            continue;
        }
        let (is, was) = (after.as_deref(), entry.before.as_deref());
        if lacking.missing.is_in(is) && !lacking.missing.is_in(was) {
            found = statement_at(case.up, case.start, at).or(found);
        }
        after = entry.before.clone();
    }
    found.filter(|place| !same || place.start > lacking.statement.start)
}

/// The statements that take something away. Those of a migration are read when they are first asked
/// for, and once, however much is missed.
struct Takers<'s> {
    set: &'s Set,
    read: Vec<OnceCell<Vec<(Span, Change)>>>,
}

impl<'s> Takers<'s> {
    fn of(set: &'s Set) -> Takers<'s> {
        Takers {
            set,
            read: vec![OnceCell::new(); set.migrations.len()],
        }
    }

    /// Those of the UP of a migration.
    fn of_migration(&self, index: usize) -> &[(Span, Change)] {
        self.read[index].get_or_init(|| {
            let up = &self.set.migrations[index].up;
            let statements = up.statements.iter().filter_map(|statement| {
                let text = up.source.text();
                let change = change::read(text, statement.span, self.set.dialect).ok()?;
                let may_take = matches!(
                    change,
                    Change::Drop(_) | Change::Rename(_) | Change::AlterTable(_)
                );
                may_take.then_some((statement.span, change))
            });
            statements.collect()
        })
    }

    /// The statement before it that took it away, and the word for what that does.
    fn taking(
        &self,
        lacking: &Lacking,
        found: &Diagnostic,
    ) -> Option<(&'s Migration, Span, &'static str)> {
        let migrations = &self.set.migrations;
        let is_own = |migration: &Migration| Some(&migration.id) == found.migration.as_ref();
        let own = migrations.iter().position(is_own)?;
        for index in (0..=own).rev() {
            for (span, change) in self.of_migration(index).iter().rev() {
                let is_behind = span.start >= lacking.statement.start;
                if index == own && lacking.section == Section::Up && is_behind {
                    continue;
                }
                if let Some(word) = takes(change, &lacking.missing) {
                    return Some((&migrations[index], *span, word));
                }
            }
        }
        None
    }
}

/// Whether a statement takes that away, in a word.
fn takes(change: &Change, missing: &Missing) -> Option<&'static str> {
    let key = missing.key();
    let is_relation = |name: &Name| key.class == Class::Relation && *name == key.name;
    match (change, missing) {
        (Change::Drop(drop), Missing::Object(_)) => {
            let gone = drop.targets.iter().any(|one| is_relation(&one.name.name));
            gone.then_some("dropped")
        }
        (Change::Rename(rename), Missing::Object(_)) => {
            let whole = !matches!(rename.target.kind, Kind::Column | Kind::Constraint);
            (whole && is_relation(&rename.target.name.name)).then_some("renamed")
        }
        (Change::Rename(rename), Missing::Column(_, name)) => {
            let owner = rename.target.owner.as_ref();
            let same = owner.is_some_and(|owner| is_relation(&owner.name));
            (same && rename.target.name.name == *name).then_some("renamed")
        }
        (Change::AlterTable(alter), missing) if is_relation(&alter.name.name) => alter
            .actions
            .iter()
            .find_map(|action| match (&action.verb, missing) {
                (Verb::RenameTo(_), Missing::Object(_)) => Some("renamed"),
                (Verb::DropColumn { column, .. }, Missing::Column(_, name))
                    if column.name == *name =>
                {
                    Some("dropped")
                }
                (Verb::DropConstraint { name: own, .. }, Missing::Constraint(_, name))
                    if own.name == *name =>
                {
                    Some("dropped")
                }
                (
                    Verb::RenamePart { from, .. },
                    Missing::Column(_, name) | Missing::Constraint(_, name),
                ) if from.name == *name => Some("renamed"),
                (
                    Verb::Redefine {
                        column, definition, ..
                    },
                    Missing::Column(_, name),
                ) if column.name == *name && definition.name.name != *name => Some("renamed"),
                _ => None,
            }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::migration;
    use crate::options::Options;

    /// The labels behind the first and the help of the only error of these migrations, each an UP
    /// and a DOWN.
    #[track_caller]
    fn check(dialect: Dialect, migrations: &[(&str, &str)], labels: &[&str], help: &str) {
        let read = |(at, (up, down)): (usize, &(&str, &str))| {
            let source = |text: &str| Source::new("m.sql", text.to_owned());
            let id = format!("{:04}_m", at + 1);
            let down = source(down);
            migration::parse_up_down(&id, &source(up), Some(&down), dialect)
                .0
                .expect("a migration")
        };
        let all = migrations.iter().enumerate().map(read).collect();
        let (set, _) = Set::new(dialect, all);
        let checked = crate::proof::check(&set, &Options::default());
        let errors = checked.diagnostics.iter();
        let errors = errors.filter(|found| found.severity == crate::Severity::Error);
        let errors: Vec<_> = errors.collect();
        let [error] = errors.as_slice() else {
            panic!("one error: {errors:#?}");
        };
        let others = error.labels.iter().skip(1);
        let others = others.filter(|label| label.text != "this statement fails");
        let found: Vec<_> = others
            .map(|label| {
                let line = &label.source.text()[label.span.range()];
                format!("{}: {line}", label.text)
            })
            .collect();
        assert_eq!(found, labels, "{error:#?}");
        assert!(error.help.contains(help), "{error:#?}");
    }

    const USERS: (&str, &str) = (
        "CREATE TABLE users (id int PRIMARY KEY, born int)",
        "DROP TABLE users",
    );
    const BOOKS: (&str, &str) = ("CREATE TABLE books (id int)", "DROP TABLE books");
    const ABOVE: &str = "Give this migration a version above that of `0003_m`";

    #[test]
    fn what_a_later_migration_makes_is_named() {
        let engines = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];
        for dialect in engines {
            let early = ("DELETE FROM books", "SELECT 1");
            let made = "made here, by the later `0003_m`: CREATE TABLE books (id int)";
            check(dialect, &[USERS, early, BOOKS], &[made], ABOVE);
            let early = (
                "INSERT INTO users (id, email) VALUES (1, 2)",
                "DELETE FROM users",
            );
            let add = "ALTER TABLE users ADD COLUMN email int";
            let later = (add, "ALTER TABLE users DROP COLUMN email");
            let made = format!("made here, by the later `0003_m`: {add}");
            check(dialect, &[USERS, early, later], &[&made], ABOVE);
        }
    }

    #[test]
    fn parts_of_a_table_are_named_too() {
        let pg = Dialect::Postgres;
        let add = "ALTER TABLE users ADD UNIQUE (born)";
        let drop = "ALTER TABLE users DROP CONSTRAINT users_born_key";
        let made = format!("made here, by the later `0003_m`: {add}");
        // The way back of the early one does not matter where its UP is refused.
        let early = (drop, "SELECT 1");
        check(pg, &[USERS, early, (add, drop)], &[&made], ABOVE);
        let index = "CREATE INDEX by_birth ON users (born)";
        let made = format!("made here, by the later `0003_m`: {index}");
        let early = ("DROP INDEX by_birth", "SELECT 1");
        check(
            pg,
            &[USERS, early, (index, "DROP INDEX by_birth")],
            &[&made],
            ABOVE,
        );
        let drop = "DROP INDEX by_birth ON users";
        check(
            Dialect::MySql,
            &[USERS, (drop, "SELECT 1"), (index, drop)],
            &[&made],
            ABOVE,
        );
        let rename = "ALTER TABLE users RENAME TO people";
        let made = format!("made here, by the later `0003_m`: {rename}");
        let early = ("DELETE FROM people", "SELECT 1");
        let later = (rename, "ALTER TABLE people RENAME TO users");
        check(pg, &[USERS, early, later], &[&made], ABOVE);
    }

    #[test]
    fn an_order_within_a_migration_is_named() {
        let up = "CREATE INDEX early ON books (id); CREATE TABLE books (id int)";
        let made = "made here, behind it: CREATE TABLE books (id int)";
        let help = "Put the statement behind the one that makes it.";
        check(
            Dialect::Postgres,
            &[USERS, (up, "DROP TABLE books")],
            &[made],
            help,
        );
    }

    #[test]
    fn a_way_back_that_takes_what_comes_later_is_told_so() {
        let early = ("SELECT 1", "DROP TABLE books");
        let made = "made here, by the later `0003_m`: CREATE TABLE books (id int)";
        let help =
            "The DOWN of `0003_m` runs before this one and takes it away: leave it out here.";
        check(Dialect::Postgres, &[USERS, early, BOOKS], &[made], help);
    }

    #[test]
    fn what_an_earlier_migration_took_away_is_named() {
        let pg = Dialect::Postgres;
        let gone = ("DROP TABLE books", "CREATE TABLE books (id int)");
        let late = ("DELETE FROM books", "SELECT 1");
        let taken = "dropped here, by `0003_m`: DROP TABLE books";
        check(pg, &[USERS, BOOKS, gone, late], &[taken], "");
        let rename = "ALTER TABLE users RENAME COLUMN born TO birth";
        let renamed = (rename, "ALTER TABLE users RENAME COLUMN birth TO born");
        let late = ("INSERT INTO users (born) VALUES (1)", "DELETE FROM users");
        let taken = format!("renamed here, by `0002_m`: {rename}");
        check(
            pg,
            &[USERS, renamed, late],
            &[&taken],
            "The table has: id, birth.",
        );
    }
}
