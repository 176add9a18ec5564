-- @name: Users
-- @description: Who can sign in.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- DOWN MIGRATION
DROP TABLE users;
