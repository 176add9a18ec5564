//! A password is in no error, no log and no `Debug`, whatever goes wrong.

use backstitch::{Error, Migrations};
use backstitch_tests::servers::Engine;
use backstitch_tests::url::ServerUrl;
use sqlx::{MySql, Postgres};

use crate::ground::{Ground, Product, ask, scenarios, tables};
use crate::telling::Log;

const SECRET: &str = "s3cr3t-pass";

scenarios! {
    servers: [
        no_url_shows_its_password,
        a_wrong_password_is_not_shown,
        a_right_password_is_not_shown,
    ],
}

#[tokio::test]
async fn no_unreachable_host_shows_a_password() {
    let set = tables::<Postgres>(1);
    told_nothing(async |log: &Log| {
        let error = set
            .up(format!("postgres://me:{SECRET}@127.0.0.1:1/x").as_str())
            .await;
        hidden(error.expect_err("nobody listens there"), log)
    })
    .await;
    let set = tables::<MySql>(1);
    told_nothing(async |log: &Log| {
        let error = set
            .up(format!("mysql://me:{SECRET}@127.0.0.1:1/x").as_str())
            .await;
        hidden(error.expect_err("nobody listens there"), log)
    })
    .await;
}

/// Runs something while everything is logged.
async fn told_nothing(run: impl AsyncFnOnce(&Log)) {
    let log = Log::default();
    let listening = log.listen();
    run(&log).await;
    drop(listening);
    assert!(!log.text().contains(SECRET), "{}", log.text());
}

/// The error shows the secret nowhere, down to its last cause.
fn hidden(error: Error, log: &Log) {
    let mut shown = format!(
        "{error}\n{error:?}\n{error:#?}\n{}\n{:?}",
        error.to_ansi_string(),
        error.report()
    );
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        shown += &format!("\n{error}\n{error:?}");
        cause = error.source();
    }
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(!log.text().contains(SECRET), "{}", log.text());
}

async fn no_url_shows_its_password<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    let scheme = ServerUrl::parse(ground.url()).scheme;
    for url in [
        format!("{scheme}://me:{SECRET}@host:notaport/x"),
        format!("{scheme}://me:{SECRET}@"),
        format!("{scheme}:/me:{SECRET}@127.0.0.1:1/x"),
        format!("{scheme}://me:{SECRET}@[::1/x"),
        format!("nonsense://me:{SECRET}@127.0.0.1:1/x"),
        SECRET.to_owned(),
        format!("{scheme}://me:{SECRET}%ZZ@127.0.0.1:1/x"),
        format!("{scheme}://127.0.0.1:1/x?password={SECRET}"),
        format!("{scheme}://127.0.0.1:1/x?user=me&password={SECRET}&ssl-mode=nonsense"),
        format!("{scheme}://me:{SECRET}@127.0.0.1:1/x?sslmode={SECRET}"),
        format!("{scheme}://me:{SECRET}@127.0.0.1:1/x?options[{SECRET}]={SECRET}"),
        format!("{scheme}://me:{SECRET}@no-such-host.invalid/x"),
    ] {
        told_nothing(async |log: &Log| {
            let error = set.up(url.as_str()).await.expect_err(&url);
            hidden(error, log);
            let error = set.status(url.as_str()).await.expect_err(&url);
            hidden(error, log);
        })
        .await;
    }
}

async fn a_wrong_password_is_not_shown<DB: Product>(ground: Ground<DB>) {
    with_a_password(
        &ground,
        |url| format!("{url}-wrong"),
        async |url: &ServerUrl, set: &Migrations<DB>, log: &Log| {
            // Where the server asks for none, everything is well.
            if let Err(error) = set.up(url.to_string().as_str()).await {
                let shown = error.to_string();
                assert!(
                    shown.contains("cannot connect to") && shown.contains("@127.0.0.1"),
                    "{shown}"
                );
                hidden(error, log);
            }
        },
    )
    .await;
}

async fn a_right_password_is_not_shown<DB: Product>(ground: Ground<DB>) {
    with_a_password(
        &ground,
        str::to_owned,
        async |url: &ServerUrl, set: &Migrations<DB>, log: &Log| {
            let url = url.to_string();
            set.up(url.as_str()).await.expect("up works");
            let other = tables::<DB>(0);
            let other = other.migrator().unknown(backstitch::Unknown::Refuse);
            hidden(
                other.up(url.as_str()).await.expect_err("one is unknown"),
                log,
            );
            let bad = crate::ground::migrations::<DB>(&[
                ("0001_t1", crate::ground::File::table("t1")),
                (
                    "0002_bad",
                    crate::ground::File::new("SELECT nonsense", "SELECT 1"),
                ),
            ]);
            hidden(bad.up(url.as_str()).await.expect_err("it is wrong"), log);
            // From a pool as well.
            let options = sqlx::pool::PoolOptions::<DB>::new()
                .connect(&url)
                .await
                .expect("connects");
            hidden(bad.up(&options).await.expect_err("it is wrong"), log);
        },
    )
    .await;
}

/// A user of its own with a password, and the URL with it.
async fn with_a_password<DB: Product>(
    ground: &Ground<DB>,
    password: impl Fn(&str) -> String,
    run: impl AsyncFnOnce(&ServerUrl, &Migrations<DB>, &Log),
) {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let user = format!("secret_{}_{number}", std::process::id());
    let mut connection = ground.connect().await;
    let name = ServerUrl::parse(ground.url()).database;
    let (make, unmake) = match ground.engine() {
        Engine::MariaDb => (
            format!(
                "CREATE USER {user}@'%' IDENTIFIED BY '{SECRET}'; GRANT ALL ON {name}.* TO {user}@'%'"
            ),
            format!("DROP USER {user}@'%'"),
        ),
        Engine::Postgres | Engine::PgBouncer | Engine::Sqlite => (
            format!("CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{SECRET}'"),
            format!("DROP OWNED BY {user} CASCADE; DROP ROLE {user}"),
        ),
    };
    ask::<DB>(&mut connection, &make).await;
    let url = ServerUrl {
        credentials: Some(format!("{user}:{}", password(SECRET))),
        ..ServerUrl::parse(ground.url())
    };
    let set = tables::<DB>(1);
    told_nothing(async |log: &Log| run(&url, &set, log).await).await;
    ask::<DB>(&mut connection, &unmake).await;
}
