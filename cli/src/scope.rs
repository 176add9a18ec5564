//! How far a run goes, and what it may pass over: the same for `plan` and for `up`.

use backstitch::{Migrator, OtherTool, OutOfOrder, Plan, Unknown};
use backstitch_core::diagnostic::did_you_mean;
use backstitch_core::migration::Phase;
use backstitch_core::{Diagnostic, Set};
use clap::Args;

use crate::failure::Failure;
use crate::online::Work;
use crate::product::Product;

/// Which of the pending migrations are meant.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Scope")]
pub(crate) struct Scope {
    /// No further than this migration, by its id or its version
    #[arg(long = "target", value_name = "ID")]
    pub(crate) to: Option<String>,
    /// `expand`: stop before the first migration that the old release cannot live with
    #[arg(long, value_enum)]
    pub(crate) phase: Option<PhaseName>,
    /// Apply migrations that are older than the newest applied one
    #[arg(long)]
    pub(crate) allow_out_of_order: bool,
    /// Go on although the database has migrations that are not here
    #[arg(long)]
    pub(crate) allow_unknown: bool,
    /// Go on although another tool has applied some of these migrations (see `backstitch adopt`)
    #[arg(long)]
    pub(crate) allow_other_tool: bool,
}

/// The phase of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PhaseName {
    /// Before the new release starts: the old one keeps working
    Expand,
    /// After the old release is gone: everything
    Contract,
}

impl Scope {
    /// The migrator that goes so far.
    ///
    /// # Errors
    /// When there is no such migration, the phase has nothing to do, or it cannot be told what is
    /// pending.
    pub(crate) async fn reach<'w, DB: Product>(
        &self,
        work: &Work<'w, DB>,
        migrator: Migrator<'w, DB>,
    ) -> Result<Migrator<'w, DB>, Failure> {
        let mut migrator = migrator;
        if self.allow_out_of_order {
            migrator = migrator.out_of_order(OutOfOrder::Allow);
        }
        if self.allow_unknown {
            migrator = migrator.unknown(Unknown::Allow);
        }
        if self.allow_other_tool {
            migrator = migrator.other_tool(OtherTool::Allow);
        }
        let set = work.migrations.set();
        if let Some(to) = &self.to {
            migrator = migrator.target(&id_of(set, to)?)?;
        }
        if self.phase != Some(PhaseName::Expand) {
            return Ok(migrator);
        }
        let plan = migrator.plan(work.config.url.as_str()).await?;
        let contracts = |id: &str| {
            set.get(id)
                .is_some_and(|one| one.phase == Some(Phase::Contract))
        };
        let Some(stop) = plan.steps.iter().position(|step| contracts(&step.id)) else {
            return Ok(migrator);
        };
        match stop.checked_sub(1) {
            None => Err(nothing_to_expand(&plan.steps[0].id)),
            Some(last) => Ok(migrator.target(&plan.steps[last].id)?),
        }
    }

    /// What a run would do.
    ///
    /// # Errors
    /// When it would be refused.
    pub(crate) async fn plan<DB: Product>(
        &self,
        work: &Work<'_, DB>,
        url: &str,
    ) -> Result<Plan, Failure> {
        let migrator = self.reach(work, work.migrator()).await?;
        Ok(migrator.plan(url).await?)
    }
}

/// The first pending migration must wait for the old release to go.
fn nothing_to_expand(first: &str) -> Failure {
    let message = format!("the next migration, `{first}`, is of the phase `contract`");
    Failure::failed(
        Diagnostic::error("phase-reached", message)
            .why("The release before does not work with it any more, so it must be gone first.")
            .help("When it is:\nbackstitch up"),
    )
}

/// The id of a migration that people call by its id, its version or its number.
///
/// # Errors
/// When there is none.
pub(crate) fn id_of(set: &Set, called: &str) -> Result<String, Failure> {
    let ids = || set.migrations.iter().map(|migration| migration.id.as_str());
    if set.get(called).is_some() {
        return Ok(called.to_owned());
    }
    let called_version = called.parse::<u64>().ok();
    let by_version = set
        .migrations
        .iter()
        .find(|one| Some(one.version) == called_version);
    if let Some(migration) = by_version {
        return Ok(migration.id.clone());
    }
    let help = match did_you_mean(called, ids()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "Name the file without `.sql`, or its version.".to_owned(),
    };
    let message = format!("there is no migration `{called}`");
    Err(Failure::usage(
        Diagnostic::error("migration-missing", message).help(help),
    ))
}
