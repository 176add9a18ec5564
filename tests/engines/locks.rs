//! One runs, the others wait: for how long, for whom, and what lets the next one go on.

use std::time::{Duration, Instant};

use backstitch::{ErrorKind, Event, Migrations};
use sqlx::{MySql, Pool, Postgres};

use crate::ground::{File, Ground, Product, ask, migrations, scenarios, tables, until};

scenarios! {
    everywhere: [
        the_second_waits_and_finds_nothing_to_do,
        the_wait_is_bounded_and_names_the_holder,
        the_wait_is_told_to_the_observer,
        an_error_frees_the_lock,
        a_panic_frees_the_lock,
        a_dropped_future_frees_the_lock,
        a_run_leaves_no_lock_behind,
    ],
    postgres: [
        an_index_is_made_concurrently_while_others_wait,
        an_index_waits_for_an_old_transaction,
        an_index_that_is_half_made_is_not_taken_for_made,
        each_history_has_a_lock_of_its_own,
    ],
    mariadb: [
        the_lock_is_that_of_one_database,
        one_history_has_one_lock_wherever_one_comes_from,
        a_wait_that_is_interrupted_gives_no_lock,
    ],
}

/// A migration that takes as long as the table `naps` says, in tenths of a second, and then
/// another one.
fn sleepy<DB: Product>() -> Migrations<DB> {
    migrations(&[
        ("0001_nap", File::new(DB::NAP, "DELETE FROM naps")),
        ("0002_after", File::table("after_it")),
    ])
}

async fn nap<DB: Product>(ground: &Ground<DB>, tenths: u32) {
    ground
        .ask(&format!(
            "CREATE TABLE IF NOT EXISTS naps (tenths INTEGER); DELETE FROM naps; \
             INSERT INTO naps VALUES ({tenths})"
        ))
        .await;
}

/// Starts a run in the background, and comes back when it is in the middle of the nap.
async fn napping<DB: Product>(ground: &Ground<DB>) -> tokio::task::JoinHandle<usize> {
    let url = ground.url().to_owned();
    let (started, napping) = tokio::sync::oneshot::channel();
    let started = std::sync::Mutex::new(Some(started));
    let run = tokio::spawn(async move {
        let set = sleepy::<DB>();
        let migrator = set.migrator().observer(move |event: Event<'_>| {
            if let Event::MigrationStarted { .. } = event
                && let Some(started) = started.lock().expect("nobody panics").take()
            {
                let _ = started.send(());
            }
        });
        migrator
            .up(url.as_str())
            .await
            .expect("the first run works")
            .done
            .len()
    });
    napping.await.expect("it starts");
    held(ground).await;
    run
}

/// Comes back when somebody has the lock.
async fn held<DB: Product>(ground: &Ground<DB>) {
    // The others have it before they say that they begin; on SQLite it is the transaction that
    // comes after.
    if ground.engine() == backstitch_tests::servers::Engine::Sqlite {
        until("somebody writes", async || {
            DB::ask(
                &mut ground.connect().await,
                "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE",
            )
            .await
            .is_err()
        })
        .await;
    }
}

/// Behind a pooler it does not help to close the connection: what holds the lock is the pooler's.
#[tokio::test]
async fn the_lock_is_given_back_behind_pgbouncer() {
    use backstitch_tests::servers::Engine;
    let Some(ground) = Ground::<Postgres>::on(Engine::PgBouncer) else {
        return;
    };
    for count in 1..=4 {
        // Somebody else's transaction changes which connection of the pooler is ours.
        let mut other = ground.connect().await;
        ask::<Postgres>(&mut other, "BEGIN; SELECT 1").await;
        let set = tables::<Postgres>(count);
        let migrator = set.migrator().lock_wait(Duration::from_secs(20));
        let report = migrator.up(ground.url()).await.expect("the lock is free");
        assert_eq!(report.done.len(), 1);
        ask::<Postgres>(&mut other, "COMMIT").await;
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                     (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(ground.value(locks).await, "0");
        let setting = "SHOW client_connection_check_interval";
        assert_eq!(
            ground.value(setting).await,
            "0",
            "a setting was left behind"
        );
    }
}

async fn the_second_waits_and_finds_nothing_to_do<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 8).await;
    let first = napping(&ground).await;
    let report = sleepy::<DB>()
        .up(ground.url())
        .await
        .expect("the second run works");
    assert!(report.remaining.is_empty(), "{report:?}");
    // The lock of SQLite is free between two migrations, and whoever is there first has the next.
    let is_whole = ground.engine() != backstitch_tests::servers::Engine::Sqlite;
    assert!(report.done.is_empty() || !is_whole, "{report:?}");
    assert_eq!(first.await.expect("no panic") + report.done.len(), 2);
}

