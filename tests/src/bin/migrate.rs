//! A service in small: applies a folder of migrations to a database, and says how that went.
//!
//! The tests start it to have processes that race, and to kill one at work.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use backstitch::{Down, Engine, Event, LoadOptions, Lock, Migrations};
use sqlx::{MySql, Postgres, Sqlite};

/// What is asked for.
#[derive(Clone, Copy)]
enum Verb {
    Up,
    /// Takes everything back.
    Down,
}

/// `migrate URL FOLDER [down] [tell] [lease]`: `tell` says when the work begins, too; `lease` has a
/// lease of two seconds for a lock.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(folder)) = (arguments.next(), arguments.next()) else {
        say("migrate URL FOLDER [down] [tell] [lease]");
        return ExitCode::from(2);
    };
    let words: Vec<String> = arguments.collect();
    let asked = |word: &str| words.iter().any(|one| one == word);
    let verb = if asked("down") { Verb::Down } else { Verb::Up };
    let tell = asked("tell");
    let lock = match asked("lease") {
        true => Lock::Lease {
            expires_after: Duration::from_secs(2),
        },
        false => Lock::Auto,
    };
    let done = match url.split(':').next() {
        Some("postgres" | "postgresql") => run::<Postgres>(&url, &folder, verb, lock, tell).await,
        Some("mysql" | "mariadb") => run::<MySql>(&url, &folder, verb, lock, tell).await,
        _ => run::<Sqlite>(&url, &folder, verb, lock, tell).await,
    };
    match done {
        Ok(ids) => {
            say(&format!("done {}", ids.join(" ")));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("{error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run<DB: Engine>(
    url: &str,
    folder: &str,
    verb: Verb,
    lock: Lock,
    tell: bool,
) -> Result<Vec<String>, backstitch::Error> {
    let migrations: Migrations<DB> = Migrations::load(folder, LoadOptions::default())?;
    let migrator = migrations
        .migrator()
        .lock(lock)
        .observer(move |event: Event<'_>| {
            if tell && matches!(event, Event::Started { .. }) {
                say("started");
            }
        });
    let report = match verb {
        Verb::Up => migrator.up(url).await?,
        Verb::Down => migrator.force().down(url, Down::All).await?,
    };
    Ok(report.done.into_iter().map(|done| done.id).collect())
}

fn say(line: &str) {
    // Nobody may be listening any more.
    let _ = writeln!(std::io::stdout(), "{line}");
}
