//! Whether what an engine keeps of an expression can be what a statement said.
//!
//! Engines write expressions anew: with casts, with the names of tables, `IN` as `= ANY`, literals
//! in the form of their type. So two texts are called different only for what no such writing adds
//! or leaves out: a column that is not there, a text of letters that is not there, a number.

use std::collections::BTreeSet;

use crate::change::Fragment;
use crate::dialect::{Dialect, Family};
use crate::lex::{self, Lexeme, TokenKind};

/// Whether `kept` is surely another expression than the one that was written as `said`.
pub(super) fn is_another(
    said: &str,
    kept: &str,
    names: &BTreeSet<String>,
    surely: &BTreeSet<String>,
    dialect: Dialect,
) -> bool {
    if said.trim().is_empty() || kept.trim().is_empty() {
        return said.trim().is_empty() != kept.trim().is_empty();
    }
    let (said, kept) = (Words::of(said, dialect), Words::of(kept, dialect));
    if said.names == kept.names && said.texts == kept.texts && said.numbers == kept.numbers {
        return false;
    }
    let holds = |words: &Words, name: &String| words.names.contains(name);
    let reworded = said.is_reworded() || kept.is_reworded();
    let mut columns = names.iter();
    columns.any(|name| holds(&kept, name) && !holds(&said, name) && !reworded)
        || surely.iter().any(|name| !holds(&kept, name))
        || said.literals_deny(&kept)
        || said.calls_deny(&kept, dialect)
}

/// What an expression is made of.
#[derive(Default)]
struct Words {
    /// Words that may be names.
    names: BTreeSet<String>,
    /// Functions that it calls.
    calls: BTreeSet<String>,
    /// Types that values are cast to.
    types: BTreeSet<String>,
    /// Literals that are texts to the engine.
    texts: BTreeSet<String>,
    /// Literals of a type that has a form of its own: moments, intervals, JSON.
    formed: usize,
    /// Numbers, without their signs.
    numbers: BTreeSet<String>,
    /// Whether there is a literal that can be written in too many ways.
    odd: bool,
}

/// Types whose literals stay as they are written.
const TEXTS: &[&str] = &["text", "character", "varchar", "bpchar", "name", "citext"];

/// Moments, which every engine has more than one word for.
const MOMENTS: &[&str] = &[
    "now",
    "current_timestamp",
    "localtimestamp",
    "localtime",
    "current_time",
    "transaction_timestamp",
    "statement_timestamp",
    "current_date",
    "curdate",
    "curtime",
    "sysdate",
    "utc_timestamp",
];

/// Words around which names are written anew: `extract(year FROM a)`, `CAST(a AS date)`.
const REWORDED: &[&str] = &[
    "extract",
    "date_part",
    "overlay",
    "position",
    "substring",
    "trim",
    "timezone",
    "normalize",
    "cast",
    "convert",
    "xmlparse",
    "interval",
    "with",
    "natural",
];

/// Calls that engines write in another way, or take for another.
const REWRITTEN: &[&str] = &[
    "timezone",
    "extract",
    "date_part",
    "substring",
    "substr",
    "position",
    "trim",
    "btrim",
    "ltrim",
    "rtrim",
    "overlay",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "cast",
    "convert",
    "row",
    "array",
    "any",
    "all",
    "some",
    "in",
    "exists",
    "values",
    "char_length",
    "length",
    "character_length",
    "like_escape",
    "similar_escape",
    "similar_to_escape",
    "xmlparse",
    "json",
    "normalize",
    "ceiling",
    "ceil",
    "power",
    "pow",
    "if",
    "case",
    "and",
    "or",
    "not",
    "when",
    "then",
    "else",
    "interval",
    "between",
    "is",
    "as",
    "on",
    "using",
    "over",
    "by",
    "filter",
    "lcase",
    "lower",
    "ucase",
    "upper",
    "mod",
    "uuid",
    "date",
    "time",
    "timestamp",
    "nextval",
    "default",
    "select",
    "from",
    "where",
    "join",
    "with",
    "union",
    "numeric",
    "decimal",
    "character",
    "varchar",
    "varying",
    "char",
    "bit",
    "float",
    "zone",
    "collate",
    "unnest",
];

