//! Columns that clients know by a name that they lose; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Change, Ident, Kind, Name, TypeAction, Verb};
use crate::options::Level;
use crate::schema::Class;

pub(super) const RULE: Rule = Rule {
    code: "rename-column-breaks-clients",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("rename_column_breaks_clients.md"),
};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let columns = situation.alterations().filter_map(|one| renamed(&one));
    let attributes = situation.up().filter_map(|act| {
        let Change::AlterType(alter) = &act.step.change else {
            return None;
        };
        let key = act.before().named(Class::Type, &alter.name)?;
        situation.start().get(&key)?;
        alter.actions.iter().find_map(|action| match action {
            TypeAction::RenameAttribute { from, to } => {
                let finding = act.find(from.span, message(&from.name, &to.name));
                Some(explain(finding, &from.name, &to.name))
            }
            _ => None,
        })
    });
    columns.chain(attributes).collect()
}

fn renamed(alteration: &Alteration<'_>) -> Option<Finding> {
    let (from, to): (&Ident, &Ident) = match &alteration.action.verb {
        Verb::RenamePart {
            kind: Kind::Column,
            from,
            to,
            ..
        } => (from, to),
        Verb::Redefine {
            column, definition, ..
        } => (column, &definition.name),
        _ => return None,
    };
    alteration.old_column(&from.name)?;
    let middle = alteration.act.situation.middle().table(alteration.key);
    let is_back = middle.is_some_and(|table| table.column(&from.name).is_some());
    if from.name == to.name || is_back {
        return None;
    }
    let finding = alteration.find(message(&from.name, &to.name));
    Some(explain(finding, &from.name, &to.name))
}

fn message(from: &Name, to: &Name) -> String {
    format!("code that names `{from}` fails once it is `{to}`")
}

fn explain(finding: Finding, from: &Name, to: &Name) -> Finding {
    finding
        .label("the old name is gone at once")
        .why(
            "Instances of the release before run on until the last of them is replaced, and every \
             query of theirs that names the column fails.",
        )
        .help(format!(
            "Add `{to}` beside `{from}`, write both, move the readers, and drop `{from}` in a \
             later release."
        ))
}
