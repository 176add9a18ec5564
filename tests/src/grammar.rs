//! Real engines, asked whether a text is SQL at all. Nothing is run.

use rusqlite::fallible_iterator::FallibleIterator;
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr};

use crate::servers::{Database, Engine};

/// What an engine says of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is SQL.
    Parsed,
    /// It is refused, and not for its grammar; there may be mistakes behind the place.
    Refused(String),
    /// It is no SQL.
    Syntax(String),
}

/// An engine that knows its grammar.
pub enum Grammar {
    /// PostgreSQL.
    Postgres(PgConnection),
    /// MariaDB.
    MariaDb(MySqlConnection),
    /// SQLite: its parser looks at the schema, so there is one.
    Sqlite(rusqlite::Connection),
}

impl std::fmt::Debug for Grammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Grammar::Postgres(_) => "Postgres",
            Grammar::MariaDb(_) => "MariaDb",
            Grammar::Sqlite(_) => "Sqlite",
        })
    }
}

impl Grammar {
    /// That of the engine which keeps this database.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn of(database: &Database) -> sqlx::Result<Grammar> {
        let url = database.url();
        Ok(match database.engine() {
            Engine::Postgres | Engine::PgBouncer => {
                Grammar::Postgres(PgConnection::connect(url).await?)
            }
            Engine::MariaDb => Grammar::MariaDb(MySqlConnection::connect(url).await?),
            Engine::Sqlite => Grammar::Sqlite(in_memory()),
        })
    }

    /// Goes back to an empty schema.
    pub fn forget(&mut self) {
        if let Grammar::Sqlite(connection) = self {
            *connection = in_memory();
        }
    }

    /// Runs a statement, so that those behind it find what it makes. What fails, fails.
    pub fn play(&self, statement: &str) {
        if let Grammar::Sqlite(connection) = self {
            let _ = connection.execute_batch(statement);
        }
    }

    /// Asks whether `text` is SQL.
    ///
    /// # Panics
    /// When the engine is gone, or says something that no engine says.
    pub async fn ask(&mut self, text: &str) -> Answer {
        match self {
            Grammar::Postgres(connection) => postgres(connection, text).await,
            Grammar::MariaDb(connection) => maria_db(connection, text).await,
            Grammar::Sqlite(connection) => sqlite(connection, text),
        }
    }
}

fn in_memory() -> rusqlite::Connection {
    rusqlite::Connection::open_in_memory().expect("it takes no more than memory")
}

/// The whole message is parsed before its first statement is looked at. One that ends in a mistake
/// never runs, and the place of the first mistake tells whether there is one before that.
async fn postgres(connection: &mut PgConnection, text: &str) -> Answer {
    let message = format!("{text}\n;\n)");
    let canary = message.chars().count();
    let error = connection
        .execute(sqlx::raw_sql(AssertSqlSafe(message)))
        .await
        .expect_err("it ends in a mistake");
    let sqlx::Error::Database(error) = error else {
        panic!("PostgreSQL is gone: {error}");
    };
    let error = error.downcast_ref::<PgDatabaseError>();
    match error.position() {
        Some(PgErrorPosition::Original(at)) if at == canary => Answer::Parsed,
        _ if error.code() == "42601" => Answer::Syntax(error.message().to_owned()),
        _ => Answer::Refused(error.message().to_owned()),
    }
}

/// A statement is prepared; that is parsing it and looking up its tables.
async fn maria_db(connection: &mut MySqlConnection, text: &str) -> Answer {
    const PARSE_ERROR: u16 = 1064;
    let Err(error) = connection
        .prepare(AssertSqlSafe(text.to_owned()).into_sql_str())
        .await
    else {
        return Answer::Parsed;
    };
    let sqlx::Error::Database(error) = error else {
        return Answer::Refused(error.to_string());
    };
    let error = error.downcast_ref::<MySqlDatabaseError>();
    match error.number() {
        PARSE_ERROR => Answer::Syntax(error.message().to_owned()),
        _ => Answer::Refused(error.message().to_owned()),
    }
}

fn sqlite(connection: &rusqlite::Connection, text: &str) -> Answer {
    let mut statements = rusqlite::Batch::new(connection, text);
    loop {
        match statements.next() {
            Ok(Some(_)) => {}
            Ok(None) => return Answer::Parsed,
            Err(error) => {
                let message = match error {
                    rusqlite::Error::SqlInputError { msg, .. } => msg,
                    error => error.to_string(),
                };
                let is_syntax = message.ends_with("syntax error")
                    || message.starts_with("unrecognized token")
                    || message == "incomplete input";
                return match is_syntax {
                    true => Answer::Syntax(message),
                    false => Answer::Refused(message),
                };
            }
        }
    }
}
