//! Which reader is asked when, and who decides that a text is no SQL.

mod certain;
mod gaps;
mod heads;
mod parser;
mod plain;
mod postgres;

use super::cursor::Cursor;
use super::{Change, SyntaxError, alter, block, create, data, drop, grant, opaque, session};
use crate::diagnostic::did_you_mean;
use crate::dialect::{Dialect, Family};
use crate::lex::{self, Lexeme, TokenKind};
use crate::source::Span;

/// How deep parentheses may stand in one another in a statement that is handed to a parser that
/// others wrote.
const DEEPEST: usize = 64;

/// How many tokens such a statement may have at most: rows of data need no second opinion.
const LONGEST: usize = 20_000;

pub(super) fn read(text: &str, span: Span, dialect: Dialect) -> Result<Change, SyntaxError> {
    let tokens = lex::lex_within(text, span, dialect);
    let lexemes = lex::lexemes(text, &tokens);
    if lexemes.iter().any(|lexeme| {
        matches!(
            lexeme.kind,
            TokenKind::Client | TokenKind::ExecutableComment
        )
    }) {
        return Ok(executable(&lexemes, dialect));
    }
    // Braces are a sign of no engine; other tools put names in their place.
    if lexemes
        .iter()
        .any(|lexeme| lexeme.text.starts_with('{') && lexeme.kind == TokenKind::Operator)
    {
        return Ok(Change::Opaque(super::Opaque {
            why: "it is a template that another tool fills in",
            ..opaque::read(&lexemes, dialect)
        }));
    }
    let change = recognise(Cursor::new(&lexemes, dialect));
    if change.is_none()
        && let Some(error) = index_without_table(Cursor::new(&lexemes, dialect))
    {
        return Err(error);
    }
    let is_recognised = change.is_some();
    on_a_deep_stack(lexemes.len(), || {
        second_opinion(text, span, &lexemes, dialect, is_recognised)
    })?;
    Ok(change.unwrap_or_else(|| Change::Opaque(opaque::read(&lexemes, dialect))))
}

/// `DROP INDEX x` of MySQL, which must say on which table.
fn index_without_table(mut cursor: Cursor<'_, '_>) -> Option<SyntaxError> {
    if cursor.family() != Family::MySql || !cursor.eat("DROP INDEX") {
        return None;
    }
    cursor.if_exists();
    let name = cursor.object_name()?;
    cursor.is_end().then_some(SyntaxError {
        span: name.span,
        message: "expected `ON` and the table of the index".to_owned(),
    })
}

/// The change that our recogniser sees.
fn recognise(mut cursor: Cursor<'_, '_>) -> Option<Change> {
    if cursor.eat("CREATE") {
        return create::read(&mut cursor);
    }
    if cursor.sees_any(&["ALTER SYSTEM", "ALTER ROLE", "ALTER USER"]) {
        return session::read(&mut cursor);
    }
    if cursor.eat("ALTER") {
        return alter::read(&mut cursor);
    }
    if cursor.eat("DROP") {
        return drop::read(&mut cursor);
    }
    if cursor.family() == Family::MySql && cursor.eat("RENAME TABLE") {
        return rename_tables(&mut cursor);
    }
    if cursor.eat("COMMENT ON") {
        return session::comment(&mut cursor);
    }
    for (word, gives) in [("GRANT", true), ("REVOKE", false)] {
        if cursor.eat(word) {
            return grant::read(&mut cursor, gives);
        }
    }
    if cursor.family() == Family::Postgres && cursor.eat("DO") {
        let mut ahead = cursor;
        return opaque::block(&mut ahead).or_else(|| block::read(&mut cursor));
    }
    let mut ahead = cursor;
    session::read(&mut ahead).or_else(|| data::read(&mut cursor))
}

/// `RENAME TABLE a TO b`: one pair; several may swap names and are not read.
fn rename_tables(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let name = cursor.object_name()?;
    cursor.expect("TO")?;
    let to = cursor.object_name()?;
    cursor.end()?;
    Some(Change::Rename(super::Rename {
        target: super::Target {
            kind: super::Kind::Table,
            name,
            owner: None,
            arguments: None,
        },
        to,
        if_missing: super::IfMissing::Fail,
    }))
}

/// How many tokens a statement may have that is read on the stack at hand.
const SHALLOW: usize = 200;

/// What a parser may need that calls itself for every token of the longest statement, in bytes.
/// Only what is used of it is ever there.
const STACK: usize = 512 * 1024 * 1024;

/// Asks parsers that others wrote, who call themselves for `NOT NOT NOT …` as deep as that goes. One
/// that gives up is no reason to refuse a statement.
fn on_a_deep_stack(
    tokens: usize,
    ask: impl FnOnce() -> Result<(), SyntaxError> + Send,
) -> Result<(), SyntaxError> {
    if tokens <= SHALLOW {
        return ask();
    }
    std::thread::scope(|scope| {
        let asked = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, ask);
        let answer = asked.ok().and_then(|thread| thread.join().ok());
        answer.unwrap_or(Ok(()))
    })
}

