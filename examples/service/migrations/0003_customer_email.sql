-- @name: E-mail of customers
-- @description: Invoices go out by e-mail.
-- @timestamp: 2026-02-02T10:00:00Z
-- @rollbackSafe: false
-- @performanceImpact: medium
-- @dependencies: [0001_customers]
-- @phase: expand

-- UP MIGRATION
ALTER TABLE customers ADD COLUMN email VARCHAR(80);

-- DOWN MIGRATION
ALTER TABLE customers DROP COLUMN email;
