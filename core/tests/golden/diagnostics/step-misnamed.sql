-- engine: mysql
-- @name: Recode
-- @description: Codes are upper case.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @step: 0007 recode

-- UP MIGRATION
ALTER TABLE users ADD code VARCHAR(10);

-- DOWN MIGRATION
ALTER TABLE users DROP code;
