//! CHECK BEFORE and CHECK AFTER: queries that must find nothing.

use std::borrow::Cow;

use backstitch_core::Diagnostic;
use backstitch_core::migration::Check;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::execute::{Job, Trace, statement_failed};
use crate::message::{Answer, Message, Origin, Part, Piece};

/// How many offenders an error shows.
const SHOWN: usize = 5;

/// Runs the checks before or after a job.
///
/// # Errors
/// The first check that finds something, with the first rows that it finds.
pub(crate) async fn all<DB: Engine>(
    connection: &mut DB::Connection,
    job: &Job<'_>,
    part: Part,
) -> Result<(), Error> {
    let checks = match part {
        Part::CheckBefore => job.checks_before,
        Part::CheckAfter => job.checks_after,
        Part::Up | Part::Down => return Ok(()),
    };
    for (index, check) in checks.iter().enumerate() {
        one::<DB>(connection, job, part, index, check).await?;
    }
    Ok(())
}

async fn one<DB: Engine>(
    connection: &mut DB::Connection,
    job: &Job<'_>,
    part: Part,
    index: usize,
    check: &Check,
) -> Result<(), Error> {
    let bound = DB::bound();
    let query = check.statement.span.of(job.source().text());
    let query = Piece {
        sql: Cow::Owned(format!("{}{query}{}", bound.prefix, bound.suffix)),
        origin: Origin::Migration {
            step: 0,
            part,
            statement: index,
        },
        keep_rows: SHOWN,
        lead: bound.prefix.len(),
    };
    let position = usize::from(bound.before.is_some());
    let before = bound.before.map(Piece::library);
    let after = bound.after.map(Piece::library);
    let message = Message::of(before.into_iter().chain([query]).chain(after));
    let answers = DB::send(connection, &message)
        .await
        .map_err(|refused| statement_failed::<DB>(job, part, index, refused, 0, Trace::None))?;
    match answers.get(position) {
        Some(answer) if answer.rows_returned > 0 => Err(offended(job, part, index, check, answer)),
        Some(_) | None => Ok(()),
    }
}

fn offended(job: &Job<'_>, part: Part, index: usize, check: &Check, answer: &Answer) -> Error {
    let when = match part {
        Part::CheckBefore => "before",
        Part::CheckAfter | Part::Up | Part::Down => "after",
    };
    let diagnostic = Diagnostic::error(
        "check-failed",
        format!("a check {when} `{}` does not hold: {}", job.id, check.title),
    )
    .at(
        job.source(),
        job.span_of(part, index),
        "this query must find nothing",
    )
    .why(format!("It found:\n{}", table(answer)))
    .help("put these rows right, then run again");
    refused(job, diagnostic)
}

fn refused(job: &Job<'_>, mut diagnostic: Diagnostic) -> Error {
    diagnostic.migration = Some(job.id.to_owned());
    Error::new(ErrorKind::Check, diagnostic)
}

/// Looks for violated foreign keys, after a migration that had their enforcement off.
///
/// # Errors
/// The first violations.
pub(crate) async fn foreign_keys<DB: Engine>(
    connection: &mut DB::Connection,
    query: &'static str,
    job: &Job<'_>,
) -> Result<(), Error> {
    let message = Message::of([Piece {
        keep_rows: SHOWN,
        ..Piece::library(query)
    }]);
    let answers = DB::send(connection, &message)
        .await
        .map_err(|refused| Error::database::<DB>("cannot check the foreign keys", refused.error))?;
    match answers.first() {
        Some(answer) if answer.rows_returned > 0 => Err(refused(
            job,
            Diagnostic::error(
                "foreign-keys-broken",
                format!("`{}` leaves rows whose foreign keys lead nowhere", job.id),
            )
            .why(format!(
                "Foreign keys were off while it ran (`@foreignKeys: off`), and before the commit \
                 `{query}` found:\n{}",
                table(answer)
            ))
            .help("repair or delete these rows in the UP, before its end"),
        )),
        Some(_) | None => Ok(()),
    }
}

/// Rows for people: a line each, `column = value`, cut where they are long.
fn table(answer: &Answer) -> String {
    let value = |value: &Option<String>| match value {
        None => "NULL".to_owned(),
        Some(text) => shortened(text),
    };
    let line = |row: &Vec<Option<String>>| {
        let pairs = answer.columns.iter().zip(row);
        let pairs: Vec<_> = pairs
            .map(|(name, cell)| format!("{name} = {}", value(cell)))
            .collect();
        format!("  {}", pairs.join(", "))
    };
    let mut lines: Vec<_> = answer.rows.iter().map(line).collect();
    if answer.rows_returned > answer.rows.len() as u64 {
        lines.push("  … and more".to_owned());
    }
    lines.join("\n")
}

/// A value on one line, and not too much of it.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index == LONGEST {
            shown.push('…');
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_debug());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn values_stay_on_their_line() {
        assert_eq!(shortened("it's \\ \"ä\""), "it's \\ \"ä\"");
        assert_eq!(shortened("a\nb\0c"), "a\\nb\\0c");
        assert_eq!(shortened(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(shortened(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }
}
