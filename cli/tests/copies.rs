//! A backup brings back what copies like to lose: on each engine a database with one of everything,
//! spoilt and restored, and the same to every question.

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch::testing::Catalogue;
use backstitch_cli::Product;
use backstitch_tests::servers::Engine;

use crate::backups::{wait, works};
use crate::session::Session;

/// One of everything, what is done to it, and what is asked before and after.
struct Sample {
    make: &'static str,
    spoil: &'static str,
    questions: &'static [&'static str],
    /// What gives out the next numbers.
    next: &'static str,
}

const SQLITE: Sample = Sample {
    make: "PRAGMA user_version = 7; \
        CREATE TABLE bytes (id INTEGER PRIMARY KEY AUTOINCREMENT, raw BLOB, text TEXT, \
            length INTEGER GENERATED ALWAYS AS (length(raw)) STORED); \
        INSERT INTO bytes (id, raw, text) VALUES (41, x'00ff00', 'a' || char(0) || 'b'), \
            (NULL, randomblob(3000000), NULL); \
        CREATE TABLE hens (id INTEGER PRIMARY KEY, egg INTEGER REFERENCES eggs (id) \
            DEFERRABLE INITIALLY DEFERRED); \
        CREATE TABLE eggs (id INTEGER PRIMARY KEY, hen INTEGER REFERENCES hens (id)) STRICT; \
        BEGIN; INSERT INTO hens VALUES (1, 1); INSERT INTO eggs VALUES (1, 1); COMMIT; \
        CREATE TABLE tags (word TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO tags VALUES ('x'); \
        CREATE INDEX some_eggs ON eggs (hen) WHERE hen > 0; \
        CREATE VIEW both AS SELECT hens.id, eggs.id AS egg FROM hens JOIN eggs ON egg = eggs.id; \
        CREATE TRIGGER laid AFTER INSERT ON eggs BEGIN INSERT INTO tags VALUES ('egg' || NEW.id); END; \
        CREATE VIRTUAL TABLE words USING fts5 (word); INSERT INTO words VALUES ('needle');",
    spoil: "PRAGMA foreign_keys = OFF; DROP TRIGGER laid; DROP VIEW both; DELETE FROM eggs; DROP TABLE words; \
        UPDATE bytes SET raw = NULL; DROP TABLE tags; PRAGMA user_version = 8; \
        INSERT INTO bytes (id) VALUES (900)",
    questions: &[
        "PRAGMA user_version",
        "SELECT id, hex(raw), hex(text), length FROM bytes ORDER BY id",
        "SELECT * FROM both",
        "SELECT * FROM tags",
        "SELECT word FROM words WHERE words MATCH 'needle'",
        "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
    ],
    next: "INSERT INTO bytes (text) VALUES ('next'); INSERT INTO eggs VALUES (2, 1); \
        SELECT max(id), (SELECT count(*) FROM tags) FROM bytes",
};

