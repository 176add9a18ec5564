-- @name: Soft delete
-- @description: A deleted to-do stays for a while, so that it can be brought back. The release
--   before this one still deletes for good; both can run side by side.
-- @timestamp: 2026-02-02T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0003_todos]
-- @phase: expand

-- UP MIGRATION (forward changes)
ALTER TABLE todos ADD COLUMN deleted_at TEXT;

-- DOWN MIGRATION (rollback changes)
ALTER TABLE todos DROP COLUMN deleted_at;
