//! What a proof makes of whole chains, the same on each engine.

use std::time::Duration;

use backstitch::core::{Diagnostic, Severity, dir};
use backstitch::testing::{Unproven, Verdict, catalogue, prove};
use backstitch::{Engine, Layout, Migrations};
use backstitch_tests::announce::announce;
use backstitch_tests::servers::{self, Database, TEST_ALL};
use sqlx::{AssertSqlSafe, Connection, Executor, MySql, Pool, Postgres, Sqlite};
use tokio::sync::RwLock;

/// Written by the test that counts what proofs leave, read by all others that prove.
pub(crate) static PROOFS: RwLock<()> = RwLock::const_new(());

macro_rules! scenarios {
    (
        everywhere: [$($everywhere:ident),* $(,)?],
        servers: [$($servers:ident),* $(,)?],
    ) => {
        mod postgres {
            $(scenario!($everywhere, sqlx::Postgres, Postgres);)*
            $(scenario!($servers, sqlx::Postgres, Postgres);)*
        }
        mod mariadb {
            $(scenario!($everywhere, sqlx::MySql, MariaDb);)*
            $(scenario!($servers, sqlx::MySql, MariaDb);)*
        }
        mod sqlite {
            $(scenario!($everywhere, sqlx::Sqlite, Sqlite);)*
        }
    };
}

macro_rules! scenario {
    ($scenario:ident, $engine:ty, $server:ident) => {
        #[tokio::test]
        async fn $scenario() {
            if let Some(url) = super::url(backstitch_tests::servers::Engine::$server) {
                super::$scenario::<$engine>(&url).await;
            }
        }
    };
}

scenarios! {
    everywhere: [
        right_chains_are_proven,
        each_fault_is_told_with_its_place,
        the_first_up_that_fails_ends_it,
        nothing_is_left_on_the_server,
        the_history_is_not_seen,
    ],
    servers: [a_url_that_leads_nowhere_is_told_without_its_password],
}

/// The URL to prove on; None when the server is not there, which is announced.
pub(crate) fn url(server: servers::Engine) -> Option<String> {
    let Some(variable) = server.variable() else {
        return Some("sqlite::memory:".to_owned());
    };
    let url = std::env::var(variable).ok();
    if url.is_none() {
        assert!(
            std::env::var_os(TEST_ALL).is_none(),
            "{variable} is not set"
        );
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        announce(&format!(
            "skipped {test}: {variable} is not set (tests/run starts a server)"
        ));
    }
    url
}

/// An id, an UP and a DOWN; `!` and a reason in the place of the DOWN says that there is none.
type File = (&'static str, &'static str, &'static str);

fn migrations<DB: Engine>(files: &[File]) -> Migrations<DB> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (id, up, down) in files {
        let mut text = String::from(
            "-- @name: A test\n-- @description: What a test needs.\n\
             -- @timestamp: 2026-01-05T10:00:00Z\n-- @rollbackSafe: false\n",
        );
        match down.strip_prefix('!') {
            Some(reason) => {
                text += &format!("-- @irreversible: {reason}\n\n-- UP MIGRATION\n{up};\n");
            }
            None => text += &format!("\n-- UP MIGRATION\n{up};\n\n-- DOWN MIGRATION\n{down};\n"),
        }
        std::fs::write(folder.path().join(format!("{id}.sql")), text).expect("it can be written");
    }
    let loaded = dir::load(folder.path(), "migrations", DB::DIALECT, Layout::Annotated);
    let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
    assert_eq!(
        loaded.diagnostics.iter().find(is_error),
        None,
        "the files are right"
    );
    Migrations::from_set(loaded.set)
}

const USERS: File = (
    "0001_users",
    "CREATE TABLE users (id int PRIMARY KEY, nick varchar(20), mail varchar(20), born int)",
    "DROP TABLE users",
);
const INDEX: File = (
    "0002_index",
    "CREATE INDEX by_nick ON users (nick);\nCREATE VIEW nicks AS SELECT nick FROM users",
    "CREATE TABLE other (id int);\nDROP VIEW nicks",
);
const IRREVERSIBLE: File = (
    "0003_seed",
    "INSERT INTO users VALUES (1, 'a', 'b', 3)",
    "!the rows cannot be told from others",
);
const FAILS: File = (
    "0004_fails",
    "CREATE TABLE a (id int);\nCREATE TABLE b (id int)",
    "DROP TABLE a;\n\n  DROP TABLE nowhere",
);
const LEAVES_ROWS: File = (
    "0005_rows",
    "INSERT INTO users VALUES (2, 'c', 'd', 4)",
    "SELECT 1",
);
const REORDERS: File = (
    "0006_reorders",
    "ALTER TABLE users DROP COLUMN mail",
    "ALTER TABLE users ADD COLUMN mail varchar(20)",
);
const RIGHT: File = ("0007_right", "CREATE TABLE c (id int)", "DROP TABLE c");

