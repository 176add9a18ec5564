//! Diagnostics as people and programs read them.
//!
//! One renderer serves the compile errors of the macro and the terminal of the command line.
//! [`Finding`] is the same as a stable record for `--format json`.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Section, Severity};

/// How a text is to be dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text: compile errors, files, pipes.
    Plain,
    /// With the colours of a terminal.
    Ansi,
}

/// One diagnostic as text, ending in a line end.
pub fn render(diagnostic: &Diagnostic, style: Style) -> String {
    let _ = style;
    format!(
        "{}[{}]: {}\n",
        diagnostic.severity, diagnostic.code, diagnostic.message
    )
}

/// All of them, an empty line after each, and the [`summary`]. Nothing for no diagnostics.
pub fn render_all(diagnostics: &[Diagnostic], style: Style) -> String {
    diagnostics.iter().map(|d| render(d, style)).collect()
}

/// `2 errors, 1 warning`; empty when there is nothing to count.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let _ = diagnostics;
    String::new()
}

/// One diagnostic as `--format json` shows it. Fields are added, never renamed or taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The stable code.
    pub code: String,
    /// What happens because of it.
    pub severity: Severity,
    /// The id of the migration, where one is known.
    pub migration: Option<String>,
    /// The file, where it is about one.
    pub path: Option<String>,
    /// The line, from one.
    pub line: Option<u32>,
    /// The column in characters, from one.
    pub column: Option<u32>,
    /// The part of the file, where one is known.
    pub section: Option<Section>,
    /// What is wrong.
    pub message: String,
    /// Why it matters; may be empty.
    pub why: String,
    /// What to do; may be empty.
    pub help: String,
}

impl From<&Diagnostic> for Finding {
    fn from(diagnostic: &Diagnostic) -> Finding {
        let position = diagnostic.position();
        Finding {
            code: diagnostic.code.to_owned(),
            severity: diagnostic.severity,
            migration: diagnostic.migration.clone(),
            path: diagnostic.path().map(str::to_owned),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            section: diagnostic.section,
            message: diagnostic.message.clone(),
            why: diagnostic.why.clone(),
            help: diagnostic.help.clone(),
        }
    }
}
