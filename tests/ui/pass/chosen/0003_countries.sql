-- @name: Countries by name
-- @description: A small table that somebody else makes.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE INDEX countries_name ON countries (name);

-- DOWN MIGRATION
DROP INDEX countries_name;
