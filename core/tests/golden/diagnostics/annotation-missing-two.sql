-- @name: Add user e-mail
-- @description: Users sign in by e-mail,
--   and not by login any more.

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
