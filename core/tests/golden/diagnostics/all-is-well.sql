-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0001_users, 0002_more]
-- @transaction: true
-- @phase: expand
-- @lockTimeout: 5s
-- @statementTimeout: 500ms
-- @supersedes: v1:0000000000000000000000000000000000000000000000000000000000000000

-- CHECK BEFORE: every user has a login
SELECT id FROM users WHERE login IS NULL;

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;

-- @allow: constant-update (the table is small)
-- @unchecked: for the sake of the example
UPDATE users SET email = login || '@example.org -- @name: no';

-- CHECK AFTER: no user is without e-mail
SELECT id FROM users WHERE email IS NULL

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
