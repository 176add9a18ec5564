//! Putting the history right by hand: each way, each misuse, and what is recorded of it.

use backstitch::{Down, Error, ErrorKind, Migrations, Repair, Repaired};

use crate::ground::{File, Ground, Product, migrations, scenarios};

scenarios! {
    everywhere: [
        a_repair_needs_a_reason,
        what_is_in_effect_is_marked_as_applied,
        what_is_not_in_effect_is_marked_as_not_applied,
        a_run_goes_on_where_one_says,
        a_rollback_goes_on_where_one_says,
        another_text_is_accepted,
        a_way_back_is_stored_anew,
        what_makes_no_sense_is_refused,
        a_reason_may_be_anything,
    ],
}

fn set<DB: Product>(second: File) -> Migrations<DB> {
    migrations(&[
        (
            "0001_notes",
            File::new(
                "CREATE TABLE notes (id INTEGER PRIMARY KEY)",
                "DROP TABLE notes",
            ),
        ),
        ("0002_more", second),
        ("0003_last", File::table("last")),
    ])
}

/// A program that knows no migration.
fn nobody<DB: Product>() -> Migrations<DB> {
    Migrations::from_set(backstitch_core::Set {
        dialect: half::<DB>().set().dialect,
        migrations: Vec::new(),
    })
}

fn more(up: &str, down: &str) -> File {
    File::new(up, down).with("@transaction: false")
}

/// Half done: one of two statements is in effect.
fn half<DB: Product>() -> Migrations<DB> {
    set(more(
        "INSERT INTO notes VALUES (1);\nINSERT INTO nowhere VALUES (2)",
        "DELETE FROM notes;\nDELETE FROM nowhere",
    ))
}

async fn repair<DB: Product>(
    set: &Migrations<DB>,
    ground: &Ground<DB>,
    repair: Repair<'_>,
) -> Result<Repaired, Error> {
    let migrator = set
        .migrator()
        .reason("the test says so")
        .applied_by("a tester");
    migrator.repair(ground.url(), repair).await
}

async fn a_repair_needs_a_reason<DB: Product>(ground: Ground<DB>) {
    let set = half::<DB>();
    for migrator in [set.migrator(), set.migrator().reason("  ")] {
        let error = migrator
            .repair(ground.url(), Repair::MarkApplied("0001_notes"))
            .await;
        let error = error.expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(
            error.to_string().contains("a repair needs a reason"),
            "{error}"
        );
    }
    assert!(!ground.has("__migrations__").await);
}

