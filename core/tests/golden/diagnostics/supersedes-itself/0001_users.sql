-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @supersedes: v1:c2795b5b4e5644201d4c6b67524dc93c823994b5287d76958a421ed64f6da966

-- UP MIGRATION
ALTER TABLE users ADD COLUMN email text;

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
