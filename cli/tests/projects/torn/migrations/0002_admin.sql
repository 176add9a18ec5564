-- @name: The first administrator
-- @description: The string does not end, so the DOWN is a part of it.
-- @timestamp: 2026-01-06T10:00:00Z
-- @rollbackSafe: false

-- UP MIGRATION
INSERT INTO users (id, login) VALUES (1, 'admin);

-- DOWN MIGRATION
DELETE FROM users WHERE id = 1;