impl Words {
    fn of(text: &str, dialect: Dialect) -> Words {
        let tokens = lex::lex(text, dialect).tokens;
        let lexemes = lex::lexemes(text, &tokens);
        let mut words = Words::default();
        let mut at = 0;
        while let Some(lexeme) = lexemes.get(at) {
            at += 1;
            match lexeme.kind {
                TokenKind::Operator if lexeme.text == "::" => {
                    let behind = behind_type(&lexemes, at);
                    let types = lexemes.get(at..behind).unwrap_or_default().iter();
                    words.types.extend(types.map(|one| one.text.to_lowercase()));
                    at = behind;
                }
                TokenKind::Word | TokenKind::QuotedName => {
                    let name = Fragment::parse(lexeme.text, dialect).names(dialect).pop();
                    let Some(name) = name else { continue };
                    let next = lexemes.get(at);
                    let is_type = next.is_some_and(|next| next.kind == TokenKind::String);
                    let before = at.checked_sub(2).and_then(|before| lexemes.get(before));
                    if is_type || before.is_some_and(|before| before.is("AS")) {
                        continue;
                    }
                    if lexemes.get(at).is_some_and(|next| next.text == "(") {
                        words.calls.insert(name.key().to_lowercase());
                    }
                    words.names.insert(name.key().to_owned());
                }
                TokenKind::String => words.literal(lexeme, lexemes.get(at..).unwrap_or_default()),
                TokenKind::Number => words.number(lexeme.text),
                _ => {}
            }
        }
        words
    }

    fn literal(&mut self, lexeme: &Lexeme<'_>, behind: &[Lexeme<'_>]) {
        let content = match lexeme.text.strip_prefix('\'') {
            Some(rest) => rest.strip_suffix('\'').unwrap_or(rest).replace("''", "'"),
            None => {
                self.odd = true;
                return;
            }
        };
        if content.contains('\\')
            || behind
                .first()
                .is_some_and(|next| next.kind == TokenKind::String)
        {
            self.odd = true;
        }
        let cast = match behind {
            [sign, data_type, ..] if sign.text == "::" => Some(data_type.text.to_lowercase()),
            _ => None,
        };
        let is_array = behind.get(2).is_some_and(|next| next.text == "[");
        match cast {
            Some(cast) if is_array || !TEXTS.contains(&cast.as_str()) => self.formed += 1,
            Some(_) | None => {}
        }
        if is_number(&content) {
            self.number(&content);
        } else {
            self.texts.insert(content.trim_end().to_owned());
        }
    }

    fn number(&mut self, text: &str) {
        let text = text.trim().trim_start_matches(['-', '+']);
        self.odd |= !text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
            || text.starts_with('.');
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => text,
        };
        let text = text.trim_start_matches('0');
        self.numbers.insert(text.to_owned());
    }

    /// Whether there is something around which names are written anew.
    fn is_reworded(&self) -> bool {
        REWORDED.iter().any(|word| self.names.contains(*word))
    }

    /// Whether literals of the one cannot be those of the other.
    fn literals_deny(&self, kept: &Words) -> bool {
        if self.odd || kept.odd || self.formed > 0 || kept.formed > 0 {
            return false;
        }
        // What holds a digit may be shown in the form of its type, and so may a truth.
        let is_plain = |text: &&String| {
            text.bytes().any(|byte| byte.is_ascii_alphabetic())
                && !text.bytes().any(|byte| byte.is_ascii_digit())
                && !TRUTHS.contains(&text.to_lowercase().as_str())
                && !text.starts_with(['{', '['])
        };
        // How long a type is is no number of the expression.
        let counts = !self.is_reworded() && !kept.is_reworded();
        let lacks = |one: &Words, other: &Words| {
            let mut texts = one.texts.iter().filter(is_plain);
            texts.any(|text| !other.texts.contains(text))
                || counts
                    && one
                        .numbers
                        .iter()
                        .any(|number| !other.numbers.contains(number) && !other.tells_of(number))
        };
        lacks(self, kept) || lacks(kept, self)
    }

    /// Whether a truth stands there for the number.
    fn tells_of(&self, number: &str) -> bool {
        (number.is_empty() || number == "1")
            && (self
                .texts
                .iter()
                .any(|text| TRUTHS.contains(&text.to_lowercase().as_str()))
                || self.names.contains("true")
                || self.names.contains("false"))
    }

    /// Whether the one calls a function that the other does not.
    fn calls_deny(&self, kept: &Words, dialect: Dialect) -> bool {
        let is_written_anew = |words: &Words| {
            words
                .calls
                .iter()
                .any(|call| REWRITTEN.contains(&call.as_str()))
        };
        if dialect.modelling().family != Family::Postgres
            || is_written_anew(self)
            || is_written_anew(kept)
        {
            return false;
        }
        let lacks = |one: &Words, other: &Words| {
            one.calls.iter().any(|call| {
                let is_moment = MOMENTS.contains(&call.as_str());
                let mut moments = MOMENTS.iter();
                // A type that is written like a function is a cast.
                let is_there = other.names.contains(call)
                    || other.types.contains(call)
                    || is_moment && moments.any(|moment| other.names.contains(*moment));
                !is_there
            })
        };
        lacks(self, kept) || lacks(kept, self)
    }
}

