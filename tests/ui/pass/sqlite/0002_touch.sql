-- @name: Note changes
-- @description: Every change of a user is noted.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
ALTER TABLE users ADD COLUMN changed TEXT;

CREATE TRIGGER users_touch AFTER UPDATE OF login ON users BEGIN
    UPDATE users SET changed = CASE WHEN new.login = old.login THEN changed ELSE datetime('now') END
    WHERE id = new.id;
    SELECT 'a semicolon; in a body';
END;

-- DOWN MIGRATION
DROP TRIGGER users_touch;
ALTER TABLE users DROP COLUMN changed;
