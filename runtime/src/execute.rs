//! Running the statements of a migration, up or down.
//!
//! A [`Job`] says what to run, a [`Book`] what to write down about it. Where the engine allows it
//! both go into one transaction, and where nothing has to be looked at in between into one
//! message. Elsewhere the statements go one by one and the book counts them, so that it is known
//! afterwards which have run: see [`apart`].

pub(crate) mod apart;
mod refusal;
mod settle;

use std::borrow::Cow;
use std::time::Instant;

use backstitch_core::Dialect;
use backstitch_core::migration::{Check, ForeignKeys, Script};
use backstitch_core::source::{Source, Span};
use sqlx::{AssertSqlSafe, Connection, Transaction};

pub(crate) use self::refusal::statement_failed;
use self::refusal::{about_session, failure, failure_of_job, first_line, is_fence, what_stays};
use crate::check;
use crate::engine::{Engine, Limits, Scope};
use crate::error::Error;
use crate::history::{Fingerprint, Mark};
use crate::lease;
use crate::message::{Answer, Message, Origin, Part, Piece, Refused};
use crate::migrations::Migrations;
use crate::observe::{Announcer, Event};
use crate::session::{Facts, Session};
use crate::step;

/// What to run.
pub(crate) struct Job<'j> {
    /// The id of the migration.
    pub(crate) id: &'j str,
    /// Which of its scripts.
    pub(crate) part: Part,
    /// The statements.
    pub(crate) script: &'j Script,
    /// What must hold before.
    pub(crate) checks_before: &'j [Check],
    /// What must hold after.
    pub(crate) checks_after: &'j [Check],
    /// Whether foreign keys are enforced meanwhile.
    pub(crate) foreign_keys: ForeignKeys,
    /// How long each statement may take.
    pub(crate) limits: Limits,
    /// Whether the file itself says how long they may wait for a lock.
    pub(crate) lock_limit_is_given: bool,
    /// The function of the program that runs behind the statements.
    pub(crate) step: Option<&'j str>,
    /// What it is written in.
    pub(crate) dialect: Dialect,
    /// Where it begins, outside of a transaction.
    pub(crate) start: Start,
}

/// How far an earlier run came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// Whether there was one, so that the checks before have been passed.
    pub(crate) is_begun: bool,
    /// So many statements are in effect.
    pub(crate) done: usize,
    /// Whether nobody knows if the next one is too.
    pub(crate) in_doubt: bool,
    /// Rounds and rows of the batch that is next.
    pub(crate) rounds: Option<(u64, u64)>,
}

/// What to write down about a [`Job`].
pub(crate) trait Book {
    /// Before the first of several statements that do not go together. To be run in a transaction.
    fn begin(&self, mark: &Mark) -> Vec<String>;
    /// After each of them.
    fn progress(&self, mark: &Mark) -> String;
    /// At the end; `execution_ms` is an expression.
    fn finish(&self, execution_ms: &str) -> Vec<String>;
    /// After a failure, once everything that can be taken back is taken back.
    fn fail(&self, mark: &Mark, error: &str, trace: Trace) -> Vec<String>;
    /// An expression for when the job before this one in the same transaction was recorded.
    fn recorded_before(&self) -> String;
}

/// What a statement that failed leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// Nothing.
    None,
    /// Perhaps something half done.
    Perhaps,
}

/// What a job did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) rows_affected: u64,
    /// How many statements have run.
    pub(crate) statements: usize,
}

/// How a job failed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Which of the jobs.
    pub(crate) job: usize,
    /// How many of its statements stay in effect.
    pub(crate) done: usize,
    /// What the statement that failed leaves behind.
    pub(crate) trace: Trace,
    /// Whether trying again makes sense: nothing has happened but that a lock was not to be had.
    pub(crate) transient: bool,
    /// Whether nothing has happened because somebody else wrote to the history meanwhile.
    pub(crate) stale: bool,
}

impl Failure {
    /// The jobs have not begun, or are taken back.
    pub(crate) fn of(error: Error, job: usize) -> Failure {
        Failure {
            error,
            job,
            done: 0,
            trace: Trace::None,
            transient: false,
            stale: false,
        }
    }
}

impl<'j> Job<'j> {
    fn statements(&self, step: usize) -> impl Iterator<Item = Piece<'j>> + use<'j> {
        let (script, part) = (self.script, self.part);
        script
            .statements
            .iter()
            .enumerate()
            .map(move |(statement, one)| Piece {
                sql: Cow::Borrowed(one.span.of(script.source.text())),
                origin: Origin::Migration {
                    step,
                    part,
                    statement,
                },
                keep_rows: 0,
                lead: 0,
            })
    }

    /// The file; the checks stand in the file of the UP.
    pub(crate) fn source(&self) -> &'j Source {
        &self.script.source
    }

    /// Whether what comes back has to be looked at in between.
    fn is_watched(&self) -> bool {
        let has_checks = !self.checks_before.is_empty() || !self.checks_after.is_empty();
        has_checks || self.step.is_some()
    }

    pub(crate) fn span_of(&self, part: Part, statement: usize) -> Span {
        match part {
            Part::CheckBefore => self.checks_before[statement].statement.span,
            Part::CheckAfter => self.checks_after[statement].statement.span,
            Part::Up | Part::Down => self.script.statements[statement].span,
        }
    }
}

