//! Settings for a transaction where there is none; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::Change;
use crate::dialect::Family;
use crate::migration::Transaction;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "set-local-ignored",
    group: Group::Order,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("set_local_ignored.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.migration.transaction == Transaction::One {
        return Vec::new();
    }
    let settings = situation
        .up()
        .chain(situation.down())
        .filter(|act| matches!(act.step.change, Change::Harmless | Change::SearchPath(_)));
    let mut begun = false;
    let found = settings.filter_map(|act| {
        let lexemes = act.lexemes();
        let [set, local, name, ..] = lexemes.as_slice() else {
            // Files of other tools begin a transaction of their own.
            begun |= lexemes.first().is_some_and(|first| first.is("BEGIN") || first.is("START"));
            return None;
        };
        begun |= set.is("BEGIN") || set.is("START");
        let is_it = set.is("SET") && local.is("LOCAL") && !begun;
        is_it.then(|| {
            act.find_whole(format!("`{}` stays what it is", name.text))
                .label("ends with its own statement")
                .why(
                    "SET LOCAL holds until the transaction ends. Outside of one that is at once, so \
                     that it does nothing, and says so in a warning that nobody sees.",
                )
                .help("Write SET without LOCAL; the runner sets it back after the migration.")
        })
    });
    found.collect()
}
