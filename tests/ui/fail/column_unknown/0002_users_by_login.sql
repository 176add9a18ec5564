-- @name: Find users
-- @description: By their login.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
-- @allow: index-not-concurrent (a new service has few users)
CREATE INDEX users_login ON users (logn);

-- DOWN MIGRATION
DROP INDEX users_login;
