//! `backstitch seed` and `backstitch reset`: rows to work with, and a fresh start.
//!
//! Seeds are recorded like migrations, under a namespace of their own: the same lock, the same
//! transactions, the same errors.

use std::path::Path;

use backstitch::{Migrations, OtherTool, OutOfOrder, Repair, Unknown};
use backstitch_core::dir::{self, Layout};
use backstitch_core::{Diagnostic, Severity};
use clap::Args;
use sqlx::Connection;

use crate::ask::Asked;
use crate::command::{backup, up};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::outcome::Told;
use crate::product::{self, Product};
use crate::progress::{Progress, Telling};
use crate::project;
use crate::target::{Target, Turn};

/// The folder where nothing else is said.
const DEFAULT_FOLDER: &str = "seeds";

/// The arguments of `seed`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Seed {
    #[command(flatten)]
    target: Target,
    /// Run all of them, those that have run before too
    #[arg(long)]
    again: bool,
    /// Do not ask, in production either
    #[arg(short, long)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch seed            what is new or has changed in seeds/
  backstitch seed --again    everything once more

A seed is plain SQL, `seeds/0001_countries.sql`. It runs once, and again when its text has changed, so
write it in such a way that a second run does no harm (INSERT ... ON CONFLICT DO NOTHING).
Exit codes:
  0 done   1 refused or failed";

/// The arguments of `reset`.
#[derive(Clone, Debug, Args)]
#[command(after_help = RESET)]
pub struct Reset {
    #[command(flatten)]
    target: Target,
    /// Do not run the seeds
    #[arg(long)]
    without_seeds: bool,
    /// Do not copy the database first: what is dropped is gone
    #[arg(long)]
    without_backup: bool,
    #[command(flatten)]
    turn: Turn,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

const RESET: &str = "\
Examples:
  backstitch reset                           asks, drops everything, applies all, runs the seeds
  backstitch reset --yes                     without a question
  backstitch reset --yes --without-backup    nor a copy of what is dropped, for tests

What is dropped is copied first, see `backstitch backup list`; `backstitch backup restore latest`
brings it back. Never in production: neither `--yes` nor anything else changes that.
Exit codes:
  0 done   1 refused or failed";

impl Online for Seed {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let (dir, shown) = folder(work);
        if !dir.is_dir() {
            return Err(Failure::failed(no_seeds(&shown)));
        }
        let what = format!("Run the seeds of {shown}");
        work.confirm(Asked::InProduction, &what, self.yes)?;
        seed(work, &dir, &shown, self.again).await
    }
}

impl Online for Reset {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        if work.config.is_production() {
            return Err(Failure::failed(never_in_production()));
        }
        let place = work.place()?;
        let host = place
            .host
            .map(|host| format!(" on {host}"))
            .unwrap_or_default();
        let what = format!("Drop everything in {}{host}", place.database);
        work.confirm(Asked::Always, &what, self.yes)?;
        if !self.without_backup {
            DB::ready_to_dump().map_err(|missing| Failure::failed(without_copy(*missing)))?;
        }
        let (migrator, config) = (work.migrator(), work.config);
        let screen = &mut *work.screen;
        let news = Progress::words(screen);
        let dropping = async {
            let safety = match self.without_backup {
                true => None,
                false => {
                    let reason = "before everything was dropped by reset".to_owned();
                    Some(backup::keep::<DB>(config, reason, screen).await?)
                }
            };
            wipe::<DB>(config).await.map_err(|failure| match safety {
                Some(safety) => failure.map(|one| backup::put_back(one, &safety)),
                None => failure,
            })
        };
        self.turn.alone(migrator, config, &news, dropping).await?;
        work.screen
            .print(&format!("dropped everything in {}\n", place.database));
        let ids: Vec<String> = work.migrations.iter().map(|one| one.id.clone()).collect();
        let told = Told {
            ids: &ids,
            down: false,
            json: false,
        };
        let migrator = self.turn.apply(work.migrator());
        up::apply(work, migrator, Telling::Migrations, told).await?;
        let (dir, shown) = folder(work);
        match self.without_seeds || !dir.is_dir() {
            true => Ok(Exit::Done),
            false => seed(work, &dir, &shown, false).await,
        }
    }
}

/// Drops everything, on a connection of its own.
async fn wipe<DB: Product>(config: &Config) -> Result<(), Failure> {
    let mut connection = product::connect::<DB>(&config.url).await?;
    let wiped = DB::wipe(&mut connection).await;
    // It has served.
    let _ = connection.close().await;
    wiped.map_err(|error| product::refused::<DB>("cannot drop everything", &error))
}

fn folder<DB: Product>(work: &Work<'_, DB>) -> (std::path::PathBuf, String) {
    let dir = work
        .config
        .options
        .seeds
        .as_deref()
        .unwrap_or(DEFAULT_FOLDER);
    let dir = work.config.base.join(dir);
    let here = project::here().unwrap_or_default();
    let shown = project::shown(&dir, &here);
    (dir, shown)
}

/// Runs what is new or has changed.
async fn seed<DB: Product>(
    work: &mut Work<'_, DB>,
    dir: &Path,
    shown: &str,
    again: bool,
) -> Result<Exit, Failure> {
    let loaded = dir::load(dir, shown, work.config.dialect, Layout::Sqlx);
    let is_error = |one: &Diagnostic| one.severity == Severity::Error;
    if loaded.diagnostics.iter().any(is_error) {
        return Err(Failure {
            diagnostics: loaded.diagnostics,
            exit: Exit::Failed,
        });
    }
    let seeds = Migrations::<DB>::from_set(loaded.set);
    let namespace = match &work.config.namespace {
        Some(namespace) => format!("{namespace}/seeds"),
        None => "seeds".to_owned(),
    };
    let mut migrator = seeds
        .migrator()
        .namespace(namespace)
        .out_of_order(OutOfOrder::Allow)
        .unknown(Unknown::Allow)
        // What other tools have applied are migrations.
        .other_tool(OtherTool::Allow)
        .reason("the seed is to run again");
    if let Some(schema) = &work.config.schema {
        migrator = migrator.schema(schema);
    }
    let url = work.config.url.as_str();
    let status = migrator.status(url).await?;
    for row in &status.history {
        let is_due = |seed: &backstitch_core::Migration| again || seed.checksum != row.checksum;
        if seeds.set().get(&row.id).is_some_and(is_due) {
            migrator
                .repair(url, Repair::MarkNotApplied(&row.id))
                .await?;
        }
    }
    let plan = migrator.plan(url).await?;
    let ids: Vec<String> = plan.steps.into_iter().map(|step| step.id).collect();
    let told = Told {
        ids: &ids,
        down: false,
        json: false,
    };
    up::apply(work, migrator, Telling::Migrations, told).await
}

fn no_seeds(shown: &str) -> Diagnostic {
    Diagnostic::error("seeds-missing", format!("there is no folder `{shown}`"))
        .why("Seeds are files such as `seeds/0001_countries.sql`.")
        .help("Make it, or name another one in backstitch.toml:\nseeds = \"db/seeds\"")
}

fn without_copy(missing: Diagnostic) -> Diagnostic {
    let help = format!(
        "{}\nor drop everything without a copy:\nbackstitch reset --without-backup",
        missing.help
    );
    missing.help(help)
}

fn never_in_production() -> Diagnostic {
    Diagnostic::error("production", "this is a production database")
        .why("Everything in it would be gone.")
        .help("There is no option for this. To undo migrations:\nbackstitch rollback")
}
