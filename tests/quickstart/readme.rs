//! What the README shows is what happens: its code compiles, its output is the output.
//!
//! Where a message has become a better one, the failing test shows it; paste it.

use std::path::Path;

use backstitch::{LoadOptions, Migrations};
use backstitch_core::Dialect;
use backstitch_core::dir::{self, Layout};
use backstitch_core::options::Options;
use backstitch_core::render::{self, Style};
use backstitch_core::report::Report;
use backstitch_tests::servers::{Database, Engine};
use sqlx::Postgres;

use crate::program::{migrations, ran, workspace};

#[expect(dead_code, clippy::print_stdout, reason = "a service, to be compiled")]
mod service;

#[test]
fn the_code_compiles() {
    let code = include_str!("readme/service.rs");
    // Readers have their migrations beside Cargo.toml, and rustfmt then needs a line less.
    let code = code.replace(
        "\n    migrations!(\"../migrations/todo/postgres\"",
        " migrations!(\"migrations\"",
    );
    shows(&format!("```rust\n{code}```"));
}

#[test]
fn the_migration_is_the_one_of_the_app() {
    let path = migrations(Engine::Sqlite).join("0008_email_spelling.sql");
    let migration = std::fs::read_to_string(path).expect("it is there");
    shows(&format!("```sql\n{migration}```"));
}

#[test]
fn the_two_starts_read_so() {
    let database = Database::create(Engine::Sqlite).expect("it needs no server");
    for start in ["the first", "the second"] {
        let finished = ran(&database, &["--once"]);
        for line in finished.stdout.lines() {
            let timeless = |line: &str| -> String {
                line.chars()
                    .filter(|c| !c.is_ascii_digit() && *c != ' ')
                    .collect()
            };
            let readme = readme();
            let found = readme
                .lines()
                .any(|shown| timeless(shown) == timeless(line));
            assert!(found, "the README does not show of {start} start:\n{line}");
        }
    }
}

#[test]
fn the_compile_errors_read_so() {
    let folder = copy_of_the_migrations();
    edit(folder.path(), "0004_tags.sql", |text| {
        text.replace("DROP TABLE tags;\n", "")
    });
    edit(folder.path(), "0007_soft_delete.sql", |text| {
        text.replace("@rollbackSafe", "@rollbackSave")
    });
    let layout = Layout::Annotated;
    let loaded = dir::load(folder.path(), "migrations", Dialect::Postgres, layout);
    let report = Report::of(loaded, layout, &Options::default(), Vec::new());
    assert_eq!(report.diagnostics.len(), 2, "{report:#?}");
    let errors = render::render_all(&report.diagnostics, Style::Plain);
    shows_error(&errors, folder.path());
}

#[tokio::test]
async fn the_error_of_the_server_reads_so() {
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let folder = copy_of_the_migrations();
    edit(folder.path(), "0010_open_todos.sql", |text| {
        text.replace("todos.due_at", "todos.due_on")
    });
    let loaded = Migrations::<Postgres>::load(folder.path(), LoadOptions::default());
    let loaded = loaded.expect("only the server can know");
    let error = loaded.up(database.url()).await;
    let error = error.expect_err("there is no such column");
    assert_eq!(error.report().done.len(), 9, "{error}");
    shows_error(&error.to_string(), folder.path());
}

fn readme() -> String {
    std::fs::read_to_string(workspace().join("README.md")).expect("there is a README")
}

fn shows(expected: &str) {
    assert!(
        readme().contains(expected),
        "the README does not show this:\n{expected}"
    );
}

/// Whether each line is there; the compiler indents them and takes `error[code]` apart.
fn shows_error(rendered: &str, folder: &Path) {
    let readme = readme();
    let shown: Vec<&str> = readme.lines().map(str::trim).collect();
    let rendered = rendered.replace(&*folder.to_string_lossy(), "migrations");
    let lines = rendered.lines().map(str::trim);
    for line in lines.filter(|line| !line.ends_with(" error") && !line.ends_with(" errors")) {
        let found = match line.split_once("]: ") {
            Some((code, message)) if code.starts_with("error[") => readme.contains(message),
            _ => shown.contains(&line),
        };
        assert!(
            found,
            "the README does not show this line:\n{line}\nof\n{rendered}"
        );
    }
}

fn copy_of_the_migrations() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let from = std::fs::read_dir(migrations(Engine::Postgres)).expect("a folder is read");
    for entry in from {
        let entry = entry.expect("a folder is read");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("it is copied");
    }
    folder
}

fn edit(folder: &Path, file: &str, change: impl Fn(&str) -> String) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).expect("it is there");
    std::fs::write(path, change(&text)).expect("it is written");
}
