//! Which reader is asked when, and who decides that a text is no SQL.

use super::{Change, Opaque, SyntaxError};
use crate::dialect::Dialect;
use crate::source::Span;

pub(super) fn read(text: &str, span: Span, dialect: Dialect) -> Result<Change, SyntaxError> {
    let _ = (text, span, dialect);
    Ok(Change::Opaque(Opaque {
        why: "it is not read yet",
        mentions: Vec::new(),
        anything: true,
    }))
}
