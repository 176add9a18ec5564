//! How statements begin, written as people write it: `CREATE [OR REPLACE] RULE`.
//!
//! A phrase is matched against tokens, never against text, so that names in quotes, comments and
//! strings cannot look like one.

use crate::lex::{Lexeme, TokenKind};

/// A row of terms with a blank between them:
/// `WORD` is that word, `A|B` one of these, `[A]` may be left out, `()` is anything in parentheses
/// and may be left out, `*` is one token of any kind, `…` is anything up to the next term outside
/// of parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phrase(pub(crate) &'static str);

impl Phrase {
    /// How many of `lexemes` the phrase covers, when they begin with it.
    ///
    /// Each term takes the first thing that fits and never gives it back: one pass.
    pub(crate) fn covers(self, lexemes: &[Lexeme<'_>]) -> Option<usize> {
        match self.may_cover(lexemes) {
            true => Phrase::covers_words(self.0, lexemes),
            false => None,
        }
    }

    /// The same for a phrase that is put together at run time.
    pub(crate) fn covers_words(phrase: &str, lexemes: &[Lexeme<'_>]) -> Option<usize> {
        let mut at = 0;
        let mut skip = false;
        for term in phrase.split(' ') {
            match term {
                "…" => skip = true,
                "()" => at += parentheses(&lexemes[at..]),
                "*" => {
                    lexemes.get(at)?;
                    at += 1;
                }
                _ => {
                    let (words, optional) = match term.strip_prefix('[') {
                        Some(inner) => (inner.trim_end_matches(']'), true),
                        None => (term, false),
                    };
                    if skip {
                        at += outside_parentheses(&lexemes[at..], |lexeme| any(words, lexeme))?;
                        skip = false;
                    }
                    match lexemes.get(at) {
                        Some(lexeme) if any(words, lexeme) => at += 1,
                        _ if optional => {}
                        _ => return None,
                    }
                }
            }
        }
        Some(at)
    }
}

impl Phrase {
    /// Whether the first letters agree, which is quickly told and mostly not so.
    fn may_cover(self, lexemes: &[Lexeme<'_>]) -> bool {
        let letter = self.0.bytes().next().filter(u8::is_ascii_uppercase);
        let Some(letter) = letter.filter(|_| !self.0.contains('|')) else {
            return true;
        };
        let other = lexemes.first().and_then(|first| first.text.bytes().next());
        other.is_some_and(|other| other.to_ascii_uppercase() == letter)
    }
}

fn any(words: &str, lexeme: &Lexeme<'_>) -> bool {
    words.split('|').any(|word| lexeme.is(word))
}

/// The length of the group in parentheses that `lexemes` begin with; zero when there is none.
pub(crate) fn parentheses(lexemes: &[Lexeme<'_>]) -> usize {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate() {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if index == 0 { 0 } else { index + 1 };
        }
    }
    lexemes.len()
}

/// The index of the first lexeme outside of parentheses for which `wanted` holds.
pub(crate) fn outside_parentheses(
    lexemes: &[Lexeme<'_>],
    wanted: impl Fn(&Lexeme<'_>) -> bool,
) -> Option<usize> {
    let mut depth = 0_usize;
    lexemes.iter().position(|lexeme| {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && wanted(lexeme)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::lex;

    #[track_caller]
    fn check(phrase: &'static str, sql: &str, covered: Option<&str>) {
        let lexed = lex::lex(sql, Dialect::Postgres);
        let lexemes = lex::lexemes(sql, &lexed.tokens);
        let count = Phrase(phrase).covers(&lexemes);
        let text = count.map(|count| match count {
            0 => "",
            _ => &sql[lexemes[0].span.range().start..lexemes[count - 1].span.range().end],
        });
        assert_eq!(text, covered, "{phrase} on {sql}");
    }

    #[test]
    fn terms() {
        check(
            "CREATE TABLE",
            "create /* x */ table t",
            Some("create /* x */ table"),
        );
        check("CREATE TABLE", "create \"table\" t", None);
        check(
            "CREATE [OR] [REPLACE] RULE",
            "create rule r",
            Some("create rule"),
        );
        check(
            "CREATE [OR] [REPLACE] RULE",
            "CREATE OR REPLACE RULE r",
            Some("CREATE OR REPLACE RULE"),
        );
        check("LOCK TABLE|TABLES", "lock tables t", Some("lock tables"));
        check(
            "REINDEX () INDEX",
            "REINDEX (VERBOSE) INDEX i",
            Some("REINDEX (VERBOSE) INDEX"),
        );
        check("REINDEX () INDEX", "REINDEX INDEX i", Some("REINDEX INDEX"));
        check(
            "ALTER DATABASE * SET",
            "ALTER DATABASE \"set\" SET x",
            Some("ALTER DATABASE \"set\" SET"),
        );
        check("A … B", "a x (b) y b c", Some("a x (b) y b"));
        check("A … B", "a x (b) y", None);
    }
}
