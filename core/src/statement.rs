//! One SQL command of a migration, and what its words say about it before anybody parses it.
//!
//! [`inspect`] finds what cannot run where the runner runs it: words that steer the transaction,
//! that only a client program knows, or that need to stand outside of a transaction. All of it is
//! read off tokens, never off text. What a statement does to the schema is the model's business.

mod explain;

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::phrase::{Phrase, outside_parentheses};
use crate::dialect::{Bodies, Dialect, InTransaction, When};
use crate::lex::{self, Lexeme, Token, TokenKind};
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

/// `-- @batch: 1000, pause 50ms, at most 500 rounds`: the statement is repeated, each round in a
/// transaction of its own, until it changes no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// How many rows a round is said to change at most.
    pub rows: u64,
    /// How long to wait between two rounds.
    pub pause_ms: u64,
    /// After how many rounds it is given up. `None`: the runner's own bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_rounds: Option<u64>,
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

/// Something a statement says that decides where it can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trait {
    /// What it is.
    pub nature: Nature,
    /// The words that say it.
    pub span: Span,
}

/// What a [`Trait`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It begins, ends or steers a transaction.
    TransactionControl,
    /// It is a block whose code begins or ends transactions, which works outside of one only.
    TransactionControlInBlock,
    /// It fails inside a transaction.
    OutsideTransaction,
    /// It fails inside a transaction if this holds, which the text cannot tell.
    OutsideTransactionIf(&'static str),
    /// It is a pragma that does not work inside a transaction.
    PragmaOutsideTransaction(InTransaction),
    /// It sends rows between the client program and the server.
    CopiesThroughClient,
    /// It has a variable that the client program replaces.
    ClientVariable,
}

/// What `statement` says that decides where it can run.
///
/// `tokens` are those of the whole `text`, to which `statement` points.
pub fn inspect(text: &str, statement: &Piece, tokens: &[Token], dialect: Dialect) -> Vec<Trait> {
    let lexemes = lexemes(text, statement, tokens, dialect);
    let grammar = dialect.grammar();
    let mut traits = Vec::new();
    traits.extend(outside_transaction(&lexemes, dialect));
    if traits.is_empty() {
        traits.extend(transaction_control(&lexemes, dialect));
    }
    traits.extend(pragma(&lexemes, dialect));
    if grammar.client.copy_rows {
        traits.extend(copy_through_client(&lexemes));
    }
    if grammar.client.variables {
        traits.extend(client_variables(&lexemes));
    }
    if dialect.has_dollar_quotes() {
        traits.extend(control_in_block(text, &lexemes, dialect));
    }
    traits
}

/// What [`inspect`] finds, as diagnostics, for a migration that runs in this `transaction`.
pub fn diagnose(
    source: &Source,
    statement: &Piece,
    tokens: &[Token],
    dialect: Dialect,
    transaction: Transaction,
    section: Section,
) -> Vec<Diagnostic> {
    inspect(source.text(), statement, tokens, dialect)
        .into_iter()
        .filter_map(|found| explain::explain(source, found, transaction))
        .map(|diagnostic| diagnostic.section(section))
        .collect()
}

/// Whether the engine commits by itself when it runs this. What a called procedure or a prepared
/// statement does is not known.
pub fn commits(text: &str, statement: &Piece, tokens: &[Token], dialect: Dialect) -> bool {
    let grammar = dialect.grammar();
    if dialect.has_transactional_ddl() {
        return false;
    }
    let lexemes = lexemes(text, statement, tokens, dialect);
    let any = |phrases: &[Phrase], lexemes: &[Lexeme<'_>]| {
        phrases
            .iter()
            .any(|phrase| phrase.covers(lexemes).is_some())
    };
    let commits = |at: usize| {
        let lexemes = &lexemes[at..];
        any(grammar.implicit_commits, lexemes) && !any(grammar.without_commit, lexemes)
    };
    let has_body = lexemes
        .iter()
        .any(|lexeme| lexeme.kind == TokenKind::Semicolon);
    let begins_inner = |at: usize| {
        let before = &lexemes[at - 1];
        let begins = before.kind == TokenKind::Semicolon || is_any(before, BEFORE_STATEMENTS);
        begins && !lexemes[at].is("BEGIN")
    };
    // `SET STATEMENT a = 1 FOR` stands before another statement.
    let outer = Phrase("SET STATEMENT … FOR").covers(&lexemes).unwrap_or(0);
    commits(outer)
        || transaction_setting(&lexemes, dialect).is_some()
        || has_body && (1..lexemes.len()).any(|at| begins_inner(at) && commits(at))
}

