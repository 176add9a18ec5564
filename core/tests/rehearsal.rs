//! What becomes of migrations when they are played on SQLite, as people see it.
//!
//! A case is a file in `tests/golden/rehearsal`, named after what happens in it. It holds several
//! migrations, each behind a line with its id: `-- == 0001_users`. The annotations that do not
//! matter are left out. Beside it stands what is expected as `.txt`; `BLESS=1` writes that anew:
//! read it as a user would.
#![cfg(feature = "sqlite")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_core::migration::{self, Migration};
use backstitch_core::options::Options;
use backstitch_core::render::{Style, render_all};
use backstitch_core::source::Source;
use backstitch_core::sqlite::{Outcome, Rehearsal, rehearse};
use backstitch_core::{Dialect, Set, Severity};
use proptest::prelude::*;

#[test]
fn rehearsals_read_as_expected() {
    let mut wrong = Vec::new();
    for case in cases() {
        let set = set(&parts(&fs::read_to_string(&case).expect("a readable case")));
        let text = show(&set, &rehearse(&set, &options()));
        let expected_at = case.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected_at, &text).expect("writable");
        } else if fs::read_to_string(&expected_at).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A DOWN that is suggested gives back the schema when it is pasted.
#[test]
fn suggestions_work() {
    let mut count = 0;
    for case in cases() {
        let parts = parts(&fs::read_to_string(&case).expect("a readable case"));
        let first = set(&parts);
        for (at, rehearsal) in rehearse(&first, &options()).into_iter().enumerate() {
            let Some(suggestion) = rehearsal.suggestion else {
                continue;
            };
            count += 1;
            let mut pasted = parts.clone();
            pasted[at].1 = paste(&pasted[at].1, &suggestion);
            let again = rehearse(&set(&pasted), &options()).swap_remove(at);
            let is_right = matches!(again.outcome, Outcome::Reverts | Outcome::ColumnOrderOnly);
            assert!(is_right, "{}: {}\n{again:?}", case.display(), pasted[at].1);
        }
    }
    assert!(count >= 10, "suggestions are gone");
}

/// Every statement that would open, write or load a file is refused or passed over.
#[test]
fn no_file_is_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("touched");
    let path = file.to_str().expect("a path").replace('\'', "''");
    let folder_path = folder.path().to_str().expect("a path");
    for statement in [
        format!("ATTACH '{path}' AS other"),
        format!("ATTACH 'file:{path}?mode=rwc' AS other; CREATE TABLE other.a (b)"),
        format!("VACUUM INTO '{path}'"),
        format!("SELECT writefile('{path}', 'a')"),
        format!("SELECT load_extension('{path}')"),
        format!("CREATE VIRTUAL TABLE a USING csv(filename = '{path}')"),
        format!(
            "PRAGMA temp_store_directory = '{folder_path}'; PRAGMA temp_store = FILE; CREATE TEMP TABLE a AS SELECT randomblob(2000000)"
        ),
        "PRAGMA journal_mode = WAL; CREATE TABLE a (b)".to_owned(),
    ] {
        for header in ["", "-- @transaction: false\n"] {
            let text =
                format!("{header}-- UP MIGRATION\n{statement};\n-- DOWN MIGRATION\nSELECT 1;\n");
            rehearse(&set(&[("0001_a".to_owned(), text)]), &Options::default());
            let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
            assert!(left.is_empty(), "{statement}: {left:?}");
        }
    }
}

