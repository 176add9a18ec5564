-- @name: E-mail of users
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTRE TABLE users ADD COLUMN email VARCHAR(200);

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
