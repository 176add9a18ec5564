//! How often a run waits for the server, counted from outside by a proxy.
//!
//! This is the promise that is easiest to lose: each new convenience costs one more message. So
//! the tests say how many there may be, and show what was sent when there are more.

use std::time::{Duration, Instant};

use backstitch::{Down, ErrorKind, Lock, Migrations, Mode, Unknown};
use backstitch_tests::proxy::{Kind, Message, Proxy};
use backstitch_tests::servers::Engine;
use sqlx::{Pool, Postgres};

use crate::ground::{File, Ground, Product, ask, migrations, scenarios, tables};

scenarios! {
    servers: [
        nothing_pending_is_one_query,
        nothing_pending_is_one_query_whatever_the_history_holds,
        nobody_waits_for_the_pool,
        nothing_pending_writes_nothing,
        pending_migrations_cost_a_message_each,
        status_and_plan_look_once,
    ],
    postgres: [
        nothing_pending_needs_no_right_but_to_read,
        all_in_one_transaction_are_one_message,
    ],
    mariadb: [
        nothing_pending_needs_no_right_but_to_read_in_mysql,
    ],
}

#[tokio::test]
async fn nothing_pending_works_behind_pgbouncer() {
    let Some(ground) = Ground::<Postgres>::on(Engine::PgBouncer) else {
        return;
    };
    let set = tables::<Postgres>(10);
    set.up(ground.url())
        .await
        .expect("up works behind a pooler");
    let proxy = Proxy::start(ground.url());
    let pool = pool::<Postgres>(&proxy).await;
    proxy.reset();
    for _ in 0..5 {
        let report = set.up(&pool).await.expect("up works");
        assert!(report.is_up_to_date());
        let report = set.up(proxy.url()).await.expect("up works");
        assert!(report.is_up_to_date());
    }
    one_query_each(&proxy, 10);
}

async fn nothing_pending_is_one_query<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(10);
    set.up(ground.url()).await.expect("up works");
    let proxy = Proxy::start(ground.url());

    set.up(proxy.url()).await.expect("up works");
    one_query_each(&proxy, 1);

    let pool = pool::<DB>(&proxy).await;
    proxy.reset();
    for _ in 0..3 {
        assert!(set.up(&pool).await.expect("up works").is_up_to_date());
        idle(&pool).await;
    }
    one_query_each(&proxy, 3);
    assert_eq!(pool.size(), 1, "the connection did not go back");

    proxy.reset();
    set.wait(&pool).await.expect("there is nothing to wait for");
    one_query_each(&proxy, 1);
}

/// The canary: what this file counts with finds out a second message.
#[tokio::test]
#[should_panic(expected = "one simple query for each start")]
async fn a_second_message_is_found_out() {
    // Without a server there is nothing to be found out.
    let Some(ground) = Ground::<Postgres>::new() else {
        panic!("one simple query for each start");
    };
    let proxy = Proxy::start(ground.url());
    let set = tables::<Postgres>(1);
    set.up(proxy.url()).await.expect("up works");
    one_query_each(&proxy, 1);
}

async fn pool<DB: Product>(proxy: &Proxy) -> Pool<DB> {
    let options = sqlx::pool::PoolOptions::new().max_connections(3);
    let pool = options.connect(proxy.url()).await.expect("connects");
    idle(&pool).await;
    pool
}

/// Waits until a connection is back in the pool, which happens in the background.
async fn idle<DB: Product>(pool: &Pool<DB>) {
    while pool.num_idle() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Each start was one simple query, and it only read. A pool asks a connection that comes back
/// whether it is well, which nobody waits for: see [`nobody_waits_for_the_pool`].
fn one_query_each(proxy: &Proxy, starts: usize) {
    let messages = proxy.messages();
    let asks_if_well = |message: &&Message| {
        message.kind == Kind::Terminate
            || message.kind == Kind::Ping
            || message.kind == Kind::Sync
            // What the driver sets up in each connection.
            || message.sql.as_ref().is_some_and(|sql| sql.starts_with("SET sql_mode=("))
    };
    let ours: Vec<_> = messages
        .iter()
        .filter(|message| !asks_if_well(message))
        .collect();
    let is_fine = |message: &&Message| {
        let sql = message.sql.as_deref().unwrap_or_default();
        message.kind == Kind::Query
            && sql.starts_with("SELECT state, digest, layout FROM ")
            && sql.matches(';').count() <= 1
    };
    assert!(
        ours.len() == starts && ours.iter().all(is_fine),
        "one simple query for each start, and {starts} starts, but:\n{}",
        proxy.transcript()
    );
}

async fn nobody_waits_for_the_pool<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    set.up(ground.url()).await.expect("up works");
    let proxy = Proxy::start(ground.url());
    let pool = pool::<DB>(&proxy).await;
    // Whoever waits for two answers takes twice the delay, however long that is. A busy machine adds
    // to a short one.
    let mut is_one_answer = false;
    for delay in [300, 1_000, 5_000].map(Duration::from_millis) {
        proxy.delay(delay);
        let start = Instant::now();
        assert!(set.up(&pool).await.expect("up works").is_up_to_date());
        let took = start.elapsed();
        proxy.mend();
        idle::<DB>(&pool).await;
        assert!(delay <= took, "{took:?}\n{}", proxy.transcript());
        is_one_answer = took < delay * 2;
        if is_one_answer {
            break;
        }
    }
    assert!(is_one_answer, "{}", proxy.transcript());
}

