--# customers
-- Whoever buys something. Größe of the e-mail: see the check.
--# statement
CREATE TABLE customers (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email varchar(200) NOT NULL,
    name varchar(80) NOT NULL DEFAULT 'unknown; -- yet',
    UNIQUE KEY customers_email_key (email),
    CONSTRAINT customers_email_check CHECK (char_length(email) >= 3)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
--# statement end
--# down
DROP TABLE customers;
--# countries
CREATE TABLE countries (code char(2) PRIMARY KEY, title varchar(80) NOT NULL) DEFAULT CHARSET=utf8mb4;
INSERT INTO countries (code, title) VALUES ('at', 'Österreich'), ('fr', 'France'), ('jp', '日本');
--# down
DROP TABLE countries;
--# customer_country crlf
ALTER TABLE customers
    ADD COLUMN country char(2) COMMENT 'where the parcel goes',
    ADD CONSTRAINT customers_country_fk FOREIGN KEY (country) REFERENCES countries (code);
--# down
ALTER TABLE customers DROP FOREIGN KEY customers_country_fk;
ALTER TABLE customers DROP KEY customers_country_fk;
ALTER TABLE customers DROP COLUMN country;
--# products
CREATE TABLE products (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind enum('book', 'record') NOT NULL,
    title varchar(200) NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    legacy_code varchar(20)
);
--# down
DROP TABLE products;
--# orders
CREATE TABLE orders (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id bigint NOT NULL,
    placed_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT orders_customer_id_fk FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
);
CREATE TABLE order_items (
    order_id bigint NOT NULL,
    product_id bigint NOT NULL,
    amount integer NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, product_id),
    KEY order_items_product_id_idx (product_id),
    CONSTRAINT order_items_order_id_fk FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
    CONSTRAINT order_items_product_id_fk FOREIGN KEY (product_id) REFERENCES products (id)
);
--# down
DROP TABLE order_items;
DROP TABLE orders;
--# orders_by_day outside
CREATE INDEX orders_placed_at_idx ON orders (placed_at);
--# down
DROP INDEX orders_placed_at_idx ON orders;
--# order_totals
CREATE VIEW order_totals AS
SELECT orders.id AS order_id, orders.customer_id, sum(order_items.amount * products.price_cents) AS cents
FROM orders
JOIN order_items ON order_items.order_id = orders.id
JOIN products ON products.id = order_items.product_id
GROUP BY orders.id, orders.customer_id;
--# down
DROP VIEW order_totals;
--# order_log body
CREATE TABLE order_log (
    id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id bigint NOT NULL,
    what varchar(20) NOT NULL
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
--# email_index
CREATE INDEX customers_name_idx ON customers (name, email);
ALTER TABLE customers DROP KEY customers_email_key;
--# down
ALTER TABLE customers ADD UNIQUE KEY customers_email_key (email);
DROP INDEX customers_name_idx ON customers;
--# order_notes
ALTER TABLE orders ADD COLUMN note text;
--# down
ALTER TABLE orders DROP COLUMN note;
