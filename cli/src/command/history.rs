//! `backstitch history`: what was applied and what was taken back, by whom and when.

use backstitch::{Repaired, Rollback};
use backstitch_core::render::Style;
use clap::Args;
use serde::Serialize;

use crate::command::status::{Applied, applied, rows};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::paint::{Cell, Dress, Table, paint};
use crate::product::Product;
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
  backstitch history --json | jq '.rollbacks[] | select(.error)'

Exit codes:
  0 shown   1 the database does not answer   4 the history was not written by this library";

/// All that is shown. The fields are a contract: see `JSON.md`.
#[derive(Debug, Serialize)]
struct Shown {
    migrations: Vec<Applied>,
    rollbacks: Vec<Rollback>,
    repairs: Vec<Repaired>,
}

impl Online for History {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let history = work.migrator().history(work.config.url.as_str()).await?;
        let mut shown = Shown {
            migrations: history.rows.iter().map(applied).collect(),
            rollbacks: history.rollbacks,
            repairs: history.repairs,
        };
        if let Some(last) = self.last {
            let from = shown.migrations.len().saturating_sub(last);
            shown.migrations.drain(..from);
            let from = shown.rollbacks.len().saturating_sub(last);
            shown.rollbacks.drain(..from);
            let from = shown.repairs.len().saturating_sub(last);
            shown.repairs.drain(..from);
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

fn draw(shown: &Shown, who: bool, style: Style, width: Option<usize>) -> String {
    let is_empty = shown.migrations.is_empty() && shown.rollbacks.is_empty();
    if is_empty && shown.repairs.is_empty() {
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
    if !shown.repairs.is_empty() {
        text += &heading("Put right by hand");
        text += &repaired(&shown.repairs, who, style, width);
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

fn back(rollbacks: &[Rollback], who: bool, style: Style, width: Option<usize>) -> String {
    let mut table = Table::indented(2);
    for row in rollbacks {
        let (dress, word) = match row.error.is_none() {
            true => (Dress::Yellow, "taken back"),
            false => (Dress::Red, "failed"),
        };
        let forced = if row.forced { "forced" } else { "" };
        let told = [&row.error, &row.reason].into_iter().flatten();
        let mut told: Vec<&str> = told.map(String::as_str).collect();
        let kept = row.backup.as_ref().map(|name| format!("backup {name}"));
        told.extend(kept.as_deref());
        let story = told.join("; ");
        let story = match who {
            true => row.rolled_back_by.clone(),
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

fn repaired(repairs: &[Repaired], who: bool, style: Style, width: Option<usize>) -> String {
    let mut table = Table::indented(2);
    for row in repairs {
        let story = match who {
            true => row.repaired_by.as_str(),
            false => row.reason.as_str(),
        };
        table.row([
            Cell::new(row.action.as_str(), Dress::Cyan),
            row.id.as_str().into(),
            Cell::new(when::written(&row.repaired_at), Dress::Dim),
            story.into(),
        ]);
    }
    table.render(style, width)
}
