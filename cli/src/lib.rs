//! The command line of backstitch.
//!
//! The only crate that prints, reads the environment and picks exit codes. What is printed is found
//! out by `backstitch_core`; nothing here reads SQL.
//!
//! The modules in the order in which a call passes through them:

pub mod program;

pub mod command;

mod mounted;

mod config;
mod online;
pub mod product;
mod project;
mod target;
mod variables;

mod advice;
mod ask;
mod caller;
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

pub use exit::Exit;
pub use mounted::Command;
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
/// As a part of a larger command line, [`Command`] is a subcommand of clap.
pub fn main<DB: Product>(migrations: &Migrations<DB>) -> ExitCode {
    program::main_with(migrations)
}
