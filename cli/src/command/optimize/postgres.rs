//! What PostgreSQL is asked.

use super::Question;

pub(crate) const QUESTIONS: &[Question] = &[
    Question::new("foreign-key-without-index", FOREIGN_KEYS),
    Question::new("duplicate-index", DUPLICATES),
    Question::new("invalid-index", INVALID),
    Question::with(
        "never-used-index",
        UNUSED,
        "SELECT 1 WHERE pg_catalog.current_setting('track_counts') = 'on'",
        "the server does not count it: set track_counts = on",
    ),
    Question::new("table-without-primary-key", WITHOUT_KEY),
    Question::with(
        "stale-statistics",
        STATISTICS,
        "SELECT 1 WHERE pg_catalog.current_setting('track_counts') = 'on'",
        "the server does not count changes: set track_counts = on",
    ),
    Question::new("bloat", BLOAT),
    Question::with(
        "slow-statement",
        SLOW,
        EXTENSION,
        "the server does not measure statements: put pg_stat_statements into \
         shared_preload_libraries, and CREATE EXTENSION pg_stat_statements",
    ),
];

// Several foreign keys of the same columns want one index. A table that is cut into partitions
// cannot have one built beside its work.
const FOREIGN_KEYS: &str = "
SELECT DISTINCT ON (keys.tab, keys.columns) 'foreign-key-without-index',
  keys.tab || '.' || keys.conname,
  'a DELETE or UPDATE of what it refers to reads all of ' || keys.tab,
  'CREATE INDEX ' || keys.beside || pg_catalog.quote_ident(keys.name) || ' ON ' || keys.tab
    || ' (' || keys.columns || ')',
  'DROP INDEX ' || keys.beside || pg_catalog.quote_ident(keys.schema) || '.'
    || pg_catalog.quote_ident(keys.name)
FROM (
  SELECT c.conname, c.conrelid::pg_catalog.regclass::text AS tab, n.nspname AS schema,
    CASE t.relkind WHEN 'p' THEN '' ELSE 'CONCURRENTLY ' END AS beside,
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
  GROUP BY c.conname, c.conrelid, n.nspname, t.relname, t.relkind
) AS keys
WHERE pg_catalog.to_regclass(pg_catalog.quote_ident(keys.schema) || '.'
  || pg_catalog.quote_ident(keys.name)) IS NULL
ORDER BY keys.tab, keys.columns, 2";

// The oldest of several stays, or the one that keeps rows apart.
const DUPLICATES: &str = "
SELECT DISTINCT ON (b.indexrelid) 'duplicate-index', b.indexrelid::pg_catalog.regclass::text,
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
  AND NOT b.indisunique AND (a.indisunique OR a.indexrelid < b.indexrelid)
ORDER BY b.indexrelid, a.indisunique DESC, a.indexrelid";

// One that is being built is not valid yet. The parent of partitions is when all of them have it.
const INVALID: &str = "
SELECT 'invalid-index', i.indexrelid::pg_catalog.regclass::text,
  'its building failed: no query uses it, every write pays for it. REINDEX INDEX CONCURRENTLY '
    || i.indexrelid::pg_catalog.regclass::text, NULL, NULL
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
WHERE NOT i.indisvalid AND NOT EXISTS (
  SELECT 1 FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
ORDER BY 2";

// Where nothing reads the table either, nothing is known of its indexes. What serves a foreign key
// is used by deletes elsewhere, which may be rare.
const UNUSED: &str = "
SELECT 'never-used-index', s.indexrelid::pg_catalog.regclass::text,
  'no query has used it since the statistics began ('
    || pg_catalog.to_char(COALESCE(d.stats_reset, pg_catalog.pg_postmaster_start_time()),
      'YYYY-MM-DD') || '), while its table was read '
    || (t.seq_scan + COALESCE(t.idx_scan, 0)) || ' times; it takes '
    || pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(s.indexrelid)), NULL, NULL
FROM pg_catalog.pg_stat_user_indexes s
JOIN pg_catalog.pg_stat_user_tables t ON t.relid = s.relid
JOIN pg_catalog.pg_index i ON i.indexrelid = s.indexrelid
JOIN pg_catalog.pg_stat_database d ON d.datname = pg_catalog.current_database()
WHERE s.idx_scan = 0 AND NOT i.indisunique AND i.indisvalid
  AND t.seq_scan + COALESCE(t.idx_scan, 0) >= 100
  AND pg_catalog.pg_relation_size(s.indexrelid) > 1000000
  AND NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_constraint c
    WHERE c.contype = 'f' AND c.conrelid = s.relid AND c.conkey[1] = i.indkey[0])
ORDER BY 2";

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

// Rows that are dead, by what the server counts; and room that rows have left behind, by how many
// rows of their average width would fit into the pages. The latter needs an ANALYZE, and is rough:
// it counts from 10 MB and a third of a table on.
const BLOAT: &str = "
SELECT 'bloat', relid::pg_catalog.regclass::text,
  'about ' || n_dead_tup || ' dead rows beside ' || n_live_tup || ' live ones. VACUUM '
    || relid::pg_catalog.regclass::text, NULL, NULL
FROM pg_catalog.pg_stat_user_tables
WHERE n_dead_tup > 10000 AND n_dead_tup > n_live_tup * 0.2
UNION ALL
SELECT 'bloat', e.oid::pg_catalog.regclass::text,
  'about ' || (e.pages - e.needed) * 100 / e.pages || ' % of its '
    || pg_catalog.pg_size_pretty(e.pages * 8192) || ' hold no rows. VACUUM FULL '
    || e.oid::pg_catalog.regclass::text || ' locks it meanwhile; pg_repack does not', NULL, NULL
FROM (
  SELECT c.oid, c.relpages::bigint AS pages,
    pg_catalog.ceil(c.reltuples / GREATEST(1, pg_catalog.floor(8168
      * COALESCE((SELECT option_value::int FROM pg_catalog.pg_options_to_table(c.reloptions)
          WHERE option_name = 'fillfactor'), 100) / 100.0
      / (28 + pg_catalog.ceil(w.width / 8.0) * 8))))::bigint AS needed
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    SELECT pg_catalog.sum((1 - s.null_frac) * s.avg_width) AS width FROM pg_catalog.pg_stats s
    WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited) AS w
  WHERE c.relkind = 'r' AND c.relpages > 1280 AND c.reltuples >= 0 AND w.width IS NOT NULL
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_stat_user_tables t WHERE t.relid = c.oid
        AND t.n_dead_tup > 10000 AND t.n_dead_tup > t.n_live_tup * 0.2)) AS e
WHERE (e.pages - e.needed) * 3 > e.pages AND e.pages - e.needed > 640
ORDER BY 2";

// It answers only where the library was loaded too. Where the extension is kept is looked up, and
// put behind where names are looked for anyway.
const EXTENSION: &str = "
SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('search_path') || ', '
  || pg_catalog.quote_ident(n.nspname), false)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
  AND pg_catalog.current_setting('pg_stat_statements.track', true) IS NOT NULL";

// What ran once or twice is nobody's habit.
const SLOW: &str = "
SELECT 'slow-statement', pg_catalog.left(pg_catalog.regexp_replace(query, '\\s+', ' ', 'g'), 60),
  pg_catalog.round(mean_exec_time::numeric, 1) || ' ms each, ' || calls || ' times', NULL, NULL
FROM pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = pg_catalog.current_database()
WHERE mean_exec_time > 100 AND calls >= 3 ORDER BY total_exec_time DESC LIMIT 5";
