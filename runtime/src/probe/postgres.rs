//! PostgreSQL.

use sqlx::Postgres;

use crate::engine::Driver;
use crate::history::Names;
use crate::place::Need;
use crate::probe::{Probe, listed};
use crate::watch::Waiter;

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

    fn ask_place(names: &Names) -> Option<String> {
        if names.schema.is_some() {
            return None;
        }
        let (path, name) = (path(names), Postgres::quote_text(&names.table));
        let quoted = Postgres::quote_text(&Postgres::quote_name(&names.table));
        // Everybody may read the catalogue, and what a right is missing for is in it too.
        let table = format!(
            "FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c \
             ON c.relnamespace = n.oid AND c.relname = {name} AND c.relkind IN ('r', 'p')"
        );
        Some(format!(
            "SELECT 'found', n.nspname {table} WHERE c.oid = pg_catalog.to_regclass({quoted}) \
             UNION ALL SELECT 'hidden', n.nspname {table} WHERE n.nspname IN ({path}) \
             AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
             UNION ALL (SELECT 'elsewhere', n.nspname {table} WHERE n.nspname NOT IN ({path}) LIMIT 3)"
        ))
    }

    fn is_denied(error: &sqlx::Error) -> bool {
        // insufficient_privilege
        is(error, &["42501"])
    }

    fn ask_grants(names: &Names, need: Need) -> Option<String> {
        let path = path(names);
        let tables = names.all_tables();
        let tables = match need {
            Need::Read => &tables[..1],
            Need::Write => &tables[..],
        };
        let tables: Vec<_> = tables
            .iter()
            .map(|name| Postgres::quote_text(name))
            .collect();
        let tables = tables.join(", ");
        let has = |right: &str| format!("pg_catalog.has_table_privilege(c.oid, '{right}')");
        let rights: &[&str] = match need {
            Need::Read => &["SELECT"],
            Need::Write => &["SELECT", "INSERT", "UPDATE", "DELETE"],
        };
        let has_all: Vec<_> = rights.iter().map(|right| has(right)).collect();
        let has_all = has_all.join(" AND ");
        let rights = rights.join(", ");
        let table = format!(
            "FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid \
             AND c.relname IN ({tables}) AND c.relkind IN ('r', 'p') WHERE n.nspname IN ({path})"
        );
        let mut asked = vec![
            format!(
                "SELECT DISTINCT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, \
                 current_user) {table} AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
            ),
            format!(
                "SELECT pg_catalog.format('GRANT {rights} ON %I.%I TO %I', n.nspname, c.relname, \
                 current_user) {table} AND NOT ({has_all})"
            ),
        ];
        if need == Need::Write {
            // Whoever makes tables there needs it, and a lease may have to be made.
            let schema = match &names.schema {
                Some(schema) => Postgres::quote_text(schema),
                None => "pg_catalog.current_schema()".to_owned(),
            };
            asked.push(format!(
                "SELECT pg_catalog.format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', n.nspname, \
                 current_user) FROM pg_catalog.pg_namespace n WHERE n.nspname = {schema} \
                 AND NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')"
            ));
        }
        Some(asked.join(" UNION ALL "))
    }

    fn shown_as(who: &str) -> String {
        // The server keeps 63 bytes and ASCII only.
        let name = format!("backstitch {who}");
        name.chars().filter(char::is_ascii).take(63).collect()
    }

    fn ask_blockers(waiter: &Waiter) -> Vec<String> {
        let is_it = match waiter {
            Waiter::History(names) => {
                let tables = [
                    names.migrations::<Postgres>(),
                    names.rollbacks::<Postgres>(),
                    names.repairs::<Postgres>(),
                    names.leases::<Postgres>(),
                ];
                let tables = tables.map(|table| {
                    format!("pg_catalog.to_regclass({})", Postgres::quote_text(&table))
                });
                format!("l.relation IN ({})", tables.join(", "))
            }
            Waiter::Session(number, name) => format!(
                "l.pid = {} AND EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity w \
                 WHERE w.pid = l.pid AND w.application_name = {})",
                number.parse::<i64>().unwrap_or_default(),
                Postgres::quote_text(name)
            ),
        };
        let since = Postgres::show_time("a.xact_start");
        // Others than a superuser and the members of pg_monitor see little of who is not themselves.
        vec![format!(
            "SELECT DISTINCT pg_catalog.format('server process %s', a.pid) \
             || coalesce(' (' || nullif(a.application_name, '') || ')', '') \
             || coalesce(', user ' || a.usename, '') \
             || CASE WHEN a.backend_start IS NULL THEN '' ELSE \
             ' from ' || coalesce(pg_catalog.host(a.client_addr), 'a local socket') END \
             || coalesce(', in a transaction since ' || {since}, '') \
             || CASE WHEN a.state = 'active' THEN ', busy' \
             WHEN a.state LIKE 'idle in%' THEN ', idle' ELSE '' END \
             || CASE WHEN a.backend_start IS NULL THEN '' ELSE coalesce(' with `' \
             || pg_catalog.left(pg_catalog.regexp_replace(a.query, E'\\\\s+', ' ', 'g'), 100) \
             || '`', '') END \
             FROM pg_catalog.pg_locks l \
             CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b (pid) \
             JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid \
             WHERE NOT l.granted AND {is_it} ORDER BY 1 LIMIT 3"
        )]
    }

    fn advice(error: &sqlx::Error) -> Option<&'static str> {
        // invalid_catalog_name, invalid_password, invalid_authorization_specification
        if is(error, &["3D000"]) {
            return Some(
                "make the database (CREATE DATABASE), or name the right one in the address",
            );
        }
        if is(error, &["28P01", "28000"]) {
            return Some("see whether user and password in the address are right");
        }
        // invalid_schema_name
        is(error, &["3F000"]).then_some(
            "see to it that `search_path` names a schema that is there and that this user may use \
             (GRANT USAGE, CREATE ON SCHEMA … TO …), or name one by `.schema(..)`",
        )
    }
}

/// A query for the schemas that are meant: the one of the history, or those on the search path,
/// whether they can be used or not. A name with a comma in it is not taken apart rightly, and so
/// not found.
fn path(names: &Names) -> String {
    if let Some(schema) = &names.schema {
        return Postgres::quote_text(schema);
    }
    const WORD: &str = r#"CASE WHEN word = '"$user"' THEN current_user::text
WHEN word LIKE '"%' THEN replace(pg_catalog.btrim(word, '"'), '""', '"') ELSE lower(word) END"#;
    format!(
        "SELECT {WORD} FROM (SELECT pg_catalog.btrim(pg_catalog.unnest(pg_catalog.string_to_array(\
         pg_catalog.current_setting('search_path'), ','))) AS word) words"
    )
}

fn is(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&&*code))
}
