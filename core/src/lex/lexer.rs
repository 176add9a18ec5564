//! Reads one token after the other, by the grammar it is given.

mod client;
mod comment;
mod number;
mod quoted;

use super::{Fault, Lexed, Open, Token, TokenKind};
use crate::dialect::Grammar;
use crate::source::Span;

pub(super) fn read(text: &str, grammar: &'static Grammar) -> Lexed {
    let mut lexer = Lexer {
        text,
        grammar,
        at: 0,
        lexed: Lexed::default(),
        fresh: true,
        copy: CopyIn::Elsewhere,
        continued: Continued::No,
        alone_until: 0,
        closer_possible: true,
    };
    while lexer.at < text.len() {
        let start = lexer.at;
        let kind = lexer.token();
        debug_assert!(lexer.at > start, "every token covers something");
        lexer.push(kind, start);
    }
    lexer.lexed
}

struct Lexer<'t> {
    text: &'t str,
    grammar: &'static Grammar,
    at: usize,
    lexed: Lexed,
    /// Whether no significant token stands since the last semicolon.
    fresh: bool,
    copy: CopyIn,
    continued: Continued,
    /// Up to where each operator sign stands alone.
    alone_until: usize,
    /// Whether a line that ends a block of the client program may stand further on. Once there is
    /// none, nobody need look again.
    closer_possible: bool,
}

/// How far a `COPY … FROM STDIN` has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyIn {
    Elsewhere,
    Begun,
    From,
    FromStdin,
}

/// Whether a string goes on behind a line end, where its escapes still hold:
/// `E'a'` and on the next line `'b\n'` are one string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Continued {
    No,
    OnNextLine,
    Here,
}

impl<'t> Lexer<'t> {
    fn push(&mut self, kind: TokenKind, start: usize) {
        let span = Span::new(start..self.at);
        self.lexed.tokens.push(Token { kind, span });
        let text = span.of(self.text);
        self.continued = match kind {
            TokenKind::String if self.escapes(text) => Continued::OnNextLine,
            TokenKind::Blank if self.continued == Continued::OnNextLine => {
                match text.contains(['\n', '\r']) {
                    true => Continued::Here,
                    false => Continued::OnNextLine,
                }
            }
            TokenKind::Blank | TokenKind::LineComment => self.continued,
            _ => Continued::No,
        };
        if kind.is_trivia() {
            return;
        }
        let ends_statement = matches!(kind, TokenKind::Semicolon | TokenKind::Client);
        if self.grammar.client.copy_rows {
            self.copy = match self.copy {
                _ if ends_statement => CopyIn::Elsewhere,
                CopyIn::Elsewhere if self.fresh && is(text, "COPY") => CopyIn::Begun,
                CopyIn::Begun | CopyIn::From if is(text, "FROM") => CopyIn::From,
                CopyIn::From if is(text, "STDIN") || is(text, "STDOUT") => CopyIn::FromStdin,
                CopyIn::From => CopyIn::Begun,
                copy => copy,
            };
        }
        self.fresh = ends_statement;
    }

    /// Reads one token: moves on and says what it was.
    fn token(&mut self) -> TokenKind {
        if let Some(end) = self.client() {
            self.at = end;
            return TokenKind::Client;
        }
        if let Some(kind) = self.blank_or_comment().or_else(|| self.quoted()) {
            return kind;
        }
        let byte = self.byte(0);
        match byte {
            b';' => self.one(TokenKind::Semicolon),
            b'(' | b'[' => self.one(TokenKind::Open),
            b')' | b']' => self.one(TokenKind::Close),
            _ if self.begins_number() => self.number(),
            _ if self.begins_word(byte) => self.word(),
            b'\\' if self.backslash_word() => TokenKind::Word,
            _ if self.parameter() => TokenKind::Parameter,
            _ => self.operator(),
        }
    }

    fn begins_word(&self, byte: u8) -> bool {
        byte.is_ascii_alphabetic()
            || byte == b'_'
            || !byte.is_ascii()
            || byte == b'$' && self.grammar.dollar_begins_words
    }

    fn word(&mut self) -> TokenKind {
        self.skip_while(is_word_byte);
        TokenKind::Word
    }

    /// Moves behind a parameter, if one stands here.
    fn parameter(&mut self) -> bool {
        let grammar = self.grammar;
        match self.byte(0) {
            b'?' if grammar.question_parameters => {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
                true
            }
            b'$' if grammar.dollar_parameters && self.byte(1).is_ascii_digit() => {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
                true
            }
            b'@' if grammar.quoted_variables => self.variable(),
            byte if grammar.parameter_signs.contains(&byte) && is_word_byte(self.byte(1)) => {
                self.at += 1;
                self.skip_while(is_word_byte);
                true
            }
            _ => false,
        }
    }

    /// `@a.b`, `@'a b'`, `@@global.a`.
    fn variable(&mut self) -> bool {
        let start = self.at;
        self.at += 1;
        if self.byte(0) == b'@' {
            self.at += 1;
        }
        match self.byte(0) {
            b'\'' | b'"' => {
                self.string(start, true);
                true
            }
            b'`' => {
                self.name(start, b'`');
                true
            }
            byte if is_word_byte(byte) || byte == b'.' => {
                self.skip_while(|byte| is_word_byte(byte) || byte == b'.');
                true
            }
            _ => {
                self.at = start;
                false
            }
        }
    }

    fn operator(&mut self) -> TokenKind {
        let rest = self.rest();
        let listed = self
            .grammar
            .operators
            .iter()
            .find(|op| rest.starts_with(**op));
        match listed {
            Some(operator) => self.at += operator.len(),
            None if self.grammar.operator_signs.contains(&self.byte(0)) => self.free_operator(),
            None => self.at += self.char_len(),
        }
        TokenKind::Operator
    }

    /// As many operator signs as stand together, up to where a comment begins. An operator of
    /// several signs may end in `+` or `-` only if it holds one of the signs that no standard
    /// operator has, so that `a*-1` is two operators and `a@-1` is one.
    ///
    /// What is cut off are signs that stand alone each; they are remembered, so that a long row of
    /// them stays linear.
    fn free_operator(&mut self) {
        if self.at < self.alone_until {
            self.at += 1;
            return;
        }
        let bytes = self.rest().as_bytes();
        let is_comment = |at: usize| matches!(bytes.get(at..at + 2), Some(b"--" | b"/*"));
        let run = (0..bytes.len())
            .find(|&at| !self.grammar.operator_signs.contains(&bytes[at]) || is_comment(at))
            .unwrap_or(bytes.len());
        let run = &bytes[..run];
        let mut operator = run.len();
        if !run.iter().any(|sign| b"~!@#%^&|`?".contains(sign)) {
            while operator > 1 && matches!(run[operator - 1], b'+' | b'-') {
                operator -= 1;
            }
        }
        self.alone_until = self.at + run.len();
        self.at += operator;
    }

    fn one(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The byte so far ahead; zero behind the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn char_len(&self) -> usize {
        self.rest().chars().next().map_or(0, char::len_utf8)
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        self.at += self.rest().bytes().take_while(|byte| wanted(*byte)).count();
    }

    fn fault(&mut self, open: Open, span: std::ops::Range<usize>) {
        self.lexed.faults.push(Fault {
            open,
            span: Span::new(span),
        });
    }
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes()
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}
