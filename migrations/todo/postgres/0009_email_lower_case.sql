-- @name: E-mails stay in lower case
-- @description: The table refuses other spellings from now on. The rows that are there already are
--   looked through later, by 0012, because here nobody could write while that lasts.
-- @timestamp: 2026-02-16T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0008_email_spelling]
-- @phase: contract
-- @lockTimeout: 2s

-- UP MIGRATION (forward changes)
ALTER TABLE users
  ADD CONSTRAINT users_email_lower_case CHECK (email = lower(email)) NOT VALID;

-- DOWN MIGRATION (rollback changes)
ALTER TABLE users DROP CONSTRAINT users_email_lower_case;
