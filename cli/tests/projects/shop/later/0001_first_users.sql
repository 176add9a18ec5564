INSERT INTO users (id, login)
SELECT 2, 'bob' FROM (SELECT 1 AS one) AS no_table
WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = 2);
