//! Why a command does not come to its end.

use backstitch_core::Diagnostic;

use crate::advice;
use crate::exit::Exit;
use crate::screen::Screen;

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

    /// The same, told in another way.
    pub(crate) fn map(self, tell: impl Fn(Diagnostic) -> Diagnostic) -> Failure {
        Failure {
            diagnostics: self.diagnostics.into_iter().map(tell).collect(),
            exit: self.exit,
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

/// How a command exits; what went wrong is told first.
pub(crate) fn settle(outcome: Result<Exit, Failure>, screen: &mut Screen) -> Exit {
    outcome.unwrap_or_else(|failure| {
        screen.complain(&failure.diagnostics);
        failure.exit
    })
}

impl From<&backstitch::Error> for Failure {
    fn from(error: &backstitch::Error) -> Failure {
        let diagnostics = error.diagnostics().iter().cloned();
        let advice = advice::on_cause(error);
        let on_ground = advice::on_ground(error);
        let advised = |diagnostic: Diagnostic| match advice {
            Some(help) if is_bare(&diagnostic) => diagnostic.help(help),
            Some(help) if diagnostic.help.starts_with(SEE_TO_IT) => {
                diagnostic.help(format!("{help}\n{AGAIN}"))
            }
            _ if diagnostic.code == "statement-failed" => match on_ground {
                Some(help) => {
                    let then = diagnostic.help.clone();
                    diagnostic.help(format!("{help}\nOtherwise: {then}"))
                }
                None => diagnostic,
            },
            _ => diagnostic,
        };
        Failure {
            diagnostics: diagnostics.map(in_our_words).map(advised).collect(),
            exit: Exit::of(error.kind()),
        }
    }
}

/// How the help begins that holds for whatever a server may say.
const SEE_TO_IT: &str = "see to what the server says";

/// What comes after advice that is more than that.
const AGAIN: &str = "Then call it again: it looks first at what is there, and nothing runs twice.";

/// What the library says to whoever cannot connect holds for every reason that there may be.
fn is_bare(diagnostic: &Diagnostic) -> bool {
    diagnostic.help.is_empty() || diagnostic.message.starts_with("cannot connect to ")
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
            "say that it may be lost, and keep a copy:\nbackstitch rollback --force --backup"
        }
        "migration-unknown" if diagnostic.help.contains("stored") => {
            "use the newer program; or take the migration back, its DOWN is stored in the \
             database:\nbackstitch rollback"
        }
        "not-adopted" => return not_adopted(diagnostic),
        _ => {
            diagnostic.help = commands(&diagnostic.help);
            return diagnostic;
        }
    };
    diagnostic.help = help.to_owned();
    diagnostic
}

/// The library names the call for programs first.
fn not_adopted(diagnostic: Diagnostic) -> Diagnostic {
    let (before, rest) = diagnostic.help.split_once(" `.adopt(").unwrap_or_default();
    let (_, after) = rest.split_once(", or\n").unwrap_or_default();
    let help = format!("{before}\n{after}");
    let allow = "`--allow-other-tool`";
    diagnostic.help(help.replace("`.other_tool(OtherTool::Allow)`", allow))
}

/// The words of the library for a repair, and what the command is called.
const REPAIRS: [(&str, &str); 5] = [
    ("MarkApplied", "applied"),
    ("MarkNotApplied", "not-applied"),
    ("Resume", "resume"),
    ("Checksum", "checksum"),
    ("WayBack", "way-back"),
];

/// The calls of a help text as commands.
fn commands(help: &str) -> String {
    let lines = help.lines().map(|line| {
        let Some((before, call)) = line.split_once("Repair::") else {
            return other_calls(line);
        };
        let name = call.split(['(', ' ']).next().unwrap_or_default();
        let id = call.split('"').nth(1);
        let known = REPAIRS.iter().find(|(ours, _)| *ours == name);
        let (Some((_, command)), Some(id)) = (known, id) else {
            return other_calls(line);
        };
        let before = before.trim_end_matches(".reason(\"…\").repair(&pool, ");
        let mut text = format!("{before}backstitch repair {command} {id}");
        if let Some((_, rest)) = call.split_once("done: ") {
            let digits = rest.split(|sign: char| !sign.is_ascii_digit()).next();
            text += &format!(" --done {}", digits.unwrap_or_default());
        }
        let end = call.rsplit([')', '}']).next().unwrap_or_default();
        format!("{text} --reason \"…\"{end}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What else the library calls by the names of its methods.
const CALLS: [(&str, &str); 8] = [
    ("`Repair::WayBack`", "`backstitch repair way-back`"),
    ("run `down` again", "run `backstitch rollback` again"),
    (
        "`.table(..)` and `.schema(..)`",
        "`--table` and `--table-schema`",
    ),
    (
        "`.lock_wait(Duration::from_secs(600))`",
        "`--lock-wait 10min`",
    ),
    (
        "run `down` with `Down::Steps(1)`",
        "run `backstitch rollback`",
    ),
    (
        "by a `.target(..)`, or use `Mode::Each`",
        "by `--target`, or leave `--all-or-nothing` out",
    ),
    (
        "apply them in `Mode::Each`, or fewer at once by a `.target(..)`",
        "leave `--all-or-nothing` out, or apply fewer at once by `--target`",
    ),
    (
        ".reason(\"restored from the backup of Monday\").repair(…)",
        "--reason \"restored from the backup of Monday\"",
    ),
];

fn other_calls(line: &str) -> String {
    let calls = CALLS.iter();
    calls.fold(line.to_owned(), |line, (call, command)| {
        line.replace(call, command)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_library_become_commands() {
        for (call, command) in [
            (
                ".reason(\"…\").repair(&pool, Repair::MarkApplied(\"0001_a\"))",
                "backstitch repair applied 0001_a --reason \"…\"",
            ),
            (
                "if nothing of it is in effect: Repair::MarkNotApplied(\"0001_a\")",
                "if nothing of it is in effect: backstitch repair not-applied 0001_a --reason \"…\"",
            ),
            (
                "Repair::Resume { id: \"0001_a\", done: 0 }; then store the new way back",
                "backstitch repair resume 0001_a --done 0 --reason \"…\"; then store the new way back",
            ),
            (
                "say it first:\n.reason(\"restored from the backup of Monday\").repair(…)",
                "say it first:\n--reason \"restored from the backup of Monday\"",
            ),
            (
                "then run `down` again; or store it by `Repair::WayBack`",
                "then run `backstitch rollback` again; or store it by `backstitch repair way-back`",
            ),
            ("put the old text back", "put the old text back"),
        ] {
            assert_eq!(commands(call), command);
        }
    }
}
