//! What the command line asks of an engine beyond what the library does: where a URL leads, what
//! the server is called, and how to end what a broken-off run has left at work there.
//!
//! Each engine is one file below this one.

use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use backstitch::Engine;
use backstitch_core::Diagnostic;
use sqlx::{ConnectOptions, Connection};

use crate::advice;
use crate::command::backup::archive::Archive;
use crate::command::optimize::Question;
use crate::failure::Failure;

mod mysql;
mod postgres;
mod sqlite;

/// The rows of an answer, as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// An engine that the command line can work on: `sqlx::Postgres`, `sqlx::Sqlite` or `sqlx::MySql`.
///
/// It cannot be implemented elsewhere.
pub trait Product: Engine + Archive {
    /// Where the URL leads; `None` when it cannot be read.
    fn place(url: &str) -> Option<Place>;

    /// Name and version of the server, as people write them, of what the server tells.
    fn server(version: &str) -> String;

    /// Asks something. Every value is text.
    fn ask<'a>(
        connection: &'a mut Self::Connection,
        sql: &'a str,
    ) -> impl Future<Output = sqlx::Result<Rows>> + Send + 'a;

    /// Makes it possible to break off what this connection does: by the number that it gives, under
    /// which the server knows it, or by the sign that is set.
    fn leash<'a>(
        connection: &'a mut Self::Connection,
        stop: Arc<AtomicBool>,
    ) -> impl Future<Output = sqlx::Result<String>> + Send + 'a;

    /// What is asked to find out what makes the database slow.
    const QUESTIONS: &'static [Question];

    /// A query that says why nothing can be written here, where the engine tells: a sentence, or
    /// NULL where one can.
    const ONLY_READS: Option<&'static str>;

    /// Drops everything in the database.
    fn wipe(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = sqlx::Result<()>> + Send + '_;

    /// What ends the connection that has the migration lock, by the words in which the library tells
    /// of it.
    fn ending(holder: &str) -> Option<String>;

    /// Ends what the connection of that number is doing. Whether it is gone.
    fn end<'a>(
        connection: &'a mut Self::Connection,
        number: &'a str,
    ) -> impl Future<Output = sqlx::Result<bool>> + Send + 'a;
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the database, or the file.
    pub database: String,
    /// Host and port, or the socket; `None` for a file.
    pub host: Option<String>,
    /// Who connects.
    pub user: Option<String>,
}

/// The number that stands behind these words at the beginning of a text.
fn number_behind<'t>(words: &str, text: &'t str) -> Option<&'t str> {
    let rest = text.strip_prefix(words)?;
    let end = rest.find(|sign: char| !sign.is_ascii_digit());
    Some(&rest[..end.unwrap_or(rest.len())]).filter(|number| !number.is_empty())
}

/// A connection of our own.
///
/// # Errors
/// When the database cannot be reached; the password is not in it.
pub(crate) async fn connect<DB: Product>(url: &str) -> Result<DB::Connection, Failure> {
    let options = <<DB::Connection as Connection>::Options as FromStr>::from_str(url);
    let Ok(options) = options else {
        return Err(Failure::usage(not_a_url(DB::PRODUCT)));
    };
    let shown = DB::shown(&options);
    let connected = options.disable_statement_logging().connect().await;
    connected.map_err(|error| refused::<DB>(&format!("cannot connect to {shown}"), &error))
}

/// What the server or the driver says to something that we need.
pub(crate) fn refused<DB: Product>(doing: &str, error: &sqlx::Error) -> Failure {
    let code = match error {
        sqlx::Error::Database(_) => "database-refused",
        _ => "connection-failed",
    };
    let diagnostic = Diagnostic::error(code, format!("{doing}: {}", DB::words(error)));
    let diagnostic = diagnostic.why(DB::remarks(error).join("\n"));
    Failure::failed(match advice::on(error) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    })
}

/// The URL cannot be read. It is not shown, since it may hold a password.
pub(crate) fn not_a_url(product: &str) -> Diagnostic {
    let message = format!("this is not a URL of a {product} database");
    Diagnostic::error("url-invalid", message).help(
        "Write `postgres://user@host/database`, `mysql://user@host/database` or \
         `sqlite:path/to/file.db?mode=rwc`, as for sqlx. Signs such as `/`, `@` and `#` in a \
         password are written as `%2F`, `%40` and `%23`.",
    )
}
