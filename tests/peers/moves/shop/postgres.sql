--# customers
-- Whoever buys something. Größe of the e-mail: see the check.
--# statement
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL DEFAULT 'unknown; -- yet',
    CONSTRAINT customers_email_check CHECK (length(email) BETWEEN 3 AND 200)
);
--# statement end
--# down
DROP TABLE customers;
--# countries
CREATE TABLE countries (code char(2) PRIMARY KEY, title text NOT NULL);
INSERT INTO countries (code, title) VALUES ('at', 'Österreich'), ('fr', 'France'), ('jp', '日本');
--# down
DROP TABLE countries;
--# customer_country crlf
ALTER TABLE customers
    ADD COLUMN country char(2) REFERENCES countries (code);

COMMENT ON COLUMN customers.country IS 'where the parcel goes';
--# down
ALTER TABLE customers DROP COLUMN country;
--# products
CREATE TYPE product_kind AS ENUM ('book', 'record');
CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind product_kind NOT NULL,
    title text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0),
    legacy_code text
);
--# down
DROP TABLE products;
DROP TYPE product_kind;
--# orders
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id bigint NOT NULL REFERENCES products (id),
    amount integer NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, product_id)
);
CREATE INDEX order_items_product_id_idx ON order_items (product_id);
--# down
DROP TABLE order_items;
DROP TABLE orders;
--# orders_by_customer outside
CREATE INDEX CONCURRENTLY orders_customer_id_idx ON orders (customer_id);
--# down
DROP INDEX CONCURRENTLY orders_customer_id_idx;
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
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    what text NOT NULL
);
--# statement
CREATE FUNCTION log_order() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    -- Every change; also of what is gone.
    INSERT INTO order_log (order_id, what) VALUES (COALESCE(NEW.id, OLD.id), TG_OP || ';');
    RETURN NULL;
END;
$body$;
--# statement end
CREATE TRIGGER orders_log AFTER INSERT OR UPDATE OR DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION log_order();
--# down
DROP TRIGGER orders_log ON orders;
DROP FUNCTION log_order();
DROP TABLE order_log;
--# country_names
UPDATE countries SET title = upper(title);
--# down
UPDATE countries SET title = initcap(title);
--# drop_legacy_code irreversible
ALTER TABLE products DROP COLUMN legacy_code;
--# forget_france irreversible
DELETE FROM countries WHERE code = 'fr';
--# email_lower_case
CREATE UNIQUE INDEX customers_email_lower_idx ON customers (lower(email)) WHERE name <> 'deleted';
ALTER TABLE customers DROP CONSTRAINT customers_email_key;
--# down
ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email);
DROP INDEX customers_email_lower_idx;
--# order_notes
ALTER TABLE orders ADD COLUMN note text;
--# down
ALTER TABLE orders DROP COLUMN note;
