-- @name: Lists
-- @description: Every user has lists. A name occurs once among the lists of a user, and the index
--   behind that rule serves the foreign key as well.
-- @timestamp: 2026-01-05T09:30:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0001_users]

-- UP MIGRATION (forward changes)
CREATE TABLE lists (
  id bigint GENERATED ALWAYS AS IDENTITY,
  owner_id bigint NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT lists_pk PRIMARY KEY (id),
  CONSTRAINT lists_owner_id_name_unique UNIQUE (owner_id, name),
  CONSTRAINT lists_owner_id_fk FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
);

-- DOWN MIGRATION (rollback changes)
DROP TABLE lists;
