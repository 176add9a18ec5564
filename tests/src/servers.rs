//! A database of its own for each test, on the servers that the environment names.
//!
//! Tests do not share databases, so they run side by side and need no order. A server that is not
//! there is announced, never skipped in silence, and is a failure where `tests/run` promises it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::announce::announce;
use crate::url::ServerUrl;

/// Set by `tests/run`: a server that is missing is then a failure.
pub const TEST_ALL: &str = "BACKSTITCH_TEST_ALL";

/// Where a scenario can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// PostgreSQL, at `TEST_POSTGRES_URL`.
    Postgres,
    /// PostgreSQL behind pgbouncer in transaction mode, at `TEST_PGBOUNCER_URL`.
    PgBouncer,
    /// MariaDB, or a MySQL, at `TEST_MYSQL_URL`.
    MariaDb,
    /// SQLite, in a file of its own; needs no server.
    Sqlite,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 4] = [
        Engine::Postgres,
        Engine::PgBouncer,
        Engine::MariaDb,
        Engine::Sqlite,
    ];

    /// The variable that holds the URL of the server, which ends in a database that can be
    /// connected to and whose user may make further ones. None for an engine without a server.
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Engine::Postgres => Some("TEST_POSTGRES_URL"),
            Engine::PgBouncer => Some("TEST_PGBOUNCER_URL"),
            Engine::MariaDb => Some("TEST_MYSQL_URL"),
            Engine::Sqlite => None,
        }
    }
}

/// An empty database that is dropped with this value, together with whoever is still connected.
#[derive(Debug)]
pub struct Database {
    engine: Engine,
    url: String,
    place: Place,
}

impl Database {
    /// Makes an empty database; None when the engine's server is not there, which is announced.
    ///
    /// ```no_run
    /// # use backstitch_tests::servers::{Database, Engine};
    /// # fn test() {
    /// let Some(database) = Database::create(Engine::Postgres) else {
    ///     return;
    /// };
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// When the server is configured but does not work, or is missing although [`TEST_ALL`] is set.
    pub fn create(engine: Engine) -> Option<Database> {
        let Some(variable) = engine.variable() else {
            return Some(Database::in_a_file(engine));
        };
        let Ok(url) = std::env::var(variable) else {
            announce_skip(variable);
            return None;
        };
        let server = ServerUrl::parse(&url);
        let name = unique_name();
        // In one call per engine: PostgreSQL runs CREATE DATABASE only as a message of its own.
        let created = match engine {
            Engine::MariaDb => block_on(mysql(&server, &[format!("CREATE DATABASE {name}")])),
            Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => block_on(postgres(
                &server,
                &[format!("CREATE DATABASE {name} TEMPLATE template0")],
            )),
        };
        if let Err(error) = created {
            panic!("cannot make a database on {variable}={url}: {error}");
        }
        Some(Database {
            engine,
            url: server.with_database(&name).to_string(),
            place: Place::Server { server, name },
        })
    }

    /// Where it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The URL to connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn in_a_file(engine: Engine) -> Database {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("test.db");
        Database {
            engine,
            url: format!("sqlite://{}?mode=rwc", file.display()),
            place: Place::File { _folder: folder },
        }
    }
}

impl Drop for Database {
    /// Best effort: the server is thrown away anyway, and a panic in here would hide the real one.
    fn drop(&mut self) {
        let Place::Server { server, name } = &self.place else {
            return;
        };
        let dropped = match self.engine {
            Engine::MariaDb => block_on(drop_mysql(server, name)),
            Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => block_on(postgres(
                server,
                &[format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")],
            )),
        };
        if let Err(error) = dropped {
            announce(&format!("left database {name} behind: {error}"));
        }
    }
}

/// The roles of a PostgreSQL server, which migrations share with every database on it. One test at
/// a time has them, and those that were made meanwhile go when this does: let it outlive the
/// [`Database`].
#[derive(Debug)]
pub struct Roles {
    server: ServerUrl,
    before: Vec<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Roles {
    /// Waits until nobody else has them. None for other engines, and without the server.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn alone(engine: Engine) -> Option<Roles> {
        static ALONE: Mutex<()> = Mutex::const_new(());
        if engine != Engine::Postgres {
            return None;
        }
        let server = ServerUrl::parse(&std::env::var(engine.variable()?).ok()?);
        let alone = ALONE.lock().await;
        let before = roles(&server).await.expect("the server answers");
        Some(Roles {
            server,
            before,
            _alone: alone,
        })
    }

    async fn take_back(&self) -> sqlx::Result<()> {
        let mut now = roles(&self.server).await?;
        now.retain(|role| !self.before.contains(role));
        let quoted = now.iter().map(|role| role.replace('"', "\"\""));
        let drop: Vec<String> = quoted.map(|role| format!("DROP ROLE \"{role}\"")).collect();
        postgres(&self.server, &drop).await
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        if let Err(error) = block_on(self.take_back()) {
            announce(&format!("left roles behind: {error}"));
        }
    }
}

async fn roles(server: &ServerUrl) -> sqlx::Result<Vec<String>> {
    let mut connection = PgConnection::connect(&server.to_string()).await?;
    let roles = sqlx::query_scalar("SELECT rolname::text FROM pg_roles")
        .fetch_all(&mut connection)
        .await?;
    connection.close().await?;
    Ok(roles)
}

#[derive(Debug)]
enum Place {
    Server { server: ServerUrl, name: String },
    File { _folder: TempDir },
}

/// Runs each statement as a message of its own, on a connection of its own.
async fn postgres(server: &ServerUrl, statements: &[String]) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(&server.to_string()).await?;
    for statement in statements {
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(statement.as_str())))
            .await?;
    }
    connection.close().await
}

async fn mysql(server: &ServerUrl, statements: &[String]) -> sqlx::Result<()> {
    let mut connection = MySqlConnection::connect(&server.to_string()).await?;
    for statement in statements {
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(statement.as_str())))
            .await?;
    }
    connection.close().await
}

/// `DROP DATABASE` has no FORCE here: it waits for whoever has a table of it in use.
async fn drop_mysql(server: &ServerUrl, name: &str) -> sqlx::Result<()> {
    let mut connection = MySqlConnection::connect(&server.to_string()).await?;
    let users: Vec<i64> = sqlx::query_scalar(
        "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?",
    )
    .bind(name)
    .fetch_all(&mut connection)
    .await?;
    for user in users {
        // It may have gone by itself in the meantime.
        let _ = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(format!("KILL {user}"))))
            .await;
    }
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!(
            "SET lock_wait_timeout = 5; DROP DATABASE IF EXISTS {name}"
        ))))
        .await?;
    connection.close().await
}

/// Waits for `work` on a thread with a runtime of its own, so that it can be called from a
/// destructor, and from tests with and without a runtime.
fn block_on(work: impl Future<Output = sqlx::Result<()>> + Send) -> sqlx::Result<()> {
    let wait = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(async {
                tokio::time::timeout(Duration::from_secs(120), work)
                    .await
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            })
    };
    std::thread::scope(|scope| scope.spawn(wait).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Unique among the tests of this program and among programs that run at the same time.
fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    format!("bst_{}_{now}_{number}", std::process::id())
}

fn announce_skip(variable: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let message = format!("{variable} is not set (tests/run starts a server)");
    assert!(
        std::env::var_os(TEST_ALL).is_none(),
        "{TEST_ALL} is set, so all servers must be there, but {message}"
    );
    announce(&format!("skipped {test}: {message}"));
}
