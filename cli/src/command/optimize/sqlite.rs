//! What SQLite is asked. It keeps no statistics of what runs.

use super::Question;

pub(crate) const QUESTIONS: &[Question] = &[
    Question::new("foreign-key-without-index", FOREIGN_KEYS),
    Question::new("duplicate-index", DUPLICATES),
    Question::new("table-without-primary-key", WITHOUT_KEY),
    Question::new("stale-statistics", STATISTICS),
    Question::new("bloat", BLOAT),
    Question::never(
        "never-used-index",
        "SQLite does not count what uses an index",
    ),
    Question::never("slow-statement", "SQLite does not measure statements"),
];

const FOREIGN_KEYS: &str = "
WITH keys AS (
  SELECT tab, id, MIN(refers) AS refers, GROUP_CONCAT(col, ',') AS bare,
    GROUP_CONCAT('\"' || REPLACE(col, '\"', '\"\"') || '\"', ', ') AS columns,
    GROUP_CONCAT(col, '_') AS name
  FROM (SELECT t.name AS tab, f.id AS id, f.\"table\" AS refers, f.\"from\" AS col
        FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
        WHERE t.type = 'table' ORDER BY t.name, f.id, f.seq)
  GROUP BY tab, id),
indexes AS (
  SELECT tab, name, GROUP_CONCAT(col, ',') AS bare
  FROM (SELECT t.name AS tab, i.name AS name, c.name AS col
        FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
        WHERE t.type = 'table' AND i.partial = 0 ORDER BY t.name, i.name, c.seqno)
  GROUP BY tab, name)
SELECT 'foreign-key-without-index', k.tab || ' (' || k.bare || ')',
  'a DELETE or UPDATE in ' || k.refers || ' reads all of ' || k.tab,
  'CREATE INDEX \"' || REPLACE(k.tab || '_' || k.name || '_idx', '\"', '\"\"') || '\" ON \"'
    || REPLACE(k.tab, '\"', '\"\"') || '\" (' || k.columns || ')',
  'DROP INDEX \"' || REPLACE(k.tab || '_' || k.name || '_idx', '\"', '\"\"') || '\"'
FROM keys k
WHERE NOT EXISTS (SELECT 1 FROM indexes i
  WHERE i.tab = k.tab AND (i.bare = k.bare OR SUBSTR(i.bare, 1, LENGTH(k.bare) + 1) = k.bare || ','))
  AND NOT EXISTS (SELECT 1 FROM pragma_table_info(k.tab) c
    WHERE c.pk = 1 AND c.name = k.bare AND UPPER(c.type) = 'INTEGER')
ORDER BY 2";

const DUPLICATES: &str = "
WITH indexes AS (
  SELECT tab, name, uniq, origin, GROUP_CONCAT(part, ',') AS parts
  FROM (SELECT t.name AS tab, i.name AS name, i.\"unique\" AS uniq, i.origin AS origin,
          COALESCE(c.name, '?' || i.name) || ' ' || c.desc || ' ' || c.coll AS part
        FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) c
        WHERE t.type = 'table' AND i.partial = 0 AND c.key = 1 ORDER BY t.name, i.name, c.seqno)
  GROUP BY tab, name)
SELECT 'duplicate-index', b.name,
  'does what ' || MIN(a.name) || ' does, and every write pays for both',
  'DROP INDEX \"' || REPLACE(b.name, '\"', '\"\"') || '\"', s.sql
FROM indexes a JOIN indexes b ON a.tab = b.tab AND a.parts = b.parts AND a.name <> b.name
JOIN sqlite_schema s ON s.type = 'index' AND s.name = b.name
JOIN sqlite_schema o ON o.type = 'index' AND o.name = a.name
WHERE b.uniq = 0 AND b.origin = 'c' AND (a.uniq = 1 OR o.rowid < s.rowid)
GROUP BY b.name, s.sql ORDER BY 2";

const WITHOUT_KEY: &str = "
SELECT 'table-without-primary-key', t.name,
  'no row of it can be named by what it holds', NULL, NULL
FROM sqlite_schema t
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND UPPER(t.sql) NOT LIKE 'CREATE VIRTUAL%'
  AND NOT EXISTS (SELECT 1 FROM pragma_table_list l WHERE l.name = t.name AND l.type = 'shadow')
  AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) c WHERE c.pk > 0)
ORDER BY 2";

const STATISTICS: &str = "
SELECT 'stale-statistics', 'the whole database',
  'it was never analyzed, so the planner guesses which index is good. ANALYZE', NULL, NULL
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1')
  AND (SELECT COUNT(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL) > 0
  AND (SELECT page_count FROM pragma_page_count()) > 250";

const BLOAT: &str = "
SELECT 'bloat', 'the whole database',
  CAST(f.freelist_count * 100 / p.page_count AS TEXT) || ' % of its ' ||
    CAST(p.page_count * s.page_size / 1048576 AS TEXT) || ' MiB are free pages. VACUUM',
  NULL, NULL
FROM pragma_freelist_count() f, pragma_page_count() p, pragma_page_size() s
WHERE f.freelist_count * s.page_size > 1048576 AND f.freelist_count * 5 > p.page_count";
