//! A statement that is repeated until it changes no row.

use std::time::Duration;

use backstitch_core::Diagnostic;
use backstitch_core::statement::Batch;

use super::{Course, Halt, Ledger, cannot_commit, refusal};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::execute::{Book, Failure, Job, begin, first_line, library, tell_one};
use crate::history::Mark;
use crate::message::{Answer, Message, Piece};
use crate::observe::Event;
use crate::session::Session;

/// How many rounds a batch may take unless its file says otherwise.
const MOST_ROUNDS: u64 = 100_000;

/// A statement that is repeated: each round and what the row says about it is a transaction, and
/// the round that changes no row is the last.
pub(super) async fn run<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    book: &(dyn Book + Sync),
    ledger: &Ledger,
    course: &mut Course,
    piece: Piece<'_>,
    batch: Batch,
) -> Result<(), Halt> {
    let statement = course.done;
    let most = batch.most_rounds.unwrap_or(MOST_ROUNDS);
    let round = Message::of([piece]);
    let fence = session.fenced(Vec::new());
    loop {
        let (rounds, rows) = course.rounds.unwrap_or_default();
        if rounds >= most {
            let failure = Failure {
                done: statement,
                ..Failure::of(endless(job, statement, rounds, rows), 0)
            };
            return Err(Halt::Refused(failure));
        }
        let facts = session.facts.clone();
        let cannot = |error| cannot_commit::<DB>(job, statement, error);
        let mut transaction = begin::<DB>(session.connection, &facts)
            .await
            .map_err(cannot)?;
        let sent = DB::send(&mut transaction, &round).await;
        let changed = match sent {
            Ok(answers) => answers.iter().map(count).sum::<u64>(),
            Err(refused) => {
                let _ = transaction.rollback().await;
                return Err(refusal::<DB>(job, book, &round, refused, statement));
            }
        };
        let mark = match changed {
            0 => ledger.mark(statement + 1),
            _ => Mark {
                rounds: Some((rounds + 1, rows + changed)),
                ..ledger.mark(statement)
            },
        };
        let progress = Message::of(library(fence.iter().cloned().chain([book.progress(&mark)])));
        if let Err(refused) = DB::send(&mut transaction, &progress).await {
            let _ = transaction.rollback().await;
            return Err(refusal::<DB>(job, book, &progress, refused, statement));
        }
        transaction.commit().await.map_err(cannot)?;
        course.rows_affected += changed;
        course.rounds = mark.rounds;
        if changed == 0 {
            tell_one(session.announcer(), job, statement, rows);
            course.done += 1;
            return Ok(());
        }
        session.announcer().tell(Event::RoundDone {
            id: job.id,
            statement: statement + 1,
            round: rounds + 1,
            rows_affected: changed,
        });
        tokio::time::sleep(Duration::from_millis(batch.pause_ms)).await;
    }
}

fn count(answer: &Answer) -> u64 {
    answer.rows_affected
}

fn endless(job: &Job<'_>, statement: usize, rounds: u64, rows: u64) -> Error {
    let source = job.source();
    let place = first_line(source, job.span_of(job.part, statement));
    let mut diagnostic = Diagnostic::error(
        "batch-endless",
        format!(
            "a batch of `{}` still changes rows after {rounds} rounds",
            job.id
        ),
    )
    .at(source, place, format!("it has changed {rows} rows"))
    .why(
        "A batch is repeated until it changes no row. One whose condition its own work does not \
         make false never ends.",
    )
    .help(
        "see to it that the statement does not find again what it has changed; or, when there is \
         that much to do, allow more rounds and run it again: it goes on where it is.\n\
         -- @batch: 1000, at most 1000000",
    );
    diagnostic.migration = Some(job.id.to_owned());
    Error::new(ErrorKind::Statement, diagnostic)
}
