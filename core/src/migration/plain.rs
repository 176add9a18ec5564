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
use crate::lex;
use crate::source::{Source, Span};
use crate::split::Piece;

const NO_STATEMENTS: &str = "section-empty";
const ROLLBACK_EMPTY: &str = "rollback-missing";
const OWN_TRANSACTION: &str = "own-transaction";

/// The first line of a file that sqlx runs without a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

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
    let text = file.text().trim_start_matches('\u{feff}');
    let asked = if text.starts_with(NO_TRANSACTION) {
        Transaction::None
    } else {
        Transaction::One
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

/// The transaction mode in which these statements can be run, and what is to be said about them.
fn suitable(
    file: &File<'_>,
    pieces: &[Piece],
    asked: Transaction,
    section: Section,
) -> (Transaction, Vec<Diagnostic>) {
    if let Some(own) = pieces
        .iter()
        .find(|piece| controls_transaction(file, piece))
    {
        let mut found = file.inspect(pieces, Transaction::None, section);
        let own = file.first_line(own.span);
        found.retain(|diagnostic| {
            let place = diagnostic
                .labels
                .first()
                .map(|label| label.span.start as usize);
            !pieces.iter().any(|piece| {
                controls_transaction(file, piece)
                    && place.is_some_and(|place| piece.span.range().contains(&place))
            })
        });
        found.push(own_transaction(file, own, section));
        return (Transaction::None, found);
    }
    let errors = |found: &[Diagnostic]| {
        found
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .count()
    };
    let mut found = file.inspect(pieces, asked, section);
    if asked == Transaction::One && errors(&found) > 0 {
        let without = file.inspect(pieces, Transaction::None, section);
        if errors(&without) < errors(&found) {
            for diagnostic in &mut found {
                if !without
                    .iter()
                    .any(|other| other.labels == diagnostic.labels)
                {
                    diagnostic.severity = Severity::Warn;
                }
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

/// Whether it begins or ends a transaction, or sets a savepoint.
fn controls_transaction(file: &File<'_>, piece: &Piece) -> bool {
    const VERBS: [&str; 8] = [
        "ABORT",
        "BEGIN",
        "COMMIT",
        "END",
        "RELEASE",
        "ROLLBACK",
        "SAVEPOINT",
        "START",
    ];
    // A compound statement begins with BEGIN too, and is longer.
    first_word_is(file, piece, &VERBS) && file.words(piece).count() <= 8
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
    fn what_cannot_run_in_a_transaction_runs_without() {
        let concurrently = "CREATE INDEX CONCURRENTLY i ON a (b)";
        let (transaction, _, found) = read(concurrently);
        assert_eq!(
            (transaction, found),
            (Transaction::None, vec![Severity::Warn])
        );
        let (transaction, _, found) = read(&format!("{NO_TRANSACTION}\n{concurrently}"));
        assert_eq!((transaction, found), (Transaction::None, Vec::new()));
    }
}
