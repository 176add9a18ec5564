//! Strings and names in quotes, whatever stands for a quote.

use super::{Continued, Lexer, is_word_byte, starts_with};
use crate::lex::{Open, TokenKind};

/// The most letters of a prefix in any grammar, `_utf8` and the like aside.
const LONGEST_PREFIX: usize = 2;

impl Lexer<'_> {
    /// Whether a backslash escapes in the string `text`, which goes on behind a line end.
    pub(super) fn escapes(&self, text: &str) -> bool {
        self.continued == Continued::Here && text.starts_with('\'')
            || self.escaping_prefix(text).is_some()
    }

    fn escaping_prefix(&self, text: &str) -> Option<&'static str> {
        let prefixes = self.grammar.escaping_prefixes.iter().copied();
        prefixes
            .filter(|prefix| starts_with(text, prefix))
            .find(|prefix| text[prefix.len()..].starts_with('\''))
    }

    /// A string or name in quotes, with its prefix.
    pub(super) fn quoted(&mut self) -> Option<TokenKind> {
        let grammar = self.grammar;
        let start = self.at;
        let byte = self.byte(0);
        if byte == b'$' && grammar.dollar_quotes {
            return self.dollar_string();
        }
        if grammar.string_quotes.contains(&byte) {
            let escapes = grammar.backslash_escapes || self.continued == Continued::Here;
            return Some(self.string(start, escapes));
        }
        if let Some(&(_, close)) = grammar.name_quotes.iter().find(|(open, _)| *open == byte) {
            return Some(self.name(start, close));
        }
        if !byte.is_ascii_alphabetic() && byte != b'_' {
            return None;
        }
        let prefix = self.prefix_len()?;
        self.at += prefix;
        if self.byte(0) == b'"' && !grammar.string_quotes.contains(&b'"') {
            return Some(self.name(start, b'"'));
        }
        let escapes =
            grammar.backslash_escapes || self.escaping_prefix(&self.text[start..]).is_some();
        Some(self.string(start, escapes))
    }

    /// The length of a prefix that touches the quote it belongs to.
    fn prefix_len(&self) -> Option<usize> {
        let rest = self.rest();
        let has_quote = (1..=LONGEST_PREFIX).any(|at| matches!(self.byte(at), b'\'' | b'"'));
        if !has_quote && self.byte(0) != b'_' {
            return None;
        }
        let touches = |prefix: &str, quotes: &[u8]| {
            starts_with(rest, prefix)
                && rest
                    .as_bytes()
                    .get(prefix.len())
                    .is_some_and(|b| quotes.contains(b))
        };
        let strings = self.grammar.string_prefixes.iter();
        let names = self.grammar.name_prefixes.iter();
        let fixed = strings
            .filter(|prefix| touches(prefix, self.grammar.string_quotes))
            .chain(names.filter(|prefix| touches(prefix, b"\"")))
            .map(|prefix| prefix.len())
            .next();
        if fixed.is_some() || !self.grammar.charset_introducers || self.byte(0) != b'_' {
            return fixed;
        }
        let word = rest
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        let next = rest.as_bytes().get(word)?;
        self.grammar.string_quotes.contains(next).then_some(word)
    }

    /// A string whose quote stands at `self.at`.
    pub(super) fn string(&mut self, start: usize, escapes: bool) -> TokenKind {
        let quote = self.byte(0);
        let opener = start..self.at + 1;
        if !self.skip_quoted(quote, escapes) {
            self.fault(Open::String, opener);
        }
        TokenKind::String
    }

    /// A name whose quote stands at `self.at`.
    pub(super) fn name(&mut self, start: usize, close: u8) -> TokenKind {
        let opener = start..self.at + 1;
        if !self.skip_quoted(close, false) {
            self.fault(Open::QuotedName, opener);
        }
        TokenKind::QuotedName
    }

    /// Moves from an opening quote behind the closing one. A doubled quote does not close, but
    /// where two different signs quote (`[x]`), the closing one cannot be doubled.
    fn skip_quoted(&mut self, close: u8, escapes: bool) -> bool {
        let bytes = self.text.as_bytes();
        let doubles = bytes[self.at] == close;
        let mut at = self.at + 1;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            if byte == b'\\' && escapes {
                at += 1;
            } else if byte == close {
                if doubles && bytes.get(at) == Some(&close) {
                    at += 1;
                    continue;
                }
                self.at = at;
                return true;
            }
        }
        self.at = bytes.len();
        false
    }

    fn dollar_string(&mut self) -> Option<TokenKind> {
        let rest = self.rest();
        let tag = rest[1..]
            .bytes()
            .take_while(|b| is_word_byte(*b) && *b != b'$')
            .count();
        let delimiter = rest.get(..tag + 2).filter(|text| text.ends_with('$'))?;
        if tag > 0 && rest.as_bytes()[1].is_ascii_digit() {
            return None;
        }
        let start = self.at;
        match rest[delimiter.len()..].find(delimiter) {
            Some(length) => self.at += length + 2 * delimiter.len(),
            None => {
                self.at = self.text.len();
                self.fault(Open::DollarString, start..start + delimiter.len());
            }
        }
        Some(TokenKind::String)
    }
}

#[cfg(test)]
mod tests {
    use super::LONGEST_PREFIX;
    use crate::dialect::Dialect;

    #[test]
    fn no_prefix_is_longer() {
        for dialect in Dialect::ALL {
            let grammar = dialect.grammar();
            let mut all = grammar.string_prefixes.iter().chain(grammar.name_prefixes);
            assert!(all.all(|prefix| prefix.len() <= LONGEST_PREFIX));
        }
    }
}
