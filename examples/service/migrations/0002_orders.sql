-- @name: Orders
-- @description: What they order.
-- @timestamp: 2026-01-12T10:00:00Z
-- @rollbackSafe: true
-- @dependencies: [0001_customers]

-- UP MIGRATION
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL,
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
);
CREATE INDEX orders_by_customer ON orders (customer_id);

-- DOWN MIGRATION
DROP TABLE orders;
