-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE INDEX users_name_idx ON users (name);
-- DOWN MIGRATION
DROP TABLE users;
-- == 0002_nick
-- UP MIGRATION
ALTER TABLE users ADD COLUMN nick TEXT;
INSERT INTO users (name) VALUES ('root');
-- DOWN MIGRATION
DELETE FROM users WHERE name = 'root';
alter table "users" drop column [nick];
-- == 0003_rename
-- UP MIGRATION
ALTER TABLE users RENAME TO people;
ALTER TABLE people RENAME COLUMN name TO login;
-- DOWN MIGRATION
ALTER TABLE people RENAME COLUMN login TO name;
ALTER TABLE people RENAME TO users;
