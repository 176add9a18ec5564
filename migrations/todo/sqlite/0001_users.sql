-- @name: Users
-- @description: The people who keep lists.
-- @timestamp: 2026-01-05T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: []

-- UP MIGRATION (forward changes)
CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  CONSTRAINT users_email_unique UNIQUE (email)
) STRICT;

-- DOWN MIGRATION (rollback changes)
DROP TABLE users;
