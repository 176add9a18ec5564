//! sqlparser as the reader of what begins with a word that nobody here knows.

use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::dialect::{Dialect, Family};

/// How deep it may call itself.
const DEEPEST: usize = 50;

/// Whether sqlparser takes the text.
pub(super) fn reads(text: &str, dialect: Dialect) -> bool {
    let grammar: &dyn sqlparser::dialect::Dialect = match dialect.modelling().family {
        Family::Postgres => &PostgreSqlDialect {},
        Family::Sqlite => &SQLiteDialect {},
        Family::MySql => &MySqlDialect {},
    };
    Parser::new(grammar)
        .with_recursion_limit(DEEPEST)
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statements())
        .is_ok()
}
