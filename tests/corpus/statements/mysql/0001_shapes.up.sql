CREATE TABLE authors (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    mood ENUM('calm', 'loud') DEFAULT 'calm',
    made_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    UNIQUE KEY by_name (name(20)),
    KEY by_mood (mood, made_at) USING BTREE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='who writes';
CREATE TABLE IF NOT EXISTS books (
    id CHAR(36) NOT NULL,
    author_id BIGINT UNSIGNED,
    title TEXT,
    pages INT DEFAULT 1 CHECK (pages > 0),
    total DECIMAL(10, 2) GENERATED ALWAYS AS (pages * 0.5) STORED,
    PRIMARY KEY (id),
    CONSTRAINT books_author FOREIGN KEY (author_id) REFERENCES authors (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX books_by_author ON books (author_id, id DESC);
CREATE OR REPLACE VIEW long_books AS SELECT b.title, a.name FROM books b JOIN authors a ON a.id = b.author_id WHERE b.pages > 500;
CREATE TRIGGER books_insert BEFORE INSERT ON books FOR EACH ROW SET NEW.title = TRIM(NEW.title);
ALTER TABLE books ADD COLUMN note VARCHAR(20) NOT NULL DEFAULT '' AFTER title, ADD INDEX by_note (note);
ALTER TABLE books MODIFY COLUMN note VARCHAR(40) NULL, DROP INDEX by_note, ALGORITHM=COPY;
ALTER TABLE books CHANGE note remark TEXT, DROP FOREIGN KEY books_author;
ALTER TABLE books DROP COLUMN remark;
RENAME TABLE books TO papers;
INSERT INTO authors (name, mood) VALUES ('Ada', 'calm'), ('Karl', NULL) ON DUPLICATE KEY UPDATE mood = VALUES(mood);
INSERT IGNORE INTO papers (id, title) SELECT UUID(), CONCAT(name, '!') FROM authors WHERE mood IS NOT NULL;
UPDATE papers p INNER JOIN authors a ON a.id = p.author_id SET p.title = a.name WHERE p.pages BETWEEN 1 AND 9;
DELETE FROM papers WHERE id NOT IN (SELECT name FROM authors) ORDER BY id LIMIT 10;
SET FOREIGN_KEY_CHECKS = 0;
DROP INDEX books_by_author ON papers;
DROP VIEW IF EXISTS long_books;
TRUNCATE TABLE papers;
DROP TABLE IF EXISTS papers, authors;
