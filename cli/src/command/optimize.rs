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
use crate::draft::{self, Down, Draft};
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
        let Found { advice, untold } = found?;
        if self.json {
            let document = json!({ "advice": advice, "untold": untold });
            work.screen.print(&format!("{document:#}\n"));
            return Ok(Exit::Done);
        }
        let text = report(work, &advice, &untold);
        work.screen.print(&text);
        let plan: Vec<&Advice> = advice.iter().filter(|one| one.up.is_some()).collect();
        if self.analyze || plan.is_empty() {
            return Ok(Exit::Done);
        }
        let (draft, foreign) = draft(work, &plan)?;
        work.screen.complain(&foreign);
        let Some(draft) = draft else {
            return Ok(Exit::Done);
        };
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

/// What a look at the database has brought.
#[derive(Debug, Default)]
struct Found {
    advice: Vec<Advice>,
    untold: Vec<Untold>,
}

/// What nobody could look for.
#[derive(Clone, Debug, Serialize)]
struct Untold {
    /// As that of an [`Advice`].
    kind: &'static str,
    /// Why, and what to do about it.
    why: &'static str,
}

async fn look<DB: Product>(connection: &mut DB::Connection) -> Result<Found, Failure> {
    let cannot = |error: sqlx::Error| product::refused::<DB>("cannot look at the database", &error);
    let mut found = Found::default();
    for question in DB::QUESTIONS {
        let told = match question.needs {
            None => true,
            Some(needs) if needs.sql.is_empty() => false,
            Some(needs) => match DB::ask(connection, needs.sql).await {
                Ok(rows) => !rows.is_empty(),
                // What is not installed, or not ours to see.
                Err(error) if error.as_database_error().is_some() => false,
                Err(error) => return Err(cannot(error)),
            },
        };
        let rows = match told {
            true => DB::ask(connection, question.sql).await.map_err(cannot)?,
            false => Vec::new(),
        };
        found.advice.extend(rows.into_iter().filter_map(advice));
        let why = question
            .needs
            .filter(|_| !told)
            .map(|needs| needs.otherwise);
        found.untold.extend(why.map(|why| Untold {
            kind: question.kind,
            why,
        }));
    }
    Ok(found)
}

/// A question to an engine: it answers with kind, object, words, UP and DOWN.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// What is asked for.
    pub(crate) kind: &'static str,
    /// The query.
    pub(crate) sql: &'static str,
    /// What the server must have for it.
    pub(crate) needs: Option<Needs>,
}

/// What not every server has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// A query that answers with a row where it is there; none where it never is.
    pub(crate) sql: &'static str,
    /// What to say where it is not.
    pub(crate) otherwise: &'static str,
}

impl Question {
    /// What every server of the engine can tell.
    pub(crate) const fn new(kind: &'static str, sql: &'static str) -> Question {
        Question {
            kind,
            sql,
            needs: None,
        }
    }

    /// What a server can tell where the query `needs` answers.
    pub(crate) const fn with(
        kind: &'static str,
        sql: &'static str,
        needs: &'static str,
        otherwise: &'static str,
    ) -> Question {
        let needs = Some(Needs {
            sql: needs,
            otherwise,
        });
        Question { kind, sql, needs }
    }

    /// What no server of the engine can tell.
    pub(crate) const fn never(kind: &'static str, why: &'static str) -> Question {
        Question::with(kind, "", "", why)
    }
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

fn report<DB: Product>(work: &Work<'_, DB>, found: &[Advice], untold: &[Untold]) -> String {
    let (style, width) = (work.screen.style(), work.screen.width());
    let mut not_told = Table::indented(2);
    for one in untold {
        not_told.row([Cell::new(one.kind, Dress::Cyan), one.why.into()]);
    }
    let not_told = match untold.is_empty() {
        true => String::new(),
        false => format!(
            "{}\n{}",
            paint(style, Dress::Bold, "Not looked for"),
            not_told.render(style, width)
        ),
    };
    if found.is_empty() {
        return format!("nothing to say about what was looked for\n{not_told}");
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
    let count = counted(found.len(), "thing");
    format!("{text}{not_told}{count} to look at, {can} of them for a migration\n")
}

/// The migration, and what cannot be part of it: the proof knows nothing of what was made by hand.
fn draft<DB: Product>(
    work: &Work<'_, DB>,
    plan: &[&Advice],
) -> Result<(Option<Draft>, Vec<Diagnostic>), Failure> {
    let folder = std::path::Path::new(&work.config.shown_as);
    if !folder.is_dir() {
        return Err(Failure::failed(no_folder()));
    }
    let (dialect, options) = (work.config.dialect, &work.config.options);
    let loaded = dir::load(folder, &work.config.shown_as, dialect, Layout::Annotated);
    let now = Timestamp::now();
    let written = |plan: &[&Advice]| {
        let script = |statements: &mut dyn Iterator<Item = &str>| -> String {
            statements
                .map(|statement| format!("{statement};\n"))
                .collect()
        };
        let up = script(&mut plan.iter().filter_map(|one| one.up.as_deref()));
        // What was done last is undone first.
        let down = script(&mut plan.iter().rev().filter_map(|one| one.down.as_deref()));
        Draft {
            id: next_id("optimize", None, options, &loaded, now),
            name: "Optimize".to_owned(),
            description: "Indexes that are missing, and indexes that are there twice.".to_owned(),
            timestamp: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            is_outside_transaction: up.contains(" CONCURRENTLY "),
            up,
            down: Down::Given(down),
            rollback_safe: true,
            impact: Some("medium"),
            ..Draft::default()
        }
    };
    let judged = |draft: &Draft| {
        let mut drafts = [draft.clone()];
        let before = &loaded.set.migrations;
        let judged = draft::complete(before, &mut drafts, dialect, options);
        let errors = judged.into_values().flat_map(|one| one.errors).next();
        let [draft] = drafts;
        (draft, errors)
    };
    let mut known = Vec::new();
    let mut foreign = Vec::new();
    for one in plan {
        match judged(&written(&[one])).1 {
            None => known.push(*one),
            Some(error) => foreign.push(by_hand(one, &error)),
        }
    }
    let draft = (!known.is_empty()).then(|| judged(&written(&known)).0);
    Ok((draft, foreign))
}

fn by_hand(one: &Advice, error: &Diagnostic) -> Diagnostic {
    let statement = one.up.as_deref().unwrap_or_default();
    let message = format!("`{}` is not in the migration", one.object);
    Diagnostic::warn("optimize-unknown", message)
        .why(format!(
            "The migrations do not make what it is about, so it would not compile: {}.",
            error.message
        ))
        .help(format!(
            "Write a migration for what was made by hand, or do it by hand too:\n{statement};"
        ))
}

fn no_folder() -> Diagnostic {
    Diagnostic::error(
        "folder-missing",
        "there is no folder to write the migration into",
    )
    .help("Call it where the project is, or only report:\nbackstitch optimize --analyze")
}
