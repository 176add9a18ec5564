-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @transaction: false

-- UP MIGRATION
-- @allow: drop-column
-- @allow: Drop Column (why)
-- @unchecked: <reason>
ALTER TABLE users ADD COLUMN email text;
-- @batch: 1_000
-- @batch: 500
UPDATE users SET email = login WHERE email IS NULL;
-- @batch: 1000, 50ms
UPDATE users SET email = login WHERE email IS NULL;
-- @bacth: 1000
UPDATE users SET email = login WHERE email IS NULL;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
