//! The way back as the database keeps it, so that another binary, or none, can take it.

use super::parse::File;
use super::{ForeignKeys, Layout, Migration, Script, StoredDown, Transaction, plain};
use crate::annotation;
use crate::checksum::Checksum;
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::Dialect;
use crate::lex;
use crate::source::{Source, Span};

const UNREADABLE: &str = "stored-rollback-unreadable";

/// Ends the annotations where the statements themselves begin with a comment that looks like one.
const MARKER: &str = "-- DOWN MIGRATION";

/// See [`super::stored_down`].
pub(super) fn write(migration: &Migration) -> Option<String> {
    let down = migration.down.as_ref()?;
    let text = down.span.of(down.source.text());
    let text = text.trim_matches(is_blank);
    let mut lines = Vec::new();
    if migration.transaction == Transaction::None {
        lines.push("-- @transaction: false".to_owned());
    }
    if migration.foreign_keys == ForeignKeys::Off {
        lines.push("-- @foreignKeys: off".to_owned());
    }
    if let Some(ms) = migration.lock_timeout_ms {
        lines.push(format!("-- @lockTimeout: {}", duration(ms)));
    }
    if let Some(ms) = migration.statement_timeout_ms {
        lines.push(format!("-- @statementTimeout: {}", duration(ms)));
    }
    if text.lines().next().is_some_and(ends_no_header) {
        lines.push(MARKER.to_owned());
    }
    lines.push(text.to_owned());
    Some(lines.join("\n"))
}

/// See [`super::parse_stored_down`].
pub(super) fn parse(
    text: &str,
    shown_as: &str,
    dialect: Dialect,
) -> Result<StoredDown, Vec<Diagnostic>> {
    let source = Source::new(shown_as, text.to_owned());
    let lexed = lex::lex(text, dialect);
    let file = File::new(&source, &lexed, dialect);
    let mut diagnostics = lex::diagnose(&source, &lexed);
    let body_start = body_start(text);
    let body_token = file
        .tokens
        .iter()
        .position(|token| token.span.range().end > body_start)
        .unwrap_or(file.tokens.len());
    let (header, found) = annotation::header_of_stored(&source, file.tokens, 0..body_token);
    diagnostics.extend(found);
    let mut body = file.body(
        body_token..file.tokens.len(),
        Section::Down,
        Layout::UpDown,
        &mut diagnostics,
    );
    let checksum: Checksum = file.down_checksum(&body.pieces);
    if body.pieces.is_empty() {
        diagnostics.push(
            Diagnostic::error(UNREADABLE, "the stored rollback holds no statement")
                .at(&source, Span::new(0..0), "")
                .why("What is stored is not what was stored when the migration was applied.")
                .help("Roll back by a binary that embeds the migration."),
        );
    }
    plain::unwrap_transaction(&file, &mut body);
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let script: Script = file.script(Span::new(body_start..text.len()), body);
    Ok(StoredDown {
        script,
        transaction: header.transaction.map(|t| t.value).unwrap_or_default(),
        foreign_keys: header
            .foreign_keys
            .map(|keys| keys.value)
            .unwrap_or_default(),
        lock_timeout_ms: header.lock_timeout_ms.map(|ms| ms.value),
        statement_timeout_ms: header.statement_timeout_ms.map(|ms| ms.value),
        checksum,
    })
}

/// The byte after the annotations at the head, and after the marker if one ends them.
fn body_start(text: &str) -> usize {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        match line.trim_end_matches(['\r', '\n']) {
            MARKER => return start + line.len(),
            line if is_header_line(line) => {}
            _ => break,
        }
        start += line.len();
    }
    start
}

/// A line that a reader would take for the header, or for its end.
fn ends_no_header(line: &str) -> bool {
    let line = line.trim_end_matches('\r');
    line == MARKER || is_header_line(line)
}

fn is_header_line(line: &str) -> bool {
    [
        "transaction",
        "foreignKeys",
        "lockTimeout",
        "statementTimeout",
    ]
    .iter()
    .any(|key| {
        let rest = line
            .strip_prefix("-- @")
            .and_then(|line| line.strip_prefix(key));
        rest.is_some_and(|rest| rest.starts_with(':'))
    })
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn duration(ms: u64) -> String {
    match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}
