//! A row for a lock: who has it, for how long, and what becomes of a holder that slept past it.

use std::process::Command;
use std::time::{Duration, Instant};

use backstitch::{Down, ErrorKind, Event, Lock, Migrations, Repair};
use backstitch_tests::process::{Process, together};
use backstitch_tests::servers::Engine;
use sqlx::{Postgres, Sqlite};

use crate::ground::{File, Folder, Ground, Product, migrations, program, scenarios, tables, until};

scenarios! {
    servers: [
        a_lease_is_taken_and_given_back,
        a_long_statement_does_not_outlast_it,
        a_killed_holder_is_outlived,
        a_dropped_run_is_outlived,
        a_holder_that_lost_it_cannot_write,
        a_paused_process_cannot_write,
        many_processes_start_at_once_by_lease,
        a_pool_of_one_can_have_one,
        what_runs_outside_of_a_transaction_is_fenced_too,
    ],
}

pub(crate) const SHORT: Lock = Lock::Lease {
    expires_after: Duration::from_secs(2),
};

/// Takes as long as `naps` says, and then two lines of a log.
pub(crate) fn sleepy<DB: Product>() -> [(&'static str, File); 3] {
    let line = |n: u32| {
        File::new(
            &format!("INSERT INTO log VALUES ({n})"),
            &format!("DELETE FROM log WHERE id = {n}"),
        )
    };
    [
        (
            "0001_nap",
            File::new(
                &format!("INSERT INTO log VALUES (1);\n{}", DB::NAP),
                "DELETE FROM log",
            ),
        ),
        ("0002_two", line(2)),
        ("0003_three", line(3)),
    ]
}

pub(crate) async fn nap<DB: Product>(ground: &Ground<DB>, tenths: u32) {
    ground
        .ask("CREATE TABLE IF NOT EXISTS log (id INTEGER)")
        .await;
    ground
        .ask("CREATE TABLE IF NOT EXISTS naps (tenths INTEGER)")
        .await;
    ground.ask("DELETE FROM naps").await;
    ground
        .ask(&format!("INSERT INTO naps VALUES ({tenths})"))
        .await;
}

/// Comes back when somebody has the lease.
async fn taken<DB: Product>(ground: &Ground<DB>) {
    until("the lease is taken", async || {
        ground.has("__migration_leases__").await
            && ground
                .value("SELECT COUNT(*) FROM __migration_leases__ WHERE token IS NOT NULL")
                .await
                == "1"
    })
    .await;
}

/// Comes back when the nap is under way.
pub(crate) async fn napping<DB: Product>(ground: &Ground<DB>) {
    let question = match DB::SERVER {
        Engine::MariaDb => {
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
             AND ID <> CONNECTION_ID() AND STATE = 'User sleep'"
        }
        Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event = 'PgSleep'"
        }
    };
    until("somebody naps", async || {
        ground.value(question).await == "1"
    })
    .await;
}

pub(crate) async fn lines<DB: Product>(ground: &Ground<DB>) -> Vec<String> {
    let lines = ground.ask("SELECT id FROM log ORDER BY id").await;
    lines.into_iter().flatten().collect()
}

async fn a_lease_is_taken_and_given_back<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    let migrator = set.migrator().lock(Lock::lease());
    migrator.up(ground.url()).await.expect("up works");
    let row = "SELECT fence FROM __migration_leases__ WHERE token IS NULL AND holder IS NULL";
    assert_eq!(ground.value(row).await, "1");
    // With nothing to do nobody needs it.
    assert!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert_eq!(ground.value(row).await, "1");
    migrator
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert_eq!(ground.value(row).await, "2");
    let migrator = migrator.reason("a test");
    migrator
        .repair(ground.url(), Repair::MarkNotApplied("0001_t1"))
        .await
        .expect("it can be");
    assert_eq!(ground.value(row).await, "3");
    // An error gives it back too.
    let wrong = migrations::<DB>(&[(
        "0001_wrong",
        File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
    )]);
    wrong
        .migrator()
        .lock(Lock::lease())
        .up(ground.url())
        .await
        .expect_err("it is wrong");
    assert_eq!(ground.value(row).await, "4");
}

