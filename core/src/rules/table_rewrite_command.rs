//! Commands that write a table anew; see the page.

use super::finding::{Finding, Work};
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Verb};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "table-rewrite-command",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("table_rewrite_command.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let altered = situation.alterations().filter_map(|one| {
        let Verb::SetOption(option) = &one.action.verb else {
            return None;
        };
        let what = match &*option.name {
            "unlogged" => "the table moves into or out of the log",
            "tablespace" => "the table moves to another place",
            "access method" => "the rows are kept in another way",
            _ => return None,
        };
        let finding = one.find(format!(
            "`{}` is written anew while nobody can use it",
            one.name
        ));
        Some(explain(finding.label(what)).blocks(one.key, Work::Rewrite))
    });
    let commands = situation.up().filter_map(|act| command(act));
    altered.chain(commands).collect()
}

fn command(act: Act<'_>) -> Option<Finding> {
    let Change::Harmless = act.step.change else {
        return None;
    };
    let words = act.lexemes();
    let first = words.first()?;
    let is_full = words.iter().take(6).any(|word| word.is("FULL"));
    let is_it = first.is("CLUSTER") || (first.is("VACUUM") && is_full);
    is_it.then(|| {
        let finding = act.find_whole("tables are written anew while nobody can use them");
        explain(finding.label("copies every row and builds every index"))
    })
}

fn explain(finding: Finding) -> Finding {
    finding
        .why("Every row is copied and every index built under an ACCESS EXCLUSIVE lock.")
        .help("Do it when nobody works, or with a tool that does it beside the traffic, such as pg_repack.")
}
