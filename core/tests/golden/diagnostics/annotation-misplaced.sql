-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @allow: drop-column (nothing reads it)

-- CHECK BEFORE: every user has a login
-- @allow: drop-column (nothing reads it)
SELECT id FROM users WHERE login IS NULL;

-- UP MIGRATION
-- @lockTimeout: 5s
ALTER TABLE users
    -- @unchecked: inside
    ADD COLUMN email text; -- @unchecked: behind
-- @author: Ada
ALTER TABLE users ADD COLUMN phone text;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
