//! The ways to write down what `check` has found.

mod github;
mod json;
mod sarif;
mod text;

use backstitch_core::diagnostic::Severity;
use backstitch_core::render::Style;

use backstitch_core::report::Report;

/// How to write what is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: a stable contract, fields are added and never renamed or taken away
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For workflows of GitHub: annotations on the changed lines
    Github,
}

/// The whole output. Findings below `level` are left out, and still counted where things are
/// counted.
pub(crate) fn write(format: Format, report: &Report, level: Severity, style: Style) -> String {
    match format {
        Format::Text => text::write(report, level, style),
        Format::Json => json::write(report, level),
        Format::Sarif => sarif::write(report, level),
        Format::Github => github::write(report, level),
    }
}
