//! Statement after statement, without a transaction around them all.
//!
//! # What a crash leaves behind
//! The row says how many statements are in effect. Where a statement and its count share a
//! transaction that is exact. Before any other the row says that one is about to run, so the next
//! run knows that it has to ask the catalogue about it, see [`settle`](super::settle).

mod parcel;
mod rounds;

use std::time::Instant;

use backstitch_core::Diagnostic;
use backstitch_core::checksum::{Checksum, Role};
use backstitch_core::migration::ForeignKeys;
use backstitch_core::resume::{self, Reading};

use self::parcel::{Parcel, ending, finishes_by_itself, in_transaction, parcels};
use super::{
    Book, Failure, Job, Outcome, Trace, about_session, begin, failure, is_fence, library, settle,
    tell_one, what_stays,
};
use crate::check;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history::{Fingerprint, Mark};
use crate::lease;
use crate::lock;
use crate::message::{Message, Origin, Part, Piece, Refused};
use crate::session::Session;

/// What is known about the statements of a job.
pub(super) struct Ledger {
    readings: Vec<Reading>,
    prefixes: Vec<Checksum>,
}

impl Ledger {
    pub(super) fn of(job: &Job<'_>) -> Ledger {
        let text = job.script.source.text();
        let statements = job.script.statements.iter();
        let mut readings: Vec<_> = statements
            .map(|statement| resume::read(statement.span.of(text), job.dialect))
            .collect();
        if resume::controls_transactions(job.script, job.dialect) {
            for reading in &mut readings {
                reading.joins_transaction = false;
            }
        }
        let role = match job.part {
            Part::Down => Role::Down,
            Part::Up | Part::CheckBefore | Part::CheckAfter => Role::Up,
        };
        Ledger {
            readings,
            prefixes: resume::prefixes(job.script, role, job.dialect),
        }
    }

    pub(super) fn reading(&self, statement: usize) -> &Reading {
        &self.readings[statement]
    }

    /// So many are in effect; the next one is about to run.
    fn mark(&self, done: usize) -> Mark {
        let next = self.readings.get(done);
        let is_open = next.is_some_and(|next| !next.joins_transaction);
        Mark {
            done,
            checksum: Some(self.prefixes[done]),
            open: is_open.then(|| self.prefixes[done + 1]),
            rounds: None,
        }
    }
}

/// How far it has come.
struct Course {
    /// So many statements are in effect.
    done: usize,
    /// How many rows they have changed, as far as this run knows.
    rows_affected: u64,
    /// Rounds and rows of the batch that is next.
    rounds: Option<(u64, u64)>,
    /// Whether the row says that it is under way, the limits are set and so on.
    is_prepared: bool,
}

/// Why it does not go on.
enum Halt {
    /// The database refused something.
    Refused(Failure),
    /// The statement cannot be in a transaction with its count, against what its text says.
    Alone,
}

