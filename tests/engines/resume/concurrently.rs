//! Indexes that are made beside others, and may be left half made.

use backstitch::{Down, ErrorKind, Migrations};
use backstitch_tests::process::Process;
use sqlx::Postgres;

use super::{files, first, outside, up_told};
use crate::ground::{Folder, Ground, ask, program, scenarios, until};

scenarios! {
    postgres: [
        an_index_that_was_made_is_not_made_again,
        an_index_that_is_half_made_is_made_anew,
        a_unique_index_is_made_once_it_can_be,
        an_invalid_index_of_somebody_else_stays,
        what_cannot_be_known_is_asked,
        a_statement_that_refuses_a_transaction_runs_without,
    ],
}

/// Refuses to count beyond so many statements, and to note that it failed.
async fn refuse_counts(ground: &Ground<Postgres>, from: u32) {
    ground
        .ask(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.version = 2 AND (NEW.statements_done >= {from} OR NEW.error IS NOT NULL) THEN \
             RAISE EXCEPTION 'no count'; END IF; RETURN NEW; END $$"
        ))
        .await;
    ground
        .ask(
            "CREATE TRIGGER refuse BEFORE UPDATE ON __migrations__ FOR EACH ROW \
             EXECUTE FUNCTION refuse()",
        )
        .await;
}

async fn count_again(ground: &Ground<Postgres>) {
    ground.ask("DROP TRIGGER refuse ON __migrations__").await;
}
async fn an_index_that_was_made_is_not_made_again(ground: Ground<Postgres>) {
    let set = outside::<Postgres>(
        "INSERT INTO notes VALUES (1);\nCREATE INDEX CONCURRENTLY \"By Id\" ON public.notes (id);\n\
         INSERT INTO notes VALUES (2)",
        "DROP INDEX CONCURRENTLY public.\"By Id\";\nDELETE FROM notes",
    );
    first(&set, &ground).await;
    refuse_counts(&ground, 2).await;
    let error = set
        .up(ground.url())
        .await
        .expect_err("it cannot be counted");
    assert!(error.to_string().contains("no count"), "{error}");
    assert_eq!(ground.history().await[1], "0002_outside applying 1/3");
    let plan = set.plan(ground.url()).await.expect("it can go on");
    assert_eq!(
        plan.to_string(),
        "resume 0002_outside (A test) at statement 2 of 3, unless that has taken effect"
    );
    // It cannot be asked about what no longer stands there.
    let edited = outside::<Postgres>(
        "INSERT INTO notes VALUES (1);\nCREATE INDEX CONCURRENTLY other ON notes (id)",
        "SELECT 1",
    );
    let error = edited.up(ground.url()).await.expect_err("it was edited");
    assert!(
        error.to_string().contains("put statement 2 back as it was"),
        "{error}"
    );
    count_again(&ground).await;
    let (report, told) = up_told(&set, &ground).await;
    report.expect("it goes on");
    assert_eq!(
        told,
        [
            "0002_outside resumes after 1",
            "0002_outside statement 2 took effect: true",
            "0002_outside did 3"
        ]
    );
    // The same on the way back.
    ground.ask("DROP FUNCTION refuse").await;
    refuse_counts(&ground, 1).await;
    set.migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it cannot be counted");
    assert_eq!(ground.history().await[1], "0002_outside reverting 0/2");
    count_again(&ground).await;
    let report = set
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("it goes on");
    assert_eq!(report.done[0].rows_affected, 2);
    assert_eq!(ground.history().await, ["0001_notes applied 1/1"]);
}

