//! What is refused, and what can be allowed: order, unknown rows, edits, foreign histories.

use std::time::{Duration, Instant};

use backstitch::{Down, ErrorKind, Migrations, OutOfOrder, Unknown};
use backstitch_tests::servers::Engine;
use sqlx::{MySql, Postgres};

use crate::ground::{File, Folder, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        a_late_migration_is_refused_or_allowed,
        unknown_rows_are_refused_unless_they_are_compatible,
        an_edited_migration_is_refused,
        an_edit_that_is_declared_is_accepted_once,
        edits_of_layout_and_comments_are_none,
        another_name_for_a_version_is_refused,
        all_that_is_wrong_is_told_at_once,
        a_layout_from_the_future_is_refused,
        a_foreign_history_is_refused_with_an_account,
        a_table_of_somebody_else_is_refused_with_an_account,
        namespaces_do_not_see_each_other,
        namespaces_run_at_the_same_time,
        hostile_names_are_only_names,
        waiting_ends_when_another_has_migrated,
        waiting_in_vain_tells_what_is_missing,
        waiting_tells_what_failed,
        an_empty_set_is_fine,
    ],
    postgres: [
        the_history_lives_in_a_schema_of_its_own,
    ],
    mariadb: [
        the_history_lives_in_a_database_of_its_own,
    ],
}

fn some<DB: Product>(names: &[(&str, &str)]) -> Migrations<DB> {
    let files: Vec<_> = names
        .iter()
        .map(|(id, table)| (*id, File::table(table)))
        .collect();
    migrations(&files)
}

async fn a_late_migration_is_refused_or_allowed<DB: Product>(ground: Ground<DB>) {
    some::<DB>(&[("0001_a", "a"), ("0003_c", "c")])
        .up(ground.url())
        .await
        .expect("up works");
    let set = some::<DB>(&[
        ("0001_a", "a"),
        ("0002_b", "b"),
        ("0003_c", "c"),
        ("0004_d", "d"),
    ]);
    let error = set.up(ground.url()).await.expect_err("the second is late");
    assert_eq!(error.kind(), ErrorKind::OutOfOrder);
    assert_eq!(error.migration(), Some("0002_b"));
    let shown = error.to_string();
    assert!(
        shown.contains("`0003_c` is already applied") && shown.contains("OutOfOrder::Allow"),
        "{shown}"
    );
    assert!(shown.contains("0002_b.sql:7:1\n"), "{shown}");
    assert!(!ground.has("b").await && !ground.has("d").await);
    let status = set.status(ground.url()).await.expect("status works");
    assert!(
        status
            .trouble
            .is_some_and(|trouble| trouble.contains("0002_b"))
    );

    let allowing = set.migrator().out_of_order(OutOfOrder::Allow);
    let report = allowing.up(ground.url()).await.expect("it is allowed");
    let done: Vec<_> = report.done.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(done, ["0002_b", "0004_d"]);
    // Allowed once, it is part of what is applied.
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    // The way back is the way it came.
    let down = set
        .down(ground.url(), Down::Steps(2))
        .await
        .expect("down works");
    let done: Vec<_> = down.done.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(done, ["0004_d", "0002_b"]);
}

