//! Functions that run with rights of their owner and names of their caller; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::Change;
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "security-definer-unsafe",
    group: Group::Security,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("security_definer_unsafe.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().filter_map(|act| {
        let Change::CreateRoutine(create) = &act.step.change else {
            return None;
        };
        let option = |name: &str| create.options.iter().find(|option| &*option.name == name);
        let is_definer = option("security").is_some_and(|option| &*option.value == "definer");
        (is_definer && option("set search_path").is_none()).then(|| {
            let name = &create.name;
            act.find(
                name.span,
                format!("`{name}` runs with the rights of its owner and the path of its caller"),
            )
            .label("SECURITY DEFINER without a search_path of its own")
            .why(
                "Whoever may call it can put a table or function of their own first in the path, \
                     and the function uses that with the rights of its owner.",
            )
            .help("Fix the path, and write names with their schema:\nSET search_path = ''")
        })
    });
    found.collect()
}