/// Words of a body behind which a statement begins.
const BEFORE_STATEMENTS: &[&str] = &["ATOMIC", "BEGIN", "DO", "ELSE", "LOOP", "REPEAT", "THEN"];

/// Whether it is a query that returns rows and, as far as its words tell, changes nothing.
pub fn is_query(text: &str, statement: &Piece, tokens: &[Token], dialect: Dialect) -> bool {
    let lexemes = lexemes(text, statement, tokens, dialect);
    let outer = lexemes
        .iter()
        .take_while(|lexeme| lexeme.kind == TokenKind::Open)
        .count();
    let Some(first) = lexemes.get(outer) else {
        return false;
    };
    let query = &lexemes[outer..];
    let reads = match first.is("WITH") {
        true => verb_behind_with(query).is_none_or(|verb| is_any(verb, QUERIES)),
        false => is_any(first, QUERIES),
    };
    let makes_table = outside_parentheses(query, |lexeme| lexeme.is("INTO")).is_some();
    reads && !makes_table && !writes_within(&lexemes)
}

const QUERIES: &[&str] = &["SELECT", "VALUES", "TABLE"];
const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"];

/// What the statement does that stands behind a `WITH a AS (…)`. There is none when that is in
/// parentheses, and then it is a query.
fn verb_behind_with<'l, 't>(lexemes: &'l [Lexeme<'t>]) -> Option<&'l Lexeme<'t>> {
    let mut at = 0;
    loop {
        at += outside_parentheses(&lexemes[at..], |lexeme| {
            is_any(lexeme, QUERIES) || is_any(lexeme, WRITES)
        })?;
        // Names of that kind stand behind `WITH` or a comma.
        if at > 0 && !lexemes[at - 1].is_operator(",") && !lexemes[at - 1].is("WITH") {
            return lexemes.get(at);
        }
        at += 1;
    }
}

fn is_any(lexeme: &Lexeme<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| lexeme.is(word))
}

/// Whether a data-changing statement stands in parentheses, as in `WITH a AS (DELETE FROM …)`.
fn writes_within(lexemes: &[Lexeme<'_>]) -> bool {
    lexemes.windows(3).any(|three| {
        let [before, verb, after] = three else {
            return false;
        };
        let begins = matches!(before.kind, TokenKind::Open | TokenKind::Close);
        let is_write = (verb.is("INSERT") || verb.is("MERGE") || verb.is("REPLACE"))
            && after.is("INTO")
            || verb.is("DELETE") && after.is("FROM")
            || verb.is("UPDATE") && matches!(after.kind, TokenKind::Word | TokenKind::QuotedName);
        begins && is_write
    })
}

/// The tokens that the engine sees; of comments that it executes, the tokens inside.
pub(crate) fn lexemes<'t>(
    text: &'t str,
    statement: &Piece,
    tokens: &[Token],
    dialect: Dialect,
) -> Vec<Lexeme<'t>> {
    let mut lexemes = Vec::new();
    for lexeme in lex::lexemes(text, &tokens[statement.tokens.clone()]) {
        if lexeme.kind == TokenKind::ExecutableComment {
            let inside = lex::lex_within(text, inside_comment(&lexeme), dialect);
            lexemes.extend(lex::lexemes(text, &inside));
        } else {
            lexemes.push(lexeme);
        }
    }
    lexemes
}

