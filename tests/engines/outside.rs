//! Migrations outside of a transaction: each statement is counted, so that it is known what ran.
//!
//! By `@transaction: false`, and by DDL on engines that commit it by themselves.

use backstitch::{Down, ErrorKind, LoadOptions, Migrations};
use backstitch_core::Dialect;
use sqlx::{MySql, Postgres, Sqlite};

use crate::ground::{File, Folder, Ground, Product, load, migrations, scenarios};

scenarios! {
    everywhere: [
        statements_are_counted,
        a_failure_is_told_with_an_account,
        a_failure_of_the_first_statement_is_no_half,
        a_rollback_is_counted_too,
        a_batch_is_repeated_until_it_changes_no_row,
    ],
    postgres: [
        indexes_are_made_concurrently,
        an_enum_value_is_used_by_the_next_statement,
    ],
    mariadb: [
        ddl_and_data_are_counted_alike,
        data_and_its_count_go_together,
        procedures_answer_as_they_like,
        a_procedure_does_not_upset_a_transaction,
    ],
    sqlite: [
        vacuum_runs,
    ],
}

/// Makes `notes`, and then works on it outside of a transaction.
fn outside<DB: Product>(up: &str, down: &str) -> Migrations<DB> {
    migrations(&[
        ("0001_notes", notes()),
        (
            "0002_outside",
            File::new(up, down).with("@transaction: false"),
        ),
    ])
}

fn notes() -> File {
    File::new(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY)",
        "DROP TABLE notes",
    )
}

async fn statements_are_counted<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1);\nINSERT INTO notes VALUES (2), (3);\nDELETE FROM notes WHERE id = 1",
        "DELETE FROM notes;\nINSERT INTO notes VALUES (9)",
    );
    let report = set.up(ground.url()).await.expect("up works");
    assert_eq!(
        (report.done[1].statements, report.done[1].rows_affected),
        (3, 4)
    );
    assert_eq!(ground.history().await[1], "0002_outside applied 3/3");
    let took = ground
        .value("SELECT execution_ms FROM __migrations__ WHERE version = 2")
        .await;
    took.parse::<u64>().expect("milliseconds");
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );

    let report = set
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert_eq!(report.done[0].statements, 2);
    assert_eq!(ground.history().await, ["0001_notes applied 1/1"]);
    assert_eq!(ground.value("SELECT id FROM notes").await, "9");
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 1);
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn a_batch_is_repeated_until_it_changes_no_row<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1), (2), (3), (4), (5);\n\
         -- @batch: 2, pause 1ms\n\
         DELETE FROM notes WHERE id IN (SELECT id FROM (SELECT id FROM notes LIMIT 2) AS few);\n\
         INSERT INTO notes VALUES (6)",
        "DELETE FROM notes",
    );
    let report = set.up(ground.url()).await.expect("up works");
    assert_eq!(report.done[1].rows_affected, 5 + 5 + 1);
    assert_eq!(ground.history().await[1], "0002_outside applied 3/3");
    assert_eq!(ground.value("SELECT id FROM notes").await, "6");
}

async fn a_failure_is_told_with_an_account<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1);\nINSERT INTO notes VALUES (2);\n\
         INSERT INTO nowhere VALUES (3);\nINSERT INTO notes VALUES (4)",
        "DELETE FROM notes",
    );
    for _ in 0..3 {
        let error = set.up(ground.url()).await.expect_err("the third is wrong");
        assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
        let shown = error.to_string();
        for part in [
            "0002_outside.sql:10:13\n",
            "2 of 4 statements of `0002_outside` have run and stay",
            "it goes on at this statement",
        ] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
        assert_eq!(ground.history().await[1], "0002_outside failed 2/4");
        assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "2");
    }
    let error = set
        .down(ground.url(), Down::All)
        .await
        .expect_err("it is half done");
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    let shown = error.to_string();
    for part in [
        "2 of 4 statements of it have run",
        "0002_outside.sql:10:1\n",
        "INSERT INTO nowhere VALUES (3)",
        "this one failed",
        "It stopped with",
        "run `up`",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let plan = set.plan(ground.url()).await.expect("it can go on");
    assert_eq!(
        plan.to_string(),
        "resume 0002_outside (A test) at statement 3 of 4"
    );
    let status = set.status(ground.url()).await.expect("status works");
    assert_eq!(
        (status.pending.as_slice(), status.trouble),
        (&["0002_outside".to_owned()][..], None)
    );
    // A program that does not know the migration tells what it can.
    let older = migrations::<DB>(&[("0001_notes", notes())]);
    let error = older.up(ground.url()).await.expect_err("it is half done");
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    assert!(
        error
            .to_string()
            .contains("Repair::MarkApplied(\"0002_outside\")"),
        "{error}"
    );
}

