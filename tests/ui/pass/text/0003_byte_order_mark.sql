-- @name: Byte order mark
-- @description: Written by an editor that leaves one.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
CREATE TABLE marks (id INTEGER PRIMARY KEY);

-- DOWN MIGRATION
DROP TABLE marks;