/// Literals that stand for truths.
const TRUTHS: &[&str] = &[
    "t", "f", "true", "false", "yes", "no", "y", "n", "on", "off",
];

fn is_number(text: &str) -> bool {
    let text = text.trim().trim_start_matches(['-', '+']);
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The place behind the type that begins there: names are no columns in it.
fn behind_type(lexemes: &[Lexeme<'_>], mut at: usize) -> usize {
    const MORE: [&str; 8] = [
        "varying",
        "precision",
        "without",
        "with",
        "time",
        "zone",
        "local",
        "bit",
    ];
    let is_word =
        |lexeme: &Lexeme<'_>| matches!(lexeme.kind, TokenKind::Word | TokenKind::QuotedName);
    if lexemes.get(at).is_some_and(is_word) {
        at += 1;
    }
    while lexemes.get(at).is_some_and(|one| one.text == ".") {
        at += 2;
    }
    while lexemes
        .get(at)
        .is_some_and(|one| MORE.iter().any(|word| one.is(word)))
    {
        at += 1;
    }
    // `(10, 2)`, which is how long it is.
    if lexemes.get(at).is_some_and(|one| one.text == "(") {
        while lexemes.get(at).is_some_and(|one| one.text != ")") {
            at += 1;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, kept: &str, names: &[&str], expected: bool) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let found = is_another(said, kept, &names, &BTreeSet::new(), Dialect::Postgres);
        assert_eq!(found, expected, "{said} and {kept}");
    }

    #[test]
    fn what_the_engine_writes_anew_is_the_same() {
        for (said, kept) in [
            ("'a'", "'a'::text"),
            ("'5'", "5"),
            ("-1", "'-1'::integer"),
            ("1.50", "1.50"),
            ("'t'", "true"),
            ("now()", "CURRENT_TIMESTAMP"),
            (
                "now() at time zone 'utc'",
                "(now() AT TIME ZONE 'utc'::text)",
            ),
            ("interval '24 hours'", "'24:00:00'::interval"),
            ("'{}'::jsonb", "'{}'::jsonb"),
            ("'{\"a\":1}'", "'{\"a\": 1}'::jsonb"),
            ("public.gen()", "gen()"),
            ("a in ('x', 'y')", "(a = ANY (ARRAY['x'::text, 'y'::text]))"),
            ("cast(a as numeric(10, 2))", "(a)::numeric(10,2)"),
            ("state('new')", "'new'::state"),
            (
                "a::numeric(10, 2) > 0",
                "((a)::numeric(10,2) > (0)::numeric)",
            ),
        ] {
            check(said, kept, &["a", "b"], false);
        }
    }

    #[test]
    fn what_no_spelling_explains_is_another() {
        for (said, kept) in [
            ("'a'", "'b'::text"),
            ("1", "2"),
            ("0", ""),
            ("", "now()"),
            ("now()", "gen_random_uuid()"),
            ("a > 0", "(b > 0)"),
            ("a > 0", "(a > 10)"),
            ("a in ('up', 'down')", "(a = 'up'::text)"),
        ] {
            check(said, kept, &["a", "b"], true);
        }
    }
}
