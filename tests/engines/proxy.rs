//! The proxy counts right and cuts where it is told to. Counts are known from the protocols, so a
//! proxy that counted nothing, or too much, would be found out here.

use std::time::{Duration, Instant};

use backstitch_tests::proxy::{Fault, Kind, Proxy, Spell};
use backstitch_tests::servers::{Database, Engine};
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};

/// A database with a proxy in front.
fn behind_proxy(engine: Engine) -> Option<(Database, Proxy)> {
    let database = Database::create(engine)?;
    let proxy = Proxy::start(database.url());
    Some((database, proxy))
}

#[tokio::test]
async fn simple_queries_are_counted_one_by_one() {
    for engine in [Engine::Postgres, Engine::PgBouncer] {
        let Some((_database, proxy)) = behind_proxy(engine) else {
            continue;
        };
        let mut client = PgConnection::connect(proxy.url()).await.expect("connects");
        assert_eq!(proxy.round_trips(), 0, "{}", proxy.transcript());
        client
            .execute(sqlx::raw_sql("SELECT 1"))
            .await
            .expect("runs");
        client
            .execute(sqlx::raw_sql("SELECT 2; SELECT 3"))
            .await
            .expect("runs");
        assert_eq!(proxy.round_trips(), 2, "{}", proxy.transcript());
        assert_eq!(
            proxy.transcript(),
            "  #0 Query SELECT 1\n  #0 Query SELECT 2; SELECT 3\n"
        );
    }
}

#[tokio::test]
async fn simple_queries_are_counted_one_by_one_in_mysql() {
    let Some((_database, proxy)) = behind_proxy(Engine::MariaDb) else {
        return;
    };
    let mut client = MySqlConnection::connect(proxy.url())
        .await
        .expect("connects");
    // sqlx sets the session up, see `Proxy::round_trips`.
    assert_eq!(proxy.round_trips(), 1, "{}", proxy.transcript());
    assert!(proxy.transcript().starts_with("  #0 Query SET "));
    proxy.reset();
    client
        .execute(sqlx::raw_sql("SELECT 1"))
        .await
        .expect("runs");
    client
        .execute(sqlx::raw_sql("SELECT 2; SELECT 3"))
        .await
        .expect("runs");
    client.ping().await.expect("is there");
    assert_eq!(proxy.round_trips(), 3, "{}", proxy.transcript());
    assert_eq!(
        proxy.transcript(),
        "  #0 Query SELECT 1\n  #0 Query SELECT 2; SELECT 3\n  #0 Ping\n"
    );
}

#[tokio::test]
async fn a_prepared_statement_costs_two_and_then_one() {
    if let Some((_database, proxy)) = behind_proxy(Engine::Postgres) {
        let mut client = PgConnection::connect(proxy.url()).await.expect("connects");
        for expected in [2, 1] {
            proxy.reset();
            let query = sqlx::query("SELECT 1 + $1").bind(1);
            client.execute(query).await.expect("runs");
            assert_eq!(proxy.round_trips(), expected, "{}", proxy.transcript());
        }
        assert_eq!(
            kinds(&proxy),
            [Kind::Bind, Kind::Execute, Kind::Close, Kind::Sync]
        );
    }
    if let Some((_database, proxy)) = behind_proxy(Engine::MariaDb) {
        let mut client = MySqlConnection::connect(proxy.url())
            .await
            .expect("connects");
        for expected in [2, 1] {
            proxy.reset();
            let query = sqlx::query("SELECT 1 + ?").bind(1);
            client.execute(query).await.expect("runs");
            assert_eq!(proxy.round_trips(), expected, "{}", proxy.transcript());
        }
        assert_eq!(kinds(&proxy), [Kind::Execute]);
    }
}

#[tokio::test]
async fn connections_are_told_apart() {
    let Some((_database, proxy)) = behind_proxy(Engine::Postgres) else {
        return;
    };
    let mut one = PgConnection::connect(proxy.url()).await.expect("connects");
    let mut two = PgConnection::connect(proxy.url()).await.expect("connects");
    two.execute(sqlx::raw_sql("SELECT 2")).await.expect("runs");
    one.execute(sqlx::raw_sql("SELECT 1")).await.expect("runs");
    assert_eq!(proxy.connections(), 2);
    let seen = proxy.messages();
    assert_eq!((seen[0].connection, seen[1].connection), (1, 0));
    proxy.reset();
    assert_eq!((proxy.connections(), proxy.round_trips()), (0, 0));
}

