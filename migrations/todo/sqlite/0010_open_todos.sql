-- @name: What is open
-- @description: The to-dos that are neither done nor deleted, each with the name of its list and
--   the best suggestion of the assistant.
-- @timestamp: 2026-02-23T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0002_lists, 0005_ai_suggestions, 0007_soft_delete]
-- @phase: expand

-- UP MIGRATION (forward changes)
CREATE VIEW open_todos AS
SELECT
  todos.id,
  todos.list_id,
  lists.name AS list_name,
  todos.title,
  todos.priority,
  todos.due_at,
  (
    SELECT max(ai_suggestions.score) FROM ai_suggestions
    WHERE ai_suggestions.todo_id = todos.id AND ai_suggestions.status = 'open'
  ) AS best_score
FROM todos
JOIN lists ON lists.id = todos.list_id
WHERE todos.completed_at IS NULL AND todos.deleted_at IS NULL;

-- DOWN MIGRATION (rollback changes)
DROP VIEW open_todos;
