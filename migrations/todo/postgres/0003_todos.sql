-- @name: To-dos
-- @description: What there is to do. Priorities are 1 (urgent), 2 and 3 (some day). The column for
--   the search is here from the start: to add a stored generated column later rewrites the table.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0002_lists]

-- UP MIGRATION (forward changes)
CREATE TABLE todos (
  id bigint GENERATED ALWAYS AS IDENTITY,
  list_id bigint NOT NULL,
  title text NOT NULL,
  notes text NOT NULL DEFAULT '',
  priority integer NOT NULL DEFAULT 2,
  due_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', notes), 'B')
  ) STORED,
  CONSTRAINT todos_pk PRIMARY KEY (id),
  CONSTRAINT todos_title_not_blank CHECK (btrim(title) <> ''),
  CONSTRAINT todos_priority_range CHECK (priority BETWEEN 1 AND 3),
  CONSTRAINT todos_list_id_fk FOREIGN KEY (list_id) REFERENCES lists (id) ON DELETE CASCADE
);

CREATE INDEX todos_list_id_created_at_idx ON todos (list_id, created_at);

-- Reminders ask for what is due and still open.
CREATE INDEX todos_due_at_idx ON todos (due_at) WHERE completed_at IS NULL AND due_at IS NOT NULL;

-- DOWN MIGRATION (rollback changes)
DROP INDEX todos_due_at_idx;
DROP INDEX todos_list_id_created_at_idx;
DROP TABLE todos;
