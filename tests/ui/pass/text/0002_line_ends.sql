-- @name: Line ends
-- @description: Written on Windows.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE line_ends (id INTEGER PRIMARY KEY, t TEXT DEFAULT 'a
b');

-- DOWN MIGRATION
DROP TABLE line_ends;
