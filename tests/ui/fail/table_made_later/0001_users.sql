-- @name: Users
-- @description: Who can sign in.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL);

-- DOWN MIGRATION
DROP TABLE users;