/// Runs a job without a transaction around it: statement after statement, counted in the book.
pub(crate) async fn one_by_one<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    book: &(dyn Book + Sync),
    retries: u32,
) -> Result<Outcome, Failure> {
    let guard = DB::guard(session.connection).await;
    let guard = guard.map_err(|error| {
        let error = about_session::<DB>("cannot take the lock beside the database", error);
        Failure::of(error, 0)
    })?;
    let Some(_guard) = guard else {
        return Err(somebody_is_at_it());
    };
    let mut ledger = Ledger::of(job);
    let mut course = Course {
        done: job.start.done,
        rows_affected: 0,
        rounds: job.start.rounds,
        is_prepared: false,
    };
    if job.start.in_doubt {
        course.done = settle::settle(session, job, ledger.reading(job.start.done)).await?;
    }
    if !job.start.is_begun {
        check::all::<DB>(session.connection, job, Part::CheckBefore)
            .await
            .map_err(|error| Failure::of(error, 0))?;
    }
    if DB::LOCKS_BY_TRANSACTION {
        claim(session, job, &book.begin(&ledger.mark(course.done))).await?;
    }
    if job.foreign_keys == ForeignKeys::Off {
        session.run_quietly(&DB::foreign_keys(false)).await;
    }
    let began = Instant::now();
    let mut attempts = (0, course.done);
    loop {
        let halt = match go_on(session, job, book, &ledger, &mut course).await {
            Ok(()) => break,
            Err(halt) => halt,
        };
        session.run_quietly(&["ROLLBACK".to_owned()]).await;
        match halt {
            Halt::Alone => {
                ledger.readings[course.done].joins_transaction = false;
                let progress = book.progress(&ledger.mark(course.done));
                let progress = in_transaction::<DB>(session, vec![progress]);
                if let Err(error) = session.run(progress, "cannot record it").await {
                    return Err(Failure::of(error, 0));
                }
            }
            Halt::Refused(mut failure) => {
                if attempts.1 != course.done {
                    attempts = (0, course.done);
                }
                if failure.transient && attempts.0 < retries {
                    attempts.0 += 1;
                    lock::pause_before_retry(session.announcer(), job.id, attempts.0).await;
                    continue;
                }
                failure.transient = false;
                if attempts.0 > 0 {
                    let note = format!("It was tried {} times.", attempts.0 + 1);
                    failure.error = failure.error.note(&note);
                }
                let mark = mark_of(&ledger, &course);
                return Err(give_up(session, book, mark, failure).await);
            }
        }
    }
    if let Err(error) = check::all::<DB>(session.connection, job, Part::CheckAfter).await {
        let error = error.note(&what_stays(job, course.done)).help(
            "put right what the check finds, then run `up` again: the statements stay, and the \
             check is made again",
        );
        let failure = Failure {
            done: course.done,
            ..Failure::of(error, 0)
        };
        let mark = mark_of(&ledger, &course);
        return Err(give_up(session, book, mark, failure).await);
    }
    if !finishes_by_itself::<DB>(job) {
        let elapsed = began.elapsed().as_millis().to_string();
        let message = Message::of(library(ending(session, book, &elapsed)));
        if let Err(refused) = DB::send(session.connection, &message).await {
            session.run_quietly(&["ROLLBACK".to_owned()]).await;
            if is_fence(&message, &refused) {
                return Err(Failure::of(lease::lost(), 0));
            }
            let doing = format!("`{}` ran, but that cannot be recorded", job.id);
            let error = about_session::<DB>(&doing, refused.error)
                .help("run it again: no statement will run twice");
            return Err(Failure {
                done: course.done,
                ..Failure::of(error, 0)
            });
        }
    }
    Ok(Outcome {
        rows_affected: course.rows_affected,
        statements: course.done - job.start.done,
    })
}

fn mark_of(ledger: &Ledger, course: &Course) -> Mark {
    Mark {
        rounds: course.rounds,
        ..ledger.mark(course.done)
    }
}

/// Sends what is left.
async fn go_on<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    book: &(dyn Book + Sync),
    ledger: &Ledger,
    course: &mut Course,
) -> Result<(), Halt> {
    let parcels = parcels(session, job, book, ledger, course);
    for parcel in parcels {
        match parcel {
            Parcel::Plain(message) => plain(session, job, book, ledger, course, &message).await?,
            Parcel::Joined(piece, progress) => {
                joined(session, job, book, course, piece, progress).await?;
            }
            Parcel::Batch(piece, batch) => {
                rounds::run(session, job, book, ledger, course, piece, batch).await?;
            }
        }
        course.is_prepared = true;
    }
    Ok(())
}

async fn plain<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    book: &(dyn Book + Sync),
    ledger: &Ledger,
    course: &mut Course,
    message: &Message<'_>,
) -> Result<(), Halt> {
    let sent = DB::send(session.connection, message).await;
    let (answers, refused) = match sent {
        Ok(answers) => (answers, None),
        Err(mut refused) => (std::mem::take(&mut refused.answers), Some(refused)),
    };
    let upto = refused.as_ref().map_or(message.pieces.len(), |it| it.piece);
    let stay = in_effect::<DB>(&message.pieces[..upto]);
    let pairs = message.pieces.iter().zip(&answers);
    let ours = pairs.filter(|(piece, _)| piece.origin != Origin::Library);
    for (_, answer) in ours.take(stay) {
        tell_one(session.announcer(), job, course.done, answer.rows_affected);
        course.rows_affected += answer.rows_affected;
        course.done += 1;
    }
    // What the first pieces prepare stays prepared.
    course.is_prepared |= stay > 0;
    let Some(refused) = refused else {
        return Ok(());
    };
    let piece = &message.pieces[refused.piece];
    let was_joined = match piece.origin {
        Origin::Migration { statement, .. } => ledger.reading(statement).joins_transaction,
        Origin::Library => false,
    };
    if was_joined && DB::needs_no_transaction(&refused.error) {
        return Err(Halt::Alone);
    }
    Err(refusal::<DB>(job, book, message, refused, course.done))
}

