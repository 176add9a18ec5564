-- @name: Notes
-- @description: The table is not there.
-- @timestamp: 2026-02-03T10:00:00Z
-- @rollbackSafe: true
-- @transaction: false

-- UP MIGRATION (forward changes)
CREATE TABLE notes (id INTEGER PRIMARY KEY);
INSERT INTO no_such_table (id) VALUES (1);

-- DOWN MIGRATION (rollback changes)
DROP TABLE notes;
