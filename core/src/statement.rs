//! One SQL command of a migration, and what its first words say about it.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::Dialect;
use crate::lex::Token;
use crate::migration::Transaction;
use crate::source::{Source, Span};
use crate::split::Piece;

/// One SQL command, without its semicolon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// From its first token to its last, comments inside included.
    pub span: Span,
    /// Whether the engine commits by itself when it runs this, so that it cannot be taken back by
    /// a rollback of the transaction (DDL on MySQL and MariaDB).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub commits: bool,
    /// `-- @batch: …`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// `-- @allow: rule-code (reason)`, any number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allows: Vec<Allow>,
    /// `-- @unchecked: reason`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<String>,
}

/// `-- @batch: 1000, pause 50ms`: the statement is repeated, each round in a transaction of its
/// own, until it changes no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// How many rows a round is said to change at most.
    pub rows: u64,
    /// How long to wait between two rounds.
    pub pause_ms: u64,
}

/// `-- @allow: rule-code (reason)`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allow {
    /// The code of the rule.
    pub rule: String,
    /// Why this statement may do it.
    pub reason: String,
    /// Where the annotation stands.
    pub span: Span,
}

/// What the engine, or the transaction that the runner opens around it, would not take.
///
/// `tokens` are those of the whole text, to which `statement` points.
pub fn diagnose(
    _source: &Source,
    _statement: &Piece,
    _tokens: &[Token],
    _dialect: Dialect,
    _transaction: Transaction,
    _section: Section,
) -> Vec<Diagnostic> {
    Vec::new()
}

/// Whether the engine commits by itself when it runs this.
pub fn commits(_text: &str, _statement: &Piece, _tokens: &[Token], _dialect: Dialect) -> bool {
    false
}

/// Whether it is a query that returns rows and changes nothing.
pub fn is_query(_text: &str, _statement: &Piece, _tokens: &[Token], _dialect: Dialect) -> bool {
    true
}
