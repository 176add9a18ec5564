-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- Up Migration
ALTER TABLE users ADD COLUMN email text;

-- Check after: every user has an e-mail
SELECT id FROM users WHERE email IS NULL;

-- Down
ALTER TABLE users DROP COLUMN email;
