//! A database of its own for a proof, on the server that a URL leads to, which goes away with it.
//!
//! It goes whatever happens: at the end, on an error, on a panic and when the future is dropped.
//! Only a process that is killed leaves one behind; the next proof on that server sweeps it.

use std::future::Future;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::{ConnectOptions, Connection};
use tokio::time::timeout;

#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::connect::Connect;
use crate::engine::{Driver, Engine};
use crate::error::Error;
use crate::message::{Message, Piece};
use crate::testing::catalogue::Catalogue;

/// What a proof asks of an engine. Public only because [`Engine`] builds on it.
pub trait Provable: Driver {
    /// Makes an empty database of this name on the server, and sweeps what dead runs left there.
    fn create<'a>(
        url: &'a str,
        name: &'a str,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'a;

    /// Drops it.
    fn destroy<'a>(
        url: &'a str,
        name: &'a str,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'a;

    /// The options that lead to it, given those of the URL.
    fn options(
        of_server: <Self::Connection as Connection>::Options,
        name: &str,
    ) -> <Self::Connection as Connection>::Options;

    /// What the database holds, but for the tables of the names `without`.
    fn snapshot<'a>(
        connection: &'a mut Self::Connection,
        without: &'a [&'a str],
    ) -> impl Future<Output = Result<Catalogue, sqlx::Error>> + Send + 'a;
}

/// The database, as long as this value lives.
pub(crate) struct Sandbox<DB: Engine> {
    url: String,
    /// `None` once it is dropped.
    name: Option<String>,
    /// Makes the database, and is not to be disturbed: what is sent to a server is done there
    /// although nobody waits for it any more.
    maker: Option<JoinHandle<()>>,
    /// Where the migrations run. `None` once it is closed, like the other.
    runs: Option<DB::Connection>,
    /// Where the catalogue is read, out of the reach of what migrations set in their session.
    looks: Option<DB::Connection>,
}

impl<DB: Engine> Sandbox<DB> {
    /// Makes a database and connects to it.
    pub(crate) async fn open(url: &str) -> Result<Sandbox<DB>, Error> {
        let mut sandbox = Sandbox {
            url: url.to_owned(),
            name: None,
            maker: None,
            runs: None,
            looks: None,
        };
        let made = sandbox.make().await;
        let connected = match made {
            Ok(()) => sandbox.connect().await,
            Err(error) => Err(error),
        };
        match connected {
            Ok(()) => Ok(sandbox),
            Err(error) => {
                sandbox.close().await;
                Err(error)
            }
        }
    }

    async fn make(&mut self) -> Result<(), Error> {
        let (url, name) = (self.url.clone(), unique_name());
        self.name = Some(name.clone());
        let (sender, made) = tokio::sync::oneshot::channel();
        self.maker = Some(std::thread::spawn(move || {
            let made = block_on(DB::create(&url, &name));
            // Whoever waits no longer drops it.
            let _ = sender.send(made);
        }));
        let made = made.await.expect("the thread does not panic");
        if made.is_err() {
            self.name = None;
        }
        made
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let name = self.name.as_deref().expect("it is just made");
        let of_server = <DB::Connection as Connection>::Options::from_str(&self.url);
        let of_server = of_server.expect("the database was made by it");
        let options = DB::options(of_server, name).disable_statement_logging();
        for connection in [&mut self.runs, &mut self.looks] {
            let connected = options.connect().await;
            *connection = Some(connected.map_err(|error| {
                let doing = format!("cannot connect to {}", DB::shown(&options));
                Error::database::<DB>(&doing, error)
            })?);
        }
        Ok(())
    }

    /// The connection that migrations run on.
    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.runs.as_mut().expect("it is open")
    }

    /// Takes back what a migration has left open, as closing the connection does at the end of a
    /// run.
    pub(crate) async fn end_transaction(&mut self) {
        let message = Message::of([Piece::library("ROLLBACK")]);
        // Mostly there is none.
        let _ = DB::send(self.connection(), &message).await;
    }

    /// What the database holds now.
    pub(crate) async fn snapshot(&mut self, without: &[&str]) -> Result<Catalogue, Error> {
        let connection = self.looks.as_mut().expect("it is open");
        DB::snapshot(connection, without)
            .await
            .map_err(unreadable::<DB>)
    }

    /// Drops the database. That it cannot be dropped does not make a proof wrong.
    pub(crate) async fn close(mut self) {
        for connection in [self.runs.take(), self.looks.take()].into_iter().flatten() {
            let _ = connection.close().await;
        }
        // Until that is done the name stays, so that nothing stays if nobody waits for it.
        if let Some(name) = &self.name {
            tell(name, DB::destroy(&self.url, name).await);
            self.name = None;
        }
    }
}

