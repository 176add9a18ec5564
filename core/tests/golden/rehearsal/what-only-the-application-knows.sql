-- == 0001_users
-- UP MIGRATION
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT COLLATE german);
CREATE INDEX users_name_idx ON users (normalise(name));
-- DOWN MIGRATION
DROP TABLE users;
-- == 0002_index
-- UP MIGRATION
INSERT INTO users (name) VALUES (normalise('x'));
-- DOWN MIGRATION
DELETE FROM users;
-- == 0003_module
-- UP MIGRATION
CREATE VIRTUAL TABLE places USING geopoly(a);
-- DOWN MIGRATION
DROP TABLE places;
-- == 0004_module
-- UP MIGRATION
ALTER TABLE places RENAME TO spots;
-- DOWN MIGRATION
ALTER TABLE spots RENAME TO places;
-- == 0005_attach
-- UP MIGRATION
ATTACH 'archive.db' AS archive;
INSERT INTO archive.users SELECT * FROM users;
-- DOWN MIGRATION
DELETE FROM archive.users;
-- == 0006_history
-- UP MIGRATION
ALTER TABLE schema_migrations ADD COLUMN note TEXT;
-- DOWN MIGRATION
ALTER TABLE schema_migrations DROP COLUMN note;
-- == 0007_external
-- UP MIGRATION
CREATE INDEX tiles_idx ON tiles (x);
-- DOWN MIGRATION
DROP INDEX tiles_idx;
-- == 0008_theirs
-- UP MIGRATION
ALTER TABLE telemetry ADD COLUMN note TEXT;
-- DOWN MIGRATION
ALTER TABLE telemetry DROP COLUMN note;
-- == 0009_later_release
-- UP MIGRATION
ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '');
-- DOWN MIGRATION
ALTER TABLE users DROP CONSTRAINT named;
-- == 0010_limit
-- UP MIGRATION
CREATE TABLE limited (id INTEGER PRIMARY KEY);
DELETE FROM limited ORDER BY id LIMIT 5;
-- DOWN MIGRATION
DROP TABLE limited;
-- == 0011_unchecked
-- UP MIGRATION
CREATE TABLE strange (id INTEGER PRIMARY KEY);
-- @unchecked: the application speaks a dialect of its own
STRANGE WORDS;
-- DOWN MIGRATION
DROP TABLE strange;
-- == 0012_none_of_that
-- UP MIGRATION
CREATE TABLE plain (id INTEGER PRIMARY KEY);
-- DOWN MIGRATION
DROP TABLE plain;
-- == 0013_schema
-- UP MIGRATION
CREATE TABLE edited (id INTEGER);
PRAGMA writable_schema = ON;
UPDATE sqlite_master SET sql = replace(sql, 'INTEGER', 'TEXT') WHERE name = 'edited';
-- DOWN MIGRATION
DROP TABLE edited;
-- == 0014_after_that
-- UP MIGRATION
ALTER TABLE edited ADD COLUMN b TEXT;
-- DOWN MIGRATION
ALTER TABLE edited DROP COLUMN b;
