-- @name: E-mail of users
-- @description: The index locks the table.
-- @timestamp: 2026-01-07T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;
CREATE INDEX users_email ON users (email);

-- DOWN MIGRATION
DROP INDEX users_email;
ALTER TABLE users DROP COLUMN email;
