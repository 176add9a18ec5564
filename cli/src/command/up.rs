//! `backstitch up`: applies what is pending.

use backstitch::{Migrator, Mode};
use clap::Args;

use crate::ask::Asked;
use crate::command::backup::policy;
use crate::command::plan;
use crate::course::Line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::outcome::{self, Told};
use crate::paint::counted;
use crate::product::Product;
use crate::progress::{Progress, Telling};
use crate::scope::Scope;
use crate::target::{Patience, Target};

/// The arguments of `up`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Up {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    patience: Patience,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Run for real in one transaction, measure, and take everything back
    #[arg(long, conflicts_with_all = ["dry_run", "all_or_nothing", "json"])]
    rehearse: bool,
    /// Copy the whole database first; see `backstitch backup`
    #[arg(long)]
    backup: bool,
    /// All pending migrations in one transaction: all of them or none
    #[arg(long)]
    all_or_nothing: bool,
    /// Do not ask, in production either
    #[arg(short, long)]
    yes: bool,
    /// Who it was, for the history; without it: host, process and program
    #[arg(long, value_name = "WHO")]
    applied_by: Option<String>,
    /// A line for each statement
    #[arg(short, long)]
    verbose: bool,
    /// For programs: see JSON.md of this crate
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch up                          everything that is pending
  backstitch up --dry-run                what that would be
  backstitch up --rehearse               how long it takes on the real data, and whom it blocks
  backstitch up --backup                 a copy of the database first
  backstitch up --target 0007            no further than version 7
  backstitch up --phase expand           what the old release can live with
  backstitch up --all-or-nothing         one transaction (not where the engine commits DDL)
  BACKSTITCH_ENV=production backstitch up --yes --lock-wait 10min    in a deployment

Ctrl-C stops it: the migration at work is taken back where the engine can, what was applied before
stays, and how it stands is told.

Exit codes:
  0 applied, or nothing to do   1 refused or failed   4 drift: nothing was run";

impl Online for Up {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let migrator = self.patience.apply(work.migrator());
        let migrator = self.scope.reach(work, migrator).await?;
        let plan = migrator.plan(work.config.url.as_str()).await?;
        if self.dry_run {
            let text = plan::show(work, &plan, false);
            work.screen.print(&text);
            return Ok(Exit::Done);
        }
        let ids: Vec<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
        if self.rehearse {
            return rehearse(work, &migrator, ids.len(), self.yes).await;
        }
        if !ids.is_empty() && work.config.is_production() && !self.yes {
            let text = plan::show(work, &plan, false);
            work.screen.say(&text);
        }
        if !ids.is_empty() {
            let what = format!("Apply {}", counted(ids.len(), "migration"));
            work.confirm(Asked::InProduction, &what, self.yes)?;
        }
        let telling = match (self.json, self.verbose) {
            (true, _) => Telling::Nothing,
            (false, true) => Telling::Statements,
            (false, false) => Telling::Migrations,
        };
        let mut migrator = self.set(migrator);
        if self.backup || policy::before_up(work, &ids) {
            work.screen.say("a copy of the database is made first\n");
            migrator = migrator.backup_before_up(policy::hook::<DB>(work.config));
        }
        let told = Told {
            ids: &ids,
            down: false,
            json: self.json,
        };
        apply(work, migrator, telling, told).await
    }
}

impl Up {
    fn set<'m, DB: Product>(&self, mut migrator: Migrator<'m, DB>) -> Migrator<'m, DB> {
        if self.all_or_nothing {
            migrator = migrator.mode(Mode::All);
        }
        if let Some(who) = &self.applied_by {
            migrator = migrator.applied_by(who);
        }
        migrator
    }
}

/// Runs for real, and takes everything back.
async fn rehearse<DB: Product>(
    work: &mut Work<'_, DB>,
    migrator: &Migrator<'_, DB>,
    count: usize,
    yes: bool,
) -> Result<Exit, Failure> {
    let what = format!(
        "Rehearse {}: its locks are real, and others wait for them",
        counted(count, "migration")
    );
    work.confirm(Asked::InProduction, &what, yes)?;
    let rehearsal = migrator.rehearse(work.config.url.as_str()).await?;
    work.screen.print(&format!("{rehearsal}\n"));
    Ok(Exit::Done)
}

/// Applies, watched.
///
/// # Errors
/// When it fails, or is interrupted.
pub(crate) async fn apply<DB: Product>(
    work: &mut Work<'_, DB>,
    migrator: Migrator<'_, DB>,
    telling: Telling,
    told: Told<'_>,
) -> Result<Exit, Failure> {
    work.screen.flush();
    let progress = Progress::new(work.screen, telling);
    let seen = progress.clone();
    let migrator = migrator.observer(move |event: backstitch::Event<'_>| seen.see(event));
    let line = Line::<DB>::new(&work.config.url)?;
    let ending = line.follow(work, &progress, migrator.up(&line.pool)).await;
    outcome::tell(work, ending, told).await
}

impl Patience {
    /// As patient as the call says.
    pub(crate) fn apply<'m, DB: Product>(
        &self,
        mut migrator: Migrator<'m, DB>,
    ) -> Migrator<'m, DB> {
        let or_none = |time: std::time::Duration| (!time.is_zero()).then_some(time);
        migrator = self.turn.apply(migrator);
        if let Some(limit) = self.lock_timeout {
            migrator = migrator.lock_timeout(or_none(limit));
        }
        if let Some(limit) = self.statement_timeout {
            migrator = migrator.statement_timeout(or_none(limit));
        }
        if let Some(retries) = self.retries {
            migrator = migrator.retries(retries);
        }
        migrator
    }
}
