//! The lock that lets one process migrate while the others wait.
//!
//! It is polled, never waited for inside the server: a session that waits there holds a snapshot,
//! and `CREATE INDEX CONCURRENTLY` of the one who has the lock would wait for that snapshot, which
//! is a deadlock (<https://github.com/launchbadge/sqlx/issues/1871>). The wait is bounded and the
//! error names the holder. The lock belongs to the connection, so it is free when that is closed,
//! by whatever end.
//!
//! There are two kinds, the server's lock of a session and the [lease](crate::lease), and a run of
//! either kind keeps out one of the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;
use sqlx::{ConnectOptions, Connection};

use crate::engine::{Engine, LockAttempt};
use crate::error::{Error, ErrorKind};
use crate::lease::{self, Lease, Lock};
use crate::message::{Message, Piece};
use crate::observe::{Announcer, Event};
use crate::session::Session;

/// The first pause between two attempts; each is longer than the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often the wait is told to the observer.
pub(crate) const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Takes the lock and tells how long that took. `options` lead to the same database.
///
/// # Errors
/// When somebody else has it for all of `patience`, and who.
pub(crate) async fn take<DB: Engine>(
    session: &mut Session<'_, DB>,
    lock: Lock,
    options: Option<<DB::Connection as Connection>::Options>,
    patience: Duration,
) -> Result<Duration, Error> {
    let expires_after = match lock {
        Lock::Session => None,
        Lock::Lease { expires_after } => Some(expires_after),
        Lock::Auto => needs_lease(session, options.as_ref())
            .await
            .then_some(lease::EXPIRES_AFTER),
    };
    if expires_after.is_some() && !DB::LEASES {
        return Err(lease::not_here(DB::PRODUCT));
    }
    session.options = options.clone().map(Arc::new);
    let mut wait = Wait::new(patience);
    loop {
        let watch = session.watch_history();
        let attempt = async {
            match expires_after {
                None => try_session(session).await,
                Some(expires_after) => try_lease(session, expires_after).await,
            }
        };
        let attempt = watch.bounded(patience, attempt).await?;
        let rival = match attempt {
            Ok(rival) => rival,
            Err(error) => {
                let error = Error::database::<DB>("cannot take the migration lock", error);
                return Err(session.told(error).await);
            }
        };
        let Some(rival) = rival else {
            if let (Some(lease), Some(options)) = (&mut session.lease, options) {
                lease.keep::<DB>(session.names.clone(), options);
            }
            return Ok(wait.waited());
        };
        wait.pause(session, rival).await?;
    }
}

/// Who is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// A session that has the server's lock.
    Session,
    /// Somebody with a lease.
    Lease,
    /// One of the two.
    Either,
}

/// One attempt at the lock of a session, which is not enough while somebody has a lease. `None`:
/// it is ours.
///
/// The lock first, then the look: who takes a lease does it the other way round, so that of two at
/// once one at least sees the other.
async fn try_session<DB: Engine>(
    session: &mut Session<'_, DB>,
) -> Result<Option<Rival>, sqlx::Error> {
    let name = session.names.lock();
    if DB::try_lock(session.connection, &name).await? == LockAttempt::Held {
        return Ok(Some(Rival::Session));
    }
    if !DB::LEASES {
        return Ok(None);
    }
    match lease::is_free::<DB>(session.connection, &session.names).await {
        Ok(true) => Ok(None),
        Ok(false) => {
            DB::unlock(session.connection, &name).await?;
            Ok(Some(Rival::Lease))
        }
        Err(error) => {
            // A borrowed connection lives on, and the lock with it.
            let _ = DB::unlock(session.connection, &name).await;
            Err(error)
        }
    }
}

/// One attempt at a lease, which is not to be had while a session has the lock. `None`: it is ours.
async fn try_lease<DB: Engine>(
    session: &mut Session<'_, DB>,
    expires_after: Duration,
) -> Result<Option<Rival>, sqlx::Error> {
    let (names, who, token) = (&session.names, &session.who, &session.run);
    let locks = match session.facts.has_no_session_locks {
        true => None,
        false => DB::ask_lock_is_free(&names.lock()),
    };
    let connection = &mut *session.connection;
    let taken = Lease::try_take::<DB>(connection, names, who, token, expires_after, locks).await?;
    session.lease = taken;
    Ok(match session.lease {
        Some(_) => None,
        None => Some(Rival::Either),
    })
}

/// Whether the lock of a session cannot be relied on here.
///
/// Where the address may be that of a pooler, a second connection is opened with a mark that only
/// a session of its own has: a pooler refuses it, or does not pass it on. Where there is no second
/// connection to be had it cannot be told, and a lease is right in either case.
async fn needs_lease<DB: Engine>(
    session: &mut Session<'_, DB>,
    options: Option<&<DB::Connection as Connection>::Options>,
) -> bool {
    if session.facts.has_no_session_locks {
        return true;
    }
    let Some(options) = options.filter(|options| DB::may_be_pooled(&session.facts, options)) else {
        return false;
    };
    let Some((marked, ask)) = DB::marked(options) else {
        return false;
    };
    let other = marked.disable_statement_logging().connect().await;
    let mut other = match other {
        Ok(other) => other,
        Err(error) => {
            tracing::debug!(%error, "no second connection with a mark: this may be a pooler");
            return true;
        }
    };
    let message = Message::of([Piece::query(ask)]);
    let answers = DB::send(&mut other, &message).await;
    let _ = other.close().await;
    let mark = answers.ok().and_then(|answers| {
        let row = answers.into_iter().next()?.rows.into_iter().next()?;
        row.into_iter().next()?
    });
    mark.as_deref() != Some(MARK)
}

