//! Running what is pending for real, and taking it back.

use backstitch::{Blocks, ErrorKind, Migrations, Rehearsal, TableLock};
use sqlx::{MySql, Postgres, Sqlite};

use crate::ground::{File, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        nothing_to_rehearse,
        rows_are_changed_and_taken_back,
        a_failure_is_shown_at_its_place,
        a_check_that_does_not_hold_is_shown,
        what_runs_outside_of_a_transaction_is_named,
    ],
    postgres: [
        nothing_stays_of_what_was_rehearsed,
        locks_and_rewrites_are_told,
        a_busy_table_ends_the_rehearsal,
    ],
    mariadb: [
        ddl_cannot_be_rehearsed,
    ],
    sqlite: [
        nothing_stays_in_the_file,
        a_rebuild_without_foreign_keys_is_rehearsed,
    ],
}

/// A rehearsal that goes well.
async fn rehearsed<DB: Product>(set: &Migrations<DB>, ground: &Ground<DB>) -> Rehearsal {
    let rehearsal = set.migrator().rehearse(ground.url()).await;
    rehearsal.unwrap_or_else(|error| panic!("{error}"))
}

async fn nothing_to_rehearse<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    let rehearsal = rehearsed(&set, &ground).await;
    assert_eq!(rehearsal.to_string(), "nothing was rehearsed");
}

/// A table with three rows, and a migration that changes them.
async fn with_rows<DB: Product>(ground: &Ground<DB>, up: &str) -> Migrations<DB> {
    let set = migrations::<DB>(&[
        (
            "0001_a",
            File::new(
                "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)",
                "DROP TABLE a",
            ),
        ),
        ("0002_n", File::new(up, "UPDATE a SET n = NULL")),
    ]);
    let first = set.migrator().target("0001_a").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    for id in 1..=3 {
        ground
            .ask(&format!("INSERT INTO a (id) VALUES ({id})"))
            .await;
    }
    set
}

async fn rows_are_changed_and_taken_back<DB: Product>(ground: Ground<DB>) {
    let set = with_rows(
        &ground,
        "UPDATE a SET n = id;\nUPDATE a SET n = 0\n  WHERE id = 1",
    )
    .await;
    let rehearsal = rehearsed(&set, &ground).await;
    assert!(rehearsal.left_out.is_empty());
    let statements = &rehearsal.migrations[0].statements;
    let seen: Vec<_> = statements
        .iter()
        .map(|one| (one.line, one.rows_affected, one.sql.as_str()))
        .collect();
    assert_eq!(
        seen,
        [(7, 3, "UPDATE a SET n = id"), (8, 1, "UPDATE a SET n = 0")]
    );
    assert!(statements.iter().all(|one| !one.elapsed.is_zero()));
    let shown = rehearsal.to_string();
    assert!(shown.starts_with("1 migration rehearsed in "), "{shown}");
    assert!(
        shown.contains(" ms  line 7: UPDATE a SET n = id\n"),
        "{shown}"
    );
    assert!(shown.contains("3 rows changed"), "{shown}");

    assert_eq!(
        ground.value("SELECT count(n) FROM a").await,
        "0",
        "nothing stays"
    );
    assert_eq!(ground.history().await, ["0001_a applied 1/1"]);
    // The lock is free, and in earnest it goes the same way.
    assert_eq!(
        set.up(ground.url()).await.expect("up works").done[0].rows_affected,
        4
    );
}

async fn a_failure_is_shown_at_its_place<DB: Product>(ground: Ground<DB>) {
    let set = with_rows(
        &ground,
        "UPDATE a SET n = id;\nINSERT INTO a (id) VALUES (1)",
    )
    .await;
    let error = set
        .migrator()
        .rehearse(ground.url())
        .await
        .expect_err("there is a 1");
    assert_eq!(error.kind(), ErrorKind::Statement);
    assert_eq!(error.migration(), Some("0002_n"));
    assert!(error.to_string().contains("0002_n.sql:8:1"), "{error}");
    assert_eq!(ground.value("SELECT count(n) FROM a").await, "0");
    // Not even as a failure is it in the history.
    assert_eq!(ground.history().await, ["0001_a applied 1/1"]);
}

