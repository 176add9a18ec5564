//! `backstitch rollback`: takes migrations back, by the way back that the database holds.

use backstitch::{Down, Level, Migrator, Plan, Risk, Row};
use backstitch_core::Diagnostic;
use clap::Args;

use crate::ask::Asked;
use crate::command::backup::policy;
use crate::course::Line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::outcome::{self, Told};
use crate::paint::{Cell, Dress, Table, counted, paint};
use crate::product::Product;
use crate::progress::{Progress, Telling};
use crate::target::{Patience, Target};

/// The arguments of `rollback`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES, visible_alias = "down")]
pub struct Rollback {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    patience: Patience,
    /// Take back what loses data, too
    #[arg(short, long)]
    force: bool,
    /// Copy the whole database first; see `backstitch backup`
    #[arg(long)]
    backup: bool,
    /// Why; recorded with the rollback
    #[arg(short, long, value_name = "WHY")]
    reason: Option<String>,
    /// Show what would be taken back, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask, in production either
    #[arg(short, long)]
    yes: bool,
    /// A line for each statement
    #[arg(short, long)]
    verbose: bool,
    /// For programs: see JSON.md of this crate
    #[arg(long, conflicts_with = "verbose")]
    json: bool,
}

/// How far back.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
struct Reach {
    /// So many of the newest migrations [default: 1]
    #[arg(short = 'n', long, value_name = "N")]
    steps: Option<usize>,
    /// All that are newer than this one, by its id or its version; it stays
    #[arg(long = "target", value_name = "ID")]
    to: Option<String>,
    /// All that the newest run applied
    #[arg(long)]
    run: bool,
    /// Everything
    #[arg(long)]
    all: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch rollback                                   the newest migration
  backstitch rollback --steps 3 --dry-run               what three steps back would be
  backstitch rollback --target 0007                     back to version 7, which stays
  backstitch rollback --run --reason \"orders were lost\"  what the last release applied
  backstitch rollback --force --backup                  although it loses data, with a copy first

The DOWN that runs is the one that the database holds, so a program that does not know a migration
can take it back too. Every rollback is recorded: `backstitch history` shows it.

Exit codes:
  0 taken back   1 refused or failed   4 the history was tampered with";

impl Online for Rollback {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let url = work.config.url.as_str();
        let history = work.migrator().status(url).await?.history;
        let down = self.reach.down(&history);
        let mut migrator = self.patience.apply(work.migrator());
        if let Some(reason) = &self.reason {
            migrator = migrator.reason(reason);
        }
        // What would go is shown in any case, what speaks against it comes after.
        let all = migrator.clone().force().plan_down(url, down.clone()).await;
        let all = match all {
            Ok(all) => all,
            Err(error) => return Err(error.into()),
        };
        let ids: Vec<String> = all.steps.iter().map(|step| step.id.clone()).collect();
        let risk = migrator.risk(url, down.clone()).await?;
        let shown = show(work, &all, &risk);
        if self.force {
            migrator = migrator.force();
        }
        let allowed = match migrator.plan_down(url, down.clone()).await {
            Ok(_) if !self.force && risk.level() > Level::Low => Err(needs_force(&risk)),
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if self.dry_run {
            work.screen.print(&shown);
            return allowed.map(|()| Exit::Done);
        }
        if !self.json {
            work.screen.say(&shown);
        }
        allowed?;
        if ids.is_empty() {
            return Ok(Exit::Done);
        }
        if self.backup || policy::before_down(work.config, risk.level()) {
            migrator = migrator.backup(policy::hook::<DB>(work.config));
        }
        let what = format!("Take back {}", counted(ids.len(), "migration"));
        work.confirm(Asked::AtTerminal, &what, self.yes)?;
        let telling = match (self.json, self.verbose) {
            (true, _) => Telling::Nothing,
            (false, true) => Telling::Statements,
            (false, false) => Telling::Migrations,
        };
        let told = Told {
            ids: &ids,
            down: true,
            json: self.json,
        };
        revert(work, migrator, down, telling, told).await
    }
}

impl Reach {
    fn down(&self, history: &[Row]) -> Down {
        if self.all {
            return Down::All;
        }
        if self.run {
            return Down::Run;
        }
        match &self.to {
            Some(to) => {
                let version = to.parse::<u64>().ok();
                let row = history.iter().find(|row| Some(row.version) == version);
                Down::To(row.map_or_else(|| to.clone(), |row| row.id.clone()))
            }
            None => Down::Steps(self.steps.unwrap_or(1)),
        }
    }
}

/// Takes back, watched.
///
/// # Errors
/// When it fails, or is interrupted.
pub(crate) async fn revert<DB: Product>(
    work: &mut Work<'_, DB>,
    migrator: Migrator<'_, DB>,
    down: Down,
    telling: Telling,
    told: Told<'_>,
) -> Result<Exit, Failure> {
    work.screen.flush();
    let progress = Progress::new(work.screen, telling);
    let seen = progress.clone();
    let migrator = migrator.observer(move |event: backstitch::Event<'_>| seen.see(event));
    let line = Line::<DB>::new(&work.config.url)?;
    let ending = line
        .follow(work, &progress, migrator.down(&line.pool, down))
        .await;
    outcome::tell(work, ending, told).await
}

/// What would be taken back, and what that loses.
pub(crate) fn show<DB: Product>(work: &Work<'_, DB>, plan: &Plan, risk: &Risk) -> String {
    if plan.is_empty() {
        return "nothing to take back\n".to_owned();
    }
    let (style, width) = (work.screen.style(), work.screen.width());
    let mut table = Table::indented(2);
    for step in &plan.steps {
        let judged = risk.steps.iter().find(|one| one.id == step.id);
        let level = judged.map_or(Level::High, |one| one.level());
        let dress = match level {
            Level::Low => Dress::Plain,
            Level::Medium => Dress::Yellow,
            Level::High => Dress::Red,
        };
        let reasons = judged.map(|one| one.reasons.as_slice()).unwrap_or_default();
        let reasons: Vec<String> = reasons
            .iter()
            .filter(|reason| reason.level == level)
            .map(|reason| reason.what.clone())
            .collect();
        let text = match reasons.is_empty() {
            true => format!("{level} risk: loses nothing"),
            false => format!("{level} risk: {}", reasons.join("; ")),
        };
        table.row([step.id.as_str().into(), Cell::new(text, dress)]);
    }
    let heading = paint(style, Dress::Bold, "To take back, the newest first");
    format!("{heading}\n{}", table.render(style, width))
}

fn needs_force(risk: &Risk) -> Failure {
    let above: Vec<&str> = risk
        .steps
        .iter()
        .filter(|step| step.level() > Level::Low)
        .map(|step| step.id.as_str())
        .collect();
    let verb = match risk.level() {
        Level::High => "loses data",
        Level::Medium | Level::Low => "may lose data",
    };
    let message = format!("taking back `{}` {verb}", above.join("`, `"));
    Failure::failed(
        Diagnostic::error("rollback-needs-force", message).help(
            "Say that it may be lost, and keep a copy:\nbackstitch rollback --force --backup",
        ),
    )
}
