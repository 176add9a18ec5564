//! `backstitch.lock`: the ids and checksums of a folder, in order.
//!
//! It makes two branches that both add a migration conflict in git, and the edit of a shipped
//! migration an error. Reading it from disk is [`dir`](crate::dir)'s work.

use crate::checksum::Checksum;
use crate::diagnostic::Diagnostic;
use crate::set::Set;
use crate::source::{Source, Span};

/// The name of the file, in the folder of the migrations.
pub const FILE_NAME: &str = "backstitch.lock";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// In order.
    pub entries: Vec<Entry>,
    /// The file itself.
    pub source: Source,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id of a migration.
    pub id: String,
    /// Its checksum.
    pub checksum: Checksum,
    /// The whole line.
    pub span: Span,
}

/// Reads the file.
pub fn parse(source: &Source) -> (Lock, Vec<Diagnostic>) {
    (
        Lock {
            source: source.clone(),
            ..Lock::default()
        },
        Vec::new(),
    )
}

/// The text of the file for this set.
pub fn write(set: &Set) -> String {
    let _ = set;
    String::new()
}

/// Where the file and the folder disagree.
pub fn compare(lock: &Lock, set: &Set) -> Vec<Diagnostic> {
    let _ = (lock, set);
    Vec::new()
}
