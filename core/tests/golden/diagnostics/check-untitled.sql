-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- CHECK BEFORE
SELECT id FROM users WHERE login IS NULL;

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;

-- CHECK AFTER:
SELECT id FROM users WHERE email IS NULL;

-- CHECK AFTER no user is without e-mail
SELECT id FROM users WHERE email IS NULL;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
