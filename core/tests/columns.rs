//! Where views and tables get their columns from a query: what becomes of these in the proof.
//!
//! Each case is what PostgreSQL 15 does, seen there before it was written down here.
#![cfg(feature = "model")]

use backstitch_core::options::Options;
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Set, Severity, migration, proof};

/// Proves the last of these migrations, each an UP and a DOWN, and compares what is found with
/// `expected`: the verdict, or the messages of the errors.
#[track_caller]
fn check(migrations: &[(&'static str, &'static str)], expected: &str) {
    let read = |(at, (up, down)): (usize, &(&'static str, &'static str))| {
        let id = format!("{:04}_m", at + 1);
        let (up, down) = (Source::new("up.sql", *up), Source::new("down.sql", *down));
        let (migration, _) = migration::parse_up_down(&id, &up, Some(&down), Dialect::Postgres);
        migration.expect("a migration")
    };
    let all = migrations.iter().enumerate().map(read).collect();
    let (set, _) = Set::new(Dialect::Postgres, all);
    let checked = proof::check(&set, &Options::default());
    let last = &set.migrations[set.migrations.len() - 1].id;
    let errors: Vec<String> = checked
        .diagnostics
        .iter()
        .filter(|found| found.migration.as_ref() == Some(last))
        .filter(|found| found.severity == Severity::Error)
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect();
    let found = match errors.is_empty() {
        true => checked.proofs[last].verdict.name().to_owned(),
        false => errors.join("\n"),
    };
    assert_eq!(found, expected);
}

const BASE: (&str, &str) = (
    "CREATE TABLE users (id bigint PRIMARY KEY, name text);
     CREATE TABLE notes (id bigint, author bigint);
     CREATE VIEW people AS SELECT * FROM users;
     CREATE VIEW authors AS WITH u AS (SELECT p.* FROM people p)
       SELECT u.*, n.author FROM u JOIN notes n ON n.author = u.id",
    "DROP VIEW authors; DROP VIEW people; DROP TABLE notes; DROP TABLE users",
);

const AGAIN: &str = "CREATE VIEW people AS SELECT * FROM users;
     CREATE VIEW authors AS WITH u AS (SELECT p.* FROM people p)
       SELECT u.*, n.author FROM u JOIN notes n ON n.author = u.id;";

#[test]
fn a_star_stands_for_the_columns_of_its_moment() {
    // The view is made again before the column is gone, so that it keeps it.
    let up = "DROP VIEW authors; DROP VIEW people; ALTER TABLE notes ADD COLUMN text text";
    let down = format!("ALTER TABLE notes DROP COLUMN text; {AGAIN}");
    check(&[BASE, (up, down.leak())], "proven");
    let up = "DROP VIEW authors; DROP VIEW people; ALTER TABLE users ADD COLUMN mail text";
    check(
        &[
            BASE,
            (
                up,
                format!("ALTER TABLE users DROP COLUMN mail; {AGAIN}").leak(),
            ),
        ],
        "proven",
    );
    // An earlier migration has added a column, which the view did not have.
    let mail = (
        "ALTER TABLE users ADD COLUMN mail text",
        "ALTER TABLE users DROP COLUMN mail",
    );
    check(
        &[BASE, mail, ("DROP VIEW authors; DROP VIEW people", AGAIN)],
        "rollback-incomplete: the DOWN restores view `authors` with another list of columns: id, name, mail, author, not id, name, author\n\
         rollback-incomplete: the DOWN restores view `people` with another list of columns: id, name, mail, not id, name",
    );
}

#[test]
fn a_column_behind_a_star_cannot_go() {
    check(
        &[BASE, ("ALTER TABLE users DROP COLUMN name", "SELECT 1")],
        "dependent-object-blocks: view `people` reads the column `name`",
    );
    check(
        &[
            BASE,
            (
                "ALTER TABLE users ALTER COLUMN name TYPE varchar(9)",
                "SELECT 1",
            ),
        ],
        "dependent-object-blocks: view `people` reads the column `name`",
    );
}

#[test]
fn columns_written_out_may_be_those_of_a_star() {
    let replace = "CREATE OR REPLACE VIEW people AS SELECT id, name FROM users";
    let star = "CREATE OR REPLACE VIEW people AS SELECT * FROM users";
    check(&[BASE, (replace, star)], "proven");
    let mail = "ALTER TABLE users ADD COLUMN mail text; \
                CREATE OR REPLACE VIEW people AS SELECT * FROM users";
    check(
        &[
            BASE,
            (
                mail,
                "CREATE OR REPLACE VIEW people AS SELECT id, name FROM users",
            ),
        ],
        "rollback-invalid: the DOWN cannot run: view `people` would lose 1 of its columns",
    );
}

