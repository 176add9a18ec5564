//! Going on where a run stopped: after a failure, a kill, or a lost connection.
//!
//! What a statement left behind of which nobody knows whether it has taken effect is made by
//! refusing the count that comes after it: that is the database as a crash between the two leaves it.
//! Indexes made beside others, DDL that commits by itself and batches have files of their own.

use std::sync::{Arc, Mutex};

use backstitch::{Action, Down, ErrorKind, Event, Migrations};
use backstitch_tests::process::Process;

use crate::ground::{File, Folder, Ground, Product, migrations, program, scenarios, until};

mod batches;
mod concurrently;
mod ddl;

scenarios! {
    everywhere: [
        the_rest_runs_when_it_is_put_right,
        what_has_run_must_stay_as_it_was,
        a_rollback_goes_on_too,
        what_a_session_took_along_is_missed,
        the_layout_before_is_kept,
        a_failure_before_anything_ran_may_be_edited,
        a_state_that_a_hand_wrote_is_not_gone_on_with,
    ],
    servers: [
        a_killed_run_goes_on,
        settings_are_made_again,
    ],
}

/// Makes `notes`, and then works on it outside of a transaction.
fn files(up: &str, down: &str) -> [(&'static str, File); 2] {
    [
        (
            "0001_notes",
            File::new(
                "CREATE TABLE notes (id INTEGER PRIMARY KEY)",
                "DROP TABLE notes",
            ),
        ),
        (
            "0002_outside",
            File::new(up, down).with("@transaction: false"),
        ),
    ]
}

fn outside<DB: Product>(up: &str, down: &str) -> Migrations<DB> {
    migrations(&files(up, down))
}

/// Applies what is pending, and returns what was told about resuming.
async fn up_told<DB: Product>(
    set: &Migrations<DB>,
    ground: &Ground<DB>,
) -> (Result<backstitch::Report, backstitch::Error>, Vec<String>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let result = {
        let told = told.clone();
        let migrator = set.migrator().observer(move |event: Event<'_>| {
            let line = match event {
                Event::Resumed { id, done } => format!("{id} resumes after {done}"),
                Event::Settled {
                    id,
                    statement,
                    took_effect,
                } => format!("{id} statement {statement} took effect: {took_effect}"),
                Event::LeftoverDropped { id, what } => format!("{id} dropped {what}"),
                Event::StatementDone { id, statement, .. } => format!("{id} did {statement}"),
                _ => return,
            };
            told.lock().expect("nobody panics").push(line);
        });
        migrator.up(ground.url()).await
    };
    let told = told.lock().expect("nobody panics").clone();
    (result, told)
}

async fn first<DB: Product>(set: &Migrations<DB>, ground: &Ground<DB>) {
    let migrator = set.migrator().target("0001_notes").expect("it is there");
    migrator.up(ground.url()).await.expect("the first works");
}

