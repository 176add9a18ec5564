-- @name: Orders
-- @description: What was bought.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @dependencies: [0001_user]

-- UP MIGRATION
CREATE TABLE orders (id INTEGER PRIMARY KEY);

-- DOWN MIGRATION
DROP TABLE orders;