#[test]
fn the_instant_of_a_view_is_another_one_each_time() {
    let view = "CREATE VIEW fresh AS SELECT id FROM users WHERE 'now'::timestamp > 'epoch'";
    let down = "SELECT 1; CREATE VIEW fresh AS SELECT id FROM users \
                WHERE 'now'::timestamp > 'epoch'";
    let expected = "rollback-incomplete: the DOWN restores view `fresh` with another query: \
                    its 'now' is that of the DOWN, not that of its first statement";
    let made = (view, "DROP VIEW fresh");
    check(&[BASE, made, ("DROP VIEW fresh", down)], expected);
    // Nobody made it anew.
    let down = "COMMENT ON VIEW fresh IS NULL";
    check(
        &[BASE, made, ("COMMENT ON VIEW fresh IS 'x'", down)],
        "proven",
    );
    let day = "CREATE VIEW fresh AS SELECT id FROM users WHERE 'today'::date > 'epoch'";
    let made = (day, "DROP VIEW fresh");
    check(&[BASE, made, ("DROP VIEW fresh", day)], "unproven");
}

#[test]
fn a_table_may_be_a_copy() {
    const COPY: (&str, &str) = ("CREATE TABLE old AS TABLE users", "DROP TABLE old");
    check(
        &[
            BASE,
            COPY,
            (
                "ALTER TABLE old DROP COLUMN name",
                "ALTER TABLE old ADD name text",
            ),
        ],
        "proven",
    );
    check(
        &[
            BASE,
            COPY,
            (
                "ALTER TABLE old DROP COLUMN id",
                "ALTER TABLE old ADD id bigint NOT NULL",
            ),
        ],
        "rollback-incomplete: the DOWN restores column id of `old` with another nullability: NOT NULL, not NULL",
    );
    check(
        &[BASE, COPY, ("ALTER TABLE old DROP COLUMN mail", "SELECT 1")],
        "unknown-column: table `old` has no column `mail`",
    );
    let some = (
        "CREATE TABLE old (n) AS SELECT u.name AS x, id FROM users u WHERE id > 7 WITH NO DATA",
        "DROP TABLE old",
    );
    check(
        &[
            BASE,
            some,
            (
                "ALTER TABLE old RENAME n TO m",
                "ALTER TABLE old RENAME m TO n",
            ),
        ],
        "proven",
    );
    check(
        &[BASE, some, ("ALTER TABLE old DROP COLUMN x", "SELECT 1")],
        "unknown-column: table `old` has no column `x`",
    );
    // What is reckoned has a type that is not followed.
    let more = (
        "CREATE TABLE old AS SELECT id + 1 AS n FROM users",
        "DROP TABLE old",
    );
    check(
        &[BASE, more, ("ALTER TABLE old DROP COLUMN x", "SELECT 1")],
        "unproven",
    );
}

#[test]
fn a_block_asks_for_the_primary_key() {
    const KEYS: (&str, &str) = (
        "CREATE FUNCTION make_key(t text) RETURNS void LANGUAGE plpgsql AS $$
         DECLARE n integer; BEGIN
           SELECT count(*) INTO n FROM information_schema.table_constraints
             WHERE table_name = t AND constraint_type = 'PRIMARY KEY';
           IF n = 0 THEN EXECUTE 'ALTER TABLE ' || t || ' ADD PRIMARY KEY (id)'; END IF;
         END $$",
        "DROP FUNCTION make_key(text)",
    );
    check(
        &[
            BASE,
            KEYS,
            (
                "SELECT make_key('notes')",
                "ALTER TABLE notes DROP CONSTRAINT notes_pkey, ALTER id DROP NOT NULL",
            ),
        ],
        "proven",
    );
    check(
        &[BASE, KEYS, ("SELECT make_key('notes')", "SELECT 1")],
        "rollback-incomplete: the DOWN restores column id of `notes` with another nullability: NOT NULL, not NULL\n\
         rollback-incomplete: the DOWN leaves primary key notes_pkey of `notes` behind",
    );
    // It is there, so nothing happens.
    check(
        &[BASE, KEYS, ("SELECT make_key('users')", "SELECT 1")],
        "proven",
    );
}
