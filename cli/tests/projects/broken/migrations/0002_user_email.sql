-- @name: User e-mail
-- @description: There is no way back, and a transaction of its own.
-- @timestamp: 2026-01-06T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
BEGIN;
ALTER TABLE users ADD COLUMN email text;
