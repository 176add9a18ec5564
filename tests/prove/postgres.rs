//! Each kind of object of PostgreSQL, and what a DOWN that forgets about it leaves.

use backstitch::testing::{Catalogue, catalogue, diff};
use backstitch_tests::servers::{self, Database};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::Case;

/// Goal: every difference of kind, name or property is seen, and nothing else. Method: in a
/// transaction that is rolled back, the catalogue is read before an UP and after its wrong DOWN.
#[tokio::test]
async fn each_kind_of_object_is_seen() {
    let Some(database) = Database::create(servers::Engine::Postgres) else {
        return;
    };
    let mut connection = PgConnection::connect(database.url())
        .await
        .expect("it is there");
    let mut wrong = Vec::new();
    for case in CASES {
        let mut transaction = connection.begin().await.expect("it begins");
        run(&mut transaction, BASE).await;
        run(&mut transaction, case.before).await;
        let before = look(&mut transaction).await;
        run(&mut transaction, case.up).await;
        run(&mut transaction, case.down).await;
        let after = look(&mut transaction).await;
        transaction.rollback().await.expect("it rolls back");
        wrong.extend(case.judge(&diff(&before, &after)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

async fn run(connection: &mut PgConnection, sql: &str) {
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    done.unwrap_or_else(|error| panic!("{sql}\n{error}"));
}

async fn look(connection: &mut PgConnection) -> Catalogue {
    let look = catalogue::<sqlx::Postgres>(connection).await;
    look.unwrap_or_else(|error| panic!("{error}"))
}

const BASE: &str = "CREATE TABLE users (id integer PRIMARY KEY, nick text NOT NULL DEFAULT '');
     CREATE TABLE posts (id bigint, author integer);
     CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE VIEW v AS SELECT id FROM users;";

const CASES: &[Case] = &[
    // Nothing is left, by whatever way.
    Case::new("CREATE TABLE t (a serial)", "DROP TABLE t", &[]),
    Case::new(
        "ALTER TABLE users RENAME COLUMN nick TO name",
        "ALTER TABLE users RENAME COLUMN name TO nick",
        &[],
    ),
    Case::new(
        "GRANT SELECT ON users TO PUBLIC",
        "REVOKE SELECT ON users FROM PUBLIC",
        &[],
    ),
    Case::new(
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS '  BEGIN  RETURN NEW; END '",
        &[],
    ),
    // Tables.
    Case::new(
        "CREATE TABLE t (a integer, b text, CHECK (a > 0)); CREATE INDEX ON t (b)",
        "",
        &["left over: table t (2 columns, 1 constraint, 1 index)"],
    ),
    Case::new("DROP TABLE posts", "", &["missing: table posts (2 columns)"]),
    Case::new(
        "ALTER TABLE posts SET UNLOGGED",
        "",
        &["changed: table posts persistence: none → unlogged"],
    ),
    Case::new(
        "ALTER TABLE posts SET (fillfactor = 70, toast.autovacuum_enabled = off)",
        "",
        &["changed: table posts options: none → fillfactor=70"],
    ),
    Case::new(
        "ALTER TABLE posts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, REPLICA IDENTITY FULL",
        "",
        &[
            "changed: table posts replica identity: none → full",
            "changed: table posts row security: none → enabled",
            "changed: table posts row security for the owner: none → forced",
        ],
    ),
    Case::new(
        "COMMENT ON TABLE posts IS 'what they write'",
        "",
        &["changed: table posts comment: none → what they write"],
    ),
    Case::new(
        "GRANT SELECT, INSERT ON posts TO PUBLIC",
        "REVOKE INSERT ON posts FROM PUBLIC",
        &["changed: table posts grants:\n    + PUBLIC: SELECT\n    + postgres: DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE"],
    ),
    Case::new(
        "CREATE TABLE t (LIKE posts) PARTITION BY RANGE (id); \
         CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (2)",
        "ALTER TABLE t DETACH PARTITION t1; DROP TABLE t",
        &["left over: table t1 (2 columns)"],
    ),
    Case::new(
        "ALTER TABLE part DETACH PARTITION part1",
        "ALTER TABLE part ATTACH PARTITION part1 FOR VALUES FROM (1) TO (3)",
        &["changed: table part1 partition bound: FOR VALUES FROM ('1') TO ('2') → FOR VALUES FROM ('1') TO ('3')"],
    )
    .after(
        "CREATE TABLE part (LIKE posts) PARTITION BY RANGE (id); \
         CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (1) TO (2)",
    ),
    Case::new(
        "ALTER TABLE heirs NO INHERIT posts",
        "",
        &[
            "changed: table heirs inherits: posts → none",
            "changed: column heirs.author inherited: yes → none",
            "changed: column heirs.id inherited: yes → none",
        ],
    )
    .after("CREATE TABLE heirs () INHERITS (posts)"),
    // Columns.
    Case::new(
        "ALTER TABLE users DROP COLUMN nick",
        "",
        &["missing: column users.nick (text, not null, default ''::text)"],
    ),
    Case::new(
        "ALTER TABLE users ALTER nick DROP NOT NULL, ALTER nick TYPE varchar(20)",
        "",
        &[
            "changed: column users.nick not null: yes → none",
            "changed: column users.nick type: text → character varying(20)",
        ],
    ),
    Case::new(
        "ALTER TABLE users ADD age integer GENERATED ALWAYS AS (id * 2) STORED, ADD n bigint GENERATED BY DEFAULT AS IDENTITY",
        "",
        &[
            "left over: column users.age (integer, generated (id * 2) stored)",
            "left over: column users.n (bigint, not null, identity by default)",
            "left over: sequence users_n_seq (bigint)",
        ],
    ),
    Case::new(
        "ALTER TABLE users ALTER nick TYPE text COLLATE \"C\", ALTER nick SET STORAGE EXTERNAL, ALTER nick SET STATISTICS 7, ALTER nick SET (n_distinct = 5)",
        "",
        &[
            "changed: column users.nick collation: none → \"C\"",
            "changed: column users.nick options: none → n_distinct=5",
            "changed: column users.nick statistics: none → 7",
            "changed: column users.nick storage: none → external",
        ],
    ),
    Case::new(
        "GRANT SELECT (nick) ON users TO PUBLIC; COMMENT ON COLUMN users.nick IS 'short'",
        "",
        &[
            "changed: column users.nick comment: none → short",
            "changed: column users.nick grants: none → PUBLIC: SELECT",
        ],
    ),
    Case::new(
        "ALTER TABLE posts DROP COLUMN id",
        "ALTER TABLE posts ADD COLUMN id bigint",
        &["reordered: columns of table posts: id, author → author, id"],
    ),
    // Constraints and indexes.
    Case::new(
        "ALTER TABLE users DROP CONSTRAINT users_pkey",
        "",
        &["missing: constraint users_pkey on users (PRIMARY KEY (id))"],
    ),
    Case::new(
        "ALTER TABLE posts DROP CONSTRAINT fk",
        "ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (author) REFERENCES users NOT VALID",
        &["changed: constraint fk on posts definition:\n    - FOREIGN KEY (author) REFERENCES users(id) ON DELETE CASCADE DEFERRABLE\n    + FOREIGN KEY (author) REFERENCES users(id) NOT VALID"],
    )
    .after("ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (author) REFERENCES users ON DELETE CASCADE DEFERRABLE"),
    Case::new(
        "ALTER TABLE posts ADD CONSTRAINT positive CHECK (id > 0), ADD CONSTRAINT one UNIQUE (author), \
         ADD CONSTRAINT apart EXCLUDE USING btree (id WITH =)",
        "",
        &[
            "left over: constraint apart on posts (EXCLUDE USING btree (id WITH =))",
            "left over: constraint one on posts (UNIQUE (author))",
            "left over: constraint positive on posts (CHECK ((id > 0)))",
        ],
    ),
    Case::new(
        "CREATE UNIQUE INDEX i ON posts (lower(author::text) DESC) INCLUDE (id) WHERE id > 1",
        "",
        &["left over: index i on posts (unique, btree (lower((author)::text) DESC) INCLUDE (id) WHERE (id > 1))"],
    ),
    Case::new(
        "DROP INDEX i",
        "CREATE INDEX i ON posts (author)",
        &["changed: index i on posts definition: hash (author) → btree (author)"],
    )
    .after("CREATE INDEX i ON posts USING hash (author)"),
    Case::new(
        "CLUSTER users USING users_pkey; ALTER INDEX users_pkey SET (fillfactor = 50); COMMENT ON INDEX users_pkey IS 'x'",
        "",
        &[
            "changed: constraint users_pkey on users clustered: none → yes",
            "changed: constraint users_pkey on users comment of the index: none → x",
            "changed: constraint users_pkey on users options: none → fillfactor=50",
        ],
    ),
    // What belongs to tables.
    Case::new(
        "ALTER TABLE posts DISABLE TRIGGER tr",
        "",
        &["changed: trigger tr on posts enabled: none → no"],
    )
    .after("CREATE TRIGGER tr BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION f()"),
    Case::new(
        "CREATE TRIGGER tr BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION f()",
        "",
        &["left over: trigger tr on posts (CREATE TRIGGER tr BEFORE INSERT ON public.posts FOR EACH ROW EXECUTE FUNCTION f())"],
    ),
    Case::new(
        "CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON posts DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()",
        "",
        &["left over: trigger ct on posts"],
    ),
    Case::new(
        "DROP POLICY p ON posts; CREATE POLICY p ON posts FOR SELECT TO postgres USING (id > 1)",
        "",
        &[
            "changed: policy p on posts for: none → SELECT",
            "changed: policy p on posts roles: none → postgres",
            "changed: policy p on posts using: (id > 0) → (id > 1)",
        ],
    )
    .after("CREATE POLICY p ON posts USING (id > 0)"),
    Case::new(
        "CREATE RULE r AS ON DELETE TO posts DO INSTEAD NOTHING",
        "",
        &["left over: rule r on posts"],
    ),
    Case::new(
        "CREATE STATISTICS st (dependencies) ON id, author FROM posts",
        "",
        &["left over: statistics st on posts (CREATE STATISTICS public.st (dependencies) ON id, author FROM posts)"],
    ),
    // Views, sequences, types.
    Case::new("CREATE VIEW w AS SELECT 1 AS one", "", &["left over: view w (1 column)"]),
    Case::new(
        "CREATE OR REPLACE VIEW v AS SELECT id FROM users WHERE id > 1",
        "",
        &["changed: view v definition:\n    -    FROM users;\n    +    FROM users\n    +   WHERE (users.id > 1);"],
    ),
    Case::new(
        "ALTER VIEW v SET (security_barrier)",
        "",
        &["changed: view v options: none → security_barrier=true"],
    ),
    Case::new(
        "DROP MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
        "",
        &["missing: index mi on m (btree (a))"],
    )
    .after("CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE INDEX mi ON m (a)"),
    Case::new(
        "ALTER SEQUENCE s AS integer INCREMENT 2 CACHE 5 CYCLE OWNED BY posts.id; SELECT nextval('s')",
        "",
        &[
            "changed: sequence s cache: 1 → 5",
            "changed: sequence s cycle: none → yes",
            "changed: sequence s increment: 1 → 2",
            "changed: sequence s maximum: 9223372036854775807 → 2147483647",
            "changed: sequence s owned by: none → posts.id",
            "changed: sequence s type: bigint → integer",
        ],
    )
    .after("CREATE SEQUENCE s"),
    Case::new(
        "ALTER TYPE mood ADD VALUE 'fine' BEFORE 'good'",
        "",
        &["changed: type mood values: 'bad', 'good' → 'bad', 'fine', 'good'"],
    )
    .after("CREATE TYPE mood AS ENUM ('bad', 'good')"),
    Case::new(
        "CREATE TYPE pair AS (a integer, b text COLLATE \"C\"); CREATE TYPE span AS RANGE (subtype = date)",
        "",
        &[
            "left over: type pair (a integer, b text COLLATE \"C\")",
            "left over: type span (date)",
        ],
    ),
    Case::new(
        "CREATE DOMAIN d AS integer NOT NULL DEFAULT 1 CONSTRAINT dc CHECK (VALUE > 0)",
        "",
        &["left over: domain d (integer, not null, default 1)"],
    ),
    Case::new(
        "ALTER DOMAIN d DROP CONSTRAINT dc; ALTER DOMAIN d SET DEFAULT 2",
        "",
        &[
            "changed: domain d default: 1 → 2",
            "missing: constraint dc on d (CHECK ((VALUE > 0)))",
        ],
    )
    .after("CREATE DOMAIN d AS integer DEFAULT 1 CONSTRAINT dc CHECK (VALUE > 0)"),
    // Functions and their like.
    Case::new(
        "DROP FUNCTION g(integer); CREATE FUNCTION g(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "",
        &[
            "changed: function g(a integer) definition:\n    -  IMMUTABLE STRICT",
            "changed: function g(a integer) grants: postgres: EXECUTE → none",
        ],
    )
    .after(
        "CREATE FUNCTION g(a integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 1'; \
         REVOKE EXECUTE ON FUNCTION g FROM PUBLIC",
    ),
    Case::new("CREATE PROCEDURE p() LANGUAGE sql AS ''", "", &["left over: procedure p()"]),
    Case::new(
        "CREATE AGGREGATE total(integer) (sfunc = int4pl, stype = integer, initcond = '0')",
        "",
        &["left over: aggregate total(integer) (integer)"],
    ),
    Case::new(
        "CREATE OPERATOR === (leftarg = integer, rightarg = integer, function = int4eq)",
        "",
        &["left over: operator ===(integer, integer)"],
    ),
    Case::new(
        "CREATE OPERATOR CLASS oc FOR TYPE integer USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(integer)",
        "",
        &["left over: operator class oc using hash (integer)"],
    ),
    Case::new("CREATE CAST (posts AS text) WITH INOUT", "", &["left over: cast (posts AS text)"]),
    Case::new(
        "CREATE COLLATION german (provider = icu, locale = 'de')",
        "",
        &["left over: collation german"],
    ),
    Case::new(
        "ALTER TEXT SEARCH CONFIGURATION tc ALTER MAPPING FOR word WITH english_stem; \
         CREATE TEXT SEARCH DICTIONARY td (template = simple)",
        "",
        &[
            "changed: text search configuration tc mapping:\n    - word: simple\n    + word: english_stem",
            "left over: text search dictionary td",
        ],
    )
    .after("CREATE TEXT SEARCH CONFIGURATION tc (COPY = simple)"),
    // What belongs to the database.
    Case::new("CREATE EXTENSION citext", "", &["left over: extension citext (version 1.6)"]),
    Case::new(
        "CREATE SCHEMA s; CREATE TABLE s.t (a integer); CREATE TYPE s.e AS ENUM ()",
        "",
        &["left over: schema s (1 type, 1 table)"],
    ),
    Case::new(
        "CREATE TABLE s.t (a integer); CREATE INDEX i ON s.t (a); ALTER TABLE s.old ADD b integer",
        "",
        &[
            "left over: column s.old.b (integer)",
            "left over: table s.t (1 column, 1 index)",
        ],
    )
    .after("CREATE SCHEMA s; CREATE TABLE s.old ()"),
    Case::new(
        "CREATE PUBLICATION pub FOR TABLE posts (id) WHERE (id > 1)",
        "",
        &["left over: publication pub"],
    ),
    Case::new(
        "ALTER PUBLICATION pub ADD TABLE users",
        "",
        &["changed: publication pub tables:\n    + users"],
    )
    .after("CREATE PUBLICATION pub FOR TABLE posts"),
    Case::new(
        "CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION et()",
        "",
        &["left over: event trigger e", "left over: function et()"],
    ),
    Case::new(
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
        "",
        &["left over: default privileges for tables of postgres"],
    ),
    Case::new(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER remote FOREIGN DATA WRAPPER w OPTIONS (host 'x')",
        "",
        &["left over: server remote"],
    ),
    Case::new(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''8MB''', current_database()); END $$",
        "",
        &["left over: setting work_mem"],
    ),
    // Names that need quotes.
    Case::new(
        "CREATE TABLE \"we\"\"ird.one\" (\"a b\" integer); ALTER TABLE \"Old\" ADD \"X'y\" text; CREATE INDEX \"I USING x\" ON \"Old\" (\"X'y\")",
        "",
        &[
            "left over: column Old.X'y (text)",
            "left over: index I USING x on Old (btree (\"X'y\"))",
            "left over: table we\"ird.one (1 column)",
        ],
    )
    .after("CREATE TABLE \"Old\" ()"),
];
