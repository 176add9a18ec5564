//! What the scenarios stand on: a database of their own, and migrations written as text.
//!
//! A scenario is one function for all engines; `scenarios!` makes a test of it for each. What
//! differs between the engines in what can be expected is a question to [`Product`].

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use backstitch::{Engine, Error, LoadOptions, Migrations, Report};
use backstitch_tests::servers::{self, Database};
use sqlx::{AssertSqlSafe, Connection, Executor, MySql, Pool, Postgres, Row, Sqlite, ValueRef};
use tempfile::TempDir;

/// Makes tests of scenarios: `everywhere` for each engine, the others where their name says. A
/// scenario takes the [`Ground`] that it stands on.
macro_rules! scenarios {
    (
        $(everywhere: [$($everywhere:ident),* $(,)?],)?
        $(servers: [$($servers:ident),* $(,)?],)?
        $(postgres: [$($postgres:ident),* $(,)?],)?
        $(mariadb: [$($mariadb:ident),* $(,)?],)?
        $(sqlite: [$($sqlite:ident),* $(,)?],)?
    ) => {
        #[allow(
            unused_imports,
            dead_code,
            reason = "not every list has something for every engine"
        )]
        mod postgres {
            use crate::ground::scenario;
            $($(scenario!($everywhere);)*)?
            $($(scenario!($servers);)*)?
            $($(scenario!($postgres);)*)?
            type Engine = sqlx::Postgres;
        }
        #[allow(unused_imports, dead_code, reason = "as above")]
        mod mariadb {
            use crate::ground::scenario;
            $($(scenario!($everywhere);)*)?
            $($(scenario!($servers);)*)?
            $($(scenario!($mariadb);)*)?
            type Engine = sqlx::MySql;
        }
        #[allow(unused_imports, dead_code, reason = "as above")]
        mod sqlite {
            use crate::ground::scenario;
            $($(scenario!($everywhere);)*)?
            $($(scenario!($sqlite);)*)?
            type Engine = sqlx::Sqlite;
        }
    };
}

/// One test of a scenario, for the `Engine` of the module it stands in.
macro_rules! scenario {
    ($scenario:ident) => {
        #[tokio::test]
        async fn $scenario() {
            if let Some(ground) = $crate::ground::Ground::<Engine>::new() {
                super::$scenario(ground).await;
            }
        }
    };
}

pub(crate) use {scenario, scenarios};

impl Ground<MySql> {
    /// Whether the server of `TEST_MYSQL_URL` is a MariaDB, and not a MySQL.
    pub(crate) async fn is_maria(&self) -> bool {
        self.value("SELECT VERSION()").await.contains("MariaDB")
    }
}

/// Rows as text; NULL is `NULL`.
pub(crate) type Rows = Vec<Vec<String>>;

/// An engine, and what can be expected of it.
pub(crate) trait Product: Engine {
    /// Where its databases come from.
    const SERVER: servers::Engine;
    /// Whether a rollback takes DDL back.
    const DDL_ROLLS_BACK: bool;

    /// A statement that takes as many tenths of a second as the table `naps` says.
    const NAP: &str;

    /// Runs statements and returns the rows of all of them.
    fn ask(
        connection: &mut Self::Connection,
        sql: &str,
    ) -> impl Future<Output = sqlx::Result<Rows>>;