async fn a_long_statement_does_not_outlast_it<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 90).await;
    let run = || {
        let url = ground.url().to_owned();
        tokio::spawn(async move {
            let set = migrations::<DB>(&sleepy::<DB>());
            set.migrator().lock(SHORT).up(url.as_str()).await
        })
    };
    let first = run();
    napping(&ground).await;
    let set = migrations::<DB>(&sleepy::<DB>());
    let hasty = set
        .migrator()
        .lock(SHORT)
        .lock_wait(Duration::from_millis(100));
    let error = hasty.up(ground.url()).await.expect_err("somebody has it");
    assert_eq!(error.kind(), ErrorKind::Locked);
    let shown = error.to_string();
    assert!(
        shown.contains("by a lease since") && shown.contains("pid"),
        "{shown}"
    );
    let second = run();
    assert_eq!(
        first.await.expect("no panic").expect("up works").done.len(),
        3
    );
    let second = second.await.expect("no panic").expect("up works");
    assert!(
        second.is_up_to_date() && second.waited > Duration::from_secs(2),
        "{second:?}"
    );
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

async fn a_killed_holder_is_outlived<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 40).await;
    let folder = Folder::of(&sleepy::<DB>());
    let mut command = program(ground.url(), folder.path());
    command.arg("lease");
    let process = Process::start(command);
    napping(&ground).await;
    process.kill();
    nap(&ground, 0).await;
    let set: Migrations<DB> = folder.load();
    let start = Instant::now();
    set.migrator()
        .lock(SHORT)
        .up(ground.url())
        .await
        .expect("the lease ends");
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
    assert_eq!(
        ground.value("SELECT fence FROM __migration_leases__").await,
        "2"
    );
}

async fn a_dropped_run_is_outlived<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 30).await;
    let set = migrations::<DB>(&sleepy::<DB>());
    let migrator = set.migrator().lock(SHORT);
    let dropped = tokio::time::timeout(Duration::from_millis(500), migrator.up(ground.url())).await;
    dropped.expect_err("it takes longer");
    nap(&ground, 0).await;
    let report = migrator.up(ground.url()).await.expect("the lease ends");
    assert!(report.waited < Duration::from_secs(60), "{report:?}");
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

/// The clock of the server jumps ahead, and somebody else takes the lease meanwhile.
async fn a_holder_that_lost_it_cannot_write<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 80).await;
    let url = ground.url().to_owned();
    let first = tokio::spawn(async move {
        let set = migrations::<DB>(&sleepy::<DB>());
        set.migrator().lock(Lock::lease()).up(url.as_str()).await
    });
    napping(&ground).await;
    ground
        .ask("UPDATE __migration_leases__ SET expires_at = '2001-01-01 00:00:00'")
        .await;
    nap(&ground, 0).await;
    let set = migrations::<DB>(&sleepy::<DB>());
    let report = set
        .migrator()
        .lock(Lock::lease())
        .up(ground.url())
        .await
        .expect("it is free");
    assert_eq!(report.done.len(), 3);
    let error = first
        .await
        .expect("no panic")
        .expect_err("it lost the lease");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert!(
        error
            .to_string()
            .contains("somebody else has taken the lease meanwhile"),
        "{error}"
    );
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
    assert_eq!(
        ground.history().await,
        [
            "0001_nap applied 2/2",
            "0002_two applied 1/1",
            "0003_three applied 1/1"
        ]
    );
}

async fn a_paused_process_cannot_write<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 30).await;
    let folder = Folder::of(&sleepy::<DB>());
    let mut command = program(ground.url(), folder.path());
    command.arg("lease");
    let process = Process::start(command);
    napping(&ground).await;
    let signal = |signal: &str| {
        let pid = process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("there is a kill").success());
    };
    signal("-STOP");
    // What it has sent already is the server's to finish.
    until("the first is applied", async || {
        ground.has("__migrations__").await && ground.history().await == ["0001_nap applied 2/2"]
    })
    .await;
    let set: Migrations<DB> = folder.load();
    let report = set
        .migrator()
        .lock(SHORT)
        .up(ground.url())
        .await
        .expect("the lease ends");
    assert_eq!(report.done.len(), 2);
    signal("-CONT");
    let end = process.wait();
    assert_eq!(end.code, Some(1), "{}{}", end.stdout, end.stderr);
    assert!(
        end.stdout.contains("lease-lost"),
        "{}{}",
        end.stdout,
        end.stderr
    );
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

