-- @name: Rights
-- @description: One role for each customer.
-- @timestamp: 2026-01-05T10:00:00Z
-- @rollbackSafe: true

-- UP MIGRATION
DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT login FROM users LOOP EXECUTE 'CREATE ROLE ' || quote_ident(found.login); END LOOP;
END $$;

-- DOWN MIGRATION
DO $$ DECLARE found record; BEGIN
  FOR found IN SELECT login FROM users LOOP EXECUTE 'DROP ROLE ' || quote_ident(found.login); END LOOP;
END $$;
