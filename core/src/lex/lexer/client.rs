//! What is for a client program, such as `\d` or the rows behind `COPY … FROM STDIN`.

use super::{CopyIn, Lexer, is, starts_with};
use crate::lex::TokenKind;

impl Lexer<'_> {
    /// Where the command of a client program ends that stands here.
    pub(super) fn client(&mut self) -> Option<usize> {
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
    pub(super) fn backslash_word(&mut self) -> bool {
        let words = self.grammar.client.words;
        match words.iter().find(|word| self.rest().starts_with(**word)) {
            Some(word) => {
                self.at += word.len();
                true
            }
            None => false,
        }
    }
}
