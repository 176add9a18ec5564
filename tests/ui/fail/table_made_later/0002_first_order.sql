-- @name: First order
-- @description: Every shop has sold something.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
INSERT INTO orders (id, buyer) VALUES (1, 1);

-- DOWN MIGRATION
DELETE FROM orders WHERE id = 1;
