//! What a command tells the shell.

use std::process::ExitCode;

use backstitch::ErrorKind;

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

/// The table of the help texts.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done, or nothing to do
  1  refused or failed
  2  wrong call
  3  migrations are pending (`status --check`)
  4  drift: the database is not what the migrations made of it, or somebody has edited the history";

impl Exit {
    /// What an error of a run means to the shell.
    pub(crate) fn of(kind: ErrorKind) -> Exit {
        match kind {
            ErrorKind::Diverged | ErrorKind::History => Exit::Drift,
            ErrorKind::Usage => Exit::Usage,
            // Whatever else speaks against a run.
            _ => Exit::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table() {
        let codes = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Pending,
            Exit::Drift,
        ];
        assert_eq!(TABLE.lines().count(), codes.len() + 1);
        for (code, line) in codes.into_iter().zip(TABLE.lines().skip(1)) {
            assert!(line.starts_with(&format!("  {}  ", code as u8)), "{line}");
        }
    }

    #[test]
    fn trouble_has_the_code_of_its_kind() {
        assert_eq!(Exit::of(ErrorKind::Diverged), Exit::Drift);
        assert_eq!(Exit::of(ErrorKind::History), Exit::Drift);
        assert_eq!(Exit::of(ErrorKind::Usage), Exit::Usage);
        for kind in [
            ErrorKind::Connection,
            ErrorKind::Database,
            ErrorKind::Statement,
            ErrorKind::Check,
            ErrorKind::Locked,
            ErrorKind::NotMigrated,
            ErrorKind::NotAdopted,
            ErrorKind::OutOfOrder,
            ErrorKind::Unfinished,
            ErrorKind::Rollback,
            ErrorKind::Files,
        ] {
            assert_eq!(Exit::of(kind), Exit::Failed, "{kind:?}");
        }
    }
}
