CREATE TABLE authors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE NOCASE CHECK (name <> ''),
    born DATE,
    UNIQUE (name, born) ON CONFLICT IGNORE
);
CREATE TABLE IF NOT EXISTS books (
    id TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    author_id INTEGER REFERENCES authors (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    title VARCHAR(200),
    pages,
    price REAL DEFAULT -1.5,
    added_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    total REAL GENERATED ALWAYS AS (price * 1.19) VIRTUAL,
    CONSTRAINT sane CHECK (pages IS NULL OR pages > 0),
    FOREIGN KEY (author_id, title) REFERENCES authors (id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);
CREATE VIRTUAL TABLE search USING fts5(title, body, content='notes');
CREATE UNIQUE INDEX IF NOT EXISTS notes_body ON notes (lower(body) DESC, id) WHERE body IS NOT NULL;
CREATE VIEW long_notes (id, size) AS SELECT id, length(body) FROM notes WHERE length(body) > 100 ORDER BY 2 DESC LIMIT 5;
CREATE TRIGGER notes_insert AFTER INSERT ON notes FOR EACH ROW WHEN new.body <> '' BEGIN
    INSERT INTO search (rowid, body) VALUES (new.id, new.body);
    UPDATE notes SET body = trim(body) WHERE id = new.id;
END;
CREATE TRIGGER long_notes_delete INSTEAD OF DELETE ON long_notes BEGIN
    DELETE FROM notes WHERE id = old.id;
END;
ALTER TABLE notes ADD COLUMN written_at TEXT DEFAULT '' NOT NULL;
ALTER TABLE notes RENAME COLUMN written_at TO made_at;
ALTER TABLE notes RENAME TO papers;
ALTER TABLE papers DROP COLUMN made_at;
INSERT OR IGNORE INTO authors (name, born) VALUES ('Ada', '1815-12-10'), ('Karl', NULL);
INSERT INTO authors (name) SELECT body || '!' FROM papers WHERE true ON CONFLICT (name, born) DO UPDATE SET born = excluded.born;
UPDATE papers SET body = CASE WHEN body IS NULL THEN 'none' ELSE upper(body) END WHERE id IN (SELECT max(id) FROM authors GROUP BY born HAVING count(*) > 1);
UPDATE papers SET body = a.name FROM authors AS a WHERE a.id = papers.id;
DELETE FROM papers WHERE NOT EXISTS (SELECT 1 FROM authors WHERE authors.id = papers.id) AND body LIKE 'a%' ESCAPE '\';
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT INTO papers (body) SELECT printf('%d', i) FROM n;
SELECT a.name, count(p.id) FROM authors a LEFT JOIN papers p ON p.id = a.id GROUP BY a.name;
REPLACE INTO papers (id, body) VALUES (1, x'00ff');
PRAGMA user_version = 3;
REINDEX;
DROP TRIGGER IF EXISTS notes_insert;
DROP VIEW IF EXISTS long_notes;
DROP INDEX notes_body;
DROP TABLE IF EXISTS papers;
