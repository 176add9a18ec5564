//! The one token that would put a statement right which no reader takes.
//!
//! A guess is told only after the readers have taken the statement with it, so that what is pasted
//! from the message works.

use super::{Change, SyntaxError, opinion};
use crate::diagnostic::did_you_mean;
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};
use crate::source::Span;

/// How often a statement is read again at most.
const TRIES: usize = 24;

/// A statement of so many tokens is no mistake of one token that anybody could guess.
const LONGEST: usize = 2_000;

/// A change of one token, after which the statement can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// What is taken out; empty where something is only put in.
    pub span: Span,
    /// What is put in; empty where something is only taken out.
    pub text: String,
}

/// Looks for the token that was misspelt, forgotten or written twice, near to the error first.
pub fn mend(text: &str, span: Span, dialect: Dialect, error: &SyntaxError) -> Option<Mend> {
    let tokens = lex::lex_within(text, span, dialect);
    let lexemes = lex::lexemes(text, &tokens);
    if lexemes.len() > LONGEST {
        return None;
    }
    let near = lexemes.partition_point(|lexeme| lexeme.span.end <= error.span.start);
    let mut order: Vec<usize> = (0..lexemes.len()).collect();
    order.sort_by_key(|index| index.abs_diff(near));

    let misspelt = order.iter().filter_map(|index| respelt(&lexemes[*index]));
    let around = near.saturating_sub(1)..(near + 1).min(lexemes.len());
    let twice = around
        .clone()
        .filter_map(|index| superfluous(&lexemes, index));
    let missing = (near.saturating_sub(1)..=near)
        .rev()
        .flat_map(|index| [",", ")", "("].map(|sign| forgotten(&lexemes, span, index, sign)));
    misspelt
        .chain(twice)
        .chain(missing)
        .take(TRIES)
        .find(|mend| is_read(text, span, dialect, mend))
}

/// The word that a bare word may have been meant to be.
fn respelt(lexeme: &Lexeme<'_>) -> Option<Mend> {
    let is_known = words().any(|word| lexeme.is(word));
    if lexeme.kind != TokenKind::Word || is_known || lexeme.text.len() < 3 {
        return None;
    }
    let word = did_you_mean(lexeme.text, words())?;
    let is_small = lexeme.text.chars().all(|c| !c.is_ascii_uppercase());
    Some(Mend {
        span: lexeme.span,
        text: match is_small {
            true => word.to_ascii_lowercase(),
            false => word.to_owned(),
        },
    })
}

