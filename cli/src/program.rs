//! The programs `backstitch` and `cargo backstitch`.

use std::ffi::OsString;
use std::process::ExitCode;

use backstitch::Migrations;
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::caller::Caller;
use crate::command::Command;
use crate::exit::{self, Exit};
use crate::product::Product;
use crate::screen::{Color, Screen};

/// How the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// `backstitch check`
    Directly,
    /// `cargo backstitch check`: cargo puts a word in front.
    ByCargo,
}

/// SQL migrations that carry their way back.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = format!("{EXAMPLES}{}", exit::TABLE))]
struct Program {
    #[command(subcommand)]
    command: Command,
    /// When to write colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        display_order = 100
    )]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  backstitch status                     how the database of DATABASE_URL stands
  backstitch up                         apply what is pending
  backstitch rollback                   take the newest migration back
  backstitch check                      the migrations of this project, without a database
  backstitch check --layout sqlx db     those of a project that uses sqlx so far
  backstitch explain rollback-missing   what an error means

";

/// Does what the arguments of the process ask for, with the migrations of a folder.
pub fn main(called: Called) -> ExitCode {
    let arguments = without_cargo(called, std::env::args_os().collect());
    let program = match parse(command(called), arguments) {
        Ok(program) => program,
        Err(exit) => return exit.into(),
    };
    let mut screen = Screen::new(program.color);
    let exit = program.command.run(&mut screen);
    screen.end(exit)
}

/// The same, with the migrations that the program brings along.
pub(crate) fn main_with<DB: Product>(migrations: &Migrations<DB>) -> ExitCode {
    let arguments = std::env::args_os().collect();
    let caller = Caller::whole();
    match parse(caller.tell_in(Program::command()), arguments) {
        Ok(program) => program.command.run_in(program.color, caller, migrations),
        Err(exit) => exit.into(),
    }
}

/// What is asked for; where it is help, or nothing that can be understood, how to exit.
fn parse(command: clap::Command, arguments: Vec<OsString>) -> Result<Program, Exit> {
    match command.try_get_matches_from(arguments) {
        Ok(matches) => {
            Ok(Program::from_arg_matches(&matches).expect("clap has checked the arguments"))
        }
        Err(error) => {
            // Help goes to standard output; when nobody reads it, that is fine.
            let _ = error.print();
            Err(match error.exit_code() {
                0 => Exit::Done,
                _ => Exit::Usage,
            })
        }
    }
}

/// All commands as they are declared.
pub(crate) fn command(called: Called) -> clap::Command {
    let command = Program::command().name("backstitch");
    match called {
        Called::Directly => command,
        Called::ByCargo => command.bin_name("cargo backstitch"),
    }
}

/// `cargo backstitch check` calls `cargo-backstitch backstitch check`.
fn without_cargo(called: Called, mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_named = arguments.get(1).is_some_and(|word| word == "backstitch");
    if called == Called::ByCargo && is_named {
        arguments.remove(1);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_declared_without_contradiction() {
        command(Called::Directly).debug_assert();
    }

    #[test]
    fn the_word_of_cargo_is_taken_out_once() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let taken = |called, text| without_cargo(called, words(text));
        assert_eq!(
            taken(Called::ByCargo, "cargo-backstitch backstitch check"),
            words("cargo-backstitch check")
        );
        assert_eq!(
            taken(Called::ByCargo, "cargo-backstitch check"),
            words("cargo-backstitch check")
        );
        assert_eq!(
            taken(Called::Directly, "backstitch backstitch"),
            words("backstitch backstitch")
        );
    }
}
