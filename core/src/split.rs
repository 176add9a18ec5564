//! Where statements begin and end.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::Dialect;
use crate::lex::Token;
use crate::source::{Source, Span};

/// The statements of a stretch of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// In order; empty statements are left out.
    pub pieces: Vec<Piece>,
    /// Bodies that do not end.
    pub faults: Vec<BodyFault>,
}

/// One statement and the comments before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From its first significant token to its last; the semicolon is not part of it.
    pub span: Span,
    /// The indices of the tokens of `span`.
    pub tokens: Range<usize>,
    /// The indices of the blank and comment tokens directly before it.
    pub lead: Range<usize>,
    /// The semicolon that ends it.
    pub terminator: Option<Span>,
}

/// A body that begins and does not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFault {
    /// The words that open it.
    pub span: Span,
}

/// Splits the tokens of `range` into statements.
pub fn split(_text: &str, _tokens: &[Token], _range: Range<usize>, _dialect: Dialect) -> Split {
    Split::default()
}

/// Bodies that do not end, as errors.
pub fn diagnose(_source: &Source, _split: &Split, _section: Section) -> Vec<Diagnostic> {
    Vec::new()
}
