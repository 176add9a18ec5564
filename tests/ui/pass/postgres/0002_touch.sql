-- @name: Note changes
-- @description: Every change of a user is noted.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @dependencies: [0001_users]
-- @phase: expand

-- UP MIGRATION
ALTER TABLE users ADD COLUMN changed TIMESTAMPTZ NOT NULL DEFAULT now();

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.changed := now(); -- a semicolon; in a body
    RETURN NEW;
END;
$body$;

CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();

-- DOWN MIGRATION
DROP TRIGGER users_touch ON users;
DROP FUNCTION touch();
ALTER TABLE users DROP COLUMN changed;
