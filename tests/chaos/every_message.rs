//! The connection is cut at the n-th message, for every n until a run comes through: before the
//! server gets it or after it has carried it out, once or for good.
//!
//! Whatever the run said, history and catalogue agree afterwards, no lock is left, and the next run
//! finishes and does nothing twice.

use backstitch::{Down, ErrorKind, Report};
use backstitch_tests::announce::announce;
use backstitch_tests::proxy::{Fault, Proxy, Spell};
use backstitch_tests::servers::Engine as Server;
use sqlx::Postgres;

use crate::course::{Course, Watched, says_what_to_do};
use crate::ground::{Ground, scenarios};
use crate::length::is_long;

scenarios! {
    servers: [
        every_message_of_up_is_lost_once,
        every_message_of_down_is_lost_once,
    ],
}

/// How many migrations.
const LENGTH: usize = 3;
/// A run that asks more than this is not what it was.
const MANY: usize = 60;

const FAULTS: [(Fault, Spell); 4] = [
    (Fault::Unsent, Spell::Once),
    (Fault::Unanswered, Spell::Once),
    (Fault::Unsent, Spell::ForGood),
    (Fault::Unanswered, Spell::ForGood),
];

/// A lease takes a moment to end when its holder is cut off, so this is the longest of all.
#[tokio::test]
async fn every_message_of_up_is_lost_once_behind_pgbouncer() {
    if let Some(ground) = Ground::<Postgres>::on(Server::PgBouncer) {
        let faults = if is_long() { &FAULTS[..] } else { &FAULTS[..2] };
        messages_are_lost(Way::Up, ground, Course::of(LENGTH).by_lease(), faults).await;
    }
}

/// As above.
#[tokio::test]
async fn every_message_of_down_is_lost_once_behind_pgbouncer() {
    if let Some(ground) = Ground::<Postgres>::on(Server::PgBouncer) {
        let faults = if is_long() { &FAULTS[..] } else { &FAULTS[..2] };
        messages_are_lost(Way::Down, ground, Course::of(LENGTH).by_lease(), faults).await;
    }
}

async fn every_message_of_up_is_lost_once<DB: Watched>(ground: Ground<DB>) {
    messages_are_lost(Way::Up, ground, Course::of(LENGTH), &FAULTS).await;
}

async fn every_message_of_down_is_lost_once<DB: Watched>(ground: Ground<DB>) {
    messages_are_lost(Way::Down, ground, Course::of(LENGTH), &FAULTS).await;
}

/// One run for each message, which is lost; then what is there is judged, and the next one finishes.
async fn messages_are_lost<DB: Watched>(
    way: Way,
    ground: Ground<DB>,
    course: Course,
    faults: &[(Fault, Spell)],
) {
    let set = course.load::<DB>();
    let proxy = Proxy::start(ground.url());
    let mut tried = 0;
    for &(fault, spell) in faults {
        for n in 1.. {
            assert!(n < MANY, "{}", proxy.transcript());
            let when = format!("{fault:?} {spell:?} at message {n} of {way:?}");
            if way == Way::Down {
                course.finish(&ground, &when).await;
            }
            proxy.reset();
            proxy.fail(n, fault, spell);
            let migrator = course.migrator(&set);
            let result = match way {
                Way::Up => migrator.up(proxy.url()).await,
                Way::Down => migrator.force().down(proxy.url(), Down::All).await,
            };
            let failed = proxy.failed();
            let transcript = proxy.transcript();
            proxy.mend();
            let traces = course.traces(&ground).await;
            traces.judge::<DB>(&format!("{when}\n{transcript}"));
            let (done, applied) = (done(&result, &when), traces.applied());
            match way {
                Way::Up => {
                    assert!(done <= applied, "{when}: {done} done, but {traces}");
                    let report = course.finish(&ground, &when).await;
                    assert_eq!(report.done.len(), LENGTH - applied, "{when}");
                }
                Way::Down => {
                    let gone = LENGTH - applied;
                    assert!(done <= gone, "{when}: {done} taken back, but {traces}");
                }
            }
            forget(&course, &ground, &when).await;
            if failed == 0 {
                result.unwrap_or_else(|error| panic!("{when}: nothing was cut\n{error}"));
                break;
            }
            tried += 1;
        }
    }
    announce(&format!("{tried} cuts of {way:?} on {:?}", ground.engine()));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// How many steps a run says it has done; one that was cut off says that it was.
fn done(result: &Result<Report, backstitch::Error>, when: &str) -> usize {
    match result {
        Ok(report) => report.done.len(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Connection, "{when}: {error}");
            says_what_to_do(error, when);
            error.report().done.len()
        }
    }
}

/// Takes everything back, the history too, so that the next run begins from nothing.
async fn forget<DB: Watched>(course: &Course, ground: &Ground<DB>, when: &str) {
    course.undo(ground, when).await;
    ground
        .ask("DROP TABLE IF EXISTS __migrations__; DROP TABLE IF EXISTS __migration_rollbacks__")
        .await;
}
