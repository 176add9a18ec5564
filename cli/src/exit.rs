//! What a command tells the shell.

use std::process::ExitCode;

/// The exit codes of all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Refused or failed; for `check`, there are errors.
    Failed = 1,
    /// The command line itself is wrong.
    Usage = 2,
    /// Migrations are pending (`status --check`).
    Pending = 3,
    /// The database is not what the migrations made of it.
    Drift = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
