//! `up`: the fast path, and everything after it under the lock.

use std::time::Instant;

use backstitch_core::migration::{Migration, Transaction};
use backstitch_core::{Diagnostic, Set};
use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::{Migrator, Mode, Standing, after};
use crate::apply;
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::execute::Failure;
use crate::lock::{self, Rival, Wait};
use crate::observe::Event;
use crate::plan::{self, Action, Plan, Step};
use crate::report::{Direction, Done, Report};
use crate::session::Session;
use crate::step;

impl<'m, DB: Engine> Migrator<'m, DB> {
    /// Applies what is pending.
    ///
    /// # Errors
    /// When the plan is refused (see [`plan`](Migrator::plan)), when the lock is not to be had,
    /// when a check finds offenders or a statement fails. The error brings along the report of
    /// what was done before, which stays done.
    pub fn up<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            let began = Instant::now();
            self.warn_of_new_files();
            let run = async {
                let mut held = self.open(database).await?;
                let standing = self.standing(&mut held).await?;
                if standing == Standing::UpToDate {
                    let report = Report {
                        remaining: self.beyond_target(),
                        ..Report::default()
                    };
                    held.close().await;
                    return Ok(self.report(report, began));
                }
                let mut held = held.into_own().await;
                let mut report = Report::default();
                let result = self.up_slowly(&mut held, standing, &mut report).await;
                self.end(held, result, report, began).await
            };
            run.instrument(tracing::info_span!("migrate", verb = "up"))
                .await
        })
    }

    /// Everything after the fast path: looks, takes the lock, looks again, runs.
    async fn up_slowly(
        &self,
        held: &mut Held<'_, DB>,
        standing: Standing,
        report: &mut Report,
    ) -> Result<(), Error> {
        step::complete(self.migrations)?;
        let options = held.options();
        let also = (standing == Standing::Empty).then(|| self.ask_other_tools());
        let mut session = self.look_around_and(held, also.flatten()).await?;
        if session.has_history {
            let plan = self.plan_up(&mut session);
            if matches!(&plan, Ok(plan) if plan.is_empty()) {
                report.remaining = plan?.remaining;
                return Ok(());
            }
            // What is refused now may be right once whoever is at it has finished.
        }
        session.outside_transaction().await?;
        report.waited = lock::take(&mut session, self.lock, options, self.lock_wait).await?;
        let result = self.up_under_lock(&mut session, report).await;
        lock::release(&mut session, result).await
    }

    async fn up_under_lock(
        &self,
        session: &mut Session<'_, DB>,
        report: &mut Report,
    ) -> Result<(), Error> {
        // Before anything is made: a refusal must not leave tables behind.
        self.refuse_unadopted(session).await?;
        let mut wait = Wait::new(self.lock_wait);
        loop {
            self.read_history(session, &mut wait).await?;
            let plan = self.plan_up(session)?;
            report.remaining = plan.steps.iter().map(|step| step.id.clone()).collect();
            report.remaining.extend(plan.remaining.iter().cloned());
            if plan.is_empty() {
                if report.done.is_empty() {
                    report.run = None;
                }
                return Ok(());
            }
            self.tell(Event::Started { plan: &plan });
            report.run = Some(session.run.clone());
            if report.backup.is_none() {
                report.backup = self.back_up(Direction::Up, &plan, None).await?;
            }
            match self.execute(session, &plan, report, &mut wait).await? {
                Progress::Finished => return Ok(()),
                Progress::Overtaken => {}
            }
        }
    }

    async fn execute(
        &self,
        session: &mut Session<'_, DB>,
        plan: &Plan,
        report: &mut Report,
        wait: &mut Wait,
    ) -> Result<Progress, Error> {
        for group in self.groups(plan)? {
            match group {
                Group::Accept(migration) => {
                    apply::accept(session, migration).await?;
                    report.note(Done::accepted(migration));
                }
                Group::Apply(migrations) => match self.apply(session, &migrations, wait).await? {
                    Some(done) => done.into_iter().for_each(|one| report.note(one)),
                    None => return Ok(Progress::Overtaken),
                },
            }
        }
        Ok(Progress::Finished)
    }

    /// The steps of a plan as they share transactions.
    fn groups(&self, plan: &Plan) -> Result<Vec<Group<'m>>, Error> {
        let set: &'m Set = self.migrations.set();
        let migration_of = |step: &Step| {
            let found = set
                .migrations
                .iter()
                .find(|one| one.version == step.version);
            found.expect("a plan is made from the set")
        };
        let (accept, apply): (Vec<_>, Vec<_>) = plan
            .steps
            .iter()
            .partition(|step| step.action == Action::Accept);
        let accept = accept.into_iter().map(migration_of).map(Group::Accept);
        let apply: Vec<_> = apply.into_iter().map(migration_of).collect();
        let apply = match self.mode {
            Mode::Each => apply
                .into_iter()
                .map(|one| Group::Apply(vec![one]))
                .collect(),
            Mode::All => {
                let apart = |one: &&&Migration| plan::transaction_of(one) == Transaction::None;
                if let Some(apart) = apply.iter().find(apart) {
                    return Err(not_together(apart));
                }
                if apply.is_empty() {
                    vec![]
                } else {
                    vec![Group::Apply(apply)]
                }
            }
        };
        Ok(accept.chain(apply).collect())
    }

    /// Applies migrations, again where a lock inside the database was not to be had. `None`:
    /// somebody else was faster.
    async fn apply(
        &self,
        session: &mut Session<'_, DB>,
        migrations: &[&Migration],
        wait: &mut Wait,
    ) -> Result<Option<Vec<Done>>, Error> {
        for migration in migrations {
            self.tell(Event::MigrationStarted {
                action: Action::Apply,
                id: &migration.id,
            });
        }
        let mut attempt = 0;
        let mut holder = None;
        loop {
            let id = migrations.first().map_or("", |migration| &migration.id);
            let span = tracing::info_span!("migration", id, verb = "up");
            let watch = session.watch(id, self.limits.lock);
            let work = apply::migrations(session, migrations, self.limits, self.retries);
            let watched = watch.over(work.instrument(span)).await;
            holder = watched.holder.or(holder);
            match watched.done {
                Ok(done) => {
                    for Done {
                        action,
                        id,
                        elapsed,
                        ..
                    } in &done
                    {
                        let (action, elapsed) = (*action, *elapsed);
                        self.tell(Event::MigrationDone {
                            action,
                            id,
                            elapsed,
                        });
                    }
                    return Ok(Some(done));
                }
                Err(failure) if failure.stale => return Ok(None),
                Err(failure) if failure.transient && DB::LOCKS_BY_TRANSACTION => {
                    wait.pause(session, Rival::Session).await?;
                    return Ok(None);
                }
                Err(failure) if failure.transient && attempt < self.retries => {
                    attempt += 1;
                    let id = &migrations[failure.job].id;
                    lock::pause_before_retry(&self.announcer, id, attempt).await;
                }
                Err(Failure { error, job, .. }) => {
                    let error = after::<DB>(attempt, holder.as_deref(), error);
                    let (action, id) = (Action::Apply, &migrations[job].id);
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

/// How far the steps of a plan were taken.
enum Progress {
    /// All of them.
    Finished,
    /// Somebody else has taken one meanwhile: look again.
    Overtaken,
}

/// Migrations that are dealt with in one go.
enum Group<'m> {
    Accept(&'m Migration),
    Apply(Vec<&'m Migration>),
}

fn not_together(apart: &Migration) -> Error {
    let mut diagnostic = Diagnostic::error(
        "mode-all-impossible",
        format!("`{}` cannot share a transaction with others", apart.id),
    )
    .why(match apart.transaction {
        Transaction::None => "Its file says `@transaction: false`.",
        Transaction::One => "It holds DDL, and this engine commits DDL by itself.",
    })
    .help("apply it on its own first, by a `.target(..)`, or use `Mode::Each`");
    diagnostic.migration = Some(apart.id.clone());
    Error::new(ErrorKind::Usage, diagnostic)
}
