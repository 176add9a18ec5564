//! `kill -9` at any moment of `up` and of `down`: history and catalogue agree afterwards, and the
//! next run finishes.
//!
//! The moment is drawn by lot out of the time that a run takes from its first step to its end. Where the kills hit is counted and shown, for kills that always came too late would
//! show nothing.

use std::fmt;
use std::time::{Duration, Instant};

use backstitch_tests::announce::announce;
use backstitch_tests::process::Process;

use crate::course::{Course, Traces, Watched, ids};
use crate::ground::{Ground, scenarios};
use crate::length::{Lot, times};

scenarios! {
    everywhere: [
        killed_at_any_moment,
    ],
    servers: [
        killed_at_any_moment_with_a_lease,
    ],
}

/// How many migrations there are to be hit.
const LENGTH: usize = 8;

async fn killed_at_any_moment<DB: Watched>(ground: Ground<DB>) {
    let name = format!("kill -9 on {:?}", ground.engine());
    kills(&name, ground, Course::of(LENGTH), times(30, 300)).await;
}

/// Fewer, for the lease of who was killed has to be outlived.
async fn killed_at_any_moment_with_a_lease<DB: Watched>(ground: Ground<DB>) {
    let name = format!("kill -9 with a lease on {:?}", ground.engine());
    kills(&name, ground, Course::of(LENGTH).by_lease(), times(5, 100)).await;
}

async fn kills<DB: Watched>(name: &str, ground: Ground<DB>, course: Course, rounds: usize) {
    let mut lot = Lot::announced(name);
    let mut ups = Vec::new();
    let mut downs = Vec::new();
    for _ in 0..3 {
        ups.push(undisturbed(&course, &ground, &["tell"]));
        downs.push(undisturbed(&course, &ground, &["down", "tell"]));
    }
    let mut up = Hits::among(&ups, 0, LENGTH);
    let mut down = Hits::among(&downs, LENGTH, 0);
    for n in 1..=rounds {
        let when = format!("after kill {n}");
        let traces = kill(&course, &ground, &["tell"], up.moment(&mut lot)).await;
        traces.judge::<DB>(&when);
        up.note(&traces);
        course.finish(&ground, &when).await;

        let traces = kill(&course, &ground, &["down", "tell"], down.moment(&mut lot)).await;
        traces.judge::<DB>(&when);
        down.note(&traces);
        course.undo(&ground, &when).await;
        one_rollback_each(&ground, n, &when).await;
    }
    announce(&format!("{name}: up {up}; down {down}"));
    up.are_in_the_middle();
    down.are_in_the_middle();
}

/// How long the work of a process takes that nobody kills.
fn undisturbed<DB: Watched>(course: &Course, ground: &Ground<DB>, words: &[&str]) -> Duration {
    let process = Process::start(course.process(ground.url(), words));
    process.wait_for("started");
    let began = Instant::now();
    let end = process.wait();
    let took = began.elapsed();
    assert_eq!(ids(&end, "undisturbed").len(), LENGTH);
    took
}

/// Kills a process so long after its work began, and looks at what is there.
async fn kill<DB: Watched>(
    course: &Course,
    ground: &Ground<DB>,
    words: &[&str],
    moment: Duration,
) -> Traces {
    let process = Process::start(course.process(ground.url(), words));
    process.wait_for("started");
    std::thread::sleep(moment);
    process.kill();
    course.traces(ground).await
}

/// Every rollback is recorded once: three undisturbed ones, and one in each round.
async fn one_rollback_each<DB: Watched>(ground: &Ground<DB>, rounds: usize, when: &str) {
    let counts = ground
        .ask(
            "SELECT version, count(*) FROM __migration_rollbacks__ WHERE error IS NULL \
             GROUP BY version ORDER BY version",
        )
        .await;
    assert_eq!(counts.len(), LENGTH, "{when}");
    for row in counts {
        assert_eq!(
            row[1],
            (3 + rounds).to_string(),
            "{when}: version {}",
            row[0]
        );
    }
}

/// Where the kills hit.
struct Hits {
    /// The time to draw a moment from. It grows with each kill that came too early, and shrinks
    /// with each that came too late, because a machine is not always as busy as it was.
    span: Duration,
    /// How many migrations are applied before the first step, and after the last.
    ends: [usize; 2],
    /// By how many migrations were applied.
    applied: [usize; LENGTH + 1],
    /// How many left a migration half done.
    half_done: usize,
}

impl Hits {
    fn among(durations: &[Duration], before: usize, after: usize) -> Hits {
        Hits {
            span: durations.iter().min().copied().unwrap_or_default(),
            ends: [before, after],
            applied: [0; LENGTH + 1],
            half_done: 0,
        }
    }

    fn moment(&self, lot: &mut Lot) -> Duration {
        let micros = u64::try_from(self.span.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(lot.below(micros))
    }

    fn note(&mut self, traces: &Traces) {
        self.applied[traces.applied()] += 1;
        self.half_done += traces.half_done();
        if traces.half_done() == 0 {
            let [before, after] = self.ends;
            let change = match traces.applied() {
                early if early == before => 1.1,
                late if late == after => 0.95,
                _ => 1.0,
            };
            self.span = self.span.mul_f64(change).max(Duration::from_millis(1));
        }
    }

    /// Kills before the first and after the last migration do happen; they must not be all.
    fn are_in_the_middle(&self) {
        let middle: usize = self.applied[1..LENGTH].iter().sum();
        let all: usize = self.applied.iter().sum();
        assert!(all < 20 || middle * 5 >= all, "too few kills hit: {self}");
    }
}

impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: usize = self.applied.iter().sum();
        write!(
            f,
            "{all} kills within {:.1?}, by the number of migrations applied: {:?}, half done: {}",
            self.span, self.applied, self.half_done
        )
    }
}