async fn the_wait_is_bounded_and_names_the_holder<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 60).await;
    let first = napping(&ground).await;
    let set = sleepy::<DB>();
    let migrator = set.migrator().lock_wait(Duration::from_millis(500));
    let error = migrator
        .up(ground.url())
        .await
        .expect_err("the first has it");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(!first.is_finished(), "it waited until the first had ended");
    let shown = error.to_string();
    let pid = std::process::id().to_string();
    let holder = match ground.engine() {
        backstitch_tests::servers::Engine::MariaDb => "server connection ".to_owned(),
        backstitch_tests::servers::Engine::Sqlite => format!("process {pid} ("),
        _ => format!("pid {pid} (backstitch "),
    };
    assert!(shown.contains(&holder), "{holder}\n{shown}");
    assert!(shown.contains("lock_wait"), "{shown}");
    // A rollback waits for the same lock.
    if ground.engine() != backstitch_tests::servers::Engine::Sqlite {
        let down = migrator.down(ground.url(), backstitch::Down::All).await;
        assert_eq!(
            down.expect_err("the first has it").kind(),
            ErrorKind::Locked
        );
    }
    assert_eq!(first.await.expect("no panic"), 2);
}

async fn the_wait_is_told_to_the_observer<DB: Product>(ground: Ground<DB>) {
    // A server that is asked for its lock may wait for a second by itself.
    nap(&ground, 50).await;
    let first = napping(&ground).await;
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let set = sleepy::<DB>();
    let migrator = set.migrator().observer({
        let told = told.clone();
        move |event: Event<'_>| {
            if let Event::Waiting { holder, .. } = event {
                told.lock()
                    .expect("nobody panics")
                    .push(holder.map(str::to_owned));
            }
        }
    });
    let began = Instant::now();
    migrator
        .up(ground.url())
        .await
        .expect("the second run works");
    let told = told.lock().expect("nobody panics").clone();
    // At once, and then every five seconds.
    let times = 1 + began.elapsed().as_secs() as usize / 5;
    assert!((1..=times).contains(&told.len()), "{times}: {told:?}");
    assert!(told[0].is_some(), "{told:?}");
    first.await.expect("no panic");
}

async fn an_error_frees_the_lock<DB: Product>(ground: Ground<DB>) {
    let bad = migrations::<DB>(&[(
        "0001_bad",
        File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
    )]);
    let pool = ground.pool(2).await;
    bad.up(&pool).await.expect_err("it is wrong");
    bad.up(ground.url()).await.expect_err("it is wrong");
    let mut borrowed = ground.connect().await;
    DB::up_on(&bad, &mut borrowed)
        .await
        .expect_err("it is wrong");
    goes_on(&ground, "0001_good").await;
    drop(pool);
}

async fn a_panic_frees_the_lock<DB: Product>(ground: Ground<DB>) {
    let pool = ground.pool(2).await;
    for database in [None, Some(pool.clone())] {
        let url = ground.url().to_owned();
        let run = tokio::spawn(async move {
            let set = tables::<DB>(2);
            let migrator = set.migrator().observer(|event: Event<'_>| {
                assert!(
                    !matches!(event, Event::StatementDone { .. }),
                    "the observer panics"
                );
            });
            match database {
                Some(pool) => migrator.up(&pool).await,
                None => migrator.up(url.as_str()).await,
            }
        });
        let error = run.await.expect_err("the observer panics");
        assert!(error.is_panic());
    }
    let set = tables::<DB>(2);
    let report = set
        .migrator()
        .lock_wait(Duration::from_secs(20))
        .up(ground.url())
        .await;
    report.expect("the lock is free");
    assert_eq!(ground.history().await.len(), 2);
}

