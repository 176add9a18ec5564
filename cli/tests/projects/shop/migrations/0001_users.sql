-- @name: Users
-- @description: Who may sign in.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION (forward changes)
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  login VARCHAR(40) NOT NULL
);

-- DOWN MIGRATION (rollback changes)
DROP TABLE users;
