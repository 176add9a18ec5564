//! Values of an enum that rows may hold; see the page.

use super::data_type::DataType;
use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Change, TypeAction, Verb};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Class;

pub(super) const RULE: Rule = Rule {
    code: "enum-value-removed",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::MySql, Family::Postgres],
    check,
    page: include_str!("enum_value_removed.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let redefined = situation.alterations().filter_map(|one| removed(&one));
    let renamed = situation.up().flat_map(|act| {
        let Change::AlterType(alter) = &act.step.change else {
            return Vec::new();
        };
        let key = act.before().named(Class::Type, &alter.name);
        let is_old = key.is_some_and(|key| situation.start().get(&key).is_some());
        let actions = alter.actions.iter().filter(|_| is_old);
        let found = actions.filter_map(|action| match action {
            TypeAction::RenameValue { from, to } => {
                let message = format!("code that writes '{from}' fails once it is '{to}'");
                Some(explain(
                    act.find_whole(message),
                    "the old name is gone at once",
                ))
            }
            _ => None,
        });
        found.collect()
    });
    redefined.chain(renamed).collect()
}

fn removed(alteration: &Alteration<'_>) -> Option<Finding> {
    let Verb::Redefine {
        column, definition, ..
    } = &alteration.action.verb
    else {
        return None;
    };
    let old = DataType::parse(&alteration.old_column(&column.name)?.data_type);
    let new = DataType::parse(&definition.data_type.as_ref()?.text);
    let is_enum = old.base == new.base && matches!(&*old.base, "enum" | "set");
    let lost = old
        .arguments
        .iter()
        .find(|value| !new.arguments.contains(value));
    let lost = lost.filter(|_| is_enum)?;
    let is_rewritten = alteration
        .act
        .situation
        .up()
        .take(alteration.act.place.index);
    let mut earlier = is_rewritten.filter(|act| act.writes_to(alteration.key));
    earlier.next().is_none().then(|| {
        let message = format!("`{}` loses the value {lost}", column.name);
        explain(alteration.find(message), "rows may hold it")
    })
}

fn explain(finding: Finding, label: &str) -> Finding {
    finding
        .label(label)
        .why(
            "Rows that hold a value which is gone make the statement fail, or are emptied where the \
             server is not strict; code of the release before goes on to write it.",
        )
        .help("Rewrite the rows first, and take the value away when no code writes it any more.")
}
