//! The migrations of the service, embedded for each engine that it runs on. Yours needs one.

use std::process::ExitCode;

use backstitch::{Migrations, migrations};
use sqlx::{MySql, Postgres, Sqlite};

pub static SQLITE: Migrations<Sqlite> = migrations!("migrations", dialect = sqlite);
pub static POSTGRES: Migrations<Postgres> = migrations!("migrations", dialect = postgres);
pub static MARIADB: Migrations<MySql> = migrations!("migrations", dialect = mariadb);

/// Where the database is; a file beside the program where nobody says.
pub fn database_url() -> String {
    let given = std::env::var("DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty());
    given.unwrap_or_else(|| "sqlite:service.db?mode=rwc".to_owned())
}

/// `my-service migrate …`, on the engine of the URL.
pub fn migrate(command: &backstitch_cli::Command) -> ExitCode {
    let url = database_url();
    if url.starts_with("postgres") {
        command.run_with(&POSTGRES)
    } else if url.starts_with("sqlite") {
        command.run_with(&SQLITE)
    } else {
        command.run_with(&MARIADB)
    }
}
