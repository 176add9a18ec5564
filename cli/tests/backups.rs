//! A backup brings back every row and the whole catalogue, on every engine; a damaged one nothing.

use std::fs;
use std::path::PathBuf;

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch::testing::Catalogue;
use backstitch_cli::Product;
use backstitch_tests::servers::Engine;
use sqlx::Connection;

use crate::session::Session;

/// Everything that a database holds: its catalogue, the history included, and all rows.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    catalogue: Catalogue,
    rows: Vec<Vec<Vec<Option<String>>>>,
}

/// What is asked for the rows, table by table.
const TABLES: [&str; 4] = [
    "SELECT * FROM users ORDER BY id",
    "SELECT * FROM orders ORDER BY id",
    "SELECT * FROM __migrations__ ORDER BY seq",
    "SELECT * FROM __migration_rollbacks__ ORDER BY seq",
];

/// Letters, signs and bytes that copies like to lose.
const FILL: &str = "INSERT INTO users (id, login, email) VALUES \
    (1, 'äöü ''quoted'' \"double\" `back`', 'a;b\tc'), (2, '', NULL), (3, '\u{1F600}', 'x'); \
    INSERT INTO orders (id, user_id, placed_on) VALUES (1, 1, '2026-01-05'), (2, 3, '2026-01-06')";

const SPOIL: &str = "DELETE FROM orders; UPDATE users SET login = 'spoilt'; \
    CREATE TABLE of_later (id INTEGER PRIMARY KEY); INSERT INTO of_later VALUES (1); \
    ALTER TABLE users ADD COLUMN of_later INTEGER";

#[test]
fn sqlite() {
    brings_everything_back::<Sqlite>(Engine::Sqlite);
}

#[test]
fn postgres() {
    brings_everything_back::<Postgres>(Engine::Postgres);
}

#[test]
fn mariadb() {
    brings_everything_back::<MySql>(Engine::MariaDb);
}

fn brings_everything_back<DB: Product>(engine: Engine) {
    let Some(session) = Session::open("shop", engine) else {
        return;
    };
    works(&session, "backstitch up");
    works(&session, "backstitch rollback --force --steps 1");
    works(&session, "backstitch up");
    session.sql(FILL);
    let before = everything::<DB>(&session);
    let made = works(
        &session,
        "backstitch backup create --reason \"before the spoiling\"",
    );
    assert!(made.starts_with("backed up as "), "{made}");
    let name = made["backed up as ".len()..]
        .split(',')
        .next()
        .expect("a name")
        .to_owned();
    assert_eq!(everything::<DB>(&session), before);
    let list = works(&session, "backstitch backup list");
    assert!(
        list.contains(&name) && list.contains("before the spoiling"),
        "{list}"
    );

    session.sql(SPOIL);
    let spoilt = everything::<DB>(&session);
    assert_ne!(spoilt, before);
    // It cannot be undone, so nobody but `--yes` may say so where nobody is asked.
    let refused = session.screen("backstitch backup restore latest");
    assert!(refused.contains("error[not-confirmed]"), "{refused}");
    assert_eq!(everything::<DB>(&session), spoilt);
    let restored = works(&session, &format!("backstitch backup restore {name} --yes"));
    assert!(restored.contains(&format!("restored {name}")), "{restored}");
    assert_eq!(everything::<DB>(&session), before);
    // What was there is kept, and comes back too.
    works(&session, "backstitch backup restore latest --yes");
    assert_eq!(everything::<DB>(&session), spoilt);

    damaged_is_refused::<DB>(&session, &name, &spoilt);
    assert!(works(&session, "backstitch backup prune").contains("0 backups deleted"));
    let pruned = works(&session, "backstitch backup prune --keep-days 0 --keep 1");
    assert!(pruned.contains("2 backups deleted"), "{pruned}");
    assert_eq!(works(&session, "backstitch backup list").lines().count(), 1);
    let left = files(&session);
    assert_eq!(left.len(), 2, "{left:?}");
}

fn damaged_is_refused<DB: Product>(session: &Session, name: &str, expected: &Everything) {
    let file = files(session).into_iter().find(|file| {
        let file = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        file.starts_with(&format!("{name}.")) && !file.ends_with(".json")
    });
    let file = file.expect("the backup");
    let mut bytes = fs::read(&file).expect("the backup");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("writable");
    let refused = session.screen(&format!("backstitch backup restore {name} --yes"));
    assert!(refused.contains("error[backup-damaged]"), "{refused}");
    assert_eq!(&everything::<DB>(session), expected);
    let missing = session.screen("backstitch backup restore nothing --yes");
    assert!(missing.contains("error[backup-missing]"), "{missing}");
}

/// A tool that is not there is told before anything is written.
#[test]
fn a_missing_tool_is_told() {
    for (engine, tool) in [
        (Engine::Postgres, "pg_dump"),
        (Engine::MariaDb, "mariadb-dump"),
    ] {
        let Some(session) = Session::open("shop", engine) else {
            continue;
        };
        let shown = session.screen("PATH=/nowhere backstitch backup create");
        assert!(shown.contains("error[tool-missing]"), "{shown}");
        assert!(shown.contains(&format!("`{tool}")), "{shown}");
        assert!(shown.contains("apt install"), "{shown}");
        assert!(!session.folder().join("backups").exists());
    }
}

#[test]
fn a_copy_that_fails_leaves_nothing() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let shown = session.screen("backstitch backup create --url sqlite:missing.db");
    assert!(shown.contains("error[backup-failed]"), "{shown}");
    assert!(shown.contains("[exit 1]"), "{shown}");
    assert!(files(&session).is_empty(), "{:?}", files(&session));
    assert!(!session.folder().join("missing.db").exists());
    assert!(works(&session, "backstitch backup list").contains("no backups in backups"));
}

pub(crate) fn works(session: &Session, line: &str) -> String {
    let output = session.call(line);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{line}\n{text}{errors}");
    text
}

fn files(session: &Session) -> Vec<PathBuf> {
    let entries = fs::read_dir(session.folder().join("backups"));
    let entries = entries.into_iter().flatten();
    entries.map(|entry| entry.expect("a file").path()).collect()
}

pub(crate) fn everything<DB: Product>(session: &Session) -> Everything {
    wait(async {
        let mut connection = DB::Connection::connect(session.url())
            .await
            .expect("reachable");
        let mut rows = Vec::new();
        for table in TABLES {
            rows.push(DB::ask(&mut connection, table).await.expect("readable"));
        }
        let _ = connection.close().await;
        let catalogue = backstitch::testing::catalogue::<DB>(session.url()).await;
        Everything {
            catalogue: catalogue.expect("readable"),
            rows,
        }
    })
}

pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}
