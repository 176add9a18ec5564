//! What a PostgreSQL database holds, by its system catalogues.
//!
//! One message asks for everything: a query for each kind of object, whose first columns are its
//! schema, its parent and its name, and whose other columns are its attributes, by their own names,
//! NULL where they are as usual. Server versions from 13 on answer.
//!
//! Roles belong to the whole server and are not looked at.

mod others;
mod relations;

use backstitch_core::lex::{self, TokenKind};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, Postgres};

use crate::engine::Driver;
use crate::error::Error;
use crate::message::{Answer, Message, Piece};
use crate::testing::catalogue::{Attributes, Catalogue, Kind, ObjectName};
use crate::testing::sandbox::{self, Provable};

impl Provable for Postgres {
    async fn create(url: &str, name: &str) -> Result<(), Error> {
        let stale = "SELECT datname FROM pg_catalog.pg_database d \
             WHERE pg_catalog.starts_with(datname, 'backstitch_prove_') AND NOT EXISTS \
             (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)";
        sandbox::sweep::<Postgres>(url, stale, |name| {
            // Without FORCE: whoever has come back meanwhile keeps it.
            vec![format!("DROP DATABASE {}", Postgres::quote_name(name))]
        })
        .await;
        let name = Postgres::quote_name(name);
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        sandbox::run_on_server::<Postgres>(url, &[create]).await
    }

    async fn destroy(url: &str, name: &str) -> Result<(), Error> {
        let name = Postgres::quote_name(name);
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sandbox::run_on_server::<Postgres>(url, &[drop]).await
    }

    fn options(of_server: PgConnectOptions, name: &str) -> PgConnectOptions {
        of_server.database(name)
    }

    async fn snapshot(
        connection: &mut PgConnection,
        without: &[&str],
    ) -> Result<Catalogue, sqlx::Error> {
        let version = Piece::query("SHOW server_version_num");
        let answers = send(connection, &Message::of([version])).await?;
        let version = answers
            .first()
            .and_then(|answer| answer.rows.first()?.first()?.as_deref()?.parse().ok());
        let queries = queries(version.unwrap_or(0), without);
        let settings = SETTINGS.map(Piece::library);
        let pieces = queries.iter().map(|(_, sql)| Piece::query(sql.as_str()));
        let message = Message::of(settings.into_iter().chain(pieces));
        let answers = send(connection, &message).await?.split_off(SETTINGS.len());
        let mut catalogue = Catalogue::default();
        for ((kind, _), answer) in queries.iter().zip(answers) {
            add_rows(&mut catalogue, *kind, answer);
        }
        for (object, attributes) in &mut catalogue.objects {
            if let (Kind::Function | Kind::Procedure, Some(definition)) =
                (object.kind, attributes.get_mut("definition"))
            {
                *definition = without_indentation(definition);
            }
        }
        Ok(catalogue)
    }
}

/// Makes the server show names and values in one way. The queries travel with these, so without a
/// transaction around them they are one, and the settings are gone with it.
const SETTINGS: [&str; 5] = [
    // What is where names without a schema go is shown without it, everything else with it.
    "SELECT set_config('search_path', quote_ident(COALESCE(current_schema(), 'public')), true)",
    "SET LOCAL jit = off",
    "SET LOCAL DateStyle = 'ISO'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL extra_float_digits = 3",
];

async fn send(
    connection: &mut PgConnection,
    message: &Message<'_>,
) -> Result<Vec<Answer>, sqlx::Error> {
    Postgres::send(connection, message)
        .await
        .map_err(|refused| refused.error)
}

/// Adds an object for each row of an answer: schema, parent, name, and the attributes by the names
/// of the columns.
fn add_rows(catalogue: &mut Catalogue, kind: Kind, answer: Answer) {
    let Answer { columns, rows, .. } = answer;
    for row in rows {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let (schema, parent, name) = (next(), next(), next());
        let object = ObjectName {
            kind,
            schema,
            parent,
            name: name.unwrap_or_default(),
        };
        let attributes = columns.iter().skip(3).zip(values);
        let attributes: Attributes = attributes
            .filter_map(|(name, value)| Some((name.clone(), value?)))
            .collect();
        catalogue.add(object, attributes);
    }
}

/// The definition of a function without the blanks that do not count in its body, where the
/// language is one that is known not to count them.
fn without_indentation(definition: &str) -> String {
    let is_free = |line: &str| matches!(line.trim(), "LANGUAGE plpgsql" | "LANGUAGE sql");
    let lexed = lex::lex(definition, Postgres::DIALECT);
    let body = lexed.tokens.iter().rev().find(|token| {
        token.kind == TokenKind::String && token.span.of(definition).starts_with('$')
    });
    let Some(body) = body.filter(|_| definition.lines().any(is_free)) else {
        return definition.to_owned();
    };
    let (head, rest) = definition.split_at(body.span.range().start);
    let (body, tail) = rest.split_at(body.span.len());
    let tag = &body[..=body[1..].find('$').map_or(0, |end| end + 1)];
    let inner = body[tag.len()..body.len() - tag.len()].trim();
    format!("{head}{tag}\n{}{tag}{tail}", in_lines(inner))
}

