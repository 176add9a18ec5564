//! There and back again: what runs, what the history says about it, what a rollback needs.

use backstitch::{Action, Down, ErrorKind, Migrations, State};
use backstitch_core::migration;

use crate::ground::{File, Ground, Product, migrations, scenarios};

scenarios! {
    everywhere: [
        up_and_down_and_up_again,
        a_row_of_the_history_tells_everything,
        a_run_stops_at_its_target,
        down_goes_as_far_as_it_is_told,
        a_rollback_that_loses_data_needs_force,
        what_is_irreversible_stays,
        the_plan_of_a_rollback_is_the_rollback,
        an_older_program_takes_back_what_a_newer_one_did,
        a_way_back_that_was_tampered_with_is_not_taken,
        a_rollback_that_fails_is_recorded,
        a_rollback_of_nothing_is_no_error,
    ],
}

fn users_and_orders<DB: Product>() -> Migrations<DB> {
    migrations(&[
        (
            "0001_users",
            File::new(
                "CREATE TABLE users (id INTEGER PRIMARY KEY, login VARCHAR(40));\n\
                 INSERT INTO users VALUES (1, 'ada'), (2, 'grace')",
                "DROP TABLE users",
            ),
        ),
        ("0002_orders", File::table("orders")),
        (
            "0003_fill",
            File::new(
                "INSERT INTO orders VALUES (1), (2), (3)",
                "DELETE FROM orders",
            )
            .with("@rollbackSafe: false")
            .with("@phase: expand"),
        ),
    ])
}

async fn up_and_down_and_up_again<DB: Product>(ground: Ground<DB>) {
    let set = users_and_orders::<DB>();

    let status = set.status(ground.url()).await.expect("status works");
    assert_eq!(status.pending, ["0001_users", "0002_orders", "0003_fill"]);
    assert!(status.history.is_empty() && !status.is_up_to_date());
    assert!(status.server.is_some_and(|server| !server.is_empty()));
    assert!(!ground.has("__migrations__").await, "status has written");

    let plan = set.plan(ground.url()).await.expect("plan works");
    assert_eq!(
        plan.to_string(),
        "apply 0001_users (A test)\napply 0002_orders (A test)\napply 0003_fill (A test)"
    );
    assert_eq!(plan.steps[0].statements, Some(2));
    assert!(!ground.has("__migrations__").await, "plan has written");

    let report = set.up(ground.url()).await.expect("up works");
    let done: Vec<_> = report
        .done
        .iter()
        .map(|done| {
            (
                done.id.as_str(),
                done.action,
                done.statements,
                done.rows_affected,
            )
        })
        .collect();
    assert_eq!(
        done,
        [
            ("0001_users", Action::Apply, 2, 2),
            ("0002_orders", Action::Apply, 1, 0),
            ("0003_fill", Action::Apply, 1, 3),
        ]
    );
    assert_eq!((report.remaining.len(), report.known), (0, 3));
    let run = report.run.expect("a run has a name");
    assert_eq!(ground.value("SELECT COUNT(*) FROM orders").await, "3");

    let status = set.status(ground.url()).await.expect("status works");
    assert!(status.is_up_to_date(), "{status:?}");
    for (row, id) in status
        .history
        .iter()
        .zip(["0001_users", "0002_orders", "0003_fill"])
    {
        assert_eq!(
            (row.id.as_str(), row.state, &row.run),
            (id, State::Applied, &run)
        );
    }
    let again = set.up(ground.url()).await.expect("up works again");
    assert!(again.is_up_to_date() && again.run.is_none(), "{again:?}");
    assert!(set.plan(ground.url()).await.expect("plan works").is_empty());

    let back = set.migrator().force().down(ground.url(), Down::All).await;
    let back = back.expect("down works");
    let done: Vec<_> = back
        .done
        .iter()
        .map(|done| (done.id.as_str(), done.action))
        .collect();
    assert_eq!(
        done,
        ["0003_fill", "0002_orders", "0001_users"].map(|id| (id, Action::Revert))
    );
    assert!(!ground.has("users").await && !ground.has("orders").await);
    assert_eq!(ground.history().await, [""; 0]);

    let report = set.up(ground.url()).await.expect("up works after down");
    assert_eq!(report.done.len(), 3);
    let again = set.up(ground.url()).await.expect("up works again");
    assert!(again.is_up_to_date(), "{again:?}");
}

