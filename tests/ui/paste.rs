//! What a compile error suggests is taken at its word: pasted into the migration, and proven.

use std::fs;
use std::path::Path;

use backstitch_core::dir::{self, Layout};
use backstitch_core::options::Options;
use backstitch_core::report::Report;
use backstitch_core::{Dialect, Severity};

/// The words above a whole DOWN; what stands behind them, as far as it is indented, is pasted.
const INTRODUCTIONS: [&str; 4] = [
    "The whole DOWN:",
    "This DOWN gives back the schema:",
    "at the end of the file:",
    "below the marker:",
];

#[test]
fn the_suggested_way_back_is_proven() {
    check("rollback_incomplete", "0002_user_email", Dialect::Postgres);
    check(
        "rollback_incomplete_on_mysql",
        "0002_user_email",
        Dialect::MySql,
    );
    check(
        "rollback_incomplete_on_sqlite",
        "0002_user_email",
        Dialect::Sqlite,
    );
    check(
        "rollback_with_another_type",
        "0002_login_gone",
        Dialect::Postgres,
    );
    check("rollback_missing", "0001_users", Dialect::Postgres);
    check(
        "rollback_missing_on_sqlite",
        "0002_user_email",
        Dialect::Sqlite,
    );
    check("rollback_empty", "0001_users", Dialect::Postgres);
}

/// The errors of a case are gone, and its migration is proven, with what the compiler says to paste.
fn check(case: &str, id: &str, dialect: Dialect) {
    let from = Path::new("ui/fail").join(case);
    let dir = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(&from).expect("the folder of the case") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("a copy");
    }
    let before = report(dir.path(), dialect);
    assert!(before.count(Severity::Error) > 0, "{case} is a mistake");

    let said = fs::read_to_string(from.with_extension("stderr")).expect("what the compiler says");
    let down = suggestion(&said);
    let file = dir.path().join(format!("{id}.sql"));
    let text = fs::read_to_string(&file).expect("the migration");
    let up = text
        .split("\n-- DOWN MIGRATION")
        .next()
        .expect("the part before");
    fs::write(&file, format!("{up}\n-- DOWN MIGRATION\n{down}")).expect("writable");

    let after = report(dir.path(), dialect);
    let errors: Vec<_> = after.at_least(Severity::Error).collect();
    assert!(errors.is_empty(), "{case} with\n{down}: {errors:#?}");
    let one = after.migrations.iter().find(|one| one.id == id);
    assert_eq!(one.map(|one| one.proof), Some("proven"), "{case}");
}

fn report(dir: &Path, dialect: Dialect) -> Report {
    let loaded = dir::load(dir, "migrations", dialect, Layout::Annotated);
    Report::of(loaded, Layout::Annotated, &Options::default(), Vec::new())
}

/// The statements that the help holds.
fn suggestion(said: &str) -> String {
    let mut lines = said.lines();
    lines.find(|line| INTRODUCTIONS.iter().any(|words| line.ends_with(words)));
    let indent = |line: &str| line.len() - line.trim_start().len();
    let pasted = lines.map_while(|line| {
        let is_sql = line.ends_with(';') || line.ends_with("-- DOWN MIGRATION");
        (indent(line) > 2 && is_sql).then(|| line.trim())
    });
    let pasted: Vec<&str> = pasted.filter(|line| !line.starts_with("--")).collect();
    assert!(!pasted.is_empty(), "a suggestion in:\n{said}");
    pasted.join("\n") + "\n"
}
