//! Histories that sqlx, refinery and Diesel have really made are taken over.
//!
//! Each test lets the tool apply its files to a fresh database, and then asks what would be taken
//! over from there if the files were here as they are, with other line endings, imported, edited.

use backstitch::{
    Adopt, Adoption, Basis, Engine, Error, ErrorKind, Layout, LoadOptions, Migrations,
};
use backstitch_peers::{Folder, crlf, imported, path_of};
use backstitch_tests::servers::{self, Database};
use sqlx::migrate::{Migrate, Migrator};
use sqlx::{Connection, MySql, Postgres, Sqlite};

const USERS: &str = "-- People.\nCREATE TABLE users (\n    id INTEGER PRIMARY KEY\n);\n";
const USERS_DOWN: &str = "DROP TABLE users;";
const ORDERS: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY);";
const ORDERS_DOWN: &str = "DROP TABLE orders;";

fn load<DB: Engine>(folder: &Folder, layout: Layout) -> Migrations<DB> {
    let options = LoadOptions {
        layout,
        ..LoadOptions::default()
    };
    Migrations::load(folder.path(), options).unwrap_or_else(|error| panic!("{error}"))
}

async fn planned<DB: Engine>(
    database: &Database,
    folder: &Folder,
    layout: Layout,
    adopt: Adopt,
) -> Result<Adoption, Error> {
    let migrations = load::<DB>(folder, layout);
    migrations
        .migrator()
        .plan_adopt(database.url(), adopt)
        .await
}

fn bases(adoption: &Adoption) -> Vec<Basis> {
    adoption.adopted.iter().map(|one| one.basis).collect()
}

/// The two migrations as an import writes them.
fn annotated() -> Folder {
    Folder::of(&[
        ("0001_users.sql", &imported("Users", USERS, USERS_DOWN)),
        ("0002_orders.sql", &imported("Orders", ORDERS, ORDERS_DOWN)),
    ])
}

/// What must hold whatever tool it was that keeps checksums: `files` are the names of its files.
async fn texts_are_told_apart<DB: Engine>(
    database: &Database,
    files: [&str; 2],
    layout: Layout,
    adopt: Adopt,
) {
    let [users, orders] = files;
    let same = Folder::of(&[(users, USERS), (orders, ORDERS)]);
    let adoption = planned::<DB>(database, &same, layout, adopt.clone()).await;
    assert_eq!(
        bases(&adoption.expect("the same files")),
        [Basis::File, Basis::File]
    );

    let windows = Folder::of(&[(users, &crlf(USERS)), (orders, ORDERS)]);
    let adoption = planned::<DB>(database, &windows, layout, adopt.clone()).await;
    let adoption = adoption.expect("line endings do not count");
    assert_eq!(bases(&adoption), [Basis::LineEndings, Basis::File]);

    let adoption = planned::<DB>(database, &annotated(), Layout::Annotated, adopt.clone()).await;
    let adoption = adoption.expect("an import keeps the UP as it is");
    assert_eq!(bases(&adoption), [Basis::Section, Basis::Section]);

    // All of an imported file can have come to another system.
    let windows = Folder::of(&[
        (
            "0001_users.sql",
            &crlf(&imported("Users", USERS, USERS_DOWN)),
        ),
        ("0002_orders.sql", &imported("Orders", ORDERS, ORDERS_DOWN)),
    ]);
    let adoption = planned::<DB>(database, &windows, Layout::Annotated, adopt.clone()).await;
    let adoption = adoption.expect("line endings do not count there either");
    assert_eq!(bases(&adoption), [Basis::Section, Basis::Section]);

    for edited in [
        USERS.replace("users", "people"),
        USERS.replace("-- People.", "-- Persons."),
    ] {
        let folder = Folder::of(&[(users, &edited), (orders, ORDERS)]);
        let refused = planned::<DB>(database, &folder, layout, adopt.clone()).await;
        let error = refused.expect_err("it was edited");
        assert_eq!(error.kind(), ErrorKind::Diverged);
        let shown = error.to_string();
        assert!(
            shown.contains("ran another text") && shown.contains(".accept("),
            "{shown}"
        );
        assert_eq!(error.diagnostics().len(), 1, "{shown}");
        let id = error.migration().expect("it is about one").to_owned();
        let accepting = adopt.clone().accept(&id);
        let adoption = planned::<DB>(database, &folder, layout, accepting).await;
        let adoption = adoption.expect("it is accepted by its name");
        assert_eq!(bases(&adoption), [Basis::Accepted, Basis::File]);
    }
    let accepting = adopt.accept("0009_nothing");
    let refused = planned::<DB>(database, &same, layout, accepting).await;
    assert_eq!(refused.expect_err("there is none").kind(), ErrorKind::Usage);
}

