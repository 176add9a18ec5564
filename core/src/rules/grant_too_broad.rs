//! Rights for everybody, or all rights at once; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::{Change, Grant, GrantOn, Kind};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "grant-too-broad",
    group: Group::Security,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("grant_too_broad.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().filter_map(|act| {
        let Change::Grant(grant) = &act.step.change else {
            return None;
        };
        let what = grant.gives.then(|| too_broad(grant))??;
        let finding = act
            .find_whole(what)
            .label("more than anybody needs")
            .why("Who gets into one account of the service gets at everything that it may do.")
            .help("Name the rights that are needed, and who needs them.");
        Some(finding)
    });
    found.collect()
}

fn too_broad(grant: &Grant) -> Option<&'static str> {
    let is_usage = grant
        .privileges
        .iter()
        .all(|privilege| matches!(&**privilege, "usage" | "execute"));
    let on_schema = match &grant.on {
        GrantOn::Targets(targets) => targets.iter().any(|target| target.kind == Kind::Schema),
        GrantOn::Text(_) | GrantOn::Roles => false,
    };
    let is_all = grant
        .privileges
        .iter()
        .any(|privilege| privilege.starts_with("all"));
    if grant
        .roles
        .iter()
        .any(|role| role.as_str().eq_ignore_ascii_case("public"))
        && !is_usage
    {
        Some("everybody who can log in gets this right")
    } else if grant.option && !matches!(grant.on, GrantOn::Roles) {
        Some("who gets this right can pass it on")
    } else if is_all && on_schema {
        Some("all rights on a schema are given at once")
    } else {
        None
    }
}
