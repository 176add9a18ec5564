//! Row security that lets nobody or everybody through; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::Verb;
use crate::change::{Change, Name};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Class, Key, Schema};

pub(super) const RULE: Rule = Rule {
    code: "rls-gap",
    group: Group::Security,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("rls_gap.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().flat_map(|act| {
        let Change::AlterTable(alter) = &act.step.change else {
            return Vec::new();
        };
        let Some(key) = act.before().relation(&alter.name) else {
            return Vec::new();
        };
        let is_old = situation.start().table(&key).is_some();
        let switches = alter
            .actions
            .iter()
            .filter_map(|action| match &action.verb {
                Verb::SetOption(option) if &*option.name == "row level security" => {
                    Some((action, !option.value.is_empty()))
                }
                _ => None,
            });
        let found = switches.filter_map(|(action, is_on)| match is_on {
            true => Some(
                act.find(
                    action.span,
                    format!("nobody but its owner sees a row of `{}`", alter.name),
                )
                .label("no policy lets anybody through")
                .why("With row security on, what no policy allows is not there.")
                .help(format!(
                    "Say who sees what:\nCREATE POLICY … ON {} USING (…);",
                    alter.name
                ))
                .if_still(lacks_policy, &key, Vec::new()),
            ),
            false if is_old => Some(
                act.find(
                    action.span,
                    format!("everybody sees every row of `{}`", alter.name),
                )
                .label("its policies count no more")
                .why("What one tenant must not see of another is seen from here on.")
                .help("Leave it on, and change the policies."),
            ),
            false => None,
        });
        found.collect()
    });
    found.collect()
}

/// Whether it is so at the end of all migrations.
fn lacks_policy(schema: &Schema, table: &Key, _: &[Name]) -> bool {
    let is_on = schema
        .get(table)
        .and_then(|object| object.table())
        .is_some_and(|table| {
            table
                .options
                .get("row level security")
                .is_some_and(|value| !value.is_empty())
        });
    let mut dependants = schema.dependants(table);
    let has_policy = dependants.any(|key| {
        let body = schema.get(key).map(|object| &object.body);
        key.class == Class::Policy
            || matches!(body, Some(Body::Other(other)) if other.words == "POLICY")
    });
    is_on && !has_policy
}
