-- @name: Users
-- @description: The people who keep lists.
-- @timestamp: 2026-01-05T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: []

-- UP MIGRATION (forward changes)
CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY,
  email text NOT NULL,
  display_name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_pk PRIMARY KEY (id),
  CONSTRAINT users_email_unique UNIQUE (email)
);

-- DOWN MIGRATION (rollback changes)
DROP TABLE users;
