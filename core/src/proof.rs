//! Whether the DOWN of a migration gives back the schema that its UP found.
//!
//! S0 is the model before, S1 after the UP, S2 after the DOWN. Only what was touched is compared.
//! "Proven" is said when every statement was modelled and S0 and S2 are equal; what differs is a
//! [`Leftover`], named with both places and the statement that undoes it.

mod compare;
mod external;
mod forward;
mod later;
mod report;
mod run;
mod undo;

#[cfg(feature = "sqlite")]
pub(crate) use external::EXTERNAL_STALE;

use std::collections::BTreeMap;

pub use forward::{Extent, Stage, forward};

use self::external::Externals;
use self::later::Lookout;
use crate::diagnostic::Diagnostic;
use crate::migration::Migration;
use crate::options::Options;
use crate::rule::Rules;
use crate::schema::{Key, Schema};
use crate::set::Set;
use crate::source::Span;

/// What is known about the way back of one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// UP and DOWN give back the schema.
    Proven,
    /// It cannot be told, for these reasons.
    Unproven(Vec<String>),
    /// They do not give it back: what is left over, or the DOWN fails.
    Broken(Vec<Leftover>),
    /// There is no DOWN, and the UP changes something.
    Missing,
    /// The migration says that there is no way back.
    Irreversible,
}

impl Verdict {
    /// The word in the JSON of `backstitch check`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Proven => "proven",
            Verdict::Unproven(_) => "unproven",
            Verdict::Broken(_) => "broken",
            Verdict::Missing => "missing",
            Verdict::Irreversible => "irreversible",
        }
    }
}

/// Something that UP and DOWN together change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The object.
    pub key: Key,
    /// The part of it, in words: `column email`, `constraint users_pkey`; empty for all of it.
    pub part: String,
    /// How it differs.
    pub difference: Difference,
    /// The statement of the UP that changed it.
    pub made_by: Option<Span>,
    /// The statement of the DOWN that changed it last.
    pub undone_by: Option<Span>,
    /// What to add to the DOWN; empty where it is not known.
    pub undo: Vec<String>,
}

/// How an object differs after UP and DOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It was not there before and is there now.
    NotUndone,
    /// It was there before and is gone.
    NotRestored,
    /// It is there with another value of an attribute.
    Restored {
        /// Which attribute: `type`, `default`, `definition`.
        attribute: &'static str,
        /// Before the UP.
        before: String,
        /// After the DOWN.
        after: String,
    },
}

/// What was found out about one migration.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What is known about its way back.
    pub verdict: Verdict,
    /// How many statements the UP and the DOWN have.
    pub statements: usize,
    /// How many of them the model does not read.
    pub opaque: usize,
    /// The DOWN section that gives back the schema, where none is there and one is known. Where it
    /// needs `-- @foreignKeys: off` in the header, that line stands above the marker.
    pub suggestion: Option<String>,
}

/// What was found out about a set.
#[derive(Clone, Debug)]
pub struct Checked {
    /// By the id of the migration.
    pub proofs: BTreeMap<String, Proof>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The model after the last migration.
    pub schema: Schema,
}

/// Replays `set`, and proves its way back migration by migration.
pub fn check(set: &Set, options: &Options) -> Checked {
    check_each(set, options, |_, _| {})
}

/// Like [`check`], and shows the model after the UP of each migration.
pub fn check_each(
    set: &Set,
    options: &Options,
    mut after: impl FnMut(&Migration, &Schema),
) -> Checked {
    let mut checked = Checked {
        proofs: BTreeMap::new(),
        diagnostics: Vec::new(),
        schema: run::empty(set.dialect),
    };
    let mut externals = Externals::of(options, &mut checked.schema);
    let mut rules = Rules::new(set, options);
    let mut lookout = Lookout::default();
    for (index, migration) in set.migrations.iter().enumerate() {
        let stands = (migration, &set.migrations[..index]);
        lookout.behind(checked.diagnostics.len());
        let (proof, diagnostics) = run::prove(
            &mut checked.schema,
            stands,
            &mut rules,
            &mut lookout,
            &mut externals,
        );
        after(migration, &checked.schema);
        checked.proofs.insert(migration.id.clone(), proof);
        checked.diagnostics.extend(diagnostics);
    }
    lookout.tell(set, &mut checked.diagnostics);
    rules.finish(&checked.schema, &mut checked.diagnostics);
    checked
}

