-- @name: Users
-- @description: For the tests of the command line.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
CREATE TABLE users (id bigint PRIMARY KEY, login text NOT NULL);

-- DOWN MIGRATION
DROP TABLE users;
