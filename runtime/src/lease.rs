//! A lock that is a row, for servers and proxies without session locks that can be relied on.
//!
//! The row names its holder and when that has to be renewed, by the server's clock alone: whose
//! clock jumps elsewhere does not matter. A jump of the server's own clock ends a lease at worst. It is renewed from a connection of its own, so that a
//! long statement does not outlast it. Each new holder gets a higher fencing number, and whatever
//! is written to the history asks in the same transaction whether the writer is still the holder:
//! one that slept past its lease cannot write any more.

use std::time::Duration;

use backstitch_core::Diagnostic;
use sqlx::{ConnectOptions, Connection};
use tokio::task::JoinHandle;

use crate::engine::{Driver, Engine, LockIsFree};
use crate::error::{Error, ErrorKind};
use crate::history::Names;
use crate::message::{Message, Piece};

/// What keeps two runs apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// The lock that the server gives to a session, or a lease where there is none that can be
    /// relied on: CockroachDB, YugabyteDB, Galera clusters, poolers. Poolers are found out by a
    /// second connection, where the address of the server is not the one that was connected to,
    /// and are assumed where that is not to be had; a run on a borrowed connection cannot find out.
    #[default]
    Auto,
    /// The lock that the server gives to a session. It and a lease keep each other out: a run by
    /// one of them waits for a run by the other.
    Session,
    /// A row in the database, see [`Lock::lease`]. A holder that slept past its lease cannot write
    /// to the history any more, and what shares a transaction with that is taken back. A statement
    /// outside of a transaction that it has sent already is the server's to finish.
    Lease {
        /// How long the lease lives when it is not renewed, by the server's clock: so long others
        /// wait after its holder was killed. It is renewed three times as often, from a second
        /// connection; on a borrowed connection, where there is no second one, only between
        /// statements, so that it has to outlive the longest of them.
        expires_after: Duration,
    },
}

impl Lock {
    /// A lease that lives for half a minute when it is not renewed.
    pub fn lease() -> Lock {
        Lock::Lease {
            expires_after: EXPIRES_AFTER,
        }
    }
}

pub(crate) const EXPIRES_AFTER: Duration = Duration::from_secs(30);

/// So far the clocks of the servers of one database may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

/// Ends each statement by which a holder makes sure that it still is one.
pub(crate) const FENCE: &str = "/* is it still the holder? */";

/// A lease that is held.
pub(crate) struct Lease {
    token: String,
    number: u64,
    expires_after: Duration,
    beat: Option<Beat>,
}

