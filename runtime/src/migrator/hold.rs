//! `hold`: the migration lock for work that is not a migration, such as bringing a backup back.

use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::Migrator;
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::Error;
use crate::lock;
use crate::session::Session;

impl<DB: Engine> Migrator<'_, DB> {
    /// Waits for `work` while nobody else migrates: takes the migration lock, and gives it back
    /// afterwards, whatever comes of the work. The work needs a connection of its own. The history
    /// is not read, so it may be in any state.
    ///
    /// On SQLite the lock is the write transaction, which is the work's own to begin: there nothing
    /// is held.
    ///
    /// # Errors
    /// When the lock is not to be had, and who has it; `work` has not begun then.
    pub fn hold<'a, 'c: 'a, T: Send + 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        work: impl Future<Output = T> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>> {
        Box::pin(async move {
            let run = async {
                let mut held = self.open(database).await?.into_own().await;
                let result = self.hold_on(&mut held, work).await;
                held.close().await;
                result
            };
            run.instrument(tracing::info_span!("migrate", verb = "hold"))
                .await
        })
    }

    async fn hold_on<T>(
        &self,
        held: &mut Held<'_, DB>,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let options = held.options();
        let (names, who) = (self.names.clone(), self.who());
        let dialect = self.migrations.dialect();
        let connection = held.connection();
        let looked =
            Session::<DB>::look_at_server(connection, names, dialect, who, &self.announcer);
        let mut session = looked.await?;
        session.outside_transaction().await?;
        lock::take(&mut session, self.lock, options, self.lock_wait).await?;
        // Those who wait are told who it is.
        let ours = DB::make_ours(&session.facts, &session.who);
        session.run_quietly(&ours).await;
        let done = work.await;
        lock::release(&mut session).await;
        Ok(done)
    }
}