async fn unknown_rows_are_refused_unless_they_are_compatible<DB: Product>(ground: Ground<DB>) {
    let old = [("0001_a", File::table("a"))];
    let older = migrations::<DB>(&old);
    let with = |file: File| migrations::<DB>(&[old[0].clone(), ("0002_b", file)]);
    let up = async |set: &Migrations<DB>, unknown| {
        set.migrator()
            .unknown(unknown)
            .up(ground.url())
            .await
            .map(|report| report.done.len())
    };

    let renamed = || File::new("ALTER TABLE a RENAME TO b", "ALTER TABLE b RENAME TO a");
    with(renamed()).up(ground.url()).await.expect("up works");
    for unknown in [Unknown::IfCompatible, Unknown::Refuse] {
        let error = up(&older, unknown)
            .await
            .expect_err("it does not say that it is compatible");
        assert_eq!(error.kind(), ErrorKind::Diverged);
        let shown = error.to_string();
        assert!(
            shown.contains("`0002_b`, which this program does not know"),
            "{shown}"
        );
        assert!(
            shown.contains("its DOWN is stored in the database"),
            "{shown}"
        );
    }
    assert_eq!(up(&older, Unknown::Allow).await.expect("it is allowed"), 0);
    older
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("as the error says");
    assert_eq!(
        up(&older, Unknown::Refuse)
            .await
            .expect("nothing is unknown"),
        0
    );

    // What only adds is compatible by itself, and the file has the last word.
    let added = with(File::table("b"));
    added.up(ground.url()).await.expect("up works");
    assert_eq!(
        up(&older, Unknown::IfCompatible)
            .await
            .expect("a new table is nothing to it"),
        0
    );
    // But for whoever has one that comes later: that is not just older.
    let beside = [old[0].clone(), ("0003_c", File::table("c"))];
    let error = up(&migrations(&beside), Unknown::IfCompatible).await;
    let error = error.expect_err("a file is missing");
    assert!(
        error.to_string().contains("`0003_c`, which comes later"),
        "{error}"
    );
    let taken_back = older.down(ground.url(), Down::Steps(1)).await;
    taken_back.expect("down works");

    with(renamed().with("@phase: expand"))
        .up(ground.url())
        .await
        .expect("up works");
    assert_eq!(
        up(&older, Unknown::IfCompatible)
            .await
            .expect("it is compatible"),
        0
    );
    up(&older, Unknown::Refuse)
        .await
        .expect_err("not even then");
    older
        .wait(ground.url())
        .await
        .expect("there is nothing to wait for");
    older
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");

    with(File::table("b").with("@phase: contract"))
        .up(ground.url())
        .await
        .expect("up works");
    up(&older, Unknown::IfCompatible)
        .await
        .expect_err("contracting is not compatible");
}

