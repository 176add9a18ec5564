//! The verbs, and everything that can be set about them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstitch_core::diagnostic::did_you_mean;
use backstitch_core::migration::{Migration, Transaction};
use backstitch_core::{Diagnostic, Set};
use futures_util::future::BoxFuture;
use tracing::Instrument;

use crate::apply;
use crate::connect::{Connect, Held};
use crate::engine::{Engine, Limits};
use crate::error::{Error, ErrorKind};
use crate::execute::Failure;
use crate::history::{Names, Row, State};
use crate::lock::{self, Wait, jittered};
use crate::migrations::Migrations;
use crate::observe::{Announcer, Event, Observer};
use crate::plan::{self, Action, Down, Force, OutOfOrder, Plan, Policy, Step, Unknown, usage};
use crate::report::{Direction, Done, Report, Status};
use crate::rollback::{self, Request};
use crate::session::{self, Session};

/// How pending migrations are divided into transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Each migration in a transaction of its own, together with its row in the history.
    #[default]
    Each,
    /// All pending migrations in one transaction: all of them or none. Not where the engine
    /// commits DDL by itself, and not with migrations that are outside of a transaction. On
    /// Postgres the server's lock table bounds how many fit.
    All,
}

/// Everything that can be set about a run. Made by [`Migrations::migrator`].
#[must_use = "it does nothing before one of its verbs is called"]
pub struct Migrator<'m, DB> {
    migrations: &'m Migrations<DB>,
    names: Names,
    target: Option<u64>,
    mode: Mode,
    policy: Policy,
    lock_wait: Duration,
    limits: Limits,
    retries: u32,
    applied_by: Option<String>,
    reason: Option<String>,
    announcer: Announcer,
}

impl<DB> Clone for Migrator<'_, DB> {
    fn clone(&self) -> Self {
        Migrator {
            migrations: self.migrations,
            names: self.names.clone(),
            target: self.target,
            mode: self.mode,
            policy: self.policy,
            lock_wait: self.lock_wait,
            limits: self.limits,
            retries: self.retries,
            applied_by: self.applied_by.clone(),
            reason: self.reason.clone(),
            announcer: self.announcer.clone(),
        }
    }
}

impl<'m, DB: Engine> Migrator<'m, DB> {
    pub(crate) fn new(migrations: &'m Migrations<DB>) -> Migrator<'m, DB> {
        Migrator {
            migrations,
            names: Names::default(),
            target: None,
            mode: Mode::Each,
            policy: Policy::default(),
            lock_wait: Duration::from_secs(300),
            limits: Limits {
                lock: Some(Duration::from_secs(5)),
                statement: None,
            },
            retries: 10,
            applied_by: None,
            reason: None,
            announcer: Announcer::default(),
        }
    }

    /// Goes no further than the migration of this id, which is applied too.
    ///
    /// # Errors
    /// When there is no such migration.
    pub fn target(mut self, id: &str) -> Result<Self, Error> {
        let Some(migration) = self.set().get(id) else {
            let ids = self
                .set()
                .migrations
                .iter()
                .map(|migration| migration.id.as_str());
            let help = match did_you_mean(id, ids) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name the file without `.sql`".to_owned(),
            };
            return Err(usage(format!("there is no migration `{id}`"), &help));
        };
        self.target = Some(migration.version);
        Ok(self)
    }

