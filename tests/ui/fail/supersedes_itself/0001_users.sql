-- @name: Users
-- @description: Who can sign in.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @supersedes: v1:d47cceabf777e7578de936ad22efc5ed43a447de66f0fb60df0062a1c3e76f30

-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, login TEXT NOT NULL);

-- DOWN MIGRATION
DROP TABLE users;
