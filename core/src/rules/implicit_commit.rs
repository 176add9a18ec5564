//! Rows that are committed by a statement behind them; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::DataVerb;
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "implicit-commit",
    group: Group::Order,
    level: Level::Warn,
    engines: &[Family::MySql],
    check,
    page: include_str!("implicit_commit.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let up = mixed(situation.up().collect());
    let down = mixed(situation.down().collect());
    up.into_iter().chain(down).collect()
}

/// The first statement that makes a section one of both kinds.
fn mixed(acts: Vec<Act<'_>>) -> Option<Finding> {
    let changes_rows = |act: &Act<'_>| {
        let verb = act.data().map(|data| data.verb);
        !act.statement.commits && verb.is_some_and(|verb| verb != DataVerb::Truncate)
    };
    let rows = acts.iter().find(|act| changes_rows(act))?;
    let commits = acts.iter().find(|act| act.statement.commits)?;
    let (first, second) = match rows.place.index < commits.place.index {
        true => (rows, commits),
        false => (commits, rows),
    };
    let source = first.situation.source(first.place.section);
    let finding = second
        .find_whole("rows and schema are changed in one migration, which is no transaction")
        .label("of the one kind")
        .also(source.first_line(first.statement.span), "of the other kind")
        .why(
            "The engine commits before each change of the schema, even one that then fails: when \
             the migration stops in between, the rows are changed and nothing takes them back.",
        )
        .help("Put the changes of rows and those of the schema into two migrations.");
    Some(finding)
}
