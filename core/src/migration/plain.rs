//! The files of other tools, as they are.
//!
//! They follow other rules, so what is refused in annotated files is told and still loaded, as far
//! as it can be run: a file that brings its own `BEGIN` and `COMMIT` runs in our transaction
//! instead, and one that cannot run in a transaction runs without.

use std::ops::Range;

use super::marker;
use super::parse::{Body, File};
use super::{Foreign, Format, Habit, Migration, Script, Text, Transaction};
use crate::annotation::name_of_slug;
use crate::checksum::{Checksum, Hasher, Role};
use crate::diagnostic::{Diagnostic, Section, Severity};
use crate::dialect::Dialect;
use crate::lex::{self, TokenKind};
use crate::source::{Source, Span};
use crate::split::Piece;

const NO_STATEMENTS: &str = "section-empty";
const ROLLBACK_EMPTY: &str = "rollback-missing";
const OWN_TRANSACTION: &str = "own-transaction";

/// Comments by which other tools are told to run a file without a transaction: sqlx, goose, dbmate.
const NO_TRANSACTION: [&str; 3] = [
    "no-transaction",
    "+goose no transaction",
    "transaction:false",
];

/// What one half asks of the runner.
struct Half {
    transaction: Transaction,
    /// What the statements come to. `None` when there are none.
    checksum: Option<Checksum>,
    script: Script,
}

/// See [`super::parse_foreign`].
pub(super) fn parse(
    foreign: &Foreign<'_>,
    dialect: Dialect,
) -> (Option<Migration>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let halves = match foreign.text {
        Text::Apart { up, down } => apart(up, down, foreign.habit, dialect, &mut diagnostics),
        Text::Together(source, markers) => {
            let lexed = lex::lex(source.text(), dialect);
            diagnostics.extend(lex::diagnose(source, &lexed));
            let file = File::new(source, &lexed, dialect);
            let (halves, found) = marker::find(&file, markers);
            diagnostics.extend(found);
            let mut half =
                |section, range| read(&file, section, range, foreign.habit, &mut diagnostics);
            let up = halves.up.map(|range| half(Section::Up, range));
            let down = halves.down.map(|range| half(Section::Down, range));
            up.map(|up| (up, down))
        }
    };
    for diagnostic in &mut diagnostics {
        diagnostic.section.get_or_insert(Section::Up);
        diagnostic.migration = Some(foreign.id.to_owned());
    }
    let migration = halves.map(|(up, down)| assemble(foreign, up, down));
    (migration, diagnostics)
}