async fn a_dropped_future_frees_the_lock<DB: Product>(ground: Ground<DB>) {
    // SQLite cannot sleep, so it works on until the statement is done.
    let long = if ground.engine() == backstitch_tests::servers::Engine::Sqlite {
        20
    } else {
        600
    };
    let pool = ground.pool(2).await;
    for from_pool in [false, true] {
        nap(&ground, long).await;
        let set = sleepy::<DB>();
        let limit = Duration::from_millis(500);
        let cut = match from_pool {
            true => tokio::time::timeout(limit, set.up(&pool)).await.map(drop),
            false => tokio::time::timeout(limit, set.up(ground.url()))
                .await
                .map(drop),
        };
        assert!(cut.is_err(), "it was not cut off");
        // Data cannot be changed while the run is still in the file.
        until("the naps are over", async || {
            let mut connection = ground.connect().await;
            DB::ask(&mut connection, "UPDATE naps SET tenths = 0")
                .await
                .is_ok()
        })
        .await;
        // Shorter than the nap that was cut off.
        let migrator = set.migrator().lock_wait(Duration::from_secs(40));
        migrator.up(ground.url()).await.expect("the lock is free");
        assert_eq!(ground.history().await.len(), 2);
        ground
            .ask("DROP TABLE after_it; DROP TABLE __migrations__")
            .await;
    }
}

/// Another run gets the lock at once.
async fn goes_on<DB: Product>(ground: &Ground<DB>, id: &str) {
    let good = migrations::<DB>(&[(id, File::table("good"))]);
    let migrator = good.migrator().lock_wait(Duration::from_secs(20));
    let report = migrator.up(ground.url()).await.expect("the lock is free");
    assert_eq!(report.done.len(), 1);
}

async fn a_run_leaves_no_lock_behind<DB: Product>(ground: Ground<DB>) {
    let mut borrowed = ground.connect().await;
    let pool: Pool<DB> = ground.pool(2).await;
    DB::up_on(&tables(1), &mut borrowed)
        .await
        .expect("up works");
    tables::<DB>(2).up(&pool).await.expect("up works");
    tables::<DB>(3).up(ground.url()).await.expect("up works");
    DB::up_on(&tables(4), &mut borrowed)
        .await
        .expect("up works");
    let report = tables::<DB>(5)
        .migrator()
        .lock_wait(Duration::from_secs(1))
        .up(&pool)
        .await;
    assert_eq!(report.expect("the lock is free").done.len(), 1);
    assert_eq!(
        ask::<DB>(&mut borrowed, "SELECT COUNT(*) FROM __migrations__").await,
        [["5"]]
    );
}

async fn an_index_is_made_concurrently_while_others_wait(ground: Ground<Postgres>) {
    let set = || {
        migrations::<Postgres>(&[
            (
                "0001_rows",
                File::new(
                    "CREATE TABLE rows AS SELECT generate_series(1, 100000) AS id",
                    "DROP TABLE rows",
                ),
            ),
            (
                "0002_index",
                File::new(
                    "CREATE INDEX CONCURRENTLY rows_id ON rows (id)",
                    "DROP INDEX CONCURRENTLY rows_id",
                )
                .with("@transaction: false"),
            ),
        ])
    };
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let url = ground.url().to_owned();
            tokio::spawn(async move { set().up(url.as_str()).await })
        })
        .collect();
    let mut done = 0;
    for run in runs {
        done += run
            .await
            .expect("no panic")
            .expect("no deadlock")
            .done
            .len();
    }
    assert_eq!(done, 2);
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'rows_id'::regclass";
    assert_eq!(ground.value(valid).await, "t");
}

async fn an_index_waits_for_an_old_transaction(ground: Ground<Postgres>) {
    tables::<Postgres>(1)
        .up(ground.url())
        .await
        .expect("up works");
    let index = File::new(
        "CREATE INDEX CONCURRENTLY t1_id ON t1 (id)",
        "DROP INDEX CONCURRENTLY t1_id",
    );
    let set = migrations::<Postgres>(&[
        ("0001_t1", File::table("t1")),
        ("0002_index", index.with("@transaction: false")),
    ]);
    let mut old = ground.connect().await;
    ask::<Postgres>(
        &mut old,
        "BEGIN; UPDATE t1 SET id = id; SELECT pg_current_xact_id()",
    )
    .await;
    let url = ground.url().to_owned();
    let run = tokio::spawn(async move {
        let migrator = set.migrator().lock_timeout(Duration::from_millis(200));
        migrator.up(url.as_str()).await
    });
    tokio::time::sleep(Duration::from_millis(900)).await;
    ask::<Postgres>(&mut old, "COMMIT").await;
    run.await
        .expect("no panic")
        .expect("it waits: nobody queues behind it");
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't1_id'::regclass";
    assert_eq!(ground.value(valid).await, "t");
}