/// Renews the lease until it is dropped.
struct Beat(JoinHandle<()>);

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lease {
    /// One attempt. Nobody may have the lock of a session meanwhile, where there is one.
    pub(crate) async fn try_take<DB: Engine>(
        connection: &mut DB::Connection,
        names: &Names,
        who: &str,
        token: &str,
        expires_after: Duration,
        locks: Option<LockIsFree>,
    ) -> Result<Option<Lease>, sqlx::Error> {
        let locks = locks.unwrap_or_else(LockIsFree::always);
        let take = format!(
            "UPDATE {} SET token = {}, holder = {}, fence = fence + 1, since = {}, \
             expires_at = {} WHERE id = 1 AND (token IS NULL OR {}) AND {}",
            names.leases::<DB>(),
            DB::quote_text(token),
            DB::quote_text(who),
            DB::now(),
            DB::later(expires_after),
            has_ended::<DB>(),
            locks.now
        );
        let ask = format!(
            "SELECT token, fence, CASE WHEN {} THEN 1 END FROM {} WHERE id = 1",
            locks.afterwards,
            names.leases::<DB>()
        );
        let before = locks.before.into_iter().map(Piece::library);
        let message = Message::of(before.chain([Piece::library(take), Piece::query(ask)]));
        let answers = match DB::send(connection, &message).await {
            Ok(answers) => answers,
            Err(refused) if DB::is_missing_table(&refused.error) => {
                let make = DB::create_lease(names).into_iter().map(Piece::library);
                let made = DB::send(connection, &Message::of(make)).await;
                match (DB::send(connection, &message).await, made) {
                    (Ok(answers), _) => answers,
                    // Who makes it at the same moment as another is refused, and finds it made.
                    (Err(_), Err(refused)) => return Err(refused.error),
                    (Err(refused), Ok(_)) if DB::is_lock_timeout(&refused.error) => {
                        return Ok(None);
                    }
                    (Err(refused), Ok(_)) => return Err(refused.error),
                }
            }
            // Two took it at once, and this one was refused.
            Err(refused) if DB::is_lock_timeout(&refused.error) => return Ok(None),
            Err(refused) => return Err(refused.error),
        };
        let row = answers.last().and_then(|answer| answer.rows.first());
        let Some([Some(holder), Some(number), is_free]) = row.map(Vec::as_slice) else {
            return Ok(None);
        };
        let Some(number) = number.parse().ok().filter(|_| holder == token) else {
            return Ok(None);
        };
        let lease = Lease {
            token: token.to_owned(),
            number,
            expires_after,
            beat: None,
        };
        if is_free.is_some() {
            return Ok(Some(lease));
        }
        // A session was faster. Nothing was done under the lease yet.
        let give_back = lease.give_back::<DB>(names);
        let message = Message::of([Piece::library(give_back)]);
        let given = DB::send(connection, &message).await;
        given.map(|_| None).map_err(|refused| refused.error)
    }

    /// Has it renewed by a connection of its own.
    pub(crate) fn keep<DB: Engine>(
        &mut self,
        names: Names,
        options: <DB::Connection as Connection>::Options,
    ) {
        let renew = self.renewal::<DB>(&names);
        let pause = self.expires_after / 3;
        let beat = async move {
            let mut connection: Option<DB::Connection> = None;
            loop {
                tokio::time::sleep(pause).await;
                if connection.is_none() {
                    let options = options.clone().disable_statement_logging();
                    connection = options.connect().await.ok();
                }
                let Some(open) = &mut connection else {
                    tracing::warn!("the lease cannot be renewed: no second connection");
                    continue;
                };
                let message = Message::of([Piece::library(renew.as_str())]);
                match DB::send(open, &message).await {
                    Ok(answers) if answers.iter().any(|answer| answer.rows_affected > 0) => {}
                    Ok(_) => {
                        tracing::warn!("the lease is no longer ours");
                        return;
                    }
                    Err(refused) => {
                        tracing::warn!(error = %refused.error, "the lease could not be renewed");
                        connection = None;
                    }
                }
            }
        };
        self.beat = Some(Beat(tokio::spawn(beat)));
    }

    /// A statement that renews it. Where the clock was set back meanwhile, it begins anew.
    fn renewal<D: Driver>(&self, names: &Names) -> String {
        let now = D::now();
        format!(
            "UPDATE {} SET expires_at = {}, since = CASE WHEN since > {now} THEN {now} \
             ELSE since END WHERE {}",
            names.leases::<D>(),
            D::later(self.expires_after),
            self.is_ours::<D>()
        )
    }

    fn is_ours<D: Driver>(&self) -> String {
        let (token, number) = (D::quote_text(&self.token), self.number);
        format!("id = 1 AND token = {token} AND fence = {number}")
    }

    /// Statements that fail when it is somebody else's by now. Until the end of their transaction
    /// nobody can take it.
    pub(crate) fn fence<D: Driver>(&self, names: &Names) -> Vec<String> {
        D::fence(names, &self.renewal::<D>(names), &self.is_ours::<D>())
            .into_iter()
            .map(|sql| format!("{sql} {FENCE}"))
            .collect()
    }

    /// A statement that gives it back.
    pub(crate) fn give_back<D: Driver>(&self, names: &Names) -> String {
        format!(
            "UPDATE {} SET token = NULL, holder = NULL WHERE {}",
            names.leases::<D>(),
            self.is_ours::<D>()
        )
    }
}

/// A condition for a lease that is over: it was not renewed in time, or it begins in the future,
/// because the server's clock was set back since; nobody would live to see the end of that.
fn has_ended<D: Driver>() -> String {
    format!(
        "(expires_at < {} OR since > {})",
        D::now(),
        D::later(CLOCKS_DIFFER)
    )
}

