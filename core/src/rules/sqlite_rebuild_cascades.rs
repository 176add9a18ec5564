//! `DROP TABLE` that empties the tables that refer to it; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind, Target};
use crate::dialect::Family;
use crate::migration::ForeignKeys;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "sqlite-rebuild-cascades",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[Family::Sqlite],
    check,
    page: include_str!("sqlite_rebuild_cascades.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.migration.foreign_keys == ForeignKeys::Off {
        return Vec::new();
    }
    let found = situation.up().flat_map(|act| match &act.step.change {
        Change::Drop(drop) if !switches_foreign_keys(act) => drop
            .targets
            .iter()
            .filter_map(|target| cascades(act, target))
            .collect(),
        _ => Vec::new(),
    });
    found.collect()
}

/// Whether they may be off by then: outside of a transaction the pragma works.
fn switches_foreign_keys(act: Act<'_>) -> bool {
    let situation = act.situation;
    let mut earlier = situation.up().take(act.place.index);
    !situation.is_one_transaction() && earlier.any(|earlier| earlier.sets("foreign_keys"))
}

fn cascades(act: Act<'_>, target: &Target) -> Option<Finding> {
    let name = &target.name;
    let (key, _) = (target.kind == Kind::Table).then(|| act.old_table(name))??;
    let children = act.before().children(&key);
    let (child, _, foreign) = children.iter().find(|(child, _, foreign)| {
        let reacts = ["cascade", "set null", "set default"];
        **child != key
            && reacts
                .iter()
                .any(|word| foreign.on_delete.starts_with(word))
    })?;
    let (child, reaction) = (&child.name, foreign.on_delete.to_uppercase());
    let happens = match foreign.on_delete.starts_with("cascade") {
        true => format!("dropping `{name}` deletes the rows of `{child}`"),
        false => format!("dropping `{name}` takes the reference from the rows of `{child}`"),
    };
    let finding = act
        .find(name.span, happens)
        .label(format!("`{child}` refers to it ON DELETE {reaction}"))
        .why(
            "With foreign keys on, DROP TABLE first deletes every row of the table, and what refers \
             to a row reacts to that. A pragma cannot switch them off inside of a transaction.",
        )
        .help(
            "Let the runner switch them off before the transaction, check them before it commits \
             and restore them after:\n-- @foreignKeys: off",
        );
    Some(finding)
}
