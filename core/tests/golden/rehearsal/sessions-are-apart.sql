-- == 0001_temporary
-- UP MIGRATION
CREATE TEMP TABLE scratch (id INTEGER);
PRAGMA legacy_alter_table = ON;
PRAGMA recursive_triggers = ON;
-- DOWN MIGRATION
CREATE TEMPORARY TABLE scratch (id INTEGER);
-- == 0002_outside
-- @transaction: false
-- UP MIGRATION
PRAGMA foreign_keys = OFF;
PRAGMA journal_mode = OFF;
VACUUM;
CREATE TABLE users (id INTEGER PRIMARY KEY);
-- DOWN MIGRATION
DROP TABLE users;
VACUUM INTO 'backup.db';
