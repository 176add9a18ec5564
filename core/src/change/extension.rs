//! What only an extension of Postgres brings along, by the words that name it.

use super::Name;
use super::fragment::name_of;
use crate::dialect::{Dialect, Family};
use crate::lex::{self, TokenKind};
use crate::source::Span;

/// Types, operator classes and functions that nobody else makes, and their extensions.
const BROUGHT: &[(&str, &str)] = &[
    ("hstore", "hstore"),
    ("citext", "citext"),
    ("ltree", "ltree"),
    ("geometry", "postgis"),
    ("geography", "postgis"),
    ("gin_trgm_ops", "pg_trgm"),
    ("gist_trgm_ops", "pg_trgm"),
    ("gin_bigm_ops", "pg_bigm"),
    ("vector_l2_ops", "vector"),
    ("vector_ip_ops", "vector"),
    ("vector_cosine_ops", "vector"),
    ("uuid_generate_v1", "uuid-ossp"),
    ("uuid_generate_v4", "uuid-ossp"),
    ("uuid_generate_v5", "uuid-ossp"),
];

/// One of these stands in each of the words: mostly none does, which is quickly told.
const SIGNS: [&str; 6] = ["_ops", "citext", "geo", "hstore", "ltree", "uuid_"];

/// The extensions that a statement needs, each with the word that shows it.
pub(super) fn needed(text: &str, span: Span, dialect: Dialect) -> Vec<(Name, &'static str, Span)> {
    if dialect.modelling().family != Family::Postgres {
        return Vec::new();
    }
    let lower = span.of(text).to_ascii_lowercase();
    if !SIGNS.iter().any(|sign| lower.contains(sign)) {
        return Vec::new();
    }
    let tokens = lex::lex_within(text, span, dialect);
    let lexemes = lex::lexemes(text, &tokens);
    let mut needed = Vec::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        let word = match lexeme.kind {
            TokenKind::Word => name_of(lexeme.kind, lexeme.text, dialect),
            _ => None,
        };
        let Some(word) = word else { continue };
        let Some((word, extension)) = BROUGHT.iter().find(|(known, _)| *known == word.key()) else {
            continue;
        };
        // A name may be the same as that of a type; a type stands behind a name, or is cast to.
        let before = at.checked_sub(1).map(|at| &lexemes[at]);
        let after = lexemes.get(at + 1);
        let is_call = word.starts_with("uuid_");
        let fits = match is_call {
            true => after.is_some_and(|after| after.text == "("),
            false => before.is_some_and(|before| {
                before.text == "::"
                    || (matches!(before.kind, TokenKind::Word | TokenKind::QuotedName)
                        && ![
                            "EXISTS",
                            "EXTENSION",
                            "TYPE",
                            "TABLE",
                            "ON",
                            "COLUMN",
                            "DOMAIN",
                        ]
                        .iter()
                        .any(|word| before.is(word)))
                    || (before.is("TYPE") && at > 2)
            }),
        };
        if fits && !needed.iter().any(|(_, known, _)| known == word) {
            needed.push((Name::new(extension, dialect), *word, lexeme.span));
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_sign() {
        for (word, _) in BROUGHT {
            assert!(SIGNS.iter().any(|sign| word.contains(sign)), "{word}");
        }
    }
}
