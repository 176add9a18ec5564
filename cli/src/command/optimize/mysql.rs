//! What MySQL and MariaDB are asked. Foreign keys have an index of their own there.

use super::Question;

pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        sql: DUPLICATES,
        is_optional: false,
    },
    Question {
        sql: WITHOUT_KEY,
        is_optional: false,
    },
    Question {
        sql: UNUSED,
        is_optional: true,
    },
    Question {
        sql: SLOW,
        is_optional: true,
    },
];

const DUPLICATES: &str = "
SELECT 'duplicate-index', CONCAT(b.tab, '.', b.name),
  CONCAT('does what ', a.name, ' does, and every write pays for both'),
  CONCAT('DROP INDEX `', b.name, '` ON `', b.tab, '`'),
  CONCAT('CREATE INDEX `', b.name, '` ON `', b.tab, '` (', b.parts, ')')
FROM (
  SELECT table_name AS tab, index_name AS name, MIN(non_unique) AS non_unique,
    MIN(index_type) AS kind,
    GROUP_CONCAT(CONCAT('`', column_name, '`',
      IF(sub_part IS NULL, '', CONCAT('(', sub_part, ')'))) ORDER BY seq_in_index SEPARATOR ', ') AS parts
  FROM information_schema.statistics WHERE table_schema = DATABASE()
  GROUP BY table_name, index_name) AS a
JOIN (
  SELECT table_name AS tab, index_name AS name, MIN(non_unique) AS non_unique,
    MIN(index_type) AS kind,
    GROUP_CONCAT(CONCAT('`', column_name, '`',
      IF(sub_part IS NULL, '', CONCAT('(', sub_part, ')'))) ORDER BY seq_in_index SEPARATOR ', ') AS parts
  FROM information_schema.statistics WHERE table_schema = DATABASE()
  GROUP BY table_name, index_name) AS b
ON a.tab = b.tab AND a.name <> b.name AND a.parts = b.parts AND a.kind = b.kind
WHERE b.kind = 'BTREE' AND b.non_unique = 1 AND b.parts IS NOT NULL
  AND (a.non_unique = 0 OR a.name < b.name)
ORDER BY 2";

const WITHOUT_KEY: &str = "
SELECT 'table-without-primary-key', t.table_name,
  'no row of it can be named, and replicating it by rows reads all of it for each', NULL, NULL
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' AND NOT EXISTS (
  SELECT 1 FROM information_schema.table_constraints c
  WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name
    AND c.constraint_type = 'PRIMARY KEY')
ORDER BY 2";

const UNUSED: &str = "
SELECT 'never-used-index', CONCAT(object_name, '.', index_name),
  'no query has used it since the server started', NULL, NULL
FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE object_schema = DATABASE() AND index_name IS NOT NULL AND index_name <> 'PRIMARY'
  AND count_star = 0 AND @@performance_schema = 1
ORDER BY 2";

const SLOW: &str = "
SELECT 'slow-statement', LEFT(digest_text, 60),
  CONCAT(ROUND(avg_timer_wait / 1000000000, 1), ' ms each, ', count_star, ' times'), NULL, NULL
FROM performance_schema.events_statements_summary_by_digest
WHERE schema_name = DATABASE() AND avg_timer_wait > 100000000000
ORDER BY sum_timer_wait DESC LIMIT 5";
