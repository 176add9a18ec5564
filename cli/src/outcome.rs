//! What a run did, told at its end.

use backstitch::{Error, Report};
use serde_json::{Value, json};

use crate::course::{self, Ending};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::Work;
use crate::paint::{Dress, counted, paint};
use crate::product::Product;
use crate::when;

/// What is to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'t> {
    /// The ids that the run was to deal with, in order.
    pub(crate) ids: &'t [String],
    pub(crate) down: bool,
    pub(crate) json: bool,
}

/// Tells how the run ended.
///
/// # Errors
/// When it failed, or was interrupted.
pub(crate) async fn tell<DB: Product>(
    work: &mut Work<'_, DB>,
    ending: Ending,
    told: Told<'_>,
) -> Result<Exit, Failure> {
    match ending {
        Ending::Run(Ok(report)) => {
            let text = match told.json {
                true => format!("{:#}\n", to_json(&report, None)),
                false => summary(work, &report),
            };
            work.screen.print(&text);
            Ok(Exit::Done)
        }
        Ending::Run(Err(error)) => {
            if told.json {
                let text = to_json(error.report(), Some(&error));
                work.screen.print(&format!("{text:#}\n"));
            } else {
                before(work, error.report(), told.down);
            }
            Err(error.into())
        }
        Ending::Interrupted => Err(course::interrupted(work, told.ids, told.down).await),
    }
}

/// `3 migrations applied in 12.3 ms`
fn summary<DB: Product>(work: &Work<'_, DB>, report: &Report) -> String {
    let style = work.screen.style();
    // What is up to date has been told in the same words since the first release.
    let mut text = paint(style, Dress::Bold, &report.to_string());
    if report.waited.as_millis() > 100 {
        text += &format!(", {} of it waiting for others", when::lasted(report.waited));
    }
    if let Some(backup) = &report.backup {
        text += &format!(", backed up before as {backup}");
    }
    text + "\n"
}

/// What was done before it went wrong.
fn before<DB: Product>(work: &mut Work<'_, DB>, report: &Report, down: bool) {
    if report.done.is_empty() {
        return;
    }
    let verb = if down { "taken back" } else { "applied" };
    let done = counted(report.done.len(), "migration");
    work.screen.print(&format!(
        "{done} {verb} before it went wrong, which stays so; {} not\n",
        report.remaining.len().max(1)
    ));
}

/// The contract of `JSON.md`.
fn to_json(report: &Report, error: Option<&Error>) -> Value {
    let ms = |time: std::time::Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let done: Vec<Value> = report
        .done
        .iter()
        .map(|done| {
            json!({
                "action": done.action,
                "id": done.id,
                "name": done.name,
                "statements": done.statements,
                "rows_affected": done.rows_affected,
                "elapsed_ms": ms(done.elapsed),
            })
        })
        .collect();
    json!({
        "direction": report.direction,
        "done": done,
        "remaining": report.remaining,
        "run": report.run,
        "backup": report.backup,
        "elapsed_ms": ms(report.elapsed),
        "waited_ms": ms(report.waited),
        "error": error.map(ToString::to_string),
    })
}