const POSTGRES: Sample = Sample {
    make: "CREATE SCHEMA billing; \
        CREATE TYPE billing.mood AS ENUM ('good', 'bad'); \
        CREATE DOMAIN billing.share AS numeric(5, 2) CHECK (VALUE <= 100); \
        CREATE TABLE billing.bytes (id bigint GENERATED ALWAYS AS IDENTITY (START 41 INCREMENT 3), \
            raw bytea, words text, at timestamptz, local timestamp, mood billing.mood, \
            share billing.share, tags text[], doc jsonb, \
            length int GENERATED ALWAYS AS (octet_length(raw)) STORED); \
        INSERT INTO billing.bytes (raw, words, at, local, mood, share, tags, doc) VALUES \
            ('\\x00ff00', E'tab\\there\\nnew line \\\\ back', '2026-03-29 01:30:00+01', '2026-03-29 02:30', \
             'good', 99.5, ARRAY['a', NULL, 'c,\"d'], '{\"a\": [1, null]}'), \
            (decode(repeat('00ff10', 1000000), 'hex'), NULL, 'infinity', NULL, NULL, NULL, '{}', 'null'); \
        CREATE SEQUENCE invoices START 1000 INCREMENT 5; SELECT nextval('invoices'), nextval('invoices'); \
        CREATE TABLE hens (id int PRIMARY KEY, egg int); \
        CREATE TABLE eggs (id int PRIMARY KEY, hen int REFERENCES hens (id)); \
        ALTER TABLE hens ADD CONSTRAINT hens_egg FOREIGN KEY (egg) REFERENCES eggs (id) \
            DEFERRABLE INITIALLY DEFERRED; \
        BEGIN; INSERT INTO hens VALUES (1, 1); INSERT INTO eggs VALUES (1, 1); COMMIT; \
        CREATE FUNCTION laid() RETURNS trigger LANGUAGE plpgsql AS \
            $$ BEGIN NEW.hen := coalesce(NEW.hen, 1); RETURN NEW; END $$; \
        CREATE TRIGGER laid BEFORE INSERT ON eggs FOR EACH ROW EXECUTE FUNCTION laid(); \
        CREATE VIEW billing.all_eggs AS SELECT * FROM eggs; \
        CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS eggs FROM eggs; \
        CREATE TABLE days (on_day date) PARTITION BY RANGE (on_day); \
        CREATE TABLE days_2026 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); \
        INSERT INTO days VALUES ('2026-02-02'); \
        ALTER TABLE eggs ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON eggs USING (hen = 1); \
        COMMENT ON TABLE eggs IS 'what hens lay'; GRANT SELECT ON eggs TO PUBLIC; \
        CREATE PUBLICATION laying FOR TABLE eggs WITH (publish = 'insert'); \
        SELECT lo_from_bytea(4711, '\\x00ff');",
    spoil: "DROP TRIGGER laid ON eggs; DROP VIEW billing.all_eggs; TRUNCATE eggs, hens; \
        UPDATE billing.bytes SET raw = NULL; SELECT nextval('invoices'); DROP TABLE days; \
        CREATE SCHEMA of_later; CREATE TABLE of_later.x (id int); DROP POLICY own ON eggs; \
        SELECT lo_from_bytea(4712, '\\x01'); SELECT lo_put(4711, 0, '\\x11')",
    questions: &[
        "SELECT id, md5(raw), length, words, at AT TIME ZONE 'UTC', local, mood, share, tags, doc \
         FROM billing.bytes ORDER BY id",
        "SELECT * FROM hens ORDER BY id",
        "SELECT * FROM billing.all_eggs",
        "SELECT * FROM counted",
        "SELECT * FROM days",
        "SELECT sequencename, last_value, start_value, increment_by FROM pg_sequences ORDER BY 1",
        "SELECT polname, polrelid::regclass::text FROM pg_policy",
        "SELECT obj_description('eggs'::regclass), relacl::text, relrowsecurity FROM pg_class \
         WHERE oid = 'eggs'::regclass",
        "SELECT pubname, puballtables FROM pg_publication",
        "SELECT loid, data FROM pg_largeobject ORDER BY 1",
        "SELECT nspname, nspacl::text, nspowner::regrole::text FROM pg_namespace \
         WHERE nspname !~ '^pg_' ORDER BY 1",
    ],
    next: "INSERT INTO billing.bytes (words) VALUES ('next'); INSERT INTO eggs VALUES (2, NULL); \
        SELECT max(id), (SELECT hen FROM eggs WHERE id = 2), nextval('invoices') FROM billing.bytes",
};

