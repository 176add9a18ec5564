//! `backstitch adopt`: takes over what another tool has applied, without running anything.

use backstitch::{Adopt as Adopting, Tool};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::ask::Asked;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::online::{Online, Work};
use crate::paint::counted;
use crate::product::Product;
use crate::scope::id_of;
use crate::target::Target;

/// The arguments of `adopt`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Adopt {
    #[command(flatten)]
    target: Target,
    /// The tool
    #[arg(long, value_parser = tool())]
    from: Tool,
    /// Its table, where that has another name than usual
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// The schema (on MySQL: the database) of its table
    #[arg(long, value_name = "NAME")]
    table_schema: Option<String>,
    /// Take this migration by its version, although its text is not the one that the tool ran
    #[arg(long, value_name = "ID")]
    accept: Vec<String>,
    /// Show what would be taken over, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask, in production either
    #[arg(short, long)]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch adopt --from sqlx --dry-run      what fits, and what does not
  backstitch adopt --from sqlx                takes it over: all of it or nothing
  backstitch adopt --from sqlx --accept 0003  although the text of this one is another

The table of the tool is only read. `backstitch import` makes the files first.
Exit codes:
  0 taken over, or nothing to do
  1 something is in the way: nothing was written
  4 a text or a version is not the one that the tool has applied: nothing was written";

impl Online for Adopt {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let mut adopting = Adopting::new(self.from);
        if let Some(table) = &self.table {
            adopting = adopting.table(table);
        }
        if let Some(schema) = &self.table_schema {
            adopting = adopting.schema(schema);
        }
        for called in &self.accept {
            adopting = adopting.accept(id_of(work.migrations.set(), called)?);
        }
        let url = work.config.url.as_str();
        let migrator = work.migrator();
        let plan = migrator.plan_adopt(url, adopting.clone()).await?;
        if self.dry_run || plan.adopted.is_empty() {
            work.screen.print(&format!("{plan}\n"));
            return Ok(Exit::Done);
        }
        let count = counted(plan.adopted.len(), "migration");
        let what = format!("Take {count} over from {}", self.from);
        work.confirm(Asked::InProduction, &what, self.yes)?;
        let adoption = migrator.adopt(url, adopting).await?;
        work.screen.print(&format!("{adoption}\n"));
        Ok(Exit::Done)
    }
}

fn tool() -> impl TypedValueParser<Value = Tool> {
    PossibleValuesParser::new(Tool::ALL.map(Tool::name))
        .map(|name| Tool::from_name(&name).expect("one of the possible values"))
}
