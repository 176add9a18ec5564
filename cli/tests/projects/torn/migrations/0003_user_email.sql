-- @name: User e-mail
-- @description: For the tests of the command line.
-- @timestamp: 2026-01-06T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
