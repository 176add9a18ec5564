//! The findings for programs: one JSON object.
//!
//! This is a contract, which `JSON.md` of this crate holds.

use backstitch_core::diagnostic::Severity;
use backstitch_core::render::Finding;
use serde::Serialize;

use backstitch_core::report::Report;

#[derive(Serialize)]
struct Document<'r> {
    /// `postgres`, `sqlite`, `mysql` or `mariadb`.
    engine: &'static str,
    /// In the order in which they run.
    migrations: Vec<Migration<'r>>,
    /// By migration and place.
    findings: Vec<Finding>,
    summary: Summary,
}

#[derive(Serialize)]
struct Migration<'r> {
    id: &'r str,
    path: &'r str,
    /// `proven`, `unproven`, `broken`, `missing` or `irreversible`.
    proof: &'static str,
    /// Empty when it is proven.
    because: &'r [String],
    /// Of the UP and the DOWN.
    statements: usize,
    /// Those of them that the model does not read.
    opaque: usize,
}

/// What there is, whatever of it is shown.
#[derive(Serialize)]
struct Summary {
    migrations: usize,
    proven: usize,
    errors: usize,
    warnings: usize,
}

pub(super) fn write(report: &Report, level: Severity) -> String {
    let migrations = report.migrations.iter().map(|one| Migration {
        id: &one.id,
        path: &one.path,
        proof: one.proof,
        because: &one.because,
        statements: one.statements,
        opaque: one.opaque,
    });
    let document = Document {
        engine: report.set.dialect.name(),
        migrations: migrations.collect(),
        findings: report.at_least(level).map(Finding::from).collect(),
        summary: Summary {
            migrations: report.migrations.len(),
            proven: report.proven(),
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warn),
        },
    };
    let json = serde_json::to_string_pretty(&document).expect("plain data");
    json + "\n"
}
