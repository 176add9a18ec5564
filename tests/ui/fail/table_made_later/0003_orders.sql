-- @name: Orders
-- @description: Who buys what.
-- @timestamp: 2026-01-06T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer INTEGER NOT NULL);

-- DOWN MIGRATION
DROP TABLE orders;
