//! What is wrong, where, why it matters and what to write instead.
//!
//! A [`Diagnostic`] is a value. Turning it into text is [`render`](crate::render)'s work, turning
//! it into a compile error the macro's. Codes are declared beside the code that raises them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::{Position, Source, Span};

/// What happens because of a [`Diagnostic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Shown on request.
    Info,
    /// A compiler warning.
    Warn,
    /// It does not compile.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warn => "warning",
            Severity::Error => "error",
        })
    }
}

/// The part of a migration file a diagnostic is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// The annotations before the first marker.
    Header,
    /// `-- CHECK BEFORE:` or `-- CHECK AFTER:`.
    Check,
    /// `-- UP MIGRATION`.
    Up,
    /// `-- DOWN MIGRATION`.
    Down,
}

/// A stretch of a source with a few words about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub source: Source,
    /// The words the caret stands under.
    pub span: Span,
    /// What is said about them; may be empty.
    pub text: String,
}

/// One finding. See the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable name in kebab case, such as `section-missing`.
    pub code: &'static str,
    /// What happens because of it.
    pub severity: Severity,
    /// One terse sentence in lower case, without a full stop.
    pub message: String,
    /// Where; the first is the place to go to. Empty when it is about no file.
    pub labels: Vec<Label>,
    /// Why it matters; may be empty.
    pub why: String,
    /// What to do, ending in text that can be pasted where there is such text; may be empty.
    pub help: String,
    /// The part of the file, where one is known.
    pub section: Option<Section>,
    /// The id of the migration, where one is known.
    pub migration: Option<String>,
}

impl Diagnostic {
    /// An error with this code and message.
    pub fn error(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Error, message)
    }

    /// A warning with this code and message.
    pub fn warn(code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Warn, message)
    }

    /// A diagnostic with this code, severity and message, about no place yet.
    pub fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            message: message.into(),
            labels: Vec::new(),
            why: String::new(),
            help: String::new(),
            section: None,
            migration: None,
        }
    }

    /// Points at `span` of `source`. The first call names the place to go to, later ones add others.
    #[must_use]
    pub fn at(mut self, source: &Source, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            source: source.clone(),
            span,
            text: text.into(),
        });
        self
    }

    /// Says why it matters.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Diagnostic {
        self.why = why.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = help.into();
        self
    }

    /// Names the part of the file.
    #[must_use]
    pub fn section(mut self, section: Section) -> Diagnostic {
        self.section = Some(section);
        self
    }

    /// The path of the file it is about, where there is one.
    pub fn path(&self) -> Option<&str> {
        self.labels.first().map(|label| label.source.path())
    }

    /// The line and column to go to, where there is a place.
    pub fn position(&self) -> Option<Position> {
        let label = self.labels.first()?;
        Some(label.source.position(label.span.start as usize))
    }
}

/// What is longer is no word that somebody has mistyped. Comparing takes the product of lengths.
const LONGEST: usize = 256;

/// Names the candidate that `word` was probably meant to be, if one is near.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let limit = |candidate: &str| candidate.len().max(word.len()) / 3;
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().max(word.len()) <= LONGEST)
        // A cheap bound: so many letters would have to be added or taken away.
        .filter(|candidate| letters(candidate).abs_diff(letters(word)) <= limit(candidate))
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| *distance <= limit(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn letters(word: &str) -> usize {
    word.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let keys = ["name", "description", "rollbackSafe"];
        assert_eq!(did_you_mean("rolbackSafe", keys), Some("rollbackSafe"));
        assert_eq!(did_you_mean("rollbacksafe", keys), Some("rollbackSafe"));
        assert_eq!(did_you_mean("owner", keys), None);
        let endless = "a".repeat(1 << 20);
        assert_eq!(did_you_mean(&endless, [&*format!("{endless}b")]), None);
    }
}