/// `SET x = 1` of `/*!40101 SET x = 1 */`.
fn inside_comment(comment: &Lexeme<'_>) -> Span {
    let opener = comment.text.find('!').map_or(0, |mark| mark + 1);
    let version = comment.text[opener..]
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    let start = comment.span.range().start + opener + version;
    let closer = if comment.text.ends_with("*/") {
        "*/".len()
    } else {
        0
    };
    Span::new(start..(comment.span.range().end - closer).max(start))
}

fn outside_transaction(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Option<Trait> {
    let statements = dialect.grammar().outside_transactions.iter();
    statements
        .filter_map(|outside| {
            let count = outside.phrase.covers(lexemes)?;
            let nature = match outside.when {
                When::Always => Nature::OutsideTransaction,
                When::Alone if count == lexemes.len() => Nature::OutsideTransaction,
                When::UnlessOff(names)
                    if !names
                        .iter()
                        .any(|name| option(lexemes, name) == Some(false)) =>
                {
                    Nature::OutsideTransaction
                }
                When::IfOn(name) if option(lexemes, name) == Some(true) => {
                    Nature::OutsideTransaction
                }
                When::Perhaps(condition) => Nature::OutsideTransactionIf(condition),
                When::Alone | When::UnlessOff(_) | When::IfOn(_) => return None,
            };
            Some(Trait {
                nature,
                span: covered(&lexemes[..count]),
            })
        })
        .next()
}

/// Whether the option `name` of a list in parentheses is switched on.
fn option(lexemes: &[Lexeme<'_>], name: &str) -> Option<bool> {
    let at = lexemes.windows(2).position(|two| {
        (two[0].kind == TokenKind::Open || two[0].is_operator(",")) && names(&two[1], name)
    })?;
    let value = lexemes[at + 2..]
        .iter()
        .find(|lexeme| !lexeme.is_operator("="))?;
    let value = value.text.trim_matches('\'');
    let off = ["false", "off", "0", "no"];
    Some(!off.iter().any(|off| value.eq_ignore_ascii_case(off)))
}

fn names(lexeme: &Lexeme<'_>, name: &str) -> bool {
    lexeme.is(name)
        || lexeme.kind == TokenKind::QuotedName
            && lexeme.text.trim_matches('"').eq_ignore_ascii_case(name)
}

fn transaction_control(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Option<Trait> {
    if opens_block(lexemes, dialect) {
        return None;
    }
    let phrases = dialect.grammar().transaction_control.iter();
    let count = phrases.filter_map(|phrase| phrase.covers(lexemes)).next();
    let span = match count {
        Some(count) => covered(&lexemes[..count]),
        None => transaction_setting(lexemes, dialect)?,
    };
    Some(Trait {
        nature: Nature::TransactionControl,
        span,
    })
}

/// Whether a `BEGIN` at the start is a block and no transaction.
fn opens_block(lexemes: &[Lexeme<'_>], dialect: Dialect) -> bool {
    let may = matches!(dialect.grammar().bodies, Bodies::Nested { anywhere: true });
    may && Phrase("BEGIN NOT").covers(lexemes).is_some()
}

/// `autocommit` where a `SET` gives it a value.
fn transaction_setting(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Option<Span> {
    let (set, assignments) = lexemes.split_first()?;
    let settings = dialect.grammar().transaction_settings;
    if !set.is("SET") || settings.is_empty() {
        return None;
    }
    let is_setting = |lexeme: &Lexeme<'_>| {
        let name = lexeme.text.rsplit(['@', '.']).next().unwrap_or_default();
        let is_name = match lexeme.kind {
            TokenKind::Word => true,
            TokenKind::Parameter => lexeme.text.starts_with("@@"),
            _ => false,
        };
        is_name
            && settings
                .iter()
                .any(|setting| name.eq_ignore_ascii_case(setting))
    };
    assignments
        .windows(2)
        .find(|two| is_setting(&two[0]) && (two[1].is_operator("=") || two[1].is_operator(":=")))
        .map(|two| two[0].span)
}

fn pragma(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Option<Trait> {
    let pragmas = dialect.grammar().pragmas_outside_transactions;
    if pragmas.is_empty() || !lexemes.first()?.is("PRAGMA") {
        return None;
    }
    let has_schema = lexemes.get(2).is_some_and(|dot| dot.is_operator("."));
    let at = if has_schema { 3 } else { 1 };
    let name = lexemes.get(at)?;
    let (known, effect) = pragmas.iter().find(|(known, _)| {
        name.text
            .trim_matches(['"', '`', '[', ']'])
            .eq_ignore_ascii_case(known)
    })?;
    // Asking for a value is fine; a checkpoint does its work without one.
    let acts = lexemes.len() > at + 1 || *known == "wal_checkpoint";
    acts.then(|| Trait {
        nature: Nature::PragmaOutsideTransaction(*effect),
        span: covered(lexemes),
    })
}

/// `FROM STDIN` or `TO STDOUT` of a `COPY`.
fn copy_through_client(lexemes: &[Lexeme<'_>]) -> Option<Trait> {
    if !lexemes.first()?.is("COPY") {
        return None;
    }
    let at = outside_parentheses(lexemes, |lexeme| lexeme.is("FROM") || lexeme.is("TO"))?;
    let target = lexemes.get(at + 1)?;
    (target.is("STDIN") || target.is("STDOUT")).then(|| Trait {
        nature: Nature::CopiesThroughClient,
        span: covered(&lexemes[at..at + 2]),
    })
}

/// `:name`, `:'name'` and `:"name"` where an operand must come. Behind an operand a colon is a
/// slice (`a[1:n]`) or the pair of a JSON object (`json_object('k':v)`).
fn client_variables(lexemes: &[Lexeme<'_>]) -> impl Iterator<Item = Trait> {
    lexemes
        .windows(3)
        .enumerate()
        .filter_map(move |(at, three)| {
            let [before, colon, name] = three else {
                return None;
            };
            let touches = colon.span.end == name.span.start;
            let is_name = matches!(
                name.kind,
                TokenKind::Word | TokenKind::String | TokenKind::QuotedName
            );
            let needs_operand = match before.kind {
                TokenKind::Operator => true,
                TokenKind::Open => before.text == "(",
                TokenKind::Word => at == 0 || is_any(before, BEFORE_VARIABLES),
                _ => false,
            };
            (colon.is_operator(":") && touches && is_name && needs_operand).then(|| Trait {
                nature: Nature::ClientVariable,
                span: colon.span.to(name.span),
            })
        })
}

/// Words that are no names, so that a colon behind them is no part of a slice or a JSON object.
const BEFORE_VARIABLES: &[&str] = &[
    "AND", "AS", "BETWEEN", "BY", "DATABASE", "DEFAULT", "ELSE", "EXISTS", "FROM", "ILIKE", "IN",
    "INTO", "JOIN", "LIKE", "LIMIT", "NOT", "OFFSET", "ON", "OR", "OWNER", "PASSWORD", "ROLE",
    "SCHEMA", "SELECT", "TABLE", "THEN", "TO", "UPDATE", "USER", "VALUES", "WHEN", "WHERE",
];

/// The first `COMMIT` or `ROLLBACK` in the code of a `DO`.
fn control_in_block(text: &str, lexemes: &[Lexeme<'_>], dialect: Dialect) -> Option<Trait> {
    if !lexemes.first()?.is("DO") {
        return None;
    }
    let code = lexemes
        .iter()
        .find(|lexeme| lexeme.kind == TokenKind::String && lexeme.text.starts_with('$'))?;
    let (opener, inside) = lex::dollar_quoted(code.text)?;
    let start = code.span.range().start + opener;
    let tokens = lex::lex_within(text, Span::new(start..start + inside.len()), dialect);
    let words = lex::lexemes(text, &tokens);
    let found = words.windows(3).find(|three| {
        let [before, verb, after] = three else {
            return false;
        };
        let begins = before.kind == TokenKind::Semicolon || is_any(before, BEFORE_STATEMENTS);
        let is_whole = after.kind == TokenKind::Semicolon || after.is("AND");
        begins && (verb.is("COMMIT") || verb.is("ROLLBACK")) && is_whole
    })?;
    Some(Trait {
        nature: Nature::TransactionControlInBlock,
        span: found[1].span,
    })
}

fn covered(lexemes: &[Lexeme<'_>]) -> Span {
    lexemes[0].span.to(lexemes[lexemes.len() - 1].span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split;

    /// The codes that are said about the first statement of `sql`, most traps of which stand in
    /// `tests/golden/split`.
    #[track_caller]
    fn check(dialect: Dialect, transaction: Transaction, sql: &'static str, codes: &[&str]) {
        let source = Source::new("m.sql", sql);
        let tokens = lex::lex(sql, dialect).tokens;
        let split = split::split(sql, &tokens, 0..tokens.len(), dialect);
        let piece = &split.pieces[0];
        let found = diagnose(&source, piece, &tokens, dialect, transaction, Section::Up);
        let found: Vec<_> = found.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(found, codes, "{sql}");
    }

    #[test]
    fn what_needs_no_transaction_is_fine_without_one() {
        for (dialect, sql, code) in [
            (
                Dialect::Postgres,
                "CREATE INDEX CONCURRENTLY i ON t (a)",
                "not-in-transaction",
            ),
            (
                Dialect::Postgres,
                "DROP SUBSCRIPTION s",
                "not-in-transaction",
            ),
            (
                Dialect::Postgres,
                "DO $$ BEGIN COMMIT; END $$",
                "transaction-control",
            ),
            (
                Dialect::Postgres,
                "COMMIT PREPARED 'x'",
                "not-in-transaction",
            ),
            (Dialect::Sqlite, "VACUUM", "not-in-transaction"),
            (
                Dialect::Sqlite,
                "PRAGMA foreign_keys = OFF",
                "sqlite-pragma-in-transaction",
            ),
        ] {
            check(dialect, Transaction::One, sql, &[code]);
            check(dialect, Transaction::None, sql, &[]);
        }
    }

    #[test]
    fn the_transaction_belongs_to_the_runner_either_way() {
        for dialect in Dialect::ALL {
            for transaction in [Transaction::One, Transaction::None] {
                check(dialect, transaction, "BEGIN", &["transaction-control"]);
                check(dialect, transaction, "COMMIT", &["transaction-control"]);
            }
        }
    }

    #[test]
    fn code_that_does_not_end_is_left_to_the_lexer() {
        for open in [
            "DO $$",
            "DO $a$",
            "DO $$名",
            "DO $a$BEGIN COMMIT;ü",
            "DO $1",
        ] {
            check(Dialect::Postgres, Transaction::One, open, &[]);
        }
    }

    #[test]
    fn a_word_means_what_it_means_to_its_engine_only() {
        let one = Transaction::One;
        check(Dialect::Postgres, one, "LOCK TABLE t", &[]);
        check(
            Dialect::MySql,
            one,
            "LOCK TABLES t READ",
            &["transaction-control"],
        );
        check(
            Dialect::MySql,
            one,
            "BEGIN NOT ATOMIC END",
            &["transaction-control"],
        );
        check(Dialect::MariaDb, one, "BEGIN NOT ATOMIC SELECT 1; END", &[]);
        check(Dialect::MySql, one, "VACUUM", &[]);
        check(Dialect::Sqlite, one, "SELECT :a, @b", &[]);
        check(Dialect::Postgres, one, "SELECT :a", &["client-command"]);
    }

    #[test]
    fn only_what_the_engine_commits_by_itself_commits() {
        let commits = |dialect, sql| {
            let tokens = lex::lex(sql, dialect).tokens;
            let split = split::split(sql, &tokens, 0..tokens.len(), dialect);
            commits(sql, &split.pieces[0], &tokens, dialect)
        };
        for dialect in Dialect::ALL {
            assert_eq!(
                commits(dialect, "CREATE TABLE t (a int)"),
                !dialect.has_transactional_ddl()
            );
            assert!(!commits(dialect, "INSERT INTO t VALUES (1)"));
        }
        assert!(
            !commits(Dialect::MySql, "/*! */"),
            "an empty comment does nothing"
        );
    }
}
