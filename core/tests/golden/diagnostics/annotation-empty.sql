-- @name:
-- @description:
-- @timestamp:
-- @rollbackSafe:
-- @dependencies:

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
