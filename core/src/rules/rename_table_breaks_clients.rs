//! Tables that clients know by a name that they lose; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind};
use crate::options::Level;
use crate::schema::Key;

pub(super) const RULE: Rule = Rule {
    code: "rename-table-breaks-clients",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("rename_table_breaks_clients.md"),
};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let renames = situation.up().filter_map(|act| {
        let (from, to) = act.renames()?;
        let is_old = situation.origin_of(&from, act.before().writes).as_ref() == Some(&from);
        let object = act.before().get(&from)?;
        let counts = is_old && !object.is_temporary() && !situation.is_rebuilding(act);
        // A view, or another table, that takes the name over keeps the readers going.
        let is_taken_over = situation.middle().get(&from).is_some();
        (counts && !is_taken_over).then(|| finding(act, &from, &to))
    });
    let schemas = situation.up().filter_map(|act| match &act.step.change {
        Change::Rename(rename) if rename.target.kind == Kind::Schema => {
            let name = &rename.target.name.name;
            let mut tables = situation.start_tables();
            tables.any(|table| table.schema == *name).then(|| {
                let message = format!(
                    "code that names the schema `{name}` fails once it is `{}`",
                    rename.to
                );
                explain(act.find_whole(message))
            })
        }
        _ => None,
    });
    renames.chain(schemas).collect()
}

fn finding(act: Act<'_>, from: &Key, to: &Key) -> Finding {
    let shown = match from.schema == to.schema {
        true => to.name.to_string(),
        false => format!("{}.{}", to.schema, to.name),
    };
    explain(act.find_whole(format!(
        "code that names `{}` fails once it is `{shown}`",
        from.name
    )))
}

fn explain(finding: Finding) -> Finding {
    finding
        .label("the old name is gone at once")
        .why(
            "Instances of the release before run on until the last of them is replaced, and every \
             query of theirs that names it fails.",
        )
        .help(
            "Leave a view of the old name behind in the same migration, and drop it in a later \
             release.",
        )
}
