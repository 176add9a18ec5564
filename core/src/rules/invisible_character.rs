//! Characters that a reader does not see; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::lex::TokenKind;
use crate::options::Level;
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "invisible-character",
    group: Group::Security,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("invisible_character.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let acts = situation.up().chain(situation.down());
    acts.filter_map(judge).collect()
}

fn judge(act: Act<'_>) -> Option<Finding> {
    let source = act.situation.source(act.place.section);
    if act.statement.span.of(source.text()).is_ascii() {
        return None;
    }
    let outside = act
        .lexemes()
        .into_iter()
        .filter(|lexeme| lexeme.kind != TokenKind::String);
    let mut found = outside.filter_map(|lexeme| {
        let (at, c) = lexeme.text.char_indices().find(|(_, c)| is_invisible(*c))?;
        let start = lexeme.span.range().start + at;
        Some((Span::new(start..start + c.len_utf8()), c))
    });
    let (span, c) = found.next()?;
    let finding = act
        .find(span, format!("an invisible character, U+{:04X}, is part of the SQL", u32::from(c)))
        .label("nothing is to be seen here")
        .why("The server reads something else than whoever reviews the file: `us\u{200B}ers` is not `users`.")
        .help("Delete it, and write the word anew.");
    Some(finding)
}

/// Signs without width, and signs that turn the direction of the text round.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
    )
}
