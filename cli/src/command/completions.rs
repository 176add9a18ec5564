//! `backstitch completions` and `backstitch manual`: what shells and `man` read.

use std::fs;
use std::path::PathBuf;

use backstitch_core::Diagnostic;
use clap::Args;
use clap_complete::Shell;

use crate::command::new::unwritable;
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::program;
use crate::screen::Screen;

/// The arguments of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = COMPLETIONS)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const COMPLETIONS: &str = "\
Examples:
  backstitch completions bash > ~/.local/share/bash-completion/completions/backstitch
  backstitch completions zsh > ~/.zfunc/_backstitch
  backstitch completions fish > ~/.config/fish/completions/backstitch.fish";

/// The arguments of `manual`.
#[derive(Clone, Debug, Args)]
#[command(after_help = MANUAL)]
pub struct Manual {
    /// A folder, for a page of each command; without it, the page of the program is printed
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const MANUAL: &str = "\
Examples:
  backstitch manual | man -l -                       read it
  backstitch manual --dir ~/.local/share/man/man1    a page of each command";

impl Completions {
    /// Prints the script.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        let Some(name) = program_of(screen) else {
            return settle(Err(of_service("completions")), screen);
        };
        let mut script = Vec::new();
        let mut command = program::command(program::Called::Directly);
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        screen.print(&String::from_utf8_lossy(&script));
        Exit::Done
    }
}

impl Manual {
    /// Prints the page, or writes all.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        let Some(name) = program_of(screen) else {
            return settle(Err(of_service("manual")), screen);
        };
        let command = program::command(program::Called::Directly)
            .display_name(name.as_str())
            .bin_name(name.as_str());
        let Some(dir) = &self.dir else {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(command).render(&mut page);
            rendered.expect("memory takes everything");
            screen.print(&String::from_utf8_lossy(&page));
            return Exit::Done;
        };
        let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
        let outcome = written.map_err(|error| unwritable(&dir.display().to_string(), &error));
        settle(outcome.map(|()| Exit::Done), screen)
    }
}

/// The name of the program that has these commands and no others.
fn program_of(screen: &Screen) -> Option<String> {
    match screen.caller().words() {
        None => Some("backstitch".to_owned()),
        Some(program) => (!program.contains(' ')).then(|| program.to_owned()),
    }
}

fn of_service(what: &str) -> Failure {
    let message = format!("these commands are a part of a service, which has its own {what}");
    let help = match what {
        "manual" => "clap_mangen::Man::new(Service::command()).render(&mut stdout())?;",
        _ => {
            "clap_complete::generate(shell, &mut Service::command(), \"my-service\", &mut stdout());"
        }
    };
    Failure::usage(
        Diagnostic::error("part-of-a-service", message)
            .why("Only the service knows all of its command line.")
            .help(format!("Give it a command that prints it:\n{help}")),
    )
}
