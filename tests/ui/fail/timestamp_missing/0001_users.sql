-- @name: Users
-- @description: Who can sign in.
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL);

-- DOWN MIGRATION
DROP TABLE users;
