//! Ways to name the database: a pool, a connection or a URL.

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions, Connection, Pool};

use crate::engine::Engine;
use crate::error::Error;

/// Something that leads to a database: `&Pool`, `&mut` connection, or a URL as `&str`.
///
/// - From a **pool** one connection is taken, with everything that the pool's `after_connect` sets
///   up. When there is work to do it is taken out of the pool for good and closed at the end.
/// - A **connection** is used as it is and left as it was, but for settings that Postgres does not
///   list (`my.own`), which are reset. It must not be in a transaction. Dropping a run half-way
///   leaves its lock with the connection until that is closed or used for the next run; a pool or
///   a URL gives the lock back by itself.
/// - For a **URL** a connection of its own is opened and closed.
///
/// It cannot be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not lead to a database of `{DB}`",
    label = "the migrations are for `{DB}`",
    note = "give a pool (`&sqlx::Pool<_>`), a connection (`&mut _`) or a URL (`&str`) of this engine"
)]
pub trait Connect<'c, DB: Engine>: Send + private::Sealed {
    /// Opens the way.
    #[doc(hidden)]
    fn open(self) -> impl Future<Output = Result<Held<'c, DB>, Error>> + Send;
}

mod private {
    pub trait Sealed {}
}

/// A connection and how it was come by.
#[doc(hidden)]
pub enum Held<'c, DB: Engine> {
    /// From a pool, to which it goes back.
    Pooled(PoolConnection<DB>, Pool<DB>),
    /// Nobody else's, and how to open another like it.
    Own(DB::Connection, <DB::Connection as Connection>::Options),
    /// The caller's.
    Borrowed(&'c mut DB::Connection),
}

/// How long a connection may take to be closed.
const FAREWELL: Duration = Duration::from_secs(1);

impl<'c, DB: Engine> Held<'c, DB> {
    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        match self {
            Held::Pooled(connection, _) => connection,
            Held::Own(connection, _) => connection,
            Held::Borrowed(connection) => connection,
        }
    }

    /// Takes a connection of a pool out of it, so that nothing that is set in it, no lock and no
    /// open transaction can reach anybody else, whatever happens.
    pub(crate) async fn into_own(self) -> Held<'c, DB> {
        match self {
            Held::Pooled(mut connection, pool) => {
                if DB::lives_in_connection(&mut connection).await {
                    return Held::Pooled(connection, pool);
                }
                let options = pool.connect_options().as_ref().clone();
                Held::Own(connection.detach(), options)
            }
            other => other,
        }
    }

    /// Replaces a connection of a pool that turned out to be dead. Others stay as they are.
    pub(crate) async fn replace(&mut self) -> Result<(), Error> {
        if let Held::Pooled(connection, pool) = self {
            connection.close_on_drop();
            let pool = pool.clone();
            *self = acquire(&pool).await?;
        }
        Ok(())
    }

    /// Does not let anybody else have a connection that is in the middle of something.
    pub(crate) fn give_up(&mut self) {
        match self {
            Held::Pooled(connection, _) => connection.close_on_drop(),
            Held::Own(..) | Held::Borrowed(_) => {}
        }
    }

    /// How to open another connection to the same database, where that is known.
    pub(crate) fn options(&self) -> Option<<DB::Connection as Connection>::Options> {
        match self {
            Held::Pooled(_, pool) => Some(pool.connect_options().as_ref().clone()),
            Held::Own(_, options) => Some(options.clone()),
            Held::Borrowed(_) => None,
        }
    }

    /// Gives the connection back, or closes it.
    pub(crate) async fn close(self) {
        if let Held::Own(connection, _) = self {
            // It has served; a server that is gone by now has nothing left to be told, and one that
            // is not done yet with what it was told before sees that nobody is there any more.
            let _ = tokio::time::timeout(FAREWELL, connection.close()).await;
        }
    }
}

impl<DB: Engine> private::Sealed for &Pool<DB> {}

impl<'c, DB: Engine> Connect<'c, DB> for &'c Pool<DB> {
    async fn open(self) -> Result<Held<'c, DB>, Error> {
        // An idle connection is used without a ping: the question that follows is as good as one.
        match self.try_acquire() {
            Some(connection) => Ok(Held::Pooled(connection, self.clone())),
            None => acquire(self).await,
        }
    }
}

async fn acquire<'c, DB: Engine>(pool: &Pool<DB>) -> Result<Held<'c, DB>, Error> {
    let connection = pool
        .acquire()
        .await
        .map_err(|error| unreachable_at::<DB>(&pool.connect_options(), error))?;
    Ok(Held::Pooled(connection, pool.clone()))
}

impl private::Sealed for &str {}

impl<'c, DB: Engine> Connect<'c, DB> for &str {
    async fn open(self) -> Result<Held<'c, DB>, Error> {
        let (connection, options) = to_url::<DB>(self).await?;
        Ok(Held::Own(connection, options))
    }
}

/// A connection of its own, and how to open another like it.
pub(crate) async fn to_url<DB: Engine>(
    url: &str,
) -> Result<(DB::Connection, <DB::Connection as Connection>::Options), Error> {
    let options = DB::is_url(url)
        .then(|| <DB::Connection as Connection>::Options::from_str(url).ok())
        .flatten();
    // The driver's own words for a bad URL may quote it, with the password.
    let options = options.ok_or_else(|| {
        crate::plan::usage(
            format!("this is not a URL of a {} database", DB::PRODUCT),
            "write `postgres://user@host/database`, `mysql://user@host/database` or \
             `sqlite:path/to/file.db?mode=rwc`, as for sqlx",
        )
    })?;
    let connection = options.clone().disable_statement_logging().connect().await;
    match connection {
        Ok(connection) => Ok((connection, options)),
        Err(error) => Err(unreachable_at::<DB>(&options, error)),
    }
}

impl<DB: Engine> private::Sealed for Held<'_, DB> {}

/// For code of this crate that has its own connection.
impl<'c, 'h: 'c, DB: Engine> Connect<'c, DB> for Held<'h, DB> {
    async fn open(self) -> Result<Held<'c, DB>, Error> {
        Ok(self)
    }
}

fn unreachable_at<DB: Engine>(
    options: &<DB::Connection as Connection>::Options,
    error: sqlx::Error,
) -> Error {
    let shown = DB::shown(options);
    let error = Error::database::<DB>(&format!("cannot connect to {shown}"), error);
    match DB::obstacle(options) {
        Some(obstacle) => error.note(&obstacle).help(OBSTACLE),
        None => error,
    }
}

const OBSTACLE: &str = "see to that, or name the right place in the address, then run it again";

macro_rules! borrowed {
    ($feature:literal, $engine:ident, $connection:ident) => {
        #[cfg(feature = $feature)]
        impl private::Sealed for &mut sqlx::$connection {}

        #[cfg(feature = $feature)]
        impl<'c> Connect<'c, sqlx::$engine> for &'c mut sqlx::$connection {
            async fn open(self) -> Result<Held<'c, sqlx::$engine>, Error> {
                Ok(Held::Borrowed(self))
            }
        }
    };
}

borrowed!("postgres", Postgres, PgConnection);
borrowed!("sqlite", Sqlite, SqliteConnection);
borrowed!("mysql", MySql, MySqlConnection);