/// On a panic and when the future is dropped.
impl<DB: Engine> Drop for Sandbox<DB> {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(30);
        drop((self.runs.take(), self.looks.take()));
        let (Some(name), maker) = (self.name.take(), self.maker.take()) else {
            return;
        };
        let destroy = || {
            let destroy = DB::destroy(&self.url, &name);
            if let Ok(destroyed) = block_on(async { timeout(PATIENCE, destroy).await }) {
                tell(&name, destroyed);
            }
        };
        // A panic in there has nobody to go to.
        let _ = maker.map(JoinHandle::join);
        let _ = std::thread::scope(|scope| scope.spawn(destroy).join());
    }
}

/// Waits on a thread that is not the runtime's, in a runtime of its own.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .expect("the system has room for it")
        .block_on(future)
}

fn tell(name: &str, destroyed: Result<(), Error>) {
    if let Err(error) = destroyed {
        tracing::warn!(name, %error, "the database of a proof could not be dropped");
    }
}

/// The catalogue cannot be read.
pub(crate) fn unreadable<DB: Engine>(error: sqlx::Error) -> Error {
    let doing = "cannot read what the database holds";
    Error::database::<DB>(doing, error)
}

/// Runs statements on the server, each as a message of its own.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) async fn run_on_server<DB: Engine>(
    url: &str,
    statements: &[String],
) -> Result<(), Error> {
    let mut held = Connect::<DB>::open(url).await?;
    let mut result = Ok(());
    for sql in statements {
        let message = Message::of([Piece::library(sql.as_str())]);
        if let Err(refused) = DB::send(held.connection(), &message).await {
            let (doing, error) = ("cannot make or drop the database of a proof", refused.error);
            result = Err(Error::database::<DB>(doing, error));
            break;
        }
    }
    held.close().await;
    result
}

/// Drops what dead runs left behind: `unused` asks for names, of which those are dropped that are
/// ours and not young. Best effort: it is nobody's errand.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) async fn sweep<DB: Engine>(url: &str, unused: &str, drop: impl Fn(&str) -> Vec<String>) {
    let Ok(mut held) = Connect::<DB>::open(url).await else {
        return;
    };
    let message = Message::of([Piece::query(unused)]);
    let answers = DB::send(held.connection(), &message).await;
    let rows = answers
        .ok()
        .and_then(|answers| answers.into_iter().next())
        .map_or(Vec::new(), |answer| answer.rows);
    let names = rows.into_iter().filter_map(|row| row.into_iter().next()?);
    // Whoever has just made one is about to connect to it.
    let is_stale = |name: &String| is_older(name, Duration::from_secs(600));
    for sql in names.filter(is_stale).flat_map(|name| drop(&name)) {
        let message = Message::of([Piece::library(sql)]);
        if let Err(refused) = DB::send(held.connection(), &message).await {
            tracing::debug!(error = %refused.error, "a stale database stays");
        }
    }
    held.close().await;
}

/// What every name begins with.
pub(super) const PREFIX: &str = "backstitch_prove_";

/// `backstitch_prove_SECONDS_PROCESS_NUMBER`, unique among processes and hosts as far as it goes.
fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}_{}_{number}", seconds(), std::process::id())
}

/// Whether it is ours by its name, and made longer ago than `age`.
pub(super) fn is_older(name: &str, age: Duration) -> bool {
    let made = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split('_').next()?.parse::<u64>().ok());
    made.is_some_and(|made| made + age.as_secs() < seconds())
}

fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_have_an_age() {
        let is_old = |name: &str| is_older(name, Duration::from_secs(60));
        assert!(!is_old(&unique_name()));
        assert!(is_old("backstitch_prove_1700000000_1_0"));
        assert!(!is_old("backstitch_prove_x"));
        assert!(!is_old("customers"));
    }
}
