//! `down`: taking migrations back, the newest first.

use std::time::Instant;

use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::{Migrator, after, release};
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::Error;
use crate::lock::{self, Wait};
use crate::observe::Event;
use crate::plan::{self, Action, Down, Force, Step};
use crate::report::{Direction, Done, Report};
use crate::rollback::{self, Request};
use crate::session::Session;

impl<DB: Engine> Migrator<'_, DB> {
    /// Takes migrations back, the newest first, by the way back that the database holds.
    ///
    /// # Errors
    /// When one has no way back, or loses data and [`force`](Migrator::force) is not given, when
    /// the stored way back was tampered with, when a statement fails. Failed rollbacks are
    /// recorded too.
    pub fn down<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        down: Down,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            let began = Instant::now();
            let run = async {
                let mut held = self.open(database).await?.into_own().await;
                let mut report = Report {
                    direction: Direction::Down,
                    ..Report::default()
                };
                let result = self.down_under_lock(&mut held, &down, &mut report).await;
                self.end(held, result, report, began).await
            };
            run.instrument(tracing::info_span!("migrate", verb = "down"))
                .await
        })
    }

    async fn down_under_lock(
        &self,
        held: &mut Held<'_, DB>,
        down: &Down,
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut session = self.look_around(held).await?;
        if !session.has_history {
            plan::down(self.set(), &[], down, self.policy)?;
            return Ok(());
        }
        session.outside_transaction()?;
        let lock = session.names.lock();
        report.waited =
            lock::take::<DB>(session.connection, &lock, self.lock_wait, &self.announcer).await?;
        let result = self.revert_all(&mut session, down, report).await;
        release(&mut session, &lock).await;
        result
    }

    async fn revert_all(
        &self,
        session: &mut Session<'_, DB>,
        down: &Down,
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut wait = Wait::new(self.lock_wait);
        self.read_history(session, &mut wait).await?;
        let plan = plan::down(self.set(), &session.rows, down, self.policy)?;
        if plan.is_empty() {
            return Ok(());
        }
        self.tell(Event::Started { plan: &plan });
        report.run = Some(session.run.clone());
        report.remaining = plan.steps.iter().map(|step| step.id.clone()).collect();
        for step in &plan.steps {
            let done = self.revert(session, step, &mut wait).await?;
            report.note(done);
        }
        Ok(())
    }

    async fn revert(
        &self,
        session: &mut Session<'_, DB>,
        step: &Step,
        wait: &mut Wait,
    ) -> Result<Done, Error> {
        let (action, id) = (Action::Revert, step.id.as_str());
        self.tell(Event::MigrationStarted { action, id });
        let request = Request {
            reason: self.reason.as_deref(),
            forced: self.policy.force == Force::Yes,
        };
        let mut attempt = 0;
        loop {
            let row = session
                .rows
                .iter()
                .find(|row| row.version == step.version)
                .cloned();
            let row = row.expect("a plan is made from the history");
            let dialect = self.set().dialect;
            let span = tracing::info_span!("migration", id, verb = "down");
            let result = rollback::migration(session, &row, dialect, request, self.limits)
                .instrument(span)
                .await;
            match result {
                Ok(done) => {
                    self.tell(Event::MigrationDone {
                        action,
                        id,
                        elapsed: done.elapsed,
                    });
                    return Ok(done);
                }
                Err(failure) if failure.transient && DB::LOCKS_BY_TRANSACTION => {
                    let lock = session.names.lock();
                    wait.pause::<DB>(session.connection, &lock, &self.announcer)
                        .await?;
                }
                Err(failure) if failure.transient && attempt < self.retries => {
                    attempt += 1;
                    self.retry(id, attempt).await;
                }
                Err(failure) => {
                    let error = after(attempt, failure.error);
                    self.tell(Event::MigrationFailed {
                        action,
                        id,
                        error: &error.headline(),
                    });
                    return Err(error);
                }
            }
        }
    }
}