async fn what_is_in_effect_is_marked_as_applied<DB: Product>(ground: Ground<DB>) {
    // Made by hand, before there was a history.
    ground
        .ask("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
        .await;
    let set = half::<DB>();
    let repaired = repair(&set, &ground, Repair::MarkApplied("0001_notes")).await;
    let repaired = repaired.expect("it can be");
    assert_eq!(
        (repaired.action.as_str(), repaired.found.as_str()),
        ("mark-applied", "pending")
    );
    assert!(
        repaired.made.starts_with("applied with v1:"),
        "{}",
        repaired.made
    );
    assert_eq!(ground.history().await, ["0001_notes applied 1/1"]);
    // Half done, and finished by hand.
    set.up(ground.url()).await.expect_err("the second is wrong");
    repair(&set, &ground, Repair::MarkApplied("0002_more"))
        .await
        .expect("it can be");
    let report = set.up(ground.url()).await.expect("the third is left");
    assert_eq!(report.done.len(), 1);
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert_eq!(
        ground.history().await,
        [
            "0001_notes applied 1/1",
            "0002_more applied 2/2",
            "0003_last applied 1/1"
        ]
    );
    let history = set
        .migrator()
        .history(ground.url())
        .await
        .expect("it is read");
    assert_eq!(history.rows.len(), 3);
    let repairs: Vec<_> = history
        .repairs
        .iter()
        .map(|one| (one.id.as_str(), one.found.as_str()))
        .collect();
    assert_eq!(
        repairs,
        [
            ("0001_notes", "pending"),
            ("0002_more", "failed, 1 of 2 statements")
        ]
    );
    let last = &history.repairs[1];
    assert_eq!(
        (last.reason.as_str(), last.repaired_by.as_str()),
        ("the test says so", "a tester")
    );
    assert!(
        last.repaired_at.starts_with("20") && last.repaired_at.ends_with('Z'),
        "{last:?}"
    );
}

async fn what_is_not_in_effect_is_marked_as_not_applied<DB: Product>(ground: Ground<DB>) {
    let set = set::<DB>(File::table("more"));
    set.up(ground.url()).await.expect("up works");
    ground.ask("DROP TABLE last").await;
    let repaired = repair(&set, &ground, Repair::MarkNotApplied("0003_last")).await;
    assert_eq!(repaired.expect("it can be").made, "pending");
    assert_eq!(
        set.up(ground.url())
            .await
            .expect("it runs again")
            .done
            .len(),
        1
    );
    assert!(ground.has("last").await);
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    // One that the program does not know; and one in the middle.
    let older: Migrations<DB> = nobody();
    ground.ask("DROP TABLE last").await;
    repair(&older, &ground, Repair::MarkNotApplied("0003_last"))
        .await
        .expect("its row is enough");
    repair(&set, &ground, Repair::MarkNotApplied("0001_notes"))
        .await
        .expect("it can be");
    assert_eq!(ground.history().await, ["0002_more applied 1/1"]);
}

async fn a_run_goes_on_where_one_says<DB: Product>(ground: Ground<DB>) {
    let set = half::<DB>();
    set.up(ground.url()).await.expect_err("the second is wrong");
    // Somebody has done the second by hand, in another way.
    let repaired = repair(
        &set,
        &ground,
        Repair::Resume {
            id: "0002_more",
            done: 2,
        },
    )
    .await;
    let repaired = repaired.expect("it can be");
    assert_eq!(repaired.found, "failed, 1 of 2 statements");
    assert_eq!(repaired.made, "failed, 2 of 2 statements");
    let report = set.up(ground.url()).await.expect("nothing of it is left");
    assert_eq!(report.done[0].statements, 0);
    assert_eq!(ground.history().await[1], "0002_more applied 2/2");
}

async fn a_rollback_goes_on_where_one_says<DB: Product>(ground: Ground<DB>) {
    let set = set::<DB>(more(
        "INSERT INTO notes VALUES (1)",
        "DELETE FROM notes;\nDELETE FROM nowhere;\nINSERT INTO notes VALUES (5)",
    ));
    let migrator = set.migrator().target("0002_more").expect("it is there");
    migrator.up(ground.url()).await.expect("up works");
    set.migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("the second is wrong");
    let error = repair(
        &set,
        &ground,
        Repair::Resume {
            id: "0002_more",
            done: 4,
        },
    )
    .await;
    let error = error.expect_err("there are three");
    assert!(
        error
            .to_string()
            .contains("4 statements of its way back cannot be in effect, it has 3"),
        "{error}"
    );
    // Even by a program that does not know it.
    let older: Migrations<DB> = nobody();
    repair(
        &older,
        &ground,
        Repair::Resume {
            id: "0002_more",
            done: 2,
        },
    )
    .await
    .expect("it can be");
    let report = older
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("it goes on");
    assert_eq!(report.done[0].statements, 1);
    assert_eq!(ground.value("SELECT id FROM notes").await, "5");
    // Or it is not to be taken back after all.
    let set = crate::repair::set::<DB>(more(
        "DELETE FROM notes",
        "DELETE FROM notes;\nDELETE FROM nowhere",
    ));
    migrator.up(ground.url()).await.expect("up works");
    older
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("the second is wrong");
    repair(&set, &ground, Repair::MarkApplied("0002_more"))
        .await
        .expect("it can be");
    assert_eq!(ground.history().await[1], "0002_more applied 3/3");
}

async fn another_text_is_accepted<DB: Product>(ground: Ground<DB>) {
    set::<DB>(File::table("more"))
        .up(ground.url())
        .await
        .expect("up works");
    let edited = set::<DB>(File::new(
        "CREATE TABLE more (id INTEGER NOT NULL PRIMARY KEY)",
        "DROP TABLE more",
    ));
    let error = edited.up(ground.url()).await.expect_err("it was edited");
    assert!(
        error
            .to_string()
            .contains("Repair::Checksum(\"0002_more\")"),
        "{error}"
    );
    let repaired = repair(&edited, &ground, Repair::Checksum("0002_more"))
        .await
        .expect("it can be");
    assert_ne!(repaired.found, repaired.made);
    assert!(
        edited
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    let error = repair(&edited, &ground, Repair::Checksum("0002_more")).await;
    assert!(
        error
            .expect_err("it is")
            .to_string()
            .contains("has the checksum already")
    );
}

async fn a_way_back_is_stored_anew<DB: Product>(ground: Ground<DB>) {
    let wrong = set::<DB>(File::new(
        "CREATE TABLE more (id INTEGER PRIMARY KEY)",
        "DROP TABLE les",
    ));
    let migrator = wrong.migrator().target("0002_more").expect("it is there");
    migrator.up(ground.url()).await.expect("up works");
    wrong
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("there is no such table");
    let right = set::<DB>(File::table("more"));
    let state = ground.history().await[1].clone();
    if state.contains("reverting 0") || state.contains("applied") {
        repair(&right, &ground, Repair::WayBack("0002_more"))
            .await
            .expect("it can be");
    }
    right
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("this one works");
    assert_eq!(ground.history().await, ["0001_notes applied 1/1"]);
    // What somebody has tampered with is replaced too.
    right.up(ground.url()).await.expect("up works");
    ground
        .ask("UPDATE __migrations__ SET down_sql = 'DROP TABLE notes' WHERE version = 3")
        .await;
    let error = right
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it was tampered with");
    assert!(
        error.to_string().contains("Repair::WayBack(\"0003_last\")"),
        "{error}"
    );
    repair(&right, &ground, Repair::WayBack("0003_last"))
        .await
        .expect("it can be");
    right
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert!(ground.has("notes").await && !ground.has("last").await);
}

async fn what_makes_no_sense_is_refused<DB: Product>(ground: Ground<DB>) {
    let set = half::<DB>();
    set.up(ground.url()).await.expect_err("the second is wrong");
    let before = ground.history().await;
    let other = crate::repair::set::<DB>(more("SELECT 1", "SELECT 2"));
    let older: Migrations<DB> = nobody();
    for (set, asked, expected) in [
        (
            &set,
            Repair::MarkApplied("0001_note"),
            "did you mean `0001_notes`?",
        ),
        (
            &set,
            Repair::MarkApplied("0001_notes"),
            "is applied already",
        ),
        (
            &set,
            Repair::MarkNotApplied("0003_last"),
            "the history has no row",
        ),
        (
            &set,
            Repair::Resume {
                id: "0001_notes",
                done: 0,
            },
            "there is nothing to go on with",
        ),
        (
            &set,
            Repair::Resume {
                id: "0002_more",
                done: 3,
            },
            "3 statements of it cannot be in effect, it has 2",
        ),
        (
            &set,
            Repair::Checksum("0002_more"),
            "is not applied, it is failed",
        ),
        (
            &set,
            Repair::Checksum("0003_last"),
            "the history has no row",
        ),
        (
            &older,
            Repair::Checksum("0001_notes"),
            "this program does not know `0001_notes`",
        ),
        (
            &older,
            Repair::WayBack("0001_notes"),
            "this program does not know `0001_notes`",
        ),
        (
            &older,
            Repair::Resume {
                id: "0002_more",
                done: 1,
            },
            "this program does not know",
        ),
        (
            &other,
            Repair::MarkApplied("0009_x"),
            "there is no migration `0009_x`",
        ),
    ] {
        let error = repair(set, &ground, asked).await.expect_err(expected);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains(expected), "{expected}\n{error}");
    }
    let renamed: Migrations<DB> = migrations(&[("0001_notizen", File::table("notes"))]);
    let error = repair(&renamed, &ground, Repair::MarkApplied("0001_notizen")).await;
    let error = error.expect_err("it has another name");
    assert!(
        error.to_string().contains("version 1 as `0001_notes`"),
        "{error}"
    );
    let edited: Migrations<DB> = migrations(&[("0001_notes", File::new("SELECT 1", "SELECT 2"))]);
    for asked in [
        Repair::MarkApplied("0001_notes"),
        Repair::WayBack("0001_notes"),
    ] {
        let error = repair(&edited, &ground, asked)
            .await
            .expect_err("it was edited");
        assert!(
            error
                .to_string()
                .contains("Repair::Checksum(\"0001_notes\")"),
            "{error}"
        );
    }
    let without: Migrations<DB> =
        migrations(&[("0001_notes", File::table("notes").irreversible("it is so"))]);
    let error = repair(&without, &ground, Repair::WayBack("0001_notes")).await;
    assert!(
        error
            .expect_err("there is none")
            .to_string()
            .contains("has no DOWN")
    );
    assert_eq!(ground.history().await, before);
    let history = set
        .migrator()
        .history(ground.url())
        .await
        .expect("it is read");
    assert!(history.repairs.is_empty());
}

async fn a_reason_may_be_anything<DB: Product>(ground: Ground<DB>) {
    let set = half::<DB>();
    let long = "é".repeat(10_000);
    let reasons = [
        "it's \"so\"; DROP TABLE __migrations__ --",
        "\\' \n % 🙂",
        long.as_str(),
    ];
    for reason in reasons {
        let migrator = set.migrator().reason(reason);
        migrator
            .repair(ground.url(), Repair::MarkApplied("0001_notes"))
            .await
            .expect("it can be");
        migrator
            .repair(ground.url(), Repair::MarkNotApplied("0001_notes"))
            .await
            .expect("it can be");
    }
    let history = set
        .migrator()
        .history(ground.url())
        .await
        .expect("it is read");
    let kept: Vec<_> = history
        .repairs
        .iter()
        .step_by(2)
        .map(|one| one.reason.as_str())
        .collect();
    assert_eq!(kept, reasons);
    assert!(history.rows.is_empty());
}