fn apart(
    up: &Source,
    down: Option<&Source>,
    habit: Habit,
    dialect: Dialect,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(Half, Option<Half>)> {
    let mut half = |section, source: &Source| {
        let lexed = lex::lex(source.text(), dialect);
        let mut found = lex::diagnose(source, &lexed);
        let file = File::new(source, &lexed, dialect);
        let half = read(&file, section, 0..file.tokens.len(), habit, &mut found);
        for diagnostic in &mut found {
            diagnostic.section.get_or_insert(section);
        }
        diagnostics.extend(found);
        half
    };
    let up = half(Section::Up, up);
    let down = down.map(|down| half(Section::Down, down));
    Some((up, down))
}

fn assemble(foreign: &Foreign<'_>, up: Half, down: Option<Half>) -> Migration {
    let down = down.filter(|down| down.checksum.is_some());
    let halves = [Some(&up), down.as_ref()];
    let is_bare = |half: &Half| half.transaction == Transaction::None;
    let transaction = match halves.into_iter().flatten().any(is_bare) {
        true => Transaction::None,
        false => Transaction::One,
    };
    let (down, down_checksum) = down.map(|half| (half.script, half.checksum)).unzip();
    Migration {
        id: foreign.id.to_owned(),
        version: foreign.version,
        name: name_of_slug(foreign.slug),
        description: String::new(),
        timestamp: String::new(),
        rollback_safe: false,
        impact: Default::default(),
        dependencies: Vec::new(),
        transaction,
        phase: None,
        irreversible: None,
        foreign_keys: Default::default(),
        lock_timeout_ms: None,
        statement_timeout_ms: None,
        supersedes: None,
        step: None,
        assumes: Vec::new(),
        checks_before: Vec::new(),
        up: up.script,
        checks_after: Vec::new(),
        down,
        checksum: up.checksum.unwrap_or_else(|| Hasher::new().finish()),
        down_checksum: down_checksum.flatten(),
    }
}

/// Reads the statements of `range` as one half.
fn read(
    file: &File<'_>,
    section: Section,
    range: Range<usize>,
    habit: Habit,
    diagnostics: &mut Vec<Diagnostic>,
) -> Half {
    let mut body = file.body(range.clone(), section, Format::Plain, diagnostics);
    if body.pieces.is_empty() {
        diagnostics.push(no_statements(file, &range, section));
    }
    let checksum = checksum(file, section, &body.pieces);
    unwrap_transaction(file, &mut body);
    let asked = match habit {
        _ if asks_for_none(file) => Transaction::None,
        Habit::InOneMessage if body.pieces.len() == 1 => Transaction::None,
        Habit::Bare => Transaction::None,
        Habit::InOneMessage | Habit::InTransaction => Transaction::One,
    };
    let (transaction, found) = suitable(file, &body.pieces, asked, section);
    diagnostics.extend(found);
    diagnostics.extend(file.misused_batches(&body, transaction, section));
    Half {
        transaction,
        checksum,
        script: file.script(span(file, &range), body),
    }
}

fn checksum(file: &File<'_>, section: Section, pieces: &[Piece]) -> Option<Checksum> {
    let role = match section {
        Section::Down => Role::Down,
        Section::Header | Section::Check | Section::Up => Role::Up,
    };
    let mut hasher = Hasher::new();
    file.hash(&mut hasher, role, pieces);
    (!pieces.is_empty()).then(|| hasher.finish())
}

/// All of the file, or what stands behind a marker.
fn span(file: &File<'_>, range: &Range<usize>) -> Span {
    if *range == (0..file.tokens.len()) {
        return Span::new(0..file.text().len());
    }
    match &file.tokens[range.clone()] {
        [first, .., last] => first.span.to(last.span),
        [only] => only.span,
        [] => {
            let end = file.tokens[range.start - 1].span.range().end;
            Span::new(end..end)
        }
    }
}

/// Whether a comment tells the project's own tool to run the file without a transaction.
fn asks_for_none(file: &File<'_>) -> bool {
    let comments = file
        .tokens
        .iter()
        .filter(|token| token.kind == TokenKind::LineComment);
    comments
        .map(|token| token.span.of(file.text()))
        .any(|comment| {
            let words: Vec<_> = comment.trim_start_matches('-').split_whitespace().collect();
            let words = words.join(" ").to_ascii_lowercase();
            // dbmate writes it behind its marker: `-- migrate:up transaction:false`.
            let words = words
                .trim_start_matches("migrate:up ")
                .trim_start_matches("migrate:down ");
            NO_TRANSACTION.contains(&words)
        })
}

/// The transaction mode in which these statements can be run, and what is to be said about them.
fn suitable(
    file: &File<'_>,
    pieces: &[Piece],
    asked: Transaction,
    section: Section,
) -> (Transaction, Vec<Diagnostic>) {
    // Statements about transactions run as they are; what else there is to say is said.
    let others: Vec<Piece> = pieces
        .iter()
        .filter(|piece| !concerns_transaction(file, piece))
        .cloned()
        .collect();
    if let Some(own) = pieces
        .iter()
        .find(|piece| controls_transaction(file, piece))
    {
        let mut found = file.inspect(&others, Transaction::None, section);
        found.push(own_transaction(file, file.first_line(own.span), section));
        return (Transaction::None, found);
    }
    let errors = |found: &[Diagnostic]| {
        found
            .iter()
            .filter(|found| found.severity == Severity::Error)
            .count()
    };
    let mut found = file.inspect(&others, asked, section);
    if asked == Transaction::One && errors(&found) > 0 {
        let without = file.inspect(&others, Transaction::None, section);
        if errors(&without) < errors(&found) {
            let stays = |one: &Diagnostic| without.iter().any(|other| other.labels == one.labels);
            for diagnostic in found.iter_mut().filter(|diagnostic| !stays(diagnostic)) {
                diagnostic.severity = Severity::Warn;
            }
            return (Transaction::None, found);
        }
    }
    (asked, found)
}

/// Takes away the `BEGIN` and `COMMIT` around all statements: the runner brings its own.
pub(super) fn unwrap_transaction(file: &File<'_>, body: &mut Body) {
    let [first, between @ .., last] = &body.pieces[..] else {
        return;
    };
    let opens = first_word_is(file, first, &["BEGIN", "START"]);
    let closes = first_word_is(file, last, &["COMMIT", "END"]);
    let is_wrapped = opens
        && closes
        && controls_transaction(file, first)
        && controls_transaction(file, last)
        && !between
            .iter()
            .any(|piece| controls_transaction(file, piece));
    if is_wrapped {
        for list_end in [body.pieces.len() - 1, 0] {
            body.pieces.remove(list_end);
            body.notes.remove(list_end);
        }
    }
}

/// Whether it begins or ends a transaction. A savepoint does neither: it needs ours.
fn controls_transaction(file: &File<'_>, piece: &Piece) -> bool {
    const VERBS: [&str; 6] = ["ABORT", "BEGIN", "COMMIT", "END", "ROLLBACK", "START"];
    let goes_back_to_savepoint = first_word_is(file, piece, &["ROLLBACK"])
        && file
            .words(piece)
            .any(|word| word.eq_ignore_ascii_case("TO"));
    // A compound statement begins with BEGIN too, and is longer.
    let is_short = file.words(piece).count() <= 8;
    first_word_is(file, piece, &VERBS) && is_short && !goes_back_to_savepoint
}

/// Whether it is about transactions at all, savepoints included.
fn concerns_transaction(file: &File<'_>, piece: &Piece) -> bool {
    const SAVEPOINTS: [&str; 3] = ["RELEASE", "ROLLBACK", "SAVEPOINT"];
    controls_transaction(file, piece) || first_word_is(file, piece, &SAVEPOINTS)
}

fn first_word_is(file: &File<'_>, piece: &Piece, words: &[&str]) -> bool {
    let first = file.words(piece).next().unwrap_or_default();
    words.iter().any(|word| word.eq_ignore_ascii_case(first))
}

fn own_transaction(file: &File<'_>, own: Span, section: Section) -> Diagnostic {
    Diagnostic::warn(OWN_TRANSACTION, "the file controls transactions by itself")
        .at(file.source, own, "so it runs statement by statement")
        .why("The history row cannot be committed together with statements that commit themselves.")
        .help(
            "Delete the statements that begin and end transactions; each migration is one already.",
        )
        .section(section)
}

fn no_statements(file: &File<'_>, range: &Range<usize>, section: Section) -> Diagnostic {
    let before = range.start.checked_sub(1).map(|marker| file.tokens[marker]);
    let place = before.map_or(Span::default(), |marker| file.first_line(marker.span));
    let diagnostic = match section {
        Section::Down => Diagnostic::warn(ROLLBACK_EMPTY, "there is no way back")
            .at(file.source, place, "no statement stands here")
            .why("Rolling back would be recorded and change nothing.")
            .help(match before {
                Some(_) => "Write the statements that take the UP back.",
                None => "Write the statements that take the UP back, or delete the file.",
            }),
        Section::Header | Section::Check | Section::Up => {
            Diagnostic::warn(NO_STATEMENTS, "the file holds no statement")
                .at(file.source, place, "nothing but comments and blank space")
                .why("A migration that does nothing is still recorded as applied for ever.")
                .help("Write the statements, or delete the file.")
        }
    };
    diagnostic.section(section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::parse_up_down;

    /// The transaction mode, the statements that run, and the severities of what is found.
    fn read(up: &str) -> (Transaction, Vec<String>, Vec<Severity>) {
        let source = Source::new("1_a.up.sql", up.to_owned());
        let (migration, found) = parse_up_down("1_a", &source, None, Dialect::Postgres);
        let migration = migration.expect("other tools' files always load");
        let statements = migration.up.statements.iter();
        (
            migration.transaction,
            statements.map(|s| s.span.of(up).to_owned()).collect(),
            found.iter().map(|diagnostic| diagnostic.severity).collect(),
        )
    }

    #[test]
    fn a_file_in_a_transaction_of_its_own_runs_in_ours() {
        for (open, close) in [
            ("BEGIN", "COMMIT"),
            ("start transaction", "end"),
            ("BEGIN WORK", "COMMIT WORK"),
        ] {
            let (transaction, statements, found) = read(&format!("{open};\nSELECT 1;\n{close};"));
            assert_eq!(transaction, Transaction::One);
            assert_eq!(statements, ["SELECT 1"]);
            assert_eq!(found, []);
        }
    }

    #[test]
    fn other_transaction_control_runs_statement_by_statement() {
        let (transaction, statements, found) = read("SELECT 1; COMMIT; BEGIN; SELECT 2;");
        assert_eq!(transaction, Transaction::None);
        assert_eq!(statements.len(), 4);
        assert_eq!(found, [Severity::Warn]);
    }

    #[test]
    fn savepoints_stay_in_our_transaction() {
        let (transaction, statements, found) =
            read("SAVEPOINT a; SELECT 1; ROLLBACK TO SAVEPOINT a; RELEASE a;");
        assert_eq!(transaction, Transaction::One);
        assert_eq!(statements.len(), 4);
        assert_eq!(found, []);
    }

    #[test]
    fn the_hints_of_other_tools_are_followed() {
        for hint in [
            "-- no-transaction",
            "-- +goose Up\n-- +goose NO TRANSACTION",
            "-- migrate:up transaction:false",
        ] {
            let (transaction, ..) = read(&format!("{hint}\nSELECT 1;"));
            assert_eq!(transaction, Transaction::None, "{hint}");
        }
        assert_eq!(
            read("-- no transaction here\nSELECT 1;").0,
            Transaction::One
        );
    }

    #[test]
    fn what_cannot_run_in_a_transaction_runs_without() {
        let concurrently = "CREATE INDEX CONCURRENTLY i ON a (b)";
        let (transaction, _, found) = read(concurrently);
        assert_eq!(
            (transaction, found),
            (Transaction::None, vec![Severity::Warn])
        );
        let (transaction, _, found) = read(&format!("-- no-transaction\n{concurrently}"));
        assert_eq!((transaction, found), (Transaction::None, Vec::new()));
    }
}
