-- @name: Tags
-- @description: Tags of a user, and which to-do carries which.
-- @timestamp: 2026-01-12T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0001_users, 0003_todos]
-- @phase: expand

-- UP MIGRATION (forward changes)
CREATE TABLE tags (
  id INTEGER PRIMARY KEY,
  owner_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  CONSTRAINT tags_owner_id_name_unique UNIQUE (owner_id, name),
  CONSTRAINT tags_owner_id_fk FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
) STRICT;

CREATE TABLE todo_tags (
  todo_id INTEGER NOT NULL,
  tag_id INTEGER NOT NULL,
  CONSTRAINT todo_tags_pk PRIMARY KEY (todo_id, tag_id),
  CONSTRAINT todo_tags_todo_id_fk FOREIGN KEY (todo_id) REFERENCES todos (id) ON DELETE CASCADE,
  CONSTRAINT todo_tags_tag_id_fk FOREIGN KEY (tag_id) REFERENCES tags (id) ON DELETE CASCADE
) STRICT;

-- The primary key answers "which tags"; this answers "which to-dos".
CREATE INDEX todo_tags_tag_id_idx ON todo_tags (tag_id);

-- DOWN MIGRATION (rollback changes)
DROP INDEX todo_tags_tag_id_idx;
DROP TABLE todo_tags;
DROP TABLE tags;
