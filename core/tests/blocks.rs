//! What `DO` blocks, functions that migrations call, changes of types and indexes that foreign keys
//! need come to in the proof.
//!
//! Each case is what PostgreSQL 15 or MariaDB does, seen there before it was written down here.
#![cfg(feature = "model")]

use backstitch_core::options::Options;
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Set, Severity, migration, proof};

/// Proves the last of these migrations, each an UP and a DOWN, and compares what is found with
/// `expected`: the verdict, or the messages of the errors.
#[track_caller]
fn check(migrations: &[(&'static str, &'static str)], expected: &str) {
    check_on(Dialect::Postgres, migrations, expected);
}

#[track_caller]
fn check_on(dialect: Dialect, migrations: &[(&'static str, &'static str)], expected: &str) {
    let read = |(at, (up, down)): (usize, &(&'static str, &'static str))| {
        let id = format!("{:04}_m", at + 1);
        let (up, down) = (Source::new("up.sql", *up), Source::new("down.sql", *down));
        let (migration, _) = migration::parse_up_down(&id, &up, Some(&down), dialect);
        migration.expect("a migration")
    };
    let all = migrations.iter().enumerate().map(read).collect();
    let (set, _) = Set::new(dialect, all);
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

const USERS: (&str, &str) = (
    "CREATE TABLE users (id bigint PRIMARY KEY, name text, age int CHECK (age > 0))",
    "DROP TABLE users",
);

#[test]
fn what_is_made_unless_it_is_there_is_made() {
    let kind = "DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad', 'ok'); \
                EXCEPTION WHEN duplicate_object THEN NULL; END $$";
    check(&[(kind, "DROP TYPE mood")], "proven");
    check(
        &[(kind, "SELECT 1")],
        "rollback-incomplete: the DOWN leaves enum `mood` behind",
    );
    // The second time nothing happens, so there is nothing to undo.
    check(&[(kind, "DROP TYPE mood"), (kind, "SELECT 1")], "proven");
    let column = "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM information_schema.columns \
                  WHERE table_name = 'users' AND column_name = 'email') \
                  THEN ALTER TABLE users ADD COLUMN email text; END IF; END $$";
    check(&[USERS, (column, "ALTER TABLE users DROP email")], "proven");
    check(
        &[USERS, (column, "SELECT 1")],
        "rollback-incomplete: the DOWN leaves column email of `users` behind",
    );
}

#[test]
fn what_a_block_takes_back_did_not_happen() {
    let block = "DO $$ BEGIN CREATE TABLE a (id int); CREATE TABLE users (id int); \
                 EXCEPTION WHEN duplicate_table THEN NULL; END $$";
    check(&[USERS, (block, "SELECT 1")], "proven");
    check(
        &[USERS, (block, "DROP TABLE a")],
        "rollback-invalid: the DOWN cannot run: there is no table `a`",
    );
}

#[test]
fn what_may_or_may_not_run_is_doubted() {
    let guard = "DO $$ BEGIN IF now() > '2020-01-01' THEN DROP TABLE users; END IF; END $$";
    check(&[USERS, (guard, "SELECT 1")], "unproven");
    let rows = "DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM users LOOP \
                EXECUTE format('DROP TABLE t%s', r.id); END LOOP; END $$";
    check(&[USERS, (rows, "SELECT 1")], "unproven");
    let caught = "DO $$ BEGIN CREATE TABLE users (id int); \
                  EXCEPTION WHEN undefined_table THEN NULL; END $$";
    check(&[USERS, (caught, "SELECT 1")], "unproven");
}

#[test]
fn a_down_that_always_raises_is_none() {
    check(
        &[
            USERS,
            (
                "ALTER TABLE users ADD x int",
                "DO $$ BEGIN RAISE EXCEPTION 'no way back'; END $$",
            ),
        ],
        "rollback-invalid: the DOWN cannot run: it raises an error of its own",
    );
    // A guard over rows lets a schema pass.
    check(
        &[
            USERS,
            (
                "ALTER TABLE users ADD x int",
                "DO $$ BEGIN IF EXISTS (SELECT 1 FROM users) THEN RAISE EXCEPTION 'rows'; END IF; END $$; \
             ALTER TABLE users DROP x",
            ),
        ],
        "proven",
    );
}

const HELPERS: (&str, &str) = (
    "CREATE TABLE users (id bigint, name text);
     CREATE FUNCTION make_index(t text, i text, c text) RETURNS void LANGUAGE plpgsql AS $$
     DECLARE n integer; BEGIN
       SELECT count(*) INTO n FROM pg_indexes WHERE tablename = lower(t) AND indexname = lower(i);
       IF n = 0 THEN EXECUTE 'CREATE INDEX ' || i || ' ON ' || quote_ident(t) || ' (' || c || ')';
       END IF;
     END $$;
     CREATE FUNCTION make_both(t text) RETURNS void LANGUAGE plpgsql AS $$
     BEGIN EXECUTE make_index(t, 'IDX_' || t, 'id'); PERFORM make_index(t, 'idx2', 'name'); END $$",
    "DROP FUNCTION make_both(text); DROP FUNCTION make_index(text, text, text); DROP TABLE users",
);

#[test]
fn functions_that_are_called_are_followed() {
    let call = "SELECT make_index('users', 'IDX_NAME', 'name')";
    check(&[HELPERS, (call, "DROP INDEX idx_name")], "proven");
    check(
        &[HELPERS, (call, "SELECT 1")],
        "rollback-incomplete: the DOWN leaves index `idx_name` behind",
    );
    check(
        &[HELPERS, (call, "DROP INDEX idx_name"), (call, "SELECT 1")],
        "proven",
    );
    check(
        &[
            HELPERS,
            (
                "SELECT make_both('users')",
                "DROP INDEX idx_users; DROP INDEX idx2",
            ),
        ],
        "proven",
    );
}

#[test]
fn labels_belong_to_their_type() {
    let moods = (
        "CREATE TYPE a AS ENUM ('x'); CREATE TYPE b AS ENUM ('x');
         CREATE TABLE t (c a DEFAULT 'x', d a CHECK (d <> 'x'))",
        "DROP TABLE t; DROP TYPE b; DROP TYPE a",
    );
    let to = "ALTER TABLE t ALTER c TYPE b USING c::text::b";
    let back = "ALTER TABLE t ALTER c DROP DEFAULT, ALTER c TYPE a USING c::text::a, \
                ALTER c SET DEFAULT 'x'";
    check(
        &[moods, (to, back)],
        "unsupported-by-engine: column `c` cannot become b: its default names a label of `a`",
    );
    // What is dropped goes first, wherever it stands in the statement.
    let dropped = "ALTER TABLE t ALTER c TYPE b USING c::text::b, ALTER c DROP DEFAULT";
    check(&[moods, (dropped, back)], "proven");
    check(
        &[
            moods,
            ("ALTER TABLE t ALTER d TYPE b USING d::text::b", "SELECT 1"),
        ],
        "unsupported-by-engine: column `d` cannot become b: check `t_d_check` names a label of `a`",
    );
}

#[test]
fn conditions_remember_the_type_that_was() {
    let age = |to| format!("ALTER TABLE users ALTER age TYPE {to}").leak() as &'static str;
    let both = |to: &'static str| (age(to), age("int"));
    check(&[USERS, both("bigint")], "proven");
    check(
        &[USERS, both("numeric")],
        "rollback-incomplete: the DOWN restores check users_age_check of `users` with another \
         condition: age > 0 /* age as numeric */, not age > 0",
    );
    let wide = ("CREATE TABLE w (n numeric CHECK (n > 0))", "DROP TABLE w");
    check(
        &[
            wide,
            (
                "ALTER TABLE w ALTER n TYPE bigint",
                "ALTER TABLE w ALTER n TYPE numeric",
            ),
        ],
        "proven",
    );
}

#[test]
fn a_conversion_reads_columns_that_are_there() {
    check(
        &[
            USERS,
            (
                "ALTER TABLE users ALTER age TYPE text",
                "ALTER TABLE users ALTER age TYPE int USING years::int",
            ),
        ],
        "rollback-invalid: the DOWN cannot run: table `users` has no column `years`",
    );
}

#[test]
fn what_cascade_may_take_is_doubted() {
    let view = ("CREATE VIEW v AS SELECT name FROM users", "DROP VIEW v");
    check(
        &[
            USERS,
            view,
            (
                "ALTER TABLE users DROP name CASCADE",
                "ALTER TABLE users ADD name text; CREATE VIEW v AS SELECT name FROM users",
            ),
        ],
        "unproven",
    );
}

#[test]
fn an_extension_that_nobody_makes_was_made_by_somebody() {
    let tags = (
        "ALTER TABLE users ADD tags hstore",
        "ALTER TABLE users DROP tags",
    );
    check(&[USERS, tags], "unproven");
    check(
        &[
            USERS,
            ("CREATE EXTENSION hstore", "DROP EXTENSION hstore"),
            tags,
        ],
        "proven",
    );
    // It is there from then on.
    let more = (
        "ALTER TABLE users ADD more hstore",
        "ALTER TABLE users DROP more",
    );
    check(&[USERS, tags, more], "proven");
}

#[test]
fn what_is_dropped_elsewhere_is_not_what_was_made_here() {
    check(
        &[
            USERS,
            (
                "CREATE INDEX i ON users (name)",
                "DROP INDEX IF EXISTS users.i",
            ),
        ],
        "rollback-incomplete: the DOWN leaves index `i` behind",
    );
}

#[test]
fn an_index_of_mysql_stands_on_a_table() {
    let index = "CREATE INDEX i ON t (a)";
    let table = ("CREATE TABLE t (a int)", "DROP TABLE t");
    check_on(
        Dialect::MySql,
        &[table, (index, "DROP INDEX i ON t")],
        "proven",
    );
    check_on(
        Dialect::MySql,
        &[table, (index, "DROP INDEX i")],
        "syntax-error: MySQL does not read this: expected `ON` and the table of the index",
    );
}

const PETS: (&str, &str) = (
    "CREATE TABLE owners (id INT PRIMARY KEY, name VARCHAR(20), UNIQUE INDEX owners_name (name)); \
     CREATE TABLE pets (id INT PRIMARY KEY, name VARCHAR(20), owner VARCHAR(20), \
     CONSTRAINT pets_owner_fk FOREIGN KEY (owner) REFERENCES owners (name))",
    "DROP TABLE pets; DROP TABLE owners",
);

const INDEX: &str = "CREATE INDEX pets_owner ON pets (owner, name)";

#[test]
fn an_index_that_a_foreign_key_needs_stays() {
    let check = |down: &'static str, expected| {
        check_on(Dialect::MySql, &[PETS, (INDEX, down)], expected);
    };
    check(
        "DROP INDEX pets_owner ON pets",
        "rollback-invalid: the DOWN cannot run: foreign key `pets_owner_fk` of `pets` needs an \
         index that begins with `owner`",
    );
    check(
        "ALTER TABLE pets DROP INDEX pets_owner, ADD INDEX pets_owner_fk (owner)",
        "proven",
    );
    check(
        "CREATE INDEX pets_owner_fk ON pets (owner); DROP INDEX pets_owner ON pets",
        "proven",
    );
    check(
        "SET foreign_key_checks = 0; DROP INDEX pets_owner ON pets",
        "rollback-incomplete: the DOWN does not bring back index `pets_owner_fk`",
    );
    check(
        "ALTER TABLE pets DROP INDEX pets_owner, CHANGE owner holder VARCHAR(20), \
         ADD INDEX pets_owner_fk (holder); ALTER TABLE pets CHANGE holder owner VARCHAR(20)",
        "unproven",
    );
}

#[test]
fn an_index_that_foreign_keys_refer_to_stays() {
    let check = |up: &'static str, down: &'static str, expected| {
        check_on(Dialect::MySql, &[PETS, (up, down)], expected);
    };
    let restored = "CREATE UNIQUE INDEX owners_name ON owners (name)";
    check(
        "ALTER TABLE owners DROP INDEX owners_name, ADD INDEX names (name)",
        "ALTER TABLE owners DROP INDEX names, ADD UNIQUE INDEX owners_name (name)",
        "unproven",
    );
    check(
        "ALTER TABLE owners DROP INDEX owners_name",
        restored,
        "dependent-object-blocks: foreign key `pets_owner_fk` of `pets` needs an index that begins \
         with `name`",
    );
    check(
        "ALTER TABLE pets DROP FOREIGN KEY pets_owner_fk; DROP INDEX owners_name ON owners",
        "CREATE UNIQUE INDEX owners_name ON owners (name); ALTER TABLE pets ADD CONSTRAINT \
         pets_owner_fk FOREIGN KEY (owner) REFERENCES owners (name)",
        "proven",
    );
}
