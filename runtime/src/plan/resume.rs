//! Going on with a migration that stopped half-way outside of a transaction.
//!
//! The history says how many statements are in effect, and their checksum, so that the rest of the
//! file may be put right meanwhile. Where that is not enough to go on, the refusal says why.

use backstitch_core::checksum::{Checksum, Role};
use backstitch_core::resume::{self, Leaves};
use backstitch_core::{Diagnostic, Dialect, Migration};

use super::{Action, Step, about};
use crate::execute::Start;
use crate::history::{OLDEST_LAYOUT, Row, State};

/// Where the run of a version begins.
pub(crate) fn start_of(rows: &[Row], version: u64) -> Start {
    let row = rows.iter().find(|row| row.version == version);
    match row {
        Some(row) if !super::is_untouched(row) => start_of_row(row),
        Some(_) | None => Start::default(),
    }
}

/// Where the run that a row tells of goes on.
pub(crate) fn start_of_row(row: &Row) -> Start {
    if row.state == State::Applied {
        return Start::default();
    }
    // The layout before this one did not tell.
    let may_be = row.layout == OLDEST_LAYOUT
        && row.state != State::Failed
        && row.error.is_none()
        && row.statements_done < row.statements;
    Start {
        is_begun: true,
        done: row.statements_done as usize,
        in_doubt: row.open_checksum.is_some() || may_be,
        rounds: row.rounds.zip(row.round_rows),
    }
}

/// Whether the row says what has run, as this library does. A hand that edits the state does not:
/// what is under way has a checksum of what ran, though it be nothing, and what failed inside of a
/// transaction has its error.
pub(crate) fn is_told(row: &Row) -> bool {
    let failed = row.state == State::Failed && row.error.is_some();
    row.layout == OLDEST_LAYOUT
        || row.done_checksum.is_some()
        || (failed && row.statements_done == 0)
}

/// The step that goes on with the UP of a row.
///
/// # Errors
/// When what has run is no longer what stands in the file, or left something in a session that is
/// gone.
pub(super) fn step(
    migration: &Migration,
    row: &Row,
    dialect: Dialect,
) -> Result<Step, Box<Diagnostic>> {
    if migration.id != row.id {
        return Err(Box::new(super::refusal::renamed(migration, row)));
    }
    if !is_told(row) || migration.step.is_some() {
        return Err(Box::new(unfinished(Some(migration), row)));
    }
    let start = start_of_row(row);
    let prefixes = resume::prefixes(&migration.up, Role::Up, dialect);
    let is = |count: usize, checksum: Option<Checksum>| match checksum {
        Some(checksum) => prefixes.get(count) == Some(&checksum),
        None => migration.checksum == row.checksum && count < prefixes.len(),
    };
    let done_is_kept = start.done == 0 || is(start.done, row.done_checksum);
    if !done_is_kept || (start.in_doubt && !is(start.done + 1, row.open_checksum)) {
        return Err(Box::new(edited(migration, row, done_is_kept)));
    }
    if let Some((statement, name)) = lost(migration, start.done, dialect) {
        return Err(Box::new(out_of_reach(migration, row, statement, &name)));
    }
    Ok(Step {
        action: Action::Resume,
        version: migration.version,
        id: migration.id.clone(),
        name: migration.name.clone(),
        statements: Some(migration.up.statements.len()),
        done: start.done,
        in_doubt: start.in_doubt,
    })
}

/// What the statements that are done left in their session and the others need: which, and what.
fn lost(migration: &Migration, done: usize, dialect: Dialect) -> Option<(usize, String)> {
    let text = migration.up.source.text();
    let sql = |index: usize| migration.up.statements[index].span.of(text);
    let all = migration.up.statements.len();
    (0..done.min(all)).find_map(|index| match resume::read(sql(index), dialect).leaves {
        Leaves::Object(name) => (done..all)
            .any(|later| resume::mentions(sql(later), &name, dialect))
            .then_some((index, name)),
        Leaves::Nothing | Leaves::Setting => None,
    })
}

