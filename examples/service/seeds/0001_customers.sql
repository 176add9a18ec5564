INSERT INTO customers (id, name)
SELECT 1, 'First customer' WHERE NOT EXISTS (SELECT 1 FROM customers WHERE id = 1);
