//! What the text of a statement says about going on after a run that stopped half-way.
//!
//! Outside of a transaction the history counts the statements. Where a statement can share a
//! transaction with its count, the count is exact. For the others there is a moment in which nobody
//! knows whether the statement has taken effect; [`Effect`] tells what to look for in the catalogue.
//! All of it is read off tokens, so that it holds for a way back that comes out of the database too.

mod effect;

use crate::checksum::{Checksum, Hasher, Role};
use crate::dialect::Dialect;
use crate::dialect::phrase::{Phrase, outside_parentheses};
use crate::lex::{self, Lexeme, TokenKind};
use crate::migration::Script;
use crate::source::Span;
use crate::split::Piece;
use crate::statement::{self, Nature};

pub use effect::{Effect, Fact, Name, Object, Presence};

/// What one statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whether the statement and its count can be in one transaction.
    pub joins_transaction: bool,
    /// What tells whether it has taken effect.
    pub effect: Effect,
    /// What it leaves in the session alone.
    pub leaves: Leaves,
}

/// What a statement leaves in the session, where the next session does not find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaves {
    /// Nothing.
    Nothing,
    /// A setting. Running the statement again brings it back.
    Setting,
    /// Something of this name that cannot be brought back: a variable, a prepared statement, a
    /// temporary table.
    Object(String),
}

/// Reads one statement.
pub fn read(sql: &str, dialect: Dialect) -> Reading {
    let lexed = lex::lex(sql, dialect);
    let piece = Piece {
        span: Span::new(0..sql.len()),
        tokens: 0..lexed.tokens.len(),
        lead: 0..0,
        terminator: None,
    };
    let lexemes = statement::lexemes(sql, &piece, &lexed.tokens, dialect);
    let commits = statement::commits(sql, &piece, &lexed.tokens, dialect);
    let stands_alone = statement::inspect(sql, &piece, &lexed.tokens, dialect)
        .iter()
        .any(|found| stands_alone(found.nature));
    Reading {
        joins_transaction: !commits && !stands_alone && !is_free(&lexemes),
        effect: effect::of(&lexemes),
        leaves: leaves(&lexemes),
    }
}

/// Whether one of the statements begins or ends transactions by itself, so that none of them can
/// be put into one.
pub fn controls_transactions(script: &Script, dialect: Dialect) -> bool {
    script.statements.iter().any(|statement| {
        let sql = statement.span.of(script.source.text());
        let lexed = lex::lex(sql, dialect);
        let piece = Piece {
            span: Span::new(0..sql.len()),
            tokens: 0..lexed.tokens.len(),
            lead: 0..0,
            terminator: None,
        };
        statement::inspect(sql, &piece, &lexed.tokens, dialect)
            .iter()
            .any(|found| found.nature == Nature::TransactionControl)
    })
}

/// Checksums over the first statements of a script: over none of them, over the first, over the
/// first two, and so on.
pub fn prefixes(script: &Script, role: Role, dialect: Dialect) -> Vec<Checksum> {
    let mut hasher = Hasher::new();
    let mut prefixes = vec![hasher.clone().finish()];
    for statement in &script.statements {
        let sql = statement.span.of(script.source.text());
        let lexed = lex::lex(sql, dialect);
        hasher.statement(role, lex::significant(sql, &lexed.tokens));
        prefixes.push(hasher.clone().finish());
    }
    prefixes
}

/// Whether a statement speaks of something by its name.
pub fn mentions(sql: &str, name: &str, dialect: Dialect) -> bool {
    let lexed = lex::lex(sql, dialect);
    lex::lexemes(sql, &lexed.tokens)
        .iter()
        .any(|lexeme| bare(lexeme.text).eq_ignore_ascii_case(name))
}

fn stands_alone(nature: Nature) -> bool {
    match nature {
        Nature::TransactionControl
        | Nature::TransactionControlInBlock
        | Nature::OutsideTransaction
        | Nature::OutsideTransactionIf(_)
        | Nature::PragmaOutsideTransaction(_) => true,
        Nature::CopiesThroughClient | Nature::ClientVariable => false,
    }
}

