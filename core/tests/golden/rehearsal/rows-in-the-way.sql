-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO users (name) VALUES ('a'), ('a');
-- DOWN MIGRATION
DROP TABLE users;
-- == 0002_unique
-- UP MIGRATION
CREATE UNIQUE INDEX users_name_idx ON users (name);
-- DOWN MIGRATION
DROP INDEX users_name_idx;
