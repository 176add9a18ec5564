//! What to write so that a leftover is undone.

use super::Difference;
use super::compare::Unlike;
use super::run::Case;
use crate::schema::Key;

/// The statements that undo a difference; none where they are not known.
pub(super) fn statements(case: &Case<'_>, key: &Key, unlike: &Unlike) -> Vec<String> {
    let _ = (case, key);
    match unlike.difference {
        Difference::NotUndone | Difference::NotRestored | Difference::Restored { .. } => Vec::new(),
    }
}
