//! A run by the lock of a session and a run by a lease keep each other out.
//!
//! That is what happens when some come to a server by itself and others through a pooler. What
//! comes of it when many do so at once is in `tests/chaos/two_locks.rs`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstitch::{ErrorKind, Event, Lock, Migrations};
use backstitch_tests::proxy::Proxy;
use backstitch_tests::servers::Engine;
use sqlx::Postgres;
use tokio::task::JoinHandle;

use crate::ground::{Ground, Product, migrations, scenarios, tables, until};
use crate::lease::{SHORT, lines, nap, napping, sleepy};

scenarios! {
    servers: [
        a_lease_waits_for_a_session,
        a_session_waits_for_a_lease,
        a_session_outlives_a_lease_and_fences_it,
        the_other_kind_costs_one_look,
    ],
}

/// Starts a run in the background, and comes back when it is in the middle of its nap.
async fn first<DB: Product>(
    ground: &Ground<DB>,
    lock: Lock,
) -> JoinHandle<Result<usize, backstitch::Error>> {
    let url = ground.url().to_owned();
    let run = tokio::spawn(async move {
        let set = migrations::<DB>(&sleepy::<DB>());
        let report = set.migrator().lock(lock).up(url.as_str()).await?;
        Ok(report.done.len())
    });
    napping(ground).await;
    run
}

/// One that waits for another, and who it says that it waits for.
async fn second<DB: Product>(ground: &Ground<DB>, lock: Lock) -> String {
    let set: Migrations<DB> = migrations(&sleepy::<DB>());
    let hasty = set
        .migrator()
        .lock(lock)
        .lock_wait(Duration::from_millis(100));
    let error = hasty.up(ground.url()).await.expect_err("somebody has it");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");

    let told = Arc::new(Mutex::new(Vec::new()));
    let migrator = set.migrator().lock(lock).observer({
        let told = told.clone();
        move |event: Event<'_>| {
            if let Event::Waiting { holder, .. } = event {
                let mut told = told.lock().expect("nobody panics");
                told.push(holder.unwrap_or("nobody").to_owned());
            }
        }
    });
    let report = migrator.up(ground.url()).await.expect("it waits");
    assert!(report.is_up_to_date(), "{report:?}");
    let told = told.lock().expect("nobody panics").clone();
    assert!(!told.is_empty(), "it never said that it waits");
    assert!(
        error.to_string().contains(&told[0][..20]),
        "{error}\n{told:?}"
    );
    told[0].clone()
}

async fn a_lease_waits_for_a_session<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 70).await;
    let first = first(&ground, Lock::Session).await;
    let holder = second(&ground, Lock::lease()).await;
    let expected = match DB::SERVER {
        Engine::MariaDb => "server connection ",
        Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => "server process ",
    };
    assert!(holder.starts_with(expected), "{holder}");
    assert_eq!(first.await.expect("no panic").expect("up works"), 3);
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

async fn a_session_waits_for_a_lease<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 70).await;
    let first = first(&ground, Lock::lease()).await;
    let holder = second(&ground, Lock::Session).await;
    assert!(holder.contains("by a lease since"), "{holder}");
    assert_eq!(first.await.expect("no panic").expect("up works"), 3);
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

async fn a_session_outlives_a_lease_and_fences_it<DB: Product>(ground: Ground<DB>) {
    nap(&ground, 80).await;
    let first = first(&ground, Lock::lease()).await;
    ground
        .ask("UPDATE __migration_leases__ SET expires_at = '2001-01-01 00:00:00'")
        .await;
    nap(&ground, 0).await;
    let set = migrations::<DB>(&sleepy::<DB>());
    let migrator = set.migrator().lock(Lock::Session);
    let report = migrator
        .up(ground.url())
        .await
        .expect("the lease has ended");
    assert_eq!(report.done.len(), 3);
    let error = first
        .await
        .expect("no panic")
        .expect_err("it lost the lease");
    assert!(error.to_string().contains("lease-lost"), "{error}");
    assert_eq!(lines(&ground).await, ["1", "2", "3"]);
}

/// And nothing where nothing is pending, see `few_messages.rs`.
async fn the_other_kind_costs_one_look<DB: Product>(ground: Ground<DB>) {
    let proxy = Proxy::start(ground.url());
    for (round, lock) in [Lock::Session, SHORT, Lock::Session]
        .into_iter()
        .enumerate()
    {
        let set = tables::<DB>(round + 1);
        proxy.reset();
        let migrator = set.migrator().lock(lock);
        let report = migrator.up(proxy.url()).await.expect("up works");
        assert_eq!(report.done.len(), 1);
        let messages = proxy.messages();
        let sql = messages.iter().filter_map(|message| message.sql.as_deref());
        let looks = match lock {
            Lock::Session => sql
                .filter(|sql| sql.contains("__migration_leases__"))
                .count(),
            // It travels with the attempt.
            _ => {
                1 + sql
                    .filter(|sql| sql.contains("advisory") || sql.contains("IS_USED_LOCK"))
                    .filter(|sql| !sql.contains("__migration_leases__"))
                    .count()
            }
        };
        assert_eq!(looks, 1, "{lock:?}\n{}", proxy.transcript());
    }
}

/// Some through the pooler, others beside it: what each finds out by itself is right.
#[tokio::test]
async fn a_start_beside_the_pooler_waits_for_one_through_it() {
    let (Some(pooled), Ok(direct)) = (
        Ground::<Postgres>::on(Engine::PgBouncer),
        std::env::var("TEST_POSTGRES_URL"),
    ) else {
        return;
    };
    let name = pooled.value("SELECT current_database()").await;
    let direct = backstitch_tests::url::ServerUrl::parse(&direct).with_database(&name);
    let direct = Ground::<Postgres>::at(direct.to_string());
    for (one, other) in [(&pooled, &direct), (&direct, &pooled)] {
        nap(&direct, 60).await;
        let first = first(one, Lock::Auto).await;
        second(other, Lock::Auto).await;
        assert_eq!(first.await.expect("no panic").expect("up works"), 3);
        assert_eq!(lines(&direct).await, ["1", "2", "3"]);
        direct
            .ask("DROP TABLE __migrations__; DELETE FROM log")
            .await;
    }
    until("nobody has a lease", async || {
        let taken = "SELECT count(*) FROM __migration_leases__ WHERE token IS NOT NULL";
        direct.value(taken).await == "0"
    })
    .await;
}

/// Whatever else goes on: a mark tells a pooler from a server each time.
#[tokio::test]
async fn a_pooler_is_found_out_among_many() {
    let Some(ground) = Ground::<Postgres>::on(Engine::PgBouncer) else {
        return;
    };
    let url = ground.url().to_owned();
    let busy: Vec<_> = (0..30)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let set = tables::<Postgres>(2);
                set.up(url.as_str()).await.map(|report| report.done.len())
            })
        })
        .collect();
    let mut done = 0;
    for run in busy {
        done += run.await.expect("no panic").expect("up works");
    }
    assert_eq!(done, 2);
    // Each that came in time had a lease: nobody took the server's lock through the pooler.
    let fence = ground
        .value("SELECT fence >= 1 FROM __migration_leases__")
        .await;
    assert_eq!(fence, "t");
}