/// Whether nobody has one: asked by who has the lock of a session, and so cannot lose it to one that
/// is taken afterwards. A lease that has ended is taken away from a holder that sleeps, who could
/// write otherwise.
pub(crate) async fn is_free<DB: Engine>(
    connection: &mut DB::Connection,
    names: &Names,
) -> Result<bool, sqlx::Error> {
    let (leases, has_ended) = (names.leases::<DB>(), has_ended::<DB>());
    let ask = format!(
        "SELECT token, CASE WHEN {has_ended} THEN 1 END FROM {leases} \
         WHERE id = 1 AND token IS NOT NULL"
    );
    let answers = match DB::send(connection, &Message::of([Piece::query(ask)])).await {
        Ok(answers) => answers,
        // There has never been one.
        Err(refused) if DB::is_missing_table(&refused.error) => return Ok(true),
        Err(refused) => return Err(refused.error),
    };
    let row = answers.first().and_then(|answer| answer.rows.first());
    let (token, is_over) = match row.map(Vec::as_slice) {
        Some([Some(token), is_over]) => (token, is_over.is_some()),
        _ => return Ok(true),
    };
    if !is_over {
        return Ok(false);
    }
    let take_away = format!(
        "UPDATE {leases} SET token = NULL, holder = NULL \
         WHERE id = 1 AND token = {} AND {has_ended}",
        DB::quote_text(token)
    );
    match DB::send(connection, &Message::of([Piece::library(take_away)])).await {
        Ok(answers) => Ok(answers.iter().any(|answer| answer.rows_affected > 0)),
        Err(refused) if DB::is_lock_timeout(&refused.error) => Ok(false),
        Err(refused) => Err(refused.error),
    }
}

/// Who holds it, in words for people.
pub(crate) async fn holder<DB: Engine>(
    connection: &mut DB::Connection,
    names: &Names,
) -> Option<String> {
    let ask = format!(
        "SELECT holder, {}, {} FROM {} WHERE id = 1 AND token IS NOT NULL AND NOT {}",
        DB::show_time("since"),
        DB::show_time("expires_at"),
        names.leases::<DB>(),
        has_ended::<DB>()
    );
    let message = Message::of([Piece::query(ask)]);
    let answers = DB::send(connection, &message).await.ok()?;
    let row = answers.into_iter().next()?.rows.into_iter().next()?;
    let mut row = row.into_iter().map(Option::unwrap_or_default);
    let (holder, since, until) = (row.next()?, row.next()?, row.next()?);
    Some(format!(
        "{holder}, by a lease since {since} that ends at {until} when it is not renewed"
    ))
}

const LOST: &str = "lease-lost";

/// What a holder is told that slept past its lease.
pub(crate) fn lost() -> Error {
    let diagnostic = Diagnostic::error(LOST, "somebody else has taken the lease meanwhile")
        .why(
            "A lease that is not renewed in time is free for others. This process slept, or could \
             not reach the database, for longer than that, so what it was about to write was \
             refused and taken back.",
        )
        .help(
            "run it again: it waits for the other and goes on where that leaves off. If statements \
             run longer than the lease lives on a borrowed connection, give a pool or a URL, or a \
             longer `.lock(Lock::Lease { expires_after })`",
        );
    Error::new(ErrorKind::Locked, diagnostic)
}

/// The same, where it ran into what the other did before it could find out.
pub(crate) fn lost_before(error: Error) -> Error {
    if error.diagnostics().iter().any(|one| one.code == LOST) {
        return error;
    }
    let place = error.migration().map(|id| format!(" in `{id}`"));
    let place = place.unwrap_or_default();
    let ran_into = format!("It ran into this{place}: {}", error.headline());
    lost().note(&ran_into).caused_by(error)
}

/// A server without leases was asked for one.
pub(crate) fn not_here(product: &str) -> Error {
    let diagnostic = Diagnostic::error("usage", format!("there are no leases on {product}"))
        .why("Its lock is the write transaction, which the system frees whatever happens.")
        .help("leave out `.lock(..)`");
    Error::new(ErrorKind::Usage, diagnostic)
}
