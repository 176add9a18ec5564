//! SQLite.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite, TypeInfo, ValueRef};

use crate::command::optimize::{Question, sqlite};

use super::{Place, Product, Rows};

impl Product for Sqlite {
    fn place(url: &str) -> Option<Place> {
        let options = SqliteConnectOptions::from_str(url).ok()?;
        Some(Place {
            database: options.get_filename().display().to_string(),
            host: None,
            user: None,
        })
    }

    fn server(version: &str) -> String {
        format!("SQLite {version}")
    }

    async fn ask<'a>(connection: &'a mut SqliteConnection, sql: &'a str) -> sqlx::Result<Rows> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(connection);
        let texts = |row: SqliteRow| (0..row.len()).map(|at| text(&row, at)).collect();
        rows.map_ok(texts).try_collect().await
    }

    async fn leash(
        connection: &mut SqliteConnection,
        stop: Arc<AtomicBool>,
    ) -> sqlx::Result<String> {
        let mut handle = connection.lock_handle().await?;
        // Asked after so many steps of its virtual machine, which is a matter of microseconds.
        handle.set_progress_handler(10_000, move || !stop.load(Ordering::Relaxed));
        Ok(String::new())
    }

    const QUESTIONS: &'static [Question] = sqlite::QUESTIONS;

    const ONLY_READS: Option<&'static str> = None;

    async fn wipe(connection: &mut SqliteConnection) -> sqlx::Result<()> {
        // Virtual tables first: they take what they have made along.
        let sql = "SELECT type, name FROM sqlite_schema \
             WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             ORDER BY sql LIKE 'CREATE VIRTUAL %' DESC, type = 'view' DESC LIMIT 1";
        Sqlite::ask(connection, "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE").await?;
        loop {
            let first = Sqlite::ask(connection, sql).await?.into_iter().next();
            let first: Option<Vec<String>> = first.and_then(|row| row.into_iter().collect());
            let Some([kind, name]) = first.as_deref() else {
                break;
            };
            let name = name.replace('"', "\"\"");
            Sqlite::ask(connection, &format!("DROP {kind} \"{name}\"")).await?;
        }
        Sqlite::ask(connection, "COMMIT").await.map(drop)
    }

    fn ending(_holder: &str) -> Option<String> {
        None
    }

    /// A run that is broken off ends with its statement, and gives the write lock back.
    async fn end<'a>(connection: &'a mut SqliteConnection, _number: &'a str) -> sqlx::Result<bool> {
        match Sqlite::ask(connection, "BEGIN IMMEDIATE; ROLLBACK").await {
            Ok(_) => Ok(true),
            Err(sqlx::Error::Database(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn text(row: &SqliteRow, index: usize) -> Option<String> {
    let value = row.try_get_raw(index).ok()?;
    if value.is_null() {
        return None;
    }
    match value.type_info().name() {
        "INTEGER" | "BOOLEAN" => {
            let number: i64 = row.try_get_unchecked(index).ok()?;
            Some(number.to_string())
        }
        "REAL" => {
            let number: f64 = row.try_get_unchecked(index).ok()?;
            Some(number.to_string())
        }
        _ => row.try_get_unchecked(index).ok(),
    }
}