    /// Applies what is pending on a borrowed connection.
    fn up_on(
        migrations: &Migrations<Self>,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Report, Error>>;
}

macro_rules! product {
    ($engine:ident, $server:ident, ddl_rolls_back: $rolls_back:literal, nap: $nap:literal, $text_of:expr) => {
        impl Product for $engine {
            const SERVER: servers::Engine = servers::Engine::$server;
            const DDL_ROLLS_BACK: bool = $rolls_back;

            const NAP: &str = $nap;

            async fn ask(connection: &mut Self::Connection, sql: &str) -> sqlx::Result<Rows> {
                let query = sqlx::raw_sql(AssertSqlSafe(sql));
                let rows = connection.fetch_all(query).await?;
                let cells = rows.iter().map(|row| {
                    let cells = (0..row.len()).map(|index| {
                        let is_null = row.try_get_raw(index).is_ok_and(|value| value.is_null());
                        if is_null {
                            "NULL".to_owned()
                        } else {
                            $text_of(row, index)
                        }
                    });
                    cells.collect()
                });
                Ok(cells.collect())
            }

            async fn up_on(
                migrations: &Migrations<Self>,
                connection: &mut Self::Connection,
            ) -> Result<Report, Error> {
                migrations.up(connection).await
            }
        }
    };
}

product!(Postgres, Postgres, ddl_rolls_back: true,
    nap: "SELECT pg_sleep(0.1 * tenths) FROM naps",
    |row: &sqlx::postgres::PgRow, index| {
    let value = row.try_get_raw(index).expect("it is there");
    value.as_str().expect("simple queries answer in text").to_owned()
});
product!(MySql, MariaDb, ddl_rolls_back: false,
    nap: "SELECT SLEEP(0.1 * tenths) FROM naps",
    |row: &sqlx::mysql::MySqlRow, index| {
    let bytes: Vec<u8> = row.try_get_unchecked(index).expect("simple queries answer in text");
    String::from_utf8_lossy(&bytes).into_owned()
});
// It cannot sleep, so it counts.
product!(Sqlite, Sqlite, ddl_rolls_back: true,
    nap: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
          WHERE i < 100000 * (SELECT tenths FROM naps)) SELECT count(*) FROM n",
    |row: &sqlx::sqlite::SqliteRow, index| {
    let text: String = row.try_get_unchecked(index).expect("SQLite converts everything to text");
    text
});

/// A database of its own.
pub(crate) struct Ground<DB> {
    place: Place,
    engine: std::marker::PhantomData<DB>,
}

enum Place {
    /// On a server that is shared, dropped with this value.
    Shared(Database),
    /// On a server of the test's own: a URL.
    Own(String),
}

impl<DB: Product> Ground<DB> {
    /// None when the server is not there, which is announced.
    pub(crate) fn new() -> Option<Ground<DB>> {
        Ground::on(DB::SERVER)
    }

    /// On another server for the same engine.
    pub(crate) fn on(server: servers::Engine) -> Option<Ground<DB>> {
        Some(Ground {
            place: Place::Shared(Database::create(server)?),
            engine: std::marker::PhantomData,
        })
    }

    /// On a server of the test's own.
    #[allow(dead_code, reason = "the tests of faults have such servers")]
    pub(crate) fn at(url: String) -> Ground<DB> {
        Ground {
            place: Place::Own(url),
            engine: std::marker::PhantomData,
        }
    }

    pub(crate) fn engine(&self) -> servers::Engine {
        match &self.place {
            Place::Shared(database) => database.engine(),
            Place::Own(_) => DB::SERVER,
        }
    }

    pub(crate) fn url(&self) -> &str {
        match &self.place {
            Place::Shared(database) => database.url(),
            Place::Own(url) => url,
        }
    }

    pub(crate) async fn connect(&self) -> DB::Connection {
        let connected = DB::Connection::connect(self.url()).await;
        connected.unwrap_or_else(|error| panic!("cannot connect to {}: {error}", self.url()))
    }

    pub(crate) async fn pool(&self, connections: u32) -> Pool<DB> {
        let options = sqlx::pool::PoolOptions::new().max_connections(connections);
        let connected = options.connect(self.url()).await;
        connected.unwrap_or_else(|error| panic!("cannot connect to {}: {error}", self.url()))
    }

    /// Runs statements on a connection of its own.
    pub(crate) async fn ask(&self, sql: &str) -> Rows {
        let mut connection = self.connect().await;
        let rows = ask::<DB>(&mut connection, sql).await;
        connection.close().await.expect("it closes");
        rows
    }

    /// The first value of the first row.
    pub(crate) async fn value(&self, sql: &str) -> String {
        let rows = self.ask(sql).await;
        let value = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next());
        value.unwrap_or_else(|| panic!("no row: {sql}"))
    }

    /// Whether there is such a table.
    pub(crate) async fn has(&self, table: &str) -> bool {
        let mut connection = self.connect().await;
        DB::ask(
            &mut connection,
            &format!("SELECT 1 FROM {table} WHERE 1 = 0"),
        )
        .await
        .is_ok()
    }

    /// `id state statements_done/statements` of each row of the history, the newest last.
    pub(crate) async fn history(&self) -> Vec<String> {
        let rows = self
            .ask("SELECT id, state, statements_done, statements FROM __migrations__ ORDER BY seq")
            .await;
        let lines = rows
            .iter()
            .map(|row| format!("{} {} {}/{}", row[0], row[1], row[2], row[3]));
        lines.collect()
    }
}