async fn an_index_that_is_half_made_is_made_anew(ground: Ground<Postgres>) {
    let up = "INSERT INTO notes VALUES (1);\nCREATE INDEX CONCURRENTLY by_id ON notes (id)";
    let folder = Folder::of(&files(up, "DROP INDEX CONCURRENTLY by_id"));
    let set: Migrations<Postgres> = folder.load();
    first(&set, &ground).await;
    let mut old = ground.connect().await;
    ask::<Postgres>(&mut old, "BEGIN; INSERT INTO notes VALUES (7)").await;
    let process = Process::start(program(ground.url(), folder.path()));
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('by_id')";
    until("the index is half made", async || {
        !ground.ask(valid).await.is_empty()
    })
    .await;
    process.kill();
    let worker = "SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' \
                  AND datname = current_database()";
    until("the server notices", async || {
        ground.value(worker).await == "0"
    })
    .await;
    assert_eq!(ground.value(valid).await, "f");
    ask::<Postgres>(&mut old, "COMMIT").await;
    let (report, told) = up_told(&set, &ground).await;
    report.expect("it goes on");
    assert_eq!(
        told,
        [
            "0002_outside resumes after 1",
            "0002_outside dropped index by_id of notes",
            "0002_outside statement 2 took effect: false",
            "0002_outside did 2"
        ]
    );
    assert_eq!(ground.value(valid).await, "t");
}

async fn a_unique_index_is_made_once_it_can_be(ground: Ground<Postgres>) {
    let set = outside::<Postgres>(
        "ALTER TABLE notes ADD COLUMN kind integer DEFAULT 1;\nINSERT INTO notes VALUES (1), (2);\n\
         CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS one_of_a_kind ON notes (kind)",
        "DROP INDEX CONCURRENTLY one_of_a_kind;\nALTER TABLE notes DROP COLUMN kind",
    );
    for _ in 0..2 {
        let error = set.up(ground.url()).await.expect_err("two of a kind");
        assert_eq!(error.kind(), ErrorKind::Statement);
        assert_eq!(ground.history().await[1], "0002_outside applying 2/3");
    }
    ground.ask("UPDATE notes SET kind = id").await;
    set.up(ground.url()).await.expect("one of each");
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('one_of_a_kind')";
    assert_eq!(ground.value(valid).await, "t");
}

async fn an_invalid_index_of_somebody_else_stays(ground: Ground<Postgres>) {
    let set = outside::<Postgres>(
        "INSERT INTO notes VALUES (1);\nCREATE INDEX CONCURRENTLY by_id ON notes (id)",
        "DROP INDEX CONCURRENTLY by_id",
    );
    first(&set, &ground).await;
    ground.ask("CREATE INDEX by_id ON notes (id)").await;
    ground
        .ask("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_id'::regclass")
        .await;
    for _ in 0..2 {
        let error = set.up(ground.url()).await.expect_err("there is one");
        assert!(error.to_string().contains("already exists"), "{error}");
        assert_eq!(ground.history().await[1], "0002_outside failed 1/2");
    }
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('by_id')";
    assert_eq!(ground.value(valid).await, "f");
}

async fn what_cannot_be_known_is_asked(ground: Ground<Postgres>) {
    let set = outside::<Postgres>(
        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes VALUES (1); COMMIT; END $$;\n\
         CALL fill();\nINSERT INTO notes VALUES (2)",
        "DROP PROCEDURE fill",
    );
    first(&set, &ground).await;
    refuse_counts(&ground, 2).await;
    set.up(ground.url())
        .await
        .expect_err("it cannot be counted");
    count_again(&ground).await;
    for _ in 0..2 {
        let error = set.up(ground.url()).await.expect_err("nobody can know");
        assert_eq!(error.kind(), ErrorKind::Unfinished);
        let shown = error.to_string();
        for part in [
            "it is not known whether statement 2 of `0002_outside` has taken effect",
            "0002_outside.sql:9:1\n",
            "Repair::Resume { id: \"0002_outside\", done: 2 }",
            "Repair::Resume { id: \"0002_outside\", done: 1 }",
        ] {
            assert!(shown.contains(part), "{part}\n{shown}");
        }
    }
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");
}

async fn a_statement_that_refuses_a_transaction_runs_without(ground: Ground<Postgres>) {
    // The text does not tell that the block commits.
    let set = outside::<Postgres>(
        "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes VALUES (1); COMMIT; END $$;\n\
         DO $$ BEGIN CALL fill(); END $$;\nINSERT INTO notes VALUES (2)",
        "DROP PROCEDURE fill",
    );
    let (report, told) = up_told(&set, &ground).await;
    assert_eq!(report.expect("it works without").done[1].statements, 3);
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "2");
}
