-- @name: Orders
-- @description: What was bought.
-- @timestamp: yesterday
-- @rollbackSafe: true
-- @dependencies: [0001_users]

-- UP MIGRATION
CREATE TABLE orders (id INTEGER PRIMARY KEY);

-- DOWN MIGRATION
DROP TABLE orders;