    /// How pending migrations are divided into transactions. [`Mode::Each`] unless set.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Keeps the history apart from that of other crates in the same database.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.names.namespace = namespace.into();
        self
    }

    /// The schema (on MySQL: the database) that holds the history; made when it is missing. Where
    /// unqualified names go unless set.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.names.schema = Some(schema.into());
        self
    }

    /// The names of the two tables of the history. `__migrations__` and `__migration_rollbacks__`
    /// unless set.
    pub fn tables(mut self, migrations: impl Into<String>, rollbacks: impl Into<String>) -> Self {
        self.names.table = migrations.into();
        self.names.rollback_table = rollbacks.into();
        self
    }

    /// What to do about a pending migration that is older than the newest applied one.
    pub fn out_of_order(mut self, out_of_order: OutOfOrder) -> Self {
        self.policy.out_of_order = out_of_order;
        self
    }

    /// What to do about applied migrations that this program does not know.
    pub fn unknown(mut self, unknown: Unknown) -> Self {
        self.policy.unknown = unknown;
        self
    }

    /// Lets [`down`](Migrator::down) take back migrations although that loses data.
    pub fn force(mut self) -> Self {
        self.policy.force = Force::Yes;
        self
    }

    /// Why migrations are taken back; recorded with the rollback.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// How long to wait for the migration lock, or for others in [`wait`](Migrator::wait). Five
    /// minutes unless set.
    pub fn lock_wait(mut self, patience: Duration) -> Self {
        self.lock_wait = patience;
        self
    }

    /// How long a statement may wait for a lock inside the database, while others queue behind it.
    /// Five seconds unless set, then the migration is taken back and tried again.
    pub fn lock_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.lock = limit.into();
        self
    }

    /// How often a migration is tried again that ran into the lock timeout. Ten times unless set.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// How long a statement may run. As long as it needs unless set.
    pub fn statement_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.limits.statement = limit.into();
        self
    }

    /// Who it was, for the history. Host, process and program unless set.
    pub fn applied_by(mut self, who: impl Into<String>) -> Self {
        self.applied_by = Some(who.into());
        self
    }

    /// Is told what happens, as it happens.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.announcer.observer = Some(Arc::new(observer));
        self
    }

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
                if self.is_up_to_date(&mut held).await? {
                    let report = Report {
                        remaining: self.beyond_target(),
                        ..Report::default()
                    };
                    held.close().await;
                    return Ok(self.report(report, began));
                }
                let mut held = held.into_own().await;
                let mut report = Report::default();
                let result = self.up_slowly(&mut held, &mut report).await;
                self.end(held, result, report, began).await
            };
            run.instrument(tracing::info_span!("migrate", verb = "up"))
                .await
        })
    }

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

    /// What [`up`](Migrator::up) would do now: the very plan that it would execute. Writes nothing
    /// and takes no lock.
    ///
    /// # Errors
    /// When what is applied is not what this program holds, when a pending migration comes too
    /// late, when an earlier run stopped half-way.
    pub fn plan<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Plan, Error>> {
        Box::pin(async move {
            self.looking(database, |session| self.plan_up(session))
                .await
        })
    }

    /// What [`down`](Migrator::down) would do now. Writes nothing and takes no lock.
    ///
    /// # Errors
    /// As for [`down`](Migrator::down), as far as the history tells.
    pub fn plan_down<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        down: Down,
    ) -> BoxFuture<'a, Result<Plan, Error>> {
        Box::pin(async move {
            self.looking(database, |session| {
                plan::down(self.set(), &session.rows, &down, self.policy)
            })
            .await
        })
    }

    /// What is applied, what is pending, and whether something is wrong. Writes nothing and takes
    /// no lock; a role that may only read is enough.
    ///
    /// # Errors
    /// When the database does not answer, or the history is not ours.
    pub fn status<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Status, Error>> {
        Box::pin(async move {
            self.looking(database, |session| {
                let (plan, trouble) = match self.plan_up(session) {
                    Ok(plan) => (plan, None),
                    Err(error) => (Plan::default(), Some(error.to_string())),
                };
                let applies = plan
                    .steps
                    .into_iter()
                    .filter(|step| step.action == Action::Apply);
                Ok(Status {
                    pending: applies.map(|step| step.id).chain(plan.remaining).collect(),
                    history: std::mem::take(&mut session.rows),
                    trouble,
                    server: session.facts.server.clone(),
                })
            })
            .await
        })
    }

    /// Waits until someone else has applied everything. Takes no lock and writes nothing.
    ///
    /// # Errors
    /// When that does not happen within [`lock_wait`](Migrator::lock_wait): what is missing.
    pub fn wait<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            let began = Instant::now();
            let mut held = self.open(database).await?;
            let mut report = Report::default();
            let result = self.wait_on(&mut held, &mut report, began).await;
            held.close().await;
            report.waited = began.elapsed();
            let report = self.report(report, began);
            match result {
                Ok(()) => Ok(report),
                Err(error) => Err(error.with_report(report)),
            }
        })
    }

    async fn wait_on(
        &self,
        held: &mut Held<'_, DB>,
        report: &mut Report,
        began: Instant,
    ) -> Result<(), Error> {
        const LONGEST_PAUSE: Duration = Duration::from_secs(1);
        let mut pause = Duration::from_millis(50);
        loop {
            if self.is_up_to_date(held).await? {
                report.remaining = self.beyond_target();
                return Ok(());
            }
            // The digests differ too when somebody has applied more than this program knows.
            let mut session = self.look_around(held).await?;
            let verdict = self.plan_up(&mut session);
            if let Ok(plan) = &verdict {
                report.remaining = plan.steps.iter().map(|step| step.id.clone()).collect();
                report.remaining.extend(plan.remaining.iter().cloned());
                if plan.is_empty() {
                    return Ok(());
                }
            }
            if began.elapsed() >= self.lock_wait {
                return Err(not_migrated(verdict, &session.rows, began.elapsed()));
            }
            tokio::time::sleep(jittered(pause).min(self.lock_wait)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn open<'c>(&self, database: impl Connect<'c, DB>) -> Result<Held<'c, DB>, Error> {
        let dialect = self.migrations.dialect();
        if !DB::speaks(dialect) {
            return Err(Error::wrong_dialect(dialect, DB::PRODUCT));
        }
        database.open().await
    }

    /// The fast path: asks for the newest row alone.
    async fn is_up_to_date(&self, held: &mut Held<'_, DB>) -> Result<bool, Error> {
        let wanted = match self.target {
            None => self.migrations.digest(),
            Some(target) => {
                let upto = self
                    .set()
                    .migrations
                    .iter()
                    .filter(|one| one.version <= target);
                let migrations = upto.cloned().collect();
                Set {
                    dialect: self.set().dialect,
                    migrations,
                }
                .digest()
            }
        };
        let mut newest = session::newest::<DB>(held.connection(), &self.names).await;
        if matches!(newest, Err(ref error) if error.as_database_error().is_none()) {
            // An idle connection of a pool may have died without anybody noticing.
            held.replace().await?;
            newest = session::newest::<DB>(held.connection(), &self.names).await;
        }
        let newest = newest.map_err(session::unreadable::<DB>)?;
        Ok(newest.is_some_and(|newest| newest.is_done(wanted)))
    }

    /// The ids that lie beyond the target: pending when exactly what comes before is applied.
    fn beyond_target(&self) -> Vec<String> {
        let Some(target) = self.target else {
            return Vec::new();
        };
        let migrations = self.set().migrations.iter();
        let beyond = migrations.filter(|one| one.version > target);
        beyond.map(|one| one.id.clone()).collect()
    }

    async fn look_around<'s>(
        &'s self,
        held: &'s mut Held<'_, DB>,
    ) -> Result<Session<'s, DB>, Error> {
        let (names, who) = (self.names.clone(), self.who());
        Session::look_around(held.connection(), names, who, &self.announcer).await
    }

    async fn looking<'c, T>(
        &self,
        database: impl Connect<'c, DB>,
        look: impl FnOnce(&mut Session<'_, DB>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut held = self.open(database).await?;
        let result = match self.look_around(&mut held).await {
            Ok(mut session) => look(&mut session),
            Err(error) => Err(error),
        };
        held.close().await;
        result
    }

    fn plan_up(&self, session: &mut Session<'_, DB>) -> Result<Plan, Error> {
        plan::up(self.set(), &session.rows, self.target, self.policy)
    }

    /// Everything after the fast path: looks, takes the lock, looks again, runs.
    async fn up_slowly(&self, held: &mut Held<'_, DB>, report: &mut Report) -> Result<(), Error> {
        let mut session = self.look_around(held).await?;
        if session.has_history {
            let plan = self.plan_up(&mut session);
            if matches!(&plan, Ok(plan) if plan.is_empty()) {
                report.remaining = plan?.remaining;
                return Ok(());
            }
            // What is refused now may be right once whoever is at it has finished.
        }
        session.outside_transaction()?;
        let lock = session.names.lock();
        report.waited =
            lock::take::<DB>(session.connection, &lock, self.lock_wait, &self.announcer).await?;
        let result = self.up_under_lock(&mut session, report).await;
        release(&mut session, &lock).await;
        result
    }

    async fn up_under_lock(
        &self,
        session: &mut Session<'_, DB>,
        report: &mut Report,
    ) -> Result<(), Error> {
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
            match self.execute(session, &plan, report, &mut wait).await? {
                Progress::Finished => return Ok(()),
                Progress::Overtaken => {}
            }
        }
    }

    /// Reads the history under the lock. Where the lock is a transaction, somebody may hold it.
    async fn read_history(
        &self,
        session: &mut Session<'_, DB>,
        wait: &mut Wait,
    ) -> Result<(), Error> {
        loop {
            match session.read_history().await {
                Err(error) if error.is_of_database(DB::is_lock_timeout) => {
                    let lock = session.names.lock();
                    wait.pause::<DB>(session.connection, &lock, &self.announcer)
                        .await?;
                }
                result => return result,
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
        loop {
            let id = migrations.first().map_or("", |migration| &migration.id);
            let span = tracing::info_span!("migration", id, verb = "up");
            let result = apply::migrations(session, migrations, self.limits)
                .instrument(span)
                .await;
            match result {
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
                    let lock = session.names.lock();
                    wait.pause::<DB>(session.connection, &lock, &self.announcer)
                        .await?;
                    return Ok(None);
                }
                Err(failure) if failure.transient && attempt < self.retries => {
                    attempt += 1;
                    self.retry(&migrations[failure.job].id, attempt).await;
                }
                Err(Failure { error, job, .. }) => {
                    let error = after(attempt, error);
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

    async fn retry(&self, id: &str, attempt: u32) {
        let pause = jittered(Duration::from_millis(100) * 2u32.pow(attempt.min(6)));
        self.tell(Event::Retrying { id, attempt, pause });
        tokio::time::sleep(pause).await;
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

    /// Closes the connection and makes the report, or the error that carries it.
    async fn end(
        &self,
        held: Held<'_, DB>,
        result: Result<(), Error>,
        report: Report,
        began: Instant,
    ) -> Result<Report, Error> {
        held.close().await;
        let report = self.report(report, began);
        match result {
            Ok(()) => {
                self.tell(Event::Finished { report: &report });
                Ok(report)
            }
            Err(error) => Err(error.with_report(report)),
        }
    }

    fn report(&self, mut report: Report, began: Instant) -> Report {
        report.known = self.migrations.known();
        report.elapsed = began.elapsed();
        report
    }

    fn set(&self) -> &'m Set {
        self.migrations.set()
    }

    fn who(&self) -> String {
        if let Some(who) = &self.applied_by {
            return who.clone();
        }
        let host = gethostname::gethostname();
        let program = self.migrations.program();
        let program: Cow<'_, str> = match program {
            Some(program) => program.into(),
            None => concat!("backstitch ", env!("CARGO_PKG_VERSION")).into(),
        };
        format!(
            "{} pid {} ({program})",
            host.to_string_lossy(),
            std::process::id()
        )
    }

    /// In debug builds: says aloud when the folder has files that the binary does not.
    fn warn_of_new_files(&self) {
        let Some(dir) = self.migrations.watched_dir() else {
            return;
        };
        // The folder need not be where the program runs.
        let Ok(entries) = std::fs::read_dir(dir) else {
            return;
        };
        let known: HashSet<_> = self.migrations.iter().map(|one| one.id.as_str()).collect();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".sql") else {
                continue;
            };
            if !known.contains(id) {
                tracing::warn!(
                    file = name,
                    dir,
                    "this migration is not in the program: build again (a `build.rs` with \
                     `cargo:rerun-if-changed` does that by itself)"
                );
            }
        }
    }

    fn tell(&self, event: Event<'_>) {
        self.announcer.tell(event);
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

/// Gives the lock back, and leaves the session as it was found. A connection of our own is closed
/// next, which does the same, but for one that ends at a pooler: what the pooler has behind it
/// lives on.
async fn release<DB: Engine>(session: &mut Session<'_, DB>, lock: &str) {
    let reset = DB::reset(&session.facts);
    if let Err(error) = session.run(reset, "cannot reset the session").await {
        tracing::debug!(%error, "the session could not be left as it was");
    }
    if let Err(error) = DB::unlock(session.connection, lock).await {
        tracing::debug!(%error, "the migration lock could not be given back");
    }
}

/// Says how often it was tried, where it was more than once.
fn after(retries: u32, error: Error) -> Error {
    match retries {
        0 => error,
        _ => error.note(&format!("It was tried {} times.", retries + 1)),
    }
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

fn not_migrated(verdict: Result<Plan, Error>, rows: &[Row], waited: Duration) -> Error {
    let plan = match verdict {
        Err(error) => return error,
        Ok(plan) => plan,
    };
    let missing: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let mut why = format!("Still pending: {}.", missing.join(", "));
    for row in rows.iter().filter(|row| row.state == State::Failed) {
        let error = row.error.as_deref().unwrap_or_default();
        why += &format!(
            "\n`{}` failed at {}, by {}: {error}",
            row.id, row.applied_at, row.applied_by
        );
    }
    Error::new(
        ErrorKind::NotMigrated,
        Diagnostic::error(
            "not-migrated",
            format!("nobody has migrated within {:.1} s", waited.as_secs_f64()),
        )
        .why(why)
        .help("start the program that migrates, or call `up` here"),
    )
}
