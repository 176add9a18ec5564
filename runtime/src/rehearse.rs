//! Running what is pending for real, inside one transaction, and taking it back.
//!
//! The statements meet the real data and are timed one by one; where the engine tells, so are the
//! locks that they take and the tables that they write anew. The history is not touched.

mod watch;

use std::fmt;
use std::time::{Duration, Instant};

use backstitch_core::Migration;
use backstitch_core::migration::{ForeignKeys, Transaction};
use futures_util::future::BoxFuture;
use serde::Serialize;
use tracing::Instrument;

use self::watch::Watch;
use crate::apply;
use crate::check;
use crate::connect::{Connect, Held};
use crate::engine::{Engine, Scope};
use crate::error::Error;
use crate::execute::{self, Job, Start, Trace, library};
use crate::lock;
use crate::message::{Message, Origin, Part, Piece};
use crate::migrator::Migrator;
use crate::plan::{self, Action};
use crate::session::{Facts, Session};
use crate::step::{self, Step};

/// What [`Migrator::rehearse`] saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rehearsal {
    /// What ran and was taken back, in order.
    pub migrations: Vec<Rehearsed>,
    /// What is pending too and was not run.
    pub left_out: Vec<LeftOut>,
    /// How long the transaction was open.
    pub elapsed: Duration,
}

/// One migration in a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rehearsed {
    /// Its id.
    pub id: String,
    /// The statements of its UP.
    pub statements: Vec<RehearsedStatement>,
    /// Its `@step`, which runs behind them.
    pub step: Option<RehearsedStep>,
    /// How long it took, its checks included.
    pub elapsed: Duration,
}

/// A step in Rust in a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RehearsedStep {
    /// What the file calls it.
    pub name: String,
    /// How long the function took.
    pub elapsed: Duration,
    /// As for a statement.
    pub locks: Vec<TableLock>,
    /// As for a statement.
    pub rewrites: Vec<String>,
}

/// One statement in a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RehearsedStatement {
    /// The line in the file where it begins.
    pub line: u32,
    /// Its first line.
    pub sql: String,
    /// How long it took, the way to the server and back included.
    pub elapsed: Duration,
    /// How many rows it changed.
    pub rows_affected: u64,
    /// The locks that it took on tables which were there before, and that no statement before it
    /// had taken. They are held until the end of the transaction.
    pub locks: Vec<TableLock>,
    /// The tables that were there before and that it wrote anew.
    pub rewrites: Vec<String>,
}

/// A lock on a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct TableLock {
    /// The table.
    pub table: String,
    /// As the server calls it.
    pub mode: String,
    /// Whom it keeps waiting.
    pub blocks: Blocks,
}

/// Whom a lock keeps waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blocks {
    /// Nobody who reads or writes rows.
    Nobody,
    /// Other changes of the schema.
    SchemaChanges,
    /// Whoever writes.
    Writes,
    /// Whoever reads or writes.
    Everything,
}

/// A pending migration that cannot be rehearsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Blocks::Nobody => "blocks nobody",
            Blocks::SchemaChanges => "blocks schema changes",
            Blocks::Writes => "blocks writes",
            Blocks::Everything => "blocks reads and writes",
        })
    }
}

impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |elapsed: Duration| elapsed.as_secs_f64() * 1000.0;
        match self.migrations.len() {
            0 => f.write_str("nothing was rehearsed")?,
            1 => write!(f, "1 migration rehearsed in {:.1} ms", ms(self.elapsed))?,
            n => write!(f, "{n} migrations rehearsed in {:.1} ms", ms(self.elapsed))?,
        }
        if !self.migrations.is_empty() {
            f.write_str(" and taken back")?;
        }
        for migration in &self.migrations {
            write!(f, "\n  {} ({:.1} ms)", migration.id, ms(migration.elapsed))?;
            for one in &migration.statements {
                write!(
                    f,
                    "\n    {:>8.1} ms  line {}: {}",
                    ms(one.elapsed),
                    one.line,
                    one.sql
                )?;
                if one.rows_affected > 0 {
                    write!(f, "\n                 {} rows changed", one.rows_affected)?;
                }
                seen(f, &one.locks, &one.rewrites)?;
            }
            if let Some(step) = &migration.step {
                write!(f, "\n    {:>8.1} ms  step {}", ms(step.elapsed), step.name)?;
                seen(f, &step.locks, &step.rewrites)?;
            }
        }
        for LeftOut { id, reason } in &self.left_out {
            write!(f, "\n  {id} not rehearsed: {reason}")?;
        }
        Ok(())
    }
}

/// What a statement or a step did besides its work.
fn seen(f: &mut fmt::Formatter<'_>, locks: &[TableLock], rewrites: &[String]) -> fmt::Result {
    for lock in locks.iter().filter(|lock| lock.blocks > Blocks::Nobody) {
        let TableLock {
            table,
            mode,
            blocks,
        } = lock;
        write!(f, "\n                 locks {table}: {blocks} ({mode})")?;
    }
    for table in rewrites {
        write!(f, "\n                 writes {table} anew")?;
    }
    Ok(())
}

