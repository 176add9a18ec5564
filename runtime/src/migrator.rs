//! Everything that can be set about a run, and what the verbs have in common. Each verb is a file.

mod down;
mod hold;
mod look;
mod repair;
mod up;
mod wait;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstitch_core::Set;
use backstitch_core::diagnostic::did_you_mean;
use sqlx::Connection;

use crate::backup::Backup;
use crate::connect::{Connect, Held};
use crate::engine::{Engine, Limits};
use crate::error::Error;
use crate::history::Names;
use crate::lease::Lock;
use crate::lock::{self, Wait};
use crate::migrations::Migrations;
use crate::observe::{Announcer, Event, Observer};
use crate::plan::{self, Force, OtherTool, OutOfOrder, Plan, Policy, Unknown, usage};
use crate::report::Report;
use crate::session::{self, Session};
use crate::watch::{Waiter, Watch};

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
    lock: Lock,
    lock_wait: Duration,
    pub(crate) limits: Limits,
    retries: u32,
    applied_by: Option<String>,
    reason: Option<String>,
    pub(crate) backup: Backup,
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
            lock: self.lock,
            lock_wait: self.lock_wait,
            limits: self.limits,
            retries: self.retries,
            applied_by: self.applied_by.clone(),
            reason: self.reason.clone(),
            backup: self.backup.clone(),
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
            lock: Lock::Auto,
            lock_wait: Duration::from_secs(300),
            limits: Limits {
                lock: Some(Duration::from_secs(5)),
                statement: None,
            },
            retries: 10,
            applied_by: None,
            reason: None,
            backup: Backup::default(),
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

    /// What to do where another tool has applied some of these migrations, and its history was not
    /// [adopted](Migrator::adopt). It is looked for while the history is empty.
    pub fn other_tool(mut self, other_tool: OtherTool) -> Self {
        self.policy.other_tool = other_tool;
        self
    }

    /// Lets [`down`](Migrator::down) take back migrations although that loses data.
    pub fn force(mut self) -> Self {
        self.policy.force = Force::Yes;
        self
    }

    /// Why migrations are taken back, or the history is repaired; recorded with that.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// What keeps two runs apart. [`Lock::Auto`] unless set. Runs on one database have to agree.
    pub fn lock(mut self, lock: Lock) -> Self {
        self.lock = lock;
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

    /// How long a statement may run. As long as it needs unless set. MySQL, unlike MariaDB, ends
    /// only statements that read (`max_execution_time`).
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

    pub(crate) async fn open<'c>(
        &self,
        database: impl Connect<'c, DB>,
    ) -> Result<Held<'c, DB>, Error> {
        let dialect = self.migrations.dialect();
        if !DB::speaks(dialect) {
            return Err(Error::wrong_dialect(dialect, DB::PRODUCT));
        }
        self.names.fit::<DB>()?;
        database.open().await
    }

    /// The fast path: asks for the newest row alone.
    async fn standing(&self, held: &mut Held<'_, DB>) -> Result<Standing, Error> {
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
        let watch = self.watch(held);
        let newest = session::newest::<DB>(held.connection(), &self.names);
        let mut newest = match watch.bounded(self.lock_wait, newest).await {
            Ok(newest) => newest,
            Err(error) => {
                held.give_up();
                return Err(error);
            }
        };
        if matches!(newest, Err(ref error) if error.as_database_error().is_none()) {
            // An idle connection of a pool may have died without anybody noticing.
            held.replace().await?;
            newest = session::newest::<DB>(held.connection(), &self.names).await;
        }
        let newest = match newest {
            Ok(newest) => newest,
            Err(error) => {
                return Err(session::denied::<DB>(held.connection(), &self.names, error).await);
            }
        };
        Ok(match newest {
            None => Standing::Empty,
            Some(newest) if newest.is_done(wanted) => Standing::UpToDate,
            Some(_) => Standing::Behind,
        })
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

    pub(crate) async fn look_around<'s>(
        &'s self,
        held: &'s mut Held<'_, DB>,
    ) -> Result<Session<'s, DB>, Error> {
        self.look_around_and(held, None).await
    }

    /// The same, and `also` asks something else by the way.
    async fn look_around_and<'s>(
        &'s self,
        held: &'s mut Held<'_, DB>,
        also: Option<String>,
    ) -> Result<Session<'s, DB>, Error> {
        let (names, who) = (self.names.clone(), self.who());
        let dialect = self.migrations.dialect();
        let announcer = &self.announcer;
        let options = held.options().map(Arc::new);
        let watch = self.watch(held);
        let connection = held.connection();
        let looked = Session::look_around(connection, names, dialect, who, announcer, also);
        let looked = watch.bounded(self.lock_wait, looked).await?;
        looked.map(|mut session| {
            session.steps = Some(self.migrations);
            session.options = options;
            session
        })
    }

    /// Who looks after reading the history.
    fn watch<'s>(&'s self, held: &Held<'_, DB>) -> Watch<'s, DB> {
        Watch {
            announcer: &self.announcer,
            options: held.options().map(Arc::new),
            waiter: Waiter::History(self.names.clone()),
            id: None,
            lock_timeout: None,
        }
    }

    /// What the history alone says. What a run does is decided by [`decide`](Migrator::decide).
    pub(crate) fn plan_up(&self, session: &mut Session<'_, DB>) -> Result<Plan, Error> {
        plan::up(self.set(), &session.rows, self.target, self.policy)
    }

    pub(crate) fn allows_other_tool(&self) -> bool {
        self.policy.other_tool == OtherTool::Allow
    }

    /// Reads the history under the lock. Where the lock is a transaction, somebody may hold it.
    async fn read_history(
        &self,
        session: &mut Session<'_, DB>,
        wait: &mut Wait,
    ) -> Result<(), Error> {
        loop {
            let watch = session.watch_history();
            let read = watch.bounded(self.lock_wait, session.read_history()).await;
            session.is_given_up = read.is_err();
            match read? {
                Err(error) if error.is_of_database(DB::is_lock_timeout) => {
                    wait.pause(session, lock::Rival::Session).await?;
                }
                result => return result,
            }
        }
    }

    /// Takes the migration lock, which is to be given back by [`lock::release`].
    pub(crate) async fn take_lock(
        &self,
        session: &mut Session<'_, DB>,
        options: Option<<DB::Connection as Connection>::Options>,
    ) -> Result<(), Error> {
        let taken = lock::take(session, self.lock, options, self.lock_wait);
        taken.await.map(drop)
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

    pub(crate) fn set(&self) -> &'m Set {
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

/// What the newest row of the history says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Exactly what is wanted is applied.
    UpToDate,
    /// Something else is.
    Behind,
    /// There is no row.
    Empty,
}

/// Says how often it was tried, where it was more than once, and who had the lock that it wanted.
fn after<DB: Engine>(retries: u32, holder: Option<&str>, error: Error) -> Error {
    let error = match retries {
        0 => error,
        _ => error.note(&format!("It was tried {} times.", retries + 1)),
    };
    match holder {
        Some(holder) if error.is_of_database(DB::is_lock_timeout) => {
            error.note(&format!("It waited for {holder}."))
        }
        Some(_) | None => error,
    }
}