/// Why nothing is proven of a migration with a step.
pub(crate) fn of_step(step: &str) -> String {
    format!("what the step `{step}` does is known to the program alone")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::migration;
    use crate::source::Source;

    /// Proves the last of these migrations, each an UP and a DOWN, and compares what is found with
    /// `expected`: `proven`, `unproven`, or the messages of the errors, one for each line.
    #[track_caller]
    fn check(dialect: &str, migrations: &[(&str, &str)], expected: &str) {
        let dialect = Dialect::from_name(dialect).expect("an engine");
        let read = |(at, (up, down)): (usize, &(&str, &str))| {
            let id = format!("{:04}_m", at + 1);
            let (up, down) = (
                Source::new("m.up.sql", (*up).to_owned()),
                Source::new("m.down.sql", (*down).to_owned()),
            );
            migration::parse_up_down(&id, &up, Some(&down), dialect)
                .0
                .expect("a migration")
        };
        let all = migrations.iter().enumerate().map(read).collect();
        let (set, _) = Set::new(dialect, all);
        let checked = super::check(&set, &Options::default());
        let last = &set.migrations[set.migrations.len() - 1].id;
        let errors: Vec<String> = checked
            .diagnostics
            .iter()
            .filter(|found| found.migration.as_ref() == Some(last))
            .filter(|found| found.severity == crate::Severity::Error)
            .map(|found| format!("{}: {}", found.code, found.message))
            .collect();
        let found = match errors.is_empty() {
            true => checked.proofs[last].verdict.name().to_owned(),
            false => errors.join("\n"),
        };
        assert_eq!(found, expected);
    }

    const USERS: (&str, &str) = (
        "CREATE TABLE users (id bigserial PRIMARY KEY, email text UNIQUE, age int CHECK (age > 0))",
        "DROP TABLE users",
    );

    #[test]
    fn what_is_made_is_dropped() {
        check("postgres", &[USERS], "proven");
        check(
            "postgres",
            &[(
                "CREATE TABLE a (id int); CREATE INDEX ON a (id)",
                "DROP INDEX a_id_idx",
            )],
            "rollback-incomplete: the DOWN leaves table `a` behind",
        );
        check(
            "postgres",
            &[
                USERS,
                ("ALTER TABLE users ADD x int", "ALTER TABLE users DROP x"),
            ],
            "proven",
        );
    }

    #[test]
    fn what_is_dropped_comes_back_as_it_was() {
        let drop = "ALTER TABLE users DROP COLUMN email";
        check(
            "postgres",
            &[USERS, (drop, "ALTER TABLE users ADD email text UNIQUE")],
            "proven",
        );
        check(
            "postgres",
            &[USERS, (drop, "ALTER TABLE users ADD email varchar UNIQUE")],
            "rollback-incomplete: the DOWN restores column email of `users` with another type: \
             character varying, not text",
        );
        check(
            "postgres",
            &[USERS, (drop, "ALTER TABLE users ADD email text")],
            "rollback-incomplete: the DOWN does not bring back unique constraint users_email_key \
             of `users`",
        );
    }

    #[test]
    fn names_that_engines_give_are_known() {
        check(
            "postgres",
            &[
                USERS,
                (
                    "ALTER TABLE users DROP CONSTRAINT users_email_unique",
                    "SELECT 1",
                ),
            ],
            "unknown-object: table `users` has no constraint `users_email_unique`",
        );
        check(
            "postgres",
            &[
                USERS,
                (
                    "ALTER TABLE users DROP CONSTRAINT users_age_check",
                    "SELECT 1",
                ),
            ],
            "rollback-incomplete: the DOWN does not bring back check users_age_check of `users`",
        );
        check(
            "mysql",
            &[
                ("CREATE TABLE a (id int PRIMARY KEY)", "DROP TABLE a"),
                (
                    "CREATE TABLE b (a int, FOREIGN KEY (a) REFERENCES a (id))",
                    "ALTER TABLE b DROP FOREIGN KEY b_ibfk_1; DROP TABLE b",
                ),
            ],
            "proven",
        );
    }

    #[test]
    fn names_that_engines_do_not_give_are_known() {
        let doubled = (
            "CREATE TABLE a (id int PRIMARY KEY, b int, UNIQUE (id), CONSTRAINT one UNIQUE (b), UNIQUE (b))",
            "DROP TABLE a",
        );
        for (name, found) in [
            (
                "a_id_key",
                "unknown-object: table `a` has no constraint `a_id_key`",
            ),
            (
                "a_b_key",
                "unknown-object: table `a` has no constraint `a_b_key`",
            ),
        ] {
            let drop = format!("ALTER TABLE a DROP CONSTRAINT {name}");
            check("postgres", &[doubled, (drop.leak(), "SELECT 1")], found);
        }
        let named = (
            "CREATE TABLE a (id int PRIMARY KEY, CONSTRAINT own UNIQUE (id))",
            "DROP TABLE a",
        );
        let drop = "ALTER TABLE a DROP CONSTRAINT own";
        let add = "ALTER TABLE a ADD CONSTRAINT own PRIMARY KEY (id)";
        check("postgres", &[named, (drop, add)], "proven");
        let child = (
            "CREATE TABLE b (a int, FOREIGN KEY (a) REFERENCES a (id))",
            "DROP TABLE b",
        );
        let a = ("CREATE TABLE a (id int PRIMARY KEY)", "DROP TABLE a");
        let up = "ALTER TABLE b DROP FOREIGN KEY b_ibfk_1, DROP INDEX a";
        let down = "ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a (id)";
        check("mysql", &[a, child, (up, down)], "proven");
    }

    #[test]
    fn routines_differ_in_the_last_of_many_arguments() {
        let many = "timestamp with time zone, timestamp with time zone, uuid";
        let make = |last: &str| {
            let text =
                format!("CREATE FUNCTION f({many}, {last}) RETURNS int LANGUAGE sql AS 'SELECT 1'");
            &*text.leak()
        };
        let drop = |last: &str| &*format!("DROP FUNCTION f({many}, {last})").leak();
        let first = (make("text"), drop("text"));
        check(
            "postgres",
            &[first, (make("integer"), drop("integer"))],
            "proven",
        );
    }

    #[test]
    fn an_aggregate_in_the_old_form_is_known_by_its_base_type() {
        let up =
            "CREATE AGGREGATE latest (basetype = integer, sfunc = int4larger, stype = integer)";
        check(
            "postgres",
            &[(up, "DROP AGGREGATE latest(integer)")],
            "proven",
        );
    }

    #[test]
    fn functions_of_rows_go_with_their_table() {
        let table = ("CREATE TABLE a (id int)", "DROP TABLE a");
        let functions = "CREATE FUNCTION f(one a) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
                         CREATE FUNCTION g() RETURNS SETOF a LANGUAGE sql AS 'SELECT * FROM a'";
        let drop = "DROP FUNCTION f(a); DROP FUNCTION g()";
        let again = format!("CREATE TABLE a (id int); {functions}");
        let gone = ("DROP TABLE a CASCADE", again.as_str());
        check("postgres", &[table, (functions, drop), gone], "proven");
        let less = ("DROP TABLE a CASCADE", "CREATE TABLE a (id int)");
        check(
            "postgres",
            &[table, (functions, drop), less],
            "rollback-incomplete: the DOWN does not bring back function `g`\n\
             rollback-incomplete: the DOWN does not bring back function `f`",
        );
    }

    #[test]
    fn what_others_need_cannot_be_dropped() {
        let books = "CREATE TABLE authors (id int PRIMARY KEY); \
                     CREATE TABLE books (author int REFERENCES authors)";
        check(
            "postgres",
            &[(books, "DROP TABLE books, authors")],
            "proven",
        );
        check(
            "postgres",
            &[(books, "DROP TABLE authors; DROP TABLE books")],
            "rollback-invalid: the DOWN cannot run: foreign key `books_author_fkey` of `books` \
             refers to `authors`",
        );
    }

    #[test]
    fn nothing_is_proven_of_a_step() {
        let verdict = |head: &str| {
            let text = format!("{head}-- UP MIGRATION\nSELECT 1;\n-- DOWN MIGRATION\nSELECT 2;");
            let source = Source::new("m", text);
            let (migration, _) = migration::parse("0001_a", &source, Dialect::Sqlite);
            let (set, _) = Set::new(Dialect::Sqlite, vec![migration.expect("an UP")]);
            let checked = super::check(&set, &Options::default());
            checked.proofs["0001_a"].verdict.clone()
        };
        assert_eq!(verdict(""), Verdict::Proven);
        let Verdict::Unproven(because) = verdict("-- @step: recode\n") else {
            panic!("the step may do anything");
        };
        assert_eq!(
            because,
            ["what the step `recode` does is known to the program alone"]
        );
    }

    #[test]
    fn after_something_opaque_nothing_is_claimed() {
        let block =
            "DO $$ BEGIN EXECUTE 'ALTER TABLE users ADD ' || current_setting('a.b'); END $$";
        check("postgres", &[USERS, (block, "SELECT 1")], "unproven");
        check(
            "postgres",
            &[
                USERS,
                (block, "SELECT 1"),
                ("ALTER TABLE users DROP y", "ALTER TABLE users ADD y int"),
            ],
            "unproven",
        );
    }

    #[test]
    fn what_only_a_way_back_tells_of_is_not_believed() {
        let notes = ("CREATE TABLE notes (a INT)", "DROP TABLE notes");
        // Read as a table with a default, or not at all: `old` is not there when it is missing.
        let broken = (
            "ALTER TABLE notes ADD b INT",
            "CREATE TABLE old (a INT) INSERT INTO old SELECT a FROM notes; \
             DROP TABLE notes; ALTER TABLE old RENAME TO notes",
        );
        let rebuild = (
            "ALTER TABLE notes ADD c INT",
            "CREATE TABLE old (a INT, b INT); INSERT INTO old SELECT a, b FROM notes; \
             DROP TABLE notes; ALTER TABLE old RENAME TO notes",
        );
        check("sqlite", &[notes, broken, rebuild], "proven");
    }

    #[test]
    fn a_default_of_mysql_has_the_type_of_its_column() {
        let up = "ALTER TABLE a ALTER n DROP DEFAULT, ALTER f DROP DEFAULT, ALTER s DROP DEFAULT";
        let other = "ALTER TABLE a MODIFY n int DEFAULT 2, MODIFY f decimal(5, 2) DEFAULT 1.5, \
                     MODIFY s varchar(9) DEFAULT '7'";
        let table = (
            "CREATE TABLE a (n int DEFAULT '0', f decimal(5, 2) DEFAULT '1.50', s varchar(9) DEFAULT 7)",
            "DROP TABLE a",
        );
        let down = other.replace("DEFAULT 2", "DEFAULT 0");
        check("mysql", &[table, (up, &down)], "proven");
        check(
            "mysql",
            &[table, (up, other)],
            "rollback-incomplete: the DOWN restores column n of `a` with another default: 2, not 0",
        );
    }

    #[test]
    fn other_spellings_are_not_called_broken() {
        let add = "ALTER TABLE users ADD CONSTRAINT c CHECK (email IN ('a', 'b'))";
        let other = "ALTER TABLE users ADD CONSTRAINT c CHECK (email = ANY (ARRAY['a', 'b']))";
        let less = "ALTER TABLE users ADD CONSTRAINT c CHECK (email IN ('a'))";
        let with = (
            "CREATE TABLE users (email text, CONSTRAINT c CHECK (email IN ('a', 'b')))",
            "DROP TABLE users",
        );
        let drop = "ALTER TABLE users DROP CONSTRAINT c";
        check("postgres", &[with, (drop, add)], "proven");
        check("postgres", &[with, (drop, other)], "unproven");
        check(
            "postgres",
            &[with, (drop, less)],
            "rollback-incomplete: the DOWN restores check c of `users` with another condition: \
             email in('a'), not email in('a', 'b')",
        );
    }

    #[test]
    fn rebuilding_a_table_of_sqlite_is_seen_through() {
        let notes = (
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, a INT)",
            "DROP TABLE notes",
        );
        let up = "CREATE TABLE n (id INTEGER PRIMARY KEY, a INT NOT NULL); \
                  INSERT INTO n SELECT * FROM notes; DROP TABLE notes; ALTER TABLE n RENAME TO notes";
        let down = "CREATE TABLE n (id INTEGER PRIMARY KEY, a INT); \
                    INSERT INTO n SELECT * FROM notes; DROP TABLE notes; ALTER TABLE n RENAME TO notes";
        check("sqlite", &[notes, (up, down)], "proven");
        check(
            "sqlite",
            &[notes, (up, up)],
            "rollback-incomplete: the DOWN restores column a of `notes` with another nullability: \
             NOT NULL, not NULL",
        );
    }
}
