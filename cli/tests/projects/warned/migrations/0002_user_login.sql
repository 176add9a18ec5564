-- @name: Index on the login
-- @description: Has shipped long ago, so what is wrong with it is a remark.
-- @timestamp: 2026-01-06T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE INDEX users_login ON users (login);

-- DOWN MIGRATION
DROP INDEX users_login;
