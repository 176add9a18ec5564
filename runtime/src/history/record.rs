//! What has been done to the history besides applying: rollbacks and repairs, as they are recorded.

use serde::Serialize;

use super::{LAYOUT, Names, Row};
use crate::engine::Driver;
use crate::message::Answer;

/// Everything that a database remembers about its migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct History {
    /// What is applied, failed or under way, in the order in which it was written.
    pub rows: Vec<Row>,
    /// What was taken back, and what was tried, the oldest first.
    pub rollbacks: Vec<Rollback>,
    /// What was put right by hand, the oldest first.
    pub repairs: Vec<Repaired>,
}

/// A rollback, or an attempt at one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rollback {
    /// The version of the migration.
    pub version: u64,
    /// Its id.
    pub id: String,
    /// Why, where somebody said.
    pub reason: Option<String>,
    /// Whether it was forced.
    pub forced: bool,
    /// Where the backup is that was made before.
    pub backup: Option<String>,
    /// How long it took, in milliseconds.
    pub execution_ms: Option<u64>,
    /// What went wrong; `None` when it was taken back.
    pub error: Option<String>,
    /// Host, process and program.
    pub rolled_back_by: String,
    /// When, in RFC 3339 and UTC, by the server's clock.
    pub rolled_back_at: String,
}

/// A repair of the history, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Repaired {
    /// The version of the migration.
    pub version: u64,
    /// Its id.
    pub id: String,
    /// What was done: `mark-applied`, `mark-not-applied`, `resume`, `checksum` or `way-back`.
    pub action: String,
    /// Why.
    pub reason: String,
    /// What the history said before.
    pub found: String,
    /// What it says since.
    pub made: String,
    /// Host, process and program.
    pub repaired_by: String,
    /// When, in RFC 3339 and UTC, by the server's clock. Empty before the server was asked.
    pub repaired_at: String,
}

/// Asks for the rollbacks, the oldest first.
pub(crate) fn select_rollbacks<D: Driver>(names: &Names) -> String {
    format!(
        "SELECT version, id, reason, CASE WHEN forced THEN 1 ELSE 0 END, backup, execution_ms, \
         error, rolled_back_by, {} FROM {} WHERE {} ORDER BY seq",
        D::show_time("rolled_back_at"),
        names.rollbacks::<D>(),
        names.is_ours::<D>()
    )
}

/// Reads the answer to [`select_rollbacks`].
pub(crate) fn rollbacks(answer: Answer) -> Vec<Rollback> {
    let read = |row: Vec<Option<String>>| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        Rollback {
            version: number(next()).unwrap_or_default(),
            id: next().unwrap_or_default(),
            reason: next(),
            forced: number(next()) == Some(1),
            backup: next(),
            execution_ms: number(next()),
            error: next(),
            rolled_back_by: next().unwrap_or_default(),
            rolled_back_at: next().unwrap_or_default(),
        }
    };
    answer.rows.into_iter().map(read).collect()
}

/// Asks for the repairs, the oldest first.
pub(crate) fn select_repairs<D: Driver>(names: &Names) -> String {
    format!(
        "SELECT version, id, action, reason, found, made, repaired_by, {} FROM {} WHERE {} \
         ORDER BY seq",
        D::show_time("repaired_at"),
        names.repairs::<D>(),
        names.is_ours::<D>()
    )
}

/// Reads the answer to [`select_repairs`].
pub(crate) fn repairs(answer: Answer) -> Vec<Repaired> {
    let read = |row: Vec<Option<String>>| {
        let mut row = row.into_iter();
        let mut next = || row.next().flatten();
        Repaired {
            version: number(next()).unwrap_or_default(),
            id: next().unwrap_or_default(),
            action: next().unwrap_or_default(),
            reason: next().unwrap_or_default(),
            found: next().unwrap_or_default(),
            made: next().unwrap_or_default(),
            repaired_by: next().unwrap_or_default(),
            repaired_at: next().unwrap_or_default(),
        }
    };
    answer.rows.into_iter().map(read).collect()
}

/// Records a repair.
pub(crate) fn insert_repair<D: Driver>(names: &Names, repaired: &Repaired) -> String {
    let values = [
        D::quote_text(&names.namespace),
        repaired.version.to_string(),
        D::quote_text(&repaired.id),
        D::quote_text(&repaired.action),
        D::quote_text(&repaired.reason),
        D::quote_text(&repaired.found),
        D::quote_text(&repaired.made),
        D::quote_text(&repaired.repaired_by),
        D::now().to_owned(),
        LAYOUT.to_string(),
    ];
    format!(
        "INSERT INTO {} (namespace, version, id, action, reason, found, made, repaired_by, \
         repaired_at, layout) VALUES ({})",
        names.repairs::<D>(),
        values.join(", ")
    )
}

fn number(value: Option<String>) -> Option<u64> {
    value?.parse().ok()
}
