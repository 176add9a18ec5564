//! What stands in front of a command where it was typed: `backstitch`, or `my-service migrate` in a
//! service that has the commands as a part of its own. Advice names commands, and has to work when
//! somebody types it.

use std::ffi::OsStr;
use std::path::Path;

use clap::Subcommand;

use crate::command::Command;

/// How all texts of this crate call the program.
const OURS: &str = "backstitch";

/// Who calls the commands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// What is typed in place of `backstitch`; `None` where it is just that.
    words: Option<String>,
}

impl Caller {
    /// A program that has no other commands than these.
    pub(crate) fn whole() -> Caller {
        let program = std::env::args_os().next();
        Caller {
            words: program.as_deref().and_then(file_stem),
        }
    }

    /// A program that has the commands as a part of its own, of which this one is called.
    pub(crate) fn part(command: Option<&str>) -> Caller {
        let mut arguments = std::env::args_os();
        let program = arguments.next().as_deref().and_then(file_stem);
        let rest: Vec<String> = arguments
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        Caller {
            words: program.map(|program| words(&program, &rest, &names(command))),
        }
    }

    /// The name of the program, where it is not ours.
    pub(crate) fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// The text, with its commands as they are typed here.
    pub(crate) fn tell(&self, text: &str) -> String {
        let Some(words) = &self.words else {
            return text.to_owned();
        };
        let names = names(None);
        let mut told = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(OURS) {
            let (before, from) = rest.split_at(at);
            let behind = &from[OURS.len()..];
            let next = behind.strip_prefix(' ').unwrap_or_default();
            let end = next.find(|sign: char| !sign.is_ascii_lowercase());
            let word = &next[..end.unwrap_or(next.len())];
            told += before;
            told += match names.iter().any(|name| name == word) {
                true => words,
                false => OURS,
            };
            rest = behind;
        }
        told + rest
    }

    /// The help of a command and of those below it, with examples that work when they are typed.
    pub(crate) fn tell_in(&self, command: clap::Command) -> clap::Command {
        let help = command
            .get_after_help()
            .map(|text| self.tell(&text.to_string()));
        let command = match help {
            Some(text) => command.after_help(text),
            None => command,
        };
        command.mut_subcommands(|command| self.tell_in(command))
    }
}

fn file_stem(program: &OsStr) -> Option<String> {
    let stem = Path::new(program).file_stem()?;
    Some(stem.to_string_lossy().into_owned())
}

/// What was typed before the command of one of these names. Where options stand there, which belong
/// to the service and may hold secrets, they are not repeated.
fn words(program: &str, rest: &[String], names: &[String]) -> String {
    let is_option = |word: &String| word.starts_with('-');
    let command = rest.iter().position(|word| names.contains(word));
    // Who asks for the list of all commands names none.
    let end = command.or_else(|| rest.iter().position(is_option));
    let before = &rest[..end.unwrap_or(rest.len())];
    let before: Vec<&str> = before
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "help")
        .collect();
    let is_plain = |word: &&str| {
        let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
        !word.starts_with('-') && word.chars().all(plain)
    };
    match !before.is_empty() && before.iter().all(is_plain) {
        true => format!("{program} {}", before.join(" ")),
        false if command == Some(0) => program.to_owned(),
        false => format!("{program} …"),
    }
}

/// The names of all commands, or all names of one.
fn names(only: Option<&str>) -> Vec<String> {
    let all = Command::augment_subcommands(clap::Command::new(OURS));
    let commands = all.get_subcommands();
    commands
        .filter(|command| only.is_none_or(|name| name == command.get_name()))
        .flat_map(|command| {
            [command.get_name()]
                .into_iter()
                .chain(command.get_all_aliases())
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_before_the_command_is_said_again_unless_it_may_be_secret() {
        for (typed, expected) in [
            ("migrate up --target 2", "shop migrate"),
            ("up", "shop"),
            ("db schema up", "shop db schema"),
            ("--password hunter2 migrate up", "shop …"),
            ("--url=postgres://me:hunter2@db/shop migrate up", "shop …"),
            ("migrate --help", "shop migrate"),
            ("migrate help up", "shop migrate"),
            ("--password hunter2 migrate --help", "shop …"),
            ("migrate", "shop migrate"),
        ] {
            let typed: Vec<String> = typed.split(' ').map(str::to_owned).collect();
            let names = ["up".to_owned()];
            assert_eq!(words("shop", &typed, &names), expected, "{typed:?}");
        }
    }

    #[test]
    fn only_commands_are_called_otherwise() {
        let caller = Caller {
            words: Some("shop migrate".to_owned()),
        };
        for (text, expected) in [
            ("run `backstitch up`", "run `shop migrate up`"),
            (
                "backstitch plan\nbackstitch up  now",
                "shop migrate plan\nshop migrate up  now",
            ),
            ("by backstitch 0.1.0", "by backstitch 0.1.0"),
            ("backstitch upwards", "backstitch upwards"),
            ("backstitch.toml beside", "backstitch.toml beside"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(caller.tell(text), expected);
        }
        assert_eq!(Caller::default().tell("backstitch up"), "backstitch up");
    }
}
