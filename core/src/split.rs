//! Where statements begin and end.
//!
//! A semicolon ends a statement unless it stands in the body of a trigger, a function or the like,
//! which is found by its words and not by a `DELIMITER`. What the statements mean is not asked
//! here; that is [`statement`](crate::statement)'s business and the model's.

mod flat;
mod nested;

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Section};
use crate::dialect::{Bodies, Dialect};
use crate::lex::{Lexeme, Token, TokenKind};
use crate::source::{Source, Span};

/// The statements of a stretch of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// In order; empty statements are left out.
    pub pieces: Vec<Piece>,
    /// Bodies that do not end.
    pub faults: Vec<BodyFault>,
    /// Commands of a client program that stand between the statements. The rows behind a
    /// `COPY … FROM STDIN` are not among them, since the statement itself is at fault.
    pub client: Vec<Span>,
}

/// One statement and the comments before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From its first significant token to its last; the semicolon is not part of it.
    pub span: Span,
    /// The indices of the tokens of `span`.
    pub tokens: Range<usize>,
    /// The indices of the blank and comment tokens directly before it. A comment behind the
    /// semicolon of the statement before, on the same line, is among them.
    pub lead: Range<usize>,
    /// The semicolon that ends it.
    pub terminator: Option<Span>,
}

/// A body that begins and does not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFault {
    /// The words that open it.
    pub span: Span,
}

/// Splits the tokens of `range` into statements.
pub fn split(text: &str, tokens: &[Token], range: Range<usize>, dialect: Dialect) -> Split {
    let visible: Vec<usize> = range
        .clone()
        .filter(|&index| !tokens[index].kind.is_trivia())
        .collect();
    let lexemes: Vec<Lexeme<'_>> = visible
        .iter()
        .map(|&index| Lexeme {
            kind: tokens[index].kind,
            span: tokens[index].span,
            text: tokens[index].span.of(text),
        })
        .collect();
    let mut split = Split::default();
    let mut free_from = range.start;
    let mut at = 0;
    // A client's command ends whatever stands before it, so bodies are looked for up to there.
    let mut stop = client_from(&lexemes, 0);
    while at < lexemes.len() {
        if at > stop {
            stop = client_from(&lexemes, at);
        }
        let (len, faults) = statement_len(&lexemes[at..stop], dialect);
        if len > 0 {
            let (first, last) = (visible[at], visible[at + len - 1]);
            split.pieces.push(Piece {
                span: tokens[first].span.to(tokens[last].span),
                tokens: first..last + 1,
                lead: free_from..first,
                terminator: lexemes
                    .get(at + len)
                    .filter(|end| end.kind == TokenKind::Semicolon)
                    .map(|end| end.span),
            });
            split.faults.extend(faults);
        }
        if let Some(end) = lexemes.get(at + len) {
            if end.kind == TokenKind::Client && !end.text.starts_with(';') {
                split.client.push(end.span);
            }
            free_from = visible[at + len] + 1;
        }
        at += len + 1;
    }
    split
}

fn client_from(lexemes: &[Lexeme<'_>], at: usize) -> usize {
    lexemes[at..]
        .iter()
        .position(|lexeme| lexeme.kind == TokenKind::Client)
        .map_or(lexemes.len(), |found| at + found)
}

/// Bodies that do not end, and commands that are no SQL, as errors.
pub fn diagnose(source: &Source, split: &Split, section: Section) -> Vec<Diagnostic> {
    let bodies = split
        .faults
        .iter()
        .map(|fault| unterminated_body(source, fault));
    let client = split
        .client
        .iter()
        .map(|span| client_command(source, *span));
    bodies
        .chain(client)
        .map(|diagnostic| diagnostic.section(section))
        .collect()
}

fn unterminated_body(source: &Source, fault: &BodyFault) -> Diagnostic {
    let opener = fault.span.of(source.text()).to_uppercase();
    let closer = match opener.as_str() {
        "IF" | "CASE" | "LOOP" | "WHILE" | "REPEAT" | "FOR" => format!("END {opener};"),
        _ => "END;".to_owned(),
    };
    Diagnostic::error("unterminated-body", format!("this {opener} has no END"))
        .at(source, fault.span, "opened here")
        .why("Everything up to the end of the section is taken as part of it.")
        .help(format!("Close it after its last statement:\n{closer}"))
}

fn client_command(source: &Source, span: Span) -> Diagnostic {
    let text = span.of(source.text());
    let line = text.lines().next().unwrap_or(text).trim_end();
    let here = Span::new(span.range().start..span.range().start + line.len());
    let word = line.split_whitespace().next().unwrap_or(line);
    let diagnostic = Diagnostic::error(
        "client-command",
        format!("`{word}` is a command of a client program, not SQL"),
    )
    .at(source, here, "no server understands this")
    .why("It works in the shell it was tried in and fails through every driver.");
    if word.eq_ignore_ascii_case("DELIMITER") {
        return diagnostic.help(
            "Delete the DELIMITER lines; a body is found by its BEGIN and END. End each body \
             with:\nEND;",
        );
    }
    diagnostic.help(match word {
        "\\G" | "\\g" => "End the statement with `;`.",
        _ => "Delete the line, and write what it stands for as SQL.",
    })
}

/// How many of `lexemes` the first statement has, and which bodies in it do not end.
fn statement_len(lexemes: &[Lexeme<'_>], dialect: Dialect) -> (usize, Vec<BodyFault>) {
    match &dialect.grammar().bodies {
        Bodies::Flat {
            head,
            opener,
            parenthesised,
        } => {
            if head.covers(lexemes).is_some() {
                return flat::len(lexemes, *opener);
            }
            if parenthesised.is_some_and(|phrase| phrase.covers(lexemes).is_some()) {
                return (flat::len_with_parentheses(lexemes), Vec::new());
            }
            (plain_len(lexemes), Vec::new())
        }
        Bodies::Nested { anywhere } => nested::len(lexemes, *anywhere),
    }
}

fn plain_len(lexemes: &[Lexeme<'_>]) -> usize {
    lexemes
        .iter()
        .position(|lexeme| lexeme.kind == TokenKind::Semicolon)
        .unwrap_or(lexemes.len())
}
