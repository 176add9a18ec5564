//! `backstitch repair` and `backstitch baseline`: putting the history right. Nothing of a migration
//! is run.

use backstitch::{Repair as Repairing, State};
use clap::{Args, Subcommand};

use crate::ask::Asked;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::paint::counted;
use crate::product::Product;
use crate::scope::id_of;
use crate::target::Target;

/// The arguments of `repair`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Repair {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    what: What,
    /// Why; recorded with the repair
    #[arg(short, long, value_name = "WHY", global = true)]
    reason: Option<String>,
    /// Do not ask, in production either
    #[arg(short, long, global = true)]
    yes: bool,
}

/// What is to be put right.
#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Everything that the migration does is in effect: it becomes applied
    #[command(after_help = EXAMPLES)]
    Applied {
        /// Its id or its version
        id: String,
    },
    /// Nothing that the migration does is in effect: it becomes pending
    #[command(after_help = EXAMPLES)]
    NotApplied {
        /// Its id or its version
        id: String,
    },
    /// It stopped half-way, and exactly so many statements are in effect: the next run goes on
    #[command(after_help = EXAMPLES)]
    Resume {
        /// Its id or its version
        id: String,
        /// How many statements
        #[arg(long, value_name = "N")]
        done: usize,
    },
    /// The text of the file stands for the one that was applied
    #[command(after_help = EXAMPLES)]
    Checksum {
        /// Its id or its version
        id: String,
    },
    /// The way back of the file replaces the stored one
    #[command(after_help = EXAMPLES)]
    WayBack {
        /// Its id or its version
        id: String,
    },
}

const EXAMPLES: &str = "\
Examples:
  backstitch repair applied 0007 --reason \"the column was added by hand on Monday\"
  backstitch repair not-applied 0007 --reason \"restored from a copy without it\"
  backstitch repair resume 0007 --done 2 --reason \"looked at the table: two are in effect\"
  backstitch repair checksum 0007 --reason \"a typo in a comment of a function\"
  backstitch repair way-back 0007 --reason \"the old DOWN was wrong\"

Look first: backstitch status. Every repair is recorded. Exit codes:
  0 put right   1 refused";

/// The arguments of `baseline`.
#[derive(Clone, Debug, Args)]
#[command(after_help = BASELINE)]
pub struct Baseline {
    #[command(flatten)]
    target: Target,
    /// The newest migration whose changes the database has already, by its id or its version
    #[arg(value_name = "ID")]
    upto: String,
    /// Why; recorded
    #[arg(short, long, value_name = "WHY", default_value = "baseline")]
    reason: String,
    /// Do not ask, in production either
    #[arg(short, long)]
    yes: bool,
}

const BASELINE: &str = "\
Examples:
  backstitch baseline 0007    the database has everything up to version 7 already

For a database that was made by hand, or by a tool whose history is gone. Nothing is run. Look
afterwards whether it is true:
  backstitch verify
Exit codes:
  0 recorded   1 refused";

impl What {
    fn called(&self) -> &str {
        match self {
            What::Applied { id }
            | What::NotApplied { id }
            | What::Resume { id, .. }
            | What::Checksum { id }
            | What::WayBack { id } => id,
        }
    }

    fn repairing<'i>(&self, id: &'i str) -> Repairing<'i> {
        match self {
            What::Applied { .. } => Repairing::MarkApplied(id),
            What::NotApplied { .. } => Repairing::MarkNotApplied(id),
            What::Resume { done, .. } => Repairing::Resume { id, done: *done },
            What::Checksum { .. } => Repairing::Checksum(id),
            What::WayBack { .. } => Repairing::WayBack(id),
        }
    }
}

impl Online for Repair {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let url = work.config.url.as_str();
        let called = self.what.called();
        // What only the history knows goes by its id.
        let id = id_of(work.migrations.set(), called).unwrap_or_else(|_| called.to_owned());
        let repairing = self.what.repairing(&id);
        let mut migrator = work.migrator();
        if let Some(reason) = &self.reason {
            migrator = migrator.reason(reason);
        }
        let what = format!("Record `{}` for {id}", repairing.name());
        work.confirm(Asked::InProduction, &what, self.yes)?;
        let name = repairing.name();
        migrator.repair(url, repairing).await?;
        work.screen.print(&format!("recorded: {name} {id}\n"));
        Ok(Exit::Done)
    }
}

impl Online for Baseline {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let url = work.config.url.as_str();
        let set = work.migrations.set();
        let upto = id_of(set, &self.upto)?;
        let status = work.migrator().status(url).await?;
        let is_applied = |row: &backstitch::Row| row.state == State::Applied;
        let is_there = |id: &String| {
            let mut rows = status.history.iter();
            rows.any(|row| row.id == *id && is_applied(row))
        };
        let last = set.get(&upto).map_or(0, |migration| migration.version);
        let ids = set
            .migrations
            .iter()
            .filter(|migration| migration.version <= last);
        let ids: Vec<String> = ids
            .map(|one| one.id.clone())
            .filter(|id| !is_there(id))
            .collect();
        if ids.is_empty() {
            work.screen
                .print("nothing to record: all of it is in the history\n");
            return Ok(Exit::Done);
        }
        let what = format!(
            "Record {} as applied, without running anything",
            counted(ids.len(), "migration")
        );
        work.confirm(Asked::InProduction, &what, self.yes)?;
        let migrator = work.migrator().reason(&self.reason);
        for id in &ids {
            migrator.repair(url, Repairing::MarkApplied(id)).await?;
            work.screen.print(&format!("recorded as applied: {id}\n"));
        }
        Ok(Exit::Done)
    }
}
