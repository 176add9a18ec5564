//! What `optimize` says of databases that have something the matter with them, each made so on a
//! real server. What can be put right by a migration is in `sessions/optimize.calls`.

use std::time::{Duration, Instant};

use backstitch_tests::own::mariadb::MariaDb;
use backstitch_tests::own::postgres::Postgres;
use backstitch_tests::servers::Engine;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};

use crate::session::Session;

/// The report, and that it says each of these.
#[track_caller]
fn says(session: &Session, expected: &[&str]) -> String {
    let shown = session.screen("backstitch optimize --analyze");
    for words in expected {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    shown
}

fn open(engine: Engine) -> Option<Session> {
    let session = Session::open("shop", engine)?;
    session.screen("backstitch up");
    Some(session)
}

/// A database that has just been made, with some rows in it: nothing is the matter.
#[test]
fn a_small_database_is_left_in_peace() {
    for engine in [Engine::Postgres, Engine::MariaDb, Engine::Sqlite] {
        let Some(session) = open(engine) else {
            continue;
        };
        session.sql(
            "INSERT INTO users (id, login) VALUES (1, 'ann'), (2, 'bob'); \
             UPDATE users SET login = 'eve' WHERE id = 2; DELETE FROM users WHERE id = 1",
        );
        says(&session, &["nothing to say about what was looked for"]);
    }
}

#[test]
fn dead_rows_old_statistics_and_an_index_that_nobody_uses() {
    let Some(session) = open(Engine::Postgres) else {
        return;
    };
    session.sql(
        "CREATE TABLE events (id integer PRIMARY KEY, tag text NOT NULL, user_id integer) \
           WITH (autovacuum_enabled = off); \
         INSERT INTO events SELECT n, 'a tag ' || n FROM generate_series(1, 60000) n; \
         CREATE INDEX events_tag ON events (tag); \
         CREATE INDEX events_seldom_idx ON events (user_id)",
    );
    // Big, and not used; but the table is not in use either.
    assert!(!says(&session, &[]).contains("never-used-index"));
    let reads = "SELECT tag FROM events WHERE id = 7;".repeat(100);
    session.sql(&reads);
    let shown = says(
        &session,
        &[
            "never-used-index\n  events_tag  no query has used it since the statistics began",
            "while its table was read 10",
            "stale-statistics\n  events  60000 of 60000 rows have changed since it was analyzed. \
             ANALYZE events",
        ],
    );
    // Too small to matter.
    assert!(!shown.contains("events_seldom_idx"), "{shown}");
    assert!(!shown.contains("bloat"), "{shown}");
    session.sql("ANALYZE events; UPDATE events SET tag = 'other ' || id");
    says(
        &session,
        &["bloat\n  events  about 60000 dead rows beside 60000 live ones. VACUUM events"],
    );
    session.sql("SELECT id FROM events WHERE tag = 'other 9'");
    session.sql("VACUUM (ANALYZE) events");
    let shown = says(&session, &[]);
    assert!(!shown.contains("stale-statistics"), "{shown}");
    assert!(!shown.contains("dead rows"), "{shown}");
}

#[test]
fn pages_that_hold_no_rows() {
    let Some(session) = open(Engine::Postgres) else {
        return;
    };
    session.sql(
        "CREATE TABLE bills (id integer PRIMARY KEY, text text NOT NULL, cents bigint) \
           WITH (autovacuum_enabled = off); \
         INSERT INTO bills SELECT n, repeat('x', 150), n FROM generate_series(1, 90000) n; \
         CREATE TABLE full_of_rows (id integer PRIMARY KEY, text text NOT NULL, cents bigint) \
           WITH (autovacuum_enabled = off, fillfactor = 70); \
         INSERT INTO full_of_rows SELECT * FROM bills",
    );
    session.sql("ANALYZE");
    says(&session, &["nothing to say about what was looked for"]);
    session.sql("DELETE FROM bills WHERE id % 4 > 0");
    session.sql("VACUUM (ANALYZE) bills");
    let shown = says(
        &session,
        &[
            "bloat\n  bills  about 7",
            "% of its",
            "hold no rows. VACUUM FULL bills",
        ],
    );
    assert!(!shown.contains("full_of_rows"), "{shown}");
}

#[test]
fn an_index_that_was_not_built() {
    let Some(session) = open(Engine::Postgres) else {
        return;
    };
    session.sql(
        "CREATE SCHEMA \"Old\"; CREATE TABLE \"Old\".notes (id integer PRIMARY KEY, word text)",
    );
    session.sql("INSERT INTO \"Old\".notes VALUES (1, 'x'), (2, 'x')");
    let built = "CREATE UNIQUE INDEX CONCURRENTLY words ON \"Old\".notes (word)";
    let built = wait(async {
        let mut connection = PgConnection::connect(session.url()).await?;
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(built)))
            .await
    });
    built.expect_err("there are doubles");
    says(
        &session,
        &[
            "invalid-index\n  \"Old\".words  its building failed",
            "REINDEX INDEX CONCURRENTLY \"Old\".words",
        ],
    );
}

