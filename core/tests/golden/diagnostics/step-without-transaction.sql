-- engine: postgres
-- @name: Recode
-- @description: Codes are upper case.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true
-- @step: 0007_recode
-- @transaction: false

-- UP MIGRATION
UPDATE users SET code = NULL;

-- DOWN MIGRATION
UPDATE users SET code = '';
