//! The primary dies in the middle of `up`, its standby takes over, and the run is started again.
//!
//! With replication as most have it, asynchronous: what the primary did last may be lost with it,
//! and then the history is lost together with what it tells of. Both or neither is the promise.

use std::time::Duration;

use backstitch::ErrorKind;
use backstitch_tests::announce::announce;
use backstitch_tests::process::Process;
use sqlx::Postgres;

use crate::course::Course;
use crate::ground::{Ground, until};
use crate::length::{Lot, times};
use crate::own;

const LENGTH: usize = 8;

#[tokio::test]
async fn the_standby_takes_over_in_the_middle() {
    let mut lot = Lot::announced("standbys that take over");
    let course = Course::of(LENGTH);
    let mut hits = Vec::new();
    for n in 1..=times(2, 15) {
        let when = format!("take-over {n}");
        let Some(mut primary) = own::postgres::Postgres::new().await else {
            return;
        };
        let standby = primary.standby().await;
        let following = Ground::<Postgres>::at(standby.url());
        // A standby is for reading: whoever starts there is refused, and has changed nothing.
        let set = course.load::<Postgres>();
        let error = set
            .up(following.url())
            .await
            .expect_err("it may only be read");
        assert_eq!(error.kind(), ErrorKind::Database, "{error}");
        assert!(error.to_string().contains("read-only"), "{error}");

        let process = Process::start(course.process(&primary.url(), &["tell"]));
        process.wait_for("started");
        std::thread::sleep(Duration::from_micros(lot.below(40_000)));
        primary.stop();
        process.wait();
        standby.promote();
        until("the standby has taken over", async || {
            following.value("SELECT pg_is_in_recovery()").await == "f"
        })
        .await;
        let traces = course.traces(&following).await;
        traces.judge::<Postgres>(&when);
        hits.push(traces.applied());
        course.finish(&following, &when).await;
        course.undo(&following, &when).await;
    }
    announce(&format!(
        "standbys that took over, by the number of migrations applied: {hits:?}"
    ));
}
