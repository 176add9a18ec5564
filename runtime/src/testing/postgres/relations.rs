//! Queries for sequences, tables, views and what belongs to them.

use super::{OF_USERS, SCHEMA, grants, is_free};

pub(super) fn sequences(history: &str) -> String {
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

pub(super) fn tables(history: &str) -> String {
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

pub(super) fn views(relkind: &str) -> String {
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

pub(super) fn columns(version: u32, history: &str) -> String {
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
pub(super) fn constraints(history: &str) -> String {
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

pub(super) fn indexes(history: &str) -> String {
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

pub(super) fn triggers(history: &str) -> String {
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

pub(super) fn policies(history: &str) -> String {
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

pub(super) fn rules(history: &str) -> String {
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

pub(super) fn statistics() -> String {
    format!(
        "SELECT {SCHEMA}, c.relname, s.stxname, pg_get_statisticsobjdef(s.oid) AS definition, \
         NULLIF((to_jsonb(s) ->> 'stxstattarget')::int, -1) AS target, \
         pg_get_userbyid(s.stxowner) AS owner, \
         obj_description(s.oid, 'pg_statistic_ext') AS comment \
         FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OF_USERS}"
    )
}
