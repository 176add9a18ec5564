//! The clock is set, of the server or of a program, in the middle of a run with a lease.
//!
//! An hour on, and every lease is over: the next one takes it, and its holder cannot write any
//! more. An hour back, and no lease would end in time by itself.

use std::process::Command;
use std::time::{Duration, Instant};

use backstitch_tests::announce::announce;
use backstitch_tests::process::{Finished, Process};
use sqlx::{MySql, Postgres};

use crate::course::{Course, Watched, ids};
use crate::ground::{Ground, scenarios};
use crate::length::{Lot, times};
use crate::own::clock::Clock;
use crate::own::{mariadb::MariaDb, postgres::Postgres as PostgresServer};

scenarios! {
    servers: [
        the_clock_of_a_program_is_set,
    ],
}

const LENGTH: usize = 6;
const HOUR: i64 = 3600;
/// So long one sleeps at most.
const NAP: Duration = Duration::from_secs(4);

#[tokio::test]
async fn the_clock_of_postgres_is_set() {
    let Some(clock) = Clock::new() else { return };
    if let Some(server) = PostgresServer::by(&clock).await {
        the_clock_of_the_server_is_set(Ground::<Postgres>::at(server.url()), &clock).await;
    }
}

#[tokio::test]
async fn the_clock_of_mariadb_is_set() {
    let Some(clock) = Clock::new() else { return };
    if let Some(server) = MariaDb::by(&clock).await {
        the_clock_of_the_server_is_set(Ground::<MySql>::at(server.url()), &clock).await;
    }
}

/// What became of a run while whose lease the clock was set.
#[derive(Debug, Default)]
struct Ends {
    /// It came to its end.
    whole: usize,
    /// Somebody else had its lease, and it could not write.
    fenced: usize,
    /// It was killed.
    killed: usize,
}

async fn the_clock_of_the_server_is_set<DB: Watched>(ground: Ground<DB>, clock: &Clock) {
    let mut lot = Lot::announced(&format!("a clock of {:?} that jumps", ground.engine()));
    let course = Course::of(LENGTH).by_lease();
    let span = span(&course, &ground);
    let (mut ends, mut hour) = ([Ends::default(), Ends::default()], 0);
    for round in 1..=times(9, 60) {
        for (direction, jump) in [HOUR, -HOUR].into_iter().enumerate() {
            let when = format!("round {round}, a jump by {jump} s");
            let first = Process::start(course.process(ground.url(), &["tell"]));
            first.wait_for("started");
            // It goes on, sleeps until another one is done, or is no more. Who sleeps has work left.
            let fate = round % 3;
            let part = if fate == 1 { 200 } else { 700 };
            let moment = span.as_micros() as u64 * lot.below(part) / 1000;
            std::thread::sleep(Duration::from_micros(moment));
            match fate {
                0 => {}
                1 => signal(&first, "-STOP"),
                _ => signal(&first, "-KILL"),
            }
            hour += jump;
            clock.set(hour);
            let began = Instant::now();
            let mut second = Process::start(course.process(ground.url(), &[]));
            // A sleeper may have left a transaction open, for which everybody waits.
            let is_over = |process: &mut Process| process.has_ended() || began.elapsed() > NAP;
            while !is_over(&mut second) {
                std::thread::sleep(Duration::from_millis(5));
            }
            if fate == 1 {
                signal(&first, "-CONT");
            }
            let second = ids(&second.wait(), &when);
            // Not the hour, nor the second it would wait without a jump at most.
            let took = began.elapsed();
            assert!(took < Duration::from_secs(30), "{when}: {took:?}");
            let first = first.wait();
            ends[direction].note(&first, &when);
            if first.code == Some(0) {
                let done = ids(&first, &when).len() + second.len();
                assert_eq!(done, LENGTH, "{when}: somebody did something again");
            }
            course.finish(&ground, &when).await;
            course.undo(&ground, &when).await;
        }
    }
    let engine = ground.engine();
    let [on, back] = &ends;
    announce(&format!(
        "the clock of {engine:?} set an hour on: {on:?}; back: {back:?}"
    ));
    for ends in &ends {
        assert!(ends.fenced > 0, "nobody was fenced: {ends:?}");
    }
}

impl Ends {
    fn note(&mut self, end: &Finished, when: &str) {
        match end.code {
            Some(0) => self.whole += 1,
            None => self.killed += 1,
            Some(_) => {
                assert!(end.stdout.contains("lease-lost"), "{when}: {}", end.stdout);
                self.fenced += 1;
            }
        }
    }
}

/// The programs disagree about the hour, and one changes its mind: the server's clock counts.
async fn the_clock_of_a_program_is_set<DB: Watched>(ground: Ground<DB>) {
    let Some(clock) = Clock::new() else { return };
    let mut lot = Lot::announced(&format!(
        "a program on {:?} whose clock jumps",
        ground.engine()
    ));
    let course = Course::of(LENGTH).by_lease();
    let span = span(&course, &ground);
    let rounds = times(6, 40);
    for round in 1..=rounds {
        let when = format!("round {round} of a program's clock");
        let start = |words: &[&str]| {
            let mut command = course.process(ground.url(), words);
            command.envs(clock.environment());
            Process::start(command)
        };
        clock.set(if round % 2 == 0 { -HOUR } else { HOUR });
        let first = start(&["tell"]);
        first.wait_for("started");
        let moment = span.as_micros() as u64 * lot.below(700) / 1000;
        std::thread::sleep(Duration::from_micros(moment));
        clock.set(if round % 2 == 0 { HOUR } else { -HOUR });
        let others = [
            start(&[]),
            Process::start(course.process(ground.url(), &[])),
        ];
        let mut done = ids(&first.wait(), &when).len();
        for other in others {
            done += ids(&other.wait(), &when).len();
        }
        assert_eq!(done, LENGTH, "{when}");
        course.finish(&ground, &when).await;
        course.undo(&ground, &when).await;
    }
    announce(&format!(
        "{rounds} runs on {:?} in programs whose clock is set by two hours",
        ground.engine()
    ));
}

/// How long the work of a process takes that nobody disturbs.
fn span<DB: Watched>(course: &Course, ground: &Ground<DB>) -> Duration {
    let run = |words: &[&str]| {
        let process = Process::start(course.process(ground.url(), words));
        process.wait_for("started");
        let began = Instant::now();
        assert_eq!(ids(&process.wait(), "undisturbed").len(), LENGTH);
        began.elapsed()
    };
    let up = run(&["tell"]);
    run(&["down", "tell"]);
    up
}

fn signal(process: &Process, signal: &str) {
    let pid = process.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill fails");
}
