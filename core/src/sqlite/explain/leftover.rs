//! What a DOWN leaves behind, and what would take it away.

use super::{ROLLBACK_INCOMPLETE, Scene, Setting, place_of_all, place_of_drop, place_of_making};
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::Dialect;
use crate::migration::ForeignKeys;
use crate::sqlite::catalogue::Kind;
use crate::sqlite::compare::{Attribute, Fault, Leftover};
use crate::sqlite::inverse::Suggestion;
use crate::sqlite::words::written;

/// The DOWN does not give back this.
pub(in crate::sqlite) fn incomplete(
    scene: &Scene<'_>,
    leftover: &Leftover,
    dialect: Dialect,
) -> Diagnostic {
    let subject = format!("{} `{}`", leftover.kind.name(), leftover.name);
    let is_untouched = match (scene.was, scene.between) {
        (Some(was), Some(between)) => {
            crate::sqlite::compare::is_same(&was.sql, &between.sql, dialect)
        }
        (None, None) => true,
        _ => false,
    };
    let column = match &leftover.fault {
        Fault::Changed(attributes) => attributes
            .iter()
            .find_map(|attribute| attribute.column.clone()),
        Fault::Left | Fault::Lost => None,
    };
    let name = leftover.name.to_ascii_lowercase();
    let belongs = [scene.was, scene.between, scene.now]
        .into_iter()
        .flatten()
        .next();
    let table = belongs.map(|object| object.table.clone());
    let names = [Some(name.clone()), table.clone()];
    let find = |setting: &Setting<'_>| {
        let happens_here = setting.section == Section::Up || is_untouched;
        let happening = match leftover.fault {
            Fault::Lost if happens_here => place_of_drop(setting, &names),
            Fault::Left => place_of_making(setting, &name),
            Fault::Lost | Fault::Changed(_) => None,
        };
        happening.unwrap_or_else(|| place_of_all(setting, &names, column.as_deref()))
    };
    let (message, up_label, down_label) = match &leftover.fault {
        Fault::Left => (
            format!("the DOWN leaves the {subject}"),
            "made here",
            match scene
                .down
                .lines
                .iter()
                .any(|line| line.made().as_ref() == Some(&name))
            {
                true => "made here",
                false => "not dropped here",
            },
        ),
        Fault::Lost => (
            format!("the DOWN does not bring back the {subject}"),
            "taken away here",
            if is_untouched {
                "taken away here"
            } else {
                "not made again here"
            },
        ),
        Fault::Changed(attributes) => (
            format!(
                "the DOWN does not restore the {subject}: {}",
                shown(attributes)
            ),
            "changed here",
            if is_untouched {
                "changed here"
            } else {
                "not changed back here"
            },
        ),
    };
    let mut diagnostic = Diagnostic::error(ROLLBACK_INCOMPLETE, message);
    if !is_untouched {
        diagnostic = diagnostic.at(scene.up.source, find(&scene.up), up_label);
    }
    diagnostic
        .at(scene.down.source, find(&scene.down), down_label)
        .why("After this rollback the schema is not the one that the release before was written for.")
        .help(remedy(leftover, scene))
        .section(if is_untouched { Section::Down } else { Section::Up })
}

/// The attributes of an object in one line.
fn shown(attributes: &[Attribute]) -> String {
    let words: Vec<_> = attributes
        .iter()
        .map(|attribute| match &attribute.column {
            Some(column) => format!("column `{column}` {}", attribute.words),
            None => attribute.words.clone(),
        })
        .collect();
    words.join("; ")
}

/// The statement to paste for this alone.
fn remedy(leftover: &Leftover, scene: &Scene<'_>) -> String {
    let name = written(&leftover.name);
    match (&leftover.fault, scene.was) {
        (Fault::Left, _) => {
            format!("Add to the DOWN:\nDROP {} {name};", leftover.kind.words())
        }
        (Fault::Lost, Some(was)) => format!("Add to the DOWN:\n{};", was.sql),
        (Fault::Changed(_), Some(was)) if leftover.kind != Kind::Table => format!(
            "Make it as it was:\nDROP {} {name};\n{};",
            leftover.kind.words(),
            was.sql
        ),
        (Fault::Changed(_), Some(was)) => format!("This is what it was:\n{};", was.sql),
        (Fault::Lost | Fault::Changed(_), None) => String::new(),
    }
}

/// Puts a whole DOWN into the help of the first error, in place of its own.
pub(in crate::sqlite) fn add_suggestion(
    found: &mut [Diagnostic],
    suggestion: Option<&Suggestion>,
    foreign_keys: ForeignKeys,
) {
    let first = found
        .iter_mut()
        .find(|diagnostic| diagnostic.severity == Severity::Error);
    let (Some(first), Some(suggestion)) = (first, suggestion) else {
        return;
    };
    let head = match (suggestion.foreign_keys, foreign_keys) {
        (ForeignKeys::Off, ForeignKeys::Unchanged) => {
            "With `-- @foreignKeys: off` in the header this DOWN gives back the schema:"
        }
        _ => "This DOWN gives back the schema:",
    };
    let statements: Vec<_> = suggestion
        .statements
        .iter()
        .map(|statement| format!("\n{statement};"))
        .collect();
    let whole = format!("{head}\n-- DOWN MIGRATION{}", statements.concat());
    first.help = match first.code {
        ROLLBACK_INCOMPLETE => whole,
        _ if first.help.is_empty() => whole,
        _ => format!("{}\n{whole}", first.help),
    };
}
