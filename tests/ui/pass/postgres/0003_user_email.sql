-- @name: Add user e-mail
-- @description: Users sign in by e-mail from release 2.4 on.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false
-- @performanceImpact: low
-- @dependencies: [0001_users]

-- CHECK BEFORE: every user has a distinct login
SELECT login FROM users GROUP BY login HAVING count(*) > 1;

-- UP MIGRATION (forward changes)
ALTER TABLE users ADD COLUMN email TEXT;
-- @allow: unbatched-backfill (a new service has few users)
UPDATE users SET email = login || '@example.org';

-- CHECK AFTER: no user is without e-mail
SELECT id FROM users WHERE email IS NULL;

-- DOWN MIGRATION (rollback changes)
ALTER TABLE users DROP COLUMN email;
