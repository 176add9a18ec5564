-- @name: To-dos
-- @description: What there is to do. Priorities are 1 (urgent), 2 and 3 (some day).
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0002_lists]

-- UP MIGRATION (forward changes)
CREATE TABLE todos (
  id INTEGER PRIMARY KEY,
  list_id INTEGER NOT NULL,
  title TEXT NOT NULL,
  notes TEXT NOT NULL DEFAULT '',
  priority INTEGER NOT NULL DEFAULT 2,
  due_at TEXT,
  completed_at TEXT,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  CONSTRAINT todos_title_not_blank CHECK (trim(title) <> ''),
  CONSTRAINT todos_priority_range CHECK (priority BETWEEN 1 AND 3),
  CONSTRAINT todos_list_id_fk FOREIGN KEY (list_id) REFERENCES lists (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX todos_list_id_created_at_idx ON todos (list_id, created_at);

-- Reminders ask for what is due and still open.
CREATE INDEX todos_due_at_idx ON todos (due_at) WHERE completed_at IS NULL AND due_at IS NOT NULL;

-- DOWN MIGRATION (rollback changes)
DROP INDEX todos_due_at_idx;
DROP INDEX todos_list_id_created_at_idx;
DROP TABLE todos;
