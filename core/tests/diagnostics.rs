//! Every mistake, as people see it.
//!
//! A case is a file or a folder in `tests/golden/diagnostics`, named after the mistake in it. A
//! file is read as the migration `0003_add_user_email`, a folder as a folder of migrations with
//! its `backstitch.toml`. Beside a file stands what is expected as `.txt`, in a folder as
//! `expected.txt`. `BLESS=1` writes these anew: read each as a user would.
//!
//! The first line of a file may be `-- engine: sqlite`; it is not part of the migration. The
//! engine of a folder stands in its `backstitch.toml`. Folders that begin with the name of a layout
//! are read in it. Without either it is Postgres.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_core::dir::{self, Layout};
use backstitch_core::render::{Style, render_all};
use backstitch_core::source::Source;
use backstitch_core::{Diagnostic, Dialect, Migration, migration};

const ID: &str = "0003_add_user_email";

#[test]
fn diagnostics_read_as_expected() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (found, expected_at) = match case.is_dir() {
            true => (folder(&case), case.join("expected.txt")),
            false => (file(&read(&case)).1, case.with_extension("txt")),
        };
        let text = render_all(&found, Style::Plain);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected_at, &text).expect("writable");
        } else if fs::read_to_string(&expected_at).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Line ends and a byte order mark change neither what a file says nor what is said about it.
#[test]
fn line_ends_and_marks_do_not_count() {
    for case in cases().into_iter().filter(|case| case.is_file()) {
        let text = read(&case);
        let (plain, found) = file(&text);
        let windows = text.replace('\n', "\r\n");
        let (engine, body) = engine_line(&windows);
        for variant in [windows.clone(), format!("{engine}\u{feff}{body}")] {
            let (other, other_found) = file(&variant);
            assert_eq!(said(&plain), said(&other), "{}", case.display());
            assert_eq!(places(&found), places(&other_found), "{}", case.display());
        }
    }
}

/// What the macro embeds is the migration.
#[test]
fn facts_are_the_migration() {
    for case in cases().into_iter().filter(|case| case.is_file()) {
        if let Some(migration) = file(&read(&case)).0 {
            let again = Migration::from_facts(&migration.to_facts(), migration.source());
            assert_eq!(again.expect("facts"), migration);
        }
    }
}

/// Every code that is declared in these modules stands in an expected text.
#[test]
fn every_code_has_a_case() {
    // These need a file system that a repository cannot hold; `dir.rs` tests them.
    const ELSEWHERE: [&str; 6] = [
        "file-unreadable",
        "file-too-large",
        "folder-missing",
        "folder-is-a-file",
        "folder-unreadable",
        "options-missing",
    ];
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shown = String::new();
    for case in cases() {
        let expected = if case.is_dir() {
            case.join("expected.txt")
        } else {
            case.with_extension("txt")
        };
        shown += &fs::read_to_string(expected).unwrap_or_default();
    }
    let modules = [
        "annotation",
        "migration/section",
        "migration/parse",
        "migration/plain",
        "set",
        "options",
        "lockfile",
        "dir",
        "dir/foreign",
        "migration/marker",
    ];
    for module in modules {
        let path = crate_dir.join(format!("src/{module}.rs"));
        for code in codes(&fs::read_to_string(path).expect("a module")) {
            let is_shown = shown.contains(&format!("[{code}]"));
            assert!(
                is_shown || ELSEWHERE.contains(&code.as_str()),
                "no case shows {code}"
            );
        }
    }
}

/// `const X: &str = "some-code";`
fn codes(text: &str) -> BTreeSet<String> {
    let value = |line: &str| {
        let (_, rest) = line.strip_prefix("const ")?.split_once(": &str = \"")?;
        let code = rest.strip_suffix("\";")?;
        let is_code = code.contains('-')
            && code
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'-' || b.is_ascii_digit());
        is_code.then(|| code.to_owned())
    };
    text.lines().filter_map(value).collect()
}

fn cases() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diagnostics");
    let mut cases: Vec<PathBuf> = fs::read_dir(dir)
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "sql"))
        .collect();
    cases.sort();
    assert!(cases.len() > 10, "the cases are gone");
    cases
}

fn read(case: &Path) -> String {
    fs::read_to_string(case).expect("a readable case")
}

fn file(text: &str) -> (Option<Migration>, Vec<Diagnostic>) {
    let (engine, text) = engine_line(text);
    let dialect = match engine.trim_end().strip_prefix("-- engine: ") {
        Some(name) => Dialect::from_name(name).expect("an engine"),
        None => Dialect::Postgres,
    };
    let source = Source::new(format!("migrations/{ID}.sql"), text.to_owned());
    migration::parse(ID, &source, dialect)
}

fn engine_line(text: &str) -> (&str, &str) {
    match text.find('\n') {
        Some(newline) if text.starts_with("-- engine: ") => text.split_at(newline + 1),
        _ => ("", text),
    }
}

fn folder(case: &Path) -> Vec<Diagnostic> {
    let name = case
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let options = dir::load_options(case);
    let dialect = options.options.engine.unwrap_or(Dialect::Postgres);
    let layout = Layout::ALL
        .into_iter()
        .find(|layout| name.starts_with(layout.name()));
    let layout = layout.unwrap_or_default();
    let loaded = dir::load(case, "migrations", dialect, layout);
    let mut found = options.diagnostics;
    found.extend(options.options.check_since(&loaded.set));
    found.extend(options.options.check_rules(["drop-column", "drop-table"]));
    found.extend(loaded.diagnostics);
    found
}

/// A migration without places.
fn said(migration: &Option<Migration>) -> Option<String> {
    let facts: serde_json::Value =
        serde_json::from_str(&migration.as_ref()?.to_facts()).expect("JSON");
    fn without_places(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(map) => map
                .into_iter()
                .filter(|(key, _)| key != "span")
                .map(|(key, value)| (key, without_places(value)))
                .collect(),
            serde_json::Value::Array(list) => list.into_iter().map(without_places).collect(),
            other => other,
        }
    }
    Some(without_places(facts).to_string())
}

fn places(found: &[Diagnostic]) -> Vec<String> {
    let place = |d: &Diagnostic| d.position().map(|p| (p.line, p.column));
    found
        .iter()
        .map(|d| format!("{} {:?} {}", d.code, place(d), d.message))
        .collect()
}