async fn an_edited_migration_is_refused<DB: Product>(ground: Ground<DB>) {
    let folder = Folder::of(&[("0001_a", File::table("a")), ("0002_b", File::table("b"))]);
    folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect("up works");
    folder.write("0001_a.sql", &File::table("another").text());
    let set = folder.load::<DB>();
    let error = set.up(ground.url()).await.expect_err("it was edited");
    assert_eq!(error.kind(), ErrorKind::Diverged);
    assert_eq!(error.migration(), Some("0001_a"));
    let shown = error.to_string();
    let applied = ground
        .value("SELECT checksum FROM __migrations__ WHERE version = 1")
        .await;
    assert!(
        shown.contains(&format!("-- @supersedes: {applied}")),
        "{shown}"
    );
    assert!(shown.contains("CREATE TABLE another"), "{shown}");
    assert!(!ground.has("another").await);
    // An edit of the way back alone is none of the way there.
    let other_way = File::new(
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "DROP TABLE IF EXISTS a",
    );
    folder.write("0001_a.sql", &other_way.text());
    assert!(
        folder
            .load::<DB>()
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn an_edit_that_is_declared_is_accepted_once<DB: Product>(ground: Ground<DB>) {
    let folder = Folder::of(&[("0001_a", File::table("a")), ("0002_b", File::table("b"))]);
    folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect("up works");
    let applied = ground
        .value("SELECT checksum FROM __migrations__ WHERE version = 1")
        .await;
    let edited = File::new(
        "CREATE TABLE IF NOT EXISTS a (id INTEGER PRIMARY KEY)",
        "DROP TABLE a",
    );
    folder.write(
        "0001_a.sql",
        &edited.with(&format!("@supersedes: {applied}")).text(),
    );
    let set = folder.load::<DB>();
    let plan = set.plan(ground.url()).await.expect("plan works");
    assert_eq!(plan.to_string(), "accept 0001_a (A test)");
    let report = set.up(ground.url()).await.expect("it is declared");
    assert_eq!(report.done[0].action, backstitch::Action::Accept);
    let report = set.up(ground.url()).await.expect("up works");
    assert!(report.done.is_empty() && report.run.is_none());
    let now = ground
        .value("SELECT checksum FROM __migrations__ WHERE version = 1")
        .await;
    assert_eq!(now, set.set().migrations[0].checksum.to_string());
    // On the fast path, too.
    let digest = ground
        .value("SELECT digest FROM __migrations__ ORDER BY seq DESC LIMIT 1")
        .await;
    assert_eq!(digest, set.digest().to_string());
}

async fn edits_of_layout_and_comments_are_none<DB: Product>(ground: Ground<DB>) {
    let folder = Folder::of(&[("0001_a", File::table("a"))]);
    folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect("up works");
    let text = File::new(
        "-- so\nCREATE  TABLE a\n(id INTEGER /* key */ PRIMARY KEY)",
        "DROP TABLE a",
    );
    let text = format!("\u{feff}-- Licence: MIT\n{}", text.text()).replace('\n', "\r\n");
    folder.write("0001_a.sql", &text);
    assert!(
        folder
            .load::<DB>()
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn another_name_for_a_version_is_refused<DB: Product>(ground: Ground<DB>) {
    some::<DB>(&[("0001_a", "a")])
        .up(ground.url())
        .await
        .expect("up works");
    let error = some::<DB>(&[("0001_b", "b")])
        .up(ground.url())
        .await
        .expect_err("it is another");
    assert_eq!(error.kind(), ErrorKind::Diverged);
    assert!(
        error
            .to_string()
            .contains("version 1 is applied as `0001_a`, not as `0001_b`"),
        "{error}"
    );
}

async fn all_that_is_wrong_is_told_at_once<DB: Product>(ground: Ground<DB>) {
    let contracting = File::table("z").with("@phase: contract");
    let applied = [
        ("0001_a", File::table("a")),
        ("0003_c", File::table("c")),
        ("0009_z", contracting),
    ];
    migrations::<DB>(&applied)
        .up(ground.url())
        .await
        .expect("up works");
    let set = some::<DB>(&[("0001_a", "edited"), ("0002_b", "b"), ("0003_d", "d")]);
    let error = set.up(ground.url()).await.expect_err("nothing fits");
    assert_eq!(error.kind(), ErrorKind::Diverged);
    let codes: Vec<_> = error.diagnostics().iter().map(|found| found.code).collect();
    assert_eq!(
        codes,
        [
            "migration-edited",
            "migration-renamed",
            "migration-unknown",
            "migration-out-of-order"
        ]
    );
    let plan = set
        .plan(ground.url())
        .await
        .expect_err("the dry run refuses as well");
    assert_eq!(plan.to_string(), error.to_string());
}

async fn a_layout_from_the_future_is_refused<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    set.up(ground.url()).await.expect("up works");
    ground.ask("UPDATE __migrations__ SET layout = 99").await;
    for error in [
        set.up(ground.url())
            .await
            .expect_err("nobody knows this layout"),
        set.down(ground.url(), Down::All)
            .await
            .expect_err("nobody knows this layout"),
    ] {
        assert_eq!(error.kind(), ErrorKind::History);
        assert!(
            error.to_string().contains("layout 99") && error.to_string().contains("update"),
            "{error}"
        );
    }
}

async fn a_foreign_history_is_refused_with_an_account<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    set.up(ground.url()).await.expect("up works");
    for (garbage, words) in [
        (
            "checksum = 'garbage'",
            "`0002_t2` has `garbage` as its checksum",
        ),
        ("state = 'dancing'", "`0002_t2` has `dancing` as its state"),
        (
            "checksum = 'v9:abc'",
            "`0002_t2` has `v9:abc` as its checksum",
        ),
        (
            "down_checksum = '1\n2'",
            "`0002_t2` has `1\\n2` as its down_checksum",
        ),
        ("version = -5", "`0002_t2` has `-5` as its version"),
    ] {
        let before = ground.ask("SELECT version, checksum, state, down_checksum FROM __migrations__ WHERE id = '0002_t2'").await;
        ground
            .ask(&format!(
                "UPDATE __migrations__ SET digest = 'x', {garbage} WHERE id = '0002_t2'"
            ))
            .await;
        for error in [
            set.up(ground.url()).await.expect_err(garbage),
            set.status(ground.url()).await.expect_err(garbage),
            set.down(ground.url(), Down::All).await.expect_err(garbage),
        ] {
            assert_eq!(error.kind(), ErrorKind::History, "{error}");
            assert!(error.to_string().contains(words), "{words}\n{error}");
            assert!(error.to_string().contains("put the row right"), "{error}");
        }
        let old = &before[0];
        ground
            .ask(&format!(
                "UPDATE __migrations__ SET version = {}, checksum = '{}', state = '{}', down_checksum = '{}' WHERE id = '0002_t2'",
                old[0], old[1], old[2], old[3]
            ))
            .await;
    }
    assert!(
        set.up(ground.url())
            .await
            .expect("it is right again")
            .done
            .is_empty()
    );
}

async fn a_table_of_somebody_else_is_refused_with_an_account<DB: Product>(ground: Ground<DB>) {
    ground
        .ask("CREATE TABLE __migrations__ (id INTEGER, note VARCHAR(10))")
        .await;
    let set = tables::<DB>(1);
    for error in [
        set.up(ground.url()).await.expect_err("it is not ours"),
        set.status(ground.url()).await.expect_err("it is not ours"),
    ] {
        assert_eq!(error.kind(), ErrorKind::History, "{error}");
        let shown = error.to_string();
        assert!(
            shown.contains("cannot read the history") && shown.contains("another name"),
            "{shown}"
        );
    }
    assert!(!ground.has("t1").await);
    let migrator = set.migrator().tables("ours", "ours_back");
    migrator.up(ground.url()).await.expect("as the error says");
}

async fn namespaces_do_not_see_each_other<DB: Product>(ground: Ground<DB>) {
    let (one, two) = (
        some::<DB>(&[("0001_a", "a"), ("0002_b", "b")]),
        some::<DB>(&[("0001_x", "x"), ("0007_y", "y")]),
    );
    let in_two = two.migrator().namespace("two's `\"own\" \\ ü");
    one.up(ground.url()).await.expect("up works");
    assert_eq!(
        in_two.up(ground.url()).await.expect("up works").done.len(),
        2
    );
    assert!(
        one.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert!(
        in_two
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert_eq!(
        in_two
            .status(ground.url())
            .await
            .expect("status works")
            .history
            .len(),
        2
    );
    in_two
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    assert!(ground.has("b").await && !ground.has("y").await);
    assert!(
        one.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert_eq!(ground.history().await.len(), 2);
}

async fn namespaces_run_at_the_same_time<DB: Product>(ground: Ground<DB>) {
    let runs: Vec<_> = (0..4)
        .map(|n| {
            let url = ground.url().to_owned();
            tokio::spawn(async move {
                let names: Vec<_> = (1..=3)
                    .map(|v| (format!("{v:04}_t"), format!("n{n}_t{v}")))
                    .collect();
                let names: Vec<_> = names
                    .iter()
                    .map(|(id, table)| (id.as_str(), table.as_str()))
                    .collect();
                let set = some::<DB>(&names);
                set.migrator()
                    .namespace(format!("n{n}"))
                    .up(url.as_str())
                    .await
            })
        })
        .collect();
    for run in runs {
        assert_eq!(
            run.await.expect("no panic").expect("up works").done.len(),
            3
        );
    }
    assert_eq!(
        ground.value("SELECT COUNT(*) FROM __migrations__").await,
        "12"
    );
}

async fn hostile_names_are_only_names<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    let migrator = set
        .migrator()
        .tables("it's a \"`table`; DROP -- ü", "an%other \\ 'one'")
        .namespace("'; DROP TABLE t1; --")
        .applied_by("o'neill \\ \"x\" `y` ; -- \u{1f980}\0\n")
        .reason("\\'; DROP TABLE t1; --\0");
    assert_eq!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .done
            .len(),
        2
    );
    assert!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    let status = migrator.status(ground.url()).await.expect("status works");
    assert_eq!(status.history.len(), 2);
    assert!(
        status.history[0]
            .applied_by
            .starts_with("o'neill \\ \"x\" `y` ; -- \u{1f980}"),
        "{status:?}"
    );
    let down = migrator
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert_eq!(down.done.len(), 1);
    assert!(ground.has("t1").await);
    let count = match ground.engine() {
        Engine::MariaDb => "SELECT COUNT(*) FROM `an%other \\ 'one'`",
        _ => "SELECT COUNT(*) FROM \"an%other \\ 'one'\"",
    };
    assert_eq!(ground.value(count).await, "1");
}

async fn waiting_ends_when_another_has_migrated<DB: Product>(ground: Ground<DB>) {
    let url = ground.url().to_owned();
    let waits = tokio::spawn(async move {
        let start = Instant::now();
        let report = tables::<DB>(3).wait(url.as_str()).await;
        (report, start.elapsed())
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        !ground.has("__migrations__").await,
        "who waits has made a history"
    );
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waits.is_finished(), "two are pending");
    tables::<DB>(3).up(ground.url()).await.expect("up works");
    let (report, took) = waits.await.expect("no panic");
    let report = report.expect("somebody has migrated");
    assert!(report.done.is_empty());
    assert!(
        !report.waited.is_zero() && report.waited <= took && took < Duration::from_secs(60),
        "{report:?} {took:?}"
    );
}

async fn waiting_in_vain_tells_what_is_missing<DB: Product>(ground: Ground<DB>) {
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    let set = tables::<DB>(3);
    let start = Instant::now();
    let migrator = set.migrator().lock_wait(Duration::from_millis(300));
    let error = migrator
        .wait(ground.url())
        .await
        .expect_err("nobody migrates");
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.kind(), ErrorKind::NotMigrated);
    assert!(
        error
            .to_string()
            .contains("Still pending: 0002_t2, 0003_t3"),
        "{error}"
    );
    assert_eq!(error.report().remaining, ["0002_t2", "0003_t3"]);
}

async fn waiting_tells_what_failed<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_bad",
            File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
        ),
    ]);
    set.up(ground.url()).await.expect_err("the second is wrong");
    let migrator = set.migrator().lock_wait(Duration::from_millis(200));
    let error = migrator.wait(ground.url()).await.expect_err("it failed");
    assert_eq!(error.kind(), ErrorKind::NotMigrated);
    let shown = error.to_string();
    assert!(
        shown.contains("`0002_bad` failed") && shown.contains("nowhere"),
        "{shown}"
    );
    // Half done is not done either.
    let half = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_bad",
            File::new(
                "INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1)",
                "SELECT 1",
            )
            .with("@transaction: false"),
        ),
    ]);
    half.up(ground.url())
        .await
        .expect_err("the second is wrong");
    let migrator = half.migrator().lock_wait(Duration::from_millis(300));
    let error = migrator
        .wait(ground.url())
        .await
        .expect_err("it is half done");
    assert_eq!(error.kind(), ErrorKind::NotMigrated, "{error}");
    let shown = error.to_string();
    assert!(
        shown.contains("`0002_bad` failed") && shown.contains("nowhere"),
        "{shown}"
    );
}

