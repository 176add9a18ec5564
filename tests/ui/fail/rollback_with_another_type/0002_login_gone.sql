-- @name: Without logins
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
-- @allow: drop-column-loses-data (nobody signs in by login any more)
ALTER TABLE users DROP COLUMN login;

-- DOWN MIGRATION
ALTER TABLE users ADD COLUMN login VARCHAR(80);