async fn a_row_of_the_history_tells_everything<DB: Product>(ground: Ground<DB>) {
    let set = users_and_orders::<DB>();
    let before = ground.value(&now::<DB>()).await;
    let migrator = set.migrator().namespace("crate one").applied_by("ci job 7");
    let report = migrator.up(ground.url()).await.expect("up works");
    let after = ground.value(&now::<DB>()).await;

    let rows = ground
        .ask(
            "SELECT namespace, version, seq, id, name, description, checksum, down_checksum, state, \
             statements, statements_done, down_sql, CASE WHEN rollback_safe THEN 'yes' ELSE 'no' END, \
             CASE WHEN compatible THEN 'yes' ELSE 'no' END, applied_by, error, run, digest, layout \
             FROM __migrations__ ORDER BY seq",
        )
        .await;
    let run = report.run.expect("a run has a name");
    let mut digest = backstitch_core::checksum::Digest::EMPTY;
    for ((index, row), migration) in rows.iter().enumerate().zip(&set) {
        digest = digest.with(&migration.id, &migration.checksum);
        let statements = migration.up.statements.len().to_string();
        let truth = |value: bool| if value { "yes" } else { "no" };
        let expected = [
            "crate one",
            &(index + 1).to_string(),
            &(index + 1).to_string(),
            &migration.id,
            "A test",
            "What a test needs.",
            &migration.checksum.to_string(),
            &migration.down_checksum.expect("it has a DOWN").to_string(),
            "applied",
            &statements,
            &statements,
            &migration::stored_down(migration).expect("it has a DOWN"),
            truth(index != 2),
            truth(index != 0),
            "ci job 7",
            "NULL",
            &run,
            &digest.to_string(),
            "2",
        ];
        assert_eq!(row, &expected.map(str::to_owned));
    }
    assert_eq!(rows.len(), 3);
    let applied = ground
        .ask("SELECT applied_at, execution_ms FROM __migrations__ ORDER BY seq")
        .await;
    for row in &applied {
        assert!(
            before <= row[0] && row[0] <= after,
            "{before} {} {after}",
            row[0]
        );
        let took: u64 = row[1].parse().expect("milliseconds");
        assert!(took < 10_000, "{took}");
    }

    let migrator = migrator.force().reason("it's \\ slow — zu langsam");
    let down = migrator.down(ground.url(), Down::Steps(1)).await;
    down.expect("down works");
    let rows = ground
        .ask(
            "SELECT namespace, version, id, reason, CASE WHEN forced THEN 'yes' ELSE 'no' END, \
             backup, CASE WHEN success THEN 'yes' ELSE 'no' END, error, rolled_back_by, layout \
             FROM __migration_rollbacks__",
        )
        .await;
    let expected = [
        "crate one",
        "3",
        "0003_fill",
        "it's \\ slow — zu langsam",
        "yes",
        "NULL",
        "yes",
        "NULL",
        "ci job 7",
        "2",
    ];
    assert_eq!(rows, [expected.map(str::to_owned)]);
    let rolled_back = ground
        .ask("SELECT rolled_back_at, execution_ms FROM __migration_rollbacks__")
        .await;
    assert!(after <= rolled_back[0][0], "{after} {rolled_back:?}");
    let took: u64 = rolled_back[0][1].parse().expect("milliseconds");
    assert!(took < 10_000, "{took}");
    let status = migrator.status(ground.url()).await.expect("status works");
    assert!(status.history[1].applied_at.ends_with('Z'), "{status:?}");
}

/// A query for the present moment as the history writes it.
fn now<DB: Product>() -> String {
    use backstitch_tests::servers::Engine;
    match DB::SERVER {
        Engine::Postgres | Engine::PgBouncer => "SELECT clock_timestamp()",
        Engine::MariaDb => "SELECT UTC_TIMESTAMP(6)",
        Engine::Sqlite => "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
    }
    .to_owned()
}

async fn a_run_stops_at_its_target<DB: Product>(ground: Ground<DB>) {
    let set = users_and_orders::<DB>();
    let until = |id: &str| set.migrator().target(id).expect("there is one");

    let error = set
        .migrator()
        .target("0002_order")
        .err()
        .expect("there is none");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error.to_string().contains("did you mean `0002_orders`?"),
        "{error}"
    );

    let report = until("0002_orders")
        .up(ground.url())
        .await
        .expect("up works");
    assert_eq!(
        (report.done.len(), report.remaining.as_slice()),
        (2, &["0003_fill".to_owned()][..])
    );
    for _ in 0..2 {
        let report = until("0002_orders")
            .up(ground.url())
            .await
            .expect("up works");
        assert_eq!(
            (report.done.len(), report.remaining.as_slice()),
            (0, &["0003_fill".to_owned()][..])
        );
        assert!(!report.is_up_to_date());
    }
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 1);
    // A target that is behind is no rollback.
    let report = until("0001_users")
        .up(ground.url())
        .await
        .expect("up works");
    assert_eq!(report.done.len(), 0);
    assert_eq!(ground.history().await.len(), 3);
}

