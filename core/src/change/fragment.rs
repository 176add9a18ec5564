//! A stretch of SQL that is kept as text: a default, a condition, the query of a view.
//!
//! It is kept in one spelling, so that what differs only in case, blanks, comments and needless
//! quotes is equal. What is equal in meaning beyond that is not known: see [`Likeness`].

mod essence;
mod spelling;

pub(crate) use self::spelling::{name_of, quoted, unquote};

use std::sync::Arc;

use self::essence::without_parentheses;
use self::spelling::spell;
use super::name::Name;
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};
use crate::source::Span;

/// A stretch of SQL in one spelling.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// Words in lower case, names without needless quotes, one blank where one is needed.
    pub text: Arc<str>,
    /// Where it was written.
    pub span: Span,
}

impl PartialEq for Fragment {
    fn eq(&self, other: &Fragment) -> bool {
        self.text == other.text
    }
}

impl Eq for Fragment {}

/// Whether two fragments mean the same to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// They do.
    Same,
    /// They do not.
    Different,
    /// It cannot be told from the text.
    Unknown,
}

impl Fragment {
    /// Nothing at all.
    pub fn empty(span: Span) -> Fragment {
        Fragment {
            text: "".into(),
            span,
        }
    }

    /// The fragment of these tokens.
    pub fn of(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Fragment {
        let span = match lexemes {
            [] => Span::default(),
            [first, .., last] => first.span.to(last.span),
            [only] => only.span,
        };
        Fragment {
            text: spell(without_parentheses(lexemes), dialect).into(),
            span,
        }
    }

    /// The fragment of a text.
    pub fn parse(text: &str, dialect: Dialect) -> Fragment {
        let tokens = lex::lex(text, dialect).tokens;
        Fragment::of(&lex::lexemes(text, &tokens), dialect)
    }

    /// The same with the name `from` written as `to`, wherever it stands as a whole word.
    #[must_use]
    pub fn renamed(&self, from: &Name, to: &Name, dialect: Dialect) -> Fragment {
        let tokens = lex::lex(&self.text, dialect).tokens;
        let mut text = String::with_capacity(self.text.len());
        for token in &tokens {
            let word = token.span.of(&self.text);
            match name_of(token.kind, word, dialect) {
                Some(name) if name == *from => text.push_str(&quoted(to.as_str(), dialect)),
                _ => text.push_str(word),
            }
        }
        Fragment {
            text: text.into(),
            span: self.span,
        }
    }

    /// The same with a remark behind it: the engine keeps it in another form than it is written.
    #[must_use]
    pub fn with_mark(&self, mark: &str) -> Fragment {
        Fragment {
            text: format!("{} /* {mark} */", self.without_mark(mark).text).into(),
            span: self.span,
        }
    }

    /// The same without that remark.
    #[must_use]
    pub fn without_mark(&self, mark: &str) -> Fragment {
        Fragment {
            text: self.text.replace(&format!(" /* {mark} */"), "").into(),
            span: self.span,
        }
    }

    /// Whether the name stands in it as a whole word.
    pub fn mentions(&self, name: &Name, dialect: Dialect) -> bool {
        self.names(dialect).contains(name)
    }

    /// Names in it that can only be those of columns, by the signs around them.
    pub fn columns(&self, dialect: Dialect) -> Vec<Name> {
        let tokens = lex::lex(&self.text, dialect).tokens;
        let lexemes = lex::lexemes(&self.text, &tokens);
        let signs = |lexeme: &Lexeme<'_>| {
            matches!(
                lexeme.kind,
                TokenKind::Open | TokenKind::Close | TokenKind::Operator
            )
        };
        let mut columns = Vec::new();
        for (at, lexeme) in lexemes.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &lexemes[at]);
            let after = lexemes.get(at + 1);
            let begins = before.is_none_or(|before| {
                signs(before) && !["::", ".", ")", "]"].contains(&before.text)
            });
            let ends = after.is_none_or(|after| signs(after) && !["(", "["].contains(&after.text))
                && after.is_none_or(|after| after.text != ".");
            let own = VALUES.iter().any(|word| lexeme.is(word));
            if begins
                && ends
                && !own
                && let Some(name) = name_of(lexeme.kind, lexeme.text, dialect)
            {
                columns.push(name);
            }
        }
        columns
    }

    /// Whether a column of that name is compared with a string: `a = 'x'`, `a IN ('x')`.
    pub fn compares_with_text(&self, column: &Name, dialect: Dialect) -> bool {
        let tokens = lex::lex(&self.text, dialect).tokens;
        let lexemes = lex::lexemes(&self.text, &tokens);
        let is_it = |lexeme: &Lexeme<'_>| {
            name_of(lexeme.kind, lexeme.text, dialect).is_some_and(|name| name == *column)
        };
        lexemes.windows(4).any(|four| {
            is_it(&four[0])
                && four[1].is("IN")
                && four[2].text == "("
                && four[3].kind == TokenKind::String
        }) || lexemes.windows(3).any(|three| {
            is_it(&three[0])
                && matches!(three[1].text, "=" | "<>" | "!=")
                && three[2].kind == TokenKind::String
        })
    }

    /// The words in it that may be names.
    pub fn names(&self, dialect: Dialect) -> Vec<Name> {
        lex::lex(&self.text, dialect)
            .tokens
            .iter()
            .filter_map(|token| name_of(token.kind, token.span.of(&self.text), dialect))
            .collect()
    }
}

