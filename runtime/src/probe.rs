//! What the verbs around a run ask of an engine: adopting, verifying, rehearsing, judging; and what
//! is asked when something is in the way.
//!
//! A run itself gets by with [`Driver`](crate::engine::Driver); what stands here may be slow, and
//! may be answered with "this engine does not tell".

use sqlx::Connection;

use crate::engine::Driver;
use crate::history::Names;
use crate::place::Need;
use crate::watch::Waiter;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// The engine's answers. Public only because [`Engine`](crate::Engine) builds on it.
pub trait Probe: Driver {
    /// An expression that shows the bytes in `column` as hexadecimal digits.
    fn show_bytes(column: &str) -> String;

    /// A query for the rights of this user, where the catalogue shows only what one has a right to.
    fn ask_rights() -> Option<&'static str> {
        None
    }

    /// Whether these rights let it see everything in the database.
    fn sees_all(_rights: &[String], _database: &str) -> bool {
        true
    }

    /// A query for which of these tables are where unqualified names go.
    fn ask_tables(names: &[&str]) -> String;

    /// A URL under which a scratch database can be made without asking anybody, where the engine
    /// has such a thing.
    const SCRATCH: Option<&'static str>;

    /// A statement that lets unqualified names go to that schema (on MySQL: that database), where
    /// the engine has such things. Where it answers with rows, no row means that there is none.
    fn enter_schema(schema: &str) -> Option<String>;

    /// A query for about how many rows the table has, of which it is enough to look at statistics.
    /// `table` is its name as SQL.
    fn estimate(table: &str) -> Option<String>;

    /// A query for tables and views as (number, name, file), where the engine has such numbers: the
    /// file changes when the table is written anew.
    fn ask_storage() -> Option<&'static str>;

    /// A query for the locks that this session holds on tables and views, as (number, mode).
    fn ask_locks() -> Option<&'static str>;

    /// A query for where a history without a schema of its own is, as (what, schema): `found` by its
    /// name, `hidden` on the search path from this user, or `elsewhere`. `None`: what cannot be seen
    /// is not taken for what is not there.
    fn ask_place(_names: &Names) -> Option<String> {
        None
    }

    /// Whether the error says that a right is missing.
    fn is_denied(_error: &sqlx::Error) -> bool {
        false
    }

    /// A query for the statements that grant this user what it lacks.
    fn ask_grants(_names: &Names, _need: Need) -> Option<String> {
        None
    }

    /// The name under which others see the session of `who`, where sessions have names.
    fn shown_as(_who: &str) -> String {
        String::new()
    }

    /// Queries for whom somebody waits who wants a lock inside the database, each answering with
    /// words for people in its first column. They are asked one after the other until one answers;
    /// what a server does not know it may refuse.
    fn ask_blockers(_waiter: &Waiter) -> Vec<String> {
        Vec::new()
    }

    /// What to do about an error that says more than that something was refused.
    fn advice(_error: &sqlx::Error) -> Option<&'static str> {
        None
    }

    /// What is in the way of a connection, by what can be seen from here.
    fn obstacle(_options: &<Self::Connection as Connection>::Options) -> Option<String> {
        None
    }
}

/// The names as a list of literals.
fn listed<D: Driver>(names: &[&str]) -> String {
    let texts: Vec<String> = names.iter().map(|name| D::quote_text(name)).collect();
    texts.join(", ")
}