/// sqlx applies the files, then everything else happens.
async fn sqlx_on<DB>(server: servers::Engine)
where
    DB: Engine,
    DB::Connection: Migrate,
{
    let Some(database) = Database::create(server) else {
        return;
    };
    let files = ["0001_users.sql", "0002_orders.sql"];
    let folder = Folder::of(&[(files[0], USERS), (files[1], ORDERS)]);
    let migrator = Migrator::new(folder.path()).await.expect("sqlx reads them");
    let mut connection = DB::Connection::connect(database.url())
        .await
        .expect("a connection");
    migrator
        .run_direct(None, &mut connection, false)
        .await
        .expect("sqlx runs them");
    connection.close().await.expect("it closes");

    texts_are_told_apart::<DB>(&database, files, Layout::Sqlx, Adopt::sqlx()).await;

    // And now in earnest, with one more to come.
    let folder = annotated();
    folder.write(
        "0003_bills.sql",
        &imported(
            "Bills",
            "CREATE TABLE bills (id INTEGER);",
            "DROP TABLE bills;",
        ),
    );
    let migrations = load::<DB>(&folder, Layout::Annotated);
    let refused = migrations.up(database.url()).await;
    let error = refused.expect_err("nothing runs a second time");
    assert_eq!(error.kind(), ErrorKind::NotAdopted);
    let adoption = migrations
        .migrator()
        .adopt(database.url(), Adopt::sqlx())
        .await;
    let adoption = adoption.expect("it can be adopted");
    assert_eq!(adoption.pending, ["0003_bills"]);
    assert!(adoption.adopted.iter().all(|one| one.applied_at.is_some()));
    let report = migrations
        .up(database.url())
        .await
        .expect("the third goes up");
    let done: Vec<_> = report.done.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(done, ["0003_bills"]);
    let down = migrations.migrator().force();
    let report = down.down(database.url(), backstitch::Down::All).await;
    assert_eq!(
        report.expect("what was adopted has a way back").done.len(),
        3
    );
}

#[tokio::test]
async fn sqlx_on_postgres() {
    sqlx_on::<Postgres>(servers::Engine::Postgres).await;
}

#[tokio::test]
async fn sqlx_on_mariadb() {
    sqlx_on::<MySql>(servers::Engine::MariaDb).await;
}

#[tokio::test]
async fn sqlx_on_sqlite() {
    sqlx_on::<Sqlite>(servers::Engine::Sqlite).await;
}

/// On MariaDB sqlx leaves a row with `success = false` behind a failure.
#[tokio::test]
async fn what_sqlx_left_half_done_is_not_taken_over() {
    let Some(database) = Database::create(servers::Engine::MariaDb) else {
        return;
    };
    let broken = format!("{ORDERS}\nCREATE TABLE orders (id INTEGER);\n");
    let files = [("0001_users.sql", USERS), ("0002_orders.sql", &broken)];
    let folder = Folder::of(&files);
    let migrator = Migrator::new(folder.path()).await.expect("sqlx reads them");
    let mut connection = sqlx::MySqlConnection::connect(database.url())
        .await
        .expect("a connection");
    migrator
        .run_direct(None, &mut connection, false)
        .await
        .expect_err("it fails in the middle");
    connection.close().await.expect("it closes");
    let refused = planned::<MySql>(&database, &folder, Layout::Sqlx, Adopt::sqlx()).await;
    let error = refused.expect_err("one is half done");
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    assert_eq!(error.migration(), Some("0002_orders"));
    let shown = error.to_string();
    assert!(shown.contains("sqlx left version 2 half done"), "{shown}");
}

