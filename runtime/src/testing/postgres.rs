//! What a PostgreSQL database holds, by its system catalogues.
//!
//! One message asks for everything: a query for each kind of object, whose first columns are its
//! schema, its parent and its name, and whose other columns are its attributes, by their own names,
//! NULL where they are as usual. Server versions from 13 on answer.
//!
//! Roles belong to the whole server and are not looked at.

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
    // What is in `public` is shown without its schema, everything else with it.
    "SET LOCAL search_path = public",
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
const SCHEMA: &str = "NULLIF(n.nspname, 'public')";

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
        (Kind::Sequence, sequences(&history)),
        (Kind::Table, tables(&history)),
        (Kind::View, views("v")),
        (Kind::MaterializedView, views("m")),
        (Kind::Column, columns(version, &history)),
        (Kind::Constraint, constraints(&history)),
        (Kind::Index, indexes(&history)),
        (Kind::Trigger, triggers(&history)),
        (Kind::Policy, policies(&history)),
        (Kind::Rule, rules(&history)),
        (Kind::Statistics, statistics()),
        (Kind::Function, functions("f', 'w")),
        (Kind::Procedure, functions("p")),
        (Kind::Aggregate, aggregates()),
        (Kind::Operator, operators()),
        (Kind::OperatorClass, operator_classes()),
        (Kind::Cast, casts()),
        (Kind::Collation, collations()),
        (Kind::TextSearchConfiguration, text_search_configurations()),
        (Kind::TextSearchDictionary, text_search_dictionaries()),
        (Kind::Server, servers()),
        (Kind::Publication, publications(version, &history)),
        (Kind::EventTrigger, event_triggers()),
        (Kind::DefaultPrivileges, default_privileges()),
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

fn sequences(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, NULL, c.relname, format_type(s.seqtypid, NULL) AS type, \
         s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS minimum, \
         s.seqmax AS maximum, s.seqcache AS cache, \
         CASE WHEN s.seqcycle THEN 'yes' END AS cycle, \
         CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence, \
         (SELECT d.refobjid::regclass || '.' || quote_ident(a.attname) FROM pg_depend d \
         JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') \
         AND d.refclassid = 'pg_class'::regclass) AS \"owned by\", \
         pg_get_userbyid(c.relowner) AS owner, \
         {} AS grants, \
         obj_description(c.oid, 'pg_class') AS comment \
         FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE {OF_USERS} AND c.relpersistence <> 't' AND {} AND NOT EXISTS \
         (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid \
         AND o.deptype IN ('a', 'i') AND o.refobjid IN {history})",
        grants("c.relacl", "s", "c.relowner"),
        is_free("pg_class", "c.oid")
    )
}

fn tables(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, NULL, c.relname, \
         CASE c.relkind WHEN 'p' THEN 'partitioned' WHEN 'f' THEN 'foreign' END AS form, \
         CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence, \
         CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS \"partition by\", \
         (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) \
         FROM pg_inherits i WHERE i.inhrelid = c.oid) AS inherits, \
         pg_get_expr(c.relpartbound, c.oid) AS \"partition bound\", \
         array_to_string(c.reloptions, ', ') AS options, \
         (SELECT array_to_string(t.reloptions, ', ') FROM pg_class t \
         WHERE t.oid = c.reltoastrelid) AS \"toast options\", \
         CASE WHEN c.relrowsecurity THEN 'enabled' END AS \"row security\", \
         CASE WHEN c.relforcerowsecurity THEN 'forced' END AS \"row security for the owner\", \
         CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' \
         END AS \"replica identity\", \
         (SELECT NULLIF(m.amname, 'heap') FROM pg_am m WHERE m.oid = c.relam) AS \"access method\", \
         (SELECT p.spcname FROM pg_tablespace p WHERE p.oid = c.reltablespace) AS tablespace, \
         NULLIF(c.reloftype, 0)::regtype AS \"of type\", \
         (SELECT concat_ws(' ', v.srvname, array_to_string(ft.ftoptions, ', ')) \
         FROM pg_foreign_table ft JOIN pg_foreign_server v ON v.oid = ft.ftserver \
         WHERE ft.ftrelid = c.oid) AS server, \
         pg_get_userbyid(c.relowner) AS owner, \
         {} AS grants, \
         obj_description(c.oid, 'pg_class') AS comment \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {OF_USERS} \
         AND c.oid NOT IN {history} AND {}",
        grants("c.relacl", "r", "c.relowner"),
        is_free("pg_class", "c.oid")
    )
}

