//! DDL that commits by itself, and whose count was lost.

use backstitch::{Down, Migrations};
use backstitch_tests::process::Process;
use sqlx::MySql;

use super::{files, first, outside, up_told};
use crate::ground::{Folder, Ground, ask, program, scenarios, until};

scenarios! {
    mariadb: [
        ddl_that_took_effect_does_not_run_again,
        ddl_that_was_killed_runs_again,
        a_procedure_that_may_have_run_is_asked_about,
    ],
}

async fn refuse_counts_of_mariadb(ground: &Ground<MySql>, from: u32) {
    ground
        .ask(&format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON __migrations__ FOR EACH ROW BEGIN \
             IF NEW.version = 2 AND (NEW.statements_done >= {from} OR NEW.error IS NOT NULL) THEN \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no count'; END IF; END"
        ))
        .await;
}

async fn ddl_that_took_effect_does_not_run_again(ground: Ground<MySql>) {
    for (make, ddl) in [
        ("SELECT 1", "CREATE TABLE `made it` (id INT)"),
        (
            "SELECT 1",
            "ALTER TABLE notes ADD COLUMN more INT, ADD INDEX by_more (more)",
        ),
        ("CREATE TABLE old (id INT)", "DROP TABLE old"),
        ("CREATE TABLE old2 (id INT)", "RENAME TABLE old2 TO new2"),
        (
            "ALTER TABLE notes ADD name INT",
            "ALTER TABLE notes CHANGE name title INT",
        ),
        ("SELECT 1", "CREATE PROCEDURE p() BEGIN SELECT 1; END"),
        (
            "SELECT 1",
            "CREATE TRIGGER g BEFORE INSERT ON notes FOR EACH ROW SET NEW.id = NEW.id",
        ),
        (
            "CREATE TABLE c (note INTEGER)",
            "ALTER TABLE c ADD CONSTRAINT f FOREIGN KEY (note) REFERENCES notes (id)",
        ),
        ("SELECT 1", "CREATE UNIQUE INDEX by_id ON notes (id)"),
        ("SELECT 1", "DROP INDEX by_id ON notes"),
    ] {
        let set = outside::<MySql>(
            &format!("{make};\n{ddl};\nINSERT INTO notes (id) VALUES (2)"),
            "DELETE FROM notes",
        );
        first(&set, &ground).await;
        refuse_counts_of_mariadb(&ground, 2).await;
        let error = set
            .up(ground.url())
            .await
            .expect_err("it cannot be counted");
        assert!(error.to_string().contains("no count"), "{error}");
        assert_eq!(
            ground.history().await[1],
            "0002_outside applying 1/3",
            "{ddl}"
        );
        ground.ask("DROP TRIGGER refuse").await;
        let (report, told) = up_told(&set, &ground).await;
        report.unwrap_or_else(|error| panic!("{ddl}\n{error}"));
        assert_eq!(
            told,
            [
                "0002_outside resumes after 1",
                "0002_outside statement 2 took effect: true",
                "0002_outside did 3"
            ],
            "{ddl}"
        );
        set.migrator()
            .force()
            .down(ground.url(), Down::Steps(1))
            .await
            .expect("down works");
    }
}

async fn ddl_that_was_killed_runs_again(ground: Ground<MySql>) {
    let up = "INSERT INTO notes VALUES (1);\nALTER TABLE notes ADD COLUMN more INT;\nINSERT INTO notes VALUES (2, 2)";
    let folder = Folder::of(&files(up, "ALTER TABLE notes DROP COLUMN more"));
    let set: Migrations<MySql> = folder.load();
    first(&set, &ground).await;
    let mut reader = ground.connect().await;
    ask::<MySql>(&mut reader, "START TRANSACTION").await;
    ask::<MySql>(&mut reader, "SELECT * FROM notes").await;
    let process = Process::start(program(ground.url(), folder.path()));
    until("the second statement waits", async || {
        ground
            .history()
            .await
            .get(1)
            .is_some_and(|row| row == "0002_outside applying 1/3")
    })
    .await;
    process.kill();
    let waiter = "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'ALTER TABLE notes%' \
                  AND ID <> CONNECTION_ID() AND DB = DATABASE()";
    for row in ground.ask(waiter).await {
        ground.ask(&format!("KILL {}", row[0])).await;
    }
    ask::<MySql>(&mut reader, "COMMIT").await;
    let (report, told) = up_told(&set, &ground).await;
    report.expect("it goes on");
    assert_eq!(
        told,
        [
            "0002_outside resumes after 1",
            "0002_outside statement 2 took effect: false",
            "0002_outside did 2",
            "0002_outside did 3"
        ]
    );
}

async fn a_procedure_that_may_have_run_is_asked_about(ground: Ground<MySql>) {
    let set = outside::<MySql>(
        "CREATE PROCEDURE fill() BEGIN INSERT INTO notes VALUES (1); CREATE TABLE made (id INT); END;\n\
         CALL fill();\nINSERT INTO notes VALUES (2)",
        "DROP PROCEDURE fill;\nDROP TABLE made",
    );
    first(&set, &ground).await;
    refuse_counts_of_mariadb(&ground, 2).await;
    set.up(ground.url())
        .await
        .expect_err("it cannot be counted");
    ground.ask("DROP TRIGGER refuse").await;
    let error = set.up(ground.url()).await.expect_err("nobody can know");
    assert!(
        error
            .to_string()
            .contains("it is not known whether statement 2"),
        "{error}"
    );
    assert!(ground.has("made").await);
}
