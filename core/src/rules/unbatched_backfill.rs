//! New columns that are filled in one go; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Data, DataVerb};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "unbatched-backfill",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("unbatched_backfill.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation
        .data()
        .filter_map(|(act, data)| judge(act, data))
        .collect()
}

fn judge(act: Act<'_>, data: &Data) -> Option<Finding> {
    let is_all = data.verb == DataVerb::Update && !data.filtered && act.statement.batch.is_none();
    let name = data.targets.first().filter(|_| is_all)?;
    let (table, _) = act.old_table(name)?;
    let origin = act.as_found(&table)?;
    let is_new = |name| origin.column(name).is_none();
    let is_fill =
        !data.columns.is_empty() && data.columns.iter().all(|column| is_new(&column.name));
    if !is_fill || act.situation.is_small(&table) {
        return None;
    }
    let finding = act
        .find_whole(format!("every row of `{name}` is written in one go"))
        .label("locks each row until the migration ends")
        .why(
            "Every row is locked until the end and written a second time; together with the \
             statements before it, which have locked the table, nobody works for so long.",
        )
        .help(
            "Fill it in batches, in a migration of its own:\n\
             -- @transaction: false\n\
             -- @batch: 1000, pause 50ms",
        );
    Some(finding)
}
