//! A backup before a run: made by the service, named in the history.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;

use backstitch_core::Diagnostic;
use futures_util::future::BoxFuture;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::migrator::Migrator;
use crate::plan::Plan;
use crate::report::Direction;
use crate::risk::Risk;

/// What a backup is wanted for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Occasion {
    /// Which way the run goes.
    pub direction: Direction,
    /// The ids of the migrations that it touches, in order.
    pub ids: Vec<String>,
    /// What taking them back may lose; `None` when it goes up.
    pub risk: Option<Risk>,
}

type Made = Result<String, Box<dyn StdError + Send + Sync>>;
type Hook = Arc<dyn Fn(Occasion) -> BoxFuture<'static, Made> + Send + Sync>;

/// What is to be called before a run.
#[derive(Clone, Default)]
pub(crate) struct Backup {
    pub(crate) before_up: Option<Hook>,
    pub(crate) before_down: Option<Hook>,
}

impl<DB: Engine> Migrator<'_, DB> {
    /// Makes a backup before [`down`](Migrator::down) runs anything: `make` is called under the
    /// lock, and returns a name by which people find the backup. The history keeps it with each
    /// rollback. Where it fails nothing is run.
    ///
    /// ```no_run
    /// # #[cfg(feature = "sqlite")]
    /// # async fn f(migrations: &backstitch::Migrations<sqlx::Sqlite>, pool: sqlx::SqlitePool)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use backstitch::Down;
    ///
    /// let copied = pool.clone();
    /// let migrator = migrations.migrator().backup(move |_| {
    ///     let pool = copied.clone();
    ///     async move {
    ///         sqlx::query("VACUUM INTO 'before-rollback.db'").execute(&pool).await?;
    ///         Ok("before-rollback.db".to_owned())
    ///     }
    /// });
    /// migrator.down(&pool, Down::Steps(1)).await?;
    /// # Ok(()) }
    /// ```
    pub fn backup<F, Fut>(mut self, make: F) -> Self
    where
        F: Fn(Occasion) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Made> + Send + 'static,
    {
        self.backup.before_down = Some(Arc::new(move |occasion| Box::pin(make(occasion))));
        self
    }

    /// Makes a backup before [`up`](Migrator::up) applies anything, as
    /// [`backup`](Migrator::backup) does before `down`. Not where there is nothing to apply.
    pub fn backup_before_up<F, Fut>(mut self, make: F) -> Self
    where
        F: Fn(Occasion) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Made> + Send + 'static,
    {
        self.backup.before_up = Some(Arc::new(move |occasion| Box::pin(make(occasion))));
        self
    }

    /// Calls the hook for this direction. `None`: there is none.
    pub(crate) async fn back_up(
        &self,
        direction: Direction,
        plan: &Plan,
        risk: Option<Risk>,
    ) -> Result<Option<String>, Error> {
        let hook = match direction {
            Direction::Up => &self.backup.before_up,
            Direction::Down => &self.backup.before_down,
        };
        let Some(hook) = hook else {
            return Ok(None);
        };
        let occasion = Occasion {
            direction,
            ids: plan.steps.iter().map(|step| step.id.clone()).collect(),
            risk,
        };
        match hook(occasion).await {
            Ok(name) => {
                tracing::info!(name, "a backup was made");
                Ok(Some(name))
            }
            Err(error) => Err(failed(&*error)),
        }
    }
}

fn failed(error: &(dyn StdError + Send + Sync)) -> Error {
    Error::new(
        ErrorKind::Backup,
        Diagnostic::error(
            "backup-failed",
            format!("the backup before this run failed: {error}"),
        )
        .why("A backup is wanted before anything is run. Nothing was run.")
        .help(
            "see to what the backup says (room, rights, the program that makes it), then run it \
             again",
        ),
    )
}
