-- @name: Users
-- @description: Who can sign in.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL);
CREATE TRIGGER users_touch AFTER UPDATE ON users BEGIN
    SELECT 1;

-- DOWN MIGRATION
DROP TABLE users;
