-- @name: Note on users
-- @description: A word about a user, in a statement that is not read
-- @timestamp: 2026-01-08T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION (forward changes)
-- @unchecked: it shows what is left out
ALTER TABLE users ADD COLUMN note VARCHAR(80);

-- DOWN MIGRATION (rollback changes)
-- @unchecked: it shows what is left out
ALTER TABLE users DROP COLUMN note;
