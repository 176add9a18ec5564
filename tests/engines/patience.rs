//! Locks inside the database, and how long a statement may wait for one, or run.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backstitch::{ErrorKind, Event};
use sqlx::{MySql, Postgres};

use crate::ground::{File, Ground, Product, ask, migrations, scenarios, tables, until};

scenarios! {
    servers: [
        a_locked_table_is_tried_again,
        a_locked_table_is_given_up_in_the_end,
        a_statement_runs_as_long_as_it_may,
        a_file_sets_its_own_limits,
        nothing_is_left_half_done_for_a_lock,
    ],
    postgres: [
        no_limit_is_inherited,
        no_limit_of_the_role_or_the_database_is_inherited,
        a_deadlock_is_tried_again,
    ],
    mariadb: [
        no_limit_of_the_session_is_inherited,
    ],
}

/// A migration that needs the table `t1` for itself.
fn alter() -> File {
    File::new(
        "ALTER TABLE t1 ADD COLUMN more INTEGER",
        "ALTER TABLE t1 DROP COLUMN more",
    )
}

/// Holds the table `t1` in a transaction of its own.
async fn hold<DB: Product>(ground: &Ground<DB>) -> DB::Connection {
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    let mut connection = ground.connect().await;
    ask::<DB>(&mut connection, "START TRANSACTION").await;
    ask::<DB>(&mut connection, "INSERT INTO t1 VALUES (1)").await;
    connection
}

async fn a_locked_table_is_tried_again<DB: Product>(ground: Ground<DB>) {
    let mut holder = hold(&ground).await;
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let url = ground.url().to_owned();
    let run = tokio::spawn({
        let attempts = attempts.clone();
        async move {
            let set = migrations::<DB>(&[("0001_t1", File::table("t1")), ("0002_alter", alter())]);
            let migrator = set
                .migrator()
                .lock_timeout(Duration::from_millis(200))
                .observer(move |event: Event<'_>| {
                    if let Event::Retrying { id, attempt, pause } = event {
                        // Each is twice as long as the one before, up to a point, and drawn by lot.
                        let longest = Duration::from_millis(100) * 2u32.pow(attempt.min(6));
                        assert!(
                            (longest / 2..=longest).contains(&pause),
                            "{attempt}: {pause:?}"
                        );
                        attempts
                            .lock()
                            .expect("nobody panics")
                            .push((id.to_owned(), attempt));
                    }
                });
            migrator.up(url.as_str()).await
        }
    });
    until("it has tried twice", async || {
        attempts.lock().expect("nobody panics").len() >= 2
    })
    .await;
    ask::<DB>(&mut holder, "COMMIT").await;
    let report = run.await.expect("no panic").expect("it is had in the end");
    assert_eq!(report.done.len(), 1);
    let attempts = attempts.lock().expect("nobody panics").clone();
    assert!(attempts.len() >= 2, "{attempts:?}");
    assert!(
        attempts
            .iter()
            .zip(1..)
            .all(|(found, n)| *found == ("0002_alter".to_owned(), n)),
        "{attempts:?}"
    );
    assert_eq!(
        ground.history().await,
        ["0001_t1 applied 1/1", "0002_alter applied 1/1"]
    );
    assert_eq!(ground.value("SELECT COUNT(*) FROM t1").await, "1");
}

async fn a_locked_table_is_given_up_in_the_end<DB: Product>(ground: Ground<DB>) {
    let mut holder = hold(&ground).await;
    let set = migrations::<DB>(&[("0001_t1", File::table("t1")), ("0002_alter", alter())]);
    let migrator = set
        .migrator()
        .lock_timeout(Duration::from_millis(100))
        .retries(1);
    let error = migrator
        .up(ground.url())
        .await
        .expect_err("it is never had");
    assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
    assert_eq!(error.migration(), Some("0002_alter"));
    let shown = error.to_string().to_lowercase();
    assert!(
        shown.contains("lock") && shown.contains("0002_alter.sql:7:1\n"),
        "{shown}"
    );
    assert!(shown.contains("tried 2 times"), "{shown}");
    ask::<DB>(&mut holder, "COMMIT").await;
    // Nothing has happened, so it is no half and can be tried again.
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 1);
}

