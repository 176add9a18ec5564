//! `hold`: the migration lock for work that is not a migration, such as bringing a backup back.

use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::Migrator;
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::Error;
use crate::lease;
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

    /// Who has the migration lock now, in words for people; `None` when nobody has, or when that
    /// cannot be told. Waits for nobody. On SQLite the lock is a transaction like any other, which is
    /// not told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn holder<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Option<String>, Error>> {
        Box::pin(async move {
            if DB::LOCKS_BY_TRANSACTION {
                return Ok(None);
            }
            let mut held = self.open(database).await?;
            let result = self.holder_on(&mut held).await;
            held.close().await;
            result
        })
    }

    async fn holder_on(&self, held: &mut Held<'_, DB>) -> Result<Option<String>, Error> {
        let session = self.look_at_server(held).await?;
        let name = session.names.lock();
        if let Some(holder) = DB::lock_holder(session.connection, &name).await {
            return Ok(Some(holder));
        }
        Ok(lease::holder::<DB>(session.connection, &session.names).await)
    }

    async fn look_at_server<'s>(
        &'s self,
        held: &'s mut Held<'_, DB>,
    ) -> Result<Session<'s, DB>, Error> {
        let (names, who) = (self.names.clone(), self.who());
        let dialect = self.migrations.dialect();
        let connection = held.connection();
        Session::look_at_server(connection, names, dialect, who, &self.announcer).await
    }

    async fn hold_on<T>(
        &self,
        held: &mut Held<'_, DB>,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let options = held.options();
        let mut session = self.look_at_server(held).await?;
        session.outside_transaction().await?;
        lock::take(&mut session, self.lock, options, self.lock_wait).await?;
        // Those who wait are told who it is.
        let ours = DB::make_ours(&session.facts, &session.who);
        session.run_quietly(&ours).await;
        let done = work.await;
        lock::release(&mut session, Ok(done)).await
    }
}
