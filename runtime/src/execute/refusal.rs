//! What a job failed by, told at its place in the file: what, why, what stays and what to do next.

use backstitch_core::Diagnostic;
use backstitch_core::source::{Source, Span};

use super::{Book, Failure, Job, Trace};
use crate::engine::Engine;
use crate::error::{self, Error, ErrorKind, words_of};
use crate::lease;
use crate::message::{Message, Origin, Part, Refused};

/// What the server refused, at its place in the file.
pub(super) fn failure<DB: Engine>(
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
    message: &Message<'_>,
    refused: Refused,
    done: usize,
) -> Failure {
    let piece = &message.pieces[refused.piece];
    let leaves_trace = piece.origin != Origin::Library
        && DB::works_concurrently(&piece.sql)
        && !DB::is_refusal(&refused.error);
    let trace = match leaves_trace {
        true => Trace::Perhaps,
        false => Trace::None,
    };
    let transient = DB::is_lock_timeout(&refused.error) && trace == Trace::None;
    match message.pieces[refused.piece].origin {
        Origin::Migration {
            step,
            part,
            statement,
        } => {
            let (job, _) = &jobs[step];
            let error = statement_failed::<DB>(job, part, statement, refused, done, trace);
            Failure {
                done,
                trace,
                transient,
                ..Failure::of(error, step)
            }
        }
        Origin::Library if is_fence(message, &refused) => Failure {
            done,
            ..Failure::of(lease::lost(), 0)
        },
        Origin::Library => {
            // The statements of the job before it have run: what it concerns is that job.
            let before = message.pieces[..refused.piece].iter().rev();
            let step = before.filter_map(|piece| match piece.origin {
                Origin::Migration { step, .. } => Some(step),
                Origin::Library => None,
            });
            let step = step.into_iter().next().unwrap_or(0);
            let mut failure = failure_of_job::<DB>(jobs, step, "cannot finish it", refused.error);
            failure.done = done;
            failure.transient = transient;
            failure
        }
    }
}

/// Whether what the database refused is the question whether this run is still the holder.
pub(super) fn is_fence(message: &Message<'_>, refused: &Refused) -> bool {
    let asks = message.pieces[refused.piece].sql.ends_with(lease::FENCE);
    asks && refused.error.as_database_error().is_some()
}

