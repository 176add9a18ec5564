//! What the catalogue of PostgreSQL says about an object of a migration.
//!
//! Only statements that cannot share a transaction with their count are asked about, and of those
//! the ones about indexes are the ones that can be told.

use backstitch_core::resume::{Name, Object};
use sqlx::Postgres;

use crate::engine::Driver;

/// See [`Driver::look_up`].
pub(super) fn look_up(object: &Object) -> Option<String> {
    match object {
        Object::Index(index, table) => {
            // Names are read by the server, so that they mean what they mean in the statement. An
            // index is in the schema of its table.
            let here = match table {
                Some(table) => format!(
                    "c.relname = {} AND i.indrelid = pg_catalog.to_regclass({})",
                    unquoted(&index.name),
                    text(table)
                ),
                None => format!("c.oid = pg_catalog.to_regclass({})", text(index)),
            };
            Some(format!(
                "SELECT coalesce((SELECT CASE WHEN i.indisvalid AND i.indisready THEN 'there' \
                 ELSE 'invalid' END FROM pg_catalog.pg_index i \
                 JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE {here}), 'gone')"
            ))
        }
        Object::Table(_)
        | Object::Column(..)
        | Object::Constraint(..)
        | Object::Trigger(_)
        | Object::Routine(_)
        | Object::Event(_)
        | Object::Schema(_) => None,
    }
}

/// See [`Driver::take_away`].
pub(super) fn take_away(object: &Object) -> Option<String> {
    match object {
        Object::Index(index, table) => {
            let schema = table.as_ref().and_then(|table| table.schema.as_ref());
            let schema = schema.map_or(String::new(), |schema| format!("{schema}."));
            Some(format!("DROP INDEX CONCURRENTLY {schema}{}", index.name))
        }
        Object::Table(_)
        | Object::Column(..)
        | Object::Constraint(..)
        | Object::Trigger(_)
        | Object::Routine(_)
        | Object::Event(_)
        | Object::Schema(_) => None,
    }
}

fn text(name: &Name) -> String {
    Postgres::quote_text(&name.to_string())
}

/// An expression for the name as the catalogue has it.
fn unquoted(name: &str) -> String {
    let name = Postgres::quote_text(name);
    format!("(pg_catalog.parse_ident({name}))[1]")
}
