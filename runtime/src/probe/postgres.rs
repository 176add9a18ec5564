//! PostgreSQL.

use sqlx::Postgres;

use crate::engine::Driver;
use crate::probe::{Probe, listed};

impl Probe for Postgres {
    const SCRATCH: Option<&'static str> = None;

    fn ask_tables(names: &[&str]) -> String {
        format!(
            "SELECT tablename FROM pg_catalog.pg_tables \
             WHERE schemaname = pg_catalog.current_schema() AND tablename IN ({})",
            listed::<Postgres>(names)
        )
    }

    fn show_bytes(column: &str) -> String {
        format!("pg_catalog.encode({column}, 'hex')")
    }

    fn enter_schema(schema: &str) -> Option<String> {
        let name = Postgres::quote_text(schema);
        Some(format!(
            "SELECT pg_catalog.set_config('search_path', pg_catalog.quote_ident(nspname), false) \
             FROM pg_catalog.pg_namespace WHERE nspname = {name}"
        ))
    }

    fn estimate(table: &str) -> Option<String> {
        let name = Postgres::quote_text(table);
        Some(format!(
            "SELECT GREATEST(c.reltuples, 0)::bigint FROM pg_catalog.pg_class c \
             WHERE c.oid = pg_catalog.to_regclass({name})"
        ))
    }

    fn ask_storage() -> Option<&'static str> {
        Some(
            "SELECT c.oid, c.oid::pg_catalog.regclass, c.relfilenode FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') \
             AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')",
        )
    }

    fn ask_locks() -> Option<&'static str> {
        Some(
            "SELECT l.relation, l.mode FROM pg_catalog.pg_locks l \
             WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted",
        )
    }
}