async fn right_chains_are_proven<DB: Product>(url: &str) {
    let _reading = PROOFS.read().await;
    let chain = migrations::<DB>(&[USERS, IRREVERSIBLE, RIGHT]);
    let proof = prove(&chain, url).await.unwrap();
    assert!(proof.is_ok());
    let text = proof.to_string();
    let (first, rest) = text.split_once('\n').expect("several lines");
    assert!(first.starts_with("3 of 3 migrations proven on "), "{first}");
    assert!(first.contains('.'), "the version of the server: {first}");
    assert_eq!(
        rest,
        "  0001_users  reverts\n  \
           0003_seed   irreversible: the rows cannot be told from others\n  \
           0007_right  reverts"
    );
    let empty = prove(&migrations::<DB>(&[]), url).await.unwrap();
    assert!(empty.migrations.is_empty());
}

async fn each_fault_is_told_with_its_place<DB: Engine>(url: &str) {
    let _reading = PROOFS.read().await;
    let files = [
        USERS,
        INDEX,
        IRREVERSIBLE,
        FAILS,
        LEAVES_ROWS,
        REORDERS,
        RIGHT,
    ];
    let failed = prove(&migrations::<DB>(&files), url).await.unwrap_err();
    let text = format!("{failed:?}");
    let Unproven::Broken(proof) = failed else {
        panic!("{text}");
    };
    let verdicts: Vec<String> = proof
        .migrations
        .iter()
        .map(|one| one.verdict.to_string())
        .collect();
    assert_eq!(
        verdicts,
        [
            "reverts",
            "DOES NOT REVERT",
            "irreversible: the rows cannot be told from others",
            "DOWN FAILS",
            "UP FAILS THE SECOND TIME",
            "reverts, but for the order of columns",
            "reverts",
        ],
        "{text}"
    );
    let Verdict::Leaves(differences) = &proof.migrations[1].verdict else {
        panic!("{text}");
    };
    let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(differences.len(), 2);
    assert_eq!(differences[0], "left over: table other (1 column)");
    assert!(differences[1].starts_with("left over: index by_nick on users ("));
    assert!(proof.migrations[1].remarks[0].starts_with("after this the UP cannot run again: "));
    for part in [
        "error[rollback-incomplete]: the DOWN of `0002_index` does not give back the schema",
        "migrations/0002_index.sql:10:1",
        "10 | -- DOWN MIGRATION",
        "left over: index by_nick on users",
        "error[statement-failed]: the DOWN of `0004_fails` fails: ",
        "migrations/0004_fails.sql:13:",
        "13 |   DROP TABLE nowhere",
        "error[up-again-fails]: the UP of `0005_rows` fails when it runs again",
        "migrations/0005_rows.sql:7:",
        "4 of 7 migrations proven on ",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

async fn the_first_up_that_fails_ends_it<DB: Engine>(url: &str) {
    let _reading = PROOFS.read().await;
    let wrong = ("0002_wrong", "SELECT 1;\nDROP TABLE nowhere", "SELECT 1");
    let failed = prove(&migrations::<DB>(&[USERS, wrong, RIGHT]), url)
        .await
        .unwrap_err();
    let text = failed.to_string();
    assert!(text.contains("migrations/0002_wrong.sql:8:"), "{text}");
    let verdicts = "\n  0001_users  reverts\n  0002_wrong  UP FAILS\n  0007_right  not reached";
    assert!(text.ends_with(verdicts), "{text}");
}

/// Goal: whatever happens, the database goes. Method: nobody else proves meanwhile; then proofs
/// end well, end badly and are dropped at several moments, and what has the name of one is looked
/// for. One is there from the start that looks like that of a dead run.
async fn nothing_is_left_on_the_server<DB: Product>(url: &str) {
    let _writing = PROOFS.write().await;
    let stale = "backstitch_prove_1700000000_1_0";
    DB::make(url, stale).await;
    prove(&migrations::<DB>(&[USERS, RIGHT]), url)
        .await
        .unwrap();
    assert_eq!(DB::left(url).await, [""; 0], "after a proof");
    prove(&migrations::<DB>(&[USERS, FAILS]), url)
        .await
        .unwrap_err();
    assert_eq!(DB::left(url).await, [""; 0], "after a failure");
    let chain = migrations::<DB>(&[USERS, INDEX, IRREVERSIBLE, FAILS, LEAVES_ROWS, RIGHT]);
    for patience in [5, 20, 50, 100, 200] {
        let dropped = tokio::time::timeout(Duration::from_millis(patience), prove(&chain, url));
        let _ = dropped.await;
        assert_eq!(DB::left(url).await, [""; 0], "after {patience} ms");
    }
    let of_panic = url.to_owned();
    let panicking = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("it can be built").block_on(async {
            let proof = std::pin::pin!(prove(&chain, &of_panic));
            let _ = tokio::time::timeout(Duration::from_millis(100), proof).await;
            panic!("on purpose");
        });
    });
    assert!(panicking.join().is_err(), "it panics");
    assert_eq!(DB::left(url).await, [""; 0], "after a panic");
}

