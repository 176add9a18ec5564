-- @name: E-mail of users
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email TEXT;

-- DOWN MIGRATION
SELECT 1;
