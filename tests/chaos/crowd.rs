//! Eight and fifty processes start at the same moment: all succeed, and each migration runs once.
//!
//! The many that start on a small chain are in `tests/engines/many_at_once.rs`; here there are more
//! of them, and an index is made beside others among what is pending.

use std::time::{Duration, Instant};

use backstitch_tests::announce::announce;
use backstitch_tests::process::together;
use backstitch_tests::servers::Engine as Server;
use sqlx::Postgres;

use crate::course::{Course, Watched, ids, quiet};
use crate::ground::{File, Folder, Ground, program, scenarios};
use crate::length::times;

scenarios! {
    everywhere: [
        fifty_processes_start_at_once,
    ],
    postgres: [
        an_index_is_made_concurrently_by_one_of_many,
    ],
}

const LENGTH: usize = 6;

/// The pooler gives the statements of a run to any of its connections, so the lock is a lease.
#[tokio::test]
async fn many_processes_start_at_once_behind_pgbouncer() {
    let mut longest = Duration::ZERO;
    let rounds = [(8, times(6, 20)), (50, times(1, 20))];
    for (starts, rounds) in rounds {
        for _ in 0..rounds {
            if let Some(ground) = Ground::<Postgres>::on(Server::PgBouncer) {
                longest = longest.max(at_once(&Course::of(LENGTH), &ground, starts).await);
            }
        }
    }
    announce(&format!(
        "{rounds:?} rounds behind pgbouncer, the longest {longest:.1?}"
    ));
}

/// So many processes; returns how long the last of them took.
async fn at_once<DB: Watched>(course: &Course, ground: &Ground<DB>, starts: usize) -> Duration {
    let began = Instant::now();
    let commands = (0..starts).map(|_| course.process(ground.url(), &[]));
    let finished = together(commands);
    let took = began.elapsed();
    let ran: Vec<String> = finished
        .iter()
        .flat_map(|end| ids(end, "of many"))
        .collect();
    let mut different = ran.clone();
    different.sort();
    different.dedup();
    assert_eq!((ran.len(), different.len()), (LENGTH, LENGTH), "{ran:?}");
    let traces = course.traces(ground).await;
    traces.judge::<DB>("of many");
    assert_eq!(traces.applied(), LENGTH, "{traces}");
    took
}

async fn fifty_processes_start_at_once<DB: Watched>(first: Ground<DB>) {
    let course = Course::of(LENGTH);
    let mut longest = Duration::ZERO;
    let rounds = times(2, 20);
    for round in 0..rounds {
        let fresh = if round == 0 {
            None
        } else {
            Ground::<DB>::new()
        };
        let ground = fresh.as_ref().unwrap_or(&first);
        longest = longest.max(at_once(&course, ground, 50).await);
    }
    let engine = first.engine();
    announce(&format!(
        "{rounds} rounds of 50 processes on {engine:?}, the longest {longest:.1?}"
    ));
}

async fn an_index_is_made_concurrently_by_one_of_many(ground: Ground<Postgres>) {
    let folder = Folder::of(&[
        (
            "0001_notes",
            File::new(
                "CREATE TABLE notes (id INTEGER); INSERT INTO notes SELECT generate_series(1, 30000)",
                "DROP TABLE notes",
            ),
        ),
        (
            "0002_index",
            File::new(
                "CREATE INDEX CONCURRENTLY notes_a ON notes (id);\n\
                 CREATE INDEX CONCURRENTLY notes_b ON notes (id DESC)",
                "DROP INDEX CONCURRENTLY notes_b;\nDROP INDEX CONCURRENTLY notes_a",
            )
            .with("@transaction: false"),
        ),
        ("0003_after", File::table("after_it")),
    ]);
    let index = "SELECT count(*) FROM pg_index WHERE indrelid = 'notes'::regclass AND indisvalid";
    let mut rounds = 0;
    for (starts, rounds_of) in [(8, times(6, 20)), (50, times(1, 20))] {
        for _ in 0..rounds_of {
            let finished = together((0..starts).map(|_| program(ground.url(), folder.path())));
            let ran: Vec<String> = finished.iter().flat_map(|end| ids(end, "index")).collect();
            assert_eq!(ran.len(), 3, "{ran:?}");
            quiet(&ground).await;
            assert_eq!(ground.value(index).await, "2");
            let history = ground.history().await;
            assert_eq!(history[1], "0002_index applied 2/2", "{history:?}");
            ground
                .ask("DROP TABLE notes, after_it, __migrations__, __migration_rollbacks__")
                .await;
            rounds += 1;
        }
    }
    announce(&format!(
        "{rounds} rounds with CREATE INDEX CONCURRENTLY among the pending"
    ));
}