/// Runs jobs in one transaction: all of them, or none.
pub(crate) async fn together<DB: Engine>(
    session: &mut Session<'_, DB>,
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
) -> Result<Vec<Outcome>, Failure> {
    let unwatched = jobs.iter().all(|(job, _)| !job.is_watched());
    let result = if DB::BATCHES && unwatched {
        in_one_message(session, jobs).await
    } else {
        step_by_step(session, jobs).await
    };
    result.map_err(|mut failure| {
        if jobs.len() > 1 && failure.error.is_of_database(DB::is_out_of_locks) {
            failure.error = failure
                .error
                .note(&format!(
                    "The server keeps every lock of a transaction until its end, and {} migrations \
                     are too many for its table of locks.",
                    jobs.len()
                ))
                .help(
                    "apply them in `Mode::Each`, or fewer at once by a `.target(..)`; or raise \
                     `max_locks_per_transaction` and restart the server",
                );
        }
        failure
    })
}

/// The whole transaction as one message: one round trip.
async fn in_one_message<DB: Engine>(
    session: &mut Session<'_, DB>,
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
) -> Result<Vec<Outcome>, Failure> {
    let mut pieces = vec![Piece::library(DB::BEGIN)];
    for (step, (job, book)) in jobs.iter().enumerate() {
        let previous = (step > 0).then(|| book.recorded_before());
        let elapsed = DB::elapsed_ms(previous.as_deref()).unwrap_or_else(|| "NULL".to_owned());
        pieces.extend(library(DB::limit(
            &session.facts,
            Scope::Transaction,
            job.limits,
        )));
        pieces.extend(DB::start_clock().map(Piece::library));
        pieces.extend(job.statements(step));
        pieces.extend(library(session.reset()));
        pieces.extend(library(session.fenced(book.finish(&elapsed))));
    }
    pieces.push(Piece::library("COMMIT"));
    let message = Message::of(pieces);
    match DB::send(session.connection, &message).await {
        Ok(answers) => Ok(outcomes(session, jobs, &message, &answers)),
        Err(refused) => {
            session.run_quietly(&["ROLLBACK".to_owned()]).await;
            Err(failure::<DB>(jobs, &message, refused, 0))
        }
    }
}

/// The transaction in several messages, because what comes back has to be looked at.
async fn step_by_step<DB: Engine>(
    session: &mut Session<'_, DB>,
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
) -> Result<Vec<Outcome>, Failure> {
    let foreign_keys = jobs
        .iter()
        .any(|(job, _)| job.foreign_keys == ForeignKeys::Off);
    if foreign_keys {
        session.run_quietly(&DB::foreign_keys(false)).await;
    }
    let outcome = in_transaction(session, jobs, foreign_keys).await;
    if foreign_keys {
        session.run_quietly(&session.reset()).await;
    }
    outcome
}

async fn in_transaction<DB: Engine>(
    session: &mut Session<'_, DB>,
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
    check_foreign_keys: bool,
) -> Result<Vec<Outcome>, Failure> {
    let (facts, reset, names) = (
        session.facts.clone(),
        session.reset(),
        session.names.clone(),
    );
    let (expected, announcer) = (Fingerprint::of(&session.rows), session.announcer());
    let fence = session.fenced(Vec::new());
    let steps = session.steps;
    let mut transaction = begin::<DB>(session.connection, &facts)
        .await
        .map_err(|error| {
            let transient = DB::is_lock_timeout(&error);
            let error = about_session::<DB>("cannot begin a transaction", error);
            Failure {
                transient,
                ..Failure::of(error, 0)
            }
        })?;
    let mut outcomes = Vec::with_capacity(jobs.len());
    if DB::LOCKS_BY_TRANSACTION {
        names
            .still_newest::<DB>(&mut transaction, &expected)
            .await?;
    }
    for (step, (job, book)) in jobs.iter().enumerate() {
        let result =
            one_of_several::<DB>(&mut transaction, &facts, &reset, steps, jobs, step).await;
        let (outcome, began) = match result {
            Ok(done) => done,
            Err(failure) => {
                // Dropping the transaction would do, but later; what is known now is done now.
                let _ = transaction.rollback().await;
                return Err(failure);
            }
        };
        let previous = (step > 0).then(|| book.recorded_before());
        let elapsed = DB::elapsed_ms(previous.as_deref())
            .unwrap_or_else(|| began.elapsed().as_millis().to_string());
        let record = fence.iter().cloned().chain(book.finish(&elapsed));
        let message = Message::of(library(record));
        if let Err(refused) = DB::send(&mut transaction, &message).await {
            let _ = transaction.rollback().await;
            if is_fence(&message, &refused) {
                return Err(Failure::of(lease::lost(), step));
            }
            return Err(failure_of_job::<DB>(
                jobs,
                step,
                "cannot record it",
                refused.error,
            ));
        }
        tell(announcer, job, &outcome);
        outcomes.push(sum(&outcome));
    }
    let last = jobs.len().saturating_sub(1);
    if check_foreign_keys && let Some(query) = DB::check_foreign_keys() {
        check::foreign_keys::<DB>(&mut transaction, query, jobs[last].0)
            .await
            .map_err(|error| Failure::of(error, last))?;
    }
    transaction
        .commit()
        .await
        .map_err(|error| failure_of_job::<DB>(jobs, last, "cannot commit it", error))?;
    Ok(outcomes)
}

