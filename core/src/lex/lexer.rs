//! Reads one token after the other, by the grammar it is given.

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

/// The most letters of a prefix in any grammar, `_utf8` and the like aside.
const LONGEST_PREFIX: usize = 2;

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

    /// Whether a backslash escapes in the string `text`, which goes on behind a line end.
    fn escapes(&self, text: &str) -> bool {
        self.continued == Continued::Here && text.starts_with('\'')
            || self.escaping_prefix(text).is_some()
    }

    fn escaping_prefix(&self, text: &str) -> Option<&'static str> {
        let prefixes = self.grammar.escaping_prefixes.iter().copied();
        prefixes
            .filter(|prefix| starts_with(text, prefix))
            .find(|prefix| text[prefix.len()..].starts_with('\''))
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

    /// Where the command of a client program ends that stands here.
    fn client(&mut self) -> Option<usize> {
        let client = &self.grammar.client;
        let rest = self.rest();
        match self.byte(0) {
            b'\\' if client.backslash => {
                if client.words.iter().any(|word| rest.starts_with(word)) {
                    return None;
                }
                let short = client.short.iter().find(|short| rest.starts_with(**short));
                Some(short.map_or(self.line_end(), |short| self.at + short.len()))
            }
            b';' if self.copy == CopyIn::FromStdin => self.copied_rows_end(),
            b'.' if client.dot_lines && self.byte(1).is_ascii_alphabetic() => {
                self.begins_statement_and_line().then(|| self.line_end())
            }
            byte if byte.is_ascii_alphabetic() && self.begins_statement_and_line() => {
                self.client_line_end()
            }
            _ => None,
        }
    }

    /// Where a line ends whose first word is a command of the client program. The one that sets
    /// what ends a statement reaches to where that is undone: nothing between is as it seems.
    fn client_line_end(&mut self) -> Option<usize> {
        let client = &self.grammar.client;
        let rest = self.rest();
        let mut known = client.line_words.iter();
        if !known.any(|known| starts_with(rest, known)) {
            return None;
        }
        let line_end = self.line_end();
        let line = &self.text[self.at..line_end];
        let (word, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        client.line_words.iter().find(|known| is(word, known))?;
        let sets_delimiter = client
            .delimiter
            .is_some_and(|delimiter| is(word, delimiter));
        if !sets_delimiter || argument.trim() == ";" {
            return Some(line_end);
        }
        let undone = self.closing_line(line_end, |line| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|first| is(first, word)) && words.next() == Some(";")
        });
        Some(undone.unwrap_or(line_end))
    }

    /// Where the rows end that follow the semicolon of a `COPY … FROM STDIN`.
    fn copied_rows_end(&mut self) -> Option<usize> {
        let behind = self.at + 1;
        let line_end = behind + self.text[behind..].find('\n')?;
        if !self.text[behind..line_end].trim().is_empty() {
            return None;
        }
        self.closing_line(line_end + 1, |line| line == "\\.")
    }

    /// The end of the first line from `from` on that is `wanted`.
    fn closing_line(&mut self, from: usize, wanted: impl Fn(&str) -> bool) -> Option<usize> {
        let mut at = from;
        for line in self.text[from..]
            .split_inclusive('\n')
            .take_while(|_| self.closer_possible)
        {
            let text = line.trim_end_matches(['\r', '\n']);
            if wanted(text) {
                return Some(at + text.len());
            }
            at += line.len();
        }
        self.closer_possible = false;
        None
    }

    fn begins_statement_and_line(&self) -> bool {
        self.fresh
            && self.lexed.tokens.last().is_none_or(|token| {
                token.kind == TokenKind::Blank
                    && (token.span.start == 0 || token.span.of(self.text).contains('\n'))
            })
    }

    /// Moves behind a word that begins with a backslash, if one stands here.
    fn backslash_word(&mut self) -> bool {
        let words = self.grammar.client.words;
        match words.iter().find(|word| self.rest().starts_with(**word)) {
            Some(word) => {
                self.at += word.len();
                true
            }
            None => false,
        }
    }

    fn blank_or_comment(&mut self) -> Option<TokenKind> {
        let rest = self.rest();
        if self.at == 0 && rest.starts_with('\u{feff}') {
            self.at += '\u{feff}'.len_utf8();
            return Some(TokenKind::Blank);
        }
        if is_blank(self.byte(0)) {
            self.skip_while(is_blank);
            return Some(TokenKind::Blank);
        }
        if self.begins_line_comment() {
            self.at = self.line_end();
            return Some(TokenKind::LineComment);
        }
        if !rest.starts_with("/*") {
            return None;
        }
        let openers = self.grammar.executable_comments;
        if let Some(opener) = openers.iter().find(|opener| rest.starts_with(**opener)) {
            self.executable_comment(opener);
            return Some(TokenKind::ExecutableComment);
        }
        self.block_comment();
        Some(TokenKind::BlockComment)
    }

    fn begins_line_comment(&self) -> bool {
        let rest = self.rest();
        if let Some(after) = rest.strip_prefix("--") {
            return !self.grammar.dashes_need_blank
                || after
                    .bytes()
                    .next()
                    .is_none_or(|b| b.is_ascii_control() || b == b' ');
        }
        self.grammar.hash_comments && rest.starts_with('#')
    }

    /// Where the line ends, its line end excluded.
    fn line_end(&self) -> usize {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let line = match self.grammar.return_ends_line {
            true => &line[..line.find('\r').unwrap_or(line.len())],
            false => line,
        };
        let ended = line.len() < rest.len();
        let line = if ended {
            line.strip_suffix('\r').unwrap_or(line)
        } else {
            line
        };
        self.at + line.len()
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        let mut at = start;
        while let Some(found) = self.text.as_bytes()[at..]
            .iter()
            .position(|b| matches!(b, b'*' | b'/'))
        {
            at += found;
            let here = &self.text[at..];
            if here.starts_with("/*") && (depth == 0 || self.grammar.nested_comments) {
                depth += 1;
                at += 2;
            } else if here.starts_with("*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    self.at = at;
                    return;
                }
            } else {
                at += 1;
            }
        }
        self.at = self.text.len();
        if !self.grammar.end_closes_comment {
            self.fault(Open::BlockComment, start..start + "/*".len());
        }
    }

    /// A comment that the server reads as SQL: strings, names and comments inside may hold `*/`.
    fn executable_comment(&mut self, opener: &str) {
        let start = self.at;
        self.at += opener.len();
        let faults = self.lexed.faults.len();
        while self.at < self.text.len() {
            if self.rest().starts_with("*/") {
                self.at += "*/".len();
                return;
            } else if self.rest().starts_with("/*") {
                self.block_comment();
            } else if self.begins_line_comment() {
                self.at = self.line_end();
            } else if self.quoted().is_some() {
            } else if is_word_byte(self.byte(0)) {
                self.word();
            } else {
                self.at += self.char_len();
            }
        }
        self.lexed.faults.truncate(faults);
        self.fault(Open::BlockComment, start..start + opener.len());
    }

    /// A string or name in quotes, with its prefix.
    fn quoted(&mut self) -> Option<TokenKind> {
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
    fn string(&mut self, start: usize, escapes: bool) -> TokenKind {
        let quote = self.byte(0);
        let opener = start..self.at + 1;
        if !self.skip_quoted(quote, escapes) {
            self.fault(Open::String, opener);
        }
        TokenKind::String
    }

    /// A name whose quote stands at `self.at`.
    fn name(&mut self, start: usize, close: u8) -> TokenKind {
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

    fn begins_number(&self) -> bool {
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

    fn number(&mut self) -> TokenKind {
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
