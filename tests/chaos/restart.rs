//! The server is ended in the middle of `up` and of `down`, and started again.
//!
//! PostgreSQL by its immediate mode, MariaDB by `kill -9`: both are a crash with a recovery.

use std::time::{Duration, Instant};

use backstitch_tests::announce::announce;
use backstitch_tests::process::Process;
use sqlx::{MySql, Postgres};

use crate::course::{Course, Watched, ids};
use crate::ground::Ground;
use crate::length::{Lot, times};
use crate::own;

const LENGTH: usize = 8;

/// A server that can be ended without a word to anybody.
trait Mortal {
    type Engine: Watched;

    fn url(&self) -> String;

    fn end(&mut self);

    async fn start(&mut self);
}

impl Mortal for own::postgres::Postgres {
    type Engine = Postgres;

    fn url(&self) -> String {
        self.url()
    }

    fn end(&mut self) {
        self.stop();
    }

    async fn start(&mut self) {
        self.start().await;
    }
}

impl Mortal for own::mariadb::MariaDb {
    type Engine = MySql;

    fn url(&self) -> String {
        self.url()
    }

    fn end(&mut self) {
        self.kill();
    }

    async fn start(&mut self) {
        self.start(&[]).await;
    }
}

#[tokio::test]
async fn postgres_is_restarted_in_the_middle() {
    if let Some(server) = own::postgres::Postgres::new().await {
        restarted_in_the_middle("restarts of PostgreSQL", server).await;
    }
}

#[tokio::test]
async fn mariadb_is_restarted_in_the_middle() {
    if let Some(server) = own::mariadb::MariaDb::new().await {
        restarted_in_the_middle("restarts of MariaDB", server).await;
    }
}

async fn restarted_in_the_middle<S: Mortal>(name: &str, mut server: S) {
    let ground = Ground::<S::Engine>::at(server.url());
    let mut lot = Lot::announced(name);
    let course = Course::of(LENGTH);
    let (mut hits, mut half_done, mut span) = ([0; LENGTH + 1], 0, Duration::MAX);
    for _ in 0..3 {
        let process = Process::start(course.process(ground.url(), &["tell"]));
        process.wait_for("started");
        let began = Instant::now();
        ids(&process.wait(), "undisturbed");
        span = span.min(began.elapsed());
        course.undo(&ground, "undisturbed").await;
    }
    let micros = u64::try_from(span.as_micros()).expect("a short time");
    for n in 1..=times(6, 60) {
        let when = format!("{name}, {n}");
        for words in [&["tell"][..], &["down", "tell"]] {
            let process = Process::start(course.process(ground.url(), words));
            process.wait_for("started");
            std::thread::sleep(Duration::from_micros(lot.below(micros)));
            server.end();
            let end = process.wait();
            server.start().await;
            let traces = course.traces(&ground).await;
            traces.judge::<S::Engine>(&when);
            hits[traces.applied()] += 1;
            half_done += traces.half_done();
            match end.code {
                Some(0) => assert!(matches!(traces.applied(), 0 | LENGTH), "{when}: {traces}"),
                _ => tells_of_the_connection(&end.stdout),
            }
            match words.len() {
                1 => drop(course.finish(&ground, &when).await),
                _ => course.undo(&ground, &when).await,
            }
        }
    }
    announce(&format!(
        "{name}, by the number of migrations applied: {hits:?}, half done: {half_done}"
    ));
}

/// Who was cut off learns what it was at.
fn tells_of_the_connection(said: &str) {
    let said = said.to_lowercase();
    let tells = ["connection", "broken pipe", "shutdown", "eof"];
    assert!(tells.iter().any(|words| said.contains(words)), "{said}");
}
