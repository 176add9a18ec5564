//! A statement word by word: enough to tell what it is about, where no grammar is at hand.

use backstitch_core::lex::{Lexeme, TokenKind};

/// The name of a table or column as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// With its quotes.
    pub(crate) sql: String,
}

impl Name {
    /// Without its quotes.
    pub(crate) fn shown(&self) -> String {
        self.sql.replace(['"', '`', '[', ']'], "")
    }

    /// To compare it by, as the engines mostly do.
    pub(crate) fn key(&self) -> String {
        self.shown().to_lowercase()
    }
}

/// The words of a statement that are left to read.
#[derive(Clone)]
pub(crate) struct Words<'t> {
    pub(crate) lexemes: &'t [Lexeme<'t>],
}

impl<'t> Words<'t> {
    /// All of these.
    pub(crate) fn of(lexemes: &'t [Lexeme<'t>]) -> Words<'t> {
        Words { lexemes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lexemes.is_empty()
    }

    pub(crate) fn advance(&mut self) {
        self.lexemes = self.lexemes.get(1..).unwrap_or_default();
    }

    /// The next word, or nothing where something else comes.
    pub(crate) fn word(&mut self) -> &'t str {
        match self.lexemes.first() {
            Some(lexeme) if lexeme.kind == TokenKind::Word => {
                self.advance();
                lexeme.text
            }
            _ => "",
        }
    }

    pub(crate) fn skip(&mut self, word: &str) -> bool {
        let is_next = self.lexemes.first().is_some_and(|lexeme| lexeme.is(word));
        if is_next {
            self.advance();
        }
        is_next
    }

    pub(crate) fn skip_sign(&mut self, sign: &str) -> bool {
        let is_next = self
            .lexemes
            .first()
            .is_some_and(|lexeme| lexeme.is_operator(sign));
        if is_next {
            self.advance();
        }
        is_next
    }

    /// `IF EXISTS`, `IF NOT EXISTS`
    pub(crate) fn skip_existence(&mut self) {
        if self.skip("IF") {
            self.skip("NOT");
            self.skip("EXISTS");
        }
    }

    /// `name`, `schema.name`, quoted or not.
    pub(crate) fn name(&mut self) -> Option<Name> {
        let mut sql = String::new();
        loop {
            let lexeme = self.lexemes.first()?;
            if !matches!(lexeme.kind, TokenKind::Word | TokenKind::QuotedName) {
                return None;
            }
            sql.push_str(lexeme.text);
            self.advance();
            if !self.skip_sign(".") {
                return Some(Name { sql });
            }
            sql.push('.');
        }
    }

    /// The first names between the brackets that come next: columns, and words like `PRIMARY`.
    pub(crate) fn columns(&self) -> Vec<String> {
        let Some((
            Lexeme {
                kind: TokenKind::Open,
                ..
            },
            inside,
        )) = self.lexemes.split_first()
        else {
            return Vec::new();
        };
        let items = Words { lexemes: inside }.actions();
        let names = items.into_iter().filter_map(|mut item| item.name());
        names.map(|name| name.key()).collect()
    }

    pub(crate) fn next_is(&self, word: &str) -> bool {
        self.lexemes.first().is_some_and(|lexeme| lexeme.is(word))
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.lexemes.iter().any(|lexeme| lexeme.is(word))
    }

    /// What stands between the commas outside of brackets.
    pub(crate) fn actions(&self) -> Vec<Words<'t>> {
        let mut depth = 0usize;
        let parts = self.lexemes.split(|lexeme| {
            match lexeme.kind {
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && lexeme.is_operator(",")
        });
        parts.map(|lexemes| Words { lexemes }).collect()
    }
}
