-- @name: Full-text search
-- @description: An index over what the search column holds, built while the app goes on writing.
--   That cannot be done inside a transaction, so it stands alone in its file.
-- @timestamp: 2026-01-26T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0003_todos]
-- @phase: expand
-- @transaction: false

-- UP MIGRATION (forward changes)
CREATE INDEX CONCURRENTLY todos_search_idx ON todos USING gin (search);

-- DOWN MIGRATION (rollback changes)
DROP INDEX CONCURRENTLY todos_search_idx;