/// What a session is marked with, to see whether it is one.
pub(crate) const MARK: &str = "marked";

/// Gives the lock back, and leaves the session as it was found. A connection of our own is closed
/// next, which does the same, but for one that ends at a pooler: what the pooler has behind it
/// lives on.
///
/// # Errors
/// What `result` is: of one that failed because somebody else had its lease, that.
pub(crate) async fn release<DB: Engine, T>(
    session: &mut Session<'_, DB>,
    result: Result<T, Error>,
) -> Result<T, Error> {
    if session.is_given_up {
        // The lock goes with the connection.
        return result;
    }
    let result = match result {
        Ok(done) => Ok(done),
        Err(error) => Err(session.told(error).await),
    };
    let reset = DB::reset(&session.facts);
    if let Err(error) = session.run(reset, "cannot reset the session").await {
        tracing::debug!(%error, "the session could not be left as it was");
    }
    if let Some(lease) = session.lease.take() {
        let give_back = lease.give_back::<DB>(&session.names);
        let message = Message::of([Piece::library(give_back)]);
        return match DB::send(session.connection, &message).await {
            // What somebody else has done meanwhile is what the error is about.
            Ok(answers) if answers.iter().all(|answer| answer.rows_affected == 0) => {
                result.map_err(lease::lost_before)
            }
            Ok(_) => result,
            Err(refused) => {
                tracing::debug!(error = %refused.error, "the lease could not be given back");
                result
            }
        };
    }
    let name = session.names.lock();
    if let Err(error) = DB::unlock(session.connection, &name).await {
        tracing::debug!(%error, "the migration lock could not be given back");
    }
    result
}

/// A bounded wait with growing pauses.
pub(crate) struct Wait {
    began: Instant,
    patience: Duration,
    pause: Duration,
    told: Option<Instant>,
}

impl Wait {
    pub(crate) fn new(patience: Duration) -> Wait {
        Wait {
            began: Instant::now(),
            patience,
            pause: FIRST_PAUSE,
            told: None,
        }
    }

    /// How long it took, where somebody was in the way. What the server itself waits in a single
    /// attempt is not counted.
    fn waited(&self) -> Duration {
        match self.told {
            None => Duration::ZERO,
            Some(_) => self.began.elapsed(),
        }
    }

    /// Waits for a moment and tells the observer from time to time.
    ///
    /// # Errors
    /// When the patience is at its end.
    pub(crate) async fn pause<DB: Engine>(
        &mut self,
        session: &mut Session<'_, DB>,
        rival: Rival,
    ) -> Result<(), Error> {
        let waited = self.began.elapsed();
        let is_over = waited >= self.patience;
        if is_over || self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            let holder = holder(session, rival).await;
            if is_over {
                return Err(held(holder.as_deref(), waited));
            }
            session.announcer().tell(Event::Waiting {
                holder: holder.as_deref(),
                waited,
            });
            self.told = Some(Instant::now());
        }
        tokio::time::sleep(jittered(self.pause).min(self.patience - waited)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// Who is in the way, in words for people.
async fn holder<DB: Engine>(session: &mut Session<'_, DB>, rival: Rival) -> Option<String> {
    if rival != Rival::Session {
        let leased = lease::holder::<DB>(session.connection, &session.names).await;
        if leased.is_some() || rival == Rival::Lease {
            return leased;
        }
    }
    let name = session.names.lock();
    DB::lock_holder(session.connection, &name).await
}

/// Waits before something is tried again that a lock inside the database stood in the way of.
pub(crate) async fn pause_before_retry(announcer: &Announcer, id: &str, attempt: u32) {
    let pause = jittered(Duration::from_millis(100) * 2u32.pow(attempt.min(6)));
    announcer.tell(Event::Retrying { id, attempt, pause });
    tokio::time::sleep(pause).await;
}

/// Between half of `pause` and all of it, so that many who wait do not knock together. The clock's
/// nanoseconds are random enough for that.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let random = now.map_or(0, |since| since.subsec_nanos()) ^ std::process::id();
    pause.mul_f64(0.5 + f64::from(random % 1000) / 2000.0)
}

fn held(holder: Option<&str>, waited: Duration) -> Error {
    let holder = match holder {
        Some(holder) => format!("It is held by {holder}."),
        None => "Who holds it cannot be told, or has just let go of it.".to_owned(),
    };
    Error::new(
        ErrorKind::Locked,
        Diagnostic::error(
            "lock-held",
            format!(
                "somebody else has held the migration lock for {:.1} s",
                waited.as_secs_f64()
            ),
        )
        .why(format!(
            "{holder} One process migrates at a time; the others wait for it."
        ))
        .help(
            "wait for it to finish, or end that process; if it rightly takes that long, be more \
             patient by `.lock_wait(Duration::from_secs(600))`",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jittered_pause_is_between_half_and_all() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_millis(100));
            assert!((Duration::from_millis(50)..=Duration::from_millis(100)).contains(&pause));
        }
    }
}
