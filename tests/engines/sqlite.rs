//! What only SQLite has: foreign keys that are switched off, databases in memory, files.

use std::time::Duration;

use backstitch::{Down, ErrorKind};
use backstitch_tests::process::Process;
use sqlx::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::ground::{File, Folder, Ground, ask, migrations, program, scenarios, tables, until};

scenarios! {
    sqlite: [
        a_rebuild_keeps_the_children,
        broken_foreign_keys_stop_the_commit,
        a_database_in_memory_survives,
        a_file_that_another_process_writes_to_is_waited_for,
        a_file_that_may_only_be_read_is_read,
        triggers_are_one_statement,
        a_missing_file_is_told,
    ],
}

fn family() -> File {
    File::new(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT);\n\
         CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE);\n\
         INSERT INTO parents VALUES (1, 'ada'), (2, 'grace');\n\
         INSERT INTO children VALUES (10, 1), (20, 2)",
        "DROP TABLE children;\nDROP TABLE parents",
    )
}

fn rebuild(copy: &str) -> File {
    File::new(
        &format!(
            "CREATE TABLE new_parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n{copy};\n\
             DROP TABLE parents;\nALTER TABLE new_parents RENAME TO parents"
        ),
        "CREATE TABLE old_parents (id INTEGER PRIMARY KEY, name TEXT);\n\
         INSERT INTO old_parents SELECT * FROM parents;\nDROP TABLE parents;\n\
         ALTER TABLE old_parents RENAME TO parents",
    )
    .with("@foreignKeys: off")
}

async fn a_rebuild_keeps_the_children(ground: Ground<Sqlite>) {
    let set = migrations::<Sqlite>(&[
        ("0001_family", family()),
        (
            "0002_rebuild",
            rebuild("INSERT INTO new_parents SELECT id, name FROM parents"),
        ),
        // Afterwards they are enforced again.
        (
            "0003_orphan",
            File::new("INSERT INTO children VALUES (30, 99)", "SELECT 1"),
        ),
    ]);
    let error = set.up(ground.url()).await.expect_err("an orphan");
    assert_eq!(error.migration(), Some("0003_orphan"));
    assert!(error.to_string().contains("FOREIGN KEY"), "{error}");
    assert_eq!(ground.value("SELECT count(*) FROM children").await, "2");
    let schema = "SELECT sql FROM sqlite_schema WHERE name = 'parents'";
    assert!(ground.value(schema).await.contains("NOT NULL"));
    // The way back is a rebuild too, and its annotation is stored with it.
    set.down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert_eq!(ground.value("SELECT count(*) FROM children").await, "2");
    assert!(!ground.value(schema).await.contains("NOT NULL"));
}

async fn broken_foreign_keys_stop_the_commit(ground: Ground<Sqlite>) {
    let set = migrations::<Sqlite>(&[
        ("0001_family", family()),
        (
            "0002_rebuild",
            rebuild("INSERT INTO new_parents SELECT id, name FROM parents WHERE id = 1"),
        ),
    ]);
    for _ in 0..2 {
        let error = set
            .up(ground.url())
            .await
            .expect_err("a child lost its parent");
        assert_eq!(error.kind(), ErrorKind::Check);
        assert_eq!(error.migration(), Some("0002_rebuild"));
        let shown = error.to_string();
        assert!(
            shown.contains("table = children, rowid = 20, parent = parents"),
            "{shown}"
        );
        assert_eq!(ground.value("SELECT count(*) FROM parents").await, "2");
        assert_eq!(ground.history().await[1], "0002_rebuild failed 0/4");
    }
    // On a borrowed connection they are enforced again after that.
    let mut connection = ground.connect().await;
    set.up(&mut connection)
        .await
        .expect_err("a child lost its parent");
    assert_eq!(
        ask::<Sqlite>(&mut connection, "PRAGMA foreign_keys").await,
        [["1"]]
    );
    ask::<Sqlite>(&mut connection, "DELETE FROM parents WHERE id = 2").await;
    assert_eq!(
        ask::<Sqlite>(&mut connection, "SELECT count(*) FROM children").await,
        [["1"]]
    );
}

