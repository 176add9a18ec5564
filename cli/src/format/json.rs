//! The findings for programs: one JSON object.
//!
//! This is a contract. Fields are added, and never renamed or taken away; words that a field may
//! hold are added only where it says so.
//!
//! | field | what it holds |
//! |---|---|
//! | `engine` | `postgres`, `sqlite`, `mysql` or `mariadb` |
//! | `migrations` | one object for each that could be read, in the order in which they run |
//! | `migrations[].id`, `.path` | its name, and its file as seen from where the call was made |
//! | `migrations[].proof` | `proven`, `unproven`, `broken`, `missing` or `irreversible` |
//! | `migrations[].because` | sentences that say why it is not proven; empty when it is |
//! | `migrations[].statements`, `.opaque` | statements of UP and DOWN; those that the model does not read |
//! | `findings` | one object for each that is shown, by migration and place |
//! | `findings[].code` | what `backstitch explain` knows; codes are added |
//! | `findings[].severity` | `error`, `warn` or `info` |
//! | `findings[].migration`, `.path`, `.line`, `.column` | where; `null` where there is no such place. Both numbers count from one, columns count characters |
//! | `findings[].section` | `header`, `check`, `up`, `down` or `null` |
//! | `findings[].message`, `.why`, `.help` | what is wrong, why it matters, what to write; the last two may be empty. Wordings change |
//! | `summary` | `migrations`, `proven`, `errors`, `warnings`: counts of all there is, shown or not |

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
