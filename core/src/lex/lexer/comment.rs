//! Blank space and comments.

use super::{Lexer, is_blank, is_word_byte};
use crate::lex::{Open, TokenKind};

impl Lexer<'_> {
    pub(super) fn blank_or_comment(&mut self) -> Option<TokenKind> {
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
    pub(super) fn line_end(&self) -> usize {
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
}
