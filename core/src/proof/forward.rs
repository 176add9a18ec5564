//! The UPs alone: what they make of a schema, for whoever compares it with a database.

use std::collections::BTreeSet;

use super::external::Externals;
use super::run::{self, AfterError};
use crate::change::{self, Change, Fragment};
use crate::dialect::Family;
use crate::lex;
use crate::migration::Migration;
use crate::options::Options;
use crate::replay::{self, Session};
use crate::schema::{Key, Mark, Schema};
use crate::set::Set;

/// How much of a migration has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// It stopped half-way: whatever it names may have been changed or not.
    Partly,
}

/// Where the replay stands: behind the UP of a migration.
#[derive(Debug)]
pub struct Stage<'s> {
    /// The migration.
    pub migration: &'s Migration,
    /// The model.
    pub schema: &'s Schema,
    /// The objects that it has written, whether they are still there or not.
    pub touched: BTreeSet<Key>,
    /// Of these those that were there before.
    pub known: BTreeSet<Key>,
    /// Why the model does not follow all of it.
    pub because: Vec<String>,
    /// Names of which it is not sure since.
    pub doubts: BTreeSet<String>,
    /// Whether the migration may have changed what it does not name.
    pub anything: bool,
}

/// Replays the UPs of `set` in their order, and shows the model behind each.
pub fn forward(
    set: &Set,
    options: &Options,
    extent: impl Fn(&Migration) -> Extent,
    mut after: impl FnMut(Stage<'_>),
) -> Schema {
    let mut schema = run::empty(set.dialect);
    let mut externals = Externals::of(options, &mut schema);
    for migration in &set.migrations {
        externals.begin(migration, &mut schema);
        let start = schema.mark();
        let mut stage = Followed::default();
        match extent(migration) {
            Extent::Whole => stage.whole(&mut schema, migration),
            Extent::Partly => stage.partly(&mut schema, migration),
        }
        if let Some(step) = &migration.step {
            stage.anything = true;
            stage.because.push(super::of_step(step));
            replay::doubt(&mut schema, [crate::change::Name::new("*", set.dialect)]);
        }
        let touched = schema.touched(start);
        let known = touched.iter().filter(|(_, before)| before.is_some());
        after(Stage {
            migration,
            schema: &schema,
            known: known.map(|(key, _)| key.clone()).collect(),
            touched: touched.into_keys().collect(),
            because: stage.because,
            doubts: stage.doubts,
            anything: stage.anything,
        });
        schema.forget();
    }
    schema
}

/// Why nothing is known of what a migration names.
const HALF_WAY: &str = "it stopped half-way";

/// What is kept of a replayed migration.
#[derive(Default)]
struct Followed {
    because: Vec<String>,
    doubts: BTreeSet<String>,
    anything: bool,
}

impl Followed {
    fn whole(&mut self, schema: &mut Schema, migration: &Migration) {
        let start = schema.mark();
        let ran = run::run(
            schema,
            &migration.up,
            AfterError::GoOn,
            start,
            BTreeSet::new(),
        );
        self.because = ran.unknowns;
        let refused = ran
            .findings
            .iter()
            .map(|(finding, _)| format!("to the model it cannot run: {}", finding.message));
        self.because.extend(refused);
        let unread = ran
            .errors
            .iter()
            .map(|_| "a statement cannot be read".to_owned());
        self.because.extend(unread);
        self.anything = ran.anything;
        let doubts = ran.doubts.iter().map(|name| name.as_str().to_lowercase());
        self.doubts = doubts.collect();
        if schema.dialect().modelling().family == Family::MySql {
            self.elsewhere(schema, migration, start);
        }
    }

    /// To the model one database of MySQL is like another: what may have been made in another one
    /// than that of the connection is doubted.
    fn elsewhere(&mut self, schema: &Schema, migration: &Migration, start: Mark) {
        let dialect = schema.dialect();
        let text = migration.up.source.text();
        let mut qualified = BTreeSet::new();
        let mut goes = false;
        for statement in &migration.up.statements {
            let sql = statement.span.of(text);
            let tokens = lex::lex(sql, dialect).tokens;
            let lexemes = lex::lexemes(sql, &tokens);
            goes |= lexemes.first().is_some_and(|first| first.is("USE"));
            for pair in lexemes.windows(2).filter(|pair| pair[0].text == ".") {
                let names = Fragment::parse(pair[1].text, dialect).names(dialect);
                qualified.extend(names.into_iter().map(|name| name.key().to_owned()));
            }
        }
        let touched = schema.touched(start).into_keys();
        let names: BTreeSet<String> = touched
            .flat_map(|key| [Some(key.name), key.within].into_iter().flatten())
            .map(|name| name.key().to_owned())
            .filter(|name| goes || qualified.contains(name))
            .collect();
        if !names.is_empty() {
            self.because
                .push("it may be in another database than that of the connection".to_owned());
        }
        self.doubts.extend(names);
    }

    fn partly(&mut self, schema: &mut Schema, migration: &Migration) {
        let mut session = Session::default();
        for script in [Some(&migration.up), migration.down.as_ref()]
            .into_iter()
            .flatten()
        {
            for statement in &script.statements {
                let (text, span) = (script.source.text(), statement.span);
                let unread = change::unread(text, span, schema.dialect(), HALF_WAY);
                self.anything |= unread.anything;
                let names = unread.mentions.iter();
                self.doubts
                    .extend(names.map(|name| name.as_str().to_lowercase()));
                replay::apply(schema, &mut session, &Change::Opaque(unread), span);
            }
        }
        self.because.push(HALF_WAY.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::migration;
    use crate::source::Source;

    /// For each UP what it has written, what is doubted since, and why.
    fn followed(dialect: Dialect, ups: &[&str], partly: Option<usize>) -> Vec<String> {
        let read = |(at, up): (usize, &&str)| {
            let source = Source::new("m.up.sql", (*up).to_owned());
            let id = format!("{:04}_m", at + 1);
            migration::parse_up_down(&id, &source, None, dialect)
                .0
                .expect("a migration")
        };
        let (set, _) = Set::new(dialect, ups.iter().enumerate().map(read).collect());
        let extent = |migration: &Migration| match partly == Some(migration.version as usize) {
            true => Extent::Partly,
            false => Extent::Whole,
        };
        let mut told = Vec::new();
        forward(&set, &Options::default(), extent, |stage| {
            let touched = stage.touched.iter().map(|key| key.name.as_str());
            let doubts = stage.doubts.iter().map(String::as_str);
            told.push(format!(
                "{}; {}; {}",
                touched.collect::<Vec<_>>().join(" "),
                doubts.collect::<Vec<_>>().join(" "),
                stage.because.join(", ")
            ));
        });
        told
    }

    #[test]
    fn each_migration_tells_what_it_has_written() {
        let told = followed(
            Dialect::Postgres,
            &["CREATE TABLE a (id int)", "ALTER TABLE a ADD b int"],
            None,
        );
        assert_eq!(told, ["a; ; ", "a; ; "]);
    }

    #[test]
    fn what_stopped_half_way_is_doubted_by_its_names() {
        let told = followed(
            Dialect::Postgres,
            &["CREATE TABLE a (id int)", "ALTER TABLE a ADD b int"],
            Some(2),
        );
        assert!(
            told[1].contains("; a add alter b int table; it stopped half-way"),
            "{told:?}"
        );
    }

    #[test]
    fn what_may_be_in_another_database_is_doubted() {
        let told = followed(
            Dialect::MySql,
            &[
                "CREATE TABLE a (id int)",
                "USE other; CREATE TABLE b (id int)",
                "CREATE TABLE third.c (id int)",
            ],
            None,
        );
        let why = "it may be in another database than that of the connection";
        assert_eq!(told[0], "a; ; ");
        let unread = "the model does not know this statement";
        assert_eq!(
            told[1],
            format!("b other USE; b other use; {unread}, {why}")
        );
        assert_eq!(told[2], format!("c; c; {why}"));
    }
}