/// One job inside a transaction, up to but not including its record.
async fn one_of_several<'j, DB: Engine>(
    connection: &mut DB::Connection,
    facts: &Facts,
    reset: &[String],
    steps: Option<&Migrations<DB>>,
    jobs: &[(&Job<'j>, &(dyn Book + Sync))],
    step: usize,
) -> Result<(Vec<Answer>, Instant), Failure> {
    let (job, _) = &jobs[step];
    let check_failed = |error| Failure::of(error, step);
    let limits = Message::of(library(DB::limit(facts, Scope::Transaction, job.limits)));
    let answered = DB::send(connection, &limits).await;
    answered
        .map_err(|refused| failure_of_job::<DB>(jobs, step, "cannot limit it", refused.error))?;
    let began = Instant::now();
    check::all::<DB>(connection, job, Part::CheckBefore)
        .await
        .map_err(check_failed)?;
    let clock = DB::start_clock().map(Piece::library);
    let lead = clock.iter().len();
    let message = Message::of(clock.into_iter().chain(job.statements(step)));
    let mut answers = DB::send(connection, &message)
        .await
        .map_err(|refused| failure::<DB>(jobs, &message, refused, 0))?;
    answers.drain(..lead);
    if let Some(name) = job.step {
        let run = steps.and_then(|steps| steps.step(name));
        let run = run.expect("a run begins only when each step has its function");
        run(&mut *connection)
            .await
            .map_err(|error| check_failed(step::failed(job, name, error)))?;
    }
    check::all::<DB>(connection, job, Part::CheckAfter)
        .await
        .map_err(check_failed)?;
    let reset = Message::of(reset.iter().map(|sql| Piece::library(sql.as_str())));
    let answered = DB::send(connection, &reset).await;
    answered.map_err(|refused| {
        failure_of_job::<DB>(jobs, step, "cannot reset the session", refused.error)
    })?;
    Ok((answers, began))
}

/// Begins a transaction that ends by itself when it is dropped.
pub(crate) async fn begin<'c, DB: Engine>(
    connection: &'c mut DB::Connection,
    facts: &Facts,
) -> Result<Transaction<'c, DB>, sqlx::Error> {
    let Some([before, after]) = DB::brief_begin(facts) else {
        return connection.begin_with(AssertSqlSafe(DB::BEGIN)).await;
    };
    let before = Message::of([Piece::library(before)]);
    let after = Message::of([Piece::library(after)]);
    let refused = |refused: Refused| refused.error;
    DB::send(connection, &before).await.map_err(refused)?;
    let begun = connection.begin_with(AssertSqlSafe(DB::BEGIN)).await;
    match begun {
        Ok(mut transaction) => {
            DB::send(&mut transaction, &after).await.map_err(refused)?;
            Ok(transaction)
        }
        Err(error) => Err(error),
    }
}

/// Statements of the library as pieces.
pub(crate) fn library<'m>(statements: impl IntoIterator<Item = String>) -> Vec<Piece<'m>> {
    statements.into_iter().map(Piece::library).collect()
}

fn sum(answers: &[Answer]) -> Outcome {
    Outcome {
        rows_affected: answers.iter().map(|answer| answer.rows_affected).sum(),
        statements: answers.len(),
    }
}

fn outcomes<DB: Engine>(
    session: &Session<'_, DB>,
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
    message: &Message<'_>,
    answers: &[Answer],
) -> Vec<Outcome> {
    let mut of_job: Vec<Vec<Answer>> = vec![Vec::new(); jobs.len()];
    for (piece, answer) in message.pieces.iter().zip(answers) {
        if let Origin::Migration { step, .. } = piece.origin {
            of_job[step].push(answer.clone());
        }
    }
    for ((job, _), answers) in jobs.iter().zip(&of_job) {
        tell(session.announcer(), job, answers);
    }
    of_job.iter().map(|answers| sum(answers)).collect()
}

fn tell(announcer: &Announcer, job: &Job<'_>, answers: &[Answer]) {
    for (index, answer) in answers.iter().enumerate() {
        tell_one(announcer, job, index, answer.rows_affected);
    }
}

fn tell_one(announcer: &Announcer, job: &Job<'_>, index: usize, rows_affected: u64) {
    announcer.tell(Event::StatementDone {
        id: job.id,
        statement: index + 1,
        rows_affected,
    });
}