async fn down_goes_as_far_as_it_is_told<DB: Product>(ground: Ground<DB>) {
    let files = ["a", "b", "c", "d", "e"].map(File::table);
    let ids = ["0001_a", "0002_b", "0003_c", "0004_d", "0005_e"];
    let files: Vec<_> = ids.into_iter().zip(files).collect();
    let (two, all) = (migrations::<DB>(&files[..2]), migrations::<DB>(&files));
    let ids_of = |report: backstitch::Report| -> Vec<String> {
        report.done.into_iter().map(|done| done.id).collect()
    };
    two.up(ground.url()).await.expect("the first run works");
    all.up(ground.url()).await.expect("the second run works");

    let run = all.down(ground.url(), Down::Run).await.expect("down works");
    assert_eq!(ids_of(run), ["0005_e", "0004_d", "0003_c"]);
    all.up(ground.url()).await.expect("the third run works");

    let steps = all
        .down(ground.url(), Down::Steps(2))
        .await
        .expect("down works");
    assert_eq!(ids_of(steps), ["0005_e", "0004_d"]);
    let to = all.down(ground.url(), Down::To("0001_a".to_owned())).await;
    assert_eq!(ids_of(to.expect("down works")), ["0003_c", "0002_b"]);

    let error = all
        .down(ground.url(), Down::Steps(2))
        .await
        .expect_err("one is applied");
    assert_eq!(error.kind(), ErrorKind::Usage);
    let error = all.down(ground.url(), Down::To("0002_b".to_owned())).await;
    assert!(
        error
            .expect_err("it is not applied")
            .to_string()
            .contains("it is not applied")
    );
    assert_eq!(ground.history().await, ["0001_a applied 1/1"]);

    let rest = all.down(ground.url(), Down::All).await.expect("down works");
    assert_eq!(ids_of(rest), ["0001_a"]);
    assert_eq!(
        ground
            .value("SELECT COUNT(*) FROM __migration_rollbacks__")
            .await,
        "8"
    );
    // The digest fits after each way.
    assert_eq!(all.up(ground.url()).await.expect("up works").done.len(), 5);
    all.down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    let four = migrations::<DB>(&files[..4]);
    assert!(
        four.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn a_rollback_that_loses_data_needs_force<DB: Product>(ground: Ground<DB>) {
    let set = users_and_orders::<DB>();
    set.up(ground.url()).await.expect("up works");
    let error = set
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it loses data");
    assert_eq!(error.kind(), ErrorKind::Rollback);
    assert_eq!(error.migration(), Some("0003_fill"));
    assert!(
        error.to_string().contains("@rollbackSafe: false"),
        "{error}"
    );
    assert_eq!(ground.value("SELECT COUNT(*) FROM orders").await, "3");
    assert_eq!(ground.history().await.len(), 3);
    // Of several none is taken back when one may not be.
    let error = set
        .down(ground.url(), Down::All)
        .await
        .expect_err("it loses data");
    assert_eq!(error.kind(), ErrorKind::Rollback);
    assert_eq!(ground.history().await.len(), 3);
    let forced = set
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await;
    assert_eq!(forced.expect("down works").done[0].rows_affected, 3);
}

async fn what_is_irreversible_stays<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_b",
            File::table("b").irreversible("nobody wants it back"),
        ),
        ("0003_c", File::table("c")),
    ]);
    set.up(ground.url()).await.expect("up works");
    let rows = ground
        .ask("SELECT down_sql, down_checksum FROM __migrations__ WHERE version = 2")
        .await;
    assert_eq!(rows, [["NULL", "NULL"]]);
    set.down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    let migrator = set.migrator().force();
    let error = migrator
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("no way back");
    assert_eq!(error.kind(), ErrorKind::Rollback);
    assert!(
        error.to_string().contains("nobody wants it back"),
        "{error}"
    );
    assert!(ground.has("b").await);
}

async fn the_plan_of_a_rollback_is_the_rollback<DB: Product>(ground: Ground<DB>) {
    let set = users_and_orders::<DB>();
    set.up(ground.url()).await.expect("up works");
    let migrator = set.migrator().force();
    let plan = migrator
        .plan_down(ground.url(), Down::Steps(2))
        .await
        .expect("plan works");
    assert_eq!(
        ground.history().await.len(),
        3,
        "the plan has done something"
    );
    let down = migrator
        .down(ground.url(), Down::Steps(2))
        .await
        .expect("down works");
    let planned: Vec<_> = plan
        .steps
        .iter()
        .map(|step| (step.action, step.id.clone()))
        .collect();
    let done: Vec<_> = down
        .done
        .iter()
        .map(|done| (done.action, done.id.clone()))
        .collect();
    assert_eq!(planned, done);
    assert_eq!(
        plan.to_string(),
        "revert 0003_fill (A test)\nrevert 0002_orders (A test)"
    );
}

