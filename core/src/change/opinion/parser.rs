//! sqlparser as a reader of what the recogniser does not know.

use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};

use super::super::SyntaxError;
use crate::dialect::{Dialect, Family};
use crate::source::Span;

/// How deep it may call itself.
const DEEPEST: usize = 50;

/// Whether sqlparser takes the text, which begins at the byte `start` of its file.
pub(super) fn check(text: &str, start: u32, dialect: Dialect) -> Result<(), SyntaxError> {
    let grammar: &dyn sqlparser::dialect::Dialect = match dialect.modelling().family {
        Family::Postgres => &PostgreSqlDialect {},
        Family::Sqlite => &SQLiteDialect {},
        Family::MySql => &MySqlDialect {},
    };
    let parsed = Parser::new(grammar)
        .with_recursion_limit(DEEPEST)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements());
    match parsed {
        Ok(_) => Ok(()),
        Err(error) => Err(describe(&error, text, start)),
    }
}

fn describe(error: &ParserError, text: &str, start: u32) -> SyntaxError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            message.as_str()
        }
        ParserError::RecursionLimitExceeded => "it is nested too deeply",
    };
    let (what, place) = message.split_once(" at Line: ").unwrap_or((message, ""));
    let at = place
        .split_once(", Column: ")
        .and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)))
        .map_or(text.len(), |(line, column)| byte_at(text, line, column));
    let mut what = what.to_owned();
    if let Some(first) = what.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    let start = start as usize + at;
    SyntaxError {
        span: Span::new(start..start),
        message: what,
    }
}

fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let rest = text.get(before..).unwrap_or_default();
    let within = rest
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(rest.len(), |(at, _)| at);
    before + within
}
