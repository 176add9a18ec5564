-- @name: E-mails stay in lower case
-- @description: The table refuses other spellings from now on. SQLite cannot add a constraint, so
--   the table is built anew. Foreign keys are off meanwhile: otherwise dropping the old table would
--   delete all lists.
-- @timestamp: 2026-02-16T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0008_email_spelling]
-- @phase: contract
-- @foreignKeys: off

-- CHECK BEFORE: every e-mail is in lower case
SELECT id, email FROM users WHERE email <> lower(email);

-- UP MIGRATION (forward changes)
CREATE TABLE users_new (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  CONSTRAINT users_email_unique UNIQUE (email),
  CONSTRAINT users_email_lower_case CHECK (email = lower(email))
) STRICT;

INSERT INTO users_new (id, email, display_name, created_at)
SELECT id, email, display_name, created_at FROM users;

DROP TABLE users;
ALTER TABLE users_new RENAME TO users;

-- DOWN MIGRATION (rollback changes)
CREATE TABLE users_old (
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  CONSTRAINT users_email_unique UNIQUE (email)
) STRICT;

INSERT INTO users_old (id, email, display_name, created_at)
SELECT id, email, display_name, created_at FROM users;

DROP TABLE users;
ALTER TABLE users_old RENAME TO users;