/// Whether a word or literal may be gone in the engine's own writing: literals of types that have
/// another form there, and words that are put before literals.
fn is_rewritten(word: &str) -> bool {
    matches!(
        word,
        "interval"
            | "date"
            | "date_part"
            | "epoch"
            | "'epoch'"
            | "limit"
            | "fetch"
            | "first"
            | "only"
    ) || (word.starts_with('\'') && word.bytes().any(|byte| byte.is_ascii_digit()))
        || word.starts_with(|c: char| c.is_ascii_digit())
        || word == "-"
}

/// Words that stand for a value of their own.
pub(super) const VALUES: &[&str] = &[
    "NULL",
    "TRUE",
    "FALSE",
    "DEFAULT",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "CURRENT_USER",
    "CURRENT_ROLE",
    "CURRENT_CATALOG",
    "CURRENT_SCHEMA",
    "SESSION_USER",
    "SYSTEM_USER",
    "USER",
];

/// The text and the remarks behind it.
fn marks(text: &str) -> (&str, &str) {
    text.split_once(" /* ").unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, expected: Likeness) {
        let dialect = Dialect::Postgres;
        let fragment = |text| Fragment::parse(text, dialect);
        assert_eq!(
            fragment(a).likeness(&fragment(b), dialect),
            expected,
            "{} and {}",
            fragment(a).text,
            fragment(b).text
        );
    }

    #[test]
    fn spelling_does_not_count() {
        check("( NOW ( ) )", "now()", Likeness::Same);
        check("\"a\" != 1 -- x", "A <> 1", Likeness::Same);
        check("\"A\" = 1", "a = 1", Likeness::Different);
    }

    #[test]
    fn what_was_the_moment_once_is_another_one_now() {
        let at = |start: u32, text: &str| Fragment {
            span: Span {
                start,
                end: start + 1,
            },
            ..Fragment::parse(text, Dialect::Postgres)
        };
        let likeness = |text: &str, other: u32| {
            let dialect = Dialect::Postgres;
            at(0, text).likeness(&at(other, text), dialect)
        };
        assert_eq!(likeness("'now'::timestamp", 9), Likeness::Different);
        assert_eq!(likeness("'now'::date", 9), Likeness::Unknown);
        assert_eq!(likeness("'now'::timestamp", 0), Likeness::Unknown);
        let kept = at(0, "'now'::timestamp");
        assert_eq!(
            kept.likeness(&kept.clone(), Dialect::Postgres),
            Likeness::Same
        );
        assert_eq!(likeness("c > 'Today '", 9), Likeness::Unknown);
        assert_eq!(likeness("('now'::text)::date", 9), Likeness::Same);
        assert_eq!(likeness("c = 'know'", 9), Likeness::Same);
    }

    #[test]
    fn other_literals_are_another_meaning() {
        check("'a'", "'b'", Likeness::Different);
        check("a IN ('x', 'y')", "a IN ('x')", Likeness::Different);
        check("a IN ('x')", "a = ANY (ARRAY['x'])", Likeness::Unknown);
        check("'a'", "'a'::text", Likeness::Unknown);
    }
}