/// What only the server can read: settings in comments are harmless, anything else is not known.
fn executable(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Change {
    let harmless = lexemes.iter().all(|lexeme| {
        let inner = lexeme
            .text
            .trim_start_matches(|c: char| !c.is_ascii_alphabetic())
            .trim_start_matches(['M', '!'])
            .to_ascii_uppercase();
        lexeme.kind == TokenKind::ExecutableComment
            && (inner.starts_with("SET ") || inner.contains(" KEYS "))
    });
    match harmless {
        true => Change::Harmless,
        false => Change::Opaque(opaque::read(lexemes, dialect)),
    }
}

/// Whether the engine takes the statement: the recogniser reads some parts as text, and does not
/// know all that is legal.
fn second_opinion(
    text: &str,
    span: Span,
    lexemes: &[Lexeme<'_>],
    dialect: Dialect,
    is_recognised: bool,
) -> Result<(), SyntaxError> {
    if lexemes.len() > LONGEST || depth(lexemes) > DEEPEST {
        return Ok(());
    }
    match dialect.modelling().family {
        Family::Postgres if plain::is_plain(lexemes, dialect.modelling()) => Ok(()),
        Family::Postgres => {
            let mut cursor = Cursor::new(lexemes, dialect);
            if cursor.eat("DO") {
                return gaps::block(cursor);
            }
            if gaps::is_too_strict_for(lexemes, dialect) {
                return Ok(());
            }
            let shown = gaps::shown(span, lexemes, dialect);
            postgres::check(shown.of(text), shown.start)?;
            gaps::check(text, lexemes, dialect)
        }
        Family::Sqlite => of_sqlite_itself(text, span, lexemes),
        Family::MySql => match lexemes.first() {
            Some(first)
                if !is_recognised
                    && !begins_a_statement(first)
                    && !parser::reads(span.of(text), dialect) =>
            {
                Err(no_statement(first, dialect))
            }
            Some(_) => certain::signs(lexemes)
                .and_then(|()| certain::words(lexemes))
                .and_then(|()| heads::check(Cursor::new(lexemes, dialect))),
            None => Ok(()),
        },
    }
}

#[cfg(feature = "sqlite")]
fn of_sqlite_itself(text: &str, span: Span, _: &[Lexeme<'_>]) -> Result<(), SyntaxError> {
    crate::sqlite::parses(span.of(text)).map_err(|(at, message)| {
        let at = span.start as usize + at;
        SyntaxError {
            span: Span::new(at..at),
            message,
        }
    })
}

/// Nobody else knows its grammar well enough to refuse more than what no statement looks like. What
/// a module of a virtual table takes is its own business.
#[cfg(not(feature = "sqlite"))]
fn of_sqlite_itself(_: &str, _: Span, lexemes: &[Lexeme<'_>]) -> Result<(), SyntaxError> {
    match lexemes.iter().any(|lexeme| lexeme.is("VIRTUAL")) {
        true => Ok(()),
        false => certain::signs(lexemes),
    }
}

fn depth(lexemes: &[Lexeme<'_>]) -> usize {
    let mut depth: usize = 0;
    let mut deepest = 0;
    for lexeme in lexemes {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The first words of the statements of MySQL and MariaDB.
const HEADS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BACKUP",
    "BEGIN",
    "BINLOG",
    "CACHE",
    "CALL",
    "CHANGE",
    "CHECK",
    "CHECKSUM",
    "CLONE",
    "COMMIT",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DO",
    "DROP",
    "EXECUTE",
    "EXPLAIN",
    "FLUSH",
    "GET",
    "GRANT",
    "HANDLER",
    "HELP",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "RESIGNAL",
    "RESTART",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "SHUTDOWN",
    "SIGNAL",
    "START",
    "STOP",
    "TABLE",
    "TRUNCATE",
    "UNINSTALL",
    "UNLOCK",
    "UPDATE",
    "USE",
    "VALUES",
    "WITH",
    "XA",
    "IF",
    "FOR",
    "WHILE",
    "LOOP",
    "CASE",
    "REPEAT",
    "DECLARE",
];

fn begins_a_statement(first: &Lexeme<'_>) -> bool {
    first.kind == TokenKind::Open || HEADS.iter().any(|head| first.is(head))
}

fn no_statement(first: &Lexeme<'_>, dialect: Dialect) -> SyntaxError {
    let near = did_you_mean(first.text, HEADS.iter().copied());
    let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    SyntaxError {
        span: first.span,
        message: format!("no statement of {} begins so{near}", dialect.title()),
    }
}
