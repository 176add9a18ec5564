-- @name: E-mail of users
-- @description: Invoices go out by e-mail.
-- @timestamp: 2026-02-02T10:00:00Z
-- @rollbackSafe: false
-- @performanceImpact: medium
-- @dependencies: [0001_users]
-- @phase: expand

-- UP MIGRATION (forward changes)
ALTER TABLE users ADD COLUMN email VARCHAR(80);

-- DOWN MIGRATION (rollback changes)
ALTER TABLE users DROP COLUMN email;
