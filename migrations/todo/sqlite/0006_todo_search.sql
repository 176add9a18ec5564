-- @name: Full-text search
-- @description: An index over title and notes, kept up to date by triggers. It holds no text of
--   its own, so that dropping it loses nothing.
-- @timestamp: 2026-01-26T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: medium
-- @dependencies: [0003_todos]
-- @phase: expand

-- UP MIGRATION (forward changes)
CREATE VIRTUAL TABLE todo_search USING fts5 (title, notes, content = 'todos', content_rowid = 'id');

CREATE TRIGGER todos_search_insert AFTER INSERT ON todos
BEGIN
  INSERT INTO todo_search (rowid, title, notes) VALUES (new.id, new.title, new.notes);
END;

CREATE TRIGGER todos_search_delete AFTER DELETE ON todos
BEGIN
  INSERT INTO todo_search (todo_search, rowid, title, notes)
  VALUES ('delete', old.id, old.title, old.notes);
END;

CREATE TRIGGER todos_search_update AFTER UPDATE OF title, notes ON todos
BEGIN
  INSERT INTO todo_search (todo_search, rowid, title, notes)
  VALUES ('delete', old.id, old.title, old.notes);
  INSERT INTO todo_search (rowid, title, notes) VALUES (new.id, new.title, new.notes);
END;

INSERT INTO todo_search (todo_search) VALUES ('rebuild');

-- DOWN MIGRATION (rollback changes)
DROP TRIGGER todos_search_update;
DROP TRIGGER todos_search_delete;
DROP TRIGGER todos_search_insert;
DROP TABLE todo_search;
