//! `backstitch.toml`: what a team decides once for all of its migrations.
//!
//! Where the file stands is the caller's business, what a rule is `rule`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::set::Set;
use crate::source::{Source, Span};

/// The name of the file.
pub const FILE_NAME: &str = "backstitch.toml";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `engine`
    pub engine: Option<Dialect>,
    /// `server`: the oldest version that must work.
    pub server: Option<Version>,
    /// `dir`: the folder of the migrations, beside the file.
    pub dir: Option<String>,
    /// `since`: the id of the first migration that has not shipped when rules were switched on.
    pub since: Option<Located<String>>,
    /// `small-tables`: tables whose size is never a concern.
    pub small_tables: Vec<String>,
    /// `external`: objects made by someone else.
    pub external: Vec<String>,
    /// `[rules]`: the level of each named rule.
    pub rules: BTreeMap<String, Located<Level>>,
    /// The file itself, for diagnostics that only others can raise.
    pub source: Source,
}

/// A value and where it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// For a rule, the name; otherwise the value.
    pub span: Span,
}

/// What a rule does when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Allow,
    /// It is shown on request.
    Info,
    /// A compiler warning.
    Warn,
    /// It does not compile.
    Deny,
}

/// The version of a server, `14`, `8.0.36`; what is not said counts as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

/// The options of this file.
pub fn parse(source: &Source) -> (Options, Vec<Diagnostic>) {
    (
        Options {
            source: source.clone(),
            ..Options::default()
        },
        Vec::new(),
    )
}

impl Options {
    /// Whether `since` names a migration of `set`.
    pub fn check_since(&self, set: &Set) -> Option<Diagnostic> {
        let _ = set;
        None
    }

    /// Whether every name under `[rules]` is one of `known`.
    pub fn check_rules<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Vec<Diagnostic> {
        let _ = known.into_iter();
        Vec::new()
    }
}
