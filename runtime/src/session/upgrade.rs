//! Tables of the history that an older version of the library made, brought to the present layout.

use super::Session;
use crate::engine::Engine;
use crate::error::Error;
use crate::execute::{begin, library};
use crate::history::{self, LAYOUT};
use crate::message::{Message, Piece};

impl<DB: Engine> Session<'_, DB> {
    /// Brings the tables of the history to the present layout. What is in them stays.
    pub(super) async fn upgrade(&mut self) -> Result<(), Error> {
        let names = self.names.clone();
        let probe = Message::of([Piece::query(history::probe::<DB>(&names))]);
        let steps = Message::of(library(DB::upgrade_history(&names)));
        let upgraded = if DB::LOCKS_BY_TRANSACTION {
            let begun = begin::<DB>(self.connection, &self.facts).await;
            match begun {
                Err(error) => Err(error),
                Ok(mut transaction) => {
                    match move_tables::<DB>(&mut transaction, &probe, &steps).await {
                        Ok(()) => transaction.commit().await,
                        Err(error) => Err(error),
                    }
                }
            }
        } else {
            move_tables::<DB>(self.connection, &probe, &steps).await
        };
        upgraded.map_err(|error| {
            Error::database::<DB>(
                &format!("cannot bring the history to layout {LAYOUT}"),
                error,
            )
            .help("run it once as the owner of the history's tables")
        })
    }
}

/// Adds what is missing, unless somebody has done so meanwhile.
async fn move_tables<DB: Engine>(
    connection: &mut DB::Connection,
    probe: &Message<'_>,
    steps: &Message<'_>,
) -> Result<(), sqlx::Error> {
    match DB::send(connection, probe).await {
        Ok(_) => return Ok(()),
        Err(refused) if DB::is_missing_column(&refused.error) => {}
        Err(refused) => return Err(refused.error),
    }
    let sent = DB::send(connection, steps).await;
    sent.map(drop).map_err(|refused| refused.error)
}