async fn nothing_is_left_half_done_for_a_lock<DB: Product>(ground: Ground<DB>) {
    let mut holder = hold(&ground).await;
    let url = ground.url().to_owned();
    let run = tokio::spawn(async move {
        let outside = File::new(
            "CREATE TABLE t2 (id INTEGER PRIMARY KEY);\nALTER TABLE t1 ADD COLUMN more INTEGER",
            "ALTER TABLE t1 DROP COLUMN more;\nDROP TABLE t2",
        );
        let outside = outside.with("@transaction: false");
        let set = migrations::<DB>(&[("0001_t1", File::table("t1")), ("0002_outside", outside)]);
        let migrator = set.migrator().lock_timeout(Duration::from_millis(100));
        migrator.up(url.as_str()).await
    });
    tokio::time::sleep(Duration::from_millis(2500)).await;
    ask::<DB>(&mut holder, "COMMIT").await;
    let report = run
        .await
        .expect("no panic")
        .expect("the lock is waited for");
    assert_eq!(report.done.len(), 1);
    assert_eq!(
        ground.history().await,
        ["0001_t1 applied 1/1", "0002_outside applied 2/2"]
    );
}

/// Counts for minutes. A sleep that MySQL breaks off is no error there, and tells that it was.
const COUNTING: &str = "SELECT COUNT(*) FROM information_schema.COLLATIONS a, \
    information_schema.COLLATIONS b, information_schema.COLLATIONS c, \
    information_schema.COLLATIONS d WHERE a.ID * b.ID * c.ID * d.ID = 7";

async fn a_statement_runs_as_long_as_it_may<DB: Product>(ground: Ground<DB>) {
    let sleep = if DB::DDL_ROLLS_BACK {
        "SELECT pg_sleep(120)"
    } else {
        COUNTING
    };
    let set = migrations::<DB>(&[("0001_slow", File::new(sleep, "SELECT 1"))]);
    let start = Instant::now();
    let migrator = set.migrator().statement_timeout(Duration::from_millis(300));
    let error = migrator
        .up(ground.url())
        .await
        .expect_err("it takes too long");
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
    assert!(error.to_string().contains("0001_slow.sql:7:1\n"), "{error}");
    assert_eq!(ground.history().await, ["0001_slow failed 0/1"]);
}

async fn a_file_sets_its_own_limits<DB: Product>(ground: Ground<DB>) {
    let (short, long) = if DB::DDL_ROLLS_BACK {
        ("SELECT pg_sleep(0.4)", "SELECT pg_sleep(20)")
    } else {
        ("SELECT SLEEP(0.4)", COUNTING)
    };
    let set = migrations::<DB>(&[
        (
            "0001_patient",
            File::new(short, "SELECT 1").with("@statementTimeout: 5s"),
        ),
        (
            "0002_hasty",
            File::new(long, "SELECT 1").with("@statementTimeout: 200ms"),
        ),
    ]);
    let migrator = set.migrator().statement_timeout(Duration::from_millis(100));
    let error = migrator
        .up(ground.url())
        .await
        .expect_err("the second takes too long");
    assert_eq!(error.migration(), Some("0002_hasty"), "{error}");

    let mut holder = hold_as(&ground).await;
    let hasty = migrations::<DB>(&[(
        "0001_alter",
        File::new("ALTER TABLE held ADD COLUMN more INTEGER", "SELECT 1")
            .with("@lockTimeout: 100ms"),
    )]);
    let start = Instant::now();
    // What the program says is longer.
    let migrator = hasty.migrator().namespace("hasty").retries(0);
    let migrator = migrator.lock_timeout(Duration::from_secs(60));
    migrator.up(ground.url()).await.expect_err("it is held");
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    ask::<DB>(&mut holder, "COMMIT").await;
}

async fn hold_as<DB: Product>(ground: &Ground<DB>) -> DB::Connection {
    let mut connection = ground.connect().await;
    ask::<DB>(
        &mut connection,
        "CREATE TABLE held (id INTEGER); START TRANSACTION; INSERT INTO held VALUES (1)",
    )
    .await;
    connection
}

