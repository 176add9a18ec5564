-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);
CREATE INDEX users_email_idx ON users (emial);
-- DOWN MIGRATION
DROP TABLE users;