async fn many_processes_start_at_once_by_lease<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 0).await;
    let folder = Folder::of(&sleepy::<DB>());
    let commands = (0..8).map(|_| {
        let mut command = program(ground.url(), folder.path());
        command.arg("lease");
        command
    });
    for end in together(commands) {
        assert_eq!(end.code, Some(0), "{}{}", end.stdout, end.stderr);
    }
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

async fn a_pool_of_one_can_have_one<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 0).await;
    let pool = ground.pool(1).await;
    let set = migrations::<DB>(&sleepy::<DB>());
    let migrator = set.migrator().lock(SHORT);
    migrator.up(&pool).await.expect("up works");
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

async fn what_runs_outside_of_a_transaction_is_fenced_too<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 60).await;
    let set = migrations::<DB>(&[(
        "0001_outside",
        File::new(
            &format!(
                "INSERT INTO log VALUES (1);\n{};\nINSERT INTO log VALUES (2)",
                DB::NAP
            ),
            "DELETE FROM log",
        )
        .with("@transaction: false"),
    )]);
    let migrator = set
        .migrator()
        .lock(Lock::lease())
        .observer(|_: Event<'_>| {});
    let url = ground.url().to_owned();
    let taker = async {
        napping(&ground).await;
        ground
            .ask("UPDATE __migration_leases__ SET fence = fence + 1, token = 'somebody'")
            .await;
    };
    let (result, ()) = tokio::join!(migrator.up(url.as_str()), taker);
    let error = result.expect_err("it lost the lease");
    assert!(error.to_string().contains("lease-lost"), "{error}");
    // The statement and its count were refused together.
    assert_eq!(ground.history().await, ["0001_outside applying 1/3"]);
    assert_eq!(lines(&ground).await, ["1"]);
}

#[tokio::test]
async fn a_pooler_is_found_out_and_nothing_strands_in_it() {
    let (Some(pooled), Some(direct)) = (
        Ground::<Postgres>::on(Engine::PgBouncer),
        Ground::<Postgres>::new(),
    ) else {
        return;
    };
    tables::<Postgres>(1)
        .up(direct.url())
        .await
        .expect("up works");
    assert!(
        !direct.has("__migration_leases__").await,
        "the server itself has locks"
    );

    nap(&pooled, 40).await;
    let url = pooled.url().to_owned();
    let run = tokio::spawn(async move {
        let set = migrations::<Postgres>(&sleepy::<Postgres>());
        set.up(url.as_str()).await.map(drop)
    });
    taken(&pooled).await;
    run.abort();
    let ended = run.await.expect_err("it takes longer");
    assert!(ended.is_cancelled(), "{ended}");
    let set = migrations::<Postgres>(&sleepy::<Postgres>());
    let migrator = set.migrator();
    let locks = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(pooled.value(locks).await, "0");
    nap(&pooled, 0).await;
    pooled
        .ask("UPDATE __migration_leases__ SET expires_at = now() + interval '1 second'")
        .await;
    let report = migrator
        .up(pooled.url())
        .await
        .expect("nothing is in the way");
    assert_eq!(report.done.len(), 3);
    assert_eq!(lines(&pooled).await, ["1", "2", "3"]);
}

/// There is no second connection, so it is renewed with each migration alone.
#[tokio::test]
async fn a_borrowed_connection_can_have_one() {
    let Some(ground) = Ground::<Postgres>::new() else {
        return;
    };
    nap(&ground, 0).await;
    let mut connection = ground.connect().await;
    let set = migrations::<Postgres>(&sleepy::<Postgres>());
    let migrator = set.migrator().lock(SHORT);
    let report = migrator.up(&mut connection).await;
    assert_eq!(report.expect("up works").done.len(), 3);
    let row = "SELECT fence FROM __migration_leases__ WHERE token IS NULL";
    assert_eq!(ground.value(row).await, "1");
}

#[tokio::test]
async fn sqlite_has_no_lease() {
    let ground = Ground::<Sqlite>::new().expect("a file needs no server");
    let set = tables::<Sqlite>(1);
    let error = set.migrator().lock(Lock::lease()).up(ground.url()).await;
    let error = error.expect_err("its lock is the transaction");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error.to_string().contains("there are no leases on SQLite"),
        "{error}"
    );
}
