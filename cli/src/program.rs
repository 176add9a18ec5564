//! The programs `backstitch` and `cargo backstitch`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::command::Command;
use crate::exit::Exit;
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
#[command(version, arg_required_else_help = true, after_help = EXAMPLES)]
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
  backstitch check                      the migrations of this project
  backstitch check --layout sqlx db     those of a project that uses sqlx so far
  backstitch explain rollback-missing   what an error means

Exit codes:
  0 done   1 refused or failed   2 wrong call   3 pending   4 drift";

/// Does what the arguments of the process ask for.
pub fn main(called: Called) -> ExitCode {
    let arguments = std::env::args_os().collect();
    let matches = match command(called).try_get_matches_from(without_cargo(called, arguments)) {
        Ok(matches) => matches,
        Err(error) => {
            // Help goes to standard output; when nobody reads it, that is fine.
            let _ = error.print();
            return match error.exit_code() {
                0 => Exit::Done.into(),
                _ => Exit::Usage.into(),
            };
        }
    };
    let program = Program::from_arg_matches(&matches).expect("clap has checked the arguments");
    let mut screen = Screen::new(program.color);
    let exit = program.command.run(&mut screen);
    match screen.finish() {
        Ok(()) => exit.into(),
        Err(error) => {
            let complaint = format!("error: the output cannot be written: {error}\n");
            // Where not even this can be written, nobody is there to read it.
            let _ = io::stderr().write_all(complaint.as_bytes());
            Exit::Failed.into()
        }
    }
}

fn command(called: Called) -> clap::Command {
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