/// One index for two keys of the same column, plain where there are partitions, none where the name
/// is taken; and what is written compiles, goes up and comes back.
#[test]
fn foreign_keys_in_all_shapes() {
    let Some(session) = open(Engine::Postgres) else {
        return;
    };
    let sql = "CREATE TABLE parts (user_id INTEGER NOT NULL, day DATE NOT NULL, \
               \"Order\" INTEGER, PRIMARY KEY (user_id, day), \
               CONSTRAINT parts_user_fk FOREIGN KEY (\"Order\") REFERENCES users (id), \
               CONSTRAINT parts_order_fk FOREIGN KEY (\"Order\") REFERENCES orders (id)) \
               PARTITION BY RANGE (day)";
    let file = "migrations/0004_parts.sql";
    let text = format!(
        "-- @name: Parts\n-- @description: In partitions.\n-- @timestamp: 2026-01-05T10:00:00Z\n\
         -- @rollbackSafe: true\n\n-- UP MIGRATION\n{sql};\n\n-- DOWN MIGRATION\nDROP TABLE parts;\n"
    );
    std::fs::write(session.folder().join(file), text).expect("writable");
    let shown = session.screen("backstitch up");
    assert!(shown.contains("1 migration applied"), "{shown}");
    let shown = session.screen("backstitch optimize");
    assert!(
        shown.contains("wrote migrations/0005_optimize.sql"),
        "{shown}"
    );
    assert!(shown.contains("1 thing to look at, 1 of them"), "{shown}");
    let shown = session.screen("cat migrations/0005_optimize.sql");
    assert!(
        shown.contains("\nCREATE INDEX \"parts_Order_idx\" ON parts (\"Order\");\n"),
        "{shown}"
    );
    let shown = session.screen("backstitch check");
    assert!(shown.contains("all proven"), "{shown}");
    for call in ["up", "redo"] {
        let shown = session.screen(&format!("backstitch {call}"));
        assert!(shown.contains("applied 0005_optimize"), "{shown}");
        says(&session, &["nothing to say"]);
    }
}

#[test]
fn rows_and_pages_of_mariadb() {
    let Some(session) = open(Engine::MariaDb) else {
        return;
    };
    session.sql(
        "CREATE TABLE events (id integer PRIMARY KEY, word char(200) NOT NULL) \
           STATS_AUTO_RECALC = 0; \
         INSERT INTO events SELECT seq, REPEAT(MD5(seq), 6) FROM seq_1_to_60000",
    );
    says(
        &session,
        &[
            "stale-statistics\n  events  60000 changes since it was analyzed, of 6",
            "ANALYZE TABLE `events`",
        ],
    );
    session.sql("ANALYZE TABLE events");
    assert!(!says(&session, &[]).contains("bloat"));
    session.sql("DELETE FROM events WHERE id > 10000");
    // The pages are given free by and by.
    let began = Instant::now();
    while !says(&session, &[]).contains("bloat") && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(200));
    }
    let found = "bloat\n  events  about ";
    says(
        &session,
        &[found, "MiB hold nothing. OPTIMIZE TABLE `events`"],
    );
}

