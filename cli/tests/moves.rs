//! From another tool to here: the SQL is the same, byte for byte, and its way back too.

use std::fs;
use std::path::Path;

use backstitch_tests::servers::Engine;

use crate::session::Session;

/// For each tool: its folder, and for each migration its id here, the file or files of its UP and
/// DOWN, and the DOWN that is expected where there is none.
#[test]
fn the_sql_of_every_tool_stays_as_it_is() {
    for (tool, migrations) in [
        (
            "sqlx",
            vec![
                ("0001_users", "0001_users.up.sql", "0001_users.down.sql"),
                ("0002_user_email", "0002_user_email.sql", ""),
            ],
        ),
        (
            "refinery",
            vec![
                ("0001_users", "V1__users.sql", ""),
                ("0002_user_email", "V2__user_email.sql", ""),
            ],
        ),
        (
            "golang-migrate",
            vec![
                ("0001_users", "000001_users.up.sql", "000001_users.down.sql"),
                (
                    "0002_user_email",
                    "000002_user_email.up.sql",
                    "000002_user_email.down.sql",
                ),
            ],
        ),
        (
            "diesel",
            vec![
                (
                    "20260105100000_users",
                    "2026-01-05-100000_users/up.sql",
                    "2026-01-05-100000_users/down.sql",
                ),
                (
                    "20260106100000_users_login",
                    "2026-01-06-100000_users_login/up.sql",
                    "2026-01-06-100000_users_login/down.sql",
                ),
            ],
        ),
    ] {
        let (session, shown) = imported(tool);
        for (id, up, down) in &migrations {
            let theirs = |file: &str| fs::read_to_string(session.folder().join(tool).join(file));
            let up = theirs(up).expect("an UP");
            let text = ours(&session, id);
            let (_, rest) = text
                .split_once("-- UP MIGRATION (forward changes)\n")
                .expect("an UP");
            assert!(rest.starts_with(&up), "{tool} {id}\n{text}");
            if !down.is_empty()
                && let Ok(down) = theirs(down)
            {
                let marker = "-- DOWN MIGRATION (rollback changes)\n";
                assert_eq!(
                    &rest[up.len()..],
                    format!("\n{marker}{down}"),
                    "{tool} {id}"
                );
            }
        }
        assert!(
            shown.contains(&format!("{} migrations of {tool}", migrations.len())),
            "{shown}"
        );
    }
}

#[test]
fn the_sections_of_marked_files_stay_as_they_are() {
    for (tool, id, file, up, down) in [
        (
            "goose",
            "0001_users",
            "00001_users.sql",
            "CREATE TABLE users (id bigint PRIMARY KEY, login text NOT NULL);",
            "DROP TABLE users;",
        ),
        (
            "dbmate",
            "20260106100000_user_email",
            "20260106100000_user_email.sql",
            "ALTER TABLE users ADD COLUMN email text;",
            // What it had not is suggested.
            "ALTER TABLE users DROP COLUMN email;",
        ),
    ] {
        let (session, _) = imported(tool);
        let theirs = fs::read_to_string(session.folder().join(tool).join(file)).expect("a file");
        assert!(theirs.contains(up));
        let text = ours(&session, id);
        let (_, rest) = text
            .split_once("-- UP MIGRATION (forward changes)\n")
            .expect("an UP");
        let marker = "\n-- DOWN MIGRATION (rollback changes)\n";
        let (our_up, our_down) = rest.split_once(marker).expect("a DOWN");
        assert_eq!(
            (our_up.trim(), our_down.trim()),
            (up, down),
            "{tool}\n{text}"
        );
    }
}

#[test]
fn what_is_imported_compiles_as_it_is() {
    for tool in [
        "sqlx",
        "refinery",
        "golang-migrate",
        "diesel",
        "dbmate",
        "goose",
    ] {
        let (session, shown) = imported(tool);
        let output = session.call("backstitch check --level error");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if tool == "golang-migrate" {
            // A transaction of its own cannot stay, and the file is not changed: it is told.
            assert!(
                shown.contains("0002_user_email  transaction-control"),
                "{shown}"
            );
            assert!(text.contains("error[transaction-control]"), "{text}");
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{tool}\n{shown}\n{text}");
    }
}

#[test]
fn nothing_is_written_over() {
    let (session, _) = imported("sqlx");
    let before = ours(&session, "0001_users");
    let again = session.screen("backstitch import --from sqlx sqlx --engine postgres");
    assert!(again.contains("error[file-exists]"), "{again}");
    assert_eq!(ours(&session, "0001_users"), before);
    let same = session.screen("backstitch import --from sqlx sqlx --to sqlx");
    assert!(same.contains("error[folder-taken]"), "{same}");
    assert!(same.contains("[exit 2]"), "{same}");
    let none = session.screen("backstitch import --from diesel sqlx --to other --engine postgres");
    assert!(none.contains("[exit 1]"), "{none}");
    assert!(!session.folder().join("other").exists());
}

fn imported(tool: &str) -> (Session, String) {
    let session = Session::open("tools", Engine::Sqlite).expect("SQLite is always there");
    let line = format!("backstitch import --from {tool} {tool} --engine postgres");
    let shown = session.screen(&line);
    assert!(!shown.contains("[exit"), "{shown}");
    (session, shown)
}

fn ours(session: &Session, id: &str) -> String {
    let file = Path::new("db/migrations").join(format!("{id}.sql"));
    fs::read_to_string(session.folder().join(file)).expect("the imported file")
}
