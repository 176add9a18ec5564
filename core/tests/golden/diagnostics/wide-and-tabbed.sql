-- @name: Add user e-mail
-- @description: Users sign in by e-mail.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
	ALTER TABLE 用户	ADD COLUMN 邮箱 text; -- @unchecked: 说明
SELECT 'long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long '; -- @unchecked: far to the right

-- DOWN MIGRATION
ALTER TABLE users DROP COLUMN email;