impl<DB: Engine> Migrator<'_, DB> {
    /// Runs what is pending for real inside one transaction, measures it and takes it back: nothing
    /// stays, neither in the schema nor in the history. What cannot be taken back (statements
    /// outside of transactions, DDL where the engine commits it) is not run but named, and so is
    /// what comes after it.
    ///
    /// Functions that are a `@step` run too: what they do to the database is taken back, what they
    /// do elsewhere is not.
    ///
    /// Its locks are real, and are held until the end: other sessions wait as they will during
    /// [`up`](Migrator::up), and for as long as all of it takes together. The waits of its own are
    /// bounded by [`lock_timeout`](Migrator::lock_timeout).
    ///
    /// # Errors
    /// As for [`up`](Migrator::up): when the plan is refused, a check finds offenders or a
    /// statement fails. Then too all is taken back.
    pub fn rehearse<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Rehearsal, Error>> {
        Box::pin(async move {
            let run = async {
                let mut held = self.open(database).await?.into_own().await;
                let result = self.rehearse_under_lock(&mut held).await;
                held.close().await;
                result
            };
            run.instrument(tracing::info_span!("migrate", verb = "rehearse"))
                .await
        })
    }

    async fn rehearse_under_lock(&self, held: &mut Held<'_, DB>) -> Result<Rehearsal, Error> {
        let options = held.options();
        let mut session = self.look_around(held).await?;
        session.outside_transaction().await?;
        self.take_lock(&mut session, options).await?;
        // Whoever had the lock may have written meanwhile.
        let result = match session.look_again().await {
            Ok(()) => self.rehearse_all(&mut session).await,
            Err(error) => Err(error),
        };
        lock::release(&mut session, result).await
    }

    async fn rehearse_all(&self, session: &mut Session<'_, DB>) -> Result<Rehearsal, Error> {
        let plan = self.decide(session).await?;
        let pending = plan.steps.iter().filter_map(|step| match step.action {
            Action::Apply | Action::Resume => Some((step.action, self.set().get(&step.id)?)),
            Action::Accept | Action::Revert => None,
        });
        let (run, left_out) = divide(pending, |step| {
            session
                .steps
                .is_some_and(|steps| steps.step(step).is_some())
        });
        let mut rehearsal = Rehearsal {
            left_out,
            ..Rehearsal::default()
        };
        if run.is_empty() {
            return Ok(rehearsal);
        }
        let ours = DB::make_ours(&session.facts, &session.who);
        session.run(ours, "cannot prepare the session").await?;
        let foreign_keys = run.iter().any(|one| one.foreign_keys == ForeignKeys::Off);
        if foreign_keys {
            session.run_quietly(&DB::foreign_keys(false)).await;
        }
        let began = Instant::now();
        let result = self.in_transaction(session, &run, foreign_keys).await;
        rehearsal.elapsed = began.elapsed();
        rehearsal.migrations = result?;
        Ok(rehearsal)
    }

    async fn in_transaction(
        &self,
        session: &mut Session<'_, DB>,
        run: &[&Migration],
        foreign_keys: bool,
    ) -> Result<Vec<Rehearsed>, Error> {
        let (facts, reset) = (session.facts.clone(), session.reset());
        let (dialect, steps) = (session.dialect, session.steps);
        let mut transaction = execute::begin::<DB>(session.connection, &facts)
            .await
            .map_err(about_session::<DB>)?;
        let result = async {
            let mut watch = Watch::begin::<DB>(&mut transaction).await?;
            let mut rehearsed = Vec::with_capacity(run.len());
            for migration in run {
                let job = apply::job(migration, self.limits, dialect, Start::default());
                let step = job.step.zip(job.step.and_then(|name| steps?.step(name)));
                let one =
                    one::<DB>(&mut transaction, &facts, &reset, &job, step, &mut watch).await?;
                rehearsed.push(one);
            }
            if foreign_keys && let Some(query) = DB::check_foreign_keys() {
                let last = run[run.len() - 1];
                let job = apply::job(last, self.limits, dialect, Start::default());
                check::foreign_keys::<DB>(&mut transaction, query, &job).await?;
            }
            Ok(rehearsed)
        }
        .await;
        // Where this fails the connection is broken, and nothing stays either.
        let _ = transaction.rollback().await;
        result
    }
}

/// What can be rehearsed, and from where on not.
fn divide<'m>(
    pending: impl Iterator<Item = (Action, &'m Migration)>,
    has_step: impl Fn(&str) -> bool,
) -> (Vec<&'m Migration>, Vec<LeftOut>) {
    let (mut run, mut left_out) = (Vec::new(), Vec::new());
    let mut first: Option<&str> = None;
    for (action, migration) in pending {
        let reason = match (first, cannot(action, migration, &has_step)) {
            (Some(first), _) => format!("it comes after `{first}`"),
            (None, None) => {
                run.push(migration);
                continue;
            }
            (None, Some(reason)) => {
                first = Some(&migration.id);
                reason
            }
        };
        left_out.push(LeftOut {
            id: migration.id.clone(),
            reason,
        });
    }
    (run, left_out)
}

