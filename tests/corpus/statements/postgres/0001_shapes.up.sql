CREATE SCHEMA library;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TYPE library.mood AS ENUM ('calm', 'loud', 'late');
ALTER TYPE library.mood ADD VALUE IF NOT EXISTS 'early' BEFORE 'calm';
CREATE TYPE library.size AS (width numeric(6, 2), height numeric(6, 2));
CREATE DOMAIN library.isbn AS text DEFAULT '' NOT NULL CHECK (length(VALUE) IN (0, 10, 13));
CREATE SEQUENCE library.shelf_number START WITH 100 INCREMENT BY 5 CACHE 10;
CREATE TABLE library.authors (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    born date,
    tags text[] NOT NULL DEFAULT '{}',
    UNIQUE (name, born)
);
CREATE TABLE library.books (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    author_id bigint NOT NULL REFERENCES library.authors (id) ON DELETE CASCADE,
    title varchar(200) COLLATE "C" NOT NULL,
    pages integer CHECK (pages > 0) DEFAULT 1,
    price numeric(10, 2) NOT NULL DEFAULT 0.0,
    bought_at timestamp with time zone DEFAULT now(),
    total numeric GENERATED ALWAYS AS (price * 1.19) STORED,
    CONSTRAINT books_title_key UNIQUE (author_id, title),
    CONSTRAINT sane CHECK (pages IS NOT NULL OR price >= 0)
);
CREATE TABLE library.loans (
    id bigserial,
    book_id uuid,
    during daterange,
    PRIMARY KEY (id, book_id)
) PARTITION BY HASH (book_id);
CREATE TABLE library.loans_0 PARTITION OF library.loans FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE UNLOGGED TABLE library.cache (LIKE library.books INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE library.counts AS SELECT author_id, count(*) AS n FROM library.books GROUP BY author_id;
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS books_by_title ON library.books USING btree (lower(title) DESC NULLS LAST, author_id) INCLUDE (price) WHERE pages > 10;
CREATE INDEX ON library.authors USING gin (tags);
CREATE OR REPLACE VIEW library.long_books AS SELECT b.title, a.name FROM library.books b JOIN library.authors a ON a.id = b.author_id WHERE b.pages > 500 AND a.name NOT LIKE 'X%' ORDER BY b.title LIMIT 10;
CREATE MATERIALIZED VIEW library.totals AS WITH sums AS (SELECT author_id, sum(price) AS s FROM library.books GROUP BY 1) SELECT a.name, coalesce(s.s, 0) AS total FROM library.authors a LEFT JOIN sums s ON s.author_id = a.id WITH NO DATA;
CREATE FUNCTION library.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.bought_at := now(); RETURN NEW; END $$;
CREATE FUNCTION library.add(a integer, b integer DEFAULT 1) RETURNS integer IMMUTABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT a + b';
CREATE PROCEDURE library.clean(days integer) LANGUAGE sql AS $$ DELETE FROM library.loans $$;
CREATE TRIGGER books_touch BEFORE INSERT OR UPDATE OF title ON library.books FOR EACH ROW WHEN (NEW.pages > 0) EXECUTE FUNCTION library.touch();
CREATE POLICY own ON library.books FOR SELECT TO PUBLIC USING (author_id = 1);
CREATE RULE no_delete AS ON DELETE TO library.authors DO INSTEAD NOTHING;
ALTER TABLE library.books ENABLE ROW LEVEL SECURITY;
ALTER TABLE library.books ADD COLUMN note text, ADD COLUMN mood library.mood DEFAULT 'calm'::library.mood NOT NULL;
ALTER TABLE library.books ALTER COLUMN pages TYPE bigint USING pages::bigint, ALTER COLUMN note SET DEFAULT 'none', ALTER price DROP NOT NULL;
ALTER TABLE ONLY library.books ADD CONSTRAINT books_author_fkey FOREIGN KEY (author_id) REFERENCES library.authors (id) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;
ALTER TABLE library.books VALIDATE CONSTRAINT books_author_fkey;
ALTER TABLE library.books RENAME COLUMN note TO remark;
ALTER TABLE IF EXISTS library.books DROP COLUMN IF EXISTS remark CASCADE;
ALTER INDEX library.books_by_title RENAME TO books_title_idx;
ALTER SEQUENCE library.shelf_number OWNED BY library.books.pages;
ALTER FUNCTION library.add(integer, integer) OWNER TO CURRENT_USER;
COMMENT ON TABLE library.books IS 'what can be lent';
COMMENT ON COLUMN library.books.title IS 'as on the cover';
GRANT SELECT, INSERT (title) ON TABLE library.books TO PUBLIC;
REVOKE ALL ON SCHEMA library FROM PUBLIC;
INSERT INTO library.authors (name, born) VALUES ('Ada', '1815-12-10'), ('Karl', NULL) ON CONFLICT (name, born) DO UPDATE SET born = excluded.born RETURNING id;
INSERT INTO library.books (author_id, title, pages) SELECT id, name || '''s book', 10 * 3 FROM library.authors WHERE born BETWEEN '1800-01-01' AND '1900-01-01';
UPDATE library.books SET price = price * 1.1, (title, pages) = (upper(title), 7) FROM library.authors a WHERE a.id = author_id AND a.born < now() - interval '10 years';
UPDATE library.books SET pages = CASE WHEN pages IS NULL THEN 0 WHEN pages = 1 THEN 2 ELSE pages END WHERE id IN (SELECT id FROM library.books FOR UPDATE SKIP LOCKED);
DELETE FROM library.loans USING library.books b WHERE b.id = book_id AND NOT EXISTS (SELECT 1 FROM library.counts c WHERE c.n > 1);
SELECT setval('library.shelf_number', (SELECT max(pages) FROM library.books), true);
DO $$ BEGIN PERFORM 1; END $$;
SET search_path = library, public;
REFRESH MATERIALIZED VIEW CONCURRENTLY library.totals;
TRUNCATE TABLE library.cache, library.counts RESTART IDENTITY;
DROP TRIGGER IF EXISTS books_touch ON library.books;
DROP FUNCTION library.add(integer, integer);
DROP INDEX CONCURRENTLY IF EXISTS library.books_title_idx;
DROP TYPE IF EXISTS library.size RESTRICT;
DROP TABLE IF EXISTS library.loans, library.cache CASCADE;
DROP SCHEMA IF EXISTS library CASCADE;
