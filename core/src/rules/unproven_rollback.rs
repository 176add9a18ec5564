//! A way back about which nothing is proven; see the page.

use super::{Group, Rule};
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::migration::Migration;
use crate::options::{Level, Options};
use crate::proof::Verdict;

pub(super) const RULE: Rule = Rule {
    code: "unproven-rollback",
    group: Group::Rollback,
    level: Level::Info,
    engines: &[],
    // It judges the proof, see `judge`.
    check: |_| Vec::new(),
    page: include_str!("unproven_rollback.md"),
};

/// What is said about a way back of which only this is known.
pub(crate) fn judge(
    migration: &Migration,
    verdict: &Verdict,
    options: &Options,
) -> Option<Diagnostic> {
    let Verdict::Unproven(reasons) = verdict else {
        return None;
    };
    // Without a DOWN there is nothing to prove, and another code to say so.
    let down = migration.down.as_ref()?;
    let severity = match RULE.chosen(options).unwrap_or(RULE.level) {
        Level::Allow => return None,
        Level::Info => Severity::Info,
        Level::Warn => Severity::Warn,
        Level::Deny => Severity::Error,
    };
    let place = down
        .statements
        .first()
        .map_or(down.span, |first| first.span);
    let mut diagnostic = Diagnostic::new(RULE.code, severity, "the way back is not proven")
        .at(
            &down.source,
            down.source.first_line(place),
            "whether this undoes the UP is not known",
        )
        .why(format!("The model cannot tell: {}.", reasons.join("; ")))
        .help("Write what it does as plain statements, or let a test on a real server prove it.")
        .section(Section::Down);
    diagnostic.migration = Some(migration.id.clone());
    Some(diagnostic)
}
