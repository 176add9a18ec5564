//! Why a command does not come to its end.

use backstitch_core::Diagnostic;

use crate::exit::Exit;

/// What is wrong, and how the command exits.
#[derive(Debug)]
pub(crate) struct Failure {
    /// In the order in which they are told.
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) exit: Exit,
}

impl Failure {
    /// The call makes no sense.
    pub(crate) fn usage(diagnostic: Diagnostic) -> Failure {
        Failure {
            diagnostics: vec![diagnostic],
            exit: Exit::Usage,
        }
    }

    /// It was refused, or went wrong.
    pub(crate) fn failed(diagnostic: Diagnostic) -> Failure {
        Failure {
            diagnostics: vec![diagnostic],
            exit: Exit::Failed,
        }
    }
}

impl From<&backstitch::Error> for Failure {
    fn from(error: &backstitch::Error) -> Failure {
        let diagnostics = error.diagnostics().iter().cloned();
        Failure {
            diagnostics: diagnostics.map(in_our_words).collect(),
            exit: Exit::of(error.kind()),
        }
    }
}

impl From<backstitch::Error> for Failure {
    fn from(error: backstitch::Error) -> Failure {
        Failure::from(&error)
    }
}

/// The library speaks of methods, where people here call commands.
pub(crate) fn in_our_words(mut diagnostic: Diagnostic) -> Diagnostic {
    let help = match diagnostic.code {
        "migration-out-of-order" => {
            "give it a newer version, so that it comes last everywhere; or allow it here by \
             `--allow-out-of-order`"
        }
        "rollback-needs-force" => {
            "make a backup, then say that it may be lost:\nbackstitch rollback --force"
        }
        "migration-unknown" if diagnostic.help.contains("stored") => {
            "use the newer program; or take the migration back, its DOWN is stored in the \
             database:\nbackstitch rollback"
        }
        _ => return diagnostic,
    };
    diagnostic.help = help.to_owned();
    diagnostic
}