async fn the_rest_runs_when_it_is_put_right<DB: Product>(ground: Ground<DB>) {
    let up = |third: &str| {
        format!(
            "INSERT INTO notes VALUES (1);\nINSERT INTO notes VALUES (2);\n{third};\n\
             INSERT INTO notes VALUES (4)"
        )
    };
    let wrong = outside::<DB>(&up("INSERT INTO nowhere VALUES (3)"), "DELETE FROM notes");
    wrong
        .up(ground.url())
        .await
        .expect_err("the third is wrong");
    let right = outside::<DB>(
        &format!(
            "-- put right\n{};\nINSERT INTO notes VALUES (5)",
            up("INSERT INTO notes VALUES (3)")
        ),
        "DELETE FROM notes;\nDELETE FROM notes",
    );
    let (report, told) = up_told(&right, &ground).await;
    let report = report.expect("it goes on");
    assert_eq!(report.done.len(), 1);
    assert_eq!(report.done[0].action, Action::Resume);
    assert_eq!(
        (report.done[0].statements, report.done[0].rows_affected),
        (3, 3)
    );
    assert_eq!(
        told,
        [
            "0002_outside resumes after 2",
            "0002_outside did 3",
            "0002_outside did 4",
            "0002_outside did 5"
        ]
    );
    assert_eq!(ground.value("SELECT SUM(id) FROM notes").await, "15");
    assert_eq!(ground.history().await[1], "0002_outside applied 5/5");
    assert!(
        right
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    // The way back is that of the file that was put right.
    let report = right
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await;
    assert_eq!(report.expect("down works").done[0].statements, 2);
}

async fn what_has_run_must_stay_as_it_was<DB: Product>(ground: Ground<DB>) {
    let up = |first: u32, second: &str| {
        outside::<DB>(
            &format!("INSERT INTO notes VALUES ({first});\nINSERT INTO {second} VALUES (9)"),
            "DELETE FROM notes",
        )
    };
    up(1, "nowhere")
        .up(ground.url())
        .await
        .expect_err("the second is wrong");
    let error = up(2, "notes").up(ground.url()).await;
    let error = error.expect_err("another one ran");
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    let shown = error.to_string();
    for part in [
        "what has run of it has been edited since",
        "statements 1 to 1 have run as they were",
        "put statements 1 to 1 back",
        "Repair::MarkNotApplied(\"0002_outside\")",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");
    up(1, "notes")
        .up(ground.url())
        .await
        .expect("as it was, and put right");
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "2");
}

async fn a_rollback_goes_on_too<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1)",
        "INSERT INTO notes VALUES (2);\nINSERT INTO later VALUES (3);\nDELETE FROM notes",
    );
    set.up(ground.url()).await.expect("up works");
    let error = set
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await;
    let error = error.expect_err("there is no such table yet");
    assert!(error.to_string().contains("run `down` again"), "{error}");
    assert_eq!(
        ground.history().await,
        ["0001_notes applied 1/1", "0002_outside reverting 1/3"]
    );
    let error = set
        .up(ground.url())
        .await
        .expect_err("it is half taken back");
    assert!(
        error
            .to_string()
            .contains("run `down` with `Down::Steps(1)`"),
        "{error}"
    );

    ground.ask("CREATE TABLE later (id INTEGER)").await;
    // However far it is asked to go back, what is half taken back comes first.
    let plan = set
        .migrator()
        .plan_down(ground.url(), Down::To("0001_notes".to_owned()))
        .await;
    let plan = plan.expect("it can go on");
    assert_eq!(plan.steps.len(), 1);
    assert_eq!((plan.steps[0].done, plan.steps[0].in_doubt), (1, false));
    // A program that does not know the migration can finish it.
    let older = migrations::<DB>(&files("", "")[..1]);
    let report = older
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("it goes on");
    assert_eq!(report.done[0].statements, 2);
    assert_eq!(ground.history().await, ["0001_notes applied 1/1"]);
    assert_eq!(ground.value("SELECT COUNT(*) FROM later").await, "1");
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "0");
    assert!(
        older
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 1);
}

