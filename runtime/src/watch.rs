//! Watching work that may wait for a lock inside the database, and telling for whom.
//!
//! Whoever waits cannot ask, so a second connection does, from time to time: a restore that has the
//! tables of the history, or a transaction that somebody left open, is named while it is in the way
//! and not only afterwards. Where there is no second connection to be had, nothing is told.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;
use futures_util::future::{Either, select};
use sqlx::{ConnectOptions, Connection};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history::Names;
use crate::lock::TOLD_EVERY;
use crate::message::{Message, Piece};
use crate::observe::{Announcer, Event};

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The shortest one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(40);
/// How long a look may take.
const LOOK: Duration = Duration::from_secs(2);

/// Who may be waiting.
#[derive(Clone, Debug)]
pub enum Waiter {
    /// Whoever waits for a table of this history.
    History(Names),
    /// The session of this number, while it goes by this name where the engine has such names.
    Session(String, String),
}

/// How to open another connection to the same database.
pub(crate) type Options<DB> = Arc<<<DB as sqlx::Database>::Connection as Connection>::Options>;

/// Somebody who looks after work on another connection.
pub(crate) struct Watch<'a, DB: Engine> {
    pub(crate) announcer: &'a Announcer,
    pub(crate) options: Option<Options<DB>>,
    pub(crate) waiter: Waiter,
    /// The migration that it is about; the history itself where it is about none.
    pub(crate) id: Option<&'a str>,
    /// How long a statement may wait for a lock, where that is bounded.
    pub(crate) lock_timeout: Option<Duration>,
}

/// What came of the work.
pub(crate) struct Watched<T> {
    pub(crate) done: T,
    /// Whom it waited for when it was last looked at.
    pub(crate) holder: Option<String>,
}

impl<DB: Engine> Watch<'_, DB> {
    /// Does the work, however long it takes.
    pub(crate) async fn over<T>(&self, work: impl Future<Output = T>) -> Watched<T> {
        match self.watch(work, None).await {
            Ok(watched) => watched,
            Err(_) => unreachable!("without a bound it waits for the end"),
        }
    }

    /// Does the work, unless it takes longer than `patience` and waits for somebody then. The
    /// connection is of no use afterwards.
    ///
    /// # Errors
    /// When it does: for whom it waits.
    pub(crate) async fn bounded<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let watched = self.watch(work, Some(patience)).await;
        watched.map(|watched| watched.done)
    }

    async fn watch<T>(
        &self,
        work: impl Future<Output = T>,
        patience: Option<Duration>,
    ) -> Result<Watched<T>, Error> {
        let mut work = pin!(work);
        let (questions, options) = (DB::ask_blockers(&self.waiter), self.options.clone());
        let Some(options) = options.filter(|_| !questions.is_empty()) else {
            let done = work.await;
            return Ok(Watched { done, holder: None });
        };
        let began = Instant::now();
        let mut told: Option<Instant> = None;
        let mut seen: Option<(String, Instant)> = None;
        let mut other: Option<DB::Connection> = None;
        loop {
            let left = patience.map(|patience| patience.saturating_sub(began.elapsed()));
            let pause = self
                .pause()
                .min(left.unwrap_or(LONGEST_PAUSE).max(SHORTEST_PAUSE));
            if let Either::Left((done, _)) =
                select(work.as_mut(), pin!(tokio::time::sleep(pause))).await
            {
                let holder = self.still(seen);
                return Ok(Watched { done, holder });
            }
            let look = tokio::time::timeout(LOOK, look::<DB>(&mut other, &options, &questions));
            let found = match select(work.as_mut(), pin!(look)).await {
                Either::Left((done, _)) => {
                    let holder = self.still(seen);
                    return Ok(Watched { done, holder });
                }
                Either::Right((found, _)) => found,
            };
            if found.is_err() {
                // It is in the middle of something.
                other = None;
            }
            // A look that finds nobody may have come just behind the end of the wait.
            let Ok(Some(holder)) = found else {
                continue;
            };
            let waited = began.elapsed();
            if patience.is_some_and(|patience| waited >= patience) {
                return Err(blocked(&holder, waited));
            }
            if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
                self.announcer.tell(Event::Blocked {
                    id: self.id,
                    holder: &holder,
                    waited,
                });
                told = Some(Instant::now());
            }
            seen = Some((holder, Instant::now()));
        }
    }

    /// Who was in the way, when a wait that has come to its end may be meant.
    fn still(&self, seen: Option<(String, Instant)>) -> Option<String> {
        let wait = self.lock_timeout.unwrap_or_default() + LONGEST_PAUSE;
        let (holder, at) = seen?;
        (at.elapsed() <= wait).then_some(holder)
    }

    /// Twice at least in the time that a statement may wait.
    fn pause(&self) -> Duration {
        let half = self.lock_timeout.map_or(LONGEST_PAUSE, |limit| limit / 2);
        half.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }
}

/// One look. `None`: nobody is in the way, or that cannot be told.
async fn look<DB: Engine>(
    other: &mut Option<DB::Connection>,
    options: &Options<DB>,
    questions: &[String],
) -> Option<String> {
    if other.is_none() {
        let options = options.as_ref().clone().disable_statement_logging();
        *other = options.connect().await.ok();
    }
    let connection = other.as_mut()?;
    for question in questions {
        let message = Message::of([Piece::query(question.as_str())]);
        let answers = match DB::send(connection, &message).await {
            Ok(answers) => answers,
            // This server does not know the table, or lets others only look into it.
            Err(refused) if refused.error.as_database_error().is_some() => continue,
            Err(_) => {
                *other = None;
                return None;
            }
        };
        let rows = answers.into_iter().flat_map(|answer| answer.rows);
        let holders: Vec<_> = rows
            .filter_map(|row| row.into_iter().next().flatten())
            .collect();
        if !holders.is_empty() {
            return Some(holders.join("; and for "));
        }
    }
    None
}

fn blocked(holder: &str, waited: Duration) -> Error {
    Error::new(
        ErrorKind::Locked,
        Diagnostic::error(
            "history-locked",
            format!(
                "others have locked the tables of the history for {:.1} s",
                waited.as_secs_f64()
            ),
        )
        .why(format!(
            "It waits for {holder}. A backup that is brought back, or somebody at a console, has \
             them for itself."
        ))
        .help(
            "wait for it to finish, or end that session; if it rightly takes that long, be more \
             patient by `.lock_wait(Duration::from_secs(600))`",
        ),
    )
}