async fn a_failure_of_the_first_statement_is_no_half<DB: Product>(ground: Ground<DB>) {
    let folder = Folder::of(&[("0001_notes", notes())]);
    let bad = File::new(
        "INSERT INTO nowhere VALUES (1);\nINSERT INTO notes VALUES (2)",
        "DELETE FROM notes",
    );
    folder.write("0002_outside.sql", &bad.with("@transaction: false").text());
    let error = folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect_err("the first is wrong");
    assert!(
        error
            .to_string()
            .contains("Nothing of `0002_outside` stays"),
        "{error}"
    );
    assert_eq!(ground.history().await[1], "0002_outside failed 0/2");
    let good = File::new(
        "INSERT INTO notes VALUES (1);\nINSERT INTO notes VALUES (2)",
        "DELETE FROM notes",
    );
    folder.write("0002_outside.sql", &good.with("@transaction: false").text());
    let report = folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect("it is right now");
    assert_eq!(report.done.len(), 1);
    assert_eq!(ground.history().await[1], "0002_outside applied 2/2");
}

async fn a_rollback_is_counted_too<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1)",
        "INSERT INTO notes VALUES (2);\nINSERT INTO nowhere VALUES (3);\nDELETE FROM notes",
    );
    set.up(ground.url()).await.expect("up works");
    let error = set
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("the second is wrong");
    assert!(
        error
            .to_string()
            .contains("1 of 3 statements of `0002_outside` have run and stay"),
        "{error}"
    );
    assert_eq!(ground.history().await[1], "0002_outside reverting 1/3");
    let error = set.up(ground.url()).await.expect_err("it is half done");
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    let shown = error.to_string();
    assert!(
        shown.contains("1 of 3 statements of its way back have run"),
        "{shown}"
    );
    assert!(shown.contains("INSERT INTO nowhere VALUES (3)"), "{shown}");
    let failed = ground
        .value("SELECT COUNT(*) FROM __migration_rollbacks__ WHERE error LIKE '%nowhere%'")
        .await;
    assert_eq!(failed, "1");
}

async fn indexes_are_made_concurrently(ground: Ground<Postgres>) {
    let set = outside::<Postgres>(
        "CREATE INDEX CONCURRENTLY notes_a ON notes (id);\n\
         CREATE INDEX CONCURRENTLY notes_b ON notes (id DESC);\n\
         VACUUM notes",
        "DROP INDEX CONCURRENTLY notes_b;\nDROP INDEX CONCURRENTLY notes_a",
    );
    set.up(ground.url()).await.expect("up works");
    let valid = "SELECT COUNT(*) FROM pg_index WHERE indisvalid AND indrelid = 'notes'::regclass";
    assert_eq!(ground.value(valid).await, "3");
    assert_eq!(ground.history().await[1], "0002_outside applied 3/3");
    set.down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert_eq!(ground.value(valid).await, "1");
}

async fn an_enum_value_is_used_by_the_next_statement(ground: Ground<Postgres>) {
    let set = migrations::<Postgres>(&[
        ("0001_mood", File::new("CREATE TYPE mood AS ENUM ('ok')", "DROP TYPE mood")),
        (
            "0002_better",
            File::new(
                "ALTER TYPE mood ADD VALUE 'fine';\nCREATE TABLE moods AS SELECT 'fine'::mood AS mood",
                "DROP TABLE moods",
            )
            .with("@transaction: false"),
        ),
    ]);
    set.up(ground.url())
        .await
        .expect("each statement commits by itself");
}

async fn ddl_and_data_are_counted_alike(ground: Ground<MySql>) {
    let set = migrations::<MySql>(&[(
        "0001_mixed",
        File::new(
            "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1), (2);\nALTER TABLE a ADD b INT;\n\
             UPDATE a SET b = 3;\nSELECT * FROM a;\nCREATE TABLE c (id INT)",
            "DROP TABLE c;\nDROP TABLE a",
        ),
    )]);
    let report = set.up(ground.url()).await.expect("up works");
    assert_eq!(
        (report.done[0].statements, report.done[0].rows_affected),
        (6, 4)
    );
    assert_eq!(ground.history().await, ["0001_mixed applied 6/6"]);
    let forcing = set.migrator().force();
    forcing
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    assert!(!ground.has("a").await && !ground.has("c").await);
}

