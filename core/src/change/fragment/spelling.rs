//! One spelling for all texts that say the same.

use crate::change::name::Name;
use crate::dialect::Dialect;
use crate::lex::{Lexeme, TokenKind};

/// The name that a token is, if it can be one.
pub(crate) fn name_of(kind: TokenKind, text: &str, dialect: Dialect) -> Option<Name> {
    match kind {
        TokenKind::Word => Some(Name::unquoted(text, dialect)),
        TokenKind::QuotedName => Some(Name::new(&unquote(text), dialect)),
        _ => None,
    }
}

/// What stands between the quotes of a name.
pub(crate) fn unquote(text: &str) -> String {
    let mut chars = text.chars();
    let Some(open) = chars.next() else {
        return String::new();
    };
    let close = if open == '[' { ']' } else { open };
    let inner = chars.as_str();
    let inner = inner.strip_suffix(close).unwrap_or(inner);
    let doubled: String = [close, close].iter().collect();
    inner.replace(&doubled, &close.to_string())
}

/// The name as one has to write it.
pub(crate) fn quoted(name: &str, dialect: Dialect) -> String {
    match is_plain(name, dialect) {
        true => name.to_owned(),
        false => {
            let quote = dialect.modelling().name_quote;
            let doubled: String = [quote, quote].iter().collect();
            format!("{quote}{}{quote}", name.replace(quote, &doubled))
        }
    }
}

/// Whether a name needs no quotes.
fn is_plain(name: &str, dialect: Dialect) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    begins
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        && !dialect.modelling().reserves(name)
}

pub(super) fn spell(lexemes: &[Lexeme<'_>], dialect: Dialect) -> String {
    let mut text = String::new();
    let mut before: Option<TokenKind> = None;
    for lexeme in lexemes {
        let word = spelling(lexeme, dialect);
        if let Some(before) = before
            && needs_blank(before, &text, &word)
        {
            text.push(' ');
        }
        text.push_str(&word);
        before = Some(lexeme.kind);
    }
    text
}

pub(super) fn spelling(lexeme: &Lexeme<'_>, dialect: Dialect) -> String {
    match lexeme.kind {
        TokenKind::Word => lexeme.text.to_lowercase(),
        TokenKind::QuotedName if !lexeme.text.starts_with(['U', 'u']) => {
            let inner = unquote(lexeme.text);
            let folded = Name::new(&inner, dialect);
            quoted(folded.key(), dialect)
        }
        TokenKind::String if lexeme.text.starts_with(['e', 'E']) && !lexeme.text.contains('\\') => {
            lexeme.text[1..].to_owned()
        }
        TokenKind::Operator if lexeme.text == "!=" => "<>".to_owned(),
        TokenKind::Operator if lexeme.text == "==" => "=".to_owned(),
        _ => lexeme.text.to_owned(),
    }
}

fn needs_blank(before: TokenKind, text: &str, word: &str) -> bool {
    let tight_after = text.ends_with(['(', '[', '.']) || text.ends_with("::");
    let tight_before = matches!(word, ")" | "]" | "." | "," | "::" | "[");
    let call = word == "(" && matches!(before, TokenKind::Word | TokenKind::QuotedName);
    !(tight_after || tight_before || call)
}
