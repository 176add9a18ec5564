//! Migrations for SQLite, played on SQLite itself while the service compiles.
//!
//! Each migration is played on a database in memory: UP, DOWN, UP again. SQLite says whether a
//! statement runs, and what it keeps of its schema before and after says whether the DOWN gives
//! back what the UP took. What only the application knows (its functions, collations, attached
//! files, tables that others make) is never a mistake, and never part of a proof.
//!
//! No file is opened and nothing outlives the call. Rules about rows that production has and an
//! empty database has not are for others to check.

mod catalogue;
mod compare;
mod explain;
#[cfg(feature = "model")]
mod grammar;
mod inverse;
mod judge;
#[cfg(feature = "model")]
mod overrule;
mod play;
mod refusal;
mod stage;
mod table;
mod words;

pub use catalogue::Kind;
pub use compare::{Attribute, Fault, Leftover};
#[cfg(feature = "model")]
pub(crate) use grammar::parses;
#[cfg(feature = "model")]
pub use overrule::overrule;

use crate::diagnostic::Diagnostic;
use crate::options::Options;
use crate::set::Set;

/// SQLite recurses into expressions, and threads of tests and of compilers have small stacks.
const STACK_SIZE: usize = 64 << 20;

/// What became of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// In a word.
    pub outcome: Outcome,
    /// What is wrong with it, in the order of the statements.
    pub diagnostics: Vec<Diagnostic>,
    /// A DOWN section that gives back the schema, where the one at hand does not and one is known.
    /// It has been played too. Where it needs `-- @foreignKeys: off` in the header, that line
    /// stands above the marker.
    pub suggestion: Option<String>,
}

/// What became of a migration, in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The DOWN gives back the schema, and the UP runs again; or there was nothing to give back.
    Reverts,
    /// The same, but columns stand in another order.
    ColumnOrderOnly,
    /// The DOWN runs and does not give back the schema.
    Broken(Vec<Leftover>),
    /// The DOWN does not run.
    DownFails,
    /// The UP does not run.
    UpFails,
    /// There is no DOWN, and the UP changes the schema.
    Missing,
    /// There is no DOWN, and the header says why.
    Irreversible,
    /// It depends on something that only the application knows: this.
    Unknown(String),
}

/// Plays the migrations of `set` one after the other. There is one answer for each, in order.
///
/// `options` names the tables that others make. The set must be one for SQLite; what stands in it
/// that steers transactions or belongs to a client program is for others to refuse.
pub fn rehearse(set: &Set, options: &Options) -> Vec<Rehearsal> {
    let played = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("rehearsal".to_owned())
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || play::play(set, options))
            .ok()
            .and_then(|thread| thread.join().ok())
    });
    played.unwrap_or_else(|| {
        let unknown = || Rehearsal {
            outcome: Outcome::Unknown("SQLite could not be started".to_owned()),
            diagnostics: Vec::new(),
            suggestion: None,
        };
        set.migrations.iter().map(|_| unknown()).collect()
    })
}