/// What a migration does in the middle of many others is what it does among few: the small
/// database holds all that matters.
#[test]
fn the_small_database_holds_all_that_matters() {
    let other = |at: usize| {
        let text = format!(
            "-- UP MIGRATION\nCREATE TABLE other{at} (id INTEGER PRIMARY KEY, a TEXT);\n\
             CREATE VIEW seen{at} AS SELECT a FROM other{at};\n-- DOWN MIGRATION\n\
             DROP VIEW seen{at};\nDROP TABLE other{at};\n"
        );
        (format!("{at:04}_other"), text)
    };
    for case in cases() {
        let parts = parts(&fs::read_to_string(&case).expect("a readable case"));
        let alone = rehearse(&set(&parts), &options());
        let mut crowd: Vec<_> = (5000..5020).map(other).collect();
        for (at, (id, text)) in parts.iter().enumerate() {
            crowd.push((format!("{}_{id}", 6000 + at * 2), text.clone()));
            crowd.push(other(6001 + at * 2));
        }
        let crowded = rehearse(&set(&crowd), &options());
        let crowded: Vec<_> = crowded.into_iter().skip(20).step_by(2).collect();
        for (alone, crowded) in alone.iter().zip(&crowded) {
            assert_eq!(alone.outcome, crowded.outcome, "{}", case.display());
        }
    }
}

const PIECES: &[&str] = &[
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x', c REFERENCES b)",
    "CREATE TABLE b AS SELECT * FROM a",
    "CREATE TABLE IF NOT EXISTS c (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID, STRICT",
    "CREATE TABLE \"a b\" (\"c\" CHECK (c <> \"c\"))",
    "CREATE VIRTUAL TABLE f USING fts5(a, content = '')",
    "CREATE INDEX i ON a (b COLLATE x DESC, f(c)) WHERE b",
    "CREATE VIEW v AS SELECT * FROM v, a, main.b",
    "CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM a; INSERT INTO b SELECT RAISE(ROLLBACK, 'x'); END",
    "CREATE TEMP TRIGGER u INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
    "INSERT INTO a DEFAULT VALUES",
    "INSERT OR ROLLBACK INTO a VALUES (1, NULL, 3)",
    "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r LIMIT 50) DELETE FROM a WHERE id IN r",
    "ALTER TABLE a RENAME TO b",
    "ALTER TABLE a RENAME COLUMN b TO \"sqlite_x\"",
    "ALTER TABLE a ADD COLUMN d AS (b || id)",
    "ALTER TABLE a DROP COLUMN b",
    "DROP TABLE a",
    "DROP TABLE IF EXISTS b",
    "DROP VIEW v",
    "DROP INDEX sqlite_autoindex_c_1",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA writable_schema = RESET",
    "PRAGMA defer_foreign_keys = ON",
    "PRAGMA journal_mode = OFF",
    "UPDATE sqlite_schema SET sql = 'x'",
    "DELETE FROM sqlite_sequence",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "BEGIN",
    "ROLLBACK",
    "COMMIT",
    "SAVEPOINT probe",
    "RELEASE probe",
    "ATTACH ':memory:' AS x",
    "DETACH x",
    "EXPLAIN SELECT 1",
    "SELECT ?, :a, f(*), json('{')",
    "SELECT printf('%.*c', 100000000, 'x')",
    "((((((((",
    "- - - - - -",
    "\u{0}",
    "'",
    "ü",
];

fn script() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => (proptest::sample::select(PIECES), any::<prop::sample::Index>()).prop_map(|(piece, at)| {
            let cut = at.index(piece.len() + 1);
            piece.get(..cut).unwrap_or(piece).to_owned()
        }),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.join(";\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_can_be_rehearsed(
        scripts in prop::collection::vec((script(), script(), any::<bool>()), 1..4),
    ) {
        let parts: Vec<_> = scripts.iter().enumerate().map(|(at, (up, down, apart))| {
            let header = if *apart { "-- @transaction: false\n" } else { "" };
            let text = format!("{header}-- UP MIGRATION\n{up}\n;\n-- DOWN MIGRATION\n{down}\n");
            (format!("{:04}_a", at + 1), text)
        }).collect();
        let set = set(&parts);
        let rehearsals = rehearse(&set, &Options::default());
        prop_assert_eq!(rehearsals.len(), set.migrations.len());
        for rehearsal in &rehearsals {
            let is_lost = matches!(&rehearsal.outcome, Outcome::Unknown(because) if because.contains("could not be started"));
            prop_assert!(!is_lost, "the thread died");
            let has_errors = rehearsal.diagnostics.iter().any(|found| found.severity == Severity::Error);
            let is_wrong = matches!(rehearsal.outcome, Outcome::Broken(_) | Outcome::DownFails | Outcome::UpFails);
            prop_assert_eq!(has_errors, is_wrong, "{:?}", rehearsal);
            for label in rehearsal.diagnostics.iter().flat_map(|found| &found.labels) {
                prop_assert!(label.source.text().get(label.span.range()).is_some());
            }
            render_all(&rehearsal.diagnostics, Style::Plain);
        }
    }
}