const REFINERY: [&str; 2] = ["V1__users.sql", "V2__orders.sql"];

fn refinery_runner() -> refinery::Runner {
    let folder = Folder::of(&[(REFINERY[0], USERS), (REFINERY[1], ORDERS)]);
    let migrations = refinery::load_sql_migrations(folder.path()).expect("refinery reads them");
    refinery::Runner::new(&migrations)
}

#[tokio::test]
async fn refinery_on_sqlite() {
    let database = Database::create(servers::Engine::Sqlite).expect("SQLite is always there");
    let mut connection = rusqlite::Connection::open(path_of(database.url())).expect("it opens");
    refinery_runner()
        .run(&mut connection)
        .expect("refinery runs them");
    drop(connection);
    let adopt = Adopt::refinery();
    texts_are_told_apart::<Sqlite>(&database, REFINERY, Layout::Refinery, adopt).await;
}

#[tokio::test]
async fn refinery_on_postgres() {
    let Some(database) = Database::create(servers::Engine::Postgres) else {
        return;
    };
    let connected = tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await;
    let (mut client, connection) = connected.expect("a connection");
    let connection = tokio::spawn(connection);
    refinery_runner()
        .run_async(&mut client)
        .await
        .expect("refinery runs them");
    drop(client);
    connection.await.expect("it ends").expect("well");
    let adopt = Adopt::refinery();
    texts_are_told_apart::<Postgres>(&database, REFINERY, Layout::Refinery, adopt).await;
}

#[tokio::test]
async fn diesel_on_sqlite() {
    use diesel::Connection as _;
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};

    let database = Database::create(servers::Engine::Sqlite).expect("SQLite is always there");
    let folder = Folder::of(&[
        ("2026-01-05-100000_users/up.sql", USERS),
        ("2026-01-05-100000_users/down.sql", USERS_DOWN),
        ("2026-01-06-100000_orders/up.sql", ORDERS),
        ("2026-01-06-100000_orders/down.sql", ORDERS_DOWN),
    ]);
    let migrations = FileBasedMigrations::from_path(folder.path()).expect("Diesel reads them");
    let connection = diesel::SqliteConnection::establish(path_of(database.url()));
    let mut connection = connection.expect("it opens");
    connection
        .run_pending_migrations(migrations)
        .expect("Diesel runs them");
    drop(connection);

    let adoption = planned::<Sqlite>(&database, &folder, Layout::Diesel, Adopt::diesel()).await;
    assert_eq!(
        bases(&adoption.expect("they fit")),
        [Basis::Version, Basis::Version]
    );

    let folder = Folder::of(&[
        (
            "20260105100000_users.sql",
            &imported("Users", USERS, USERS_DOWN),
        ),
        (
            "20260106100000_orders.sql",
            &imported("Orders", ORDERS, ORDERS_DOWN),
        ),
        (
            "20260107100000_more.sql",
            &imported("More", "CREATE TABLE more (id);", "DROP TABLE more;"),
        ),
    ]);
    let migrations = load::<Sqlite>(&folder, Layout::Annotated);
    let adoption = migrations
        .migrator()
        .adopt(database.url(), Adopt::diesel())
        .await;
    let adoption = adoption.expect("they fit");
    assert_eq!(bases(&adoption), [Basis::Version, Basis::Version]);
    assert_eq!(adoption.pending, ["20260107100000_more"]);
    assert_eq!(
        migrations
            .up(database.url())
            .await
            .expect("up works")
            .done
            .len(),
        1
    );
}
