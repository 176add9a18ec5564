//! The commands as a part of a service's own command line.

use std::process::ExitCode;

use backstitch::Migrations;
use clap::{ArgMatches, Error, FromArgMatches, Subcommand};

use crate::caller::Caller;
use crate::command;
use crate::product::Product;
use crate::screen::Color;

/// All commands, as a subcommand of clap in the command line of a service.
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
#[derive(Clone, Debug)]
pub struct Command {
    // What somebody has it in is not to grow with its arguments.
    command: Box<command::Command>,
    caller: Caller,
}

impl Command {
    /// Does it, with the migrations that the service brings along. Prints to the streams of the
    /// process; can be called inside a runtime, too, which then waits.
    ///
    /// What works on files (`new`, `check`, `import`, `lock`, `graph`) works on the project around
    /// the current folder, as it is while the service is developed. Options are those of the
    /// `backstitch.toml` there, if there is one, or of `--options`.
    pub fn run_with<DB: Product>(&self, migrations: &Migrations<DB>) -> ExitCode {
        let caller = self.caller.clone();
        self.command.run_in(Color::Auto, caller, migrations)
    }
}

impl FromArgMatches for Command {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Command, Error> {
        Ok(Command {
            command: Box::new(command::Command::from_arg_matches(matches)?),
            caller: Caller::part(matches.subcommand_name()),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Command::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Command {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let caller = Caller::part(None);
        command::Command::augment_subcommands(command)
            .mut_subcommands(|command| caller.tell_in(command))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Command::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        command::Command::has_subcommand(name)
    }
}
