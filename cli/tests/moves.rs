//! From another tool to here: the SQL is the same, byte for byte, and its way back too.

use std::fs;
use std::path::Path;

use backstitch_tests::servers::Engine;
use sqlx::Connection;
use sqlx::migrate::{Migrate, Migrator};

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
                shown.contains("0002_user_email  it brings its own transaction"),
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

/// A project of sqlx with data moves by three commands, and nothing runs again.
#[test]
fn a_project_of_sqlx_moves_with_its_data() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::MariaDb] {
        let Some(session) = Session::open("moving", engine) else {
            continue;
        };
        let applied = wait(async {
            let migrator = Migrator::new(session.folder().join("migrations")).await;
            let migrator = migrator.expect("sqlx reads its folder");
            match engine {
                Engine::Sqlite => run::<sqlx::Sqlite>(&migrator, session.url()).await,
                Engine::Postgres | Engine::PgBouncer => {
                    run::<sqlx::Postgres>(&migrator, session.url()).await
                }
                Engine::MariaDb => run::<sqlx::MySql>(&migrator, session.url()).await,
            }
        });
        // Each has a file for either way.
        assert_eq!(applied, 4);
        session.sql("INSERT INTO users (id, login, email) VALUES (1, 'ann', 'ann@example.org')");

        let shown = session.screen("backstitch import --from sqlx");
        assert!(
            shown.contains("2 migrations of sqlx were written to db/migrations"),
            "{shown}"
        );
        // Before it is adopted nothing runs, and whoever looks is told what to do.
        for (call, code) in [("up", 1), ("plan", 1), ("status --check", 1), ("verify", 4)] {
            let shown = session.screen(&format!("backstitch {call}"));
            for expected in [
                "[not-adopted]: sqlx has applied 2 of these migrations",
                "backstitch adopt --from sqlx",
                "`--allow-other-tool`",
            ] {
                assert!(shown.contains(expected), "{expected}\n{shown}");
            }
            assert!(shown.ends_with(&format!("[exit {code}]\n")), "{shown}");
            assert!(!shown.contains("OtherTool::"), "{shown}");
        }
        let shown = session.screen("backstitch adopt --from sqlx --dry-run");
        assert!(
            shown.contains("2 migrations would be taken over from sqlx"),
            "{shown}"
        );
        let shown = session.screen("backstitch adopt --from sqlx");
        assert!(
            shown.contains("2 migrations taken over from sqlx"),
            "{shown}"
        );
        let shown = session.screen("backstitch status --check");
        assert!(shown.contains("healthy  everything is applied"), "{shown}");
        assert!(!shown.contains("[exit"), "{shown}");
        let shown = session.screen("backstitch up");
        assert!(shown.contains("up to date"), "{shown}");
        let shown = session.screen("backstitch verify --without-drift");
        assert!(shown.contains("history  ok"), "{shown}");
        // The way back is stored now, and says what it loses.
        let shown = session.screen("backstitch rollback");
        assert!(shown.contains("0002_user_email"), "{shown}");
        assert!(shown.contains("1 row"), "{shown}");
        let shown = session.screen("backstitch rollback --force");
        assert!(shown.contains("1 migration taken back"), "{shown}");
        session.sql("UPDATE users SET login = 'ann again'");
    }
}

/// The tools that keep no checksum, by what their tables look like.
#[test]
fn the_histories_of_other_tools_are_taken_over() {
    for (tool, tables) in [
        (
            "diesel",
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, \
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP); \
             INSERT INTO __diesel_schema_migrations (version) VALUES ('20260105100000'), \
             ('20260106100000')",
        ),
        (
            "dbmate",
            "CREATE TABLE schema_migrations (version VARCHAR(255) PRIMARY KEY); \
             INSERT INTO schema_migrations VALUES ('20260105100000'), ('20260106100000')",
        ),
        (
            "golang-migrate",
            "CREATE TABLE schema_migrations (version BIGINT NOT NULL PRIMARY KEY, dirty BOOLEAN \
             NOT NULL); INSERT INTO schema_migrations VALUES (2, FALSE)",
        ),
    ] {
        let Some(session) = Session::open("tools", Engine::Postgres) else {
            return;
        };
        session.sql(tables);
        let shown = session.screen(&format!("backstitch import --from {tool} {tool}"));
        assert!(!shown.contains("[exit"), "{shown}");
        if tool == "golang-migrate" {
            // What the import said must be put right by hand.
            let file = session.folder().join("db/migrations/0002_user_email.sql");
            let text = fs::read_to_string(&file).expect("a file");
            let text = text.replace("BEGIN;\n", "").replace("COMMIT;\n", "");
            fs::write(&file, text).expect("writable");
        }
        let shown = session.screen(&format!("backstitch adopt --from {tool}"));
        assert!(
            shown.contains(&format!("2 migrations taken over from {tool}")),
            "{shown}"
        );
        let shown = session.screen("backstitch status --check");
        assert!(shown.contains("healthy"), "{shown}");
        let shown = session.screen("backstitch adopt --from refinery");
        assert!(shown.contains("error[adopt-table-missing]"), "{shown}");
        assert!(
            shown.contains("by `--table` and `--table-schema`"),
            "{shown}"
        );
    }
}

async fn run<DB: sqlx::Database>(migrator: &Migrator, url: &str) -> usize
where
    DB::Connection: Migrate,
{
    let mut connection = DB::Connection::connect(url).await.expect("reachable");
    let ran = migrator.run_direct(None, &mut connection, false).await;
    ran.expect("sqlx applies");
    let _ = connection.close().await;
    migrator.iter().count()
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
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
