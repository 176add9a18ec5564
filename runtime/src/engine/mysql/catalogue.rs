//! What the catalogue of MySQL and MariaDB says about an object of a migration.

use backstitch_core::resume::{Name, Object};
use sqlx::MySql;

use crate::engine::Driver;

/// See [`Driver::look_up`].
pub(super) fn look_up(object: &Object) -> Option<String> {
    let found = match object {
        Object::Table(name) => listed(
            "TABLES",
            "TABLE_SCHEMA",
            name,
            &[("TABLE_NAME", &name.name)],
        ),
        Object::Column(table, column) => listed(
            "COLUMNS",
            "TABLE_SCHEMA",
            table,
            &[("TABLE_NAME", &table.name), ("COLUMN_NAME", column)],
        ),
        Object::Index(index, Some(table)) => listed(
            "STATISTICS",
            "TABLE_SCHEMA",
            table,
            &[("TABLE_NAME", &table.name), ("INDEX_NAME", &index.name)],
        ),
        Object::Index(_, None) => return None,
        Object::Constraint(table, constraint) => listed(
            "TABLE_CONSTRAINTS",
            "TABLE_SCHEMA",
            table,
            &[("TABLE_NAME", &table.name), ("CONSTRAINT_NAME", constraint)],
        ),
        Object::Trigger(name) => {
            let by_name = [("TRIGGER_NAME", name.name.as_str())];
            listed("TRIGGERS", "TRIGGER_SCHEMA", name, &by_name)
        }
        Object::Routine(name) => {
            let by_name = [("ROUTINE_NAME", name.name.as_str())];
            listed("ROUTINES", "ROUTINE_SCHEMA", name, &by_name)
        }
        Object::Event(name) => {
            let by_name = [("EVENT_NAME", name.name.as_str())];
            listed("EVENTS", "EVENT_SCHEMA", name, &by_name)
        }
        Object::Schema(name) => format!(
            "information_schema.SCHEMATA WHERE SCHEMA_NAME = {}",
            text(name)
        ),
    };
    Some(format!(
        "SELECT IF(EXISTS (SELECT 1 FROM {found}), 'there', 'gone')"
    ))
}

fn listed(table: &str, schema: &str, owner: &Name, names: &[(&str, &str)]) -> String {
    let place = match &owner.schema {
        Some(name) => text(name),
        None => "DATABASE()".to_owned(),
    };
    let names = names
        .iter()
        .map(|(column, name)| format!(" AND {column} = {}", text(name)));
    let names: String = names.collect();
    format!("information_schema.{table} WHERE {schema} = {place}{names}")
}

/// A name as it is written in a statement, as a literal without its quotes.
fn text(name: &str) -> String {
    let inner = |quote: char| {
        let inner = name.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
    };
    let bare = inner('`').or_else(|| inner('"'));
    MySql::quote_text(bare.as_deref().unwrap_or(name))
}
