-- @name: Unique logins
-- @description: A login belongs to one user.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @foreignKeys: off
-- @performanceImpact: high

-- UP MIGRATION
CREATE TABLE users_new (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE, changed TEXT);
INSERT INTO users_new SELECT id, login, changed FROM users;
DROP TABLE users;
ALTER TABLE users_new RENAME TO users;
CREATE TRIGGER users_touch AFTER UPDATE OF login ON users BEGIN
    UPDATE users SET changed = CASE WHEN new.login = old.login THEN changed ELSE datetime('now') END
    WHERE id = new.id;
    SELECT 'a semicolon; in a body';
END;

-- DOWN MIGRATION
CREATE TABLE users_old (id INTEGER PRIMARY KEY, login TEXT NOT NULL, changed TEXT);
INSERT INTO users_old SELECT id, login, changed FROM users;
DROP TABLE users;
ALTER TABLE users_old RENAME TO users;
CREATE TRIGGER users_touch AFTER UPDATE OF login ON users BEGIN
    UPDATE users SET changed = CASE WHEN new.login = old.login THEN changed ELSE datetime('now') END
    WHERE id = new.id;
    SELECT 'a semicolon; in a body';
END;