/// Runs statements that must work.
pub(crate) async fn ask<DB: Product>(connection: &mut DB::Connection, sql: &str) -> Rows {
    let rows = DB::ask(connection, sql).await;
    rows.unwrap_or_else(|error| panic!("{sql}\n{error}"))
}

/// The program that applies the migrations of a folder, see `src/bin/migrate.rs`.
pub(crate) fn program(url: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
    command.arg(url).arg(folder);
    command
}

/// Looks again and again, until it is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it never came to this: {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The text of a migration.
#[derive(Clone, Debug)]
pub(crate) struct File {
    head: Vec<String>,
    before: String,
    up: String,
    after: String,
    down: String,
}

impl File {
    pub(crate) fn new(up: &str, down: &str) -> File {
        let head = [
            "-- @name: A test",
            "-- @description: What a test needs.",
            "-- @timestamp: 2026-01-05T10:00:00Z",
            "-- @rollbackSafe: true",
        ];
        File {
            head: head.map(str::to_owned).into(),
            before: String::new(),
            up: up.to_owned(),
            after: String::new(),
            down: format!("\n-- DOWN MIGRATION\n{down};\n"),
        }
    }

    /// A table and its end.
    pub(crate) fn table(name: &str) -> File {
        File::new(
            &format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY)"),
            &format!("DROP TABLE {name}"),
        )
    }

    /// With an annotation, in the place of one with the same key.
    pub(crate) fn with(mut self, annotation: &str) -> File {
        let line = format!("-- {annotation}");
        let key = line.split_inclusive(':').next().unwrap_or_default();
        self.head.retain(|other| !other.starts_with(key));
        self.head.push(line);
        self
    }

    /// Without a way back.
    pub(crate) fn irreversible(mut self, reason: &str) -> File {
        self.down.clear();
        self.with("@rollbackSafe: false")
            .with(&format!("@irreversible: {reason}"))
    }

    pub(crate) fn before(mut self, title: &str, query: &str) -> File {
        self.before += &format!("\n-- CHECK BEFORE: {title}\n{query};\n");
        self
    }

    pub(crate) fn after(mut self, title: &str, query: &str) -> File {
        self.after += &format!("\n-- CHECK AFTER: {title}\n{query};\n");
        self
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{}\n{}\n-- UP MIGRATION\n{};\n{}{}",
            self.head.join("\n"),
            self.before,
            self.up,
            self.after,
            self.down
        )
    }
}

/// A folder of migrations.
pub(crate) struct Folder {
    dir: TempDir,
}

impl Folder {
    pub(crate) fn of(files: &[(&str, File)]) -> Folder {
        let folder = Folder {
            dir: tempfile::tempdir().expect("a temporary folder can be made"),
        };
        for (id, file) in files {
            folder.write(&format!("{id}.sql"), &file.text());
        }
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file can be written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn load<DB: Product>(&self) -> Migrations<DB> {
        load(self.path(), LoadOptions::default())
    }
}

/// Reads a folder that must be right.
pub(crate) fn load<DB: Product>(dir: &Path, options: LoadOptions) -> Migrations<DB> {
    Migrations::load(dir, options).unwrap_or_else(|error| panic!("{error}"))
}

/// Migrations from the texts of their files.
pub(crate) fn migrations<DB: Product>(files: &[(&str, File)]) -> Migrations<DB> {
    Folder::of(files).load()
}

/// So many migrations, each of which makes a table: `t1`, `t2` …
pub(crate) fn tables<DB: Product>(count: usize) -> Migrations<DB> {
    let files: Vec<_> = (1..=count)
        .map(|n| (format!("{n:04}_t{n}"), File::table(&format!("t{n}"))))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(id, file)| (id.as_str(), file.clone()))
        .collect();
    migrations(&files)
}