fn views(relkind: &str) -> String {
    format!(
        "SELECT {SCHEMA}, NULL, c.relname, pg_get_viewdef(c.oid) AS definition, \
         array_to_string(c.reloptions, ', ') AS options, \
         (SELECT NULLIF(m.amname, 'heap') FROM pg_am m WHERE m.oid = c.relam) AS \"access method\", \
         (SELECT p.spcname FROM pg_tablespace p WHERE p.oid = c.reltablespace) AS tablespace, \
         pg_get_userbyid(c.relowner) AS owner, \
         {} AS grants, \
         obj_description(c.oid, 'pg_class') AS comment \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = '{relkind}' AND c.relpersistence <> 't' AND {OF_USERS} AND {}",
        grants("c.relacl", "r", "c.relowner"),
        is_free("pg_class", "c.oid")
    )
}

fn columns(version: u32, history: &str) -> String {
    // The compression of columns came with 14.
    let compression = match version {
        140_000.. => "NULLIF(a.attcompression, '')",
        _ => "NULL",
    };
    format!(
        "SELECT {SCHEMA}, c.relname, a.attname, \
         row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) AS position, \
         format_type(a.atttypid, a.atttypmod) AS type, \
         CASE WHEN a.attnotnull THEN 'yes' END AS \"not null\", \
         CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default, \
         CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) || \
         CASE a.attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END END AS generated, \
         CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity, \
         CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation END AS collation, \
         CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain' \
         WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END END AS storage, \
         {compression} AS compression, \
         NULLIF(a.attstattarget, -1) AS statistics, \
         array_to_string(a.attoptions, ', ') AS options, \
         array_to_string(a.attfdwoptions, ', ') AS \"foreign options\", \
         CASE WHEN NOT a.attislocal THEN 'yes' END AS inherited, \
         {} AS grants, \
         col_description(c.oid, a.attnum) AS comment \
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_type t ON t.oid = a.atttypid \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped \
         AND c.relpersistence <> 't' AND {OF_USERS} AND c.oid NOT IN {history} AND {}",
        grants("a.attacl", "c", ""),
        is_free("pg_class", "c.oid")
    )
}

/// Columns that tell about an index, whether it is a constraint's or not. `i` is its `pg_index`,
/// `x` its `pg_class`.
const INDEX: &str = "CASE WHEN i.indisclustered THEN 'yes' END AS clustered, \
     CASE WHEN i.indisreplident THEN 'yes' END AS \"replica identity\", \
     array_to_string(x.reloptions, ', ') AS options, \
     (SELECT p.spcname FROM pg_tablespace p WHERE p.oid = x.reltablespace) AS tablespace, \
     (SELECT h.inhparent::regclass::text FROM pg_inherits h WHERE h.inhrelid = x.oid) AS \"attached to\", \
     obj_description(x.oid, 'pg_class') AS \"comment of the index\"";

/// Constraints of tables. NOT NULL is an attribute of the column on every version, so the names
/// that it has from 18 on do not count; constraint triggers are triggers.
fn constraints(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, k.conname, pg_get_constraintdef(k.oid) AS definition, \
         CASE WHEN NOT k.conislocal THEN 'yes' END AS inherited, \
         {INDEX}, \
         obj_description(k.oid, 'pg_constraint') AS comment \
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x') \
         LEFT JOIN pg_class x ON x.oid = i.indexrelid \
         WHERE k.contype NOT IN ('n', 't') AND c.relpersistence <> 't' AND {OF_USERS} \
         AND c.oid NOT IN {history} AND {}",
        is_free("pg_class", "c.oid")
    )
}

