//! SQLite.

use sqlx::Sqlite;
use sqlx::sqlite::SqliteConnectOptions;

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

    fn advice(error: &sqlx::Error) -> Option<&'static str> {
        // The low byte is the kind, the rest says more. <https://www.sqlite.org/rescode.html>
        const READONLY: i32 = 8;
        const READONLY_DIRECTORY: i32 = 1544;
        const IO_ERROR: i32 = 10;
        const CORRUPT: i32 = 11;
        const FULL: i32 = 13;
        const NOT_A_DATABASE: i32 = 26;
        let code = error.as_database_error().and_then(|error| error.code());
        let code: i32 = code?.parse().ok()?;
        match code & 0xff {
            _ if code == READONLY_DIRECTORY => Some(
                "let this user write to the folder of the file, too: SQLite keeps its journal there",
            ),
            READONLY => Some(
                "let this user write to the file and its folder, and open it without `mode=ro` or \
                 `immutable`",
            ),
            NOT_A_DATABASE => Some(
                "name the file of the database. If this is it, it is encrypted or broken: bring a \
                 backup back",
            ),
            CORRUPT => {
                Some("the file is broken (PRAGMA integrity_check tells how): bring a backup back")
            }
            IO_ERROR => Some(
                "see whether the disk is full or broken, and whether its file system takes locks",
            ),
            FULL => Some("make room on the disk, or raise `max_page_count`"),
            _ => None,
        }
    }

    fn obstacle(options: &SqliteConnectOptions) -> Option<String> {
        let file = options.get_filename();
        let shown = file.display();
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.exists()) {
            return Some(format!(
                "There is no folder `{}`, and SQLite makes none.",
                folder.display()
            ));
        }
        if file.is_dir() {
            return Some(format!(
                "`{shown}` is a folder, and the database is a file."
            ));
        }
        if !file.exists() {
            return Some(format!(
                "There is no file `{shown}`. It is made where the address says `?mode=rwc`, and this \
                 user may write to the folder."
            ));
        }
        std::fs::File::open(file)
            .err()
            .map(|error| format!("`{shown}` cannot be opened: {error}."))
    }
}
