-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false
-- @irreversible: the old values are gone

-- rollback

-- UP MIGRATION
ALTER TABLE users DROP COLUMN email;
