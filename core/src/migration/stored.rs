//! The way back as the database keeps it, so that another binary, or none, can take it.

use super::parse::File;
use super::{ForeignKeys, Format, Migration, Script, StoredDown, Transaction, plain};
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
    let text = trim(text, down.span.start == 0);
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
    lines.push(text);
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
    let mut found = Vec::new();
    let body_tokens = body_token..file.tokens.len();
    let mut body = file.body(body_tokens, Section::Down, Format::Plain, &mut found);
    // It was applied with annotations as they are, so they do not stand in its way back.
    found.retain(|diagnostic| !diagnostic.code.starts_with("annotation-"));
    diagnostics.extend(found);
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

/// The text without blanks around it. A byte order mark is blank at the head of a file only, so one
/// that is not keeps a line end before it.
fn trim(text: &str, is_head: bool) -> String {
    let text = match is_head {
        true => text.strip_prefix('\u{feff}').unwrap_or(text),
        false => text,
    };
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    match trimmed.starts_with('\u{feff}') {
        true => format!("\n{trimmed}"),
        false => trimmed.to_owned(),
    }
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

fn duration(ms: u64) -> String {
    match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::dialect::Dialect;
    use crate::migration::{self, Migration};
    use crate::source::Source;

    /// What is stored says all that running the DOWN needs, and is the DOWN that was proven.
    fn check(migration: &Migration, dialect: Dialect) {
        let Some(text) = migration::stored_down(migration) else {
            assert_eq!(migration.down, None);
            return;
        };
        let stored = migration::parse_stored_down(&text, "stored", dialect)
            .unwrap_or_else(|found| panic!("{text}\n{found:#?}"));
        assert_eq!(Some(stored.checksum), migration.down_checksum);
        assert_eq!(stored.transaction, migration.transaction);
        assert_eq!(stored.foreign_keys, migration.foreign_keys);
        assert_eq!(stored.lock_timeout_ms, migration.lock_timeout_ms);
        assert_eq!(stored.statement_timeout_ms, migration.statement_timeout_ms);
        let down = migration.down.as_ref().expect("it was stored");
        let texts = |script: &migration::Script| -> Vec<String> {
            let statements = script.statements.iter();
            statements
                .map(|s| s.span.of(script.source.text()).to_owned())
                .collect()
        };
        assert_eq!(texts(&stored.script), texts(down));
        for (stored, original) in stored.script.statements.iter().zip(&down.statements) {
            assert_eq!(stored.batch, original.batch);
            assert_eq!(stored.commits, original.commits);
        }
    }

    fn header() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("-- @transaction: false"),
            Just("-- @foreignKeys: off"),
            Just("-- @lockTimeout: 5s"),
            Just("-- @statementTimeout: 1500ms"),
        ];
        prop::collection::vec(line, 0..4).prop_map(|lines| lines.join("\n"))
    }

    fn body() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("DROP TABLE a;"),
            Just("DELETE FROM b WHERE c = 'x;\r\n -- y'"),
            Just("; ;"),
            Just("-- @batch: 10, pause 5ms\n"),
            Just("-- @allow: drop-table (why not)\n"),
            Just("-- prose\r\n"),
            Just("/* more\nprose */"),
            Just("-- @lockTimeout: 9s\n"),
            Just("-- @transaction: true\n"),
            Just("-- DOWN MIGRATION\n"),
            Just("-- UP MIGRATION (x)\n"),
            Just("BEGIN;"),
            Just("COMMIT;"),
            Just("\n\t "),
            Just("\u{feff}"),
        ];
        prop::collection::vec(part, 0..8).prop_map(|parts| parts.join("\n"))
    }

    proptest! {
        #[test]
        fn annotated_files_come_back(header in header(), body in body()) {
            let text = format!("{header}\n-- UP MIGRATION\nSELECT 1;\n-- DOWN MIGRATION\n{body}");
            let (migration, found) = migration::parse("0001_a", &Source::new("a", text), Dialect::Sqlite);
            // What does not compile is not stored.
            prop_assume!(found.iter().all(|d| d.code.starts_with("annotation-") || d.code == "rollback-missing"));
            check(&migration.expect("there is an UP"), Dialect::Sqlite);
        }

        #[test]
        fn files_of_other_tools_come_back(body in body()) {
            let up = Source::new("a", "SELECT 1");
            let down = Source::new("b", body);
            let (migration, _) = migration::parse_up_down("1_a", &up, Some(&down), Dialect::Postgres);
            check(&migration.expect("there is an UP"), Dialect::Postgres);
        }

        #[test]
        fn whatever_is_stored_is_read_without_panic(text in any::<String>()) {
            let _ = migration::parse_stored_down(&text, "stored", Dialect::Postgres);
        }
    }

    #[test]
    fn a_byte_order_mark_counts_where_it_counted() {
        for down in [
            "\u{feff}SELECT 1",
            "\u{feff}\u{feff}SELECT 1",
            " \u{feff}SELECT 1",
        ] {
            for head in ["", "-- no-transaction\n"] {
                let source = |text: &str| Source::new("a", text.to_owned());
                let (up, down) = (source(&format!("{head}SELECT 1")), source(down));
                let (migration, _) =
                    migration::parse_up_down("1_a", &up, Some(&down), Dialect::Postgres);
                check(&migration.expect("there is an UP"), Dialect::Postgres);
            }
        }
    }

    #[test]
    fn the_text_is_kept_and_only_what_counts_is_added() {
        let text = "-- @name: x\n-- @lockTimeout: 5s\n-- @transaction: false\n-- UP MIGRATION\nSELECT 1;\n\
                    -- DOWN MIGRATION (back)\n\n-- why\nDROP TABLE a;\n\n";
        let (migration, _) = migration::parse("0001_a", &Source::new("a", text), Dialect::Postgres);
        assert_eq!(
            migration::stored_down(&migration.expect("an UP")).as_deref(),
            Some("-- @transaction: false\n-- @lockTimeout: 5s\n-- why\nDROP TABLE a;")
        );
    }
}
