//! All commands. A program takes them as they are, a service as a part of its own commands.

use clap::Subcommand;

use crate::check::Check;
use crate::exit::Exit;
use crate::explain::Explain;
use crate::screen::Screen;

/// What is to be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Check the migrations of a folder, without a database
    Check(Check),
    /// Tell what a finding means, why it matters and what to write instead
    Explain(Explain),
}

impl Command {
    /// Does it.
    pub fn run(&self, screen: &mut Screen) -> Exit {
        match self {
            Command::Check(check) => check.run(screen),
            Command::Explain(explain) => explain.run(screen),
        }
    }
}
