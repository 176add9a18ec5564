-- @name: Large ids
-- @description: There will be more users than fit.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: false
-- @performanceImpact: low

-- UP MIGRATION
-- @allow: type-change-rewrites (announced for Sunday, nobody works then)
ALTER TABLE users ALTER COLUMN id TYPE BIGINT;

-- DOWN MIGRATION
ALTER TABLE users ALTER COLUMN id TYPE INTEGER;