const MARIADB: Sample = Sample {
    make: "CREATE TABLE bytes (id BIGINT AUTO_INCREMENT PRIMARY KEY, raw LONGBLOB, words TEXT, \
            at TIMESTAMP NULL, local DATETIME(6) NULL, bits BIT(3), kind ENUM('a', 'b'), doc JSON, \
            length INT GENERATED ALWAYS AS (OCTET_LENGTH(raw)) STORED) \
            AUTO_INCREMENT = 41 DEFAULT CHARSET = utf8mb4; \
        SET time_zone = '+02:00'; \
        INSERT INTO bytes (raw, words, at, local, bits, kind, doc) VALUES \
            (x'00ff00', CONCAT('tab\\there\\nnew \\\\ \\0 nul ', '\u{1F600}'), '2026-03-29 03:30:00', \
             '2026-03-29 02:30:00.123456', b'101', 'b', '{\"a\": [1, null]}'), \
            (REPEAT(x'00ff10', 1000000), NULL, NULL, NULL, NULL, NULL, NULL); \
        SET time_zone = '+00:00'; \
        CREATE SEQUENCE invoices START 1000 INCREMENT 5; SELECT NEXTVAL(invoices), NEXTVAL(invoices); \
        CREATE TABLE hens (id INT PRIMARY KEY, egg INT); \
        CREATE TABLE eggs (id INT PRIMARY KEY, hen INT, \
            CONSTRAINT eggs_hen FOREIGN KEY (hen) REFERENCES hens (id)); \
        INSERT INTO hens VALUES (1, NULL); INSERT INTO eggs VALUES (1, 1); UPDATE hens SET egg = 1; \
        ALTER TABLE hens ADD CONSTRAINT hens_egg FOREIGN KEY (egg) REFERENCES eggs (id); \
        CREATE TABLE `odd ``name` (`a b` INT COMMENT 'it''s; odd'); INSERT INTO `odd ``name` VALUES (1); \
        CREATE VIEW all_eggs AS SELECT * FROM eggs; \
        CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2; \
        CREATE PROCEDURE lay(IN n INT) BEGIN INSERT INTO eggs VALUES (n, 1); SELECT n; END; \
        CREATE TRIGGER laid BEFORE INSERT ON eggs FOR EACH ROW \
            BEGIN SET NEW.hen = COALESCE(NEW.hen, twice(NEW.id) - 3); END; \
        CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM eggs WHERE id < 0;",
    spoil: "DROP TRIGGER laid; DROP VIEW all_eggs; SET FOREIGN_KEY_CHECKS = 0; DELETE FROM eggs; \
        UPDATE bytes SET raw = NULL; DROP FUNCTION twice; DROP EVENT tidy; SELECT NEXTVAL(invoices); \
        CREATE TABLE of_later (id INT); CREATE PROCEDURE of_later() SELECT 1; \
        CREATE SEQUENCE later_numbers; DROP TABLE `odd ``name`",
    questions: &[
        "SELECT id, MD5(raw), length, HEX(words), UNIX_TIMESTAMP(at), local, bits + 0, kind, doc \
         FROM bytes ORDER BY id",
        "SELECT * FROM hens",
        "SELECT * FROM all_eggs",
        "SELECT * FROM `odd ``name`",
        "SELECT routine_name, routine_type, routine_definition FROM information_schema.routines \
         WHERE routine_schema = DATABASE() ORDER BY 1",
        "SELECT trigger_name, action_statement FROM information_schema.triggers \
         WHERE trigger_schema = DATABASE()",
        "SELECT event_name, status, event_definition FROM information_schema.events \
         WHERE event_schema = DATABASE()",
        "SELECT table_name, table_type, auto_increment FROM information_schema.tables \
         WHERE table_schema = DATABASE() ORDER BY 1",
        "SELECT next_not_cached_value, increment FROM invoices",
        "SELECT @@character_set_database, @@collation_database",
    ],
    next: "INSERT INTO bytes (words) VALUES ('next'); INSERT INTO eggs VALUES (2, NULL); \
        SELECT MAX(id), (SELECT hen FROM eggs WHERE id = 2), twice(4) FROM bytes",
};

#[test]
fn sqlite() {
    comes_back::<Sqlite>(Engine::Sqlite, &SQLITE);
}

#[test]
fn postgres() {
    comes_back::<Postgres>(Engine::Postgres, &POSTGRES);
}

#[test]
fn mariadb() {
    comes_back::<MySql>(Engine::MariaDb, &MARIADB);
}

type Answers = (Catalogue, Vec<Vec<Vec<Option<String>>>>);

fn comes_back<DB: Product>(engine: Engine, sample: &Sample) {
    let Some(session) = Session::open("shop", engine) else {
        return;
    };
    works(&session, "backstitch up");
    session.sql(sample.make);
    let before = answers::<DB>(&session, sample);
    works(&session, "backstitch backup create");
    let next = ask::<DB>(&session, sample.next);
    session.sql(sample.spoil);
    let name = works(&session, "backstitch backup list");
    let name = name.split("  ").next().expect("a name").to_owned();
    for time in ["the first time", "once more, over what it has made itself"] {
        works(&session, &format!("backstitch backup restore {name} --yes"));
        assert_eq!(
            answers::<DB>(&session, sample),
            before,
            "{engine:?}, {time}"
        );
    }
    assert_eq!(ask::<DB>(&session, sample.next), next, "{engine:?}");
    // A reset leaves nothing of all that in the way.
    let reset = works(&session, "backstitch reset --yes --without-seeds");
    assert!(reset.contains("3 migrations applied"), "{reset}");
    works(&session, &format!("backstitch backup restore {name} --yes"));
    assert_eq!(answers::<DB>(&session, sample), before, "{engine:?}");
}

fn answers<DB: Product>(session: &Session, sample: &Sample) -> Answers {
    let rows = sample.questions.iter().map(|sql| ask::<DB>(session, sql));
    let rows = rows.collect();
    let catalogue = wait(backstitch::testing::catalogue::<DB>(session.url()));
    (catalogue.expect("readable"), rows)
}

fn ask<DB: Product>(session: &Session, sql: &str) -> Vec<Vec<Option<String>>> {
    wait(async {
        let mut connection = <DB::Connection as sqlx::Connection>::connect(session.url())
            .await
            .expect("reachable");
        let rows = DB::ask(&mut connection, sql).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    })
}
