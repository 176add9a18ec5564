//! The findings for people, as the compiler shows them, and what is not proven.

use backstitch_core::diagnostic::Severity;
use backstitch_core::proof::Verdict;
use backstitch_core::render::{self, Style};
use std::cmp::Reverse;

use backstitch_core::report::{Proved, Report};

/// So many migrations that are not proven are listed unasked.
const LISTED: usize = 10;

pub(super) fn write(report: &Report, level: Severity, style: Style) -> String {
    let mut text = String::new();
    for diagnostic in report.at_least(level) {
        text += &render::render(diagnostic, style);
        text.push('\n');
    }
    let limit = match level {
        Severity::Info => usize::MAX,
        Severity::Warn | Severity::Error => LISTED,
    };
    text += &unproven(report, limit);
    text += &summary(report);
    let hidden = report.diagnostics.len() - report.at_least(level).count();
    if hidden > 0 {
        let findings = counted(hidden, "finding", "findings");
        text += &format!("\n{findings} not shown; `--level info` shows all");
    }
    text.push('\n');
    let worst = report
        .at_least(level)
        .min_by_key(|one| Reverse(one.severity));
    if let Some(worst) = worst {
        text += &format!("`backstitch explain {}` tells more\n", worst.code);
    }
    text
}

/// `12 migrations for Postgres: 11 proven, 1 error, 2 warnings`
pub(super) fn summary(report: &Report) -> String {
    let all = report.migrations.len();
    let proven = match report.proven() {
        _ if all == 0 => String::new(),
        some if some == all => "all proven".to_owned(),
        some => format!("{some} proven"),
    };
    let parts = [proven, render::summary(&report.diagnostics)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let migrations = counted(all, "migration", "migrations");
    let engine = report.set.dialect.title();
    format!("{migrations} for {engine}: {}", parts.join(", "))
}

/// The migrations of which it cannot be told whether their way back is one.
fn unproven(report: &Report, limit: usize) -> String {
    let word = Verdict::Unproven(Vec::new()).name();
    let unproven: Vec<&Proved> = report
        .migrations
        .iter()
        .filter(|one| one.proof == word)
        .collect();
    let mut text = String::new();
    for one in unproven.iter().take(limit) {
        text += &format!("unproven: {}\n", one.path);
        for reason in &one.because {
            text += &format!("  {reason}\n");
        }
    }
    if unproven.len() > limit {
        let more = unproven.len() - limit;
        text += &format!("and {more} more; `--level info` lists all\n");
    }
    if !unproven.is_empty() {
        text.push('\n');
    }
    text
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}
