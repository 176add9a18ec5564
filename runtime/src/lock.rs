//! The lock that lets one process migrate while the others wait.
//!
//! It is polled, never waited for inside the server: a session that waits there holds a snapshot,
//! and `CREATE INDEX CONCURRENTLY` of the one who has the lock would wait for that snapshot, which
//! is a deadlock (<https://github.com/launchbadge/sqlx/issues/1871>). The wait is bounded and the
//! error names the holder. The lock belongs to the connection, so it is free when that is closed,
//! by whatever end.

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
const TOLD_EVERY: Duration = Duration::from_secs(5);

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
    let mut wait = Wait::new(patience);
    loop {
        let is_taken = match expires_after {
            None => {
                let name = session.names.lock();
                let attempt = DB::try_lock(session.connection, &name).await;
                attempt.map(|attempt| attempt == LockAttempt::Taken)
            }
            Some(expires_after) => {
                let (names, who, token) = (&session.names, &session.who, &session.run);
                let connection = &mut *session.connection;
                let lease = Lease::try_take::<DB>(connection, names, who, token, expires_after);
                lease.await.map(|taken| {
                    session.lease = taken;
                    session.lease.is_some()
                })
            }
        };
        let is_taken = is_taken.map_err(|error| {
            Error::database(
                "cannot take the migration lock",
                &DB::remarks(&error),
                error,
            )
        })?;
        if is_taken {
            if let (Some(lease), Some(options)) = (&mut session.lease, options) {
                lease.keep::<DB>(session.names.clone(), options);
            }
            return Ok(wait.began.elapsed());
        }
        wait.pause(session, expires_after.is_some()).await?;
    }
}

/// Whether the lock of a session cannot be relied on here.
async fn needs_lease<DB: Engine>(
    session: &mut Session<'_, DB>,
    options: Option<&<DB::Connection as Connection>::Options>,
) -> bool {
    if session.facts.has_no_session_locks {
        return true;
    }
    let (Some(ask), Some(options)) = (DB::ask_backend(), options) else {
        return false;
    };
    if !DB::may_be_pooled(&session.facts, options) {
        return false;
    }
    let Ok(mut other) = options.clone().disable_statement_logging().connect().await else {
        tracing::debug!("no second connection to find out whether this is a pooler");
        return false;
    };
    let mut is_pooled = false;
    for _ in 0..3 {
        // A pooler gives what one has just used to the next; two connections never share a process
        // of the server, and none of them changes it.
        let theirs = backend::<DB>(&mut other, ask).await;
        let ours = backend::<DB>(session.connection, ask).await;
        is_pooled |= ours.is_some() && (ours == theirs || ours != session.facts.backend);
    }
    let _ = other.close().await;
    is_pooled
}

async fn backend<DB: Engine>(connection: &mut DB::Connection, ask: &'static str) -> Option<String> {
    let message = Message::of([Piece::query(ask)]);
    let answers = DB::send(connection, &message).await.ok()?;
    answers.first()?.rows.first()?.first()?.clone()
}

/// Gives the lock back, and leaves the session as it was found. A connection of our own is closed
/// next, which does the same, but for one that ends at a pooler: what the pooler has behind it
/// lives on.
pub(crate) async fn release<DB: Engine>(session: &mut Session<'_, DB>) {
    let reset = DB::reset(&session.facts);
    if let Err(error) = session.run(reset, "cannot reset the session").await {
        tracing::debug!(%error, "the session could not be left as it was");
    }
    if let Some(lease) = session.lease.take() {
        let give_back = lease.give_back::<DB>(&session.names);
        session.run_quietly(&[give_back]).await;
        return;
    }
    let name = session.names.lock();
    if let Err(error) = DB::unlock(session.connection, &name).await {
        tracing::debug!(%error, "the migration lock could not be given back");
    }
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

    /// Waits for a moment and tells the observer from time to time.
    ///
    /// # Errors
    /// When the patience is at its end.
    pub(crate) async fn pause<DB: Engine>(
        &mut self,
        session: &mut Session<'_, DB>,
        for_lease: bool,
    ) -> Result<(), Error> {
        let waited = self.began.elapsed();
        let is_over = waited >= self.patience;
        if is_over || self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            let holder = match for_lease {
                true => lease::holder::<DB>(session.connection, &session.names).await,
                false => {
                    let name = session.names.lock();
                    DB::lock_holder(session.connection, &name).await
                }
            };
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
