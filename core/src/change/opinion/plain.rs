//! Statements so plain that no full grammar need be asked: most of those that migrations are made of.
//!
//! Every token is accounted for. Whatever is not listed here, a word that is no name without quotes
//! included, is left to the grammar, which takes several times as long.

use crate::dialect::Modelling;
use crate::lex::{Lexeme, TokenKind};

/// Whether it is surely legal on Postgres.
pub(super) fn is_plain(lexemes: &[Lexeme<'_>], modelling: &Modelling) -> bool {
    let mut rest = Rest { lexemes, modelling };
    let letter = lexemes.first().and_then(|first| first.text.bytes().next());
    let read = match letter.map(|letter| letter.to_ascii_uppercase()) {
        Some(b'C') => rest.create(),
        Some(b'A') => rest.alter(),
        Some(b'D') => rest.drop(),
        _ => None,
    };
    read.is_some() && rest.lexemes.is_empty()
}

/// What is left to read.
struct Rest<'l, 't> {
    lexemes: &'l [Lexeme<'t>],
    modelling: &'l Modelling,
}

/// `None` where it is not plain.
type Read = Option<()>;

impl Rest<'_, '_> {
    /// `CREATE TABLE [IF NOT EXISTS] t (…)`, `CREATE [UNIQUE] INDEX i ON t (…)`
    fn create(&mut self) -> Read {
        self.word("CREATE")?;
        if self.eat("TABLE") {
            self.if_not_exists()?;
            self.qualified()?;
            return self.list(Rest::column);
        }
        self.eat("UNIQUE");
        self.word("INDEX")?;
        self.eat("CONCURRENTLY");
        self.if_not_exists()?;
        self.name()?;
        self.word("ON")?;
        self.qualified()?;
        self.list(Rest::name)
    }

    /// `ALTER TABLE t ADD [COLUMN] c type`, `ALTER TABLE t DROP [COLUMN] c`
    fn alter(&mut self) -> Read {
        self.word("ALTER")?;
        self.word("TABLE")?;
        self.if_exists()?;
        self.qualified()?;
        if self.eat("ADD") {
            self.eat("COLUMN");
            self.if_not_exists()?;
            return self.column();
        }
        self.word("DROP")?;
        self.eat("COLUMN");
        self.if_exists()?;
        self.name()?;
        self.behavior()
    }

    /// `DROP TABLE|INDEX|VIEW|SEQUENCE|TYPE [IF EXISTS] a`
    fn drop(&mut self) -> Read {
        self.word("DROP")?;
        let kinds = ["TABLE", "INDEX", "VIEW", "SEQUENCE", "TYPE"];
        kinds.into_iter().any(|kind| self.eat(kind)).then_some(())?;
        self.if_exists()?;
        self.qualified()?;
        self.behavior()
    }

    fn column(&mut self) -> Read {
        self.name()?;
        self.data_type()?;
        // Each once, in the order in which people write them.
        if self.eat("NOT") {
            self.word("NULL")?;
        }
        if self.eat("DEFAULT") {
            self.value()?;
        }
        if self.eat("PRIMARY") {
            self.word("KEY")?;
        } else {
            self.eat("UNIQUE");
        }
        Some(())
    }

    fn data_type(&mut self) -> Read {
        const TYPES: [&str; 16] = [
            "bigint",
            "bigserial",
            "boolean",
            "bytea",
            "date",
            "int",
            "integer",
            "json",
            "jsonb",
            "serial",
            "smallint",
            "text",
            "timestamp",
            "timestamptz",
            "uuid",
            "varchar",
        ];
        let (first, rest) = self.lexemes.split_first()?;
        let is_type = first.kind == TokenKind::Word && TYPES.iter().any(|one| first.is(one));
        is_type.then(|| self.lexemes = rest)?;
        match rest {
            [open, length, close, ..]
                if open.text == "(" && is_length(length) && first.is("varchar") =>
            {
                (close.text == ")").then(|| self.lexemes = &rest[3..])
            }
            _ => Some(()),
        }
    }

    /// A value without operators.
    fn value(&mut self) -> Read {
        let (first, rest) = self.lexemes.split_first()?;
        self.lexemes = rest;
        match first.kind {
            TokenKind::Number => is_integer(first.text).then_some(()),
            // The prefix of a string may forbid what stands in it, and two in a row are one.
            TokenKind::String => {
                let is_last = rest
                    .first()
                    .is_none_or(|next| next.kind != TokenKind::String);
                (first.text.starts_with('\'') && is_last).then_some(())
            }
            TokenKind::Word if first.is("NOW") => {
                let [open, close, rest @ ..] = rest else {
                    return None;
                };
                self.lexemes = rest;
                (open.text == "(" && close.text == ")").then_some(())
            }
            TokenKind::Word => {
                let values = ["CURRENT_TIMESTAMP", "FALSE", "NULL", "TRUE"];
                let is_value = values.iter().any(|value| first.is(value));
                (is_value && rest.first().is_none_or(|next| next.text != "(")).then_some(())
            }
            _ => None,
        }
    }

