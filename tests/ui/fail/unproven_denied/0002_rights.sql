-- @name: Rights
-- @description: One role for each customer.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
DO $$ BEGIN EXECUTE 'CREATE ROLE ' || quote_ident('reader'); END $$;

-- DOWN MIGRATION
DO $$ BEGIN EXECUTE 'DROP ROLE ' || quote_ident('reader'); END $$;