#[test]
fn pages_of_sqlite() {
    let session = open(Engine::Sqlite).expect("SQLite is always there");
    session.sql(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, word TEXT NOT NULL); \
         CREATE INDEX events_word ON events (word); \
         CREATE TABLE bare (word TEXT); \
         CREATE VIRTUAL TABLE found USING fts5(word); \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) \
         INSERT INTO events SELECT i, 'word ' || i FROM n",
    );
    let shown = says(
        &session,
        &[
            "stale-statistics\n  the whole database  it was never analyzed",
            "table-without-primary-key\n  bare  no row of it can be named by what it holds\n",
            "Not looked for\n  never-used-index  SQLite does not count",
        ],
    );
    assert!(!shown.contains("bloat"), "{shown}");
    session.sql("ANALYZE; DELETE FROM events WHERE id > 10000");
    let shown = says(
        &session,
        &["bloat\n  the whole database  7", "free pages. VACUUM"],
    );
    assert!(!shown.contains("stale-statistics"), "{shown}");
}

/// Asks a server of its own, in the project of a session.
fn asked(session: &Session, url: &str) -> String {
    session.screen(&format!("DATABASE_URL={url} backstitch optimize --analyze"))
}

/// PostgreSQL measures statements with an extension alone, wherever that is.
#[test]
fn slow_statements_of_postgres() {
    let Some(mut server) = wait(Postgres::new()) else {
        return;
    };
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let url = server.url();
    let ask = |sql: &str| wait(send::<PgConnection>(&url, sql));
    ask("CREATE SCHEMA \"Meters\"; CREATE EXTENSION pg_stat_statements SCHEMA \"Meters\"");
    let untold = "Not looked for\n  slow-statement  the server does not measure statements";
    let shown = asked(&session, &url);
    assert!(shown.contains(untold), "{shown}");
    ask("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    server.stop();
    wait(server.start());
    let shown = asked(&session, &url);
    assert!(
        shown.contains("nothing to say") && !shown.contains("Not looked for"),
        "{shown}"
    );
    ask(&"SELECT pg_sleep(0.15);".repeat(3));
    ask("SELECT pg_sleep(0.2), 'once'; SELECT 'quick'; SELECT 'quick'; SELECT 'quick'");
    let shown = asked(&session, &url);
    assert!(
        shown.contains("slow-statement\n  SELECT pg_sleep($1)  [TIME] each, 3 times\n"),
        "{shown}"
    );
    assert!(shown.contains("1 thing to look at"), "{shown}");
    ask("ALTER SYSTEM SET track_counts = off");
    ask("SELECT pg_reload_conf()");
    let shown = asked(&session, &url);
    for kind in ["never-used-index", "stale-statistics"] {
        assert!(shown.contains(&format!("  {kind}  ")), "{shown}");
    }
}

/// MariaDB counts and measures where it was started so.
#[test]
fn what_mariadb_measures() {
    let Some(mut server) = wait(MariaDb::new()) else {
        return;
    };
    server.kill();
    wait(server.start(&["--performance-schema=ON".to_owned()]));
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let url = server.url();
    let ask = |sql: &str| wait(send::<MySqlConnection>(&url, sql));
    ask(
        "CREATE TABLE users (id integer PRIMARY KEY); CREATE TABLE events (id integer PRIMARY KEY, \
         word varchar(80) NOT NULL, used integer NOT NULL, user_id integer, \
         INDEX events_word (word), INDEX events_used (used), UNIQUE INDEX events_once (word, id), \
         CONSTRAINT events_user FOREIGN KEY (user_id) REFERENCES users (id)); \
         INSERT INTO events SELECT seq, seq, seq, NULL FROM seq_1_to_500",
    );
    let shown = asked(&session, &url);
    assert!(
        !shown.contains("never-used-index") && !shown.contains("Not looked for"),
        "{shown}"
    );
    ask(
        &"SELECT SUM(id) FROM events IGNORE INDEX (events_used, events_word, events_once);"
            .repeat(3),
    );
    ask("SELECT id FROM events FORCE INDEX (events_used) WHERE used = 7");
    for _ in 0..3 {
        ask("SELECT SLEEP(0.15)");
    }
    let shown = asked(&session, &url);
    assert!(
        shown.contains("never-used-index\n  events.events_word  no query has read it since"),
        "{shown}"
    );
    assert!(
        !shown.contains("events_used") && !shown.contains("events_user "),
        "{shown}"
    );
    assert!(
        shown.contains("slow-statement\n  SELECT `SLEEP` (?)  [TIME] each, 3 times\n"),
        "{shown}"
    );
}

async fn send<C>(url: &str, sql: &str)
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let mut connection = C::connect(url).await.expect("reachable");
    let sent = connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await;
    sent.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    connection.close().await.expect("it closes");
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}
