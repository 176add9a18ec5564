//! Defaults that running code relies on; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnChange, Ident, Verb};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "default-dropped-breaks-writers",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("default_dropped_breaks_writers.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.alterations().filter_map(|one| {
        let column = dropped(&one.action.verb)?;
        let old = one.old_column(&column.name)?;
        let had_value = old.default.is_some() || old.identity.is_some();
        let after = situation.middle().table(one.key)?.column(&column.name)?;
        let has_value = after.default.is_some() || after.identity.is_some();
        (old.not_null && had_value && after.not_null && !has_value).then(|| finding(&one, column))
    });
    found.collect()
}

fn dropped(verb: &Verb) -> Option<&Ident> {
    match verb {
        Verb::AlterColumn {
            column,
            change: ColumnChange::DropDefault | ColumnChange::DropIdentity(_),
        } => Some(column),
        _ => None,
    }
}

fn finding(alteration: &Alteration<'_>, column: &Ident) -> Finding {
    let name = &column.name;
    alteration
        .find(format!("code that leaves `{name}` out fails from here on"))
        .label("nothing stands in for it any more")
        .why(
            "The column forbids NULL. Instances of the release before, which do not name it in \
             their INSERTs, start to fail.",
        )
        .help("Drop the default in a later release, when every writer names the column.")
}
