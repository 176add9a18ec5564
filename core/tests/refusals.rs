//! What an engine refuses is never proven, and what it takes is never refused: statements that are
//! nearly right, as the bin `differ` of the tests finds them.
//!
//! Each case is what the engine does, seen there before it was written down here.
#![cfg(feature = "model")]

use backstitch_core::options::Options;
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Set, Severity, migration, proof};

use Dialect::{MariaDb, Postgres, Sqlite};

/// What is found about an UP and a DOWN behind another UP: the verdict, and `error` where there is
/// one that is about the UP, or that the DOWN cannot run.
fn found(dialect: Dialect, before: &str, up: &str, down: &str) -> String {
    let read = |(at, (up, down)): (usize, (&str, &str))| {
        let id = format!("{:04}_m", at + 1);
        let up = Source::new("up.sql", up.to_owned());
        let down = Source::new("down.sql", down.to_owned());
        let (migration, _) = migration::parse_up_down(&id, &up, Some(&down), dialect);
        migration.expect("a migration")
    };
    let all = [(before, "SELECT 1"), (up, down)];
    let (set, _) = Set::new(dialect, all.into_iter().enumerate().map(read).collect());
    let checked = proof::check(&set, &Options::default());
    let error = checked
        .diagnostics
        .iter()
        .find(|one| one.severity == Severity::Error && one.migration.as_deref() == Some("0002_m"));
    match error {
        Some(error) => error.code.to_owned(),
        None => checked.proofs["0002_m"].verdict.name().to_owned(),
    }
}

#[track_caller]
fn check(dialect: Dialect, before: &str, cases: &[(&str, &str)]) {
    for (down, expected) in cases {
        assert_eq!(
            found(dialect, before, "SELECT 1", down),
            *expected,
            "{down}"
        );
    }
}

const OBJECTS: &str = "CREATE TABLE t (a int, b text, n int GENERATED ALWAYS AS IDENTITY);
    CREATE VIEW v AS SELECT a FROM t;
    CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
    CREATE INDEX i ON t (a);
    CREATE SEQUENCE s;
    CREATE TYPE e AS ENUM ('a');
    CREATE DOMAIN d AS int CHECK (VALUE > 0);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'";

#[test]
fn postgres_wants_the_word_for_an_object() {
    check(
        Postgres,
        OBJECTS,
        &[
            ("COMMENT ON TABLE v IS NULL", "rollback-invalid"),
            ("COMMENT ON VIEW v IS NULL", "proven"),
            ("COMMENT ON VIEW m IS NULL", "rollback-invalid"),
            ("COMMENT ON VIEW t IS NULL", "rollback-invalid"),
            ("COMMENT ON MATERIALIZED VIEW m IS NULL", "proven"),
            ("COMMENT ON MATERIALIZED VIEW v IS NULL", "rollback-invalid"),
            ("COMMENT ON INDEX t IS NULL", "rollback-invalid"),
            ("COMMENT ON SEQUENCE t IS NULL", "rollback-invalid"),
            ("COMMENT ON DOMAIN e IS NULL", "rollback-invalid"),
            ("COMMENT ON TYPE d IS NULL", "proven"),
            ("COMMENT ON FUNCTION p() IS NULL", "rollback-invalid"),
            ("COMMENT ON PROCEDURE f() IS NULL", "rollback-invalid"),
            ("COMMENT ON ROUTINE f() IS NULL", "proven"),
            (
                "ALTER VIEW m RENAME TO x; ALTER TABLE x RENAME TO m",
                "rollback-invalid",
            ),
            (
                "ALTER TABLE m RENAME TO x; ALTER MATERIALIZED VIEW x RENAME TO m",
                "proven",
            ),
            (
                "ALTER TABLE v RENAME TO x; ALTER VIEW x RENAME TO v",
                "proven",
            ),
            (
                "ALTER TABLE s RENAME TO x; ALTER SEQUENCE x RENAME TO s",
                "proven",
            ),
            (
                "ALTER TABLE i RENAME TO x; ALTER INDEX x RENAME TO i",
                "proven",
            ),
            ("ALTER SEQUENCE t RESTART", "rollback-invalid"),
            ("ALTER SEQUENCE s RESTART", "proven"),
            ("ALTER INDEX t RESET (fillfactor)", "rollback-invalid"),
            ("ALTER INDEX i RESET (fillfactor)", "proven"),
            ("REFRESH MATERIALIZED VIEW m", "proven"),
            ("REFRESH MATERIALIZED VIEW v", "rollback-invalid"),
            ("REFRESH MATERIALIZED VIEW nope", "rollback-invalid"),
            ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", "unproven"),
        ],
    );
}

