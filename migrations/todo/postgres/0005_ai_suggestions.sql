-- @name: Suggestions of the assistant
-- @description: What the model proposes for a to-do: its answer as JSON, and how sure it is.
-- @timestamp: 2026-01-19T09:00:00Z
-- @rollbackSafe: true
-- @performanceImpact: low
-- @dependencies: [0003_todos]
-- @phase: expand

-- UP MIGRATION (forward changes)
CREATE TABLE ai_suggestions (
  id bigint GENERATED ALWAYS AS IDENTITY,
  todo_id bigint NOT NULL,
  kind text NOT NULL,
  model text NOT NULL,
  payload jsonb NOT NULL,
  score double precision NOT NULL,
  status text NOT NULL DEFAULT 'open',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ai_suggestions_pk PRIMARY KEY (id),
  CONSTRAINT ai_suggestions_kind_known CHECK (kind IN ('split', 'reword', 'schedule', 'tag')),
  CONSTRAINT ai_suggestions_score_range CHECK (score BETWEEN 0.0 AND 1.0),
  CONSTRAINT ai_suggestions_status_known CHECK (status IN ('open', 'accepted', 'dismissed')),
  CONSTRAINT ai_suggestions_todo_id_fk FOREIGN KEY (todo_id) REFERENCES todos (id) ON DELETE CASCADE
);

CREATE INDEX ai_suggestions_todo_id_score_idx ON ai_suggestions (todo_id, score DESC);

-- Serves `payload @> '{"tag": "garden"}'`, whatever the key.
CREATE INDEX ai_suggestions_payload_idx ON ai_suggestions USING gin (payload jsonb_path_ops);

-- Of each kind one can be accepted.
CREATE UNIQUE INDEX ai_suggestions_accepted_idx ON ai_suggestions (todo_id, kind)
  WHERE status = 'accepted';

-- DOWN MIGRATION (rollback changes)
DROP INDEX ai_suggestions_accepted_idx;
DROP INDEX ai_suggestions_payload_idx;
DROP INDEX ai_suggestions_todo_id_score_idx;
DROP TABLE ai_suggestions;