/// SQL in lines that follow from its words and not from how it was written.
fn in_lines(sql: &str) -> String {
    const BEFORE: [&str; 8] = [
        "from",
        "order",
        "returning",
        "select",
        "set",
        "values",
        "when",
        "where",
    ];
    const AFTER: [&str; 5] = ["begin", "declare", "else", "loop", "then"];
    let mut text = String::new();
    let is_one_of =
        |words: &[&str], text: &str| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    for token in lex::lex(sql, Postgres::DIALECT).tokens {
        let words = token.span.of(sql);
        match token.kind {
            TokenKind::Blank if text.ends_with('\n') => continue,
            TokenKind::Blank => text.push(' '),
            TokenKind::Word if is_one_of(&BEFORE, words) && text.ends_with(' ') => {
                text.pop();
                text.push('\n');
                text.push_str(words);
            }
            _ => text.push_str(words),
        }
        let ends_line = token.kind == TokenKind::LineComment
            || token.kind == TokenKind::Semicolon
            || token.kind == TokenKind::Word && is_one_of(&AFTER, words);
        if ends_line {
            text.push('\n');
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The first columns of every query.
const SCHEMA: &str = "NULLIF(n.nspname, current_schema())";

/// Schemas that are not the server's own.
const OF_USERS: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

fn queries(version: u32, without: &[&str]) -> Vec<(Kind, String)> {
    let history: Vec<_> = without
        .iter()
        .map(|name| Postgres::quote_text(name))
        .collect();
    let history = match history.is_empty() {
        true => "NULL".to_owned(),
        false => history.join(", "),
    };
    let history = format!(
        "(SELECT h.oid FROM pg_class h WHERE h.relkind = 'r' AND h.relname IN ({history}))"
    );
    vec![
        (Kind::Setting, settings()),
        (Kind::Extension, extensions()),
        (Kind::Schema, schemas()),
        (Kind::Type, types()),
        (Kind::Domain, domains()),
        (Kind::Constraint, domain_constraints()),
        (Kind::Sequence, relations::sequences(&history)),
        (Kind::Table, relations::tables(&history)),
        (Kind::View, relations::views("v")),
        (Kind::MaterializedView, relations::views("m")),
        (Kind::Column, relations::columns(version, &history)),
        (Kind::Constraint, relations::constraints(&history)),
        (Kind::Index, relations::indexes(&history)),
        (Kind::Trigger, relations::triggers(&history)),
        (Kind::Policy, relations::policies(&history)),
        (Kind::Rule, relations::rules(&history)),
        (Kind::Statistics, relations::statistics()),
        (Kind::Function, others::functions("f', 'w")),
        (Kind::Procedure, others::functions("p")),
        (Kind::Aggregate, others::aggregates()),
        (Kind::Operator, others::operators()),
        (Kind::OperatorClass, others::operator_classes()),
        (Kind::Cast, others::casts()),
        (Kind::Collation, others::collations()),
        (
            Kind::TextSearchConfiguration,
            others::text_search_configurations(),
        ),
        (
            Kind::TextSearchDictionary,
            others::text_search_dictionaries(),
        ),
        (Kind::Server, others::servers()),
        (Kind::Publication, others::publications(version, &history)),
        (Kind::EventTrigger, others::event_triggers()),
        (Kind::DefaultPrivileges, others::default_privileges()),
    ]
}

/// A condition: the object is not part of an extension.
fn is_free(class: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{class}'::regclass \
         AND e.objid = {oid} AND e.objsubid = 0 AND e.deptype = 'e')"
    )
}

/// A condition: somebody has made the object, not the server as a part of another.
fn is_explicit(class: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = '{class}'::regclass \
         AND i.objid = {oid} AND i.objsubid = 0 AND i.deptype = 'i')"
    )
}

/// An expression for who may do what, a line for each; NULL where it is as usual for `objtype`,
/// whether that is written down or not.
fn grants(acl: &str, objtype: &str, owner: &str) -> String {
    let usual = match objtype {
        // Columns have nothing of their own.
        "c" => "'{}'::aclitem[]".to_owned(),
        objtype => format!("acldefault('{objtype}', {owner})"),
    };
    format!(
        "CASE WHEN NOT ({acl} @> {usual} AND {usual} @> {acl}) THEN ({}) END",
        privileges(acl)
    )
}

fn privileges(acl: &str) -> String {
    format!(
        "SELECT string_agg(line, chr(10) ORDER BY line) FROM (\
         SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END || ': ' || \
         string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' with grant option' \
         ELSE '' END, ', ' ORDER BY a.privilege_type) AS line \
         FROM aclexplode({acl}) a GROUP BY a.grantee) lines"
    )
}

