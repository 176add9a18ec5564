//! Asking the catalogue whether a statement has taken effect that an earlier run was in the middle
//! of.

use backstitch_core::Diagnostic;
use backstitch_core::resume::{Effect, Fact, Object, Presence, Reading};

use super::{Failure, Job, about_session, first_line};
use crate::engine::{Engine, Found};
use crate::error::{Error, ErrorKind};
use crate::message::{Message, Part, Piece};
use crate::observe::Event;
use crate::session::Session;

/// How many statements are in effect, after a look at the catalogue. What is left of a statement
/// that works beside others is taken away.
///
/// # Errors
/// When that cannot be known: what to look at, and what to do then.
pub(super) async fn settle<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    reading: &Reading,
) -> Result<usize, Failure> {
    let done = job.start.done;
    let facts = match &reading.effect {
        Effect::Repeatable => return Ok(done),
        Effect::Hidden => return Err(doubtful::<DB>(job, &[])),
        Effect::Shows(facts) => facts,
    };
    let mut seen = Vec::with_capacity(facts.len());
    for fact in facts {
        let holds = match look_up(session, &fact.object).await? {
            None => return Err(doubtful::<DB>(job, &[])),
            Some(Found::There) => fact.presence == Presence::There,
            Some(Found::Gone) => fact.presence == Presence::Gone,
            Some(Found::Invalid) => {
                if fact.presence == Presence::There {
                    take_away(session, job, &fact.object).await?;
                }
                false
            }
        };
        seen.push((fact, holds));
    }
    let took_effect = seen.iter().all(|(_, holds)| *holds);
    if !took_effect && seen.iter().any(|(_, holds)| *holds) {
        return Err(doubtful::<DB>(job, &seen));
    }
    session.announcer().tell(Event::Settled {
        id: job.id,
        statement: done + 1,
        took_effect,
    });
    Ok(done + usize::from(took_effect))
}

async fn look_up<DB: Engine>(
    session: &mut Session<'_, DB>,
    object: &Object,
) -> Result<Option<Found>, Failure> {
    let Some(query) = DB::look_up(object) else {
        return Ok(None);
    };
    let message = Message::of([Piece::query(query)]);
    let answers = DB::send(session.connection, &message)
        .await
        .map_err(|refused| {
            let error = about_session::<DB>("cannot read the catalogue", refused.error);
            Failure::of(error, 0)
        })?;
    let value = answers
        .first()
        .and_then(|answer| answer.rows.first()?.first()?.clone());
    Ok(Some(match value.as_deref() {
        Some("there") => Found::There,
        Some("invalid") => Found::Invalid,
        _ => Found::Gone,
    }))
}

/// Drops the index that the interrupted statement has left.
async fn take_away<DB: Engine>(
    session: &mut Session<'_, DB>,
    job: &Job<'_>,
    object: &Object,
) -> Result<(), Failure> {
    let Some(sql) = DB::take_away(object) else {
        return Err(doubtful::<DB>(job, &[]));
    };
    let message = Message::of([Piece::library(sql)]);
    DB::send(session.connection, &message)
        .await
        .map_err(|refused| {
            let doing = format!("cannot drop the invalid {object}, which `{}` left", job.id);
            Failure::of(about_session::<DB>(&doing, refused.error), 0)
        })?;
    session.announcer().tell(Event::LeftoverDropped {
        id: job.id,
        what: &object.to_string(),
    });
    Ok(())
}

/// Nobody can know whether the next statement has taken effect.
fn doubtful<DB: Engine>(job: &Job<'_>, seen: &[(&Fact, bool)]) -> Failure {
    let done = job.start.done;
    let source = job.source();
    let place = first_line(source, job.span_of(job.part, done));
    let mut why = format!(
        "The run that was at statement {} of `{}` ended before it could record whether that took \
         effect, and {} commits it by itself.",
        done + 1,
        job.id,
        DB::PRODUCT
    );
    for (fact, _) in seen {
        let expected = match fact.presence {
            Presence::There => "there",
            Presence::Gone => "gone",
        };
        why += &format!("\nAfter it, {} is {expected}: ", fact.object);
        let holds = seen.iter().any(|(other, holds)| other == fact && *holds);
        why += if holds {
            "so it is now."
        } else {
            "now it is not."
        };
    }
    if seen.is_empty() {
        why += "\nThe catalogue does not tell.";
    }
    let verb = match job.part {
        Part::Down => "down",
        Part::Up | Part::CheckBefore | Part::CheckAfter => "up",
    };
    let id = job.id;
    let mut diagnostic = Diagnostic::error(
        "statement-in-doubt",
        format!(
            "it is not known whether statement {} of `{id}` has taken effect",
            done + 1
        ),
    )
    .at(source, place, "look whether the database shows what this does")
    .why(why)
    .help(format!(
        "look at the database, then say how many statements are in effect, and run `{verb}` \
         again:\n\
         .reason(\"…\").repair(&pool, Repair::Resume {{ id: \"{id}\", done: {} }})   // it has\n\
         .reason(\"…\").repair(&pool, Repair::Resume {{ id: \"{id}\", done: {done} }})   // it has not",
        done + 1
    ));
    diagnostic.migration = Some(id.to_owned());
    Failure {
        done,
        ..Failure::of(Error::new(ErrorKind::Unfinished, diagnostic), 0)
    }
}
