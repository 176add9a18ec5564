-- @name: Places
-- @description: In a schema of somebody else.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
ALTER TABLE geo.places ADD COLUMN user_id INTEGER;

-- DOWN MIGRATION
ALTER TABLE geo.places DROP COLUMN user_id;
