//! `backstitch redo`: takes the newest migrations back and applies them again.

use backstitch::Down;
use clap::Args;

use crate::ask::Asked;
use crate::command::rollback;
use crate::command::up;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::outcome::Told;
use crate::paint::counted;
use crate::product::Product;
use crate::progress::Telling;
use crate::target::{Patience, Target};

/// The arguments of `redo`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Redo {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    patience: Patience,
    /// So many of the newest migrations
    #[arg(short = 'n', long, value_name = "N", default_value_t = 1)]
    steps: usize,
    /// Take back what loses data, too
    #[arg(short, long)]
    force: bool,
    /// Do not ask, in production either
    #[arg(short, long)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch redo             the newest migration, while you are writing it
  backstitch redo --steps 2   the newest two

The DOWN that runs is the one that was stored when it was applied, the UP the one in the file now.
Exit codes:
  0 done   1 refused or failed   4 drift";

impl Online for Redo {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let url = work.config.url.as_str();
        let down = Down::Steps(self.steps);
        let mut migrator = self.patience.apply(work.migrator());
        if self.force {
            migrator = migrator.force();
        }
        let plan = migrator.plan_down(url, down.clone()).await?;
        let risk = migrator.risk(url, down.clone()).await?;
        let shown = rollback::show(work, &plan, &risk);
        work.screen.say(&shown);
        let mut ids: Vec<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
        let Some(newest) = ids.first().cloned() else {
            return Ok(Exit::Done);
        };
        // What cannot be applied again is not taken back in the first place.
        let upwards = self.patience.apply(work.migrator()).target(&newest)?;
        let what = format!(
            "Take back {} and apply it again",
            counted(ids.len(), "migration")
        );
        work.confirm(Asked::InProduction, &what, self.yes)?;
        let migrator = migrator.reason("redo");
        let told = Told {
            ids: &ids,
            down: true,
            json: false,
        };
        rollback::revert(work, migrator, down, Telling::Migrations, told).await?;
        ids.reverse();
        let told = Told {
            ids: &ids,
            down: false,
            json: false,
        };
        up::apply(work, upwards, Telling::Migrations, told).await
    }
}
