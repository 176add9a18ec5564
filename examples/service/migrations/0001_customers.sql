-- @name: Customers
-- @description: Who orders.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name VARCHAR(80) NOT NULL
);

-- DOWN MIGRATION
DROP TABLE customers;