#[test]
fn a_name_that_is_taken_or_missing_is_not_proven() {
    check(
        Postgres,
        OBJECTS,
        &[
            ("ALTER TABLE t RENAME TO t", "unproven"),
            ("ALTER TABLE t RENAME a TO a", "unproven"),
            (
                "ALTER DOMAIN d RENAME CONSTRAINT d_check TO d_check",
                "unproven",
            ),
            ("ALTER DOMAIN d RENAME CONSTRAINT nope TO x", "unproven"),
            ("ALTER DOMAIN d VALIDATE CONSTRAINT nope", "unproven"),
            ("ALTER DOMAIN d VALIDATE CONSTRAINT d_check", "proven"),
            ("COMMENT ON CONSTRAINT nope ON DOMAIN d IS NULL", "unproven"),
            ("ALTER TABLE t NO INHERIT s", "unproven"),
            ("ALTER TABLE t ALTER a DROP IDENTITY", "unproven"),
            ("ALTER TABLE t ALTER a DROP IDENTITY IF EXISTS", "proven"),
            ("ALTER TABLE t ALTER n RESTART", "proven"),
            ("ALTER TABLE t ALTER a RESTART", "unproven"),
            ("ALTER TABLE t ALTER a DROP EXPRESSION", "unproven"),
            ("SELECT setval('nope', 1)", "unproven"),
            ("SELECT setval('s', 1)", "proven"),
            ("DELETE FROM t WHERE nope = 1", "unproven"),
            ("DELETE FROM t WHERE a = 1 AND b IS NULL", "proven"),
            ("SELECT nope FROM t", "unproven"),
            (
                "SELECT a, t, ctid, current_date FROM t WHERE a = 1",
                "unproven",
            ),
            (
                "SELECT a, b AS x, ctid, current_date FROM t WHERE a = 1",
                "proven",
            ),
            ("INSERT INTO t VALUES (1, 'a', 2, 3)", "unproven"),
            ("REVOKE ALL ON t FROM somebody", "unproven"),
            ("REVOKE ALL ON t FROM PUBLIC", "proven"),
        ],
    );
    let keys = "CREATE TABLE a (id int PRIMARY KEY); \
        CREATE TABLE b (a int CONSTRAINT one REFERENCES a, c int CONSTRAINT two REFERENCES a)";
    check(
        Postgres,
        keys,
        &[(
            "ALTER TABLE b RENAME CONSTRAINT one TO two",
            "rollback-invalid",
        )],
    );
}

/// It is what the column has from the start.
#[test]
fn the_usual_storage_is_none_of_its_own() {
    let up = "ALTER TABLE t ALTER b SET STORAGE EXTERNAL, ALTER a SET STORAGE PLAIN";
    let down = "ALTER TABLE t ALTER b SET STORAGE EXTENDED";
    assert_eq!(found(Postgres, OBJECTS, up, down), "proven");
    let down = "ALTER TABLE t ALTER b SET STORAGE MAIN";
    assert_eq!(found(Postgres, OBJECTS, up, down), "rollback-incomplete");
}

#[test]
fn a_view_that_is_replaced_keeps_the_comments_on_its_columns() {
    let up = "COMMENT ON COLUMN v.a IS 'x'";
    let down = "CREATE OR REPLACE VIEW v AS SELECT a FROM t";
    assert_eq!(found(Postgres, OBJECTS, up, down), "rollback-incomplete");
    let down = "COMMENT ON COLUMN v.a IS NULL; CREATE OR REPLACE VIEW v AS SELECT a FROM t";
    assert_eq!(found(Postgres, OBJECTS, up, down), "proven");
}

#[test]
fn sqlite_reads_its_views_when_names_change() {
    let before = "CREATE TABLE o (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE u (id INT); \
        CREATE VIEW v AS SELECT id FROM u";
    check(
        Sqlite,
        before,
        &[
            (
                "ALTER TABLE o RENAME TO p; ALTER TABLE p RENAME TO o",
                "proven",
            ),
            (
                "DROP TABLE u; ALTER TABLE o RENAME TO p; ALTER TABLE p RENAME TO o; \
                 CREATE TABLE u (id INT)",
                "unproven",
            ),
            ("ALTER TABLE o RENAME TO O", "unproven"),
            ("ALTER TABLE o RENAME COLUMN x TO X", "proven"),
            ("DELETE FROM o WHERE nope = 1", "rollback-invalid"),
            ("DELETE FROM o WHERE rowid = 1 AND x IS NULL", "proven"),
            ("INSERT INTO o (id) SELECT nope FROM u", "rollback-invalid"),
            ("INSERT INTO o SELECT id FROM u", "unproven"),
            ("INSERT INTO o SELECT id, 'a' FROM u", "proven"),
            ("CREATE TEMP VIEW v AS SELECT 1", "unproven"),
            ("PRAGMA user_version = 4", "unproven"),
            ("PRAGMA user_version", "proven"),
            (
                "CREATE TEMP TABLE x (a INT); CREATE TABLE x (a INT); DROP TABLE x",
                "unproven",
            ),
            (
                "CREATE INDEX i ON o (x); DROP VIEW IF EXISTS i; DROP INDEX i",
                "proven",
            ),
            ("DROP INDEX IF EXISTS o", "proven"),
        ],
    );
}

#[test]
fn a_virtual_table_keeps_tables_of_its_own() {
    let before = "CREATE VIRTUAL TABLE notes USING fts5(title); CREATE TABLE o (id INT)";
    let down = "DROP INDEX i";
    let up = "CREATE INDEX i ON notes_data (id)";
    assert_eq!(found(Sqlite, before, up, down), "proven");
}

#[test]
fn mariadb_has_ways_of_its_own() {
    let before = "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT, \
        CHECK (a > 0)); CREATE VIEW v AS SELECT a FROM t";
    check(
        MariaDb,
        before,
        &[
            (
                "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id)",
                "proven",
            ),
            ("ALTER TABLE t DROP CONSTRAINT CONSTRAINT_1", "unproven"),
            ("ALTER TABLE t DROP CONSTRAINT t_chk_1", "unproven"),
            ("ALTER TABLE t MODIFY a INT", "unproven"),
            ("ALTER TABLE t ADD SYSTEM VERSIONING", "unproven"),
            (
                "CREATE OR REPLACE ALGORITHM=UNDEFINED VIEW v AS SELECT a FROM t",
                "proven",
            ),
            (
                "CREATE OR REPLACE ALGORITHM=MERGE VIEW v AS SELECT a FROM t",
                "unproven",
            ),
            (
                "CREATE OR REPLACE SQL SECURITY INVOKER VIEW v AS SELECT a FROM t",
                "unproven",
            ),
        ],
    );
}
