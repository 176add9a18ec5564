//! Queries for routines, operators, casts and what else there is beside relations.

use super::{OF_USERS, SCHEMA, grants, is_explicit, is_free, privileges};

pub(super) fn functions(kinds: &str) -> String {
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

pub(super) fn aggregates() -> String {
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

pub(super) fn operators() -> String {
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

pub(super) fn operator_classes() -> String {
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

pub(super) fn casts() -> String {
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

pub(super) fn collations() -> String {
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

pub(super) fn text_search_configurations() -> String {
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

pub(super) fn text_search_dictionaries() -> String {
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
pub(super) fn servers() -> String {
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

pub(super) fn publications(version: u32, history: &str) -> String {
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

pub(super) fn event_triggers() -> String {
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

pub(super) fn default_privileges() -> String {
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
