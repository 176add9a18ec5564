//! `repair` and `history`: putting the history right, and reading all of it.

use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::Migrator;
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::Error;
use crate::execute::{self, library};
use crate::history::Fingerprint;
use crate::history::record::{self, History, Repaired};
use crate::lock::{self, Wait};
use crate::message::{Message, Piece};
use crate::repair::{self, Case, Desk, Repair};
use crate::rollback;
use crate::session::Session;

impl<DB: Engine> Migrator<'_, DB> {
    /// Puts the history right where it does not say what the database holds. Runs nothing of a
    /// migration. Needs a [`reason`](Migrator::reason), and is recorded with it; see
    /// [`history`](Migrator::history).
    ///
    /// ```no_run
    /// # async fn repair(migrations: &backstitch::Migrations<sqlx::Postgres>, pool: &sqlx::PgPool)
    /// # -> Result<(), backstitch::Error> {
    /// use backstitch::Repair;
    ///
    /// let migrator = migrations.migrator().reason("the column was added by hand on Monday");
    /// migrator.repair(pool, Repair::MarkApplied("0007_add_age")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When there is no reason, no such migration, or nothing to put right; when the lock is not to
    /// be had.
    pub fn repair<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        repair: Repair<'a>,
    ) -> BoxFuture<'a, Result<Repaired, Error>> {
        Box::pin(async move {
            let run = async {
                let reason = self.reason.as_deref().map(str::trim).unwrap_or_default();
                if reason.is_empty() {
                    return Err(repair::no_reason());
                }
                let mut held = self.open(database).await?.into_own().await;
                let result = self.repair_on(&mut held, repair, reason).await;
                held.close().await;
                result
            };
            run.instrument(tracing::info_span!("migrate", verb = "repair"))
                .await
        })
    }

    /// Everything that the database remembers: what is applied, what was taken back, what was put
    /// right. Writes nothing.
    ///
    /// # Errors
    /// When the database does not answer, or the history is not ours.
    pub fn history<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<History, Error>> {
        Box::pin(async move {
            let mut held = self.open(database).await?;
            let result = self.history_on(&mut held).await;
            held.close().await;
            result
        })
    }

    async fn repair_on(
        &self,
        held: &mut Held<'_, DB>,
        repair: Repair<'_>,
        reason: &str,
    ) -> Result<Repaired, Error> {
        let options = held.options();
        let mut session = self.look_around(held).await?;
        session.outside_transaction().await?;
        lock::take(&mut session, self.lock, options, self.lock_wait).await?;
        let result = self.repair_under_lock(&mut session, repair, reason).await;
        lock::release(&mut session, result).await
    }

    async fn repair_under_lock(
        &self,
        session: &mut Session<'_, DB>,
        repair: Repair<'_>,
        reason: &str,
    ) -> Result<Repaired, Error> {
        let mut wait = Wait::new(self.lock_wait);
        loop {
            self.read_history(session, &mut wait).await?;
            crate::plan::known_layout(&session.rows)?;
            let rows = session.rows.clone();
            let case = Case::of(repair, self.set(), &rows)?;
            let stored = match case.needs_stored() {
                Some(row) => Some(rollback::stored::<DB>(session, row).await?),
                None => None,
            };
            let script = stored.as_ref().map(|stored| &stored.script);
            let decision = case.decide(script)?;
            let desk = Desk {
                names: &session.names,
                rows: &rows,
                dialect: session.dialect,
                who: &session.who,
                run: &session.run,
                reason,
            };
            let writing = repair::write::<DB>(decision, repair, &desk, script);
            match write(session, writing.statements).await? {
                Written::Done => return Ok(writing.repaired),
                Written::Overtaken => {
                    wait.pause(session, lock::Rival::Session).await?;
                }
            }
        }
    }

    async fn history_on(&self, held: &mut Held<'_, DB>) -> Result<History, Error> {
        let mut session = self.look_around(held).await?;
        if !session.has_history {
            return Ok(History::default());
        }
        let names = session.names.clone();
        let rollbacks = ask(&mut session, record::select_rollbacks::<DB>(&names)).await?;
        let repairs = ask(&mut session, record::select_repairs::<DB>(&names)).await?;
        Ok(History {
            rows: session.rows,
            rollbacks: record::rollbacks(rollbacks),
            repairs: record::repairs(repairs),
        })
    }
}

enum Written {
    Done,
    /// Somebody has written to the history meanwhile, or is about to.
    Overtaken,
}

/// Writes in one transaction, unless somebody was faster.
async fn write<DB: Engine>(
    session: &mut Session<'_, DB>,
    statements: Vec<String>,
) -> Result<Written, Error> {
    let cannot = |error| Error::database::<DB>("cannot repair the history", error);
    let (facts, names) = (session.facts.clone(), session.names.clone());
    let expected = Fingerprint::of(&session.rows);
    let fenced = session.fenced(statements);
    let mut transaction = match execute::begin::<DB>(session.connection, &facts).await {
        Err(error) if DB::is_lock_timeout(&error) => return Ok(Written::Overtaken),
        begun => begun.map_err(cannot)?,
    };
    match names.still_newest::<DB>(&mut transaction, &expected).await {
        Err(failure) if failure.stale => return Ok(Written::Overtaken),
        Err(failure) => return Err(failure.error),
        Ok(()) => {}
    }
    let message = Message::of(library(fenced));
    let sent = DB::send(&mut transaction, &message).await;
    sent.map_err(|refused| cannot(refused.error))?;
    transaction.commit().await.map_err(cannot)?;
    Ok(Written::Done)
}

/// The rows of a table of the history; none where it is not there yet.
async fn ask<DB: Engine>(
    session: &mut Session<'_, DB>,
    sql: String,
) -> Result<crate::message::Answer, Error> {
    let message = Message::of([Piece::query(sql)]);
    match DB::send(session.connection, &message).await {
        Ok(answers) => Ok(answers.into_iter().next().unwrap_or_default()),
        Err(refused) if DB::is_missing_table(&refused.error) => Ok(Default::default()),
        Err(refused) => Err(crate::session::unreadable::<DB>(refused.error)),
    }
}