fn indexes(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, x.relname, \
         CASE WHEN i.indisunique THEN 'yes' END AS unique, \
         substr(pg_get_indexdef(x.oid), 1 + length(concat('CREATE ', \
         CASE WHEN i.indisunique THEN 'UNIQUE ' END, 'INDEX ', quote_ident(x.relname), ' ON ', \
         CASE x.relkind WHEN 'I' THEN 'ONLY ' END, quote_ident(n.nspname), '.', \
         quote_ident(c.relname), ' USING '))) AS definition, \
         CASE WHEN NOT i.indisvalid THEN 'no' END AS valid, \
         {INDEX} \
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
         JOIN pg_class c ON c.oid = i.indrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relpersistence <> 't' AND {OF_USERS} AND c.oid NOT IN {history} AND {} \
         AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid \
         AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x'))",
        is_free("pg_class", "c.oid")
    )
}

fn triggers(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, t.tgname, pg_get_triggerdef(t.oid) AS definition, \
         CASE t.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END \
         AS enabled, \
         obj_description(t.oid, 'pg_trigger') AS comment \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT t.tgisinternal AND c.relpersistence <> 't' AND {OF_USERS} \
         AND c.oid NOT IN {history} AND {} AND {}",
        is_free("pg_class", "c.oid"),
        is_free("pg_trigger", "t.oid")
    )
}

fn policies(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, p.polname, \
         CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' \
         WHEN 'd' THEN 'DELETE' END AS \"for\", \
         CASE WHEN NOT p.polpermissive THEN 'yes' END AS restrictive, \
         CASE WHEN p.polroles <> '{{0}}' THEN (SELECT string_agg(pg_get_userbyid(r), ', ' \
         ORDER BY pg_get_userbyid(r)) FROM unnest(p.polroles) r) END AS roles, \
         pg_get_expr(p.polqual, p.polrelid) AS using, \
         pg_get_expr(p.polwithcheck, p.polrelid) AS \"with check\", \
         obj_description(p.oid, 'pg_policy') AS comment \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE {OF_USERS} AND c.oid NOT IN {history} AND {}",
        is_free("pg_class", "c.oid")
    )
}

fn rules(history: &str) -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, r.rulename, pg_get_ruledef(r.oid) AS definition, \
         CASE r.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END \
         AS enabled, \
         obj_description(r.oid, 'pg_rewrite') AS comment \
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE r.rulename <> '_RETURN' AND {OF_USERS} AND c.oid NOT IN {history} AND {}",
        is_free("pg_class", "c.oid")
    )
}

fn statistics() -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, s.stxname, pg_get_statisticsobjdef(s.oid) AS definition, \
         NULLIF((to_jsonb(s) ->> 'stxstattarget')::int, -1) AS target, \
         pg_get_userbyid(s.stxowner) AS owner, \
         obj_description(s.oid, 'pg_statistic_ext') AS comment \
         FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OF_USERS}"
    )
}

fn functions(kinds: &str) -> String {
    format!(
        "SELECT {SCHEMA}, NULL, \
         quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')', \
         pg_get_functiondef(p.oid) AS definition, \
         pg_get_userbyid(p.proowner) AS owner, \
         {} AS grants, \
         obj_description(p.oid, 'pg_proc') AS comment \
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.prokind IN ('{kinds}') AND {OF_USERS} AND {} AND {}",
        grants("p.proacl", "f", "p.proowner"),
        is_free("pg_proc", "p.oid"),
        is_explicit("pg_proc", "p.oid")
    )
}

fn aggregates() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, \
         quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')', \
         pg_get_function_result(p.oid) AS type, \
         a.aggkind AS form, a.aggtransfn AS step, format_type(a.aggtranstype, NULL) AS state, \
         NULLIF(a.aggfinalfn::text, '-') AS final, NULLIF(a.aggcombinefn::text, '-') AS combine, \
         a.agginitval AS initial, NULLIF(a.aggsortop, 0)::regoperator AS sort, \
         NULLIF(a.aggmtransfn::text, '-') AS \"moving step\", NULLIF(a.aggminvtransfn::text, '-') AS \"moving inverse\", \
         p.proparallel AS parallel, pg_get_userbyid(p.proowner) AS owner, \
         {} AS grants, \
         obj_description(p.oid, 'pg_proc') AS comment \
         FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid \
         JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OF_USERS} AND {}",
        grants("p.proacl", "f", "p.proowner"),
        is_free("pg_proc", "p.oid")
    )
}

