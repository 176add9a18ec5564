//! MySQL and MariaDB.

use sqlx::MySql;

use crate::engine::Driver;
use crate::probe::Probe;

impl Probe for MySql {
    const SCRATCH: Option<&'static str> = None;

    fn show_bytes(column: &str) -> String {
        format!("LOWER(HEX({column}))")
    }
    fn enter_schema(schema: &str) -> Option<String> {
        Some(format!("USE {}", MySql::quote_name(schema)))
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
