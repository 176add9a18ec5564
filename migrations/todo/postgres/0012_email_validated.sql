-- @name: E-mails of old are in lower case too
-- @description: Looks through the rows that were there before 0009. Everybody can go on reading and
--   writing meanwhile.
-- @timestamp: 2026-03-09T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0009_email_lower_case]
-- @phase: expand

-- CHECK BEFORE: every e-mail is in lower case
SELECT id, email FROM users WHERE email <> lower(email);

-- UP MIGRATION (forward changes)
ALTER TABLE users VALIDATE CONSTRAINT users_email_lower_case;

-- DOWN MIGRATION (rollback changes)
ALTER TABLE users DROP CONSTRAINT users_email_lower_case;
ALTER TABLE users
  ADD CONSTRAINT users_email_lower_case CHECK (email = lower(email)) NOT VALID;
