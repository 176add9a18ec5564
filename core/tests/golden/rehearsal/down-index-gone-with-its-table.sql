-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
CREATE INDEX users_name_idx ON users (name);
-- DOWN MIGRATION
DROP TABLE users;
DROP INDEX users_name_idx;
