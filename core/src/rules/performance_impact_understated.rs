//! A header that promises less work than the SQL makes; see the page.

use super::finding::{Finding, Strength, Work};
use super::situation::Situation;
use super::{Group, RULES, Rule};
use crate::annotation;
use crate::migration::Impact;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "performance-impact-understated",
    group: Group::Metadata,
    level: Level::Deny,
    engines: &[],
    check,
    page: include_str!("performance_impact_understated.md"),
};

/// The annotation that is judged.
const KEY: &str = "performanceImpact";

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let (source, dialect) = (situation.migration.source(), situation.dialect());
    let said = situation.migration.impact;
    // Who says nothing promises nothing.
    let is_said = said < Impact::High && source.text().contains(KEY);
    let promise = is_said.then(|| annotation::locate(source, dialect, KEY));
    let Some((key, value)) = promise.flatten() else {
        return Vec::new();
    };
    let Some(heaviest) = heaviest(situation) else {
        return Vec::new();
    };
    let needed = heaviest.work.map_or(Impact::Low, impact);
    if said >= needed {
        return Vec::new();
    }
    let word = match needed {
        Impact::Low => "low",
        Impact::Medium => "medium",
        Impact::High => "high",
    };
    let finding = Finding::new(heaviest.place, heaviest.span, heaviest.message)
        .strength(Strength::Certain)
        .label("while others wait")
        .also(key.to(value), "promises less")
        .why("Whoever plans the release reads the header and chooses the hour by it.")
        .help(format!(
            "Say it, or make it lighter:\n-- @performanceImpact: {word}"
        ));
    vec![finding]
}

/// The finding of all rules about locks that stands for the most work.
fn heaviest(situation: &Situation<'_>) -> Option<Finding> {
    let family = situation.dialect().modelling().family;
    let rules = RULES
        .iter()
        .filter(|rule| rule.group == Group::Locking && rule.knows(family));
    let found = rules.flat_map(|rule| (rule.check)(situation));
    found
        .filter(|finding| finding.strength != Strength::Remark)
        .filter(|finding| {
            !finding
                .table
                .as_ref()
                .is_some_and(|table| situation.is_small(table))
        })
        .max_by_key(|finding| (finding.work, std::cmp::Reverse(finding.span)))
}

/// What the header has to say of such work.
fn impact(work: Work) -> Impact {
    match work {
        Work::Lock => Impact::Low,
        Work::Scan | Work::Build => Impact::Medium,
        Work::Copy | Work::Rewrite => Impact::High,
    }
}