fn operators() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, concat(o.oprname, '(', concat_ws(', ', \
         format_type(NULLIF(o.oprleft, 0), NULL), format_type(NULLIF(o.oprright, 0), NULL)), ')'), \
         o.oprcode AS function, NULLIF(o.oprcom, 0)::regoperator AS commutator, \
         NULLIF(o.oprnegate, 0)::regoperator AS negator, NULLIF(o.oprrest::text, '-') AS restrict, \
         NULLIF(o.oprjoin::text, '-') AS join, CASE WHEN o.oprcanhash THEN 'yes' END AS hashes, \
         CASE WHEN o.oprcanmerge THEN 'yes' END AS merges, \
         pg_get_userbyid(o.oprowner) AS owner, \
         obj_description(o.oid, 'pg_operator') AS comment \
         FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace \
         WHERE {OF_USERS} AND {}",
        is_free("pg_operator", "o.oid")
    )
}

fn operator_classes() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, o.opcname || ' using ' || m.amname, \
         format_type(o.opcintype, NULL) AS type, CASE WHEN o.opcdefault THEN 'yes' END AS default, \
         NULLIF(o.opckeytype, 0)::regtype AS storage, \
         (SELECT string_agg(a.amopstrategy || ' ' || a.amopopr::regoperator, chr(10) \
         ORDER BY a.amopstrategy, a.amopopr::regoperator::text) FROM pg_amop a \
         WHERE a.amopfamily = o.opcfamily) AS operators, \
         (SELECT string_agg(a.amprocnum || ' ' || a.amproc::regprocedure, chr(10) \
         ORDER BY a.amprocnum, a.amproc::regprocedure::text) FROM pg_amproc a \
         WHERE a.amprocfamily = o.opcfamily) AS functions, \
         pg_get_userbyid(o.opcowner) AS owner \
         FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod \
         JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE {OF_USERS} AND {}",
        is_free("pg_opclass", "o.oid")
    )
}

fn casts() -> String {
    // Those of the server itself have numbers below 16384.
    format!(
        "SELECT NULL, NULL, \
         '(' || format_type(k.castsource, NULL) || ' AS ' || format_type(k.casttarget, NULL) || ')', \
         NULLIF(k.castfunc, 0)::regprocedure AS function, \
         CASE k.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END \
         AS context, \
         CASE k.castmethod WHEN 'i' THEN 'inout' WHEN 'b' THEN 'binary' ELSE 'function' END AS method, \
         obj_description(k.oid, 'pg_cast') AS comment \
         FROM pg_cast k WHERE k.oid >= 16384 AND {} AND {}",
        is_free("pg_cast", "k.oid"),
        is_explicit("pg_cast", "k.oid")
    )
}

fn collations() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, k.collname, \
         (to_jsonb(k) - '{{oid,collname,collnamespace,collowner}}'::text[])::text AS definition, \
         pg_get_userbyid(k.collowner) AS owner, \
         obj_description(k.oid, 'pg_collation') AS comment \
         FROM pg_collation k JOIN pg_namespace n ON n.oid = k.collnamespace \
         WHERE {OF_USERS} AND {}",
        is_free("pg_collation", "k.oid")
    )
}

fn text_search_configurations() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, f.cfgname, \
         (SELECT p.prsname FROM pg_ts_parser p WHERE p.oid = f.cfgparser) AS parser, \
         (SELECT string_agg(y.alias || ': ' || y.dictionaries, chr(10) ORDER BY y.alias) FROM \
         (SELECT t.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) \
         AS dictionaries FROM pg_ts_config_map m \
         JOIN ts_token_type(f.cfgparser) t ON t.tokid = m.maptokentype \
         WHERE m.mapcfg = f.oid GROUP BY t.alias) y) AS mapping, \
         pg_get_userbyid(f.cfgowner) AS owner, \
         obj_description(f.oid, 'pg_ts_config') AS comment \
         FROM pg_ts_config f JOIN pg_namespace n ON n.oid = f.cfgnamespace \
         WHERE {OF_USERS} AND {}",
        is_free("pg_ts_config", "f.oid")
    )
}