async fn a_check_that_does_not_hold_is_shown<DB: Product>(ground: Ground<DB>) {
    with_rows(&ground, "UPDATE a SET n = id").await;
    let set = migrations::<DB>(&[
        (
            "0001_a",
            File::new(
                "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)",
                "DROP TABLE a",
            ),
        ),
        (
            "0002_n",
            File::new("UPDATE a SET n = id", "UPDATE a SET n = NULL")
                .after("no n is 2", "SELECT id FROM a WHERE n = 2"),
        ),
    ]);
    let error = set
        .migrator()
        .rehearse(ground.url())
        .await
        .expect_err("one is 2");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert_eq!(ground.value("SELECT count(n) FROM a").await, "0");
}

async fn what_runs_outside_of_a_transaction_is_named<DB: Product>(ground: Ground<DB>) {
    with_rows(&ground, "UPDATE a SET n = id").await;
    let update = || File::new("UPDATE a SET n = id", "UPDATE a SET n = NULL");
    let set = migrations::<DB>(&[
        ("0001_a", File::new("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)", "DROP TABLE a")),
        ("0002_n", update()),
        (
            "0003_rounds",
            File::new(
                "-- @batch: 2\nUPDATE a SET n = 9 WHERE id IN (SELECT id FROM (SELECT id FROM a WHERE n IS NULL LIMIT 2) x)",
                "UPDATE a SET n = NULL",
            )
            .with("@transaction: false"),
        ),
        ("0004_apart", update().with("@transaction: false")),
        ("0005_more", update()),
    ]);
    let rehearsal = rehearsed(&set, &ground).await;
    assert_eq!(rehearsal.migrations.len(), 1);
    let left_out: Vec<_> = rehearsal
        .left_out
        .iter()
        .map(|one| (one.id.as_str(), one.reason.as_str()))
        .collect();
    assert_eq!(
        left_out,
        [
            ("0003_rounds", "a `@batch` commits each of its rounds"),
            ("0004_apart", "it comes after `0003_rounds`"),
            ("0005_more", "it comes after `0003_rounds`"),
        ]
    );
    let shown = rehearsal.to_string();
    assert!(
        shown.contains("\n  0003_rounds not rehearsed: a `@batch` commits"),
        "{shown}"
    );
}

async fn nothing_stays<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    let rehearsal = rehearsed(&set, &ground).await;
    assert_eq!(rehearsal.migrations.len(), 3);
    for table in [
        "t1",
        "t2",
        "t3",
        "__migrations__",
        "__migration_rollbacks__",
    ] {
        assert!(!ground.has(table).await, "{table} stays");
    }
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 3);
}

async fn nothing_stays_of_what_was_rehearsed(ground: Ground<Postgres>) {
    nothing_stays(ground).await;
}

async fn nothing_stays_in_the_file(ground: Ground<Sqlite>) {
    nothing_stays(ground).await;
}

async fn locks_and_rewrites_are_told(ground: Ground<Postgres>) {
    let up = "ALTER TABLE a ALTER COLUMN n TYPE bigint;\nCREATE INDEX a_n ON b (id);\n\
              CREATE TABLE born (id integer REFERENCES b);\nDROP TABLE gone";
    let set = migrations::<Postgres>(&[
        (
            "0001_a",
            File::new(
                "CREATE TABLE a (id integer PRIMARY KEY, n integer)",
                "DROP TABLE a",
            ),
        ),
        ("0002_b", File::table("b")),
        ("0003_gone", File::table("gone")),
        ("0004_all", File::new(up, "SELECT 1")),
    ]);
    let first = set.migrator().target("0003_gone").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    ground
        .ask("INSERT INTO a SELECT generate_series(1, 100)")
        .await;
    let rehearsal = rehearsed(&set, &ground).await;
    let statements = &rehearsal.migrations[0].statements;
    let locks: Vec<Vec<String>> = statements
        .iter()
        .map(|one| {
            let strong = one.locks.iter().filter(|lock| lock.blocks > Blocks::Nobody);
            strong
                .map(|TableLock { table, mode, .. }| format!("{table} {mode}"))
                .collect()
        })
        .collect();
    assert_eq!(locks[0], ["a AccessExclusiveLock", "a ShareLock"]);
    assert_eq!(locks[1], ["b ShareLock"]);
    assert_eq!(
        locks[2],
        ["b ShareRowExclusiveLock"],
        "not what is born here"
    );
    assert_eq!(
        locks[3],
        ["gone AccessExclusiveLock"],
        "although it is gone by then"
    );
    let rewrites: Vec<_> = statements.iter().map(|one| one.rewrites.clone()).collect();
    assert_eq!(rewrites, [vec!["a".to_owned()], vec![], vec![], vec![]]);
    let shown = rehearsal.to_string();
    assert!(
        shown.contains("locks a: blocks reads and writes (AccessExclusiveLock)"),
        "{shown}"
    );
    assert!(
        shown.contains("locks b: blocks writes (ShareLock)"),
        "{shown}"
    );
    assert!(shown.contains("writes a anew"), "{shown}");
}

