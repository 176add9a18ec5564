//! What becomes of a condition when Postgres reads it again, because a column in it has another type.
//!
//! A type that goes and comes back leaves some conditions as they were, and others with casts for
//! good. The tests of the proof hold what Postgres does; what is not listed is not known.

use crate::change::{Fragment, Name};
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};

/// A column that gets another type.
pub(super) struct Retyped<'t> {
    pub(super) column: &'t Name,
    /// All columns of the table.
    pub(super) columns: &'t [Name],
    pub(super) before: &'t str,
    pub(super) after: &'t str,
    pub(super) dialect: Dialect,
}

/// Types that behave alike in conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Whole,
    Numeric,
    Float,
    Text,
    Varying,
    Moment,
}

impl Retyped<'_> {
    /// The condition after the change; `None` where that is not known.
    pub(super) fn read_again(&self, text: &Fragment) -> Option<Fragment> {
        if !text.mentions(self.column, self.dialect) {
            return Some(text.clone());
        }
        let (before, after) = (family(self.before)?, family(self.after)?);
        let tokens = lex::lex(&text.text, self.dialect).tokens;
        let lexemes = lex::lexemes(&text.text, &tokens);
        let shape = self.shape(&lexemes)?;
        match (before, after) {
            (Family::Whole, Family::Whole) | (Family::Moment, Family::Moment) => {
                (!shape.lists && !shape.calls).then(|| text.clone())
            }
            // The engine compares as numbers of the wider type, and goes on with that.
            (Family::Whole, Family::Numeric | Family::Float) => {
                (!shape.lists && !shape.calls).then(|| text.without_mark(&self.wider(self.after)))
            }
            (Family::Numeric | Family::Float, Family::Whole) => (!shape.lists && !shape.calls)
                .then(|| match shape.compares {
                    true => text.with_mark(&self.wider(self.before)),
                    false => text.clone(),
                }),
            (Family::Varying, Family::Varying | Family::Text) => Some(match shape.lists {
                true => text.with_mark(&mark_of_list(self.column)),
                false => text.clone(),
            }),
            (Family::Text, Family::Varying) => Some(text.clone()),
            (Family::Text, Family::Text) => Some(text.clone()),
            (
                Family::Whole
                | Family::Numeric
                | Family::Float
                | Family::Text
                | Family::Varying
                | Family::Moment,
                _,
            ) => None,
        }
    }

    fn wider(&self, data_type: &str) -> String {
        let base = data_type.split('(').next().unwrap_or(data_type);
        format!("{} as {base}", self.column)
    }

    /// What the condition is made of, where it is made of plain comparisons.
    fn shape(&self, lexemes: &[Lexeme<'_>]) -> Option<Shape> {
        const JOINING: &[&str] = &["and", "or", "not", "is", "null", "between"];
        const SIGNS: &[&str] = &[
            "=", "<>", "<", ">", "<=", ">=", "+", "-", "*", ",", "(", ")",
        ];
        const CALLS: &[&str] = &["length", "char_length", "lower", "upper"];
        let mut shape = Shape::default();
        for (at, lexeme) in lexemes.iter().enumerate() {
            let next = lexemes.get(at + 1);
            match lexeme.kind {
                TokenKind::Number | TokenKind::String => {}
                TokenKind::Operator | TokenKind::Open | TokenKind::Close => {
                    if !SIGNS.contains(&lexeme.text) {
                        return None;
                    }
                }
                TokenKind::Word if lexeme.is("in") => shape.lists = true,
                TokenKind::Word if JOINING.contains(&lexeme.text) => {}
                TokenKind::Word if CALLS.contains(&lexeme.text) => {
                    next.filter(|next| next.text == "(")?;
                    shape.calls = true;
                }
                TokenKind::Word | TokenKind::QuotedName => {
                    let name = Fragment::parse(lexeme.text, self.dialect);
                    let name = name.names(self.dialect).pop()?;
                    if !self.columns.contains(&name) || next.is_some_and(|next| next.text == "(") {
                        return None;
                    }
                    shape.compares |= name == *self.column && !next.is_some_and(|n| n.is("is"));
                }
                _ => return None,
            }
        }
        Some(shape)
    }
}

#[derive(Default)]
struct Shape {
    /// Whether there is a list: `IN (…)`.
    lists: bool,
    /// Whether functions of texts are called.
    calls: bool,
    /// Whether the column is an operand, and not only tested for NULL.
    compares: bool,
}

fn mark_of_list(column: &Name) -> String {
    format!("{column} in list")
}

fn family(data_type: &str) -> Option<Family> {
    let base = data_type.split('(').next().unwrap_or(data_type);
    Some(match base {
        "smallint" | "integer" | "bigint" => Family::Whole,
        "numeric" => Family::Numeric,
        "double precision" => Family::Float,
        "text" => Family::Text,
        "character varying" => Family::Varying,
        "date" | "timestamp without time zone" | "timestamp with time zone" => Family::Moment,
        _ => return None,
    })
}
