-- @name: Note changes
-- @description: Every change of a user is noted.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @lockTimeout: 5s

-- UP MIGRATION
ALTER TABLE users ADD COLUMN changed DATETIME, ALGORITHM=INSTANT; # a comment of MySQL

CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW
BEGIN
    IF NEW.login <> OLD.login THEN
        SET NEW.changed = now();
    END IF;
END;

-- DOWN MIGRATION
DROP TRIGGER users_touch;
ALTER TABLE users DROP COLUMN changed;