async fn no_limit_is_inherited(ground: Ground<Postgres>) {
    let options = sqlx::postgres::PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            let limits = "SET statement_timeout = '150ms'; SET lock_timeout = '10ms'";
            sqlx::Executor::execute(connection, sqlx::raw_sql(limits)).await?;
            Ok(())
        })
    });
    let pool = options.connect(ground.url()).await.expect("connects");
    let mut holder = hold(&ground).await;
    let run = tokio::spawn(async move {
        let set = migrations::<Postgres>(&[
            ("0001_t1", File::table("t1")),
            ("0002_alter", alter()),
            ("0003_slow", File::new("SELECT pg_sleep(0.4)", "SELECT 1")),
            (
                "0004_slow",
                File::new("SELECT pg_sleep(0.4)", "SELECT 1").with("@transaction: false"),
            ),
            (
                "0005_check",
                File::new("SELECT 1", "SELECT 1")
                    .after("slow", "SELECT 1 FROM (SELECT pg_sleep(0.4)) s WHERE false"),
            ),
        ]);
        set.migrator().lock_timeout(None).up(&pool).await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    ask::<Postgres>(&mut holder, "COMMIT").await;
    run.await
        .expect("no panic")
        .expect("nothing of the pool's limits holds");
}

async fn no_limit_of_the_session_is_inherited(ground: Ground<MySql>) {
    // MySQL limits only what reads, and by another name.
    let statement = match ground.is_maria().await {
        true => "max_statement_time = 0.15",
        false => "max_execution_time = 150",
    };
    let limits = format!(
        "SET SESSION {statement}, SESSION lock_wait_timeout = 1, \
         SESSION innodb_lock_wait_timeout = 1"
    );
    let options = sqlx::mysql::MySqlPoolOptions::new().after_connect(move |connection, _| {
        let limits = limits.clone();
        Box::pin(async move { MySql::ask(connection, &limits).await.map(drop) })
    });
    let pool = options.connect(ground.url()).await.expect("connects");
    let mut holder = hold(&ground).await;
    let run = tokio::spawn(async move {
        let slow = || File::new("SELECT SLEEP(0.4)", "SELECT 1");
        let set = migrations::<MySql>(&[
            ("0001_t1", File::table("t1")),
            ("0002_alter", alter()),
            ("0003_slow", slow()),
            ("0004_slow", slow().with("@transaction: false")),
        ]);
        let migrator = set.migrator().lock_timeout(None).retries(0);
        migrator.up(&pool).await
    });
    tokio::time::sleep(Duration::from_millis(2500)).await;
    ask::<MySql>(&mut holder, "COMMIT").await;
    let report = run.await.expect("no panic");
    assert_eq!(report.expect("none of them holds").done.len(), 3);
}

async fn a_deadlock_is_tried_again(ground: Ground<Postgres>) {
    tables::<Postgres>(2)
        .up(ground.url())
        .await
        .expect("up works");
    let mut other = ground.connect().await;
    ask::<Postgres>(
        &mut other,
        "SET deadlock_timeout = '10s'; BEGIN; LOCK TABLE t2",
    )
    .await;
    let url = ground.url().to_owned();
    let run = tokio::spawn(async move {
        let set = migrations::<Postgres>(&[
            ("0001_t1", File::table("t1")),
            ("0002_t2", File::table("t2")),
            (
                "0003_both",
                File::new(
                    "ALTER TABLE t1 ADD a int;\nALTER TABLE t2 ADD a int",
                    "SELECT 1",
                ),
            ),
        ]);
        set.up(url.as_str()).await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    ask::<Postgres>(&mut other, "LOCK TABLE t1; COMMIT").await;
    assert_eq!(
        run.await
            .expect("no panic")
            .expect("the second attempt works")
            .done
            .len(),
        1
    );
}

async fn no_limit_of_the_role_or_the_database_is_inherited(ground: Ground<Postgres>) {
    let database = ground.value("SELECT current_database()").await;
    for whose in [
        format!("ROLE CURRENT_USER IN DATABASE {database}"),
        format!("DATABASE {database}"),
    ] {
        for limit in ["lock_timeout = '10ms'", "statement_timeout = '150ms'"] {
            ground.ask(&format!("ALTER {whose} SET {limit}")).await;
        }
    }
    assert_eq!(ground.value("SHOW lock_timeout").await, "10ms");
    let mut holder = hold(&ground).await;
    let url = ground.url().to_owned();
    let run = tokio::spawn(async move {
        let slow = || File::new("SELECT pg_sleep(0.4)", "SELECT 1");
        let outside = File::new(
            "SELECT 1;\nALTER TABLE t1 ADD COLUMN most INTEGER;\nSELECT pg_sleep(0.4)",
            "SELECT 1",
        );
        let set = migrations::<Postgres>(&[
            ("0001_t1", File::table("t1")),
            ("0002_outside", outside.with("@transaction: false")),
            ("0003_alter", alter()),
            ("0004_slow", slow()),
            ("0005_slow", slow().with("@transaction: false")),
        ]);
        let migrator = set.migrator().lock_timeout(None).retries(0);
        migrator.up(url.as_str()).await
    });
    tokio::time::sleep(Duration::from_millis(600)).await;
    ask::<Postgres>(&mut holder, "COMMIT").await;
    let report = run.await.expect("no panic");
    assert_eq!(report.expect("nothing of them holds").done.len(), 4);
}
