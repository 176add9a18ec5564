-- @name: Index for what is open
-- @description: The open to-dos of a list in the order in which the app shows them.
-- @timestamp: 2026-03-02T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0007_soft_delete]
-- @phase: expand

-- UP MIGRATION (forward changes)
CREATE INDEX todos_open_idx ON todos (list_id, priority, due_at)
  WHERE completed_at IS NULL AND deleted_at IS NULL;

-- DOWN MIGRATION (rollback changes)
DROP INDEX todos_open_idx;
