//! `IF [NOT] EXISTS` of which the outcome is known; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, IfExists, ObjectName, Verb};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "if-exists-masks-drift",
    group: Group::Order,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("if_exists_masks_drift.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation.up().flat_map(judge).collect()
}

fn judge(act: Act<'_>) -> Vec<Finding> {
    match &act.step.change {
        Change::CreateTable(create) if create.if_exists == IfExists::Keep && !create.temporary => {
            there(act, &create.name).into_iter().collect()
        }
        Change::AlterTable(alter) => {
            let Some(key) = act.before().relation(&alter.name) else {
                return Vec::new();
            };
            let Some(table) = act.before().table(&key).filter(|table| !table.open) else {
                return Vec::new();
            };
            let columns = alter
                .actions
                .iter()
                .filter_map(|action| match &action.verb {
                    Verb::AddColumn {
                        column,
                        if_exists: IfExists::Keep,
                        ..
                    } if table.column(&column.name.name).is_some() => {
                        let message = format!(
                            "`{}` is there already, and stays as it is",
                            column.name.name
                        );
                        Some(explain(act.find(action.span, message)))
                    }
                    _ => None,
                });
            columns.collect()
        }
        _ => Vec::new(),
    }
}

fn there(act: Act<'_>, name: &ObjectName) -> Option<Finding> {
    let key = act.before().relation(name)?;
    let object = act.before().get(&key)?;
    (!object.is_open()).then(|| {
        let message = format!("`{name}` is there already, and stays as it is");
        explain(act.find(name.span, message))
    })
}

fn explain(finding: Finding) -> Finding {
    finding
        .label("made by an earlier statement")
        .why(
            "Nothing is made and nothing is compared: where the definitions differ, the one in this \
             file holds nowhere, and nobody is told.",
        )
        .help("Delete the statement, or alter what is there. Each migration runs once and needs no guard.")
}