async fn what_a_session_took_along_is_missed<DB: Product>(ground: Ground<DB>) {
    let up = |rest: &str| {
        outside::<DB>(
            &format!(
                "CREATE TEMPORARY TABLE few (id INTEGER);\nINSERT INTO few VALUES (1);\n\
                 INSERT INTO nowhere VALUES (1);\n{rest}"
            ),
            "DELETE FROM notes",
        )
    };
    let set = up("INSERT INTO notes SELECT id FROM few");
    set.up(ground.url()).await.expect_err("the third is wrong");
    let error = set.up(ground.url()).await.expect_err("the table is gone");
    assert_eq!(error.kind(), ErrorKind::Unfinished);
    let shown = error.to_string();
    for part in [
        "needs `few` of a session that is gone",
        "0002_outside.sql:8:1\n",
        "does without `few`",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    ground.ask("CREATE TABLE nowhere (id INTEGER)").await;
    up("INSERT INTO notes VALUES (1)")
        .up(ground.url())
        .await
        .expect("it does without");
    assert_eq!(ground.history().await[1], "0002_outside applied 4/4");
}

/// The tables as the first release made them, with rows.
async fn the_layout_before_is_kept<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1);\nINSERT INTO nowhere VALUES (2)",
        "DELETE FROM notes",
    );
    set.up(ground.url()).await.expect_err("the second is wrong");
    for column in ["done_checksum", "open_checksum", "rounds", "round_rows"] {
        ground
            .ask(&format!("ALTER TABLE __migrations__ DROP COLUMN {column}"))
            .await;
    }
    ground.ask("UPDATE __migrations__ SET layout = 1").await;
    ground.ask("DROP TABLE __migration_repairs__").await;

    let before = migrations::<DB>(&files("", "")[..1]);
    let status = set
        .status(ground.url())
        .await
        .expect("looking changes nothing");
    assert_eq!(status.history.len(), 2);
    assert!(!ground.has("__migration_repairs__").await);
    // Without the checksum of what has run, nothing may be edited.
    let edited = outside::<DB>(
        "INSERT INTO notes VALUES (1);\nINSERT INTO notes VALUES (2)",
        "DELETE FROM notes",
    );
    let error = edited.up(ground.url()).await.expect_err("it was edited");
    assert_eq!(error.kind(), ErrorKind::Unfinished, "{error}");
    assert!(ground.has("__migration_repairs__").await);
    ground.ask("CREATE TABLE nowhere (id INTEGER)").await;
    set.up(ground.url()).await.expect("it goes on");
    assert_eq!(ground.history().await[1], "0002_outside applied 2/2");
    assert_eq!(ground.value("SELECT COUNT(*) FROM nowhere").await, "1");
    let of_before = "SELECT COUNT(*) FROM __migrations__ WHERE layout = 1";
    assert_eq!(ground.value(of_before).await, "1");
    set.migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert!(
        before
            .up(ground.url())
            .await
            .expect("rows of the layout before are read")
            .is_up_to_date()
    );
    // Two layouts from now is another matter.
    ground.ask("UPDATE __migrations__ SET layout = 3").await;
    let error = before
        .up(ground.url())
        .await
        .expect_err("who knows what that means");
    assert_eq!(error.kind(), ErrorKind::History);
}

async fn a_failure_before_anything_ran_may_be_edited<DB: Product>(ground: Ground<DB>) {
    let up = |first: &str| {
        outside::<DB>(
            &format!("INSERT INTO {first} VALUES (1);\nINSERT INTO notes VALUES (2)"),
            "DELETE FROM notes",
        )
    };
    up("nowhere")
        .up(ground.url())
        .await
        .expect_err("the first is wrong");
    let (report, told) = up_told(&up("notes"), &ground).await;
    assert_eq!(
        report.expect("it is right now").done[0].action,
        Action::Apply
    );
    assert_eq!(told, ["0002_outside did 1", "0002_outside did 2"]);
}

async fn a_killed_run_goes_on<DB: Product>(ground: Ground<DB>) {
    let up = format!(
        "INSERT INTO notes VALUES (1);\n{};\nINSERT INTO notes VALUES (3)",
        DB::NAP
    );
    let folder = Folder::of(&files(&up, "DELETE FROM notes"));
    ground.ask("CREATE TABLE naps (tenths INTEGER)").await;
    ground.ask("INSERT INTO naps VALUES (1000)").await;
    let process = Process::start(program(ground.url(), folder.path()));
    until("the second statement runs", async || {
        ground.has("__migrations__").await
            && ground
                .history()
                .await
                .get(1)
                .is_some_and(|row| row == "0002_outside applying 1/3")
    })
    .await;
    process.kill();
    if !DB::DDL_ROLLS_BACK {
        // The server has the whole migration already, and would go on to its end.
        let sleeper = "SELECT ID FROM information_schema.PROCESSLIST \
                       WHERE INFO LIKE '%SLEEP(0.1%' AND ID <> CONNECTION_ID() AND DB = DATABASE()";
        let id = ground.value(sleeper).await;
        ground.ask(&format!("KILL {id}")).await;
    }
    ground.ask("UPDATE naps SET tenths = 0").await;

    let set: Migrations<DB> = folder.load();
    let (report, told) = up_told(&set, &ground).await;
    report.expect("it goes on");
    assert_eq!(
        told,
        [
            "0002_outside resumes after 1",
            "0002_outside did 2",
            "0002_outside did 3"
        ]
    );
    assert_eq!(ground.value("SELECT SUM(id) FROM notes").await, "4");
    assert_eq!(ground.history().await[1], "0002_outside applied 3/3");
}

