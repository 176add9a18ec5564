//! The files of other tools: `id.up.sql` and `id.down.sql`, as they are.
//!
//! They follow other rules, so what is refused in annotated files is told and still loaded, as far
//! as it can be run: a file that brings its own `BEGIN` and `COMMIT` runs in our transaction
//! instead, and one that cannot run in a transaction runs without.

use super::parse::{Body, File};
use super::{Layout, Migration, Script, Transaction, version_of};
use crate::annotation::name_of_slug;
use crate::checksum::{Hasher, Role};
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

/// What one file asks of the runner.
struct Half {
    transaction: Transaction,
    /// All statements, for the checksum.
    pieces: Vec<Piece>,
    script: Script,
}

/// See [`super::parse_up_down`].
pub(super) fn parse(
    id: &str,
    up: &Source,
    down: Option<&Source>,
    dialect: Dialect,
) -> (Option<Migration>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let up_lexed = lex::lex(up.text(), dialect);
    let up_file = File::new(up, &up_lexed, dialect);
    diagnostics.extend(lex::diagnose(up, &up_lexed));
    let up_half = read(&up_file, Section::Up, &mut diagnostics);
    let mut hasher = Hasher::new();
    up_file.hash(&mut hasher, Role::Up, &up_half.pieces);
    if up_half.pieces.is_empty() {
        diagnostics.push(no_statements(up));
    }

    let down = down.and_then(|down| {
        let lexed = lex::lex(down.text(), dialect);
        let file = File::new(down, &lexed, dialect);
        let before = diagnostics.len();
        diagnostics.extend(lex::diagnose(down, &lexed));
        for diagnostic in &mut diagnostics[before..] {
            diagnostic.section = Some(Section::Down);
        }
        let half = read(&file, Section::Down, &mut diagnostics);
        if half.pieces.is_empty() {
            diagnostics.push(rollback_empty(down));
            return None;
        }
        let checksum = file.down_checksum(&half.pieces);
        Some((half, checksum))
    });
    let transactions = [Some(&up_half), down.as_ref().map(|(half, _)| half)];
    let transaction = match transactions
        .into_iter()
        .flatten()
        .any(|half| half.transaction == Transaction::None)
    {
        true => Transaction::None,
        false => Transaction::One,
    };
    for diagnostic in &mut diagnostics {
        diagnostic.section.get_or_insert(Section::Up);
        diagnostic.migration = Some(id.to_owned());
    }
    let (down, down_checksum) = down.map(|(half, checksum)| (half.script, checksum)).unzip();
    let migration = version_of(id).map(|version| Migration {
        id: id.to_owned(),
        version,
        name: name_of_slug(id.split_once('_').map_or(id, |(_, slug)| slug)),
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
        checks_before: Vec::new(),
        up: up_half.script,
        checks_after: Vec::new(),
        down,
        checksum: hasher.finish(),
        down_checksum,
    });
    (migration, diagnostics)
}

fn read(file: &File<'_>, section: Section, diagnostics: &mut Vec<Diagnostic>) -> Half {
    let asked = match asks_for_none(file) {
        true => Transaction::None,
        false => Transaction::One,
    };
    let mut body = file.body(0..file.tokens.len(), section, Layout::UpDown, diagnostics);
    let pieces = body.pieces.clone();
    unwrap_transaction(file, &mut body);
    let (transaction, found) = suitable(file, &body.pieces, asked, section);
    diagnostics.extend(found);
    diagnostics.extend(file.misused_batches(&body, transaction, section));
    Half {
        transaction,
        pieces,
        script: file.script(Span::new(0..file.text().len()), body),
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

fn no_statements(up: &Source) -> Diagnostic {
    Diagnostic::warn(NO_STATEMENTS, "the file holds no statement")
        .at(up, Span::new(0..0), "nothing but comments and blank space")
        .why("A migration that does nothing is still recorded as applied for ever.")
        .help("Write the statements, or delete the file.")
        .section(Section::Up)
}

fn rollback_empty(down: &Source) -> Diagnostic {
    Diagnostic::warn(ROLLBACK_EMPTY, "there is no way back")
        .at(down, Span::new(0..0), "the file holds no statement")
        .why("Rolling back would be recorded and change nothing.")
        .help("Write the statements that take the UP back, or delete the file.")
        .section(Section::Down)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transaction mode, the statements that run, and the severities of what is found.
    fn read(up: &str) -> (Transaction, Vec<String>, Vec<Severity>) {
        let source = Source::new("1_a.up.sql", up.to_owned());
        let (migration, found) = parse("1_a", &source, None, Dialect::Postgres);
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
