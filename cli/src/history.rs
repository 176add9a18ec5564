//! `backstitch history`: what was applied and what was taken back, by whom and when.

use backstitch_core::render::Style;
use clap::Args;
use serde::Serialize;
use sqlx::Connection;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::paint::{Cell, Dress, Table, paint};
use crate::product::{self, Product};
use crate::status::{Applied, applied, rows};
use crate::target::Target;
use crate::when;

/// The arguments of `history`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct History {
    #[command(flatten)]
    target: Target,
    /// Only so many of the newest
    #[arg(short = 'n', long, value_name = "N")]
    last: Option<usize>,
    /// Show who it was, too
    #[arg(long)]
    who: bool,
    /// For programs: see JSON.md of this crate
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch history                  everything, the newest last
  backstitch history --last 10 --who  the newest ten, and who applied them
  backstitch history --json | jq '.rollbacks[] | select(.success | not)'

Exit codes:
  0 shown   1 the database does not answer   4 the history was not written by this library";

/// All that is shown. The fields are a contract: see `JSON.md`.
#[derive(Debug, Serialize)]
struct Shown {
    migrations: Vec<Applied>,
    rollbacks: Vec<TakenBack>,
}

/// A row of the table of rollbacks.
#[derive(Debug, Serialize)]
struct TakenBack {
    id: String,
    rolled_back_at: String,
    rolled_back_by: String,
    success: bool,
    forced: bool,
    reason: Option<String>,
    backup: Option<String>,
    execution_ms: Option<u64>,
    error: Option<String>,
}

impl Online for History {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let status = work.migrator().status(work.config.url.as_str()).await?;
        let mut shown = Shown {
            migrations: status.history.iter().map(applied).collect(),
            rollbacks: match status.history.is_empty() {
                // Everything may have been taken back, or nothing was ever applied.
                true => rollbacks(work).await.unwrap_or_default(),
                false => rollbacks(work).await?,
            },
        };
        if let Some(last) = self.last {
            let from = shown.migrations.len().saturating_sub(last);
            shown.migrations.drain(..from);
            let from = shown.rollbacks.len().saturating_sub(last);
            shown.rollbacks.drain(..from);
        }
        let (style, width) = (work.screen.style(), work.screen.width());
        let text = match self.json {
            true => serde_json::to_string_pretty(&shown).expect("plain data") + "\n",
            false => draw(&shown, self.who, style, width),
        };
        work.screen.print(&text);
        Ok(Exit::Done)
    }
}

async fn rollbacks<DB: Product>(work: &Work<'_, DB>) -> Result<Vec<TakenBack>, Failure> {
    let table = match &work.config.schema {
        Some(schema) => format!(
            "{}.{}",
            DB::quote_name(schema),
            DB::quote_name("__migration_rollbacks__")
        ),
        None => DB::quote_name("__migration_rollbacks__"),
    };
    let namespace = DB::quote_text(work.config.namespace.as_deref().unwrap_or_default());
    let truth = |column: &str| format!("CASE WHEN {column} THEN '1' ELSE '0' END");
    let sql = format!(
        "SELECT id, {}, rolled_back_by, {}, {}, reason, backup, execution_ms, error \
         FROM {table} WHERE namespace = {namespace} ORDER BY rolled_back_at, seq",
        DB::show_time("rolled_back_at"),
        truth("success"),
        truth("forced"),
    );
    let mut connection = work.connect().await?;
    let answer = DB::ask(&mut connection, &sql).await;
    // It has served.
    let _ = connection.close().await;
    let answer =
        answer.map_err(|error| product::refused::<DB>("cannot read the rollbacks", &error))?;
    Ok(answer.into_iter().map(taken_back).collect())
}

fn taken_back(row: Vec<Option<String>>) -> TakenBack {
    let mut values = row.into_iter();
    let mut next = || values.next().flatten();
    TakenBack {
        id: next().unwrap_or_default(),
        rolled_back_at: next().unwrap_or_default(),
        rolled_back_by: next().unwrap_or_default(),
        success: next().as_deref() == Some("1"),
        forced: next().as_deref() == Some("1"),
        reason: next(),
        backup: next(),
        execution_ms: next().and_then(|ms| ms.parse().ok()),
        error: next(),
    }
}

fn draw(shown: &Shown, who: bool, style: Style, width: Option<usize>) -> String {
    if shown.migrations.is_empty() && shown.rollbacks.is_empty() {
        return "nothing was applied yet\n".to_owned();
    }
    let heading = |text: &str| format!("{}\n", paint(style, Dress::Bold, text));
    let mut text = String::new();
    if !shown.migrations.is_empty() {
        text += &heading("Applied");
        text += &match who {
            true => appliers(&shown.migrations, style, width),
            false => rows(&shown.migrations, style, width),
        };
    }
    if !shown.rollbacks.is_empty() {
        text += &heading("Taken back");
        text += &back(&shown.rollbacks, who, style, width);
    }
    text
}

fn appliers(migrations: &[Applied], style: Style, width: Option<usize>) -> String {
    let mut table = Table::indented(2);
    for row in migrations {
        table.row([
            row.state.name().into(),
            row.id.as_str().into(),
            Cell::new(when::written(&row.applied_at), Dress::Dim),
            row.applied_by.as_str().into(),
        ]);
    }
    table.render(style, width)
}

fn back(rollbacks: &[TakenBack], who: bool, style: Style, width: Option<usize>) -> String {
    let mut table = Table::indented(2);
    for row in rollbacks {
        let (dress, word) = match row.success {
            true => (Dress::Yellow, "taken back"),
            false => (Dress::Red, "failed"),
        };
        let forced = if row.forced { "forced" } else { "" };
        let story = match (&row.error, &row.reason) {
            (Some(error), _) => error.as_str(),
            (None, Some(reason)) => reason.as_str(),
            (None, None) => "",
        };
        let story = match who {
            true => row.rolled_back_by.as_str(),
            false => story,
        };
        table.row([
            Cell::new(word, dress),
            row.id.as_str().into(),
            Cell::new(when::written(&row.rolled_back_at), Dress::Dim),
            when::took(row.execution_ms).into(),
            forced.into(),
            story.into(),
        ]);
    }
    table.render(style, width)
}
