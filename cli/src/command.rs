//! All commands, each in a file of its name. A program takes them as they are, a service as a part
//! of its own commands.

pub mod adopt;
pub mod backup;
pub mod check;
pub mod completions;
pub mod explain;
pub mod graph;
pub mod history;
pub mod import;
pub mod lock;
pub mod new;
pub mod optimize;
pub mod ping;
pub mod plan;
pub mod redo;
pub mod repair;
pub mod rollback;
pub mod seed;
pub mod status;
pub mod up;
pub mod verify;

use std::process::ExitCode;

use backstitch::Migrations;
use clap::Subcommand;

use self::adopt::Adopt;
use self::backup::Backups;
use self::check::Check;
use self::completions::{Completions, Manual};
use self::explain::Explain;
use self::graph::Graph;
use self::history::History;
use self::import::Import;
use self::lock::Lock;
use self::new::New;
use self::optimize::Optimize;
use self::ping::Ping;
use self::plan::Plan;
use self::redo::Redo;
use self::repair::{Baseline, Repair};
use self::rollback::Rollback;
use self::seed::{Reset, Seed};
use self::status::Status;
use self::up::Up;
use self::verify::Verify;
use crate::caller::Caller;
use crate::exit::Exit;
use crate::online::{on_folder, on_program};
use crate::product::Product;
use crate::screen::{Color, Screen};

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

    /// Does it, with the migrations that a program brings along. Can be called inside a runtime, too,
    /// which then waits.
    pub(crate) fn run_in<DB: Product>(
        &self,
        color: Color,
        caller: Caller,
        migrations: &Migrations<DB>,
    ) -> ExitCode {
        let work = || {
            let mut screen = Screen::of_caller(color, caller);
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
