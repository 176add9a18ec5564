-- @name: Users
-- @description: Their ids are made by a function of the application.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE users (id TEXT PRIMARY KEY, login TEXT NOT NULL) STRICT;
INSERT INTO users (id, login) VALUES (new_id(), 'root');

-- DOWN MIGRATION
DROP TABLE users;
