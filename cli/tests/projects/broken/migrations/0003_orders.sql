-- @name: Orders
-- @description: The way back leads nowhere.
-- @timestamp: 2026-01-07T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
CREATE TABLE orders (id bigint PRIMARY KEY);

-- DOWN MIGRATION
SELECT 1;
