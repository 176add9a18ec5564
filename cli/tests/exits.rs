//! The table of the exit codes, code by code.

use std::fs;

use backstitch_tests::servers::Engine;

use crate::session::Session;

/// What is typed in a project after `backstitch up --target 2`, and how it ends.
const CALLS: [(i32, &str); 22] = [
    (0, "backstitch status"),
    (0, "backstitch ping"),
    (0, "backstitch plan"),
    (0, "backstitch history"),
    (0, "backstitch verify"),
    (0, "backstitch check"),
    (0, "backstitch --help"),
    (0, "backstitch --version"),
    (
        1,
        "backstitch rollback --dry-run --url sqlite:/nowhere/x.db",
    ),
    (1, "backstitch ping --url sqlite:/nowhere/x.db"),
    (1, "backstitch reset"),
    (1, "backstitch backup restore nothing --yes"),
    (1, "backstitch check nowhere"),
    (2, "backstitch"),
    (2, "backstitch nonsense"),
    (2, "backstitch up --nonsense"),
    (2, "backstitch up --target 9999"),
    (2, "backstitch repair applied 3"),
    (2, "DATABASE_URL= backstitch status"),
    (3, "backstitch status --check"),
    (0, "backstitch up"),
    (0, "backstitch status --check"),
];

#[test]
fn every_code_is_what_the_table_says() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let ends = |code: i32, line: &str| {
        let output = session.call(line);
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert_eq!(output.status.code(), Some(code), "{line}\n{shown}");
    };
    ends(0, "backstitch up --target 2");
    for (code, line) in CALLS {
        ends(code, line);
    }
    // Somebody edits what has shipped.
    let file = session.folder().join("migrations/0001_users.sql");
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, text.replace("VARCHAR(40)", "VARCHAR(50)")).expect("writable");
    for line in ["status --check", "verify", "up", "plan"] {
        ends(4, &format!("backstitch {line}"));
    }
    ends(0, "backstitch status");
}