/// What is set for the database, for everybody or for one role.
fn settings() -> String {
    "SELECT NULL, NULL, split_part(one, '=', 1) || \
     CASE s.setrole WHEN 0 THEN '' ELSE ' of ' || pg_get_userbyid(s.setrole) END, \
     substr(one, strpos(one, '=') + 1) AS value \
     FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) one \
     WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
        .to_owned()
}

fn extensions() -> String {
    "SELECT NULL, NULL, x.extname, x.extnamespace::regnamespace AS schema, \
     x.extversion AS version, obj_description(x.oid, 'pg_extension') AS comment \
     FROM pg_extension x"
        .to_owned()
}

fn schemas() -> String {
    format!(
        "SELECT NULL, NULL, n.nspname, pg_get_userbyid(n.nspowner) AS owner, \
         {} AS grants, \
         obj_description(n.oid, 'pg_namespace') AS comment \
         FROM pg_namespace n WHERE {OF_USERS} AND {}",
        grants("n.nspacl", "n", "n.nspowner"),
        is_free("pg_namespace", "n.oid")
    )
}

/// Enums, composite types that are no table's, ranges, and base types.
fn types() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, t.typname, \
         CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range' \
         ELSE 'base' END AS form, \
         CASE t.typtype \
         WHEN 'e' THEN (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder) \
         FROM pg_enum l WHERE l.enumtypid = t.oid) \
         WHEN 'c' THEN (SELECT string_agg(quote_ident(a.attname) || ' ' || \
         format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attcollation <> y.typcollation \
         THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END, ', ' ORDER BY a.attnum) \
         FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid \
         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) \
         WHEN 'r' THEN (SELECT concat_ws(', ', format_type(r.rngsubtype, NULL), \
         NULLIF(r.rngcollation, 0)::regcollation, NULLIF(r.rngcanonical::text, '-'), \
         NULLIF(r.rngsubdiff::text, '-')) FROM pg_range r WHERE r.rngtypid = t.oid) \
         ELSE concat_ws(', ', t.typinput, t.typoutput, t.typlen, t.typalign, t.typstorage, \
         t.typcategory) END AS values, \
         pg_get_userbyid(t.typowner) AS owner, \
         {} AS grants, \
         obj_description(t.oid, 'pg_type') AS comment \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         LEFT JOIN pg_class c ON c.oid = t.typrelid \
         WHERE {OF_USERS} AND (t.typtype IN ('e', 'r') OR c.relkind = 'c' \
         OR t.typtype = 'b' AND t.typcategory <> 'A' AND t.typisdefined) AND {}",
        grants("t.typacl", "T", "t.typowner"),
        is_free("pg_type", "t.oid")
    )
}

fn domains() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, t.typname, format_type(t.typbasetype, t.typtypmod) AS type, \
         CASE WHEN t.typnotnull THEN 'yes' END AS \"not null\", t.typdefault AS default, \
         CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation END AS collation, \
         pg_get_userbyid(t.typowner) AS owner, \
         {} AS grants, \
         obj_description(t.oid, 'pg_type') AS comment \
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         JOIN pg_type b ON b.oid = t.typbasetype \
         WHERE t.typtype = 'd' AND {OF_USERS} AND {}",
        grants("t.typacl", "T", "t.typowner"),
        is_free("pg_type", "t.oid")
    )
}

fn domain_constraints() -> String {
    format!(
        "SELECT {SCHEMA}, t.typname, k.conname, pg_get_constraintdef(k.oid) AS definition, \
         obj_description(k.oid, 'pg_constraint') AS comment \
         FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid \
         JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE k.contype <> 'n' AND {OF_USERS} AND {}",
        is_free("pg_type", "t.oid")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_of_bodies_does_not_count() {
        let head = "CREATE OR REPLACE FUNCTION f()\n RETURNS trigger\n LANGUAGE plpgsql\nAS ";
        let written = |body: &str| format!("{head}$function${body}$function$\n");
        let settled = |body: &str| without_indentation(&written(body));
        let expected = written("\nBEGIN\nDELETE\nFROM t;\n-- all\nRETURN '  ';\nEND\n");
        assert_eq!(
            settled("\n  BEGIN\n\tDELETE FROM t;-- all\n RETURN '  ';\n  END\n "),
            expected
        );
        assert_eq!(
            settled("BEGIN DELETE\nFROM\n t; -- all\n  RETURN\n '  ';\n\nEND"),
            expected
        );
        assert_ne!(
            settled("BEGIN DELETE FROM t; -- all\nRETURN ' '; END"),
            expected
        );
        let python = written("\n  if x:\n    y").replace("plpgsql", "plpython3u");
        assert_eq!(without_indentation(&python), python);
    }
}
