-- @name: Soft delete
-- @description: A deleted to-do stays for a while, so that it can be brought back. The release
--   before this one still deletes for good; both can run side by side. The column is added in no
--   time, but only once nobody reads the table: two seconds of waiting are enough, then the others
--   go first and it is tried again.
-- @timestamp: 2026-02-02T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0003_todos]
-- @phase: expand
-- @lockTimeout: 2s

-- UP MIGRATION (forward changes)
ALTER TABLE todos ADD COLUMN deleted_at timestamptz;

-- DOWN MIGRATION (rollback changes)
ALTER TABLE todos DROP COLUMN deleted_at;
