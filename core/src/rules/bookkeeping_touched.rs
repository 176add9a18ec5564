//! Statements on the tables in which it is written what has run; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, DataVerb, GrantOn, ObjectName, Target};
use crate::options::Level;
use crate::replay::HISTORY;

pub(super) const RULE: Rule = Rule {
    code: "bookkeeping-touched",
    group: Group::Security,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("bookkeeping_touched.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let acts = situation.up().chain(situation.down());
    let found = acts.filter_map(|act| {
        let name = objects(act).into_iter().find(|name| is_history(name))?;
        let finding = act
            .find(
                name.span,
                format!("`{name}` is where it is written what has run"),
            )
            .label("kept by the runner")
            .why(
                "What stands there decides which migrations run and how they are taken back. A \
                 migration that changes it changes its own history, while it is written.",
            )
            .help(
                "Leave it to the commands that know its form: `backstitch repair`, `adopt` and \
                 `baseline`.",
            );
        Some(finding)
    });
    found.collect()
}

fn is_history(name: &ObjectName) -> bool {
    let name = name.name.as_str();
    name.starts_with("__") && HISTORY.iter().any(|table| name.eq_ignore_ascii_case(table))
}

/// What a statement makes, changes or drops.
fn objects<'s>(act: Act<'s>) -> Vec<&'s ObjectName> {
    let of = |target: &'s Target| [Some(&target.name), target.owner.as_ref()];
    match &act.step.change {
        Change::CreateTable(create) => vec![&create.name],
        Change::AlterTable(alter) => vec![&alter.name],
        Change::CreateIndex(create) => create.table.iter().collect(),
        Change::CreateTrigger(create) => vec![&create.table],
        Change::Drop(drop) => drop.targets.iter().flat_map(of).flatten().collect(),
        Change::Rename(rename) => of(&rename.target).into_iter().flatten().collect(),
        Change::SetSchema(set) => vec![&set.target.name],
        Change::Owner(owner) => vec![&owner.target.name],
        Change::Grant(grant) => match &grant.on {
            GrantOn::Targets(targets) => targets.iter().map(|target| &target.name).collect(),
            GrantOn::Text(_) | GrantOn::Roles => Vec::new(),
        },
        Change::Data(data) if data.verb != DataVerb::Query => data.targets.iter().collect(),
        _ => Vec::new(),
    }
}
