//! Each test gets a database of its own, and leaves nothing behind.

use backstitch_tests::servers::{Database, Engine};
use backstitch_tests::url::ServerUrl;
use sqlx::{Connection, Executor, MySqlConnection, PgConnection, SqliteConnection};

#[tokio::test]
async fn two_databases_of_a_server_do_not_see_each_other() {
    for engine in Engine::ALL {
        let (Some(one), Some(two)) = (Database::create(engine), Database::create(engine)) else {
            continue;
        };
        for database in [&one, &two] {
            let created = run(database, "CREATE TABLE t (id INT)").await;
            created.unwrap_or_else(|error| panic!("{engine:?}: {error}"));
        }
    }
}

#[tokio::test]
async fn a_database_goes_although_somebody_is_connected() {
    for engine in [Engine::Postgres, Engine::PgBouncer] {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let url = database.url().to_owned();
        let mut busy = PgConnection::connect(&url).await.expect("it is there");
        busy.execute("BEGIN; CREATE TABLE t (id INT)")
            .await
            .expect("it works");
        drop(database);
        // Asked from next door: pgbouncer takes everybody in, whatever database they want.
        let name = ServerUrl::parse(&url).database;
        let other = Database::create(engine).expect("the server is there");
        let mut other = PgConnection::connect(other.url())
            .await
            .expect("it is there");
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(&name)
            .persistent(false)
            .fetch_one(&mut other)
            .await
            .expect("it works");
        assert_eq!(left, 0, "{engine:?}: {name} is still there");
    }
    if let Some(database) = Database::create(Engine::MariaDb) {
        let url = database.url().to_owned();
        let mut busy = MySqlConnection::connect(&url).await.expect("it is there");
        busy.execute(sqlx::raw_sql(
            "CREATE TABLE t (id INT); BEGIN; INSERT INTO t VALUES (1)",
        ))
        .await
        .expect("it works");
        drop(database);
        let again = MySqlConnection::connect(&url).await;
        assert!(again.is_err(), "{url} is still there");
    }
}

async fn run(database: &Database, sql: &'static str) -> sqlx::Result<()> {
    let (url, sql) = (database.url(), sqlx::raw_sql(sql));
    match database.engine() {
        Engine::Postgres | Engine::PgBouncer => {
            PgConnection::connect(url).await?.execute(sql).await?;
        }
        Engine::MariaDb => {
            MySqlConnection::connect(url).await?.execute(sql).await?;
        }
        Engine::Sqlite => {
            SqliteConnection::connect(url).await?.execute(sql).await?;
        }
    }
    Ok(())
}
