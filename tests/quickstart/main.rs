//! The example that newcomers run first, as they run it, and what the README says about it.

mod http;
mod migrations;
mod program;
mod readme;

use std::time::Duration;

use backstitch::{Down, LoadOptions, Migrations};
use backstitch_tests::process::Process;
use backstitch_tests::servers::{Database, Engine};
use serde_json::json;
use sqlx::{Postgres, Sqlite};

use http::{delete, get, patch, post};
use program::{quickstart, ran};

/// The engines that it runs on, each with how many migrations it has there.
const ENGINES: [(Engine, usize); 2] = [(Engine::Sqlite, 11), (Engine::Postgres, 12)];

#[test]
fn the_first_start_applies_and_the_second_is_up_to_date() {
    for (engine, count) in ENGINES {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let first = ran(&database, &["--once"]);
        assert_eq!(first.code, Some(0), "{engine:?}: {first:?}");
        let applied = first
            .stdout
            .lines()
            .filter(|line| line.starts_with("applied 00"));
        assert_eq!(applied.count(), count, "{engine:?}: {first:?}");
        let last = format!("{count} migrations applied in ");
        assert!(first.stdout.contains(&last), "{engine:?}: {first:?}");

        let second = ran(&database, &["--once"]);
        assert_eq!(second.code, Some(0), "{engine:?}: {second:?}");
        let all = format!("up to date ({count} migrations, checked in ");
        assert!(second.stdout.starts_with(&all), "{engine:?}: {second:?}");
        assert_eq!(second.stdout.lines().count(), 1, "{engine:?}: {second:?}");
    }
}

#[test]
fn to_dos_are_kept() {
    for (engine, _) in ENGINES {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let service = Service::start(&database);
        let address = &service.address;

        let milk = json!({ "title": "Buy milk", "notes": "two litres", "priority": 1 });
        let (status, milk) = post(address, "/todos", &milk);
        assert_eq!(
            (status, &milk["title"]),
            (201, &json!("Buy milk")),
            "{engine:?}: {milk}"
        );
        let due = json!({ "title": "Water the plants", "due_at": "2026-03-01T10:00:00+02:00" });
        let (status, plants) = post(address, "/todos", &due);
        assert_eq!(status, 201, "{engine:?}: {plants}");
        assert_eq!(
            plants["due_at"],
            json!("2026-03-01T08:00:00Z"),
            "{engine:?}"
        );
        let (status, refused) = post(address, "/todos", &json!({ "title": " " }));
        assert_eq!(status, 422, "{engine:?}: {refused}");

        let titles = |query: &str| {
            let (status, found) = get(address, &format!("/todos{query}"));
            assert_eq!(status, 200, "{engine:?}: {found}");
            let todos = found.as_array().expect("a list").clone();
            todos
                .iter()
                .map(|todo| todo["title"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(titles(""), ["Buy milk", "Water the plants"], "{engine:?}");
        assert_eq!(titles("?search=LITRES"), ["Buy milk"], "{engine:?}");
        assert_eq!(
            titles("?search=%22)*%20-"),
            [""; 0],
            "{engine:?}: not a query of words"
        );

        let one = format!("/todos/{}", milk["id"]);
        let (status, done) = patch(address, &one, &json!({ "done": true }));
        assert_eq!(status, 200, "{engine:?}: {done}");
        assert_eq!(titles("?done=true"), ["Buy milk"], "{engine:?}");
        assert_eq!(titles("?done=false"), ["Water the plants"], "{engine:?}");

        assert_eq!(delete(address, &one), 204, "{engine:?}");
        assert_eq!(delete(address, &one), 404, "{engine:?}");
        assert_eq!(titles(""), ["Water the plants"], "{engine:?}");
        service.stop();
    }
}

#[test]
fn health_follows_the_migrations() {
    for (engine, count) in ENGINES {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let service = Service::start(&database);

        let (status, health) = get(&service.address, "/health");
        assert_eq!(status, 200, "{engine:?}: {health}");
        assert_eq!(health["up_to_date"], json!(true), "{engine:?}");
        assert_eq!(health["applied"], json!(count), "{engine:?}");
        assert_eq!(health["pending"], json!([]), "{engine:?}");
        let last = health["last"]["id"].as_str().expect("an id").to_owned();
        assert!(
            last.starts_with(&format!("{count:04}_")),
            "{engine:?}: {health}"
        );

        take_back_one(&database);
        let (status, health) = get(&service.address, "/health");
        assert_eq!(status, 503, "{engine:?}: {health}");
        assert_eq!(health["up_to_date"], json!(false), "{engine:?}");
        assert_eq!(health["pending"], json!([last]), "{engine:?}");
        service.stop();
    }
}

#[test]
fn what_cannot_work_is_said() {
    let database = Database::create(Engine::Sqlite).expect("it needs no server");
    let refused = ran(
        &database,
        &["--once", "--database-url", "mysql://me@localhost/todo"],
    );
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("neither `sqlite:` nor `postgres:`"),
        "{refused:?}"
    );

    let url = "sqlite:no/such/folder/todo.db";
    let refused = ran(&database, &["--once", "--database-url", url]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("cannot connect to sqlite:no/such"),
        "{refused:?}"
    );
    assert_eq!(refused.stdout, "", "nothing was done");
}

/// The service, on a port that was free.
struct Service {
    process: Process,
    address: String,
}

impl Service {
    fn start(database: &Database) -> Service {
        let mut command = quickstart(database);
        command.env("PORT", "0");
        let process = Process::start(command);
        let line = process.wait_for("listening on http://");
        let (_, address) = line.split_once("http://").expect("an address");
        Service {
            address: address.to_owned(),
            process,
        }
    }

    /// Asks it to stop, as a terminal does, and sees that it does so in good order.
    fn stop(self) {
        let pid = self.process.id().to_string();
        let asked = std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status();
        assert!(asked.expect("there is a `kill`").success());
        let ended = self.process.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.ends_with("stopped\n"), "{ended:?}");
        assert_eq!(ended.stderr, "");
    }
}

/// Somebody takes the newest migration back while the service runs.
fn take_back_one(database: &Database) {
    let taking_back = async {
        let url = database.url();
        let folder = program::migrations(database.engine());
        match database.engine() {
            Engine::Sqlite => {
                let migrations = Migrations::<Sqlite>::load(folder, LoadOptions::default())?;
                migrations
                    .migrator()
                    .force()
                    .down(url, Down::Steps(1))
                    .await
            }
            Engine::Postgres | Engine::PgBouncer | Engine::MariaDb => {
                let migrations = Migrations::<Postgres>::load(folder, LoadOptions::default())?;
                migrations
                    .migrator()
                    .force()
                    .down(url, Down::Steps(1))
                    .await
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be made");
    let limited = async { tokio::time::timeout(Duration::from_secs(120), taking_back).await };
    let report = runtime.block_on(limited).expect("it takes no time");
    assert_eq!(report.expect("it goes back").done.len(), 1);
}
