//! What SQLite is asked.

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
        sql: STATISTICS,
        is_optional: false,
    },
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
SELECT 'duplicate-index', b.name, 'does what ' || a.name || ' does, and every write pays for both',
  'DROP INDEX \"' || REPLACE(b.name, '\"', '\"\"') || '\"', s.sql
FROM indexes a JOIN indexes b ON a.tab = b.tab AND a.parts = b.parts AND a.name <> b.name
JOIN sqlite_schema s ON s.type = 'index' AND s.name = b.name
WHERE b.uniq = 0 AND b.origin = 'c' AND (a.uniq = 1 OR a.name < b.name) ORDER BY 2";

const STATISTICS: &str = "
SELECT 'stale-statistics', 'the whole database',
  'it was never analyzed, so the planner guesses which index is good. ANALYZE', NULL, NULL
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1')
  AND (SELECT COUNT(*) FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL) > 0
  AND (SELECT page_count FROM pragma_page_count()) > 250";