/// Expressions as deep as they come: SQLite gives up before its stack does.
#[test]
fn depth_is_survived() {
    for (open, close) in [
        ("(", ")"),
        ("- ", ""),
        ("f(", ")"),
        ("CASE WHEN 1 THEN ", " END"),
        ("(SELECT ", ")"),
        ("1 + ", ""),
    ] {
        for depth in [100, 1_000, 20_000] {
            let text = format!(
                "-- UP MIGRATION\nSELECT {}1{};\n-- DOWN MIGRATION\nSELECT 1;\n",
                open.repeat(depth),
                close.repeat(depth)
            );
            let rehearsals = rehearse(&set(&[("0001_a".to_owned(), text)]), &Options::default());
            let is_lost = matches!(&rehearsals[0].outcome, Outcome::Unknown(because) if because.contains("could not be started"));
            assert!(!is_lost, "{open} {depth}");
        }
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rehearsal");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are gone");
    cases
}

fn options() -> Options {
    Options {
        external: vec!["main.tiles".to_owned()],
        ..Options::default()
    }
}

/// The ids and texts of a case.
fn parts(text: &str) -> Vec<(String, String)> {
    let parts = text.split("-- == ").skip(1);
    parts
        .map(|part| {
            let (id, text) = part.split_once('\n').expect("an id and a text");
            (id.to_owned(), text.to_owned())
        })
        .collect()
}

fn set(parts: &[(String, String)]) -> Set {
    let migrations: Vec<Migration> = parts
        .iter()
        .filter_map(|(id, text)| {
            let source = Source::new(format!("migrations/{id}.sql"), text.clone());
            migration::parse(id, &source, Dialect::Sqlite).0
        })
        .collect();
    Set::new(Dialect::Sqlite, migrations).0
}

/// The migration with another DOWN.
fn paste(text: &str, suggestion: &str) -> String {
    let (header, down) = suggestion
        .split_once("-- DOWN MIGRATION")
        .expect("a marker");
    let up = text.split("-- DOWN MIGRATION").next().expect("an UP");
    let up = match up.contains("-- @foreignKeys: off") {
        true => up.to_owned(),
        false => format!("{header}{up}"),
    };
    format!("{up}-- DOWN MIGRATION{down}")
}

fn show(set: &Set, rehearsals: &[Rehearsal]) -> String {
    let mut shown = String::new();
    for (migration, rehearsal) in set.migrations.iter().zip(rehearsals) {
        let outcome = match &rehearsal.outcome {
            Outcome::Reverts => "reverts".to_owned(),
            Outcome::ColumnOrderOnly => "reverts but for the order of columns".to_owned(),
            Outcome::Broken(leftovers) => format!("broken, {} leftover(s)", leftovers.len()),
            Outcome::DownFails => "the DOWN fails".to_owned(),
            Outcome::UpFails => "the UP fails".to_owned(),
            Outcome::Missing => "no DOWN".to_owned(),
            Outcome::Irreversible => "irreversible".to_owned(),
            Outcome::Unknown(because) => format!("unknown: {because}"),
        };
        writeln!(shown, "== {}: {outcome}", migration.id).expect("a string");
        if !rehearsal.diagnostics.is_empty() {
            shown += &render_all(&rehearsal.diagnostics, Style::Plain);
        }
    }
    shown
}
