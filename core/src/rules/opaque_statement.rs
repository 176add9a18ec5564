//! Statements that the model does not read; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Opaque};
use crate::options::Level;
use crate::schema::Class;

pub(super) const RULE: Rule = Rule {
    code: "opaque-statement",
    group: Group::Format,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("opaque_statement.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let acts = situation.up().chain(situation.down());
    let found = acts.filter_map(|act| match &act.step.change {
        // Who has written `@unchecked` knows.
        Change::Opaque(opaque) if act.statement.unchecked.is_none() => Some(finding(act, opaque)),
        Change::Block(_) if act.written().any(|key| key.class == Class::Doubt) => Some(block(act)),
        _ => None,
    });
    found.collect()
}

fn block(act: Act<'_>) -> Finding {
    act.find_whole("what this statement changes is not known")
        .label("because it depends on what is not known")
        .why("From here on nothing is proven about the objects that it may change.")
        .help(HELP)
}

const HELP: &str = "Write what it does as plain statements, or say that you know:\n\
                    -- @unchecked: <reason>";

fn finding(act: Act<'_>, opaque: &Opaque) -> Finding {
    let reach = match opaque.anything {
        true => "From here on nothing is proven about any object, in this and in later migrations.",
        false => "From here on nothing is proven about the objects that it names.",
    };
    act.find_whole("what this statement changes is not known")
        .label(format!("because {}", opaque.why))
        .why(reach)
        .help(HELP)
}
