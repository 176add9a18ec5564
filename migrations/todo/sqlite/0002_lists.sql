-- @name: Lists
-- @description: Every user has lists. A name occurs once among the lists of a user, and the index
--   behind that rule serves the foreign key as well.
-- @timestamp: 2026-01-05T09:30:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0001_users]

-- UP MIGRATION (forward changes)
CREATE TABLE lists (
  id INTEGER PRIMARY KEY,
  owner_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  CONSTRAINT lists_owner_id_name_unique UNIQUE (owner_id, name),
  CONSTRAINT lists_owner_id_fk FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT;

-- DOWN MIGRATION (rollback changes)
DROP TABLE lists;
