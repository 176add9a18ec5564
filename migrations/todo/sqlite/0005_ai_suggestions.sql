-- @name: Suggestions of the assistant
-- @description: What the model proposes for a to-do: its answer as JSON, and how sure it is.
-- @timestamp: 2026-01-19T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0003_todos]
-- @phase: expand

-- UP MIGRATION (forward changes)
CREATE TABLE ai_suggestions (
  id INTEGER PRIMARY KEY,
  todo_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  payload TEXT NOT NULL,
  score REAL NOT NULL,
  status TEXT NOT NULL DEFAULT 'open',
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  CONSTRAINT ai_suggestions_kind_known CHECK (kind IN ('split', 'reword', 'schedule', 'tag')),
  CONSTRAINT ai_suggestions_payload_json CHECK (json_valid(payload)),
  CONSTRAINT ai_suggestions_score_range CHECK (score BETWEEN 0.0 AND 1.0),
  CONSTRAINT ai_suggestions_status_known CHECK (status IN ('open', 'accepted', 'dismissed')),
  CONSTRAINT ai_suggestions_todo_id_fk FOREIGN KEY (todo_id) REFERENCES todos (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX ai_suggestions_todo_id_score_idx ON ai_suggestions (todo_id, score DESC);

-- SQLite has no index over all of a JSON value: one over the part that is asked for.
CREATE INDEX ai_suggestions_payload_tag_idx ON ai_suggestions (json_extract(payload, '$.tag'))
  WHERE kind = 'tag';

-- Of each kind one can be accepted.
CREATE UNIQUE INDEX ai_suggestions_accepted_idx ON ai_suggestions (todo_id, kind)
  WHERE status = 'accepted';

-- DOWN MIGRATION (rollback changes)
DROP INDEX ai_suggestions_accepted_idx;
DROP INDEX ai_suggestions_payload_tag_idx;
DROP INDEX ai_suggestions_todo_id_score_idx;
DROP TABLE ai_suggestions;
