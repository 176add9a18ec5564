//! Numbers, and words that look like one.

use super::{Lexer, is_word_byte, starts_with};
use crate::lex::TokenKind;

impl Lexer<'_> {
    pub(super) fn begins_number(&self) -> bool {
        match self.byte(0) {
            b'0'..=b'9' => true,
            b'.' => {
                self.byte(1).is_ascii_digit()
                    && !(self.grammar.digits_begin_words && self.touches_name())
            }
            _ => false,
        }
    }

    /// Whether a name ends right here, so that `.` goes on to the next part of it.
    fn touches_name(&self) -> bool {
        self.lexed.tokens.last().is_some_and(|token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::Parameter
            )
        })
    }

    pub(super) fn number(&mut self) -> TokenKind {
        if self.grammar.digits_begin_words && self.is_word_despite_digits() {
            return self.word();
        }
        let start = self.at;
        let rest = self.rest();
        for (prefix, is_digit) in self.grammar.number_prefixes {
            let follows = rest
                .as_bytes()
                .get(prefix.len())
                .is_some_and(|b| is_digit(b) || self.grammar.digit_underscores && *b == b'_');
            if starts_with(rest, prefix) && follows {
                self.at += prefix.len();
                self.skip_digits(|byte| is_digit(&byte));
                return TokenKind::Number;
            }
        }
        self.skip_digits(|byte| byte.is_ascii_digit());
        if self.byte(0) == b'.' && self.byte(1) != b'.' {
            self.at += 1;
            self.skip_digits(|byte| byte.is_ascii_digit());
        }
        self.exponent();
        debug_assert!(
            self.at > start,
            "a number begins with a digit or a point and a digit"
        );
        TokenKind::Number
    }

    fn exponent(&mut self) {
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            self.skip_digits(|byte| byte.is_ascii_digit());
        }
    }

    fn skip_digits(&mut self, is_digit: impl Fn(u8) -> bool) {
        loop {
            if is_digit(self.byte(0)) {
                self.at += 1;
            } else if self.grammar.digit_underscores
                && self.byte(0) == b'_'
                && is_digit(self.byte(1))
            {
                self.at += 2;
            } else {
                return;
            }
        }
    }

    /// Where words may begin with a digit, `2fa` is a word, and so is `1e`, but not `1e5`, `0xff`
    /// or `1e-5`.
    fn is_word_despite_digits(&self) -> bool {
        if self.byte(0) == b'.' {
            return false;
        }
        let rest = self.rest();
        let run = rest.bytes().take_while(|b| is_word_byte(*b)).count();
        let (run, after) = rest.split_at(run);
        if self
            .lexed
            .tokens
            .last()
            .is_some_and(|token| token.span.of(self.text) == ".")
        {
            return true;
        }
        let digits = run.bytes().take_while(u8::is_ascii_digit).count();
        let tail = &run.as_bytes()[digits..];
        let is_number = match tail {
            [] => true,
            [b'e' | b'E', digits @ ..] if !digits.is_empty() => {
                digits.iter().all(u8::is_ascii_digit)
            }
            [b'e' | b'E'] => {
                matches!(after.as_bytes(), [b'+' | b'-', digit, ..] if digit.is_ascii_digit())
            }
            _ => self
                .grammar
                .number_prefixes
                .iter()
                .any(|(prefix, is_digit)| {
                    starts_with(run, prefix)
                        && run.len() > prefix.len()
                        && run.as_bytes()[prefix.len()..].iter().all(is_digit)
                }),
        };
        !is_number
    }
}
