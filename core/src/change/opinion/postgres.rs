//! A full grammar of Postgres, which others keep: the last word on what is legal there.

use squawk_parser::{EntryPoint, LexedStr, StrStep};

use super::super::SyntaxError;
use crate::source::Span;

/// Whether the grammar takes the text, which begins at the byte `start` of its file.
pub(super) fn check(text: &str, start: u32) -> Result<(), SyntaxError> {
    let lexed = LexedStr::new(text);
    let output = EntryPoint::SourceFile.parse(&lexed.to_input());
    let mut first: Option<SyntaxError> = None;
    lexed.intersperse_trivia(&output, &mut |step| {
        if let StrStep::Error { msg, pos } = step
            && first.is_none()
        {
            let at = start as usize + pos;
            first = Some(SyntaxError {
                span: Span::new(at..at),
                message: msg.to_owned(),
            });
        }
    });
    match first {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
