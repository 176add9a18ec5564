//! Tables that go with their rows; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind, ObjectName, Target};
use crate::options::Level;
use crate::schema::Class;

pub(super) const RULE: Rule = Rule {
    code: "drop-table-loses-data",
    group: Group::DataLoss,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("drop_table_loses_data.md"),
};

pub(super) fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let drops = situation.up().flat_map(|act| match &act.step.change {
        Change::Drop(drop) if !situation.is_rebuilding(act) => {
            let targets = drop.targets.iter();
            targets.filter_map(|target| lost(act, target)).collect()
        }
        _ => Vec::new(),
    });
    drops.collect()
}

fn lost(act: Act<'_>, target: &Target) -> Option<Finding> {
    let name = &target.name;
    match target.kind {
        Kind::Table | Kind::ForeignTable => {
            act.old_table(name)?;
            let what = match target.kind {
                Kind::ForeignTable => {
                    format!("the foreign table `{name}` goes, and with it the way to its rows")
                }
                _ => format!("the rows of `{name}` are gone for good"),
            };
            Some(finding(act, name, what))
        }
        Kind::Schema => {
            let tables = tables_of(act, name);
            let first = tables.first()?;
            let what = match tables.len() {
                1 => format!("the rows of `{first}` are gone with `{name}`"),
                count => format!(
                    "the rows of `{first}` and {} more tables are gone with `{name}`",
                    count - 1
                ),
            };
            Some(finding(act, name, what))
        }
        _ => None,
    }
}

fn tables_of(act: Act<'_>, schema: &ObjectName) -> Vec<String> {
    let start = act.situation.start();
    let touched = act.situation.touched();
    let kept = act
        .situation
        .schema
        .in_schema(Class::Relation, &schema.name);
    let mut keys: Vec<_> = touched.chain(kept.map(|(key, _)| key)).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| key.schema == schema.name && start.table(key).is_some())
        .filter(|key| act.before().table(key).is_some())
        .map(|key| key.name.to_string())
        .collect()
}

fn finding(act: Act<'_>, name: &ObjectName, what: String) -> Finding {
    act.find(name.span, what)
        .label("dropped with its rows")
        .why(
            "The way back makes the table again and not what was in it; code of the release \
             before, which still reads it, fails at once.",
        )
        .help(
            "Drop it in a later release, when no code names it any more; until then give it \
             another name or take away the right to use it.",
        )
}
