--# customers
-- Whoever buys something. Größe of the e-mail: see the check.
--# statement
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL DEFAULT 'unknown; -- yet',
    CONSTRAINT customers_email_check CHECK (length(email) BETWEEN 3 AND 200)
);
--# statement end
--# down
DROP TABLE customers;
--# countries
CREATE TABLE countries (code TEXT PRIMARY KEY, title TEXT NOT NULL);
INSERT INTO countries (code, title) VALUES ('at', 'Österreich'), ('fr', 'France'), ('jp', '日本');
--# down
DROP TABLE countries;
--# customer_country crlf
ALTER TABLE customers
    ADD COLUMN country TEXT REFERENCES countries (code);
--# down
ALTER TABLE customers DROP COLUMN country;
--# products
CREATE TABLE products (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('book', 'record')),
    title TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    legacy_code TEXT
);
--# down
DROP TABLE products;
--# orders
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    placed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id INTEGER NOT NULL REFERENCES products (id),
    amount INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, product_id)
) WITHOUT ROWID;
CREATE INDEX order_items_product_id_idx ON order_items (product_id);
--# down
DROP TABLE order_items;
DROP TABLE orders;
--# orders_in_full outside
PRAGMA foreign_keys = OFF;
CREATE TABLE orders_new (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    placed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid'))
);
INSERT INTO orders_new (id, customer_id, placed_at) SELECT id, customer_id, placed_at FROM orders;
DROP TABLE orders;
ALTER TABLE orders_new RENAME TO orders;
PRAGMA foreign_keys = ON;
--# down
ALTER TABLE orders DROP COLUMN state;
--# order_totals
CREATE VIEW order_totals AS
SELECT orders.id AS order_id, orders.customer_id, sum(order_items.amount * products.price_cents) AS cents
FROM orders
JOIN order_items ON order_items.order_id = orders.id
JOIN products ON products.id = order_items.product_id
GROUP BY orders.id;
--# down
DROP VIEW order_totals;
--# order_log body
CREATE TABLE order_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id INTEGER NOT NULL,
    what TEXT NOT NULL
);
--# statement
CREATE TRIGGER orders_log AFTER INSERT ON orders FOR EACH ROW
BEGIN
    -- Every new one; none is forgotten.
    INSERT INTO order_log (order_id, what) VALUES (NEW.id, 'INSERT;');
END;
--# statement end
--# down
DROP TRIGGER orders_log;
DROP TABLE order_log;
--# country_names
UPDATE countries SET title = upper(title);
--# down
UPDATE countries SET title = lower(title);
--# drop_legacy_code irreversible
ALTER TABLE products DROP COLUMN legacy_code;
--# forget_france irreversible
DELETE FROM countries WHERE code = 'fr';
--# email_lower_case
CREATE UNIQUE INDEX customers_email_lower_idx ON customers (lower(email)) WHERE name <> 'deleted';
--# down
DROP INDEX customers_email_lower_idx;
--# order_notes
ALTER TABLE orders ADD COLUMN note TEXT;
--# down
ALTER TABLE orders DROP COLUMN note;
