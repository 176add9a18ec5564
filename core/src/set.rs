//! All migrations of a folder, in order, and what must hold between them.

use crate::checksum::Digest;
use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::migration::Migration;

/// All migrations of a folder, ordered by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The SQL they are written in.
    pub dialect: Dialect,
    /// By ascending version.
    pub migrations: Vec<Migration>,
}

impl Set {
    /// The set of these migrations, and what does not fit between them.
    pub fn new(dialect: Dialect, mut migrations: Vec<Migration>) -> (Set, Vec<Diagnostic>) {
        migrations.sort_by(|a, b| (a.version, &a.id).cmp(&(b.version, &b.id)));
        (
            Set {
                dialect,
                migrations,
            },
            Vec::new(),
        )
    }

    /// The migration of that id.
    pub fn get(&self, id: &str) -> Option<&Migration> {
        self.migrations.iter().find(|migration| migration.id == id)
    }

    /// The sum over all ids and checksums.
    pub fn digest(&self) -> Digest {
        self.migrations
            .iter()
            .fold(Digest::EMPTY, |digest, migration| {
                digest.with(&migration.id, &migration.checksum)
            })
    }
}
