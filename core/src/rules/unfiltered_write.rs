//! Rows that are all changed at once; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Data, DataVerb};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "unfiltered-write",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("unfiltered_write.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation
        .data()
        .filter_map(|(act, data)| judge(act, data))
        .collect()
}

fn judge(act: Act<'_>, data: &Data) -> Option<Finding> {
    if act.statement.batch.is_some() {
        return None;
    }
    let name = data.targets.first()?;
    let (table, _) = act.old_table(name)?;
    let what = match data.verb {
        DataVerb::Truncate => format!("`{name}` is emptied"),
        DataVerb::Delete if !data.filtered => format!("every row of `{name}` is deleted"),
        DataVerb::Update if !data.filtered && overwrites(act, data, &table) => {
            format!("every row of `{name}` is overwritten")
        }
        _ => return None,
    };
    let finding = act
        .find_whole(what)
        .label("no condition says which rows are meant")
        .why(
            "On the few rows of a test nobody notices; in production it takes every row that there \
             is, locks them all until the end, and nothing brings their values back.",
        )
        .help("Say which rows are meant, with a WHERE.");
    Some(finding)
}

/// Whether it writes a column that was there before the migration.
fn overwrites(act: Act<'_>, data: &Data, table: &crate::schema::Key) -> bool {
    act.as_found(table).is_some_and(|origin| {
        data.columns
            .iter()
            .any(|column| origin.column(&column.name).is_some())
    })
}