    fn list(&mut self, one: impl Fn(&mut Self) -> Read) -> Read {
        self.sign("(")?;
        loop {
            one(self)?;
            if self.sign(")").is_some() {
                return Some(());
            }
            self.sign(",")?;
        }
    }

    fn qualified(&mut self) -> Read {
        self.name()?;
        match self.sign(".") {
            Some(()) => self.name(),
            None => Some(()),
        }
    }

    fn name(&mut self) -> Read {
        let (first, rest) = self.lexemes.split_first()?;
        let is_name = match first.kind {
            TokenKind::Word => first.text.is_ascii() && !self.modelling.reserves(first.text),
            TokenKind::QuotedName => first.text.starts_with('"') && first.text.len() > 2,
            _ => false,
        };
        is_name.then(|| self.lexemes = rest)
    }

    fn if_exists(&mut self) -> Read {
        match self.eat("IF") {
            true => self.word("EXISTS"),
            false => Some(()),
        }
    }

    fn if_not_exists(&mut self) -> Read {
        if self.eat("IF") {
            self.word("NOT")?;
            self.word("EXISTS")?;
        }
        Some(())
    }

    fn behavior(&mut self) -> Read {
        if !self.eat("CASCADE") {
            self.eat("RESTRICT");
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Read {
        self.eat(word).then_some(())
    }

    fn eat(&mut self, word: &str) -> bool {
        match self.lexemes.split_first() {
            Some((first, rest)) if first.is(word) => {
                self.lexemes = rest;
                true
            }
            _ => false,
        }
    }

    fn sign(&mut self, sign: &str) -> Read {
        match self.lexemes.split_first() {
            Some((first, rest)) if first.text == sign => {
                self.lexemes = rest;
                Some(())
            }
            _ => None,
        }
    }
}

fn is_integer(text: &str) -> bool {
    text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_length(lexeme: &Lexeme<'_>) -> bool {
    lexeme.kind == TokenKind::Number && is_integer(lexeme.text)
}

#[cfg(test)]
mod tests {
    use super::super::{gaps, postgres};
    use super::*;
    use crate::dialect::Dialect;
    use crate::lex;

    const PLAIN: &[&str] = &[
        "CREATE TABLE IF NOT EXISTS a.\"B\" (id bigserial PRIMARY KEY, b varchar(20) NOT NULL DEFAULT 'x', c int UNIQUE)",
        "create table t (at timestamptz not null default now(), b boolean default false, n integer DEFAULT 0)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a.t (b, c)",
        "ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS c text DEFAULT CURRENT_TIMESTAMP",
        "ALTER TABLE t ADD c uuid NOT NULL",
        "ALTER TABLE t DROP COLUMN IF EXISTS c CASCADE",
        "DROP TABLE IF EXISTS a.b RESTRICT",
        "DROP INDEX i",
    ];

    /// What may stand where it does not belong.
    const STRAY: &[&str] = &[
        "(", ")", ",", ".", "a", "1", "'x'", "\"q\"", "NOT", "NULL", "DEFAULT", "PRIMARY", "KEY",
        "IF", "EXISTS", "ON", "UNIQUE", "TABLE", "CASCADE", "COLUMN", "now", "text", "order",
    ];

    fn judge(sql: &str) -> (bool, bool) {
        let dialect = Dialect::Postgres;
        let tokens = lex::lex(sql, dialect).tokens;
        let lexemes = lex::lexemes(sql, &tokens);
        let is_legal =
            postgres::check(sql, 0).is_ok() && gaps::check(sql, &lexemes, dialect).is_ok();
        (is_plain(&lexemes, dialect.modelling()), is_legal)
    }

    #[test]
    fn what_is_plain_is_known() {
        for sql in PLAIN {
            assert_eq!(judge(sql), (true, true), "{sql}");
        }
        for sql in [
            "CREATE TABLE order (id int)",
            "CREATE TABLE t ()",
            "CREATE TABLE t (a foo)",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            "ALTER TABLE t ADD c text DEFAULT 'a' || 'b'",
            "ALTER TABLE t ADD c text DEFAULT U&'x'",
            "DROP FUNCTION f",
        ] {
            assert!(!judge(sql).0, "{sql}");
        }
    }

    /// One token left out, doubled, or put in between: what is still plain is still legal.
    #[test]
    fn what_is_plain_is_legal() {
        for sql in PLAIN {
            let tokens = lex::lex(sql, Dialect::Postgres).tokens;
            let words: Vec<&str> = lex::significant(sql, &tokens).collect();
            for at in 0..words.len() {
                let strays = STRAY.iter().copied().chain([words[at]]);
                let mut texts: Vec<String> = strays
                    .map(|stray| [&words[..at], &[stray], &words[at..]].concat().join(" "))
                    .collect();
                texts.push([&words[..at], &words[at + 1..]].concat().join(" "));
                texts.extend(STRAY.iter().map(|stray| {
                    [&words[..at], &[*stray], &words[at + 1..]]
                        .concat()
                        .join(" ")
                }));
                for text in texts {
                    let (is_plain, is_legal) = judge(&text);
                    assert!(!is_plain || is_legal, "{text}");
                }
            }
        }
    }
}