#[tokio::test]
async fn a_request_that_is_unsent_has_no_effect_and_one_that_is_unanswered_has() {
    for engine in [Engine::Postgres, Engine::PgBouncer] {
        let Some((database, proxy)) = behind_proxy(engine) else {
            continue;
        };
        let mut direct = PgConnection::connect(database.url())
            .await
            .expect("connects");
        direct
            .execute("CREATE TABLE t (id INT)")
            .await
            .expect("runs");
        for (fault, rows) in [(Fault::Unsent, 0), (Fault::Unanswered, 1)] {
            let mut client = PgConnection::connect(proxy.url()).await.expect("connects");
            proxy.fail(2, fault, Spell::Once);
            client
                .execute(sqlx::raw_sql("SELECT 1"))
                .await
                .expect("the first one works");
            let second = client
                .execute(sqlx::raw_sql("INSERT INTO t VALUES (1)"))
                .await;
            assert!(second.is_err(), "{engine:?} {fault:?}");
            assert_eq!(proxy.failed(), 1);
            assert_eq!(count(&mut direct).await, rows, "{engine:?} {fault:?}");
        }
        // The fault was for once.
        PgConnection::connect(proxy.url()).await.expect("connects");
    }
    if let Some((database, proxy)) = behind_proxy(Engine::MariaDb) {
        let mut direct = MySqlConnection::connect(database.url())
            .await
            .expect("connects");
        direct
            .execute("CREATE TABLE t (id INT)")
            .await
            .expect("runs");
        for (fault, rows) in [(Fault::Unsent, 0), (Fault::Unanswered, 1)] {
            let mut client = MySqlConnection::connect(proxy.url())
                .await
                .expect("connects");
            proxy.fail(2, fault, Spell::Once);
            client
                .execute(sqlx::raw_sql("SELECT 1"))
                .await
                .expect("the first one works");
            let second = client
                .execute(sqlx::raw_sql("SELECT 1; INSERT INTO t VALUES (1)"))
                .await;
            assert!(second.is_err(), "{fault:?}");
            let found: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
                .fetch_one(&mut direct)
                .await
                .expect("runs");
            assert_eq!(found, rows, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_prepared_request_that_is_unsent_is_not_sent_in_part() {
    let Some((database, proxy)) = behind_proxy(Engine::Postgres) else {
        return;
    };
    let mut direct = PgConnection::connect(database.url())
        .await
        .expect("connects");
    direct.execute("CREATE SEQUENCE s").await.expect("runs");
    let mut client = PgConnection::connect(proxy.url()).await.expect("connects");
    // A sequence moves even if its transaction is rolled back.
    proxy.fail(2, Fault::Unsent, Spell::Once);
    let cut = client.execute(sqlx::query("SELECT nextval('s')")).await;
    assert!(cut.is_err());
    let next: i64 = sqlx::query_scalar("SELECT nextval('s')")
        .fetch_one(&mut direct)
        .await
        .expect("runs");
    assert_eq!(next, 1);
}

#[tokio::test]
async fn locks_are_free_when_the_client_learns_that_it_is_cut_off() {
    let Some((database, proxy)) = behind_proxy(Engine::Postgres) else {
        return;
    };
    let mut direct = PgConnection::connect(database.url())
        .await
        .expect("connects");
    for fault in [Fault::Unsent, Fault::Unanswered] {
        let mut client = PgConnection::connect(proxy.url()).await.expect("connects");
        client
            .execute("SELECT pg_advisory_lock(1)")
            .await
            .expect("runs");
        proxy.fail(1, fault, Spell::Once);
        assert!(client.execute("SELECT 1").await.is_err());
        let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(1)")
            .fetch_one(&mut direct)
            .await
            .expect("runs");
        assert!(free, "{fault:?}");
    }
}

#[tokio::test]
async fn a_failure_for_good_lasts_until_it_is_mended() {
    let Some((_database, proxy)) = behind_proxy(Engine::Postgres) else {
        return;
    };
    let mut one = PgConnection::connect(proxy.url()).await.expect("connects");
    let mut two = PgConnection::connect(proxy.url()).await.expect("connects");
    proxy.fail(1, Fault::Unsent, Spell::ForGood);
    assert!(one.execute("SELECT 1").await.is_err());
    assert!(two.execute("SELECT 1").await.is_err());
    assert!(PgConnection::connect(proxy.url()).await.is_err());
    assert_eq!(proxy.failed(), 3);
    proxy.mend();
    let mut three = PgConnection::connect(proxy.url()).await.expect("connects");
    three.execute("SELECT 1").await.expect("runs");
}

#[tokio::test]
async fn requests_are_held_back() {
    let Some((_database, proxy)) = behind_proxy(Engine::Postgres) else {
        return;
    };
    let mut client = PgConnection::connect(proxy.url()).await.expect("connects");
    proxy.delay(Duration::from_millis(100));
    let start = Instant::now();
    client
        .execute(sqlx::raw_sql("SELECT 1"))
        .await
        .expect("runs");
    assert!(start.elapsed() >= Duration::from_millis(100));
    proxy.mend();
}

#[tokio::test]
async fn a_command_longer_than_a_packet_is_one() {
    let Some((_database, proxy)) = behind_proxy(Engine::MariaDb) else {
        return;
    };
    let mut client = MySqlConnection::connect(proxy.url())
        .await
        .expect("connects");
    client
        .execute(sqlx::raw_sql(
            "SET GLOBAL max_allowed_packet = 64 * 1024 * 1024",
        ))
        .await
        .expect("runs");
    let mut client = MySqlConnection::connect(proxy.url())
        .await
        .expect("connects");
    proxy.reset();
    let long = format!("SELECT length('{}')", "x".repeat(17 * 1024 * 1024));
    let length: i32 = sqlx::query_scalar(sqlx::AssertSqlSafe(long))
        .persistent(false)
        .fetch_one(&mut client)
        .await
        .expect("runs");
    assert_eq!(length, 17 * 1024 * 1024);
    assert_eq!(proxy.round_trips(), 2);
}

fn kinds(proxy: &Proxy) -> Vec<Kind> {
    proxy.messages().iter().map(|m| m.kind).collect()
}

async fn count(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM t")
        .persistent(false)
        .fetch_one(connection)
        .await
        .expect("runs")
}
