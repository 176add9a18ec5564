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
    /// A lock inside the database was not to be had in time; the migration is tried again.
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
