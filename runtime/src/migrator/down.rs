//! `down`: taking migrations back, the newest first.

use std::time::Instant;

use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::{Migrator, after};
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::Error;
use crate::lock::{self, Wait};
use crate::observe::Event;
use crate::plan::{self, Action, Down, Force, Plan, Step};
use crate::report::{Direction, Done, Report};
use crate::risk;
use crate::rollback::{self, Request};
use crate::session::Session;

impl<DB: Engine> Migrator<'_, DB> {
    /// Takes migrations back, the newest first, by the way back that the database holds.
    ///
    /// # Errors
    /// When one has no way back, or may lose data (see [`risk`](Migrator::risk)) and
    /// [`force`](Migrator::force) is not given, when the stored way back was tampered with, when
    /// the [`backup`](Migrator::backup) or a statement fails. Failed rollbacks are recorded too.
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
        let options = held.options();
        let mut session = self.look_around(held).await?;
        if !session.has_history {
            plan::down(self.set(), &[], down, self.policy)?;
            return Ok(());
        }
        session.outside_transaction().await?;
        report.waited = lock::take(&mut session, self.lock, options, self.lock_wait).await?;
        let result = self.revert_all(&mut session, down, report).await;
        lock::release(&mut session, result).await
    }

    async fn revert_all(
        &self,
        session: &mut Session<'_, DB>,
        down: &Down,
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut wait = Wait::new(self.lock_wait);
        self.read_history(session, &mut wait).await?;
        let mut plan = self.plan_forced(session, down)?;
        if !plan.is_empty() {
            report.backup = self.weigh(session, &plan).await?;
        }
        loop {
            report.remaining = plan.steps.iter().map(|step| step.id.clone()).collect();
            if plan.is_empty() {
                return Ok(());
            }
            self.tell(Event::Started { plan: &plan });
            report.run = Some(session.run.clone());
            if self.revert_steps(session, &plan, report, &mut wait).await? {
                return Ok(());
            }
            // Somebody else has written to the history.
            self.read_history(session, &mut wait).await?;
            if report.done.is_empty() {
                plan = self.plan_forced(session, down)?;
            } else {
                let rest = |step: &Step| {
                    let mut rows = session.rows.iter();
                    rows.any(|row| row.version == step.version)
                        && report.remaining.contains(&step.id)
                };
                plan.steps.retain(rest);
            }
        }
    }

    /// Refuses what may lose data, unless that is wanted, and makes the backup.
    async fn weigh(
        &self,
        session: &mut Session<'_, DB>,
        plan: &Plan,
    ) -> Result<Option<String>, Error> {
        let mut risk = None;
        if self.policy.force == Force::No || self.backup.before_down.is_some() {
            risk = Some(self.assess(session, plan).await?);
        }
        if let (Force::No, Some(risk)) = (self.policy.force, &risk) {
            risk::allow(risk)?;
        }
        self.back_up(Direction::Down, plan, risk).await
    }

    /// Whether all of them were taken back. If not, somebody else has written to the history.
    async fn revert_steps(
        &self,
        session: &mut Session<'_, DB>,
        plan: &Plan,
        report: &mut Report,
        wait: &mut Wait,
    ) -> Result<bool, Error> {
        for step in &plan.steps {
            let backup = report.backup.as_deref();
            match self.revert(session, step, backup, wait).await? {
                Some(done) => report.note(done),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Takes one migration back, again where a lock inside the database was not to be had. `None`:
    /// somebody else has written to the history.
    async fn revert(
        &self,
        session: &mut Session<'_, DB>,
        step: &Step,
        backup: Option<&str>,
        wait: &mut Wait,
    ) -> Result<Option<Done>, Error> {
        let (action, id) = (Action::Revert, step.id.as_str());
        self.tell(Event::MigrationStarted { action, id });
        let request = Request {
            reason: self.reason.as_deref(),
            forced: self.policy.force == Force::Yes,
            backup,
        };
        let row = session.rows.iter().find(|row| row.version == step.version);
        let row = row.expect("a plan is made from the history").clone();
        let mut attempt = 0;
        let mut holder = None;
        loop {
            let span = tracing::info_span!("migration", id, verb = "down");
            let watch = session.watch(id, self.limits.lock);
            let work = rollback::migration(session, &row, request, self.limits, self.retries);
            let watched = watch.over(work.instrument(span)).await;
            holder = watched.holder.or(holder);
            match watched.done {
                Ok(done) => {
                    let elapsed = done.elapsed;
                    self.tell(Event::MigrationDone {
                        action,
                        id,
                        elapsed,
                    });
                    return Ok(Some(done));
                }
                Err(failure) if failure.stale => return Ok(None),
                Err(failure) if failure.transient && DB::LOCKS_BY_TRANSACTION => {
                    wait.pause(session, lock::Rival::Session).await?;
                    return Ok(None);
                }
                Err(failure) if failure.transient && attempt < self.retries => {
                    attempt += 1;
                    lock::pause_before_retry(&self.announcer, id, attempt).await;
                }
                Err(failure) => {
                    let error = after::<DB>(attempt, holder.as_deref(), failure.error);
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