async fn nothing_pending_is_one_query_whatever_the_history_holds<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    // Nine thousand nine hundred and ninety-nine others of ours before it, and as many of others.
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 \
                  UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 \
                  UNION ALL SELECT 8 UNION ALL SELECT 9)";
    ground.ask("UPDATE __migrations__ SET seq = 10000").await;
    for namespace in ["", "another"] {
        ground
            .ask(&format!(
                "INSERT INTO __migrations__ (namespace, version, seq, id, name, description, \
                 checksum, down_checksum, state, statements, statements_done, down_sql, \
                 rollback_safe, compatible, applied_at, execution_ms, applied_by, error, run, \
                 digest, layout) \
                 SELECT '{namespace}', n + 10, n, CONCAT(n + 10, '_old'), name, description, \
                 checksum, down_checksum, state, statements, statements_done, down_sql, \
                 rollback_safe, TRUE, applied_at, execution_ms, applied_by, error, run, digest, \
                 layout FROM __migrations__, \
                 (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d AS n \
                 FROM {digits} a, {digits} b, {digits} c, {digits} d) AS numbers \
                 WHERE n > 0 AND version = 1 AND namespace = ''"
            ))
            .await;
    }
    assert_eq!(
        ground.value("SELECT COUNT(*) FROM __migrations__").await,
        "19999"
    );
    let proxy = Proxy::start(ground.url());
    let pool = pool::<DB>(&proxy).await;
    proxy.reset();
    assert!(set.up(&pool).await.expect("up works").is_up_to_date());
    one_query_each(&proxy, 1);
    // The index answers, however long the history is.
    let analyze = match DB::SERVER {
        Engine::MariaDb => "ANALYZE TABLE __migrations__",
        Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => "ANALYZE __migrations__",
    };
    ground.ask(analyze).await;
    let query = proxy.messages()[0].sql.clone().expect("it is a query");
    let plan = ground
        .ask(&format!("EXPLAIN {}", query.trim_end_matches([';', '\n'])))
        .await;
    let plan = format!("{plan:?}");
    assert!(
        plan.contains("Index Scan Backward using") || plan.contains("newest"),
        "{plan}"
    );
    assert!(
        !plan.contains("Sort") && !plan.contains("filesort"),
        "{plan}"
    );
}

async fn nothing_pending_writes_nothing<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    set.up(ground.url()).await.expect("up works");
    let mut connection = ground.connect().await;
    let read_only = match DB::SERVER {
        Engine::MariaDb => "SET SESSION TRANSACTION READ ONLY",
        Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => {
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
        }
    };
    ask::<DB>(&mut connection, read_only).await;
    let held = DB::up_on(&set, &mut connection)
        .await
        .expect("up writes nothing");
    assert!(held.is_up_to_date());
    // The same session does not let anything be written.
    let three = tables::<DB>(3);
    let error = DB::up_on(&three, &mut connection)
        .await
        .expect_err("up has to write");
    let words = error.to_string().to_lowercase().replace('-', " ");
    assert!(words.contains("read only"), "{error}");
}

async fn pending_migrations_cost_a_message_each<DB: Product>(ground: Ground<DB>) {
    let proxy = Proxy::start(ground.url());
    for count in [1, 10, 50] {
        let set = tables::<DB>(count);
        // A proxy may be a pooler, and to find out takes a connection of its own.
        let data = set.migrator().lock(Lock::Session);
        proxy.reset();
        let report = data.up(proxy.url()).await.expect("up works");
        assert_eq!(report.done.len(), count);
        let spent = proxy.round_trips();
        assert!(
            spent <= count + 8,
            "{count}: {spent} round trips\n{}",
            proxy.transcript()
        );
        assert_only_simple(&proxy);
        set.down(ground.url(), Down::All).await.expect("down works");
    }
    // And migrations of data alone, which have a transaction of their own everywhere.
    let count = 10;
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    let files: Vec<_> = (2..2 + count)
        .map(|n| {
            let up =
                format!("INSERT INTO t1 VALUES ({n});\nUPDATE t1 SET id = -{n} WHERE id = {n}");
            (
                format!("{n:04}_fill"),
                File::new(&up, &format!("DELETE FROM t1 WHERE id = -{n}")),
            )
        })
        .collect();
    let mut files: Vec<_> = files
        .iter()
        .map(|(id, file)| (id.as_str(), file.clone()))
        .collect();
    files.insert(0, ("0001_t1", File::table("t1")));
    let set = migrations::<DB>(&files);
    let migrator = set.migrator().lock(Lock::Session);
    proxy.reset();
    let report = migrator.up(proxy.url()).await.expect("up works");
    assert_eq!(report.done.len(), count);
    let spent = proxy.round_trips();
    assert!(
        spent <= count + 8,
        "{spent} round trips\n{}",
        proxy.transcript()
    );
}