pub(super) fn failure_of_job<DB: Engine>(
    jobs: &[(&Job<'_>, &(dyn Book + Sync))],
    step: usize,
    doing: &str,
    error: sqlx::Error,
) -> Failure {
    let (job, _) = &jobs[step];
    let transient = DB::is_lock_timeout(&error);
    let kind = kind_of(&error);
    let mut diagnostic = Diagnostic::error(
        "migration-failed",
        format!("`{}`: {doing}: {}", job.id, words_of(&error)),
    )
    .why(DB::remarks(&error).join("\n"))
    .help(match kind {
        ErrorKind::Connection => error::UNREACHABLE,
        _ if let Some(advice) = DB::advice(&error) => advice,
        _ => {
            "see to what the server says, then run it again: it looks first at what is there, and \
             nothing runs twice"
        }
    });
    diagnostic.migration = Some(job.id.to_owned());
    let error = Error::new(kind, diagnostic).caused_by(error);
    Failure {
        transient,
        ..Failure::of(error, step)
    }
}

fn kind_of(error: &sqlx::Error) -> ErrorKind {
    match error {
        sqlx::Error::Database(_) => ErrorKind::Statement,
        _ => ErrorKind::Connection,
    }
}

/// An error of the server about a statement: file, line, column, the line and a caret.
pub(crate) fn statement_failed<DB: Engine>(
    job: &Job<'_>,
    part: Part,
    statement: usize,
    refused: Refused,
    done: usize,
    trace: Trace,
) -> Error {
    let source = job.source();
    let span = job.span_of(part, statement);
    let place = match refused.byte {
        Some(byte) => word_at(source, span, byte),
        None => first_line(source, span),
    };
    let kind = kind_of(&refused.error);
    let label = match kind {
        ErrorKind::Connection => "the connection broke while this ran".to_owned(),
        _ => format!("{} refused this", DB::PRODUCT),
    };
    let mut remarks = DB::remarks(&refused.error);
    if trace == Trace::Perhaps {
        remarks.push(
            "It works beside others, and may leave something half done behind, such as an invalid \
             index. The next run looks for it, and drops it before it tries again."
                .to_owned(),
        );
    }
    if done > 0 || trace == Trace::None {
        remarks.push(what_stays(job, done));
    }
    let mut diagnostic = Diagnostic::error(error::STATEMENT_FAILED, DB::words(&refused.error))
        .at(source, place, label)
        .why(remarks.join("\n"));
    diagnostic = diagnostic.help(match (kind, done) {
        (ErrorKind::Connection, _) => error::UNREACHABLE,
        (_, 0) if DB::is_lock_timeout(&refused.error) => WAITS_IN_VAIN,
        (_, 0) if let Some(advice) = DB::advice(&refused.error) => advice,
        (_, 0) => how_to_begin_anew(part),
        _ => how_to_go_on(part),
    });
    diagnostic.migration = Some(job.id.to_owned());
    Error::new(kind, diagnostic).caused_by(refused.error)
}

const WAITS_IN_VAIN: &str = "see who has the table (a long transaction, a backup, a report) and let it end, then run it \
     again; or wait for longer, by `@lockTimeout` in the file or `.lock_timeout(..)`";

/// What to do about a statement that failed and left nothing.
fn how_to_begin_anew(part: Part) -> &'static str {
    match part {
        Part::Down => {
            "see to what stands in its way, then run `down` again; to run another DOWN than the one \
             that is stored, put the file right and store it by `Repair::WayBack`"
        }
        Part::Up | Part::CheckBefore | Part::CheckAfter => {
            "put it right, or what stands in its way, and run `up` again"
        }
    }
}

/// What to do about a statement that failed behind others that stay.
fn how_to_go_on(part: Part) -> &'static str {
    match part {
        Part::Down => "run `down` again once it can work: it goes on at this statement",
        Part::Up | Part::CheckBefore | Part::CheckAfter => {
            "put it right and run `up` again: it goes on at this statement. The statements before \
             it must stay as they are"
        }
    }
}

/// What a failure leaves behind, in a sentence.
pub(super) fn what_stays(job: &Job<'_>, done: usize) -> String {
    let all = job.script.statements.len();
    match (done, job.part) {
        (0, Part::Down) => format!("`{}` stays applied, all of it.", job.id),
        (0, Part::Up | Part::CheckBefore | Part::CheckAfter) => {
            format!("Nothing of `{}` stays.", job.id)
        }
        (done, _) => format!(
            "It ran outside of a transaction: {done} of {all} statements of `{}` have run and stay.",
            job.id
        ),
    }
}

/// The word or sign at a byte of a statement.
fn word_at(source: &Source, span: Span, byte: usize) -> Span {
    let start = (span.range().start + byte).min(span.range().end);
    let rest = source
        .text()
        .get(start..span.range().end)
        .unwrap_or_default();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let length = match rest.chars().next() {
        Some(first) if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        Some(quote @ ('"' | '`')) => rest[1..].find(quote).map_or(1, |end| end + 2),
        Some(first) => first.len_utf8(),
        None => 0,
    };
    Span::new(start..start + length)
}

pub(super) fn first_line(source: &Source, span: Span) -> Span {
    let text = span.of(source.text());
    let length = text.find(['\n', '\r']).unwrap_or(text.len());
    Span::new(span.range().start..span.range().start + length)
}

pub(super) fn about_session<DB: Engine>(doing: &str, error: sqlx::Error) -> Error {
    Error::database::<DB>(doing, error)
}
