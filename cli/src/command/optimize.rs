//! `backstitch optimize`: what makes a database slow without need, and the migration that puts right
//! what can be put right by one.
//!
//! Each engine is asked by the queries of a file below this one. All answer alike: what is wrong,
//! with what, in words, and the statements that change it and change it back, where there are.

use std::collections::BTreeMap;

use backstitch_core::Diagnostic;
use backstitch_core::dir::{self, Layout};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use sqlx::Connection;

use crate::command::new::{next_id, unwritable};
use crate::draft::{Down, Draft};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::paint::{Cell, Dress, Table, counted, paint};
use crate::product::{self, Product};
use crate::target::Target;

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;

/// The arguments of `optimize`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Optimize {
    #[command(flatten)]
    target: Target,
    /// Only report; write nothing
    #[arg(long)]
    analyze: bool,
    /// Show the migration, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// For programs: see JSON.md of this crate
    #[arg(long, conflicts_with = "dry_run")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch optimize --analyze     what there is to say about this database
  backstitch optimize --dry-run     the migration that would be written
  backstitch optimize               writes it: read it, then `backstitch up`

Nothing is changed in the database: what can be changed becomes a migration, with its way back.
Exit codes:
  0 reported, or written   1 failed";

/// One thing that could be better.
#[derive(Clone, Debug, Serialize)]
struct Advice {
    /// `foreign-key-without-index`, `duplicate-index`, …
    kind: String,
    /// The table, the index or the statement.
    object: String,
    /// In words.
    about: String,
    /// What changes it.
    up: Option<String>,
    /// What changes it back.
    down: Option<String>,
}

impl Online for Optimize {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let mut connection = work.connect().await?;
        let found = look::<DB>(&mut connection).await;
        // It has served.
        let _ = connection.close().await;
        let found = found?;
        if self.json {
            work.screen
                .print(&format!("{:#}\n", json!({ "advice": found })));
            return Ok(Exit::Done);
        }
        let text = report(work, &found);
        work.screen.print(&text);
        let plan: Vec<&Advice> = found.iter().filter(|one| one.up.is_some()).collect();
        if self.analyze || plan.is_empty() {
            return Ok(Exit::Done);
        }
        let draft = draft(work, &plan)?;
        if self.dry_run {
            work.screen.print(&format!("\n{}", draft.text()));
            return Ok(Exit::Done);
        }
        let shown = format!("{}/{}.sql", work.config.shown_as, draft.id);
        let written = std::fs::write(&shown, draft.text());
        written.map_err(|error| unwritable(&shown, &error))?;
        work.screen
            .print(&format!("\nwrote {shown}: read it, then `backstitch up`\n"));
        Ok(Exit::Done)
    }
}

async fn look<DB: Product>(connection: &mut DB::Connection) -> Result<Vec<Advice>, Failure> {
    let mut all = Vec::new();
    for question in DB::QUESTIONS {
        match DB::ask(connection, question.sql).await {
            Ok(rows) => all.extend(rows.into_iter().filter_map(advice)),
            // What is not installed, or not ours to see.
            Err(error) if question.is_optional && error.as_database_error().is_some() => {}
            Err(error) => {
                return Err(product::refused::<DB>(
                    "cannot look at the database",
                    &error,
                ));
            }
        }
    }
    Ok(all)
}

/// A question to an engine: it answers with kind, object, words, UP and DOWN.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The query.
    pub(crate) sql: &'static str,
    /// Whether the server may not know what is asked for.
    pub(crate) is_optional: bool,
}

fn advice(row: Vec<Option<String>>) -> Option<Advice> {
    let [kind, object, about, up, down] = <[_; 5]>::try_from(row).ok()?;
    Some(Advice {
        kind: kind?,
        object: object?,
        about: about.unwrap_or_default(),
        up,
        down,
    })
}

fn report<DB: Product>(work: &Work<'_, DB>, found: &[Advice]) -> String {
    let (style, width) = (work.screen.style(), work.screen.width());
    if found.is_empty() {
        return "nothing to say: no index is missing or double, every table has a key\n".to_owned();
    }
    let mut kinds: BTreeMap<&str, Vec<&Advice>> = BTreeMap::new();
    for one in found {
        kinds.entry(&one.kind).or_default().push(one);
    }
    let mut text = String::new();
    for (kind, all) in kinds {
        text += &format!("{}\n", paint(style, Dress::Bold, kind));
        let mut table = Table::indented(2);
        for one in all {
            table.row([
                Cell::new(one.object.as_str(), Dress::Cyan),
                one.about.as_str().into(),
            ]);
        }
        text += &table.render(style, width);
    }
    let can = found.iter().filter(|one| one.up.is_some()).count();
    text + &format!(
        "{} to look at, {can} of them for a migration\n",
        counted(found.len(), "thing")
    )
}

fn draft<DB: Product>(work: &Work<'_, DB>, plan: &[&Advice]) -> Result<Draft, Failure> {
    let folder = std::path::Path::new(&work.config.shown_as);
    if !folder.is_dir() {
        return Err(Failure::failed(no_folder()));
    }
    let loaded = dir::load(
        folder,
        &work.config.shown_as,
        work.config.dialect,
        Layout::Annotated,
    );
    let now = Timestamp::now();
    let script = |statements: &mut dyn Iterator<Item = &str>| -> String {
        statements
            .map(|statement| format!("{statement};\n"))
            .collect()
    };
    let up = script(&mut plan.iter().filter_map(|one| one.up.as_deref()));
    // What was done last is undone first.
    let down = script(&mut plan.iter().rev().filter_map(|one| one.down.as_deref()));
    Ok(Draft {
        id: next_id("optimize", None, &work.config.options, &loaded, now),
        name: "Optimize".to_owned(),
        description: "Indexes that are missing, and indexes that are there twice.".to_owned(),
        timestamp: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        is_outside_transaction: up.contains(" CONCURRENTLY "),
        up,
        down: Down::Given(down),
        rollback_safe: true,
        impact: Some("medium"),
        ..Draft::default()
    })
}

fn no_folder() -> Diagnostic {
    Diagnostic::error(
        "folder-missing",
        "there is no folder to write the migration into",
    )
    .help("Call it where the project is, or only report:\nbackstitch optimize --analyze")
}