fn text_search_dictionaries() -> String {
    format!(
        "SELECT {SCHEMA}, NULL, f.dictname, \
         (SELECT t.tmplname FROM pg_ts_template t WHERE t.oid = f.dicttemplate) AS template, \
         f.dictinitoption AS options, pg_get_userbyid(f.dictowner) AS owner, \
         obj_description(f.oid, 'pg_ts_dict') AS comment \
         FROM pg_ts_dict f JOIN pg_namespace n ON n.oid = f.dictnamespace \
         WHERE {OF_USERS} AND {}",
        is_free("pg_ts_dict", "f.oid")
    )
}

/// Without the options of user mappings, which hold passwords.
fn servers() -> String {
    format!(
        "SELECT NULL, NULL, v.srvname, w.fdwname AS wrapper, v.srvtype AS type, \
         v.srvversion AS version, array_to_string(v.srvoptions, ', ') AS options, \
         (SELECT string_agg(m.usename, ', ' ORDER BY m.usename) FROM pg_user_mappings m \
         WHERE m.srvid = v.oid) AS users, \
         pg_get_userbyid(v.srvowner) AS owner, \
         {} AS grants, \
         obj_description(v.oid, 'pg_foreign_server') AS comment \
         FROM pg_foreign_server v JOIN pg_foreign_data_wrapper w ON w.oid = v.srvfdw WHERE {}",
        grants("v.srvacl", "S", "v.srvowner"),
        is_free("pg_foreign_server", "v.oid")
    )
}

fn publications(version: u32, history: &str) -> String {
    // Rows, columns and schemas of publications came with 15.
    let (detail, schemas) = match version {
        150_000.. => (
            "|| COALESCE(' (' || (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) \
             FROM pg_attribute a WHERE a.attrelid = r.prrelid \
             AND a.attnum = ANY (r.prattrs)) || ')', '') \
             || COALESCE(' where ' || pg_get_expr(r.prqual, r.prrelid), '')",
            "(SELECT string_agg(s.pnnspid::regnamespace::text, ', ' ORDER BY s.pnnspid::regnamespace::text) \
             FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)",
        ),
        _ => ("", "NULL"),
    };
    format!(
        "SELECT NULL, NULL, p.pubname, \
         (to_jsonb(p) - '{{oid,pubname,pubowner}}'::text[])::text AS definition, \
         (SELECT string_agg(one, chr(10) ORDER BY one) FROM \
         (SELECT r.prrelid::regclass::text {detail} AS one FROM pg_publication_rel r \
         WHERE r.prpubid = p.oid AND r.prrelid NOT IN {history}) tables) AS tables, \
         {schemas} AS schemas, \
         pg_get_userbyid(p.pubowner) AS owner, \
         obj_description(p.oid, 'pg_publication') AS comment \
         FROM pg_publication p"
    )
}

fn event_triggers() -> String {
    format!(
        "SELECT NULL, NULL, t.evtname, t.evtevent AS event, t.evtfoid::regproc AS function, \
         array_to_string(t.evttags, ', ') AS tags, \
         CASE t.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END \
         AS enabled, pg_get_userbyid(t.evtowner) AS owner, \
         obj_description(t.oid, 'pg_event_trigger') AS comment \
         FROM pg_event_trigger t WHERE {}",
        is_free("pg_event_trigger", "t.oid")
    )
}

fn default_privileges() -> String {
    format!(
        "SELECT NULL, NULL, 'for ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables' \
         WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' \
         WHEN 'n' THEN 'schemas' ELSE d.defaclobjtype::text END || ' of ' || \
         pg_get_userbyid(d.defaclrole) || COALESCE(' in ' || \
         NULLIF(d.defaclnamespace, 0)::regnamespace, ''), \
         ({}) AS grants FROM pg_default_acl d",
        privileges("d.defaclacl")
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
