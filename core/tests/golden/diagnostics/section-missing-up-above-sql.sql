-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

ALTER TABLE users ADD COLUMN email text;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
