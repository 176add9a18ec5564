//! PostgreSQL.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Postgres, Row, ValueRef};

use crate::command::backup::EMPTY;
use crate::command::optimize::{Question, postgres};

use super::{Place, Product, Rows, number_behind};

impl Product for Postgres {
    fn place(url: &str) -> Option<Place> {
        let options = PgConnectOptions::from_str(url).ok()?;
        let user = options.get_username();
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        Some(Place {
            database: options.get_database().unwrap_or(user).to_owned(),
            host: Some(host),
            user: Some(user.to_owned()),
        })
    }

    fn server(version: &str) -> String {
        // Behind the number stands who has packed it.
        let number = version.split(' ').next().unwrap_or_default();
        format!("PostgreSQL {number}")
    }

    async fn ask<'a>(connection: &'a mut PgConnection, sql: &'a str) -> sqlx::Result<Rows> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(connection);
        let texts = |row: PgRow| (0..row.len()).map(|at| text(&row, at)).collect();
        rows.map_ok(texts).try_collect().await
    }

    async fn leash(connection: &mut PgConnection, _stop: Arc<AtomicBool>) -> sqlx::Result<String> {
        let rows = Postgres::ask(connection, "SELECT pg_catalog.pg_backend_pid()").await?;
        let number = rows.into_iter().flatten().next().flatten();
        number.ok_or(sqlx::Error::RowNotFound)
    }

    const QUESTIONS: &'static [Question] = postgres::QUESTIONS;

    const ONLY_READS: Option<&'static str> = Some(
        "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'this server is a standby' \
         WHEN pg_catalog.current_setting('transaction_read_only') = 'on' \
         THEN 'default_transaction_read_only is on' END",
    );

    async fn wipe(connection: &mut PgConnection) -> sqlx::Result<()> {
        Postgres::ask(connection, EMPTY).await.map(drop)
    }

    fn ending(holder: &str) -> Option<String> {
        let number = number_behind("server process ", holder)?;
        Some(format!("SELECT pg_terminate_backend({number});"))
    }

    async fn end<'a>(connection: &'a mut PgConnection, number: &'a str) -> sqlx::Result<bool> {
        // Behind a pooler the process may be at work for somebody else by now.
        let ours = format!(
            "FROM pg_catalog.pg_stat_activity WHERE pid = {number} \
             AND application_name LIKE 'backstitch %'"
        );
        let sql = format!("SELECT pg_catalog.pg_terminate_backend(pid) {ours}");
        Postgres::ask(connection, &sql).await?;
        let sql = format!("SELECT 1 {ours}");
        Ok(Postgres::ask(connection, &sql).await?.is_empty())
    }
}

fn text(row: &PgRow, index: usize) -> Option<String> {
    let value = row.try_get_raw(index).ok()?;
    if value.is_null() {
        return None;
    }
    let bytes = value.as_bytes().ok()?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}
