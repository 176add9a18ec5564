//! When a backup is taken before a run: because the call asks for it, or because the team has
//! decided so once (`backup` in the options).

use std::error::Error;
use std::future::Future;

use backstitch::{Level, Occasion};
use backstitch_core::options::BackupPolicy;

use crate::config::Config;
use crate::online::Work;
use crate::outlook::{self, Risk};
use crate::product::Product;

/// What the library wants to hear of a backup: its name, or why there is none.
type Made = Result<String, Box<dyn Error + Send + Sync>>;

/// Whether the team wants one before these are applied.
pub(crate) fn before_up<DB: Product>(work: &Work<'_, DB>, ids: &[String]) -> bool {
    match work.config.options.backup.unwrap_or_default() {
        BackupPolicy::Never => false,
        BackupPolicy::Always => !ids.is_empty(),
        BackupPolicy::BeforeRisky => {
            let set = work.migrations.set();
            let outlooks = outlook::of(set, &work.config.options, ids);
            outlooks.iter().any(|one| one.risk == Risk::High)
        }
    }
}

/// Whether the team wants one before a rollback of this risk.
pub(crate) fn before_down(config: &Config, risk: Level) -> bool {
    match config.options.backup.unwrap_or_default() {
        BackupPolicy::Never => false,
        BackupPolicy::Always => true,
        BackupPolicy::BeforeRisky => risk > Level::Low,
    }
}

/// Makes one when the library is about to run something.
pub(crate) fn hook<DB: Product>(
    config: &Config,
) -> impl Fn(Occasion) -> std::pin::Pin<Box<dyn Future<Output = Made> + Send>> + Send + Sync + use<DB>
{
    let config = config.clone();
    move |occasion| {
        let config = config.clone();
        Box::pin(async move {
            let ids = occasion.ids.join(", ");
            let doing = match occasion.risk {
                Some(_) => "taking back",
                None => "applying",
            };
            let reason = format!("before {doing} {ids}");
            let made = super::create::<DB>(&config, Some(reason)).await;
            made.map(|backup| backup.name).map_err(|failure| {
                let told = failure.diagnostics.into_iter();
                let told = told.map(|one| format!("{}\n{}", one.message, one.help));
                told.collect::<Vec<_>>().join("\n").into()
            })
        })
    }
}
