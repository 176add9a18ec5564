//! What was measured of sqlx's own migrator, measured again: each test shows what it does, and then
//! that this library does not.
//!
//! The names begin with the numbers of the list in `tests/faults.md`. A test that fails because
//! sqlx has become better is good news: the list is to be changed then.

use std::path::Path;
use std::time::Duration;

use backstitch::{Down, ErrorKind, Migrations};
use backstitch_tests::servers::{Database, Engine};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, Executor, MySql, MySqlPool, PgPool, Pool, Postgres, Sqlite, SqlitePool};
use tempfile::TempDir;

/// The same migrations for both: an id, its UP and its DOWN.
type File<'f> = (&'f str, &'f str, &'f str);

/// What sqlx reads.
async fn theirs(files: &[File<'_>]) -> Migrator {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (id, up, _) in files {
        write(&folder, &format!("{id}.sql"), up);
    }
    read(folder.path()).await
}

async fn read(folder: &Path) -> Migrator {
    Migrator::new(folder).await.expect("sqlx reads it")
}

/// What this library reads.
fn ours<DB: backstitch::Engine>(files: &[File<'_>]) -> Migrations<DB> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (id, up, down) in files {
        let outside = if up.starts_with("-- no-transaction") {
            "-- @transaction: false\n"
        } else {
            ""
        };
        let text = format!(
            "-- @name: A test\n-- @description: What a test needs.\n\
             -- @timestamp: 2026-01-05T10:00:00Z\n-- @rollbackSafe: true\n{outside}\n\
             -- UP MIGRATION\n{up}\n\n-- DOWN MIGRATION\n{down}\n"
        );
        write(&folder, &format!("{id}.sql"), &text);
    }
    Migrations::load(folder.path(), backstitch::LoadOptions::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).expect("a file can be written");
}

