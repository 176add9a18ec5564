//! How each tool applies the migrations of a project: the crates by themselves, the other three as
//! the real programs have done it.
//!
//! What dbmate, goose and golang-migrate leave is recorded in `left`, from runs of the programs over
//! this very shop. With `DBMATE`, `GOOSE` or `MIGRATE` in the environment, that program is called
//! instead: that is how a record is checked.

use std::env;
use std::path::Path;
use std::process::Command;

use backstitch::Tool;
use backstitch_peers::path_of;
use backstitch_tests::servers::Engine;
use backstitch_tests::url::ServerUrl;
use diesel::Connection as _;
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncMysqlConnection, AsyncPgConnection,
};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use sqlx::Connection as _;
use sqlx::migrate::{Migrate, Migrator};

use crate::place::{Place, wait};
use crate::shop::Step;

/// Applies `migrations` of the project.
pub(crate) fn apply(tool: Tool, place: &Place, steps: &[Step]) {
    let folder = place.folder().join("migrations");
    match tool {
        Tool::Sqlx => wait(by_sqlx(&folder, place)),
        Tool::Refinery => refinery(place).expect("refinery applies"),
        Tool::Diesel => wait(by_diesel(&folder, place)),
        Tool::Dbmate => by_program(tool, "DBMATE", place, steps),
        Tool::Goose => by_program(tool, "GOOSE", place, steps),
        Tool::GolangMigrate => by_program(tool, "MIGRATE", place, steps),
        _ => panic!("{tool} is new here"),
    }
}

async fn by_sqlx(folder: &Path, place: &Place) {
    async fn run<DB: sqlx::Database>(migrator: &Migrator, url: &str)
    where
        DB::Connection: Migrate,
    {
        let mut connection = DB::Connection::connect(url).await.expect("reachable");
        let ran = migrator.run_direct(None, &mut connection, false).await;
        ran.expect("sqlx applies");
        connection.close().await.expect("it closes");
    }
    let migrator = Migrator::new(folder).await.expect("sqlx reads its folder");
    match place.engine() {
        Engine::Postgres | Engine::PgBouncer => {
            run::<sqlx::Postgres>(&migrator, place.url()).await;
        }
        Engine::MariaDb => run::<sqlx::MySql>(&migrator, place.url()).await,
        Engine::Sqlite => run::<sqlx::Sqlite>(&migrator, place.url()).await,
    }
}

/// Whether refinery could apply `migrations` of the project.
pub(crate) fn refinery(place: &Place) -> Result<(), refinery::Error> {
    let folder = place.folder().join("migrations");
    let migrations = refinery::load_sql_migrations(folder).expect("refinery reads its folder");
    let runner = refinery::Runner::new(&migrations);
    wait(async {
        let ran = match place.engine() {
            Engine::Postgres | Engine::PgBouncer => {
                let connected = tokio_postgres::connect(place.url(), tokio_postgres::NoTls).await;
                let (mut client, connection) = connected.expect("reachable");
                let connection = tokio::spawn(connection);
                let ran = runner.run_async(&mut client).await;
                drop(client);
                connection.await.expect("it ends").expect("well");
                ran
            }
            Engine::MariaDb => {
                let mut pool = mysql_async::Pool::new(place.url());
                let ran = runner.run_async(&mut pool).await;
                pool.disconnect().await.expect("it closes");
                ran
            }
            Engine::Sqlite => {
                let connection = rusqlite::Connection::open(path_of(place.url()));
                runner.run(&mut connection.expect("it opens"))
            }
        };
        ran.map(drop)
    })
}

