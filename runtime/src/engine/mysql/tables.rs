//! The tables of the history on MySQL and MariaDB.

use sqlx::MySql;

use crate::engine::Driver;
use crate::history::{LAYOUT, Names};

const TABLE: &str = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin";

/// Statements that make the tables where they are missing.
pub(super) fn create(names: &Names) -> Vec<String> {
    let migrations = names.migrations::<MySql>();
    let rollbacks = names.rollbacks::<MySql>();
    let tables = [
        format!(
            "CREATE TABLE IF NOT EXISTS {migrations} (\
             namespace VARCHAR(190) NOT NULL, version BIGINT NOT NULL, seq BIGINT NOT NULL, \
             id VARCHAR(255) NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, \
             checksum VARCHAR(80) NOT NULL, down_checksum VARCHAR(80), \
             state VARCHAR(16) NOT NULL, statements INT NOT NULL, statements_done INT NOT NULL, \
             down_sql LONGTEXT, rollback_safe BOOLEAN NOT NULL, compatible BOOLEAN NOT NULL, \
             applied_at DATETIME(6) NOT NULL, execution_ms BIGINT, applied_by TEXT NOT NULL, \
             error TEXT, run VARCHAR(80) NOT NULL, digest VARCHAR(80) NOT NULL, \
             layout INT NOT NULL, \
             done_checksum VARCHAR(80), open_checksum VARCHAR(80), rounds BIGINT, \
             round_rows BIGINT, \
             PRIMARY KEY (namespace, version), UNIQUE KEY newest (namespace, seq)) {TABLE}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {rollbacks} (\
             seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, namespace VARCHAR(190) NOT NULL, \
             version BIGINT NOT NULL, id VARCHAR(255) NOT NULL, reason TEXT, \
             forced BOOLEAN NOT NULL, backup TEXT, execution_ms BIGINT, \
             success BOOLEAN NOT NULL, error TEXT, rolled_back_by TEXT NOT NULL, \
             rolled_back_at DATETIME(6) NOT NULL, layout INT NOT NULL) {TABLE}"
        ),
        repairs(names),
    ];
    schema(names).into_iter().chain(tables).collect()
}

/// Statements that bring tables of the layout before to this one.
pub(super) fn upgrade(names: &Names) -> Vec<String> {
    let migrations = names.migrations::<MySql>();
    vec![
        format!(
            "ALTER TABLE {migrations} ADD COLUMN done_checksum VARCHAR(80), \
             ADD COLUMN open_checksum VARCHAR(80), ADD COLUMN rounds BIGINT, \
             ADD COLUMN round_rows BIGINT"
        ),
        repairs(names),
    ]
}

/// Makes the database of the history, if it is not there. `CREATE DATABASE IF NOT EXISTS` would wait on
/// MySQL for every transaction that is open in a database, even where it has nothing to do.
fn schema(names: &Names) -> Vec<String> {
    let Some(schema) = names.schema.as_deref() else {
        return Vec::new();
    };
    let create = format!(
        "CREATE DATABASE IF NOT EXISTS {}",
        MySql::quote_name(schema)
    );
    vec![
        format!(
            "SET @backstitch_make = IF(EXISTS (SELECT 1 FROM information_schema.SCHEMATA \
             WHERE SCHEMA_NAME = {}), 'DO 0', {})",
            MySql::quote_text(schema),
            MySql::quote_text(&create)
        ),
        "PREPARE backstitch_make FROM @backstitch_make".to_owned(),
        "EXECUTE backstitch_make".to_owned(),
        "DEALLOCATE PREPARE backstitch_make".to_owned(),
    ]
}

fn repairs(names: &Names) -> String {
    let repairs = names.repairs::<MySql>();
    format!(
        "CREATE TABLE IF NOT EXISTS {repairs} (\
         seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, namespace VARCHAR(190) NOT NULL, \
         version BIGINT NOT NULL, id VARCHAR(255) NOT NULL, action VARCHAR(40) NOT NULL, \
         reason TEXT NOT NULL, found TEXT NOT NULL, made TEXT NOT NULL, \
         repaired_by TEXT NOT NULL, repaired_at DATETIME(6) NOT NULL, layout INT NOT NULL) {TABLE}"
    )
}

/// See [`Driver::create_lease`].
pub(super) fn create_lease(names: &Names) -> Vec<String> {
    let leases = names.leases::<MySql>();
    let table = [
        format!(
            "CREATE TABLE IF NOT EXISTS {leases} (id INT PRIMARY KEY, token VARCHAR(190), \
             holder TEXT, fence BIGINT NOT NULL, since DATETIME(6), expires_at DATETIME(6), \
             layout INT NOT NULL) {TABLE}"
        ),
        format!("INSERT IGNORE INTO {leases} (id, fence, layout) VALUES (1, 0, {LAYOUT})"),
    ];
    schema(names).into_iter().chain(table).collect()
}
