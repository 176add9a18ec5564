//! MySQL and MariaDB.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, MySql, Row};

use crate::command::backup::DROPS;
use crate::command::optimize::{Question, mysql};

use super::{Place, Product, Rows, number_behind};

impl Product for MySql {
    fn place(url: &str) -> Option<Place> {
        let options = MySqlConnectOptions::from_str(url).ok()?;
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        Some(Place {
            database: options.get_database().unwrap_or_default().to_owned(),
            host: Some(host),
            user: Some(options.get_username().to_owned()),
        })
    }

    fn server(version: &str) -> String {
        // `10.11.6-MariaDB-0+deb12u1`
        let number = version.split('-').next().unwrap_or_default();
        match version.contains("MariaDB") {
            true => format!("MariaDB {number}"),
            false => format!("MySQL {number}"),
        }
    }

    async fn ask<'a>(connection: &'a mut MySqlConnection, sql: &'a str) -> sqlx::Result<Rows> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(connection);
        let texts = |row: MySqlRow| (0..row.len()).map(|at| text(&row, at)).collect();
        rows.map_ok(texts).try_collect().await
    }

    async fn leash(
        connection: &mut MySqlConnection,
        _stop: Arc<AtomicBool>,
    ) -> sqlx::Result<String> {
        let rows = MySql::ask(connection, "SELECT CONNECTION_ID()").await?;
        let number = rows.into_iter().flatten().next().flatten();
        number.ok_or(sqlx::Error::RowNotFound)
    }

    const QUESTIONS: &'static [Question] = mysql::QUESTIONS;

    const ONLY_READS: Option<&'static str> =
        Some("SELECT CASE WHEN @@GLOBAL.read_only THEN 'read_only is on, as on a replica' END");

    async fn wipe(connection: &mut MySqlConnection) -> sqlx::Result<()> {
        MySql::ask(connection, "SET FOREIGN_KEY_CHECKS = 0").await?;
        for row in MySql::ask(connection, DROPS).await? {
            let statement = row.into_iter().next().flatten().unwrap_or_default();
            MySql::ask(connection, &statement).await?;
        }
        Ok(())
    }

    fn ending(holder: &str) -> Option<String> {
        let number = number_behind("server connection ", holder)?;
        Some(format!("KILL {number};"))
    }

    async fn end<'a>(connection: &'a mut MySqlConnection, number: &'a str) -> sqlx::Result<bool> {
        let sql = format!("SELECT 1 FROM information_schema.processlist WHERE id = {number}");
        if MySql::ask(connection, &sql).await?.is_empty() {
            return Ok(true);
        }
        // It may go by itself in between.
        let _ = MySql::ask(connection, &format!("KILL {number}")).await;
        Ok(MySql::ask(connection, &sql).await?.is_empty())
    }
}

fn text(row: &MySqlRow, index: usize) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(index).ok()?;
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
