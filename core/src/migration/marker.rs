//! Where the halves begin in a file of dbmate or goose.
//!
//! Markers are comments at the beginning of a line. Those inside strings and bodies are none, which
//! is more than the tools themselves promise.

use std::ops::Range;

use super::Markers;
use super::parse::File;
use crate::annotation::stands_alone;
use crate::diagnostic::{Diagnostic, Section};
use crate::lex::TokenKind;
use crate::source::Span;
use crate::split;

const MISSING: &str = "section-missing";
const DUPLICATE: &str = "section-duplicate";
const ORDER: &str = "section-order";
const SQL_BEFORE: &str = "sql-before-section";

/// The tokens of the two halves, each behind its marker.
#[derive(Default)]
pub(super) struct Halves {
    pub(super) up: Option<Range<usize>>,
    pub(super) down: Option<Range<usize>>,
}

struct Marker {
    section: Section,
    token: usize,
    span: Span,
}

/// Finds the halves, and says what the tool itself would refuse.
pub(super) fn find(file: &File<'_>, markers: Markers) -> (Halves, Vec<Diagnostic>) {
    let found: Vec<Marker> = (0..file.tokens.len())
        .filter_map(|token| marker(file, markers, token))
        .collect();
    let mut diagnostics = misplaced(file, &found);
    let first = |section: Section| found.iter().position(|one| one.section == section);
    let half = |index: usize| {
        let end = found.get(index + 1).map_or(file.tokens.len(), |m| m.token);
        found[index].token + 1..end
    };
    let halves = Halves {
        up: first(Section::Up).map(half),
        down: first(Section::Down).map(half),
    };
    if halves.up.is_none() && !file.is_torn {
        diagnostics.push(missing(file, markers));
    }
    if let Some(first) = found.first() {
        diagnostics.extend(sql_before(file, 0..first.token, markers));
    }
    (halves, diagnostics)
}

impl Markers {
    /// The comment that begins this half.
    fn words(self, section: Section) -> &'static str {
        match (self, section) {
            (Markers::Migrate, Section::Down) => "-- migrate:down",
            (Markers::Migrate, _) => "-- migrate:up",
            (Markers::Goose, Section::Down) => "-- +goose Down",
            (Markers::Goose, _) => "-- +goose Up",
        }
    }

    /// The half that a comment begins.
    fn section(self, comment: &str) -> Option<Section> {
        let comment = comment.trim_start_matches('-').to_ascii_lowercase();
        let mut words = comment.split_whitespace();
        let name = match self {
            Markers::Migrate => words.next()?.strip_prefix("migrate:")?,
            // Another word is another command, `StatementBegin` for example.
            Markers::Goose if words.next()? == "+goose" => words.next()?,
            Markers::Goose => return None,
        };
        match name {
            "up" => Some(Section::Up),
            "down" => Some(Section::Down),
            _ => None,
        }
    }
}

fn marker(file: &File<'_>, markers: Markers, index: usize) -> Option<Marker> {
    let token = file.tokens[index];
    let is_comment = token.kind == TokenKind::LineComment;
    if !is_comment || !stands_alone(file.text(), token.span.start as usize) {
        return None;
    }
    Some(Marker {
        section: markers.section(token.span.of(file.text()))?,
        token: index,
        span: file.first_line(token.span),
    })
}

fn misplaced(file: &File<'_>, found: &[Marker]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (index, marker) in found.iter().enumerate() {
        let words = marker.span.of(file.text()).trim_end();
        let before = &found[..index];
        if let Some(first) = before.iter().find(|one| one.section == marker.section) {
            diagnostics.push(
                Diagnostic::error(DUPLICATE, format!("`{words}` stands here twice"))
                    .at(file.source, marker.span, "again here")
                    .at(file.source, first.span, "first here")
                    .why("A migration is one step: one way forward, one way back.")
                    .help("Move what follows it to a migration of its own.")
                    .section(marker.section),
            );
        } else if let Some(down) = before.iter().find(|one| one.section == Section::Down) {
            diagnostics.push(
                Diagnostic::error(ORDER, format!("`{words}` stands after the DOWN"))
                    .at(file.source, marker.span, "too late")
                    .at(file.source, down.span, "this comes after it")
                    .why("The tool that these files are for refuses another order.")
                    .help("Move the UP to the top of the file.")
                    .section(marker.section),
            );
        }
    }
    diagnostics
}

fn missing(file: &File<'_>, markers: Markers) -> Diagnostic {
    let words = markers.words(Section::Up);
    Diagnostic::error(MISSING, format!("`{words}` is missing"))
        .at(
            file.source,
            Span::default(),
            "nothing tells where the UP begins",
        )
        .why("The tool that these files are for refuses a file without it.")
        .help(format!(
            "Add the markers:\n{words}\n<the statements>\n{}\n<the statements that take them back>",
            markers.words(Section::Down)
        ))
        .section(Section::Up)
}

fn sql_before(file: &File<'_>, before: Range<usize>, markers: Markers) -> Option<Diagnostic> {
    let split = split::split(file.text(), file.tokens, before, file.dialect);
    let first = split.pieces.first()?;
    Some(
        Diagnostic::error(SQL_BEFORE, "SQL stands before the first section")
            .at(
                file.source,
                file.first_line(first.span),
                "belongs to no section",
            )
            .why("It would be neither run nor taken back.")
            .help(format!(
                "Move it below the marker:\n{}",
                markers.words(Section::Up)
            ))
            .section(Section::Header),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_that_are_markers() {
        for (markers, comment, section) in [
            (Markers::Migrate, "-- migrate:up", Some(Section::Up)),
            (Markers::Migrate, "--migrate:down", Some(Section::Down)),
            (
                Markers::Migrate,
                "-- migrate:up transaction:false",
                Some(Section::Up),
            ),
            (Markers::Migrate, "-- migrate: up", None),
            (Markers::Migrate, "-- up", None),
            (Markers::Goose, "-- +goose Up", Some(Section::Up)),
            (Markers::Goose, "-- +goose  DOWN ", Some(Section::Down)),
            (Markers::Goose, "-- +goose StatementBegin", None),
            (Markers::Goose, "-- +goose NO TRANSACTION", None),
            (Markers::Goose, "-- goose Up", None),
        ] {
            assert_eq!(markers.section(comment), section, "{comment}");
        }
    }
}