fn assert_only_simple(proxy: &Proxy) {
    let simple = |message: &Message| matches!(message.kind, Kind::Query | Kind::Terminate);
    assert!(
        proxy.messages().iter().all(simple),
        "{}",
        proxy.transcript()
    );
}

async fn status_and_plan_look_once<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(10);
    tables::<DB>(5).up(ground.url()).await.expect("up works");
    let proxy = Proxy::start(ground.url());
    let pool = pool::<DB>(&proxy).await;
    proxy.reset();
    assert_eq!(
        set.status(&pool).await.expect("status works").pending.len(),
        5
    );
    assert_eq!(set.plan(&pool).await.expect("plan works").steps.len(), 5);
    let looks = proxy.messages();
    let looks = looks.iter().filter(|message| {
        message
            .sql
            .as_ref()
            .is_some_and(|sql| !sql.starts_with("SET sql_mode=("))
    });
    assert_eq!(looks.count(), 2, "{}", proxy.transcript());
}

async fn all_in_one_transaction_are_one_message(ground: Ground<Postgres>) {
    let proxy = Proxy::start(ground.url());
    for count in [1, 10, 50] {
        let set: Migrations<Postgres> = tables(count);
        proxy.reset();
        let migrator = set.migrator().lock(Lock::Session).mode(Mode::All);
        let report = migrator.up(proxy.url()).await;
        assert_eq!(report.expect("up works").done.len(), count);
        let spent = proxy.round_trips();
        assert!(
            spent <= 9,
            "{count}: {spent} round trips\n{}",
            proxy.transcript()
        );
        set.down(ground.url(), Down::All).await.expect("down works");
    }
}

async fn nothing_pending_needs_no_right_but_to_read(ground: Ground<Postgres>) {
    let set = tables::<Postgres>(3);
    set.up(ground.url()).await.expect("up works");
    let role = format!("reader_{}", std::process::id());
    let mut connection = ground.connect().await;
    let rights = format!(
        "CREATE ROLE {role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
         GRANT SELECT ON __migrations__ TO {role}; SET ROLE {role}"
    );
    ask::<Postgres>(&mut connection, &rights).await;
    assert!(
        set.up(&mut connection)
            .await
            .expect("up only reads")
            .is_up_to_date()
    );
    assert!(
        set.status(&mut connection)
            .await
            .expect("status only reads")
            .is_up_to_date()
    );
    assert!(
        set.plan(&mut connection)
            .await
            .expect("plan only reads")
            .is_empty()
    );
    set.wait(&mut connection).await.expect("wait only reads");
    let older = tables::<Postgres>(2);
    let error = older
        .migrator()
        .unknown(Unknown::Refuse)
        .up(&mut connection)
        .await
        .expect_err("an unknown one is there");
    assert_eq!(error.kind(), ErrorKind::Diverged);
    let error = tables::<Postgres>(4)
        .up(&mut connection)
        .await
        .expect_err("it may not write");
    assert!(error.to_string().contains("permission denied"), "{error}");
    ask::<Postgres>(
        &mut connection,
        &format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}"),
    )
    .await;
}

async fn nothing_pending_needs_no_right_but_to_read_in_mysql(ground: Ground<sqlx::MySql>) {
    let set = tables::<sqlx::MySql>(3);
    set.up(ground.url()).await.expect("up works");
    let user = format!("reader_{}", std::process::id());
    let database = ground.value("SELECT DATABASE()").await;
    ground
        .ask(&format!(
            "CREATE USER {user}@'%' IDENTIFIED BY 'only-reads'; \
             GRANT SELECT ON {database}.__migrations__ TO {user}@'%'"
        ))
        .await;
    let url = backstitch_tests::url::ServerUrl {
        credentials: Some(format!("{user}:only-reads")),
        ..backstitch_tests::url::ServerUrl::parse(ground.url())
    };
    let url = url.to_string();
    let url = url.as_str();
    assert!(set.up(url).await.expect("up only reads").is_up_to_date());
    assert!(
        set.status(url)
            .await
            .expect("status only reads")
            .is_up_to_date()
    );
    set.wait(url).await.expect("wait only reads");
    let error = tables::<sqlx::MySql>(4)
        .up(url)
        .await
        .expect_err("it may not write");
    assert!(error.to_string().contains("denied"), "{error}");
    ground.ask(&format!("DROP USER {user}@'%'")).await;
}
