//! Telling others what is going on while it goes on.
//!
//! Everything that happens is an [`Event`]: it goes to the [`Observer`] where one is set, and to
//! `tracing`. The library prints nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{Action, Plan};
use crate::report::Report;

/// Something that happened during a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// Somebody else holds the lock; comes again from time to time while it is waited for.
    Waiting {
        /// Who, as far as the engine tells.
        holder: Option<&'e str>,
        /// For how long already.
        waited: Duration,
    },
    /// A statement waits for a lock inside the database that others have; comes again from time to
    /// time while it is waited for. Told by a second connection, so not on a borrowed one.
    Blocked {
        /// The id of the migration; `None` where it is the history that is waited for.
        id: Option<&'e str>,
        /// Who, and what they are at, as far as the engine tells.
        holder: &'e str,
        /// For how long the work has been under way.
        waited: Duration,
    },
    /// The run begins.
    Started {
        /// What it will do.
        plan: &'e Plan,
    },
    /// A migration begins.
    MigrationStarted {
        /// What is done about it.
        action: Action,
        /// Its id.
        id: &'e str,
    },
    /// A statement has run. Servers answer the statements of one message together.
    StatementDone {
        /// The id of its migration.
        id: &'e str,
        /// Its position in the section, from one.
        statement: usize,
        /// How many rows it changed.
        rows_affected: u64,
    },
    /// A migration goes on where an earlier run stopped. Comes before what runs of it.
    Resumed {
        /// The id of the migration.
        id: &'e str,
        /// How many of its statements are in effect.
        done: usize,
    },
    /// The catalogue told whether a statement has taken effect that an earlier run was at.
    Settled {
        /// The id of its migration.
        id: &'e str,
        /// Its position in the section, from one.
        statement: usize,
        /// Whether it has. Otherwise it runs again.
        took_effect: bool,
    },
    /// Something that a statement had left half done was taken away, so that it can run again.
    LeftoverDropped {
        /// The id of its migration.
        id: &'e str,
        /// What it was: `index notes_by_title of notes`.
        what: &'e str,
    },
    /// A round of a batch is done and committed.
    RoundDone {
        /// The id of its migration.
        id: &'e str,
        /// The position of the statement in the section, from one.
        statement: usize,
        /// Which round, from one; those of an earlier run count.
        round: u64,
        /// How many rows it changed.
        rows_affected: u64,
    },
    /// A lock inside the database was not to be had in time; the migration is tried again, or only
    /// the statement where those before it stay.
    Retrying {
        /// The id of the migration.
        id: &'e str,
        /// Which attempt failed, from one.
        attempt: u32,
        /// How long it waits before the next.
        pause: Duration,
    },
    /// A migration is done and committed.
    MigrationDone {
        /// What was done about it.
        action: Action,
        /// Its id.
        id: &'e str,
        /// How long it took.
        elapsed: Duration,
    },
    /// A migration failed.
    MigrationFailed {
        /// What was tried.
        action: Action,
        /// Its id.
        id: &'e str,
        /// What went wrong, on one line.
        error: &'e str,
    },
    /// The run came to its end.
    Finished {
        /// What it did.
        report: &'e Report,
    },
}

/// Is told what happens, as it happens. Called between statements, so it should be quick.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

impl<F: Fn(Event<'_>) + Send + Sync> Observer for F {
    fn event(&self, event: Event<'_>) {
        self(event);
    }
}

/// Where events go.
#[derive(Clone, Default)]
pub(crate) struct Announcer {
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Announcer {
    /// Tells everybody.
    pub(crate) fn tell(&self, event: Event<'_>) {
        trace(event);
        if let Some(observer) = &self.observer {
            observer.event(event);
        }
    }
}

fn trace(event: Event<'_>) {
    match event {
        Event::Waiting { holder, waited } => {
            let holder = holder.unwrap_or("unknown");
            tracing::info!(holder, ?waited, "waiting for the migration lock");
        }
        Event::Blocked { id, holder, waited } => {
            let id = id.unwrap_or("the history");
            tracing::warn!(id, holder, ?waited, "waiting for a lock that others have");
        }
        Event::Started { plan } => tracing::info!(steps = plan.steps.len(), "migrating"),
        Event::MigrationStarted { action, id } => tracing::debug!(id, ?action, "begins"),
        Event::StatementDone {
            id,
            statement,
            rows_affected,
        } => {
            tracing::debug_span!("statement", id, statement)
                .in_scope(|| tracing::debug!(rows_affected, "statement done"));
        }
        Event::Resumed { id, done } => tracing::info!(id, done, "goes on where it stopped"),
        Event::Settled {
            id,
            statement,
            took_effect,
        } => tracing::info!(id, statement, took_effect, "asked the catalogue"),
        Event::LeftoverDropped { id, what } => {
            tracing::info!(id, what, "dropped what was left half done");
        }
        Event::RoundDone {
            id,
            statement,
            round,
            rows_affected,
        } => tracing::debug!(id, statement, round, rows_affected, "a round is done"),
        Event::Retrying { id, attempt, pause } => {
            tracing::warn!(
                id,
                attempt,
                ?pause,
                "a lock was not to be had in time, trying again"
            );
        }
        Event::MigrationDone {
            action,
            id,
            elapsed,
        } => {
            tracing::info!(id, ?action, ?elapsed, "migration done");
        }
        Event::MigrationFailed { action, id, error } => {
            tracing::error!(id, ?action, error, "migration failed");
        }
        Event::Finished { report } => tracing::info!(%report, "migrations finished"),
    }
}
