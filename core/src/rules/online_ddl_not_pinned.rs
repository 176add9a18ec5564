//! `ALTER TABLE` that may fall back to a copy; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Action, Change, Verb};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "online-ddl-not-pinned",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::MySql],
    check,
    page: include_str!("online_ddl_not_pinned.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation.up().filter_map(judge).collect()
}

fn judge(act: Act<'_>) -> Option<Finding> {
    let Change::AlterTable(alter) = &act.step.change else {
        return None;
    };
    let (table, _) = act.old_table(&alter.name)?;
    let is_pinned = act
        .lexemes()
        .iter()
        .any(|word| word.is("ALGORITHM") || word.is("LOCK"));
    (!is_pinned && !alter.actions.iter().all(is_name_only)).then(|| {
        act.find_whole(format!(
            "nothing keeps the server from copying `{}`",
            alter.name
        ))
        .label("says neither ALGORITHM nor LOCK")
        .why(
            "Which way the server takes depends on its version, on what the table has been \
                 through and on its indexes; where the light way is barred it takes the heavy one \
                 without a word.",
        )
        .help("Say what you count on, so that the server refuses instead:\n, ALGORITHM=INSTANT")
        .blocks(&table, Work::Lock)
    })
}

fn is_name_only(action: &Action) -> bool {
    matches!(action.verb, Verb::RenameTo(_))
}
