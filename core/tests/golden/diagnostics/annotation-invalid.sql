-- @name: <name>
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05 10:00
-- @rollbackSafe: yes
-- @performanceImpact: hihg
-- @dependencies: [0001_users, accounts]
-- @transaction: none
-- @phase: later
-- @irreversible: a	b
-- @foreignKeys: on
-- @lockTimeout: 5 seconds
-- @statementTimeout: 0s
-- @supersedes: 12345

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;