/// A comma or a bracket that is one too many, or a word that stands there twice.
fn superfluous(lexemes: &[Lexeme<'_>], index: usize) -> Option<Mend> {
    let lexeme = lexemes.get(index)?;
    let text = String::new();
    if matches!(lexeme.text, "," | "(" | ")") {
        let span = lexeme.span;
        return Some(Mend { span, text });
    }
    let before = lexemes.get(index.checked_sub(1)?)?;
    let is_double = before.text.eq_ignore_ascii_case(lexeme.text);
    is_double.then(|| Mend {
        span: Span::new(before.span.end as usize..lexeme.span.end as usize),
        text,
    })
}

/// A sign behind a token, or before the next one if it opens.
fn forgotten(lexemes: &[Lexeme<'_>], whole: Span, index: usize, sign: &str) -> Mend {
    let before = index.checked_sub(1).and_then(|before| lexemes.get(before));
    let at = match (sign, lexemes.get(index)) {
        ("(", Some(next)) => next.span.start,
        _ => before.map_or(whole.start, |before| before.span.end),
    };
    Mend {
        span: Span::new(at as usize..at as usize),
        text: sign.to_owned(),
    }
}

fn is_read(text: &str, span: Span, dialect: Dialect, mend: &Mend) -> bool {
    let (from, to) = (span.range(), mend.span.range());
    let mended = [
        &text[from.start..to.start],
        &mend.text,
        &text[to.end..from.end],
    ]
    .concat();
    let whole = Span::new(0..mended.len());
    matches!(opinion::read(&mended, whole, dialect), Ok(change) if !matches!(change, Change::Opaque(_)))
}

/// Words that migrations are made of.
const WORDS: &str = "ADD ALTER ALWAYS AND ANALYZE AUTOINCREMENT AUTO_INCREMENT BETWEEN BIGINT BOOLEAN BY CASCADE \
    CASE CHARACTER CHECK COLLATE COLUMN COMMENT CONCURRENTLY CONFLICT CONSTRAINT CREATE \
    CURRENT_TIMESTAMP DATABASE DEFAULT DEFERRABLE DEFERRED DELETE DISTINCT DOMAIN DROP ELSE ENUM \
    EXCEPT EXCLUDE EXECUTE EXISTS EXTENSION FOREIGN FROM FUNCTION GENERATED GRANT GROUP HAVING \
    IDENTITY IMMEDIATE IMMUTABLE INCLUDE INDEX INHERITS INITIALLY INNER INSERT INTEGER INTERVAL \
    INTO JOIN LANGUAGE LEFT LIMIT MATERIALIZED MODIFY NOT NULL NUMERIC OFFSET OPERATOR ORDER \
    OWNED OWNER PARTITION POLICY PRECISION PRIMARY PROCEDURE RECURSIVE REFERENCES REFRESH RENAME \
    REPLACE RESTRICT RETURNING RETURNS REVOKE ROWS SCHEMA SECURITY SELECT SEQUENCE SET STORED \
    TABLE TEMPORARY TEXT THEN TIMESTAMP TRIGGER TRUNCATE TYPE UNION UNIQUE UPDATE USING VALID \
    VALIDATE VALUES VARCHAR VARYING VIEW WHEN WHERE WITH WITHOUT";

fn words() -> impl Iterator<Item = &'static str> {
    WORDS.split(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change;

    fn mended(sql: &str, dialect: Dialect) -> Option<String> {
        let span = Span::new(0..sql.len());
        let error = change::read(sql, span, dialect).expect_err("a mistake is in it");
        let mend = mend(sql, span, dialect, &error)?;
        let range = mend.span.range();
        Some([&sql[..range.start], &mend.text, &sql[range.end..]].concat())
    }

    #[test]
    fn what_is_found_can_be_read() {
        for (wrong, right) in [
            (
                "ALTER TABLE users ADD COLUM email TEXT",
                "ALTER TABLE users ADD COLUMN email TEXT",
            ),
            ("CRATE TABLE t (id int)", "CREATE TABLE t (id int)"),
            ("drop tabel t", "drop table t"),
            (
                "CREATE TABLE t (id int PRIMRY KEY, n text)",
                "CREATE TABLE t (id int PRIMARY KEY, n text)",
            ),
            (
                "CREATE TABLE t (id int, n text,)",
                "CREATE TABLE t (id int, n text)",
            ),
            (
                "CREATE TABLE t (id int n text)",
                "CREATE TABLE t (id int, n text)",
            ),
            (
                "CREATE TABLE t (id int, n text",
                "CREATE TABLE t (id int, n text)",
            ),
            ("CREATE TABLE t (id int))", "CREATE TABLE t (id int)"),
            ("DROP TABLE TABLE t", "DROP TABLE t"),
            (
                "ALTER TABLE t ADD CONSTRAINT c CHEK (n > 0)",
                "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0)",
            ),
            (
                "CREATE INDEX ON t USING gin n)",
                "CREATE INDEX ON t USING gin (n)",
            ),
        ] {
            assert_eq!(mended(wrong, Dialect::Postgres).as_deref(), Some(right));
        }
        assert_eq!(
            mended("ALTRE TABLE users ADD a int", Dialect::MySql).as_deref(),
            Some("ALTER TABLE users ADD a int")
        );
    }

    #[test]
    fn what_is_far_from_sql_is_left_alone() {
        for nonsense in ["hello world", "SELECT FROM WHERE FROM", "ALTER users"] {
            assert_eq!(mended(nonsense, Dialect::Postgres), None, "{nonsense}");
        }
    }
}
