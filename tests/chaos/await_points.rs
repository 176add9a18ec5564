//! The future of a run is polled n times and then dropped, for every n until it comes through; and
//! an observer panics at its n-th event, for every n.
//!
//! A time-out around `up`, or a service that stops while it starts, does just that. Nothing may
//! stay locked, and a pool has to be as good as before.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use backstitch::{Down, Event};
use backstitch_tests::announce::announce;

use crate::course::{Course, Watched};
use crate::ground::{Ground, scenarios};

scenarios! {
    everywhere: [
        dropped_at_every_await_point_of_up,
        dropped_at_every_await_point_of_down,
        the_observer_panics_at_every_event,
        a_fleet_is_dropped_on_its_way,
    ],
}

const LENGTH: usize = 3;

async fn dropped_at_every_await_point_of_up<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let pool = ground.pool(2).await;
    let mut dropped = 0;
    for from_pool in [true, false] {
        for n in 1.. {
            let when = format!("up dropped at its poll {n}, from a pool: {from_pool}");
            let came_through = match from_pool {
                true => Polls::of(n, set.up(&pool)).await,
                false => Polls::of(n, set.up(ground.url())).await,
            };
            if let Some(result) = came_through {
                result.unwrap_or_else(|error| panic!("{when}\n{error}"));
                course.finish(&ground, &when).await;
                course.undo(&ground, &when).await;
                break;
            }
            dropped += 1;
            let next = set.migrator().lock_wait(std::time::Duration::from_secs(20));
            let report = next.up(&pool).await;
            report.unwrap_or_else(|error| panic!("{when}: the pool does not work\n{error}"));
            course.finish(&ground, &when).await;
            course.undo(&ground, &when).await;
            ground
                .ask("DROP TABLE __migrations__; DROP TABLE __migration_rollbacks__")
                .await;
        }
    }
    announce(&format!(
        "{dropped} runs of up dropped on {:?}",
        ground.engine()
    ));
}

async fn dropped_at_every_await_point_of_down<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let forcing = set.migrator().force();
    let mut dropped = 0;
    for n in 1.. {
        let when = format!("down dropped at its poll {n}");
        course.finish(&ground, &when).await;
        let came_through = Polls::of(n, forcing.down(ground.url(), Down::All)).await;
        course.traces(&ground).await.judge::<DB>(&when);
        course.undo(&ground, &when).await;
        if let Some(result) = came_through {
            result.unwrap_or_else(|error| panic!("{when}\n{error}"));
            break;
        }
        dropped += 1;
    }
    announce(&format!(
        "{dropped} runs of down dropped on {:?}",
        ground.engine()
    ));
}

/// Some of the tenants are done then, some have begun, and others have not.
async fn a_fleet_is_dropped_on_its_way<DB: Watched>(ground: Ground<DB>) {
    let others = (0..2).filter_map(|_| Ground::new());
    let grounds: Vec<Ground<DB>> = others.chain([ground]).collect();
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let mut fleet = set.fleet().at_once(2);
    for (n, ground) in grounds.iter().enumerate() {
        fleet = fleet.database(format!("t{n}"), ground.url());
    }
    let mut dropped = 0;
    for n in (1..).step_by(9) {
        let when = format!("a fleet dropped at its poll {n}");
        let came_through = Polls::of(n, fleet.up()).await;
        for ground in &grounds {
            course.traces(ground).await.judge::<DB>(&when);
        }
        let again = fleet.up().await;
        assert!(again.is_ok(), "{when}\n{again}");
        for ground in &grounds {
            let traces = course.traces(ground).await;
            traces.judge::<DB>(&when);
            assert_eq!(traces.applied(), LENGTH, "{when}: {traces}");
            course.undo(ground, &when).await;
        }
        if let Some(report) = came_through {
            assert!(report.is_ok(), "{when}\n{report}");
            break;
        }
        dropped += 1;
    }
    let engine = grounds[0].engine();
    announce(&format!("{dropped} runs of a fleet dropped on {engine:?}"));
    assert!(dropped > 0, "it was never dropped");
}

async fn the_observer_panics_at_every_event<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    for words in ["up", "down"] {
        for n in 1.. {
            let when = format!("a panic at event {n} of {words}");
            match words {
                "up" => course.undo(&ground, &when).await,
                _ => drop(course.finish(&ground, &when).await),
            }
            let (set, url) = (course.load::<DB>(), ground.url().to_owned());
            let events = AtomicUsize::new(0);
            let run = tokio::spawn(async move {
                let migrator = set.migrator().observer(move |_: Event<'_>| {
                    let event = events.fetch_add(1, Ordering::Relaxed) + 1;
                    assert_ne!(event, n, "the observer panics");
                });
                match words {
                    "up" => migrator.up(url.as_str()).await,
                    _ => migrator.force().down(url.as_str(), Down::All).await,
                }
            });
            let ended = run.await;
            course.traces(&ground).await.judge::<DB>(&when);
            course.finish(&ground, &when).await;
            match ended {
                Err(error) => assert!(error.is_panic(), "{when}"),
                Ok(result) => {
                    result.unwrap_or_else(|error| panic!("{when}: no panic, but\n{error}"));
                    assert!(n > LENGTH, "{when}: too few events");
                    break;
                }
            }
        }
    }
}

/// A future that is dropped when it has been polled so many times. None: it was.
struct Polls<F> {
    future: Option<Pin<Box<F>>>,
    left: usize,
}

impl<F: Future> Polls<F> {
    fn of(polls: usize, future: F) -> Polls<F> {
        Polls {
            future: Some(Box::pin(future)),
            left: polls,
        }
    }
}

impl<F: Future> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(future) = &mut this.future else {
            panic!("polled after its end");
        };
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            this.future = None;
            return Poll::Ready(Some(output));
        }
        this.left -= 1;
        if this.left == 0 {
            // Now, not when somebody drops this.
            this.future = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}
