//! The migrations of the to-do app: they keep what they promise about data.

use backstitch::testing::prove;
use backstitch::{Connect, Down, LoadOptions, Migrations};
use backstitch_tests::servers::{Database, Engine};
use sqlx::{Connection, Executor, PgConnection, Postgres, Row, Sqlite, SqliteConnection};

use crate::program::migrations;

const USERS: &str = "
    INSERT INTO users (email, display_name) VALUES
      ('Ada@Example.org', 'Ada'), ('bob@example.org', 'Bob'), ('CY@example.org', 'Cy');
    INSERT INTO lists (owner_id, name) SELECT id, 'Inbox' FROM users;
    INSERT INTO todos (list_id, title) SELECT id, 'Answer letters' FROM lists";

/// Goes through the two migrations of e-mails with rows in the tables, and back again. On SQLite
/// the second of them drops the table of the users, which must not take the lists along.
#[tokio::test]
async fn e_mails_get_their_spelling_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        up_to(&database, Some("0007_soft_delete")).await;
        run(&database, USERS).await;
        up_to(&database, None).await;
        let all = "SELECT email FROM users ORDER BY display_name";
        assert_eq!(
            texts(&database, all).await,
            ["ada@example.org", "bob@example.org", "cy@example.org"],
            "{engine:?}"
        );
        let open = texts(&database, "SELECT title FROM open_todos").await;
        assert_eq!(open, ["Answer letters"; 3], "{engine:?}");

        // Who has a new address keeps it.
        run(
            &database,
            "UPDATE users SET email = 'cyril@example.org' WHERE display_name = 'Cy'",
        )
        .await;
        down_to(&database, "0007_soft_delete").await;
        assert_eq!(
            texts(&database, all).await,
            ["Ada@Example.org", "bob@example.org", "cyril@example.org"],
            "{engine:?}"
        );
        let left = texts(&database, "SELECT title FROM todos").await;
        assert_eq!(left, ["Answer letters"; 3], "{engine:?}");
        up_to(&database, None).await;
    }
}

/// Two users that the lower case would make one: the check says who, and nothing is changed.
#[tokio::test]
async fn e_mails_that_would_clash_are_named() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        up_to(&database, Some("0007_soft_delete")).await;
        let twice =
            "INSERT INTO users (email, display_name) VALUES ('a@b.org', 'A'), ('A@b.org', 'A')";
        run(&database, twice).await;
        let error = match engine {
            Engine::Sqlite => on::<Sqlite>(engine).up(database.url()).await,
            Engine::Postgres | Engine::PgBouncer | Engine::MariaDb => {
                on::<Postgres>(engine).up(database.url()).await
            }
        };
        let error = error.expect_err("the check finds them");
        assert_eq!(
            error.kind(),
            backstitch::ErrorKind::Check,
            "{engine:?}: {error}"
        );
        let told = error.to_string();
        assert!(
            told.contains("no two users differ only in the case"),
            "{engine:?}: {told}"
        );
        assert!(
            told.contains("email = a@b.org, users = 2"),
            "{engine:?}: {told}"
        );
        let emails = texts(&database, "SELECT email FROM users ORDER BY id").await;
        assert_eq!(emails, ["a@b.org", "A@b.org"], "{engine:?}");
    }
}

/// Each gives back the schema that it found, and the whole goes back to the very beginning.
#[tokio::test]
async fn all_of_them_go_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let proof = match engine {
            Engine::Sqlite => prove(&on::<Sqlite>(engine), database.url()).await,
            Engine::Postgres | Engine::PgBouncer | Engine::MariaDb => {
                prove(&on::<Postgres>(engine), database.url()).await
            }
        };
        if let Err(broken) = proof {
            panic!("{engine:?}: {broken}");
        }
        up_to(&database, None).await;
        match engine {
            Engine::Sqlite => down(&on::<Sqlite>(engine), database.url(), Down::All).await,
            Engine::Postgres | Engine::PgBouncer | Engine::MariaDb => {
                down(&on::<Postgres>(engine), database.url(), Down::All).await;
            }
        }
        up_to(&database, None).await;
    }
}

fn on<DB: backstitch::Engine>(engine: Engine) -> Migrations<DB> {
    let loaded = Migrations::load(migrations(engine), LoadOptions::default());
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

async fn up_to(database: &Database, target: Option<&str>) {
    match database.engine() {
        Engine::Sqlite => up(&on::<Sqlite>(Engine::Sqlite), database.url(), target).await,
        engine => up(&on::<Postgres>(engine), database.url(), target).await,
    }
}

async fn down_to(database: &Database, target: &str) {
    let to = Down::To(target.to_owned());
    match database.engine() {
        Engine::Sqlite => down(&on::<Sqlite>(Engine::Sqlite), database.url(), to).await,
        engine => down(&on::<Postgres>(engine), database.url(), to).await,
    }
}

async fn up<'c, DB: backstitch::Engine>(
    migrations: &Migrations<DB>,
    database: impl Connect<'c, DB>,
    target: Option<&str>,
) {
    let mut migrator = migrations.migrator();
    if let Some(target) = target {
        migrator = migrator.target(target).expect("there is such a migration");
    }
    let result = migrator.up(database).await;
    result.unwrap_or_else(|error| panic!("{error}"));
}

async fn down<'c, DB: backstitch::Engine>(
    migrations: &Migrations<DB>,
    database: impl Connect<'c, DB>,
    down: Down,
) {
    let result = migrations.migrator().force().down(database, down).await;
    result.unwrap_or_else(|error| panic!("{error}"));
}

async fn run(database: &Database, sql: &'static str) {
    let (url, sql) = (database.url(), sqlx::raw_sql(sql));
    match database.engine() {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.expect("it is there");
            connection.execute(sql).await.expect("it works");
        }
        Engine::Postgres | Engine::PgBouncer | Engine::MariaDb => {
            let mut connection = PgConnection::connect(url).await.expect("it is there");
            connection.execute(sql).await.expect("it works");
        }
    }
}

/// The first column of all rows.
async fn texts(database: &Database, sql: &'static str) -> Vec<String> {
    let url = database.url();
    match database.engine() {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.expect("it is there");
            let rows = connection.fetch_all(sql).await.expect("it works");
            rows.iter().map(|row| row.get(0)).collect()
        }
        Engine::Postgres | Engine::PgBouncer | Engine::MariaDb => {
            let mut connection = PgConnection::connect(url).await.expect("it is there");
            let rows = connection.fetch_all(sql).await.expect("it works");
            rows.iter().map(|row| row.get(0)).collect()
        }
    }
}