/// Why it cannot be rehearsed. `None`: it can.
fn cannot(
    action: Action,
    migration: &Migration,
    has_step: impl Fn(&str) -> bool,
) -> Option<String> {
    if action == Action::Resume {
        return Some("it stopped half-way, and the rest runs outside of a transaction".to_owned());
    }
    if let Some(step) = migration.step.as_deref().filter(|step| !has_step(step)) {
        return Some(format!(
            "its `@step: {step}` is a function, and this program has none of that name"
        ));
    }
    if plan::transaction_of(migration) == Transaction::One {
        return None;
    }
    let statements = &migration.up.statements;
    let reason = match migration.transaction {
        Transaction::One => "it holds DDL, and this engine commits DDL by itself",
        Transaction::None if statements.iter().any(|one| one.batch.is_some()) => {
            "a `@batch` commits each of its rounds"
        }
        Transaction::None => "its file says `@transaction: false`",
    };
    Some(reason.to_owned())
}

/// Runs one migration statement by statement.
async fn one<DB: Engine>(
    connection: &mut DB::Connection,
    facts: &Facts,
    reset: &[String],
    job: &Job<'_>,
    step: Option<(&str, &Step<DB>)>,
    watch: &mut Watch,
) -> Result<Rehearsed, Error> {
    let began = Instant::now();
    let limits = DB::limit(facts, Scope::Transaction, job.limits);
    send::<DB>(connection, Message::of(library(limits))).await?;
    check::all::<DB>(connection, job, Part::CheckBefore).await?;
    let source = job.source();
    let mut statements = Vec::new();
    for (index, statement) in job.script.statements.iter().enumerate() {
        let sql = statement.span.of(source.text());
        let message = Message::of([Piece {
            sql: sql.into(),
            origin: Origin::Migration {
                step: 0,
                part: Part::Up,
                statement: index,
            },
            keep_rows: 0,
            lead: 0,
        }]);
        let sent = Instant::now();
        let answers = DB::send(connection, &message).await.map_err(|refused| {
            execute::statement_failed::<DB>(job, Part::Up, index, refused, 0, Trace::None)
        })?;
        let elapsed = sent.elapsed();
        let seen = watch.look::<DB>(connection).await?;
        statements.push(RehearsedStatement {
            line: source.position(statement.span.start as usize).line,
            sql: sql.lines().next().unwrap_or_default().trim_end().to_owned(),
            elapsed,
            rows_affected: answers.iter().map(|answer| answer.rows_affected).sum(),
            locks: seen.locks,
            rewrites: seen.rewrites,
        });
    }
    let step = match step {
        Some((name, run)) => Some(one_step::<DB>(connection, job, name, run, watch).await?),
        None => None,
    };
    check::all::<DB>(connection, job, Part::CheckAfter).await?;
    send::<DB>(connection, Message::of(library(reset.to_vec()))).await?;
    Ok(Rehearsed {
        id: job.id.to_owned(),
        statements,
        step,
        elapsed: began.elapsed(),
    })
}

/// Runs a function, which must leave the transaction open: it is to be taken back.
async fn one_step<DB: Engine>(
    connection: &mut DB::Connection,
    job: &Job<'_>,
    name: &str,
    run: &Step<DB>,
    watch: &mut Watch,
) -> Result<RehearsedStep, Error> {
    // It is gone when the transaction is.
    let open = Message::of([Piece::library("SAVEPOINT backstitch_step")]);
    let still_open = Message::of([Piece::library("RELEASE SAVEPOINT backstitch_step")]);
    send::<DB>(connection, open).await?;
    let began = Instant::now();
    run(&mut *connection)
        .await
        .map_err(|error| step::failed(job, name, error))?;
    let elapsed = began.elapsed();
    if let Err(refused) = DB::send(connection, &still_open).await {
        return Err(step::ended_transaction(
            job,
            name,
            &DB::words(&refused.error),
        ));
    }
    let seen = watch.look::<DB>(connection).await?;
    Ok(RehearsedStep {
        name: name.to_owned(),
        elapsed,
        locks: seen.locks,
        rewrites: seen.rewrites,
    })
}

async fn send<DB: Engine>(
    connection: &mut DB::Connection,
    message: Message<'_>,
) -> Result<(), Error> {
    let sent = DB::send(connection, &message).await;
    sent.map(drop)
        .map_err(|refused| about_session::<DB>(refused.error))
}

fn about_session<DB: Engine>(error: sqlx::Error) -> Error {
    Error::database::<DB>("cannot rehearse", error)
}
