-- @name: E-mail of users
-- @description: Older than `since`: its DOWN is not whole, which is reported by `backstitch check` alone.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email TEXT;

-- DOWN MIGRATION
SELECT 1;