/// How many advisory locks are taken in the database.
async fn locks(database: &Database) -> i64 {
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = \
         (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    let count = count.fetch_one(&pool).await.expect("it counts");
    pool.close().await;
    count
}

async fn no_lock_soon(database: &Database) {
    for _ in 0..100 {
        if locks(database).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the lock stays");
}

const FAILS: [File<'static>; 2] = [
    ("0001_a", "CREATE TABLE a (id INT);", "DROP TABLE a;"),
    ("0002_b", "INSERT INTO nowhere VALUES (1);", "SELECT 1;"),
];

#[tokio::test]
async fn m1_a_failure_leaves_the_lock_taken() {
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    theirs(&FAILS).await.run(&pool).await.expect_err("it fails");
    assert_eq!(locks(&database).await, 1, "sqlx has become better");
    pool.close().await;

    let database = Database::create(Engine::Postgres).expect("there was one");
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    let set = ours::<Postgres>(&FAILS);
    set.up(&pool).await.expect_err("it fails");
    no_lock_soon(&database).await;
    pool.close().await;
}

const SLEEPS: [File<'static>; 1] = [("0001_nap", "SELECT pg_sleep(1);", "SELECT 1;")];

#[tokio::test]
async fn m2_a_dropped_run_leaves_the_lock_taken() {
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let short = Duration::from_millis(300);
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    let run = tokio::time::timeout(short, theirs(&SLEEPS).await.run(&pool))
        .await
        .is_err();
    assert!(run, "it was not cut off");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(locks(&database).await, 1, "sqlx has become better");
    pool.close().await;

    let database = Database::create(Engine::Postgres).expect("there was one");
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    let set = ours::<Postgres>(&SLEEPS);
    assert!(tokio::time::timeout(short, set.up(&pool)).await.is_err());
    no_lock_soon(&database).await;
    pool.close().await;
}

#[tokio::test]
async fn m3_there_is_no_lock_on_mariadb() {
    let files = [(
        "0001_nap",
        "DO SLEEP(0.5);\nCREATE TABLE a (id INT);",
        "DROP TABLE a;",
    )];
    let Some(database) = Database::create(Engine::MariaDb) else {
        return;
    };
    let version = MySqlPool::connect(database.url())
        .await
        .expect("it connects");
    let product: String = sqlx::query_scalar("SELECT VERSION()")
        .fetch_one(&version)
        .await
        .expect("it answers");
    let migrator = theirs(&files).await;
    let [one, two] = pools::<MySql>(&database).await;
    let (one, two) = tokio::join!(migrator.run(&one), migrator.run(&two));
    if product.contains("MariaDB") {
        assert!(one.is_err() || two.is_err(), "sqlx has become better");
    }

    let database = Database::create(Engine::MariaDb).expect("there was one");
    let set = ours::<MySql>(&files);
    let (one, two) = tokio::join!(set.up(database.url()), set.up(database.url()));
    let done = one.expect("it succeeds").done.len() + two.expect("it succeeds").done.len();
    assert_eq!(done, 1);
}

async fn pools<DB: sqlx::Database>(database: &Database) -> [Pool<DB>; 2] {
    let one = Pool::connect(database.url()).await.expect("it connects");
    [
        one,
        Pool::connect(database.url()).await.expect("it connects"),
    ]
}

/// Two migrations that sqlx does not apply, and says why.
async fn fails_there_and_works_here(files: &[File<'_>], words: &str) {
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    let error = theirs(files).await.run(&pool).await;
    let error = error.expect_err("sqlx has become better");
    assert!(error.to_string().contains(words), "{error}");
    pool.close().await;

    let database = Database::create(Engine::Postgres).expect("there was one");
    let set = ours::<Postgres>(files);
    let report = set.up(database.url()).await.expect("up works");
    assert_eq!(report.done.len(), 2);
}

#[tokio::test]
async fn m4_two_statements_are_in_a_transaction_although_there_is_none() {
    let files = [
        ("0001_a", "CREATE TABLE a (id INT);", "DROP TABLE a;"),
        (
            "0002_index",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY b ON a (id);\nCREATE INDEX CONCURRENTLY c ON a (id DESC);",
            "DROP INDEX b;\nDROP INDEX c;",
        ),
    ];
    fails_there_and_works_here(&files, "transaction block").await;
}

#[tokio::test]
async fn m5_who_waits_and_an_index_that_is_made_concurrently_are_a_deadlock() {
    let files = [
        (
            "0001_a",
            "CREATE TABLE a (id INT);\nSELECT pg_sleep(1);",
            "DROP TABLE a;",
        ),
        (
            "0002_index",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY b ON a (id);",
            "DROP INDEX CONCURRENTLY b;",
        ),
    ];
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let migrator = theirs(&files).await;
    let [one, two] = pools::<Postgres>(&database).await;
    // Whose run fails keeps the lock, so the other may wait for ever.
    let patience = Duration::from_secs(15);
    let (one, two) = tokio::join!(
        tokio::time::timeout(patience, migrator.run(&one)),
        tokio::time::timeout(patience, migrator.run(&two)),
    );
    let errors = [one, two].into_iter().flatten().filter_map(Result::err);
    let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
    let deadlock = errors.iter().any(|error| error.contains("deadlock"));
    assert!(deadlock, "sqlx has become better: {errors:?}");

    let database = Database::create(Engine::Postgres).expect("there was one");
    let set = ours::<Postgres>(&files);
    let (one, two) = tokio::join!(set.up(database.url()), set.up(database.url()));
    let done = one.expect("it succeeds").done.len() + two.expect("it succeeds").done.len();
    assert_eq!(done, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn m6_there_is_no_lock_on_sqlite() {
    let names: Vec<_> = (1..=40)
        .map(|n| {
            let table = format!("CREATE TABLE s{n} (id INT);");
            (format!("{n:04}_s"), table, format!("DROP TABLE s{n};"))
        })
        .collect();
    let files: Vec<File<'_>> = names
        .iter()
        .map(|(id, up, down)| (id.as_str(), up.as_str(), down.as_str()))
        .collect();
    let mut failed = 0;
    for _ in 0..20 {
        let database = Database::create(Engine::Sqlite).expect("a file needs no server");
        let runs: Vec<_> = (0..6)
            .map(|_| {
                let url = database.url().to_owned();
                let files: Vec<(String, String, String)> = names.clone();
                tokio::spawn(async move {
                    let files: Vec<File<'_>> = files
                        .iter()
                        .map(|(id, up, down)| (id.as_str(), up.as_str(), down.as_str()))
                        .collect();
                    let migrator = theirs(&files).await;
                    let pool = SqlitePool::connect(&url).await.expect("it opens");
                    migrator.run(&pool).await.is_err()
                })
            })
            .collect();
        for run in runs {
            failed += usize::from(run.await.expect("no panic"));
        }
        if failed > 0 {
            break;
        }
    }
    assert!(failed > 0, "sqlx has become better");

    for _ in 0..3 {
        let database = Database::create(Engine::Sqlite).expect("a file needs no server");
        let runs: Vec<_> = (0..6)
            .map(|_| {
                let (url, set) = (database.url().to_owned(), ours::<Sqlite>(&files));
                tokio::spawn(async move { set.up(url.as_str()).await })
            })
            .collect();
        let mut done = 0;
        for run in runs {
            done += run
                .await
                .expect("no panic")
                .expect("it succeeds")
                .done
                .len();
        }
        assert_eq!(done, 40);
    }
}

#[tokio::test]
async fn m11_what_has_no_way_back_is_left_out_in_silence() {
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for n in 1..=3 {
        write(
            &folder,
            &format!("{n}_t.up.sql"),
            &format!("CREATE TABLE t{n} (id INT);"),
        );
        if n != 2 {
            write(
                &folder,
                &format!("{n}_t.down.sql"),
                &format!("DROP TABLE t{n};"),
            );
        }
    }
    let migrator = read(folder.path()).await;
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    migrator.run(&pool).await.expect("up works");
    migrator
        .undo(&pool, 0)
        .await
        .expect("sqlx has become better");
    let left: Vec<i64> = sqlx::query_scalar("SELECT version FROM _sqlx_migrations")
        .fetch_all(&pool)
        .await
        .expect("it answers");
    assert_eq!(left, [2], "sqlx has become better");
    pool.close().await;

    // Here it is refused, before anything is taken back.
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for n in 1..=3 {
        let (safe, end) = match n {
            2 => ("false\n-- @irreversible: it cannot be", String::new()),
            _ => ("true", format!("\n-- DOWN MIGRATION\nDROP TABLE u{n};\n")),
        };
        let text = format!(
            "-- @name: A test\n-- @description: What a test needs.\n\
             -- @timestamp: 2026-01-05T10:00:00Z\n-- @rollbackSafe: {safe}\n\n\
             -- UP MIGRATION\nCREATE TABLE u{n} (id INT);\n{end}"
        );
        write(&folder, &format!("{n:04}_u.sql"), &text);
    }
    let set: Migrations<Postgres> =
        Migrations::load(folder.path(), backstitch::LoadOptions::default())
            .unwrap_or_else(|error| panic!("{error}"));
    set.up(database.url()).await.expect("up works");
    let error = set
        .down(database.url(), Down::All)
        .await
        .expect_err("one has no way back");
    assert_eq!(error.kind(), ErrorKind::Rollback, "{error}");
    let status = set.status(database.url()).await.expect("status works");
    assert_eq!(status.history.len(), 3);
}

#[tokio::test]
async fn m17_the_search_path_of_a_dump_hides_the_history() {
    let files = [
        (
            "0001_dump",
            "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.a (id INT);",
            "DROP TABLE public.a;",
        ),
        ("0002_b", "CREATE TABLE b (id INT);", "DROP TABLE b;"),
    ];
    fails_there_and_works_here(&files, "_sqlx_migrations").await;
}

#[tokio::test]
async fn m18_line_endings_and_comments_are_a_modification() {
    let text = "CREATE TABLE a\n(id INT);";
    for edited in [
        text.replace('\n', "\r\n"),
        format!("-- Licence: MIT\n{text}"),
    ] {
        let Some(database) = Database::create(Engine::Postgres) else {
            return;
        };
        let pool = PgPool::connect(database.url()).await.expect("it connects");
        theirs(&[("0001_a", text, "")])
            .await
            .run(&pool)
            .await
            .expect("up works");
        let again = theirs(&[("0001_a", &edited, "")]).await.run(&pool).await;
        let mismatch = matches!(again, Err(MigrateError::VersionMismatch(1)));
        assert!(mismatch, "sqlx has become better: {again:?}");
        pool.close().await;

        let database = Database::create(Engine::Postgres).expect("there was one");
        let set = ours::<Postgres>(&[("0001_a", text, "DROP TABLE a;")]);
        set.up(database.url()).await.expect("up works");
        let set = ours::<Postgres>(&[("0001_a", &edited, "DROP TABLE a;")]);
        let report = set.up(database.url()).await.expect("it is the same");
        assert!(report.is_up_to_date());
    }
}

#[tokio::test]
async fn m19_what_comes_late_is_applied_in_silence() {
    let one = ("0001_a", "CREATE TABLE a (id INT);", "DROP TABLE a;");
    let two = ("0002_b", "CREATE TABLE b (id INT);", "DROP TABLE b;");
    let three = ("0003_c", "CREATE TABLE c (id INT);", "DROP TABLE c;");
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    theirs(&[one, three])
        .await
        .run(&pool)
        .await
        .expect("up works");
    theirs(&[one, two, three])
        .await
        .run(&pool)
        .await
        .expect("sqlx has become better");
    let older = theirs(&[one, two]).await.run(&pool).await;
    assert!(
        matches!(older, Err(MigrateError::VersionMissing(3))),
        "{older:?}"
    );
    pool.close().await;

    let database = Database::create(Engine::Postgres).expect("there was one");
    let url = database.url();
    ours::<Postgres>(&[one, three])
        .up(url)
        .await
        .expect("up works");
    let late = ours::<Postgres>(&[one, two, three]).up(url).await;
    assert_eq!(
        late.expect_err("it comes late").kind(),
        ErrorKind::OutOfOrder
    );
    let newer = ours::<Postgres>(&[one, three]);
    assert!(
        newer
            .up(url)
            .await
            .expect("nothing has changed")
            .is_up_to_date()
    );
    // The older program can take back what the newer one did.
    let older = ours::<Postgres>(&[one]);
    let report = older.down(url, Down::Steps(1)).await.expect("down works");
    assert_eq!(report.done[0].id, "0003_c");
}

#[tokio::test]
async fn m20_the_error_names_a_line_of_the_server() {
    let files = [(
        "0001_a",
        "CREATE TABLE a (id INT primary ky);",
        "DROP TABLE a;",
    )];
    let Some(database) = Database::create(Engine::Postgres) else {
        return;
    };
    let pool = PgPool::connect(database.url()).await.expect("it connects");
    let error = theirs(&files)
        .await
        .run(&pool)
        .await
        .expect_err("it is wrong");
    let mut shown = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(next) = cause {
        shown += &next.to_string();
        cause = next.source();
    }
    let line = shown.rsplit("at line ").next().unwrap_or_default();
    let line: u32 = line.trim_end_matches(')').parse().unwrap_or(0);
    assert!(line > 100, "sqlx has become better: {shown}");
    pool.close().await;

    let set = ours::<Postgres>(&files);
    let error = set.up(database.url()).await.expect_err("it is wrong");
    let shown = error.to_string();
    assert!(shown.contains("0001_a.sql:7:32\n"), "{shown}");
}

#[tokio::test]
async fn m21_a_half_is_to_be_mended_by_deleting_a_row() {
    let up = "CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\nINSERT INTO c VALUES (1);";
    let files = [("0001_half", up, "DROP TABLE b;\nDROP TABLE a;")];
    let mended = up.replace("INTO c", "INTO b");
    let mended = [("0001_half", mended.as_str(), "DROP TABLE b;\nDROP TABLE a;")];
    let Some(database) = Database::create(Engine::MariaDb) else {
        return;
    };
    let pool = MySqlPool::connect(database.url())
        .await
        .expect("it connects");
    theirs(&files)
        .await
        .run(&pool)
        .await
        .expect_err("the third is wrong");
    let again = theirs(&mended).await.run(&pool).await;
    let dirty = matches!(again, Err(MigrateError::Dirty(1)));
    assert!(dirty, "sqlx has become better: {again:?}");
    pool.execute(AssertSqlSafe("DROP TABLE a, b, _sqlx_migrations"))
        .await
        .expect("it goes");
    pool.close().await;

    let set = ours::<MySql>(&files);
    set.up(database.url())
        .await
        .expect_err("the third is wrong");
    let set = ours::<MySql>(&mended);
    let report = set.up(database.url()).await;
    let report = report.unwrap_or_else(|error| panic!("it does not go on\n{error}"));
    assert_eq!(report.done.len(), 1);
}

#[tokio::test]
async fn m16_a_version_that_is_a_time_is_too_long() {
    let version = "20260105100000";
    let name = format!("V{version}__a");
    let theirs = refinery::Migration::unapplied(&name, "CREATE TABLE a (id INT);");
    assert!(theirs.is_err(), "refinery has become better");

    let (id, most) = (format!("{version}_a"), "999999999999999999_b");
    let files = [
        (id.as_str(), "CREATE TABLE a (id INT);", "DROP TABLE a;"),
        (most, "CREATE TABLE b (id INT);", "DROP TABLE b;"),
    ];
    for engine in [Engine::Postgres, Engine::MariaDb, Engine::Sqlite] {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let url = database.url();
        let (up, down) = match engine {
            Engine::MariaDb => there_and_back(&ours::<MySql>(&files), url).await,
            Engine::Sqlite => there_and_back(&ours::<Sqlite>(&files), url).await,
            _ => there_and_back(&ours::<Postgres>(&files), url).await,
        };
        assert_eq!((up, down), (2, 2), "{engine:?}");
    }
}

async fn there_and_back<DB: backstitch::Engine>(set: &Migrations<DB>, url: &str) -> (usize, usize) {
    let up = set.up(url).await.expect("up works");
    assert!(set.up(url).await.expect("up works").is_up_to_date());
    let down = set.down(url, Down::All).await.expect("down works");
    (up.done.len(), down.done.len())
}
