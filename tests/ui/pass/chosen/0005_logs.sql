-- @name: Logs
-- @description: Lines without a key, on which the team has decided.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE logs (line TEXT NOT NULL);

-- DOWN MIGRATION
DROP TABLE logs;