async fn an_older_program_takes_back_what_a_newer_one_did<DB: Product>(ground: Ground<DB>) {
    let users = ("0001_users", File::table("users"));
    let newer = migrations::<DB>(&[
        users.clone(),
        (
            "0002_wave",
            // What makes a way back hard to store: quotes, backslashes, letters, comments.
            File::new(
                "CREATE TABLE waves (id INTEGER PRIMARY KEY, name VARCHAR(40));\n\
                 CREATE TABLE traces (text VARCHAR(40))",
                "INSERT INTO traces VALUES ('it''s; 100 % wahr — ☕') /* ; */;\n\
                 DROP TABLE waves",
            ),
        ),
    ]);
    newer
        .up(ground.url())
        .await
        .expect("the newer program works");
    let older = migrations::<DB>(&[users]);
    let report = older
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("the older program works");
    assert_eq!(
        (report.done[0].id.as_str(), report.done[0].statements),
        ("0002_wave", 2)
    );
    assert!(!ground.has("waves").await);
    assert_eq!(
        ground.value("SELECT text FROM traces").await,
        "it's; 100 % wahr — ☕"
    );
    assert!(
        older
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn a_way_back_that_was_tampered_with_is_not_taken<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[("0001_a", File::table("a")), ("0002_b", File::table("b"))]);
    set.up(ground.url()).await.expect("up works");
    for (tampering, code) in [
        ("down_sql = 'DROP TABLE a'", "rollback-tampered"),
        ("down_sql = 'DROP TABLE '", "rollback-tampered"),
        ("down_sql = NULL", "rollback-tampered"),
        ("down_sql = ''", "stored-rollback-unreadable"),
        ("down_sql = 'BEGIN; DROP TABLE b'", "rollback-tampered"),
    ] {
        ground
            .ask(&format!(
                "UPDATE __migrations__ SET {tampering} WHERE version = 2"
            ))
            .await;
        let error = set
            .down(ground.url(), Down::Steps(1))
            .await
            .expect_err(tampering);
        assert_eq!(error.kind(), ErrorKind::History, "{tampering}: {error}");
        assert_eq!(error.diagnostics()[0].code, code, "{tampering}: {error}");
        assert!(error.to_string().contains("0002_b"), "{tampering}: {error}");
        assert!(ground.has("a").await && ground.has("b").await);
        assert_eq!(ground.history().await.len(), 2);
    }
    // Blank space and comments are no tampering.
    ground
        .ask("UPDATE __migrations__ SET down_sql = '-- so\nDROP  TABLE b' WHERE version = 2")
        .await;
    set.down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
}

async fn a_rollback_that_fails_is_recorded<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_b",
            File::new(
                "INSERT INTO a VALUES (1)",
                "DELETE FROM a;\nDELETE FROM nowhere",
            ),
        ),
        ("0003_c", File::table("c")),
    ]);
    set.up(ground.url()).await.expect("up works");
    let migrator = set.migrator().force().reason("a try");
    let error = migrator
        .down(ground.url(), Down::All)
        .await
        .expect_err("the DOWN is wrong");
    assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
    assert_eq!(error.migration(), Some("0002_b"));
    assert!(
        error.to_string().contains("the stored DOWN of 0002_b:2:13"),
        "{error}"
    );
    let done: Vec<_> = error
        .report()
        .done
        .iter()
        .map(|done| done.id.as_str())
        .collect();
    assert_eq!(done, ["0003_c"]);
    assert_eq!(error.report().remaining, ["0002_b", "0001_a"]);

    assert_eq!(
        ground.value("SELECT COUNT(*) FROM a").await,
        "1",
        "it was not taken back"
    );
    assert_eq!(
        ground.history().await,
        ["0001_a applied 1/1", "0002_b applied 1/1"]
    );
    let rows = ground
        .ask(
            "SELECT id, reason, CASE WHEN success THEN 'yes' ELSE 'no' END, error \
             FROM __migration_rollbacks__ ORDER BY seq",
        )
        .await;
    assert_eq!(rows[0], ["0003_c", "a try", "yes", "NULL"]);
    assert_eq!(rows[1][..3], ["0002_b", "a try", "no"]);
    assert!(rows[1][3].contains("nowhere"), "{rows:?}");
    // The next start sees what is true.
    let report = set.up(ground.url()).await.expect("up works");
    assert_eq!(report.done[0].id, "0003_c");
}

async fn a_rollback_of_nothing_is_no_error<DB: Product>(ground: Ground<DB>) {
    let set = users_and_orders::<DB>();
    for down in [Down::All, Down::Run, Down::Steps(0)] {
        let report = set.down(ground.url(), down).await.expect("nothing to do");
        assert!(report.done.is_empty());
    }
    let error = set
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("nothing is applied");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        !ground.has("__migrations__").await,
        "down has made a history"
    );
}