async fn the_history_is_not_seen<DB: Product>(_url: &str) {
    let Some(database) = Database::create(DB::SERVER) else {
        return;
    };
    let pool = Pool::<DB>::connect(database.url())
        .await
        .expect("it is there");
    let empty = catalogue(&pool).await.expect("it can be read");
    let chain = migrations::<DB>(&[USERS]);
    chain.up(&pool).await.expect("it applies");
    chain
        .down(&pool, backstitch::Down::All)
        .await
        .expect_err("it loses rows");
    chain
        .migrator()
        .force()
        .down(&pool, backstitch::Down::All)
        .await
        .expect("it is forced");
    assert_eq!(catalogue(&pool).await.expect("it can be read"), empty);
    pool.close().await;
}

async fn a_url_that_leads_nowhere_is_told_without_its_password<DB: Product>(_url: &str) {
    let failed = prove(&migrations::<DB>(&[USERS]), DB::NOWHERE)
        .await
        .unwrap_err();
    assert!(matches!(failed, Unproven::Failed(_)));
    let text = failed.to_string();
    assert!(!text.contains("secret"), "{text}");
}

/// A proof can run in a task of its own.
#[tokio::test]
async fn proofs_can_be_spawned() {
    let _reading = PROOFS.read().await;
    let proof =
        tokio::spawn(async { prove(&migrations::<Sqlite>(&[USERS]), "sqlite::memory:").await });
    assert!(proof.await.expect("it does not panic").unwrap().is_ok());
}

/// The chain of the module's documentation: a difference that is seen on the server only.
#[tokio::test]
async fn what_depends_on_the_moment_is_seen() {
    let Some(url) = url(servers::Engine::Postgres) else {
        return;
    };
    let _reading = PROOFS.read().await;
    let chain = migrations::<Postgres>(&[
        (
            "0001_moment",
            "CREATE TABLE t (at timestamptz DEFAULT 'now')",
            "DROP TABLE t",
        ),
        RIGHT,
    ]);
    let failed = prove(&chain, &url).await.unwrap_err().to_string();
    assert!(failed.contains("error[up-again-differs]"), "{failed}");
    assert!(failed.contains("changed: column t.at default:"), "{failed}");
    assert!(failed.contains("0007_right   reverts"), "{failed}");
}

/// What the scenarios ask of an engine.
trait Product: Engine {
    const SERVER: servers::Engine;
    /// The URL of a server that is not there.
    const NOWHERE: &str;

    /// Makes something of this name that looks like the database of a proof.
    async fn make(url: &str, name: &str);
    /// The names of what proofs have left.
    async fn left(url: &str) -> Vec<String>;
}

impl Product for Postgres {
    const SERVER: servers::Engine = servers::Engine::Postgres;
    const NOWHERE: &str = "postgres://me:secret@127.0.0.1:1/x";

    async fn make(url: &str, name: &str) {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("it is there");
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        let made = connection.execute(AssertSqlSafe(create)).await;
        made.expect("it can be made");
    }

    async fn left(url: &str) -> Vec<String> {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("it is there");
        let names =
            "SELECT datname FROM pg_database WHERE starts_with(datname, 'backstitch_prove_')";
        let names = sqlx::query_scalar(names).fetch_all(&mut connection).await;
        own(names.expect("names"))
    }
}

impl Product for MySql {
    const SERVER: servers::Engine = servers::Engine::MariaDb;
    const NOWHERE: &str = "mysql://me:secret@127.0.0.1:1/x";

    async fn make(url: &str, name: &str) {
        let mut connection = sqlx::MySqlConnection::connect(url)
            .await
            .expect("it is there");
        let made = connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await;
        made.expect("it can be made");
    }

    async fn left(url: &str) -> Vec<String> {
        let mut connection = sqlx::MySqlConnection::connect(url)
            .await
            .expect("it is there");
        let names = "SELECT CONVERT(schema_name USING utf8mb4) FROM information_schema.schemata \
             WHERE schema_name LIKE 'backstitch#_prove#_%' ESCAPE '#'";
        let names = sqlx::query_scalar(names).fetch_all(&mut connection).await;
        own(names.expect("names"))
    }
}

impl Product for Sqlite {
    const SERVER: servers::Engine = servers::Engine::Sqlite;
    const NOWHERE: &str = "";

    async fn make(_url: &str, name: &str) {
        std::fs::create_dir(std::env::temp_dir().join(name)).expect("it can be made");
    }

    async fn left(_url: &str) -> Vec<String> {
        let entries = std::fs::read_dir(std::env::temp_dir()).expect("there is one");
        let names = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        own(names
            .filter(|name| name.starts_with("backstitch_prove_"))
            .collect())
    }
}

/// Those of this process, and the one that looks like a dead one's.
fn own(names: Vec<String>) -> Vec<String> {
    let process = format!("_{}_", std::process::id());
    let is_own = |name: &String| name.contains(&process) || name.contains("_1700000000_");
    names.into_iter().filter(is_own).collect()
}
