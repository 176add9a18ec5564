//! The tables of the history on SQLite.

use sqlx::Sqlite;

use crate::history::Names;

/// Statements that make the tables where they are missing.
pub(super) fn create(names: &Names) -> Vec<String> {
    let migrations = names.migrations::<Sqlite>();
    let rollbacks = names.rollbacks::<Sqlite>();
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {migrations} (\
             namespace TEXT NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL, \
             id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, \
             checksum TEXT NOT NULL, down_checksum TEXT, \
             state TEXT NOT NULL, statements INTEGER NOT NULL, \
             statements_done INTEGER NOT NULL, down_sql TEXT, \
             rollback_safe INTEGER NOT NULL, compatible INTEGER NOT NULL, \
             applied_at TEXT NOT NULL, execution_ms INTEGER, applied_by TEXT NOT NULL, \
             error TEXT, run TEXT NOT NULL, digest TEXT NOT NULL, layout INTEGER NOT NULL, \
             done_checksum TEXT, open_checksum TEXT, rounds INTEGER, round_rows INTEGER, \
             PRIMARY KEY (namespace, version), UNIQUE (namespace, seq))"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {rollbacks} (\
             seq INTEGER PRIMARY KEY, namespace TEXT NOT NULL, version INTEGER NOT NULL, \
             id TEXT NOT NULL, reason TEXT, forced INTEGER NOT NULL, backup TEXT, \
             execution_ms INTEGER, success INTEGER NOT NULL, error TEXT, \
             rolled_back_by TEXT NOT NULL, rolled_back_at TEXT NOT NULL, \
             layout INTEGER NOT NULL)"
        ),
        repairs(names),
    ]
}

/// Statements that bring tables of the layout before to this one.
pub(super) fn upgrade(names: &Names) -> Vec<String> {
    let migrations = names.migrations::<Sqlite>();
    let added = [
        "done_checksum TEXT",
        "open_checksum TEXT",
        "rounds INTEGER",
        "round_rows INTEGER",
    ];
    let columns = added.map(|column| format!("ALTER TABLE {migrations} ADD COLUMN {column}"));
    columns.into_iter().chain([repairs(names)]).collect()
}

fn repairs(names: &Names) -> String {
    let repairs = names.repairs::<Sqlite>();
    format!(
        "CREATE TABLE IF NOT EXISTS {repairs} (\
         seq INTEGER PRIMARY KEY, namespace TEXT NOT NULL, version INTEGER NOT NULL, \
         id TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, found TEXT NOT NULL, \
         made TEXT NOT NULL, repaired_by TEXT NOT NULL, repaired_at TEXT NOT NULL, \
         layout INTEGER NOT NULL)"
    )
}
