//! What of a job is sent in one go: statements, their counts, and what comes before and behind.
//!
//! Where several statements in a message are no transaction, all of it travels together.

use backstitch_core::resume::Leaves;
use backstitch_core::statement::Batch;

use super::{Course, Ledger, mark_of};
use crate::engine::{Engine, Limits, Scope};
use crate::execute::{Book, Job, library};
use crate::message::{Message, Origin, Piece};
use crate::session::Session;

/// What is sent in one go.
pub(super) enum Parcel<'m> {
    /// Pieces in a message.
    Plain(Message<'m>),
    /// A statement and its count, in a transaction that ends by itself when the run is dropped.
    Joined(Piece<'m>, String),
    /// A statement that is repeated.
    Batch(Piece<'m>, Batch),
}

/// The rest of the statements and their counts. Where several statements in a message are no
/// transaction they travel together.
pub(super) fn parcels<'m, DB: Engine>(
    session: &Session<'_, DB>,
    job: &Job<'m>,
    book: &(dyn Book + Sync),
    ledger: &Ledger,
    course: &Course,
) -> Vec<Parcel<'m>> {
    let statements = job.script.statements.iter();
    let rest = job.statements(0).zip(statements).enumerate();
    let mut limits = job.limits;
    let mut parcels = Vec::new();
    if !course.is_prepared {
        parcels.extend(preparations(session, job, book, ledger, course));
    }
    let mut are_set = !course.is_prepared;
    for (index, (piece, statement)) in rest.skip(course.done) {
        let wanted = limits_of::<DB>(job, &piece.sql);
        if wanted != limits || !are_set {
            limits = wanted;
            are_set = true;
            let limit = DB::limit(&session.facts, Scope::Session, limits);
            parcels.push(Parcel::Plain(Message::of(library(limit))));
        }
        let joins = ledger.reading(index).joins_transaction;
        let progress = book.progress(&ledger.mark(index + 1));
        let count = || library(session.fenced(vec![progress.clone()]));
        if let Some(batch) = statement.batch {
            parcels.push(Parcel::Batch(piece, batch));
        } else if joins && DB::LOCKS_BY_TRANSACTION {
            parcels.push(Parcel::Joined(piece, progress));
        } else if joins {
            let pieces = [Piece::library(DB::BEGIN), piece]
                .into_iter()
                .chain(count());
            let pieces = pieces.chain([Piece::library("COMMIT")]);
            parcels.push(Parcel::Plain(Message::of(pieces)));
        } else {
            let count = library(in_transaction::<DB>(session, vec![progress]));
            if DB::BATCH_IS_TRANSACTION {
                parcels.push(Parcel::Plain(Message::of([piece])));
                parcels.push(Parcel::Plain(Message::of(count)));
            } else {
                let pieces = [piece].into_iter().chain(count);
                parcels.push(Parcel::Plain(Message::of(pieces)));
            }
        }
    }
    if finishes_by_itself::<DB>(job) {
        let elapsed = DB::elapsed_ms(None).unwrap_or_else(|| "NULL".to_owned());
        let end = Message::of(library(ending(session, book, &elapsed)));
        let plain = parcels.into_iter().filter_map(|parcel| match parcel {
            Parcel::Plain(message) => Some(message),
            Parcel::Joined(..) | Parcel::Batch(..) => None,
        });
        let pieces = plain.chain([end]).flat_map(|message| message.pieces);
        return vec![Parcel::Plain(Message::of(pieces))];
    }
    parcels
}

/// What comes before the first statement that runs: the limits, the row, and the settings that
/// the statements before it made in a session that is gone.
fn preparations<'m, DB: Engine>(
    session: &Session<'_, DB>,
    job: &Job<'m>,
    book: &(dyn Book + Sync),
    ledger: &Ledger,
    course: &Course,
) -> Vec<Parcel<'m>> {
    let mut pieces = library(DB::limit(&session.facts, Scope::Session, job.limits));
    if !DB::LOCKS_BY_TRANSACTION {
        pieces.push(Piece::library(DB::BEGIN));
        let begin = book.begin(&mark_of(ledger, course));
        pieces.extend(library(session.fenced(begin)));
        pieces.push(Piece::library("COMMIT"));
    }
    pieces.extend(DB::start_clock().map(Piece::library));
    let settings = job
        .statements(0)
        .take(course.done)
        .zip(&ledger.readings)
        .filter(|(_, reading)| reading.leaves == Leaves::Setting)
        .map(|(piece, _)| Piece {
            origin: Origin::Library,
            ..piece
        });
    [Message::of(pieces)]
        .into_iter()
        .chain(settings.map(|piece| Message::of([piece])))
        .map(Parcel::Plain)
        .collect()
}

/// Whether the end of the job can travel with its statements.
pub(super) fn finishes_by_itself<DB: Engine>(job: &Job<'_>) -> bool {
    let repeats = job.script.statements.iter().any(|one| one.batch.is_some());
    DB::BATCHES && !DB::BATCH_IS_TRANSACTION && job.checks_after.is_empty() && !repeats
}

pub(super) fn ending<DB: Engine>(
    session: &Session<'_, DB>,
    book: &(dyn Book + Sync),
    execution_ms: &str,
) -> Vec<String> {
    let finish = in_transaction::<DB>(session, book.finish(execution_ms));
    session.reset().into_iter().chain(finish).collect()
}

/// Statements that write to the history, in a transaction of their own where they are several, or
/// where this run has to make sure that it may.
pub(super) fn in_transaction<DB: Engine>(
    session: &Session<'_, DB>,
    statements: Vec<String>,
) -> Vec<String> {
    let statements = session.fenced(statements);
    if statements.len() < 2 {
        return statements;
    }
    let (begin, commit) = (DB::BEGIN.to_owned(), "COMMIT".to_owned());
    [begin]
        .into_iter()
        .chain(statements)
        .chain([commit])
        .collect()
}

/// How long a statement may take. One that works beside others lets nobody queue behind it while
/// it waits, and would leave something half done when it gave up.
fn limits_of<DB: Engine>(job: &Job<'_>, sql: &str) -> Limits {
    match job.lock_limit_is_given || !DB::works_concurrently(sql) {
        true => job.limits,
        false => Limits {
            lock: None,
            ..job.limits
        },
    }
}
