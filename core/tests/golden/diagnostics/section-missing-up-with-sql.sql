-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- CHECK BEFORE: every user has a login
SELECT id FROM users WHERE login IS NULL;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