async fn data_and_its_count_go_together(ground: Ground<MySql>) {
    // The count cannot be written while a trigger refuses it: the data must not stay either.
    let set = outside::<MySql>(
        "INSERT INTO notes VALUES (1);\nINSERT INTO notes VALUES (2);\nINSERT INTO notes VALUES (3)",
        "DELETE FROM notes",
    );
    set.migrator()
        .target("0001_notes")
        .expect("it is there")
        .up(ground.url())
        .await
        .expect("up works");
    ground
        .ask(
            "CREATE TRIGGER refuse BEFORE UPDATE ON __migrations__ FOR EACH ROW BEGIN \
             IF NEW.statements_done = 2 AND NEW.state = 'applying' THEN \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no count'; END IF; END",
        )
        .await;
    let error = set
        .up(ground.url())
        .await
        .expect_err("the second count is refused");
    assert!(error.to_string().contains("no count"), "{error}");
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");
    assert_eq!(ground.history().await[1], "0002_outside failed 1/3");
}

async fn procedures_answer_as_they_like(ground: Ground<MySql>) {
    // What only MariaDB takes.
    let (more, dialect) = match ground.is_maria().await {
        true => (
            ";\nBEGIN NOT ATOMIC SELECT 7; INSERT INTO said VALUES (8); SELECT 9; END;\n\
             EXECUTE IMMEDIATE 'INSERT INTO said VALUES (10)';\n\
             INSERT INTO said VALUES (11) RETURNING id",
            Dialect::MariaDb,
        ),
        false => ("", Dialect::MySql),
    };
    let folder = Folder::of(&[(
        "0001_talk",
        File::new(
            &format!(
                "CREATE TABLE said (id INT);\n\
             CREATE PROCEDURE talk(n INT) BEGIN SELECT 1; SELECT 2, 3; INSERT INTO said VALUES (n); SELECT 4; END;\n\
             CREATE PROCEDURE hush(n INT) BEGIN INSERT INTO said VALUES (n); END;\n\
             CALL talk(1);\nINSERT INTO said VALUES (2);\nCALL hush(3);\nCALL talk(4);\n\
             PREPARE later FROM 'SELECT 5, 6';\nEXECUTE later;\nDEALLOCATE PREPARE later;\n\
             INSERT INTO said VALUES (12){more}"
            ),
            "DROP PROCEDURE talk;\nDROP PROCEDURE hush;\nDROP TABLE said",
        ),
    )]);
    let options = LoadOptions {
        dialect: Some(dialect),
        ..LoadOptions::default()
    };
    let set: Migrations<MySql> = load(folder.path(), options);
    set.up(ground.url()).await.expect("up works");
    let all = if more.is_empty() { 11 } else { 14 };
    let applied = format!("0001_talk applied {all}/{all}");
    assert_eq!(ground.history().await, [applied]);
    let said = ground
        .value("SELECT GROUP_CONCAT(id ORDER BY id) FROM said")
        .await;
    let expected = if more.is_empty() {
        "1,2,3,4,12"
    } else {
        "1,2,3,4,8,10,11,12"
    };
    assert_eq!(said, expected);
    let forcing = set.migrator().force();
    forcing
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
}

async fn a_procedure_does_not_upset_a_transaction(ground: Ground<MySql>) {
    let set = migrations::<MySql>(&[
        (
            "0001_talk",
            File::new(
                "CREATE TABLE said (id INT);\n\
                 CREATE PROCEDURE talk(n INT) BEGIN SELECT 1; INSERT INTO said VALUES (n); SELECT 4; END",
                "DROP PROCEDURE talk;\nDROP TABLE said",
            ),
        ),
        (
            "0002_call",
            File::new(
                "CALL talk(1);\nCALL talk(2);\nINSERT INTO said VALUES (nonsense)",
                "DELETE FROM said",
            ),
        ),
    ]);
    let error = set.up(ground.url()).await.expect_err("the last is wrong");
    assert!(
        error.to_string().contains("0002_call.sql:9:26\n"),
        "{error}"
    );
    assert!(
        error.to_string().contains("Nothing of `0002_call` stays"),
        "{error}"
    );
    assert_eq!(ground.value("SELECT COUNT(*) FROM said").await, "0");
    assert_eq!(ground.history().await[1], "0002_call failed 0/3");
}

async fn vacuum_runs(ground: Ground<Sqlite>) {
    let set = outside::<Sqlite>(
        "INSERT INTO notes VALUES (1);\nVACUUM;\nPRAGMA journal_mode = WAL",
        "VACUUM",
    );
    set.up(ground.url()).await.expect("up works");
    assert_eq!(ground.history().await[1], "0002_outside applied 3/3");
    assert_eq!(ground.value("PRAGMA journal_mode").await, "wal");
    set.down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
}
