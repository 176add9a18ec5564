-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO users (id) VALUES (1), (2), (3);
-- DOWN MIGRATION
DROP TABLE users;
-- == 0002_fill
-- @transaction: false
-- UP MIGRATION
-- @batch: 1
UPDATE users SET name = 'x' WHERE id = (SELECT id FROM users WHERE name IS NULL LIMIT 1);
-- DOWN MIGRATION
UPDATE users SET name = NULL;
-- == 0003_rebuild
-- UP MIGRATION
CREATE TABLE named (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO named SELECT id, name FROM users;
-- DOWN MIGRATION
DROP TABLE named;
