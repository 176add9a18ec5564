//! Whether a text is SQL to SQLite, asked of SQLite itself.
//!
//! A statement is prepared on an empty database and never run. What SQLite says beyond its grammar
//! counts for nothing here: the tables of the migrations are not there.

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::limits::Limit;
use rusqlite::{Batch, Connection};

use super::refusal::{Reason, Refusal};
use super::stage;
use super::words::quoted;

/// How deep expressions may nest: SQLite calls itself for each level, and stacks may be small.
const DEEPEST: i32 = 200;

/// Whether SQLite can parse the text; where it cannot, the byte and the reason.
pub(crate) fn parses(text: &str) -> Result<(), (usize, String)> {
    thread_local! {
        static CONNECTION: Option<Connection> = open();
    }
    CONNECTION.with(|connection| match connection {
        Some(connection) => with_stand_ins(connection, text),
        None => Ok(()),
    })
}

fn open() -> Option<Connection> {
    let connection = Connection::open_in_memory().ok()?;
    connection
        .set_limit(Limit::SQLITE_LIMIT_EXPR_DEPTH, DEEPEST)
        .ok()?;
    connection.authorizer(Some(stage::authorize)).ok()?;
    Some(connection)
}

/// `ALTER TABLE` and `CREATE TRIGGER` are not read to their end while their table is missing.
fn with_stand_ins(connection: &Connection, text: &str) -> Result<(), (usize, String)> {
    let _ = connection.execute_batch("BEGIN");
    let mut answer = prepare(connection, text);
    if let Err(refusal) = &answer
        && let Some(name) = needs(refusal)
    {
        let name = quoted(&name);
        for stand_in in [
            format!("CREATE TABLE {name} (stand_in)"),
            format!("DROP TABLE {name}; CREATE VIEW {name} AS SELECT 1 AS stand_in"),
        ] {
            let made = connection.execute_batch(&stand_in).is_ok();
            answer = prepare(connection, text);
            let wants_view = matches!(&answer, Err(refusal)
                if refusal.message.starts_with("cannot create INSTEAD OF trigger"));
            if !made || !wants_view {
                break;
            }
        }
    }
    let _ = connection.execute_batch("ROLLBACK");
    match answer {
        Err(refusal) if refusal.reason == Reason::Syntax => {
            let at = refusal.offset.unwrap_or(text.len());
            Err((at.min(text.len()), refusal.message))
        }
        _ => Ok(()),
    }
}

fn needs(refusal: &Refusal) -> Option<String> {
    match &refusal.reason {
        Reason::UnknownTable(name) => Some(name.clone()),
        _ => None,
    }
}

fn prepare(connection: &Connection, text: &str) -> Result<(), Refusal> {
    let mut statements = Batch::new(connection, text);
    loop {
        match statements.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) => return Err(Refusal::new(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(usize, &str)>) {
        let found = parses(text);
        let found = found.as_ref().err();
        let found = found.map(|(at, message)| (*at, message.as_str()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn what_is_no_sql_is_refused() {
        let near = |word: &str| format!("near \"{word}\": syntax error");
        check("CREATE TABLE a (b,)", Some((18, &near(")"))));
        check("SELECT FROM", Some((7, &near("FROM"))));
        check("CREATE TABLE a (", Some((16, "incomplete input")));
        check("SELECT $", Some((7, "unrecognized token: \"$\"")));
    }

    #[test]
    fn a_table_that_is_not_there_hides_nothing() {
        let near = |word: &str| format!("near \"{word}\": syntax error");
        check("ALTER TABLE a ADD b NOT NOT NULL", Some((24, &near("NOT"))));
        check(
            "CREATE TRIGGER a INSERT ON b BEGIN SELECT FROM; END",
            Some((42, &near("FROM"))),
        );
        check(
            "CREATE TRIGGER a INSTEAD OF INSERT ON b BEGIN SELECT FROM; END",
            Some((53, &near("FROM"))),
        );
    }

    #[test]
    fn what_is_missing_or_forbidden_is_no_mistake_of_grammar() {
        for text in [
            "ALTER TABLE a ADD b",
            "DROP TABLE a",
            "INSERT INTO a SELECT f(b) FROM c",
            "CREATE TRIGGER a INSTEAD OF INSERT ON b BEGIN SELECT 1; END",
            "PRAGMA journal_mode = WAL",
            "ATTACH 'a.db' AS a",
            "VACUUM",
            "BEGIN",
            "COMMIT",
        ] {
            check(text, None);
            check(text, None);
        }
    }
}
