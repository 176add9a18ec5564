-- @name: Orders
-- @description: What users have ordered.
-- @timestamp: 2026-01-12T10:00:00Z
-- @rollbackSafe: true
-- @dependencies: [0001_users]

-- UP MIGRATION (forward changes)
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL,
  placed_on VARCHAR(20) NOT NULL,
  CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id)
);
CREATE INDEX orders_by_user ON orders (user_id);

-- DOWN MIGRATION (rollback changes)
DROP TABLE orders;
