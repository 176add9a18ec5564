//! The command line of backstitch.
//!
//! The only crate that prints, reads the environment and picks exit codes. What is printed is found
//! out by `backstitch_core`; nothing here reads SQL.
//!
//! The modules in the order in which a call passes through them:

pub mod program;

pub mod command;

mod config;
mod online;
pub mod product;
mod project;
mod target;
mod variables;

mod ask;
mod course;
mod draft;
mod outcome;
mod outlook;
mod progress;
mod scope;

pub mod exit;
mod failure;
mod format;
mod markdown;
mod page;
mod paint;
mod screen;
mod when;

use std::process::ExitCode;

use backstitch::Migrations;

pub use command::Command;
pub use exit::Exit;
pub use product::Product;
pub use screen::{Color, Screen};

/// The whole command line as the `main` of a service's own program of migrations.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # use backstitch::Migrations;
/// # macro_rules! migrations { ($dir:literal) => { Migrations::__invalid() } }
/// static MIGRATIONS: Migrations<sqlx::Postgres> = migrations!("migrations");
///
/// fn main() -> ExitCode {
///     backstitch_cli::main(&MIGRATIONS)
/// }
/// ```
///
/// As a part of a larger command line, [`Command`] is a subcommand of clap:
///
/// ```no_run
/// # use std::process::ExitCode;
/// # use backstitch::Migrations;
/// # static MIGRATIONS: Migrations<sqlx::Postgres> = Migrations::__invalid();
/// #[derive(clap::Parser)]
/// enum Service {
///     Serve,
///     /// Looks after the database
///     #[command(subcommand)]
///     Migrate(backstitch_cli::Command),
/// }
///
/// fn main() -> ExitCode {
///     match clap::Parser::parse() {
///         Service::Migrate(command) => command.run_with(&MIGRATIONS),
///         Service::Serve => ExitCode::SUCCESS,
///     }
/// }
/// ```
pub fn main<DB: Product>(migrations: &Migrations<DB>) -> ExitCode {
    program::main_with(migrations)
}
