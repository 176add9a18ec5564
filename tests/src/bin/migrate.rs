//! A service in small: applies a folder of migrations to a database, and says how that went.
//!
//! The tests start it to have processes that race, and to kill one at work.

use std::io::Write;
use std::process::ExitCode;

use backstitch::{Engine, LoadOptions, Migrations};
use sqlx::{MySql, Postgres, Sqlite};

/// `migrate URL FOLDER`
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(folder)) = (arguments.next(), arguments.next()) else {
        say("migrate URL FOLDER");
        return ExitCode::from(2);
    };
    let done = match url.split(':').next() {
        Some("postgres" | "postgresql") => up::<Postgres>(&url, &folder).await,
        Some("mysql" | "mariadb") => up::<MySql>(&url, &folder).await,
        _ => up::<Sqlite>(&url, &folder).await,
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

async fn up<DB: Engine>(url: &str, folder: &str) -> Result<Vec<String>, backstitch::Error> {
    let migrations: Migrations<DB> = Migrations::load(folder, LoadOptions::default())?;
    let report = migrations.up(url).await?;
    Ok(report.done.into_iter().map(|done| done.id).collect())
}

fn say(line: &str) {
    // Nobody may be listening any more.
    let _ = writeln!(std::io::stdout(), "{line}");
}
