//! The lock that lets one process migrate while the others wait.
//!
//! It is polled, never waited for inside the server: a session that waits there holds a snapshot,
//! and `CREATE INDEX CONCURRENTLY` of the one who has the lock would wait for that snapshot, which
//! is a deadlock (<https://github.com/launchbadge/sqlx/issues/1871>). The wait is bounded and the
//! error names the holder. The lock belongs to the connection, so it is free when that is closed,
//! by whatever end.

use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;

use crate::engine::{Engine, LockAttempt};
use crate::error::{Error, ErrorKind};
use crate::observe::{Announcer, Event};

/// The first pause between two attempts; each is longer than the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often the wait is told to the observer.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Takes the lock and tells how long that took.
///
/// # Errors
/// When somebody else has it for all of `patience`, and who.
pub(crate) async fn take<DB: Engine>(
    connection: &mut DB::Connection,
    name: &str,
    patience: Duration,
    announcer: &Announcer,
) -> Result<Duration, Error> {
    let mut wait = Wait::new(patience);
    loop {
        let attempt = DB::try_lock(connection, name).await.map_err(|error| {
            Error::database(
                "cannot take the migration lock",
                &DB::remarks(&error),
                error,
            )
        })?;
        match attempt {
            LockAttempt::Taken => return Ok(wait.began.elapsed()),
            LockAttempt::Held => wait.pause::<DB>(connection, name, announcer).await?,
        }
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
        connection: &mut DB::Connection,
        name: &str,
        announcer: &Announcer,
    ) -> Result<(), Error> {
        let waited = self.began.elapsed();
        if waited >= self.patience {
            let holder = DB::lock_holder(connection, name).await;
            return Err(held(holder.as_deref(), waited));
        }
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            let holder = DB::lock_holder(connection, name).await;
            announcer.tell(Event::Waiting {
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
