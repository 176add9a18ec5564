//! The tokens of a definition: where they are parted, and as what they count.

use backstitch_core::lex::{Lexeme, TokenKind};
use sqlx::Sqlite;

use crate::engine::Driver;

/// Splits at the commas that are not inside brackets.
pub(super) fn items<'i, 't>(tokens: &'i [Lexeme<'t>]) -> Vec<&'i [Lexeme<'t>]> {
    let mut depth = 0;
    let is_separator = |token: &Lexeme<'t>| {
        depth += step(token);
        depth == 0 && token.is_operator(",")
    };
    tokens.split(is_separator).collect()
}

/// The type of a column, which may be empty, and its clauses, with their names.
pub(super) fn clauses<'i, 't>(tokens: &'i [Lexeme<'t>]) -> impl Iterator<Item = &'i [Lexeme<'t>]> {
    let mut starts = vec![0];
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        depth += step(token);
        let is_named = at >= 2 && tokens[at - 2].is("constraint") && starts.contains(&(at - 2));
        if depth == 0 && !is_named && begins_clause(tokens, at) {
            starts.push(at);
        }
    }
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .copied()
        .chain([tokens.len()])
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &tokens[start..end])
}

fn begins_clause(tokens: &[Lexeme<'_>], at: usize) -> bool {
    const WORDS: [&str; 11] = [
        "constraint",
        "primary",
        "not",
        "null",
        "unique",
        "check",
        "default",
        "collate",
        "references",
        "generated",
        "as",
    ];
    let token = &tokens[at];
    let follows = |words: &[&str]| at > 0 && words.iter().any(|word| tokens[at - 1].is(word));
    let is_followed_by = |word| tokens.get(at + 1).is_some_and(|next| next.is(word));
    WORDS.iter().any(|word| token.is(word))
        // NOT NULL, DEFAULT NULL, ON DELETE SET NULL, a name that is given.
        && !(token.is("null") && follows(&["not", "default", "set"]))
        && !(token.is("default") && follows(&["set"]))
        && !(token.is("not") && is_followed_by("deferrable"))
        && !(token.is("as") && follows(&["always"]))
        && !follows(&["constraint"])
}

/// `CONSTRAINT name` and what stands behind it.
pub(super) fn take_name<'i, 't>(words: &'i [Lexeme<'t>]) -> (Option<String>, &'i [Lexeme<'t>]) {
    match words {
        [first, name, rest @ ..] if first.is("constraint") => (Some(name_of(name)), rest),
        words => (None, words),
    }
}

/// The bracket that closes the one at the beginning.
pub(super) fn closing(tokens: &[Lexeme<'_>]) -> Option<usize> {
    let mut depth = 0;
    tokens.iter().position(|token| {
        depth += step(token);
        depth == 0 && token.kind == TokenKind::Close
    })
}

pub(super) fn step(token: &Lexeme<'_>) -> i32 {
    match token.kind {
        TokenKind::Open => 1,
        TokenKind::Close => -1,
        _ => 0,
    }
}

/// A default: what is in double quotes there is a text, not a name.
pub(super) fn literal(tokens: &[Lexeme<'_>]) -> String {
    match tokens {
        [one] if one.kind == TokenKind::QuotedName => one.text.to_owned(),
        tokens => normal(tokens),
    }
}

/// The name that a token says, as SQLite compares names; SQLite takes a text for one too.
pub(super) fn name_of(token: &Lexeme<'_>) -> String {
    let text = token.text;
    let inner = || {
        text.get(1..text.len().saturating_sub(1))
            .unwrap_or_default()
    };
    let name = match text.chars().next() {
        Some(quote @ ('"' | '`' | '\'')) => {
            inner().replace(&format!("{quote}{quote}"), &quote.to_string())
        }
        Some('[') => inner().to_owned(),
        _ => text.to_owned(),
    };
    name.to_lowercase()
}

/// Tokens as a text that is the same for all ways of writing them: words in lower case, names
/// without quotes where they need none, blanks where they help.
pub(super) fn normal(tokens: &[Lexeme<'_>]) -> String {
    /// Behind these a bracket does not belong to a function.
    const KEYWORDS: [&str; 24] = [
        "add", "all", "and", "as", "by", "check", "default", "distinct", "else", "exists", "from",
        "in", "key", "not", "on", "or", "over", "select", "then", "unique", "using", "values",
        "when", "where",
    ];
    let mut text = String::new();
    let mut before: Option<(TokenKind, String)> = None;
    for token in tokens {
        let words = match token.kind {
            TokenKind::Word => token.text.to_lowercase(),
            TokenKind::QuotedName => quoted(&name_of(token)),
            TokenKind::Operator if token.text == "==" => "=".to_owned(),
            TokenKind::Operator if token.text == "!=" => "<>".to_owned(),
            _ => token.text.to_owned(),
        };
        let is_close = |(before, text): &(TokenKind, String)| {
            let is_name = matches!(before, TokenKind::Word | TokenKind::QuotedName);
            let is_call = is_name && !KEYWORDS.contains(&text.as_str());
            matches!(words.as_str(), "," | "." | ")" | "]" | ";")
                || *before == TokenKind::Open
                || text == "."
                || token.kind == TokenKind::Open && is_call
        };
        if before.as_ref().is_some_and(|before| !is_close(before)) {
            text.push(' ');
        }
        text.push_str(&words);
        before = Some((token.kind, words));
    }
    text
}

pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true => name.to_owned(),
        false => Sqlite::quote_name(name),
    }
}
