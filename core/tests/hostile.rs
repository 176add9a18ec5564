//! What no person writes and somebody may send: statements that nest without end, or go on and on.
//!
//! Each is read on a thread with a small stack, and reading twice as much must not take much more
//! than twice as long.
#![cfg(feature = "model")]

use std::time::{Duration, Instant};

use backstitch_core::source::Span;
use backstitch_core::{Dialect, change};

/// How statements begin, with a place where anything may stand.
const BEGINNINGS: &[&str] = &[
    "SELECT ",
    "SELECT * FROM ",
    "SELECT * FROM t WHERE ",
    "INSERT INTO t VALUES ",
    "UPDATE t SET a = ",
    "DELETE FROM t WHERE ",
    "CREATE TABLE t (a int DEFAULT ",
    "CREATE TABLE t (a int CHECK ",
    "CREATE TABLE t ",
    "CREATE INDEX i ON t ",
    "CREATE VIEW v AS SELECT ",
    "ALTER TABLE t ADD CONSTRAINT c CHECK ",
    "ALTER TABLE t ALTER a TYPE text USING ",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN ",
    "DO $$ BEGIN ",
    "COMMENT ON TABLE t IS ",
    "GRANT SELECT ON ",
    "",
];

/// What is repeated.
const TEMPTATIONS: &[&str] = &[
    "(",
    "(a,",
    "f(",
    "f(a,",
    "a = (SELECT ",
    "WITH a(a, a(",
    "replace(",
    "((a)",
    "[",
    "a[",
    "ARRAY[",
    "1 + ",
    "1 || ",
    "a AND ",
    "a OR ",
    "NOT ",
    "- ",
    "a = ",
    "a IS NULL AND ",
    "a::int::",
    "a.",
    "a, ",
    "CASE WHEN ",
    "CASE a WHEN 1 THEN ",
    "SELECT ",
    "(SELECT ",
    "SELECT * FROM (",
    "WITH a AS (",
    "a UNION SELECT ",
    "t JOIN ",
    "EXISTS (",
    "IN (",
    "CAST(",
    "INTERVAL ",
    "ROW(",
    "IF a THEN ",
    "BEGIN ",
    "LOOP ",
    "DECLARE a int := ",
    "a := (",
    "EXECUTE ",
    "EXPLAIN ",
    "CREATE SCHEMA a CREATE ",
    "'a' ",
    "\"a\".",
    "LIKE a ",
    "BETWEEN a AND ",
    "OVER (",
    "/* ",
    "{",
];

fn read(text: &str, dialect: Dialect) -> Duration {
    let began = Instant::now();
    let _ = change::read(text, Span::new(0..text.len()), dialect);
    let took = began.elapsed();
    let _ = change::unread(text, Span::new(0..text.len()), dialect, "a test");
    took
}

fn long(beginning: &str, temptation: &str, len: usize) -> String {
    let times = len / temptation.len();
    format!("{beginning}{}", temptation.repeat(times))
}

/// On a thread with no more of a stack than threads have of their own accord.
fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(work)
        .expect("a thread can be made")
        .join()
        .expect("reading never panics");
}

/// As much as is just handed to a parser that others wrote, and more.
#[test]
fn nothing_is_too_deep() {
    on_a_thread(|| {
        for dialect in Dialect::ALL {
            for beginning in BEGINNINGS {
                for temptation in TEMPTATIONS {
                    for len in [150, 1_500] {
                        read(&long(beginning, temptation, len), dialect);
                    }
                }
            }
        }
    });
}

#[test]
fn closed_again_it_is_not_too_deep_either() {
    on_a_thread(|| {
        for dialect in Dialect::ALL {
            for beginning in BEGINNINGS {
                for len in [10, 60, 5_000] {
                    let text = format!("{beginning}{}1{}", "(".repeat(len), ")".repeat(len));
                    read(&text, dialect);
                    let not = format!("{beginning}{}a", "NOT ".repeat(len));
                    read(&not, dialect);
                    let sum = format!("{beginning}{}1", "1 + ".repeat(len));
                    read(&sum, dialect);
                }
            }
        }
    });
}

/// The most that is handed on, and more. With a step that is not linear this takes hours and not
/// seconds.
#[test]
fn long_statements_take_no_more_than_their_time() {
    const LONG: Duration = Duration::from_secs(300);
    on_a_thread(|| {
        for dialect in [Dialect::Postgres, Dialect::Sqlite, Dialect::MySql] {
            for temptation in TEMPTATIONS {
                for len in [60_000, 120_000] {
                    let took = read(&long("SELECT ", temptation, len), dialect);
                    assert!(took < LONG, "{dialect:?}: {temptation:?} takes {took:?}");
                }
            }
            let half = 60_000;
            let nested = format!("{}1{}", "(".repeat(half), ")".repeat(half));
            for text in [
                format!("SELECT {nested}"),
                format!("CREATE TABLE t (a int DEFAULT {nested})"),
            ] {
                let took = read(&text, dialect);
                assert!(took < LONG, "{dialect:?}: parentheses take {took:?}");
            }
        }
    });
}
