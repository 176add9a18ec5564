-- @name: Users
-- @description: Who can sign in.
-- @timestamp: 2026-13-05
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL);

-- DOWN MIGRATION
DROP TABLE users;
