-- == 0001_notes
-- UP MIGRATION
CREATE TABLE authors (id INTEGER PRIMARY KEY);
CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
CREATE INDEX notes_title_idx ON notes (title);
-- DOWN MIGRATION
DROP TABLE notes;
DROP TABLE authors;
-- == 0002_rebuild
-- UP MIGRATION
CREATE TABLE notes_next (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL CHECK (title <> '')
);
INSERT INTO notes_next SELECT id, title FROM notes;
DROP TABLE notes;
ALTER TABLE notes_next RENAME TO notes;
CREATE INDEX notes_title_idx ON notes (title);
-- DOWN MIGRATION
CREATE TABLE notes_next (
  id INTEGER PRIMARY KEY, -- as before
  title TEXT NOT NULL
);
INSERT INTO notes_next SELECT id, title FROM notes;
DROP TABLE notes;
ALTER TABLE notes_next RENAME TO notes;
CREATE INDEX notes_title_idx ON notes (title);
