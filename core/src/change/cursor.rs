//! Walks over the tokens of a statement.
//!
//! Every reader answers `None` when the statement is not of the form that it knows; nobody has to
//! step back, since the caller then gives up on the statement.

use std::sync::Arc;

use super::fragment::{Fragment, name_of, unquote};
use super::name::{Ident, Name, ObjectName};
use super::{Behavior, IfExists, IfMissing, TableOption};
use crate::dialect::phrase::parentheses;
use crate::dialect::{Dialect, Family};
use crate::lex::{self, Lexeme, TokenKind};
use crate::source::Span;

/// A place among the tokens of a statement.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'l, 't> {
    lexemes: &'l [Lexeme<'t>],
    at: usize,
    pub(super) dialect: Dialect,
}

impl<'l, 't> Cursor<'l, 't> {
    pub(super) fn new(lexemes: &'l [Lexeme<'t>], dialect: Dialect) -> Cursor<'l, 't> {
        Cursor {
            lexemes,
            at: 0,
            dialect,
        }
    }

    pub(super) fn family(&self) -> Family {
        self.dialect.modelling().family
    }

    pub(super) fn is_end(&self) -> bool {
        self.at >= self.lexemes.len()
    }

    pub(super) fn peek(&self) -> Option<&'l Lexeme<'t>> {
        self.lexemes.get(self.at)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&'l Lexeme<'t>> {
        self.lexemes.get(self.at + ahead)
    }

    pub(super) fn next(&mut self) -> Option<&'l Lexeme<'t>> {
        let lexeme = self.lexemes.get(self.at)?;
        self.at += 1;
        Some(lexeme)
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'l [Lexeme<'t>] {
        &self.lexemes[self.at.min(self.lexemes.len())..]
    }

    /// What was read since `from`.
    pub(super) fn read_since(&self, from: Cursor<'l, 't>) -> &'l [Lexeme<'t>] {
        &self.lexemes[from.at..self.at]
    }

    /// The words read since `from`.
    pub(super) fn span_since(&self, from: Cursor<'l, 't>) -> Span {
        match self.read_since(from) {
            [] => from.here(),
            [first, .., last] => first.span.to(last.span),
            [only] => only.span,
        }
    }

    /// The next token, or the end of the last one.
    pub(super) fn here(&self) -> Span {
        match (self.peek(), self.lexemes.last()) {
            (Some(lexeme), _) => lexeme.span,
            (None, Some(last)) => last.span,
            (None, None) => Span::default(),
        }
    }

    /// Whether these words come next: `IF NOT EXISTS`.
    pub(super) fn sees(&self, words: &str) -> bool {
        // Mostly the first letter is another one, which is quickly told.
        let letter = |text: &str| text.as_bytes().first().map(u8::to_ascii_uppercase);
        let next = self.lexemes.get(self.at);
        if next.is_none_or(|next| letter(next.text) != letter(words)) {
            return false;
        }
        let mut at = self.at;
        words.split(' ').all(|word| {
            let fits = self.lexemes.get(at).is_some_and(|lexeme| lexeme.is(word));
            at += 1;
            fits
        })
    }

    /// Whether one of these words comes next.
    pub(super) fn sees_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.sees(word))
    }

    /// Reads these words if they come next.
    pub(super) fn eat(&mut self, words: &str) -> bool {
        let sees = self.sees(words);
        if sees {
            self.at += words.split(' ').count();
        }
        sees
    }

    /// Reads one of these groups of words if it comes next, and says which.
    pub(super) fn eat_any(&mut self, choices: &[&'static str]) -> Option<&'static str> {
        choices.iter().copied().find(|words| self.eat(words))
    }

    /// Reads these words, which must come next.
    pub(super) fn expect(&mut self, words: &str) -> Option<()> {
        self.eat(words).then_some(())
    }

    /// Whether this sign comes next.
    pub(super) fn sees_sign(&self, sign: &str) -> bool {
        self.peek().is_some_and(|lexeme| {
            lexeme.text == sign && !matches!(lexeme.kind, TokenKind::String | TokenKind::QuotedName)
        })
    }

    /// Reads this sign if it comes next.
    pub(super) fn eat_sign(&mut self, sign: &str) -> bool {
        let sees = self.sees_sign(sign);
        self.at += usize::from(sees);
        sees
    }

    /// Reads a name.
    pub(super) fn ident(&mut self) -> Option<Ident> {
        let lexeme = self.peek()?;
        let name = match name_of(lexeme.kind, lexeme.text, self.dialect) {
            Some(name) => name,
            // MySQL and SQLite take strings for names where only names can stand.
            None if lexeme.kind == TokenKind::String && self.family() != Family::Postgres => {
                Name::new(&unquote(lexeme.text), self.dialect)
            }
            None => return None,
        };
        self.at += 1;
        Some(Ident {
            name,
            span: lexeme.span,
        })
    }

    /// Reads a name with as many parts as it has; the last two count.
    pub(super) fn object_name(&mut self) -> Option<ObjectName> {
        let first = self.ident()?;
        let mut span = first.span;
        let mut parts = vec![first.name];
        while self.sees_sign(".") {
            let mut ahead = *self;
            ahead.at += 1;
            let Some(part) = ahead.ident() else { break };
            *self = ahead;
            span = span.to(part.span);
            parts.push(part.name);
        }
        let name = parts.pop()?;
        Some(ObjectName {
            schema: parts.pop(),
            name,
            span,
        })
    }

    /// Reads names with commas between them.
    pub(super) fn object_names(&mut self) -> Option<Vec<ObjectName>> {
        let mut names = vec![self.object_name()?];
        while self.eat_sign(",") {
            names.push(self.object_name()?);
        }
        Some(names)
    }

    /// Reads a group in parentheses and gives what is inside.
    pub(super) fn group(&mut self) -> Option<Cursor<'l, 't>> {
        if !self.sees_sign("(") {
            return None;
        }
        let len = parentheses(self.rest());
        let inner = self.rest().get(1..len.checked_sub(1)?)?;
        self.at += len;
        Some(Cursor::new(inner, self.dialect))
    }

    /// Reads names in parentheses.
    pub(super) fn columns(&mut self) -> Option<Vec<Ident>> {
        let mut columns = Vec::new();
        for mut part in self.group()?.by_comma() {
            columns.push(part.ident()?);
            part.end()?;
        }
        Some(columns)
    }

    /// What is left, cut at the commas that stand outside of parentheses.
    pub(super) fn by_comma(&self) -> Vec<Cursor<'l, 't>> {
        let mut parts = Vec::new();
        let mut rest = *self;
        loop {
            let part = rest.until(|cursor| cursor.sees_sign(","));
            parts.push(Cursor::new(part, self.dialect));
            if !rest.eat_sign(",") {
                return parts;
            }
        }
    }

    /// Reads up to where `stop` holds, parentheses as one, or to the end.
    pub(super) fn until(
        &mut self,
        mut stop: impl FnMut(&Cursor<'l, 't>) -> bool,
    ) -> &'l [Lexeme<'t>] {
        let from = self.at;
        while !self.is_end() && !stop(self) {
            let group = match self.peek() {
                Some(lexeme) if lexeme.kind == TokenKind::Open => parentheses(self.rest()),
                _ => 1,
            };
            self.at += group.max(1);
        }
        self.at = self.at.min(self.lexemes.len());
        &self.lexemes[from..self.at]
    }

    /// Reads all that is left as text.
    pub(super) fn fragment(&mut self) -> Fragment {
        let rest = self.rest();
        self.at = self.lexemes.len();
        Fragment::of(rest, self.dialect)
    }

    /// `IF NOT EXISTS`
    pub(super) fn if_not_exists(&mut self) -> IfExists {
        match self.eat("IF NOT EXISTS") {
            true => IfExists::Keep,
            false => IfExists::Fail,
        }
    }

    /// `IF EXISTS`
    pub(super) fn if_exists(&mut self) -> IfMissing {
        match self.eat("IF EXISTS") {
            true => IfMissing::Skip,
            false => IfMissing::Fail,
        }
    }

    /// `CASCADE` or `RESTRICT`
    pub(super) fn behavior(&mut self) -> Behavior {
        match self.eat_any(&["CASCADE", "RESTRICT"]) {
            Some("CASCADE") => Behavior::Cascade,
            _ => Behavior::Restrict,
        }
    }

    /// Reads a string and gives it as it is written.
    pub(super) fn string(&mut self) -> Option<&'t str> {
        let lexeme = self.peek()?;
        (lexeme.kind == TokenKind::String).then(|| {
            self.at += 1;
            lexeme.text
        })
    }

    /// Reads a string and gives what it says.
    pub(super) fn string_value(&mut self) -> Option<Arc<str>> {
        self.string().map(|text| string_value(text).into())
    }

    /// A group of `name = value` or `name value` or `name`, with commas between.
    pub(super) fn option_list(&mut self) -> Option<Vec<TableOption>> {
        let mut options = Vec::new();
        for mut part in self.group()?.by_comma() {
            let name = part.until(|cursor| cursor.sees_sign("="));
            let name = Fragment::of(name, self.dialect).text;
            part.eat_sign("=");
            options.push(TableOption {
                name,
                value: part.fragment().text,
            });
        }
        Some(options)
    }

    /// Whether a closing parenthesis stands right before.
    pub(super) fn is_behind_close(&self) -> bool {
        self.at > 0 && self.lexemes[self.at - 1].kind == TokenKind::Close
    }

    /// The word right before, in lower case, if it is one that puts an option of a routine back.
    pub(super) fn word_before(&self) -> Option<&'static str> {
        let before = self.lexemes.get(self.at.checked_sub(1)?)?;
        ["volatile", "invoker", "unsafe", "input"]
            .into_iter()
            .find(|word| before.is(word))
    }

    /// The last word read since `from`.
    pub(super) fn read_since_span(&self, from: Cursor<'l, 't>) -> Span {
        self.read_since(from)
            .last()
            .map_or(self.here(), |last| last.span)
    }

    /// Succeeds at the end.
    pub(super) fn end(&self) -> Option<()> {
        self.is_end().then_some(())
    }
}

/// What a string says, as far as that is needed to compare: its quotes and doubled quotes go.
pub(super) fn string_value(text: &str) -> String {
    if let Some((_, inside)) = lex::dollar_quoted(text) {
        return inside.to_owned();
    }
    match text.find(['\'', '"']) {
        Some(quote) => unquote(&text[quote..]),
        None => text.to_owned(),
    }
}
