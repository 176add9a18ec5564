//! SQLite.

use sqlx::Sqlite;

use crate::probe::{Probe, listed};

impl Probe for Sqlite {
    const SCRATCH: Option<&'static str> = Some("sqlite::memory:");

    fn ask_tables(names: &[&str]) -> String {
        format!(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ({})",
            listed::<Sqlite>(names)
        )
    }

    fn show_bytes(column: &str) -> String {
        format!("lower(hex({column}))")
    }

    fn enter_schema(_schema: &str) -> Option<String> {
        None
    }

    fn estimate(_table: &str) -> Option<String> {
        None
    }

    fn ask_storage() -> Option<&'static str> {
        None
    }

    fn ask_locks() -> Option<&'static str> {
        None
    }
}