async fn an_empty_set_is_fine<DB: Product>(ground: Ground<DB>) {
    let set: Migrations<DB> = Migrations::from_set(backstitch_core::Set {
        dialect: tables::<DB>(1).set().dialect,
        migrations: Vec::new(),
    });
    for _ in 0..2 {
        assert!(
            set.up(ground.url())
                .await
                .expect("there is nothing to do")
                .is_up_to_date()
        );
    }
    set.wait(ground.url())
        .await
        .expect("there is nothing to wait for");
    let contracting = File::table("t1").with("@phase: contract");
    let other = migrations::<DB>(&[("0001_t1", contracting)]);
    other.up(ground.url()).await.expect("up works");
    set.up(ground.url()).await.expect_err("one is unknown");
    set.down(ground.url(), Down::All)
        .await
        .expect("its way back is stored");
    assert!(
        set.up(ground.url())
            .await
            .expect("there is nothing to do")
            .is_up_to_date()
    );
}

async fn the_history_lives_in_a_schema_of_its_own(ground: Ground<Postgres>) {
    let set = tables::<Postgres>(2);
    let schema = "it's a \"schema\"; -- ü";
    let migrator = set.migrator().schema(schema);
    assert_eq!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .done
            .len(),
        2
    );
    assert!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert!(ground.has("public.t1").await && !ground.has("public.__migrations__").await);
    migrator
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    let count = "SELECT count(*) FROM \"it's a \"\"schema\"\"; -- ü\".__migration_rollbacks__";
    assert_eq!(ground.value(count).await, "2");
}

async fn the_history_lives_in_a_database_of_its_own(ground: Ground<MySql>) {
    let set = tables::<MySql>(2);
    let schema = format!("{} it's a `db` ü", ground.value("SELECT DATABASE()").await);
    let quoted = format!("`{}`", schema.replace('`', "``"));
    let migrator = set.migrator().schema(schema);
    assert_eq!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .done
            .len(),
        2
    );
    assert!(
        migrator
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert!(ground.has("t1").await && !ground.has("__migrations__").await);
    migrator
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    let count = format!("SELECT COUNT(*) FROM {quoted}.__migration_rollbacks__");
    assert_eq!(ground.value(&count).await, "2");
    ground.ask(&format!("DROP DATABASE {quoted}")).await;
}
