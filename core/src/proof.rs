//! Whether the DOWN of a migration gives back the schema that its UP found.
//!
//! S0 is the model before, S1 after the UP, S2 after the DOWN. Only what was touched is compared.
//! "Proven" is said when every statement was modelled and S0 and S2 are equal; what differs is a
//! [`Leftover`], named with both places and the statement that undoes it.

mod compare;
mod report;
mod run;
mod undo;

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::options::Options;
use crate::rule::Rules;
use crate::schema::{Key, Schema};
use crate::set::Set;
use crate::source::Span;

/// What is known about the way back of one migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// UP and DOWN give back the schema.
    Proven,
    /// It cannot be told, for these reasons.
    Unproven(Vec<String>),
    /// They do not give it back: what is left over, or the DOWN fails.
    Broken(Vec<Leftover>),
    /// There is no DOWN, and the UP changes something.
    Missing,
    /// The migration says that there is no way back.
    Irreversible,
}

impl Verdict {
    /// The word in the JSON of `backstitch check`.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Proven => "proven",
            Verdict::Unproven(_) => "unproven",
            Verdict::Broken(_) => "broken",
            Verdict::Missing => "missing",
            Verdict::Irreversible => "irreversible",
        }
    }
}

/// Something that UP and DOWN together change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The object.
    pub key: Key,
    /// The part of it, in words: `column email`, `constraint users_pkey`; empty for all of it.
    pub part: String,
    /// How it differs.
    pub difference: Difference,
    /// The statement of the UP that changed it.
    pub made_by: Option<Span>,
    /// The statement of the DOWN that changed it last.
    pub undone_by: Option<Span>,
    /// What to add to the DOWN; empty where it is not known.
    pub undo: Vec<String>,
}

/// How an object differs after UP and DOWN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It was not there before and is there now.
    NotUndone,
    /// It was there before and is gone.
    NotRestored,
    /// It is there with another value of an attribute.
    Restored {
        /// Which attribute: `type`, `default`, `definition`.
        attribute: &'static str,
        /// Before the UP.
        before: String,
        /// After the DOWN.
        after: String,
    },
}

/// What was found out about one migration.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What is known about its way back.
    pub verdict: Verdict,
    /// How many statements the UP and the DOWN have.
    pub statements: usize,
    /// How many of them the model does not read.
    pub opaque: usize,
}

/// What was found out about a set.
#[derive(Clone, Debug)]
pub struct Checked {
    /// By the id of the migration.
    pub proofs: BTreeMap<String, Proof>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The model after the last migration.
    pub schema: Schema,
}

/// Replays `set`, and proves its way back migration by migration.
pub fn check(set: &Set, options: &Options) -> Checked {
    let mut checked = Checked {
        proofs: BTreeMap::new(),
        diagnostics: Vec::new(),
        schema: run::empty(set.dialect, options),
    };
    let mut rules = Rules::new(set, options);
    for migration in &set.migrations {
        let (proof, diagnostics) = run::prove(&mut checked.schema, migration, &mut rules);
        checked.proofs.insert(migration.id.clone(), proof);
        checked.diagnostics.extend(diagnostics);
    }
    run::name_later_makers(&mut checked, set);
    rules.finish(&checked.schema, &mut checked.diagnostics);
    checked
}