async fn a_database_in_memory_survives(_ground: Ground<Sqlite>) {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .expect("connects");
    let set = tables::<Sqlite>(3);
    assert_eq!(set.up(&pool).await.expect("up works").done.len(), 3);
    assert!(set.up(&pool).await.expect("up works").is_up_to_date());
    sqlx::query("INSERT INTO t3 VALUES (1)")
        .execute(&pool)
        .await
        .expect("the table is there");
    assert_eq!(
        tables::<Sqlite>(5)
            .up(&pool)
            .await
            .expect("up works")
            .done
            .len(),
        2
    );
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM t3")
        .fetch_one(&pool)
        .await
        .expect("it survives");
    assert_eq!(count, 1);
    tables::<Sqlite>(5)
        .down(&pool, Down::Steps(2))
        .await
        .expect("down works");
    assert!(
        set.status(&pool)
            .await
            .expect("status works")
            .is_up_to_date()
    );
    // A connection of its own is as good.
    assert_eq!(
        set.up("sqlite::memory:")
            .await
            .expect("up works")
            .done
            .len(),
        3
    );
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect("sqlite::memory:")
        .await
        .expect("connects");
    set.up(&mut connection).await.expect("up works");
    assert_eq!(
        ask::<Sqlite>(&mut connection, "SELECT count(*) FROM t3").await,
        [["0"]]
    );
}

async fn a_file_that_another_process_writes_to_is_waited_for(ground: Ground<Sqlite>) {
    use crate::ground::Product;
    ground
        .ask("CREATE TABLE naps (tenths INTEGER); INSERT INTO naps VALUES (30)")
        .await;
    let folder = Folder::of(&[("0001_nap", File::new(Sqlite::NAP, "SELECT 1"))]);
    for journal in ["delete", "wal"] {
        ground
            .ask(&format!(
                "PRAGMA journal_mode = {journal}; DROP TABLE IF EXISTS __migrations__"
            ))
            .await;
        let process = Process::start(program(ground.url(), folder.path()));
        until("the other one writes", async || {
            let mut connection = ground.connect().await;
            let write = "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK";
            ground.has("__migrations__").await && Sqlite::ask(&mut connection, write).await.is_err()
        })
        .await;
        let set = folder.load::<Sqlite>();
        let migrator = set.migrator().lock_wait(Duration::from_millis(300));
        let error = migrator
            .up(ground.url())
            .await
            .expect_err("another process writes");
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        let holder = format!(
            "It is held by process {} (migrate) on this host",
            process.id()
        );
        assert!(error.to_string().contains(&holder), "{holder}\n{error}");
        let report = set.up(ground.url()).await.expect("it ends");
        assert!(report.done.is_empty(), "{report:?}");
        let end = process.wait();
        assert_eq!(
            (end.code, end.stdout.as_str()),
            (Some(0), "done 0001_nap\n")
        );
    }
}

async fn a_file_that_may_only_be_read_is_read(ground: Ground<Sqlite>) {
    tables::<Sqlite>(2)
        .up(ground.url())
        .await
        .expect("up works");
    let options: SqliteConnectOptions = ground.url().parse().expect("it is a URL");
    let pool = SqlitePoolOptions::new()
        .connect_with(options.read_only(true))
        .await
        .expect("connects");
    assert!(
        tables::<Sqlite>(2)
            .up(&pool)
            .await
            .expect("nothing is to be done")
            .is_up_to_date()
    );
    let status = tables::<Sqlite>(3)
        .status(&pool)
        .await
        .expect("status only reads");
    assert_eq!(status.pending, ["0003_t3"]);
    let error = tables::<Sqlite>(3)
        .up(&pool)
        .await
        .expect_err("it cannot be written");
    assert!(error.to_string().contains("readonly database"), "{error}");
}

async fn triggers_are_one_statement(ground: Ground<Sqlite>) {
    let set = migrations::<Sqlite>(&[(
        "0001_trigger",
        File::new(
            "CREATE TABLE t (id INTEGER);\nCREATE TABLE log (id INTEGER, what TEXT);\n\
             CREATE TRIGGER t_log AFTER INSERT ON t WHEN NEW.id > 0 BEGIN\n\
             INSERT INTO log VALUES (NEW.id, CASE WHEN NEW.id > 1 THEN 'END;' ELSE 'one' END);\n\
             UPDATE log SET what = what || ';' WHERE id = NEW.id;\nEND;\nINSERT INTO t VALUES (1), (2)",
            "DROP TRIGGER t_log;\nDROP TABLE log;\nDROP TABLE t",
        ),
    )]);
    let report = set.up(ground.url()).await.expect("up works");
    assert_eq!(report.done[0].statements, 4);
    assert_eq!(
        ground.ask("SELECT what FROM log ORDER BY id").await,
        [["one;"], ["END;;"]]
    );
    let forcing = set.migrator().force();
    forcing
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
}

async fn a_missing_file_is_told(_ground: Ground<Sqlite>) {
    let error = tables::<Sqlite>(1)
        .up("sqlite:/nowhere/at/all.db")
        .await
        .expect_err("there is none");
    assert!(
        error
            .to_string()
            .contains("cannot connect to sqlite:/nowhere/at/all.db"),
        "{error}"
    );
}
