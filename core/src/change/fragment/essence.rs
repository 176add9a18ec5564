//! What is left of a text when its spelling is taken away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fragment, Likeness, is_rewritten, marks};
use crate::dialect::{Dialect, Family};
use crate::lex::{self, Lexeme, TokenKind};

impl Fragment {
    /// Whether it means the same as `other`.
    pub fn likeness(&self, other: &Fragment, dialect: Dialect) -> Likeness {
        if self.text == other.text {
            // What nobody wrote anew is the same text; what followed a rename has its place.
            let is_kept = Arc::ptr_eq(&self.text, &other.text);
            let is_elsewhere = self.span != other.span;
            return match !is_kept && holds_the_moment(&self.text, dialect) {
                true if is_elsewhere && holds_the_instant(&self.text, dialect) => {
                    Likeness::Different
                }
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
}

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

/// Whether such a literal surely stands for an instant, of which each statement has its own.
fn holds_the_instant(text: &str, dialect: Dialect) -> bool {
    let tokens = lex::lex(text, dialect).tokens;
    let lexemes = lex::lexemes(text, &tokens);
    lexemes.windows(3).any(|three| {
        let literal = three[0].text.trim_matches('\'').trim();
        three[0].kind == TokenKind::String
            && literal.eq_ignore_ascii_case("now")
            && three[1].text == "::"
            && (three[2].is("timestamp") || three[2].is("timestamptz"))
    })
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
pub(super) fn without_parentheses<'l, 't>(lexemes: &'l [Lexeme<'t>]) -> &'l [Lexeme<'t>] {
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
