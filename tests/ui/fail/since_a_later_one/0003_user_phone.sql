-- @name: Phone of users
-- @description: Users are called back.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTER TABLE users ADD COLUMN phone TEXT;

-- DOWN MIGRATION
SELECT 1;
