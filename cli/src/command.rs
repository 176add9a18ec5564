//! All commands. A program takes them as they are, a service as a part of its own commands.

use std::process::ExitCode;

use backstitch::Migrations;
use clap::Subcommand;

use crate::adopt::Adopt;
use crate::backup::Backups;
use crate::check::Check;
use crate::completions::{Completions, Manual};
use crate::exit::Exit;
use crate::explain::Explain;
use crate::graph::Graph;
use crate::history::History;
use crate::import::Import;
use crate::lock::Lock;
use crate::new::New;
use crate::online::{on_folder, on_program};
use crate::optimize::Optimize;
use crate::ping::Ping;
use crate::plan::Plan;
use crate::product::Product;
use crate::redo::Redo;
use crate::repair::{Baseline, Repair};
use crate::rollback::Rollback;
use crate::screen::{Color, Screen};
use crate::seed::{Reset, Seed};
use crate::status::Status;
use crate::up::Up;
use crate::verify::Verify;

/// What is to be done.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Write the file of the next migration
    New(New),
    /// Check the migrations of a folder, without a database
    Check(Check),
    /// Tell what a finding means, why it matters and what to write instead
    Explain(Explain),
    /// Write annotated files of what another tool has
    Import(Import),
    /// Write the ids and checksums of all migrations down
    Lock(Lock),
    /// Tell whether the database answers, and how fast
    Ping(Ping),
    /// Show how the database stands, and what to do next
    Status(Status),
    /// Show what `up` would do now
    Plan(Plan),
    /// Apply what is pending
    Up(Up),
    /// Take migrations back
    Rollback(Rollback),
    /// Take the newest migrations back and apply them again
    Redo(Redo),
    /// Show what was applied and taken back, by whom and when
    History(History),
    /// Compare the history and the database with the migrations
    Verify(Verify),
    /// Put the history right; runs nothing
    Repair(Repair),
    /// Take over what another tool has applied, without running anything
    Adopt(Adopt),
    /// Record what the database has already, without running anything
    Baseline(Baseline),
    /// Run the seeds: rows to work with
    Seed(Seed),
    /// Drop everything, apply all migrations and run the seeds; never in production
    Reset(Reset),
    /// Find what makes the database slow, and write the migration that puts it right
    Optimize(Optimize),
    /// Draw the schema that the migrations make, or which migration depends on which
    Graph(Graph),
    /// Copy the whole database, and put copies back
    Backup(Backups),
    /// Print what makes a shell complete the commands
    Completions(Completions),
    /// Print the page of the manual
    Manual(Manual),
}

/// Calls `$online` for commands that talk to a database, and `run` of the others.
macro_rules! dispatch {
    ($command:expr, $screen:expr, |$it:ident| $online:expr, $backup:expr) => {
        match $command {
            Command::New(new) => new.run($screen),
            Command::Check(check) => check.run($screen),
            Command::Import(import) => import.run($screen),
            Command::Graph(graph) => graph.run($screen),
            Command::Lock(lock) => lock.run($screen),
            Command::Completions(completions) => completions.run($screen),
            Command::Manual(manual) => manual.run($screen),
            Command::Explain(explain) => explain.run($screen),
            Command::Ping($it) => $online,
            Command::Status($it) => $online,
            Command::Plan($it) => $online,
            Command::Up($it) => $online,
            Command::Rollback($it) => $online,
            Command::Redo($it) => $online,
            Command::History($it) => $online,
            Command::Verify($it) => $online,
            Command::Repair($it) => $online,
            Command::Adopt($it) => $online,
            Command::Baseline($it) => $online,
            Command::Optimize($it) => $online,
            Command::Seed($it) => $online,
            Command::Reset($it) => $online,
            Command::Backup(backups) => $backup(backups),
        }
    };
}

impl Command {
    /// Does it, with the migrations of the folder that is read now.
    pub fn run(&self, screen: &mut Screen) -> Exit {
        dispatch!(
            self,
            screen,
            |command| on_folder(command, screen),
            |backups: &Backups| backups.run(screen)
        )
    }

    /// Does it, with the migrations that a service brings along. Prints to the streams of the
    /// process; can be called inside a runtime, too, which then waits.
    pub fn run_with<DB: Product>(&self, migrations: &Migrations<DB>) -> ExitCode {
        self.run_in(Color::Auto, migrations)
    }

    pub(crate) fn run_in<DB: Product>(
        &self,
        color: Color,
        migrations: &Migrations<DB>,
    ) -> ExitCode {
        let work = || {
            let mut screen = Screen::new(color);
            let exit = dispatch!(
                self,
                &mut screen,
                |command| on_program(command, migrations, &mut screen),
                |backups: &Backups| backups.run_with(migrations, &mut screen)
            );
            screen.end(exit)
        };
        // A thread of its own, because a service may call this inside its runtime.
        std::thread::scope(|scope| scope.spawn(work).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
