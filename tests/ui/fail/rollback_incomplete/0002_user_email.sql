-- @name: E-mail of users
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email TEXT;
ALTER TABLE users ADD CONSTRAINT users_login_check CHECK (login <> '') NOT VALID;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