async fn settings_are_made_again<DB: Product>(ground: Ground<DB>) {
    // The name of the table means something only with the setting.
    let (make, set) = match DB::DDL_ROLLS_BACK {
        true => ("CREATE SCHEMA other", "SET search_path = other"),
        false => ("SELECT 1", "SET SESSION sql_mode = 'ANSI_QUOTES'"),
    };
    let table = if DB::DDL_ROLLS_BACK {
        "made"
    } else {
        "\"made\""
    };
    let up = format!(
        "{make};\n{set};\nINSERT INTO public_gate VALUES (1);\nCREATE TABLE {table} (id INTEGER)"
    );
    let set = outside::<DB>(
        &up.replace(
            "public_gate",
            if DB::DDL_ROLLS_BACK {
                "public.gate"
            } else {
                "gate"
            },
        ),
        "SELECT 1",
    );
    set.up(ground.url()).await.expect_err("there is no gate");
    assert_eq!(ground.history().await[1], "0002_outside failed 2/4");
    ground.ask("CREATE TABLE gate (id INTEGER)").await;
    set.up(ground.url()).await.expect("it goes on");
    assert!(
        ground
            .has(if DB::DDL_ROLLS_BACK {
                "other.made"
            } else {
                "made"
            })
            .await
    );
}

async fn a_state_that_a_hand_wrote_is_not_gone_on_with<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        "INSERT INTO notes VALUES (1)",
        "DELETE FROM notes;\nDELETE FROM notes",
    );
    set.up(ground.url()).await.expect("up works");
    for state in ["failed", "applying", "reverting"] {
        ground
            .ask(&format!(
                "UPDATE __migrations__ SET state = '{state}' WHERE version = 2"
            ))
            .await;
        for error in [
            set.up(ground.url())
                .await
                .expect_err("nobody can tell what ran"),
            set.migrator()
                .force()
                .down(ground.url(), Down::Steps(1))
                .await
                .expect_err("nobody can tell what ran"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unfinished, "{error}");
            assert!(
                error.to_string().contains("edited the row by hand"),
                "{error}"
            );
        }
    }
    // Nor with the count put back, as if it had only begun.
    for state in ["failed", "applying", "reverting"] {
        ground
            .ask(&format!(
                "UPDATE __migrations__ SET state = '{state}', statements_done = 0 \
                 WHERE version = 2"
            ))
            .await;
        let up = set.up(ground.url()).await;
        let migrator = set.migrator().force();
        let down = migrator.down(ground.url(), Down::Steps(1)).await;
        for error in [
            up.expect_err("nobody can tell that nothing ran"),
            down.expect_err("nobody can tell that nothing ran"),
        ] {
            let shown = error.to_string();
            assert!(shown.contains("edited the row by hand"), "{state}\n{shown}");
        }
    }
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");
    // What it has is the checksum of other statements.
    let other = "'v1:0000000000000000000000000000000000000000000000000000000000000000'";
    for done in [0, 1] {
        ground
            .ask(&format!(
                "UPDATE __migrations__ SET state = 'reverting', statements_done = {done}, \
                 done_checksum = {other} WHERE version = 2"
            ))
            .await;
        let migrator = set.migrator().force();
        let down = migrator.down(ground.url(), Down::Steps(1)).await;
        let error = down.expect_err("that is not what is stored");
        assert_eq!(error.kind(), ErrorKind::History, "{error}");
    }
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");
    // More statements than there are.
    ground
        .ask("UPDATE __migrations__ SET state = 'reverting', statements_done = 9, layout = 1 WHERE version = 2")
        .await;
    let error = set
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("there are two");
    assert_eq!(error.kind(), ErrorKind::History, "{error}");
    ground
        .ask("UPDATE __migrations__ SET state = 'failed' WHERE version = 2")
        .await;
    let error = set.up(ground.url()).await.expect_err("there is one");
    assert_eq!(error.kind(), ErrorKind::Unfinished, "{error}");
}
