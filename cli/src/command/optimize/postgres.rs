//! What PostgreSQL is asked.

use super::Question;

pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        sql: FOREIGN_KEYS,
        is_optional: false,
    },
    Question {
        sql: DUPLICATES,
        is_optional: false,
    },
    Question {
        sql: INVALID,
        is_optional: false,
    },
    Question {
        sql: UNUSED,
        is_optional: false,
    },
    Question {
        sql: WITHOUT_KEY,
        is_optional: false,
    },
    Question {
        sql: STATISTICS,
        is_optional: false,
    },
    Question {
        sql: BLOAT,
        is_optional: false,
    },
    Question {
        sql: SLOW,
        is_optional: true,
    },
];

const FOREIGN_KEYS: &str = "
SELECT 'foreign-key-without-index', keys.tab || '.' || keys.conname,
  'a DELETE or UPDATE of what it refers to reads all of ' || keys.tab,
  'CREATE INDEX CONCURRENTLY ' || pg_catalog.quote_ident(keys.name) || ' ON ' || keys.tab
    || ' (' || keys.columns || ')',
  'DROP INDEX CONCURRENTLY ' || pg_catalog.quote_ident(keys.schema) || '.'
    || pg_catalog.quote_ident(keys.name)
FROM (
  SELECT c.conname, c.conrelid::pg_catalog.regclass::text AS tab, n.nspname AS schema,
    pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.at) AS columns,
    pg_catalog.left(t.relname || '_' || pg_catalog.string_agg(a.attname, '_' ORDER BY k.at), 59)
      || '_idx' AS name
  FROM pg_catalog.pg_constraint c
  JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  CROSS JOIN LATERAL pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k (attnum, at)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
  WHERE c.contype = 'f' AND c.conparentid = 0 AND NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_index i
    WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
      AND (i.indkey::int2[])[0:pg_catalog.cardinality(c.conkey) - 1] @> c.conkey
      AND c.conkey @> (i.indkey::int2[])[0:pg_catalog.cardinality(c.conkey) - 1])
  GROUP BY c.conname, c.conrelid, n.nspname, t.relname
) AS keys ORDER BY 2";

const DUPLICATES: &str = "
SELECT 'duplicate-index', b.indexrelid::pg_catalog.regclass::text,
  'does what ' || a.indexrelid::pg_catalog.regclass::text || ' does, takes '
    || pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(b.indexrelid))
    || ', and every write pays for both',
  'DROP INDEX CONCURRENTLY ' || b.indexrelid::pg_catalog.regclass::text,
  pg_catalog.replace(pg_catalog.pg_get_indexdef(b.indexrelid), 'CREATE INDEX ',
    'CREATE INDEX CONCURRENTLY ')
FROM pg_catalog.pg_index a
JOIN pg_catalog.pg_index b ON b.indrelid = a.indrelid AND a.indexrelid <> b.indexrelid
  AND a.indkey::text = b.indkey::text AND a.indclass::text = b.indclass::text
  AND a.indoption::text = b.indoption::text AND a.indcollation::text = b.indcollation::text
  AND pg_catalog.pg_get_expr(a.indexprs, a.indrelid) IS NOT DISTINCT FROM
    pg_catalog.pg_get_expr(b.indexprs, b.indrelid)
  AND pg_catalog.pg_get_expr(a.indpred, a.indrelid) IS NOT DISTINCT FROM
    pg_catalog.pg_get_expr(b.indpred, b.indrelid)
JOIN pg_catalog.pg_class t ON t.oid = a.indrelid
JOIN pg_catalog.pg_class ai ON ai.oid = a.indexrelid
JOIN pg_catalog.pg_class bi ON bi.oid = b.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND t.relkind = 'r'
  AND NOT t.relispartition AND ai.relam = bi.relam AND a.indisvalid AND b.indisvalid
  AND NOT b.indisunique AND (a.indisunique OR a.indexrelid < b.indexrelid) ORDER BY 2";

const INVALID: &str = "
SELECT 'invalid-index', i.indexrelid::pg_catalog.regclass::text,
  'its building failed: no query uses it, every write pays for it. REINDEX INDEX CONCURRENTLY '
    || i.indexrelid::pg_catalog.regclass::text, NULL, NULL
FROM pg_catalog.pg_index i WHERE NOT i.indisvalid ORDER BY 2";

const UNUSED: &str = "
SELECT 'never-used-index', s.indexrelid::pg_catalog.regclass::text,
  'no query has used it since the statistics began ('
    || pg_catalog.to_char(COALESCE(d.stats_reset, pg_catalog.pg_postmaster_start_time()),
      'YYYY-MM-DD') || '), it takes '
    || pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(s.indexrelid)), NULL, NULL
FROM pg_catalog.pg_stat_user_indexes s
JOIN pg_catalog.pg_index i ON i.indexrelid = s.indexrelid
JOIN pg_catalog.pg_stat_database d ON d.datname = pg_catalog.current_database()
WHERE s.idx_scan = 0 AND NOT i.indisunique
  AND pg_catalog.pg_relation_size(s.indexrelid) > 1000000 ORDER BY 2";

const WITHOUT_KEY: &str = "
SELECT 'table-without-primary-key', t.oid::pg_catalog.regclass::text,
  'no row of it can be named, and it cannot be replicated by its rows', NULL, NULL
FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND n.nspname !~ '^pg_'
  AND n.nspname <> 'information_schema' AND NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'p')
ORDER BY 2";

const STATISTICS: &str = "
SELECT 'stale-statistics', relid::pg_catalog.regclass::text,
  n_mod_since_analyze || ' of ' || n_live_tup || ' rows have changed since it was analyzed. ANALYZE '
    || relid::pg_catalog.regclass::text, NULL, NULL
FROM pg_catalog.pg_stat_user_tables
WHERE n_mod_since_analyze > 1000 AND n_mod_since_analyze > n_live_tup * 0.2 ORDER BY 2";

const BLOAT: &str = "
SELECT 'bloat', relid::pg_catalog.regclass::text,
  'about ' || n_dead_tup || ' dead rows beside ' || n_live_tup || ' live ones. VACUUM '
    || relid::pg_catalog.regclass::text, NULL, NULL
FROM pg_catalog.pg_stat_user_tables
WHERE n_dead_tup > 10000 AND n_dead_tup > n_live_tup * 0.2 ORDER BY 2";

const SLOW: &str = "
SELECT 'slow-statement', pg_catalog.left(pg_catalog.regexp_replace(query, '\\s+', ' ', 'g'), 60),
  pg_catalog.round(mean_exec_time::numeric, 1) || ' ms each, ' || calls || ' times', NULL, NULL
FROM pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = pg_catalog.current_database()
WHERE mean_exec_time > 100 ORDER BY total_exec_time DESC LIMIT 5";