async fn a_busy_table_ends_the_rehearsal(ground: Ground<Postgres>) {
    let set = migrations::<Postgres>(&[
        ("0001_a", File::table("a")),
        (
            "0002_n",
            File::new(
                "ALTER TABLE a ADD COLUMN n integer",
                "ALTER TABLE a DROP COLUMN n",
            ),
        ),
    ]);
    let first = set.migrator().target("0001_a").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    let mut other = ground.connect().await;
    crate::ground::ask::<Postgres>(&mut other, "BEGIN; LOCK TABLE a").await;
    let migrator = set
        .migrator()
        .lock_timeout(std::time::Duration::from_millis(100));
    let error = migrator
        .rehearse(ground.url())
        .await
        .expect_err("the table is busy");
    assert!(error.to_string().contains("lock timeout"), "{error}");
    crate::ground::ask::<Postgres>(&mut other, "ROLLBACK").await;
}

async fn ddl_cannot_be_rehearsed(ground: Ground<MySql>) {
    let set = tables::<MySql>(2);
    let rehearsal = rehearsed(&set, &ground).await;
    assert!(rehearsal.migrations.is_empty());
    assert_eq!(
        rehearsal.to_string(),
        "nothing was rehearsed\n  \
         0001_t1 not rehearsed: it holds DDL, and this engine commits DDL by itself\n  \
         0002_t2 not rehearsed: it comes after `0001_t1`"
    );
    assert!(!ground.has("t1").await && !ground.has("__migrations__").await);
}

async fn a_rebuild_without_foreign_keys_is_rehearsed(ground: Ground<Sqlite>) {
    let set = migrations::<Sqlite>(&[
        ("0001_a", File::table("a")),
        (
            "0002_b",
            File::new(
                "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a)",
                "DROP TABLE b",
            ),
        ),
        (
            "0003_rebuild",
            File::new(
                "CREATE TABLE c (id INTEGER PRIMARY KEY, n INTEGER);\n\
                 INSERT INTO c (id) SELECT id FROM a WHERE id < 2;\n\
                 DROP TABLE a;\nALTER TABLE c RENAME TO a",
                "ALTER TABLE a DROP COLUMN n",
            )
            .with("@foreignKeys: off"),
        ),
    ]);
    let second = set.migrator().target("0002_b").expect("it is there");
    second.up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO a (id) VALUES (1)").await;
    ground.ask("INSERT INTO b (id, a) VALUES (1, 1)").await;
    let rehearsal = rehearsed(&set, &ground).await;
    assert_eq!(rehearsal.migrations[0].statements.len(), 4);
    // What would be broken afterwards is found, and the enforcement is on again.
    ground.ask("INSERT INTO a (id) VALUES (2)").await;
    ground.ask("INSERT INTO b (id, a) VALUES (2, 2)").await;
    let error = set
        .migrator()
        .rehearse(ground.url())
        .await
        .expect_err("one leads nowhere");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert_eq!(ground.value("SELECT count(*) FROM a").await, "2");
}
