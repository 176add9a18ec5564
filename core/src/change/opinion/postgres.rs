//! A full grammar of Postgres, which others keep: the last word on what is legal there.

use squawk_parser::{EntryPoint, LexedStr, StrStep};

use super::super::SyntaxError;
use crate::source::Span;

/// Whether the grammar takes the text, which begins at the byte `start` of its file.
pub(super) fn check(text: &str, start: u32) -> Result<(), SyntaxError> {
    let lexed = LexedStr::new(text);
    let output = EntryPoint::SourceFile.parse(&lexed.to_input());
    let mut first: Option<SyntaxError> = None;
    let (mut depth, mut at, mut statements) = (0_usize, 0_usize, 0_usize);
    lexed.intersperse_trivia(&output, &mut |step| {
        match &step {
            StrStep::Token { text, .. } => at += text.len(),
            StrStep::Enter { .. } => {
                statements += usize::from(depth == 1 && !is_trivia(&text[at..]));
                depth += 1;
                if depth == 2 && statements == 2 && first.is_none() {
                    first = Some(SyntaxError {
                        span: Span::new(start as usize + at..start as usize + at),
                        message: "another statement begins here: a semicolon is missing before it"
                            .to_owned(),
                    });
                }
            }
            StrStep::Exit => depth -= 1,
            StrStep::Error { .. } => {}
        }
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

/// Whether nothing but blanks and comments is left.
fn is_trivia(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty()
}