fn edited(migration: &Migration, row: &Row, done_is_kept: bool) -> Diagnostic {
    let done = row.statements_done;
    let (what, rest) = match done_is_kept {
        false => (
            format!("statements 1 to {done} have run as they were, and are in effect"),
            format!("put statements 1 to {done} back as they were; what comes after may differ"),
        ),
        true => (
            format!(
                "statement {} may or may not have taken effect as it was, and the catalogue is to \
                 be asked about that",
                done + 1
            ),
            format!("put statement {} back as it was for this one run", done + 1),
        ),
    };
    let id = &migration.id;
    about(
        "migration-unfinished",
        migration,
        format!("`{id}` is half done, and what has run of it has been edited since"),
        "not what the database ran",
    )
    .why(format!(
        "It was started at {} by {}, outside of a transaction: {what}.",
        row.applied_at, row.applied_by
    ))
    .help(format!("{rest}. {}", ways_out(id)))
}

fn out_of_reach(migration: &Migration, row: &Row, statement: usize, name: &str) -> Diagnostic {
    let up = &migration.up;
    let span = up.statements[statement].span;
    let id = &migration.id;
    let mut diagnostic = Diagnostic::error(
        "migration-unfinished",
        format!("`{id}` is half done, and the rest of it needs `{name}` of a session that is gone"),
    )
    .at(
        &up.source,
        up.source.first_line(span),
        "this ran in that session",
    )
    .why(format!(
        "{} of {} statements have run, started at {} by {}. A variable, a prepared statement or a \
         temporary table ends with its session, and running this one again would find another \
         database than it did.",
        row.statements_done, row.statements, row.applied_at, row.applied_by
    ))
    .help(format!(
        "write the rest so that it does without `{name}`. {}",
        ways_out(id)
    ));
    diagnostic.migration = Some(id.clone());
    diagnostic
}

fn ways_out(id: &str) -> String {
    format!(
        "Or bring the database to one state or the other by hand, and record which:\n\
         .reason(\"…\").repair(&pool, Repair::MarkApplied(\"{id}\"))\n\
         .reason(\"…\").repair(&pool, Repair::MarkNotApplied(\"{id}\"))"
    )
}

/// A migration that is half done stands in the way.
pub(super) fn unfinished(migration: Option<&Migration>, row: &Row) -> Diagnostic {
    let (done, all) = (row.statements_done, row.statements);
    let is_reverting = row.state == State::Reverting;
    let what = if is_reverting { "its way back" } else { "it" };
    let all_ran = done >= all;
    let message = if all_ran {
        format!(
            "`{}` is not done: all {all} statements of {what} have run, but what comes after them \
             failed",
            row.id
        )
    } else {
        format!(
            "`{}` is half done: {done} of {all} statements of {what} have run",
            row.id
        )
    };
    let script = migration.map(|migration| match is_reverting {
        true => migration.down.as_ref().unwrap_or(&migration.up),
        false => &migration.up,
    });
    let mut diagnostic = Diagnostic::error("migration-unfinished", message);
    if let Some(script) = script {
        let next = script.statements.get(done as usize);
        let next = next.or(script.statements.last());
        let span = next.map_or(script.span, |statement| statement.span);
        let label = match row.state {
            _ if all_ran => "all of it ran",
            _ if row.error.is_some() && row.open_checksum.is_none() => "this one failed",
            _ => "this one may or may not have taken effect",
        };
        diagnostic = diagnostic.at(&script.source, script.source.first_line(span), label);
    }
    diagnostic.migration = Some(row.id.clone());
    let reason = match &row.error {
        Some(error) => format!("It stopped with: {error}."),
        None => "The process that ran it died, or is still at it.".to_owned(),
    };
    let help = match (is_reverting, migration) {
        _ if !is_told(row) => format!(
            "somebody has edited the row by hand: it has no checksum of what ran. {}",
            ways_out(&row.id)
        ),
        (true, _) => {
            "run `down` with `Down::Steps(1)`: it goes on with the way back where that stopped"
                .to_owned()
        }
        (false, Some(_)) => {
            "run `up` as far as this migration: it goes on where it stopped".to_owned()
        }
        (false, None) => format!(
            "start the program that knows the migration: it goes on where it stopped. {}",
            ways_out(&row.id)
        ),
    };
    diagnostic
        .why(format!(
            "{reason} It was started at {} by {}, outside of a transaction, so what had run stays.",
            row.applied_at, row.applied_by
        ))
        .help(help)
}
