//! Some have the lock of a session and others a lease, at once: everything runs once.
//!
//! Many processes at the same moment; and two runs that are stopped before each of their messages,
//! in every order that two stops allow.

use std::time::{Duration, Instant};

use backstitch::{Lock, Migrations, Report};
use backstitch_tests::announce::announce;
use backstitch_tests::process::together;
use backstitch_tests::proxy::Proxy;
use backstitch_tests::servers::Engine as Server;
use backstitch_tests::url::ServerUrl;
use sqlx::Postgres;
use tokio::task::JoinHandle;

use crate::course::{Course, Watched, ids};
use crate::ground::{Ground, scenarios};
use crate::length::{Lot, times};

scenarios! {
    servers: [
        stopped_before_every_message,
    ],
    mariadb: [
        sessions_and_leases_start_at_once,
    ],
}

const LENGTH: usize = 5;
/// How many processes start at once, half of them of each kind.
const STARTS: usize = 20;

#[tokio::test]
async fn some_start_through_the_pooler_and_others_beside_it() {
    let Some(pooled) = Ground::<Postgres>::on(Server::PgBouncer) else {
        return;
    };
    let Ok(direct) = std::env::var("TEST_POSTGRES_URL") else {
        return;
    };
    let name = pooled.value("SELECT current_database()").await;
    let direct = ServerUrl::parse(&direct).with_database(&name).to_string();
    let folder = Course::of(LENGTH);
    let starters = |n: usize| match n % 2 {
        0 => folder.process(pooled.url(), &[]),
        _ => folder.process(&direct, &[]),
    };
    let rounds = times(3, 30);
    at_once(
        &Ground::<Postgres>::at(direct.clone()),
        &folder,
        rounds,
        starters,
    )
    .await;
}

async fn sessions_and_leases_start_at_once(ground: Ground<sqlx::MySql>) {
    let course = Course::of(LENGTH);
    let starters = |n: usize| match n % 2 {
        0 => course.process(ground.url(), &[]),
        _ => course.process(ground.url(), &["lease"]),
    };
    at_once(&ground, &course, times(3, 30), starters).await;
}

/// Rounds of starts; every one ends well, and each migration is done by one of them.
async fn at_once<DB: Watched>(
    ground: &Ground<DB>,
    course: &Course,
    rounds: usize,
    starter: impl Fn(usize) -> std::process::Command,
) {
    let mut longest = Duration::ZERO;
    for round in 1..=rounds {
        let when = format!("round {round} of two kinds");
        let began = Instant::now();
        let finished = together((0..STARTS).map(&starter));
        longest = longest.max(began.elapsed());
        let mut ran: Vec<String> = finished.iter().flat_map(|end| ids(end, &when)).collect();
        assert_eq!(ran.len(), LENGTH, "{when}: {ran:?}");
        ran.sort();
        ran.dedup();
        assert_eq!(ran.len(), LENGTH, "{when}: {ran:?}");
        let traces = course.traces(ground).await;
        traces.judge::<DB>(&when);
        assert_eq!(traces.applied(), LENGTH, "{when}: {traces}");
        course.undo(ground, &when).await;
    }
    let engine = ground.engine();
    announce(&format!(
        "{rounds} rounds of {STARTS} processes on {engine:?}, half of them with a lease, \
         the longest {longest:.1?}"
    ));
}

/// The first run is stopped before its n-th message, the second one started and stopped before its
/// m-th; then the first goes on, and then the second.
async fn stopped_before_every_message<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(2);
    let mut lot = Lot::announced("stops of two runs");
    let proxies = [Proxy::start(ground.url()), Proxy::start(ground.url())];
    let kinds = [Lock::Session, Lock::lease()];
    let mut pairs = 0;
    for (first, second) in [(0, 1), (1, 0)] {
        let (mut n, mut ended) = (0, false);
        while !ended {
            n += 1;
            let (mut m, mut second_ended) = (0, false);
            while !second_ended && !ended {
                // All pairs where there is time, and otherwise some for each stop of the first.
                m += 1 + usize::try_from(lot.below(times(8, 1) as u64)).expect("it is small");
                let when = format!("{:?} stopped at {n}, the other at {m}", kinds[first]);
                proxies[0].hold(n);
                let one = start::<DB>(&course, &proxies[0], kinds[first]);
                // It waits for nobody.
                ended = !stops(&proxies[0], &one, Duration::from_secs(60)).await;
                proxies[1].hold(m);
                let other = start::<DB>(&course, &proxies[1], kinds[second]);
                second_ended = !stops(&proxies[1], &other, PATIENCE).await;
                proxies[0].let_go();
                settles(&one).await;
                proxies[1].let_go();
                let mut done = 0;
                for run in [one, other] {
                    let report = run.await.expect("no panic");
                    let report = report.unwrap_or_else(|error| panic!("{when}\n{error}"));
                    done += report.done.len();
                }
                assert_eq!(done, 2, "{when}");
                let traces = course.traces(&ground).await;
                traces.judge::<DB>(&when);
                assert_eq!(traces.applied(), 2, "{when}: {traces}");
                course.undo(&ground, &when).await;
                pairs += 1;
            }
        }
    }
    let engine = ground.engine();
    announce(&format!("{pairs} pairs of stops on {engine:?}"));
    assert!(pairs >= 20, "{pairs} pairs of stops");
}

fn start<DB: Watched>(
    course: &Course,
    proxy: &Proxy,
    lock: Lock,
) -> JoinHandle<Result<Report, backstitch::Error>> {
    let set: Migrations<DB> = course.load();
    let url = proxy.url().to_owned();
    tokio::spawn(async move {
        let migrator = set.migrator().lock(lock);
        migrator
            .lock_wait(Duration::from_secs(60))
            .up(url.as_str())
            .await
    })
}

/// Waits until a run is stopped; false when it has ended without that, or waits for the other.
async fn stops<T>(proxy: &Proxy, run: &JoinHandle<T>, patience: Duration) -> bool {
    let began = Instant::now();
    while !proxy.is_holding() && !run.is_finished() && began.elapsed() < patience {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    proxy.is_holding()
}

/// Waits until a run has ended, or has waited for the other for a while.
async fn settles<T>(run: &JoinHandle<T>) {
    let began = Instant::now();
    while !run.is_finished() && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// So long one may wait for the other before that goes on.
const PATIENCE: Duration = Duration::from_millis(700);
