//! Bodies without bodies in them: each statement inside ends with a semicolon, and the `END` that
//! follows one ends the body. The `END` of a `CASE`, a column of that name or an alias never
//! follows a semicolon, so that none of them need be understood.

use super::{BodyFault, plain_len};
use crate::dialect::phrase::{Phrase, outside_parentheses};
use crate::lex::{Lexeme, TokenKind};
use crate::source::Span;

/// The length of a statement that may have a body, which `opener` opens.
pub(super) fn len(lexemes: &[Lexeme<'_>], opener: Phrase) -> (usize, Vec<BodyFault>) {
    let plain = plain_len(lexemes);
    let Some((open, inside)) = body(&lexemes[..plain], opener) else {
        return (plain, Vec::new());
    };
    let is_end = |at: usize| {
        lexemes[at].is("END") && (at == inside || lexemes[at - 1].kind == TokenKind::Semicolon)
    };
    match (inside..lexemes.len()).find(|&at| is_end(at)) {
        Some(end) => (end + plain_len(&lexemes[end..]), Vec::new()),
        None => (lexemes.len(), vec![BodyFault { span: open }]),
    }
}

/// Where the words stand that open the body, and the index behind them. A name that reads like
/// them stands behind a `.` or a comma, or in parentheses.
fn body(lexemes: &[Lexeme<'_>], opener: Phrase) -> Option<(Span, usize)> {
    let mut at = 0;
    while at < lexemes.len() {
        at += outside_parentheses(&lexemes[at..], |lexeme| lexeme.is("BEGIN"))?;
        let is_name = at > 0
            && (lexemes[at - 1].is_operator(".")
                || lexemes[at - 1].is_operator(",")
                || lexemes[at - 1].is("OF"));
        if let Some(count) = opener.covers(&lexemes[at..]).filter(|_| !is_name) {
            return Some((
                lexemes[at].span.to(lexemes[at + count - 1].span),
                at + count,
            ));
        }
        at += 1;
    }
    None
}

/// The length of a statement that may hold others in parentheses: `DO ALSO (a; b)`.
pub(super) fn len_with_parentheses(lexemes: &[Lexeme<'_>]) -> usize {
    outside_parentheses(lexemes, |lexeme| lexeme.kind == TokenKind::Semicolon)
        .unwrap_or(lexemes.len())
}
