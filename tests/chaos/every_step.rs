//! SQLite is interrupted at its n-th step, for every n until a run comes through: once, or from
//! then on for good.
//!
//! SQLite has no wire to cut. Its progress handler is asked after so many instructions of its
//! virtual machine, and may end the statement there, in the middle of writing as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use backstitch::Down;
use backstitch_tests::announce::announce;
use sqlx::{Sqlite, SqliteConnection};

use crate::course::Course;
use crate::ground::{Ground, scenarios};
use crate::length::times;

scenarios! {
    sqlite: [
        every_step_of_up_is_interrupted,
        every_step_of_down_is_interrupted,
    ],
}

const LENGTH: usize = 3;

/// From which step on statements end, and for how many of them.
#[derive(Clone, Copy, Debug)]
enum Spell {
    Once,
    ForGood,
}

async fn every_step_of_up_is_interrupted(ground: Ground<Sqlite>) {
    let course = Course::of(LENGTH);
    let set = course.load::<Sqlite>();
    let mut tried = 0;
    for spell in [Spell::Once, Spell::ForGood] {
        for n in 1.. {
            let when = format!("interrupted {spell:?} at step {n} of up");
            let mut connection = ground.connect().await;
            let steps = interrupt(&mut connection, n, spell).await;
            let result = set.up(&mut connection).await;
            let reached = steps.load(Ordering::Relaxed) >= n;
            drop(connection);
            let traces = course.traces(&ground).await;
            traces.judge::<Sqlite>(&when);
            let report = course.finish(&ground, &when).await;
            assert_eq!(report.done.len(), LENGTH - traces.applied(), "{when}");
            course.undo(&ground, &when).await;
            ground
                .ask("DROP TABLE __migrations__; DROP TABLE __migration_rollbacks__")
                .await;
            if !reached {
                result.unwrap_or_else(|error| panic!("{when}: nothing happened\n{error}"));
                break;
            }
            tried += 1;
        }
    }
    announce(&format!("{tried} interruptions of up on SQLite"));
}

async fn every_step_of_down_is_interrupted(ground: Ground<Sqlite>) {
    let course = Course::of(LENGTH);
    let set = course.load::<Sqlite>();
    let mut tried = 0;
    for spell in [Spell::Once, Spell::ForGood] {
        for n in 1.. {
            let when = format!("interrupted {spell:?} at step {n} of down");
            course.finish(&ground, &when).await;
            let mut connection = ground.connect().await;
            let steps = interrupt(&mut connection, n, spell).await;
            let result = set
                .migrator()
                .force()
                .down(&mut connection, Down::All)
                .await;
            let reached = steps.load(Ordering::Relaxed) >= n;
            drop(connection);
            let traces = course.traces(&ground).await;
            traces.judge::<Sqlite>(&when);
            course.undo(&ground, &when).await;
            if !reached {
                result.unwrap_or_else(|error| panic!("{when}: nothing happened\n{error}"));
                break;
            }
            tried += 1;
        }
    }
    announce(&format!("{tried} interruptions of down on SQLite"));
}

/// Ends the statement at the `n`-th step from now, 1 being the next. Returns the count of steps.
async fn interrupt(connection: &mut SqliteConnection, n: usize, spell: Spell) -> Arc<AtomicUsize> {
    // Instructions of the virtual machine that make a step; more are quicker.
    let instructions = i32::try_from(times(8, 1)).expect("a small number");
    let steps = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&steps);
    let mut handle = connection.lock_handle().await.expect("it is there");
    handle.set_progress_handler(instructions, move || {
        let step = counted.fetch_add(1, Ordering::Relaxed) + 1;
        match spell {
            Spell::Once => step != n,
            Spell::ForGood => step < n,
        }
    });
    steps
}
