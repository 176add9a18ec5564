-- @name: Find users
-- @description: By their login.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium

-- UP MIGRATION
CREATE INDEX users_login ON users (login);

-- DOWN MIGRATION
DROP INDEX users_login;
