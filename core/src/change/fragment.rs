//! A stretch of SQL that is kept as text: a default, a condition, the query of a view.
//!
//! It is kept in one spelling, so that what differs only in case, blanks, comments and needless
//! quotes is equal. What is equal in meaning beyond that is not known: see [`Likeness`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::name::Name;
use crate::dialect::{Dialect, Family};
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

    /// Whether it means the same as `other`.
    pub fn likeness(&self, other: &Fragment, dialect: Dialect) -> Likeness {
        if self.text == other.text {
            return match self.span != other.span && holds_the_moment(&self.text, dialect) {
                true => Likeness::Unknown,
                false => Likeness::Same,
            };
        }
        let (our_text, our_marks) = marks(&self.text);
        let (their_text, their_marks) = marks(&other.text);
        if our_text == their_text && our_marks != their_marks {
            return Likeness::Different;
        }
        if is_truth(&self.text) && is_truth(&other.text) {
            return Likeness::Different;
        }
        let (ours, theirs) = (
            Essence::of(&self.text, dialect),
            Essence::of(&other.text, dialect),
        );
        let constants = ours.constant && theirs.constant;
        if constants && ours.words == theirs.words && ours.casts != theirs.casts {
            return Likeness::Unknown;
        }
        let unknown = ours.star
            || theirs.star
            || ours.words == theirs.words
            || (ours.query && theirs.query && ours.may_equal(&theirs));
        match unknown {
            true => Likeness::Unknown,
            false => Likeness::Different,
        }
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
const VALUES: &[&str] = &[
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

/// What remains of a fragment when spelling is left out: its names and literals.
#[derive(Default)]
struct Essence {
    words: BTreeMap<String, usize>,
    casts: Vec<String>,
    star: bool,
    /// A literal, with or without casts.
    constant: bool,
    /// A query, which the engine writes out: with the names of tables before those of columns, and
    /// with a name for every column.
    query: bool,
    /// Words that such writing adds: names before a dot and behind `AS`.
    added: BTreeSet<String>,
}

/// Words that say how and not what: they come and go with the spelling.
const CONNECTIVES: &[&str] = &[
    "and",
    "any",
    "array",
    "as",
    "asc",
    "at",
    "between",
    "by",
    "case",
    "cast",
    "coalesce",
    "collate",
    "default",
    "distinct",
    "else",
    "end",
    "false",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "is",
    "isnull",
    "join",
    "lateral",
    "left",
    "like",
    "not",
    "notnull",
    "null",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "right",
    "row",
    "select",
    "similar",
    "some",
    "text",
    "then",
    "to",
    "true",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
    "public",
    "all",
    "current_timestamp",
    "now",
    "character",
    "varying",
    "varchar",
    "char",
    "bpchar",
    "integer",
    "int",
    "int4",
    "bigint",
    "int8",
    "numeric",
    "decimal",
    "boolean",
    "bool",
    "timestamp",
    "timestamptz",
    "time",
    "timezone",
    "zone",
    "without",
    "double",
    "precision",
    "float8",
    "pg_catalog",
    "current_date",
    "localtimestamp",
    "transaction_timestamp",
    "substring",
    "position",
    "trim",
    "extract",
    "overlay",
    "for",
];

impl Essence {
    /// Whether two queries may differ in nothing but how they are written out.
    fn may_equal(&self, other: &Essence) -> bool {
        let beyond = |one: &Essence, other: &Essence| {
            one.words.iter().any(|(word, count)| {
                other.words.get(word) != Some(count)
                    && !one.added.contains(word)
                    && !is_rewritten(word)
            })
        };
        !beyond(self, other) && !beyond(other, self)
    }

    fn of(text: &str, dialect: Dialect) -> Essence {
        let tokens = lex::lex(text, dialect).tokens;
        let lexemes = lex::lexemes(text, &tokens);
        let mut essence = Essence::default();
        let mut after_cast = false;
        essence.query = lexemes
            .iter()
            .find(|lexeme| lexeme.text != "(")
            .is_some_and(|first| first.is("SELECT") || first.is("WITH"));
        let mut others = 0;
        let keeps_moments = dialect.modelling().family == Family::Postgres;
        for (at, lexeme) in lexemes.iter().enumerate() {
            match lexeme.kind {
                TokenKind::Operator if lexeme.text == "::" => {
                    after_cast = true;
                    continue;
                }
                TokenKind::Operator if lexeme.text == "*" => {
                    essence.star |= is_star(at, &lexemes);
                }
                TokenKind::Word | TokenKind::QuotedName if after_cast => {
                    essence.casts.push(lexeme.text.to_owned());
                }
                TokenKind::Word | TokenKind::QuotedName => {
                    others += 1;
                    let before = at.checked_sub(1).map(|at| &lexemes[at]);
                    let named = before
                        .is_some_and(|before| before.is("AS") || before.kind == TokenKind::Close);
                    if named || lexemes.get(at + 1).is_some_and(|after| after.text == ".") {
                        essence.added.insert(lexeme.text.to_owned());
                    }
                    let kept = keeps_moments && MOMENTS.contains(&lexeme.text);
                    if kept || !CONNECTIVES.contains(&lexeme.text) {
                        *essence.words.entry(lexeme.text.to_owned()).or_default() += 1;
                    }
                }
                TokenKind::String | TokenKind::Number => {
                    *essence.words.entry(lexeme.text.to_owned()).or_default() += 1;
                }
                TokenKind::Operator if lexeme.text == "-" => {
                    *essence.words.entry("-".to_owned()).or_default() += 1;
                }
                _ => {}
            }
            after_cast = false;
        }
        let literals: usize = essence.words.values().sum();
        essence.constant = others == 0 && literals == 1;
        // A name may stand once or twice, with its table or without; a literal cannot.
        for (word, count) in &mut essence.words {
            if !word.starts_with(['\'', '-']) && !word.starts_with(|c: char| c.is_ascii_digit()) {
                *count = 1;
            }
        }
        essence
    }
}

/// Whether a literal may stand for the moment at which the statement runs: Postgres keeps what
/// `'now'::timestamp` was then (<https://www.postgresql.org/docs/current/datatype-datetime.html>,
/// "Special Values").
fn holds_the_moment(text: &str, dialect: Dialect) -> bool {
    const MOMENTS: [&str; 5] = ["now", "now()", "today", "tomorrow", "yesterday"];
    dialect.modelling().family == Family::Postgres
        && text.split('\'').skip(1).step_by(2).any(|literal| {
            let literal = literal.trim();
            MOMENTS
                .iter()
                .any(|moment| literal.eq_ignore_ascii_case(moment))
        })
        && !text.contains("'now'::text")
}

/// Whether a sign stands for columns: it neither multiplies nor stands for a row in a call.
fn is_star(at: usize, lexemes: &[Lexeme<'_>]) -> bool {
    let before = at.checked_sub(1).map(|at| &lexemes[at]);
    let begins = before.is_none_or(|before| {
        before.is("SELECT")
            || before.is("DISTINCT")
            || before.is("ALL")
            || matches!(before.text, "," | ".")
    });
    begins && lexemes.get(at + 1).is_none_or(|after| after.text != ")")
}

/// The text and the remarks behind it.
fn marks(text: &str) -> (&str, &str) {
    text.split_once(" /* ").unwrap_or((text, ""))
}

fn is_truth(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// Moments that Postgres keeps as they are written, and shows so.
const MOMENTS: &[&str] = &[
    "current_timestamp",
    "now",
    "current_date",
    "localtimestamp",
    "transaction_timestamp",
];

/// The tokens without parentheses around all of them.
fn without_parentheses<'l, 't>(lexemes: &'l [Lexeme<'t>]) -> &'l [Lexeme<'t>] {
    let opens = lexemes.iter().take_while(|one| one.text == "(").count();
    let closes = lexemes
        .iter()
        .rev()
        .take_while(|one| one.text == ")")
        .count();
    if opens == 0 || closes == 0 {
        return lexemes;
    }
    // As many pairs go as stay open through all that is between the first and the last run.
    let middle = opens - 1..lexemes.len() - closes;
    let (mut depth, mut lowest) = (0_usize, usize::MAX);
    for (at, lexeme) in lexemes.iter().enumerate() {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if middle.contains(&at) {
            lowest = lowest.min(depth);
        }
    }
    let mut pairs = opens.min(closes).min(lowest);
    if depth > 0 {
        return lexemes;
    }
    // Nothing at all in parentheses stays as it is.
    if pairs * 2 == lexemes.len() {
        pairs -= 1;
    }
    &lexemes[pairs..lexemes.len() - pairs]
}

/// The name that a token is, if it can be one.
pub(crate) fn name_of(kind: TokenKind, text: &str, dialect: Dialect) -> Option<Name> {
    match kind {
        TokenKind::Word => Some(Name::unquoted(text, dialect)),
        TokenKind::QuotedName => Some(Name::new(&unquote(text), dialect)),
        _ => None,
    }
}

/// What stands between the quotes of a name.
pub(crate) fn unquote(text: &str) -> String {
    let mut chars = text.chars();
    let Some(open) = chars.next() else {
        return String::new();
    };
    let close = if open == '[' { ']' } else { open };
    let inner = chars.as_str();
    let inner = inner.strip_suffix(close).unwrap_or(inner);
    let doubled: String = [close, close].iter().collect();
    inner.replace(&doubled, &close.to_string())
}

/// The name as one has to write it.
pub(crate) fn quoted(name: &str, dialect: Dialect) -> String {
    match is_plain(name, dialect) {
        true => name.to_owned(),
        false => {
            let quote = dialect.modelling().name_quote;
            let doubled: String = [quote, quote].iter().collect();
            format!("{quote}{}{quote}", name.replace(quote, &doubled))
        }
    }
}

/// Whether a name needs no quotes.
fn is_plain(name: &str, dialect: Dialect) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    begins
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        && !dialect.modelling().reserves(name)
}

fn spell(lexemes: &[Lexeme<'_>], dialect: Dialect) -> String {
    let mut text = String::new();
    let mut before: Option<TokenKind> = None;
    for lexeme in lexemes {
        let word = spelling(lexeme, dialect);
        if let Some(before) = before
            && needs_blank(before, &text, lexeme.kind, &word)
        {
            text.push(' ');
        }
        text.push_str(&word);
        before = Some(lexeme.kind);
    }
    text
}

fn spelling(lexeme: &Lexeme<'_>, dialect: Dialect) -> String {
    match lexeme.kind {
        TokenKind::Word => lexeme.text.to_lowercase(),
        TokenKind::QuotedName if !lexeme.text.starts_with(['U', 'u']) => {
            let inner = unquote(lexeme.text);
            let folded = Name::new(&inner, dialect);
            quoted(folded.key(), dialect)
        }
        TokenKind::String if lexeme.text.starts_with(['e', 'E']) && !lexeme.text.contains('\\') => {
            lexeme.text[1..].to_owned()
        }
        TokenKind::Operator if lexeme.text == "!=" => "<>".to_owned(),
        TokenKind::Operator if lexeme.text == "==" => "=".to_owned(),
        _ => lexeme.text.to_owned(),
    }
}

fn needs_blank(before: TokenKind, text: &str, kind: TokenKind, word: &str) -> bool {
    let tight_after = text.ends_with(['(', '[', '.']) || text.ends_with("::");
    let tight_before = matches!(word, ")" | "]" | "." | "," | "::" | "[");
    let call = word == "(" && matches!(before, TokenKind::Word | TokenKind::QuotedName);
    let _ = kind;
    !(tight_after || tight_before || call)
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
        assert_eq!(likeness("'now'::timestamp", 9), Likeness::Unknown);
        assert_eq!(likeness("'now'::timestamp", 0), Likeness::Same);
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