/// Whether what it runs decides what it does with transactions, or it is about the session.
fn is_free(lexemes: &[Lexeme<'_>]) -> bool {
    const WORDS: [&str; 8] = [
        "CALL", "EXECUTE", "PRAGMA", "ATTACH", "DETACH", "LOCK", "UNLOCK", "BEGIN",
    ];
    let first = lexemes.first();
    first.is_some_and(|first| WORDS.iter().any(|word| first.is(word)))
}

fn leaves(lexemes: &[Lexeme<'_>]) -> Leaves {
    let Some(first) = lexemes.first() else {
        return Leaves::Nothing;
    };
    let second = lexemes.get(1);
    let object = |lexeme: Option<&Lexeme<'_>>| match lexeme {
        Some(lexeme) => Leaves::Object(bare(lexeme.text).to_owned()),
        None => Leaves::Nothing,
    };
    if first.is("SET") {
        let is_variable = |lexeme: &&Lexeme<'_>| is_variable(lexeme);
        let lasts = Phrase("SET GLOBAL|PERSIST|PERSIST_ONLY|PASSWORD|ROLE|DEFAULT");
        return match (second.filter(is_variable), lasts.covers(lexemes)) {
            (Some(variable), _) => object(Some(variable)),
            (None, Some(_)) if !second.is_some_and(|word| word.is("ROLE")) => Leaves::Nothing,
            (None, _) => Leaves::Setting,
        };
    }
    if ["USE", "RESET", "PRAGMA", "ATTACH", "DETACH"]
        .iter()
        .any(|word| first.is(word))
    {
        return Leaves::Setting;
    }
    if first.is("SELECT") {
        if lexemes.iter().any(|lexeme| lexeme.is("set_config")) {
            return Leaves::Setting;
        }
        let into = outside_parentheses(lexemes, |lexeme| lexeme.is("INTO"));
        let target = into.and_then(|into| lexemes.get(into + 1));
        return object(target.filter(|target| is_variable(target)));
    }
    if first.is("PREPARE") || first.is("DECLARE") {
        return object(second);
    }
    let temporary = Phrase("CREATE [GLOBAL|LOCAL] TEMP|TEMPORARY * [IF] [NOT] [EXISTS]");
    match temporary.covers(lexemes) {
        Some(at) => object(effect::name_at(lexemes, at).map(|(_, last)| last)),
        None => Leaves::Nothing,
    }
}

fn is_variable(lexeme: &Lexeme<'_>) -> bool {
    lexeme.kind == TokenKind::Parameter
        && lexeme.text.starts_with('@')
        && !lexeme.text.starts_with("@@")
}

/// A name without its quotes.
fn bare(text: &str) -> &str {
    text.trim_matches(['"', '`', '[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn what_cannot_be_in_a_transaction_stands_alone() {
        let joins = |sql, dialect| read(sql, dialect).joins_transaction;
        for sql in [
            "INSERT INTO a VALUES (1)",
            "CREATE TABLE a (b int)",
            "CREATE INDEX i ON a (b)",
            "SELECT f()",
            "DO $$ BEGIN PERFORM 1; END $$",
        ] {
            assert!(joins(sql, Dialect::Postgres), "{sql}");
        }
        for sql in [
            "CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)",
            "VACUUM a",
            "CALL p()",
            "DO $$ BEGIN COMMIT; END $$",
            "COMMIT",
        ] {
            assert!(!joins(sql, Dialect::Postgres), "{sql}");
        }
        assert!(joins("DELETE FROM a", Dialect::MySql));
        assert!(!joins("ALTER TABLE a ADD b INT", Dialect::MySql));
        assert!(!joins("/*!40101 CREATE TABLE a (b INT) */", Dialect::MySql));
        assert!(joins("CREATE TABLE a (b)", Dialect::Sqlite));
        assert!(!joins("PRAGMA journal_mode = WAL", Dialect::Sqlite));
        assert!(!joins("VACUUM", Dialect::Sqlite));
    }

    #[test]
    fn what_a_session_keeps_is_known() {
        let leaves = |sql| read(sql, Dialect::MariaDb).leaves;
        let object = |name: &str| Leaves::Object(name.to_owned());
        assert_eq!(leaves("SET foreign_key_checks = 0"), Leaves::Setting);
        assert_eq!(leaves("/*!40101 SET NAMES utf8 */"), Leaves::Setting);
        assert_eq!(leaves("SET GLOBAL a = 0"), Leaves::Nothing);
        assert_eq!(leaves("SET @a = 1"), object("@a"));
        assert_eq!(leaves("SELECT max(b) FROM c INTO @a"), object("@a"));
        assert_eq!(leaves("PREPARE p FROM 'SELECT 1'"), object("p"));
        assert_eq!(
            leaves("CREATE TEMPORARY TABLE IF NOT EXISTS `t` (a INT)"),
            object("t")
        );
        assert_eq!(leaves("CREATE TABLE t (a INT)"), Leaves::Nothing);
        let postgres = |sql| read(sql, Dialect::Postgres).leaves;
        assert_eq!(postgres("SET search_path = a"), Leaves::Setting);
        assert_eq!(
            postgres("SELECT pg_catalog.set_config('search_path', '', false)"),
            Leaves::Setting
        );
        assert_eq!(postgres("CREATE TEMP TABLE a.t AS SELECT 1"), object("t"));
    }

    #[test]
    fn a_statement_mentions_what_it_names() {
        assert!(mentions("UPDATE a SET b = @A", "@a", Dialect::MySql));
        assert!(mentions("SELECT * FROM `t`", "t", Dialect::MySql));
        assert!(!mentions("SELECT 't'", "t", Dialect::MySql));
    }

    #[test]
    fn prefixes_do_not_see_what_follows() {
        let of = |text: &str| {
            let text = format!("-- UP MIGRATION\n{text}");
            let (migration, _) =
                crate::migration::parse("0001_a", &Source::new("m", text), Dialect::Sqlite);
            let migration = migration.expect("an UP");
            (
                prefixes(&migration.up, Role::Up, Dialect::Sqlite),
                migration.checksum,
            )
        };
        let (one, whole) = of("SELECT 1; SELECT 2; SELECT 3");
        let (other, _) = of("SELECT 1;\n-- so\nSELECT 2; SELECT 4; SELECT 5");
        assert_eq!(one[..3], other[..3]);
        assert_ne!(one[3], other[3]);
        assert_eq!(one[3], whole);
    }
}
