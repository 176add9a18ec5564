//! What `ARCHITECTURE.md` and `CONTRIBUTING.md` say about layers and names, checked, so that it
//! stays true.
//!
//! The checks read lines, not syntax: comments and unit tests do not count as code, and that is
//! all they understand. They are meant to catch the honest slip.

mod rules;
mod tree;

use rules::findings;
use tree::File;

#[test]
fn the_tree_is_tidy() {
    let files = match tree::files() {
        Ok(files) => files,
        Err(error) => {
            let why = format!("tidy: git does not list the files of this tree: {error}");
            let must = std::env::var_os(backstitch_tests::servers::TEST_ALL).is_some();
            assert!(!must, "{why}");
            backstitch_tests::announce::announce(&format!("skipped {why}"));
            return;
        }
    };
    let found = findings(&files);
    assert!(
        found.is_empty(),
        "{} thing(s) to tidy up:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// The canary: each line of these files would be a slip, and is found.
#[test]
fn every_rule_catches_what_it_is_for() {
    for (path, text, expected) in [
        (
            "core/src/a.rs",
            "//! A.\nuse sqlx::Pool;",
            "core/src/a.rs:2: ",
        ),
        (
            "core/src/a.rs",
            "//! A.\n\nasync fn f() { tokio::spawn(g()) }",
            "core/src/a.rs:3: ",
        ),
        (
            "core/src/a.rs",
            "//! A.\nlet x = std::env::var(\"X\");",
            "core/src/a.rs:2: ",
        ),
        ("core/src/a.rs", "//! A.\nprintln!();", "core/src/a.rs:2: "),
        (
            "core/src/a.rs",
            "//! A.\nstd::fs::read(x)",
            "core/src/a.rs:2: ",
        ),
        (
            "core/src/a.rs",
            "//! A.\nuse squawk_parser::EntryPoint;",
            "core/src/a.rs:2: ",
        ),
        (
            "core/Cargo.toml",
            "[dependencies]\nsqlx = \"1\"",
            "core/Cargo.toml:2: ",
        ),
        (
            "macros/src/a.rs",
            "//! A.\nuse sqlx::query;",
            "macros/src/a.rs:2: ",
        ),
        (
            "macros/src/a.rs",
            "//! A.\neprintln!();",
            "macros/src/a.rs:2: ",
        ),
        (
            "runtime/src/a.rs",
            "//! A.\nstd::process::exit(1)",
            "runtime/src/a.rs:2: ",
        ),
        (
            "runtime/src/a.rs",
            "//! A.\nif d == Dialect::MySql {",
            "runtime/src/a.rs:2: ",
        ),
        (
            "core/src/a.rs",
            "//! A.\nDialect::Postgres => 1,",
            "core/src/a.rs:2: ",
        ),
        ("core/src/a/mod.rs", "//! A.", "core/src/a/mod.rs:1: "),
        ("cli/src/utils.rs", "//! A.", "cli/src/utils.rs:1: "),
        ("cli/src/helpers/a.rs", "//! A.", "cli/src/helpers/a.rs:1: "),
        ("runtime/src/a.rs", "use b::c;", "runtime/src/a.rs:1: "),
        (
            "tests/engines/a.rs",
            "#[ignore]\nfn t() {}",
            "tests/engines/a.rs:1: ",
        ),
        (
            "examples/a/src/main.rs",
            "todo!()",
            "examples/a/src/main.rs:1: ",
        ),
        ("cli/src/a.rs", "//! A.\ndbg!(x);", "cli/src/a.rs:2: "),
        (
            "README.md",
            concat!("Run it in\n`/", "root", "/project`."),
            "README.md:2: ",
        ),
        ("tests/new/main.rs", "//! A.", "tests/new/main.rs:1: "),
    ] {
        let found = findings(&[File::new(path, text)]);
        assert_eq!(found.len(), 1, "{path}: {text}\n{found:#?}");
        assert!(found[0].starts_with(expected), "{found:#?}");
    }
}

/// The other canary: what is fine stays unmentioned.
#[test]
fn what_is_fine_is_not_found() {
    for (path, text) in [
        (
            "core/src/dir/layout.rs",
            "//! A.\nLayout::Sqlx => \"sqlx\",",
        ),
        (
            "core/src/a.rs",
            "//! Unlike sqlx:: we print nothing, println! neither.",
        ),
        ("core/src/a.rs", "//! A.\nlet my_dbg!(x);\n// todo!()"),
        (
            "core/src/a.rs",
            "//! A.\n#[cfg(test)]\nmod tests {\n std::fs::read(x);\n}",
        ),
        ("core/src/a/tests.rs", "//! A.\nDialect::Postgres"),
        ("core/src/dir.rs", "//! A.\nstd::fs::read(x)"),
        (
            "core/src/dialect/keywords.rs",
            "//! A.\nDialect::Postgres => 1",
        ),
        (
            "core/src/change.rs",
            "//! A.\nuse squawk_parser::EntryPoint;",
        ),
        (
            "runtime/src/engine/mysql.rs",
            "//! A.\nuse sqlx::MySql; Dialect::MySql",
        ),
        (
            "cli/src/main.rs",
            "//! A.\nprintln!(); std::process::exit(std::env::args().len())",
        ),
        (
            "README.md",
            concat!("https://example.org/", "root", "/x and docs/", "work", "/x"),
        ),
        ("tests/engines/main.rs", "//! A."),
        ("tests/engines/common_table_expressions.rs", "//! A."),
    ] {
        let found = findings(&[File::new(path, text)]);
        assert!(found.is_empty(), "{found:#?}");
    }
}
