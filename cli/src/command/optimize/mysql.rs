//! What MySQL and MariaDB are asked. Foreign keys have an index of their own there, and an index
//! that cannot be built is not there.

use super::Question;

pub(crate) const QUESTIONS: &[Question] = &[
    Question::new("duplicate-index", DUPLICATES),
    Question::new("table-without-primary-key", WITHOUT_KEY),
    Question::new("bloat", BLOAT),
    Question::with(
        "stale-statistics",
        STATISTICS,
        "SELECT 1 FROM information_schema.innodb_sys_tablestats LIMIT 1",
        "the server does not show INNODB_SYS_TABLESTATS, or not without the right PROCESS",
    ),
    Question::with(
        "never-used-index",
        UNUSED,
        "SELECT 1 FROM performance_schema.setup_instruments \
         WHERE @@performance_schema = 1 AND enabled = 'YES' \
           AND name = 'wait/io/table/sql/handler'",
        "the server does not count it: start it with performance_schema=ON",
    ),
    Question::with(
        "slow-statement",
        SLOW,
        "SELECT 1 FROM performance_schema.setup_consumers \
         WHERE @@performance_schema = 1 AND enabled = 'YES' AND name = 'statements_digest'",
        "the server does not measure statements: start it with performance_schema=ON",
    ),
];

const DUPLICATES: &str = "
WITH indexes AS (
  SELECT table_name AS tab, index_name AS name, MIN(non_unique) AS non_unique,
    MIN(index_type) AS kind,
    GROUP_CONCAT(CONCAT('`', column_name, '`',
      IF(sub_part IS NULL, '', CONCAT('(', sub_part, ')'))) ORDER BY seq_in_index SEPARATOR ', ') AS parts
  FROM information_schema.statistics WHERE table_schema = DATABASE()
  GROUP BY table_name, index_name)
SELECT 'duplicate-index', CONCAT(b.tab, '.', b.name),
  CONCAT('does what ', MIN(a.name), ' does, and every write pays for both'),
  CONCAT('DROP INDEX `', b.name, '` ON `', b.tab, '`'),
  CONCAT('CREATE INDEX `', b.name, '` ON `', b.tab, '` (', b.parts, ')')
FROM indexes AS a
JOIN indexes AS b
ON a.tab = b.tab AND a.name <> b.name AND a.parts = b.parts AND a.kind = b.kind
WHERE b.kind = 'BTREE' AND b.non_unique = 1 AND b.parts IS NOT NULL
  AND (a.non_unique = 0 OR a.name < b.name)
GROUP BY b.tab, b.name, b.parts
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

// Small tables have some free room from the beginning.
const BLOAT: &str = "
SELECT 'bloat', t.table_name,
  CONCAT('about ', ROUND(t.data_free / 1048576), ' MiB of its ',
    ROUND((t.data_length + t.index_length + t.data_free) / 1048576),
    ' MiB hold nothing. OPTIMIZE TABLE `', t.table_name, '`'), NULL, NULL
FROM information_schema.tables t
WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
  AND t.data_free > 10 * 1048576
  AND t.data_free > (t.data_length + t.index_length + t.data_free) * 0.3
ORDER BY 2";

const STATISTICS: &str = "
SELECT 'stale-statistics', SUBSTRING_INDEX(s.name, '/', -1),
  CONCAT(s.modified_counter, ' changes since it was analyzed, of ', s.num_rows,
    ' rows. ANALYZE TABLE `', SUBSTRING_INDEX(s.name, '/', -1), '`'), NULL, NULL
FROM information_schema.innodb_sys_tablestats s
WHERE s.name LIKE CONCAT(REPLACE(DATABASE(), '_', '\\\\_'), '/%')
  AND s.modified_counter > 1000 AND s.modified_counter > s.num_rows * 0.2
ORDER BY 2";

// Where nothing reads the table either, nothing is known of its indexes.
const UNUSED: &str = "
SELECT 'never-used-index', CONCAT(u.object_name, '.', u.index_name),
  CONCAT('no query has read it since the server started, while ', t.rows_read,
    ' rows of the table were read'), NULL, NULL
FROM performance_schema.table_io_waits_summary_by_index_usage u
JOIN (
  SELECT object_schema, object_name, SUM(count_read) AS rows_read
  FROM performance_schema.table_io_waits_summary_by_index_usage
  GROUP BY object_schema, object_name) AS t
ON t.object_schema = u.object_schema AND t.object_name = u.object_name AND t.rows_read >= 1000
WHERE u.object_schema = DATABASE() AND u.index_name IS NOT NULL AND u.index_name <> 'PRIMARY'
  AND u.count_read = 0
  AND EXISTS (
    SELECT 1 FROM information_schema.statistics s
    WHERE s.table_schema = u.object_schema AND s.table_name = u.object_name
      AND s.index_name = u.index_name AND s.non_unique = 1 AND s.seq_in_index = 1
      AND NOT EXISTS (
        SELECT 1 FROM information_schema.key_column_usage k
        WHERE k.table_schema = s.table_schema AND k.table_name = s.table_name
          AND k.column_name = s.column_name AND k.referenced_table_name IS NOT NULL))
ORDER BY 2";

const SLOW: &str = "
SELECT 'slow-statement', LEFT(digest_text, 60),
  CONCAT(ROUND(avg_timer_wait / 1000000000, 1), ' ms each, ', count_star, ' times'), NULL, NULL
FROM performance_schema.events_statements_summary_by_digest
WHERE schema_name = DATABASE() AND avg_timer_wait > 100000000000 AND count_star >= 3
ORDER BY sum_timer_wait DESC LIMIT 5";
