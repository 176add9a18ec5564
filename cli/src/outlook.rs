//! What is to be expected of a migration that is pending: what it costs, and what can go wrong.

use std::collections::HashMap;

use backstitch_core::migration::{Impact, Phase};
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Verdict};
use backstitch_core::{Migration, Set, Severity};
use serde::Serialize;

/// What is known about a pending migration.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outlook {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) impact: Impact,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<Phase>,
    pub(crate) statements: usize,
    pub(crate) risk: Risk,
    /// Why it is not lower.
    pub(crate) because: Vec<String>,
}

/// How much can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Risk {
    Low,
    Medium,
    High,
}

impl Risk {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
    }
}

/// The word of the annotation.
pub(crate) fn impact_name(impact: Impact) -> &'static str {
    match impact {
        Impact::Low => "low",
        Impact::Medium => "medium",
        Impact::High => "high",
    }
}

/// What is to be expected of these migrations, in this order.
pub(crate) fn of(set: &Set, options: &Options, ids: &[String]) -> Vec<Outlook> {
    if ids.is_empty() {
        return Vec::new();
    }
    let checked = proof::check(set, options);
    let mut warnings: HashMap<&str, Vec<&str>> = HashMap::new();
    for found in &checked.diagnostics {
        if let (Some(id), true) = (&found.migration, found.severity > Severity::Info) {
            warnings.entry(id).or_default().push(found.code);
        }
    }
    let migrations = ids.iter().filter_map(|id| set.get(id));
    migrations
        .map(|migration| {
            let verdict = checked.proofs.get(&migration.id);
            let codes = warnings.remove(&*migration.id).unwrap_or_default();
            outlook(migration, verdict.map(|proof| &proof.verdict), &codes)
        })
        .collect()
}

fn outlook(migration: &Migration, verdict: Option<&Verdict>, codes: &[&str]) -> Outlook {
    let mut because = Vec::new();
    let mut risk = Risk::Low;
    let mut worse = |to: Risk, why: String| {
        risk = risk.max(to);
        because.push(why);
    };
    match verdict {
        Some(Verdict::Irreversible) => worse(Risk::High, "no way back".to_owned()),
        Some(Verdict::Missing) => worse(Risk::High, "no way back".to_owned()),
        Some(Verdict::Broken(_)) => worse(Risk::High, "the way back is broken".to_owned()),
        Some(Verdict::Unproven(_)) | None => {
            worse(Risk::Medium, "the way back is not proven".to_owned());
        }
        Some(Verdict::Proven) => {}
    }
    if !migration.rollback_safe && migration.down.is_some() {
        worse(Risk::High, "going back loses data".to_owned());
    }
    let mut codes = codes.to_vec();
    codes.dedup();
    // What is wrong with the way back was said above.
    codes.retain(|code| !code.starts_with("rollback-"));
    for code in codes {
        worse(Risk::Medium, code.to_owned());
    }
    if migration.impact == Impact::High {
        worse(Risk::Medium, "high impact".to_owned());
    }
    Outlook {
        id: migration.id.clone(),
        name: migration.name.clone(),
        impact: migration.impact,
        phase: migration.phase,
        statements: migration.up.statements.len(),
        risk,
        because,
    }
}
