//! What a statement makes of the model of a schema, with the habits of its engine.
//!
//! Replaying says two things besides: what the engine will refuse, as [`Finding`]s, and where the
//! model no longer knows, as [`Unknown`]s. It never guesses: a finding is raised only when the
//! model is sure. Whether UP and DOWN fit together is [`proof`](crate::proof)'s business.

use crate::change::{Change, Name};
use crate::schema::{Key, Schema};
use crate::source::Span;

/// What the engine will refuse, or what is known to do nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `unknown-table`, `duplicate-object`, …
    pub code: &'static str,
    /// The words that are refused.
    pub span: Span,
    /// One terse sentence.
    pub message: String,
    /// Why the engine refuses it.
    pub why: String,
    /// What to write instead.
    pub help: String,
    /// The name that is not there, where that is what is wrong.
    pub missing: Option<Key>,
}

/// Something that the model does not know after a statement, so that nothing is proven about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The words to blame.
    pub span: Span,
    /// To be read after "unproven because": `a DO block can do anything`.
    pub why: String,
}

/// What replaying a statement says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the engine refuses. The statement is then not replayed any further.
    pub findings: Vec<Finding>,
    /// What is not known after it.
    pub unknowns: Vec<Unknown>,
}

/// What lasts from statement to statement and ends with the section.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// `SET search_path`, where it was said.
    pub search_path: Option<Vec<Name>>,
}

/// Replays one statement.
pub fn apply(schema: &mut Schema, session: &mut Session, change: &Change) -> Outcome {
    let _ = (schema, session, change);
    Outcome::default()
}
