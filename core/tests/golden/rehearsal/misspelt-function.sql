-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, at TEXT);
UPDATE users SET at = datetme('now');
-- DOWN MIGRATION
DROP TABLE users;
