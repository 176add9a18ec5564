//! Asking before something that cannot be taken back easily.

use std::io::{self, BufRead, IsTerminal};

use backstitch_core::Diagnostic;

use crate::config::Config;
use crate::failure::Failure;
use crate::paint::{Dress, paint};
use crate::screen::Screen;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whoever works on a production database. Without a terminal it needs `--yes`.
    InProduction,
    /// Whoever sits at a terminal, too.
    AtTerminal,
    /// Everybody. Without a terminal it needs `--yes`.
    Always,
}

/// Goes on where that is wanted.
///
/// # Errors
/// When it is not, or nobody is there to say so.
pub(crate) fn confirm(
    config: &Config,
    screen: &mut Screen,
    asked: Asked,
    what: &str,
    yes: bool,
) -> Result<(), Failure> {
    let is_production = config.is_production();
    if yes || (asked == Asked::InProduction && !is_production) {
        return Ok(());
    }
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !is_terminal {
        return match is_production || asked == Asked::Always {
            true => Err(Failure::failed(nobody_there(what, is_production))),
            false => Ok(()),
        };
    }
    let place = match is_production {
        true => paint(screen.err_style(), Dress::Red, " This is PRODUCTION."),
        false => String::new(),
    };
    screen.say(&format!("{what}?{place} [y/N] "));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    let answer = answer.trim().to_lowercase();
    match read.is_ok() && ["y", "yes"].contains(&&*answer) {
        true => Ok(()),
        false => Err(Failure::failed(refused())),
    }
}

fn nobody_there(what: &str, is_production: bool) -> Diagnostic {
    let (first, rest) = what.split_at(1);
    let what = format!("{}{rest}", first.to_lowercase());
    let message = match is_production {
        true => "this is a production database, and nobody is there to be asked",
        false => "this cannot be undone, and nobody is there to be asked",
    };
    Diagnostic::error("not-confirmed", message)
        .why(format!("The question would be: {what}?"))
        .help("When that is what you want, say so in the call:\n--yes")
}

fn refused() -> Diagnostic {
    Diagnostic::error("not-confirmed", "nothing was done")
}
