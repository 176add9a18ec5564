-- == 0001_users
-- @irreversible: there is nothing before it
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY);