fn refusal<DB: Engine>(
    job: &Job<'_>,
    book: &(dyn Book + Sync),
    message: &Message<'_>,
    refused: Refused,
    done: usize,
) -> Halt {
    Halt::Refused(failure::<DB>(&[(job, book)], message, refused, done))
}

async fn joined<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    book: &(dyn Book + Sync),
    course: &mut Course,
    piece: Piece<'_>,
    progress: String,
) -> Result<(), Halt> {
    let facts = session.facts.clone();
    let message = Message::of([piece, Piece::library(progress)]);
    let cannot = |error| cannot_commit::<DB>(job, course.done, error);
    let mut transaction = begin::<DB>(session.connection, &facts)
        .await
        .map_err(cannot)?;
    let answers = match DB::send(&mut transaction, &message).await {
        Ok(answers) => answers,
        Err(refused) => {
            let _ = transaction.rollback().await;
            return Err(refusal::<DB>(job, book, &message, refused, course.done));
        }
    };
    transaction.commit().await.map_err(cannot)?;
    let rows_affected = answers.first().map_or(0, |answer| answer.rows_affected);
    tell_one(session.announcer(), job, course.done, rows_affected);
    course.rows_affected += rows_affected;
    course.done += 1;
    Ok(())
}

fn cannot_commit<DB: Engine>(job: &Job<'_>, done: usize, error: sqlx::Error) -> Halt {
    let transient = DB::is_lock_timeout(&error);
    let doing = format!("cannot commit statement {} of `{}`", done + 1, job.id);
    let error = about_session::<DB>(&doing, error);
    Halt::Refused(Failure {
        done,
        transient,
        ..Failure::of(error, 0)
    })
}

/// How many statements of a migration are in effect when these pieces have run and the rest of
/// their message has not: not those whose transaction has not come to its end.
fn in_effect<DB: Engine>(pieces: &[Piece<'_>]) -> usize {
    let (mut done, mut open) = (0, None);
    for piece in pieces {
        match (piece.origin, &*piece.sql) {
            (Origin::Library, sql) if sql == DB::BEGIN => open = Some(0),
            (Origin::Library, "COMMIT") => done += open.take().unwrap_or(0),
            (Origin::Library, _) => {}
            (Origin::Migration { .. }, _) => *open.as_mut().unwrap_or(&mut done) += 1,
        }
    }
    done
}

/// Writes the first entry where the write transaction is the only lock there is.
async fn claim<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    entry: &[String],
) -> Result<(), Failure> {
    let expected = Fingerprint::of(&session.rows);
    let failed = |error| {
        let transient = DB::is_lock_timeout(&error);
        let error = about_session::<DB>(&format!("cannot begin `{}`", job.id), error);
        Failure {
            transient,
            ..Failure::of(error, 0)
        }
    };
    let mut transaction = begin::<DB>(session.connection, &session.facts)
        .await
        .map_err(failed)?;
    session
        .names
        .still_newest::<DB>(&mut transaction, &expected)
        .await?;
    let message = Message::of(entry.iter().map(|sql| Piece::library(sql.as_str())));
    DB::send(&mut transaction, &message)
        .await
        .map_err(|refused| failed(refused.error))?;
    transaction.commit().await.map_err(failed)
}

fn somebody_is_at_it() -> Failure {
    let diagnostic = Diagnostic::error("history-moved", "somebody else is migrating too")
        .why("The history has changed since it was read, so what was planned may be done by now.")
        .help("wait until they have finished, then run it again: it goes on where they leave off");
    Failure {
        transient: true,
        ..Failure::of(Error::new(ErrorKind::Locked, diagnostic), 0)
    }
}

/// Records the failure, once what can be taken back is taken back.
async fn give_up<DB: Engine>(
    session: &mut Session<'_, DB>,
    book: &(dyn Book + Sync),
    mark: Mark,
    failure: Failure,
) -> Failure {
    session.run_quietly(&session.reset()).await;
    let mark = match failure.trace {
        Trace::None => Mark { open: None, ..mark },
        Trace::Perhaps => mark,
    };
    session
        .write_quietly(book.fail(&mark, &failure.error.headline(), failure.trace))
        .await;
    failure
}