async fn by_diesel(folder: &Path, place: &Place) {
    let migrations = FileBasedMigrations::from_path(folder).expect("Diesel reads its folder");
    let url = place.url();
    match place.engine() {
        Engine::Postgres | Engine::PgBouncer => {
            let connection = AsyncPgConnection::establish(url).await.expect("reachable");
            let mut harness = AsyncMigrationHarness::new(connection);
            harness
                .run_pending_migrations(migrations)
                .expect("Diesel applies");
        }
        Engine::MariaDb => {
            let connection = AsyncMysqlConnection::establish(url)
                .await
                .expect("reachable");
            let mut harness = AsyncMigrationHarness::new(connection);
            harness
                .run_pending_migrations(migrations)
                .expect("Diesel applies");
        }
        Engine::Sqlite => {
            let connection = diesel::SqliteConnection::establish(path_of(url));
            let mut connection = connection.expect("it opens");
            connection
                .run_pending_migrations(migrations)
                .expect("Diesel applies");
        }
    }
}

fn by_program(tool: Tool, variable: &str, place: &Place, steps: &[Step]) {
    match env::var(variable) {
        Ok(program) => called(tool, &program, place),
        Err(_) => {
            // Each UP in one message, as these programs send it.
            for step in steps {
                place.sql(&step.up);
            }
            place.sql(left(tool, place.engine()));
        }
    }
}

/// The table that the program has left behind, with its rows.
fn left(tool: Tool, engine: Engine) -> &'static str {
    match (tool, engine) {
        (Tool::Dbmate, Engine::Postgres) => include_str!("left/dbmate.postgres.sql"),
        (Tool::Dbmate, Engine::MariaDb) => include_str!("left/dbmate.mariadb.sql"),
        (Tool::Dbmate, Engine::Sqlite) => include_str!("left/dbmate.sqlite.sql"),
        (Tool::Goose, Engine::Postgres) => include_str!("left/goose.postgres.sql"),
        (Tool::Goose, Engine::MariaDb) => include_str!("left/goose.mariadb.sql"),
        (Tool::Goose, Engine::Sqlite) => include_str!("left/goose.sqlite.sql"),
        (Tool::GolangMigrate, Engine::Postgres) => {
            include_str!("left/golang-migrate.postgres.sql")
        }
        (Tool::GolangMigrate, Engine::MariaDb) => include_str!("left/golang-migrate.mariadb.sql"),
        (Tool::GolangMigrate, Engine::Sqlite) => include_str!("left/golang-migrate.sqlite.sql"),
        _ => panic!("{tool} on {engine:?} is applied by itself"),
    }
}

/// Calls the program as people do.
fn called(tool: Tool, program: &str, place: &Place) {
    let url = place.url();
    // Drivers of Go have URLs of their own.
    let of_go = |end: &str| {
        let server = ServerUrl::parse(url);
        let (who, host) = (server.credentials.unwrap_or_default(), server.host);
        format!(
            "{who}@tcp({host}:{})/{}?{end}",
            server.port, server.database
        )
    };
    let words: Vec<String> = match (tool, place.engine()) {
        (Tool::Dbmate, engine) => {
            let url = match engine {
                Engine::Sqlite => format!("sqlite:{}", path_of(url)),
                Engine::Postgres => format!("{url}?sslmode=disable"),
                _ => url.to_owned(),
            };
            let words = [
                "--migrations-dir",
                "migrations",
                "--no-dump-schema",
                "--url",
            ];
            let words = words.map(str::to_owned).into_iter();
            words.chain([url, "migrate".to_owned()]).collect()
        }
        (Tool::Goose, engine) => {
            let (driver, url) = match engine {
                Engine::Postgres => ("postgres", format!("{url}?sslmode=disable")),
                Engine::MariaDb => ("mysql", of_go("parseTime=true&multiStatements=true")),
                _ => ("sqlite3", path_of(url).to_owned()),
            };
            let words = ["-dir", "migrations", driver, &url, "up"];
            words.map(str::to_owned).into()
        }
        (_, engine) => {
            let url = match engine {
                Engine::Postgres => format!("{url}?sslmode=disable"),
                Engine::MariaDb => format!("mysql://{}", of_go("multiStatements=true")),
                _ => format!("sqlite3://{}", path_of(url)),
            };
            let words = ["-path", "migrations", "-database", &url, "up"];
            words.map(str::to_owned).into()
        }
    };
    let mut command = Command::new(program);
    command.args(words).current_dir(place.folder());
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}\n{output:#?}");
}