async fn an_index_that_is_half_made_is_not_taken_for_made(ground: Ground<Postgres>) {
    tables::<Postgres>(1)
        .up(ground.url())
        .await
        .expect("up works");
    let index = File::new(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS t1_id ON t1 (id)",
        "DROP INDEX CONCURRENTLY t1_id",
    );
    let set = migrations::<Postgres>(&[
        ("0001_t1", File::table("t1")),
        (
            "0002_index",
            index
                .with("@transaction: false")
                .with("@lockTimeout: 200ms"),
        ),
    ]);
    let mut old = ground.connect().await;
    ask::<Postgres>(
        &mut old,
        "BEGIN; UPDATE t1 SET id = id; SELECT pg_current_xact_id()",
    )
    .await;
    let error = set
        .up(ground.url())
        .await
        .expect_err("the file asks not to wait");
    assert!(
        error.to_string().contains("such as an invalid index"),
        "{error}"
    );
    assert!(!error.to_string().contains("Nothing of"), "{error}");
    ask::<Postgres>(&mut old, "COMMIT").await;
    // The index is there by name, but invalid, and the statement itself would pass over it.
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't1_id'::regclass";
    assert_eq!(ground.value(valid).await, "f");
    set.up(ground.url()).await.expect("it is made anew");
    assert_eq!(ground.value(valid).await, "t");
}

async fn each_history_has_a_lock_of_its_own(ground: Ground<Postgres>) {
    nap(&ground, 10).await;
    let first = napping(&ground).await;
    let other = tables::<Postgres>(1);
    let migrator = other
        .migrator()
        .tables("other", "other_back")
        .lock_wait(Duration::from_millis(300));
    migrator
        .up(ground.url())
        .await
        .expect("another history, another lock");
    first.await.expect("no panic");
}

async fn the_lock_is_that_of_one_database(ground: Ground<MySql>) {
    nap(&ground, 10).await;
    let first = napping(&ground).await;
    let other = Ground::<MySql>::new().expect("there is a server");
    let set = tables::<MySql>(1);
    let migrator = set.migrator().lock_wait(Duration::from_millis(300));
    migrator
        .up(other.url())
        .await
        .expect("another database, another lock");
    first.await.expect("no panic");
}

async fn one_history_has_one_lock_wherever_one_comes_from(ground: Ground<MySql>) {
    nap(&ground, 60).await;
    let first = napping(&ground).await;
    let here = ground.value("SELECT DATABASE()").await;
    let other = Ground::<MySql>::new().expect("there is a server");
    let set = sleepy::<MySql>();
    let migrator = set
        .migrator()
        .schema(here)
        .lock_wait(Duration::from_millis(300));
    let error = migrator
        .up(other.url())
        .await
        .expect_err("the same history, the same lock");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    first.await.expect("no panic");
}

async fn a_wait_that_is_interrupted_gives_no_lock(ground: Ground<MySql>) {
    // `GET_LOCK` answers NULL, or the query fails, when somebody interrupts it.
    nap(&ground, 60).await;
    let first = napping(&ground).await;
    let waits = "SELECT ID FROM information_schema.PROCESSLIST \
                 WHERE INFO LIKE 'SELECT GET_LOCK%' AND DB = DATABASE()";
    let interrupt = async {
        until("it waits", async || !ground.ask(waits).await.is_empty()).await;
        let id = ground.value(waits).await;
        ground.ask(&format!("KILL QUERY {id}")).await;
    };
    let set = sleepy::<MySql>();
    let (second, ()) = tokio::join!(set.up(ground.url()), interrupt);
    match second {
        Ok(report) => assert!(report.done.is_empty(), "{report:?}"),
        Err(error) => assert!(
            error.to_string().contains("cannot take the migration lock"),
            "{error}"
        ),
    }
    assert_eq!(first.await.expect("no panic"), 2);
}
