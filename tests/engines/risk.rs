//! What a rollback would lose, the force that it needs then, and the backup before it.

use std::sync::{Arc, Mutex};

use backstitch::{Count, Direction, Down, ErrorKind, Level, Migrations, Occasion, Risk};

use crate::ground::{File, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        an_empty_table_is_no_loss,
        a_table_with_rows_needs_force,
        a_column_with_values_needs_force,
        many_rows_are_not_counted_to_the_end,
        what_cannot_be_judged_needs_force,
        what_the_file_calls_safe_is_believed,
        a_file_that_says_so_needs_force,
        a_way_back_that_is_not_in_the_program_is_judged_too,
        all_that_needs_force_is_told_at_once,
        a_backup_is_made_first_and_recorded,
        a_backup_that_fails_stops_the_run,
        a_backup_before_up_is_made_once,
    ],
    postgres: [
        the_statistics_tell_about_large_tables,
        a_locked_table_does_not_hold_up_the_judgement,
    ],
    sqlite: [
        a_rebuild_is_not_taken_for_a_drop,
    ],
}

/// A table with a column that comes later.
fn with_column<DB: Product>() -> Migrations<DB> {
    migrations(&[
        ("0001_a", File::table("a")),
        (
            "0002_n",
            File::new(
                "ALTER TABLE a ADD COLUMN n INTEGER",
                "ALTER TABLE a DROP COLUMN n",
            ),
        ),
    ])
}

async fn risk_of<DB: Product>(ground: &Ground<DB>, set: &Migrations<DB>, down: Down) -> Risk {
    let risk = set.migrator().risk(ground.url(), down).await;
    risk.unwrap_or_else(|error| panic!("{error}"))
}

async fn level<DB: Product>(ground: &Ground<DB>, set: &Migrations<DB>, down: Down) -> Level {
    risk_of(ground, set, down).await.level()
}

async fn an_empty_table_is_no_loss<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    let risk = risk_of(&ground, &set, Down::All).await;
    assert_eq!(risk.level(), Level::Low);
    assert_eq!(
        risk.to_string(),
        "risk: low\n  0001_t1: low\n    drops table t1, which is empty"
    );
    set.down(ground.url(), Down::All)
        .await
        .expect("it needs no force");
}

async fn a_table_with_rows_needs_force<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO t1 (id) VALUES (1)").await;
    ground.ask("INSERT INTO t1 (id) VALUES (2)").await;
    let risk = risk_of(&ground, &set, Down::All).await;
    assert_eq!(risk.level(), Level::High);
    let reason = &risk.steps[0].reasons[0];
    assert_eq!(reason.table.as_deref(), Some("t1"));
    assert_eq!(reason.rows, Some(Count::Exactly(2)));
    assert_eq!(
        risk.to_string(),
        "risk: high\n  0001_t1: high\n    drops table t1, which has 2 rows"
    );

    let error = set
        .down(ground.url(), Down::All)
        .await
        .expect_err("it needs force");
    assert_eq!(error.kind(), ErrorKind::Rollback);
    let shown = error.to_string();
    assert!(
        shown.contains("taking back `0001_t1` loses data"),
        "{shown}"
    );
    assert!(
        shown.contains("Drops table t1, which has 2 rows."),
        "{shown}"
    );
    assert!(shown.contains(".force()"), "{shown}");
    assert!(ground.has("t1").await, "nothing was run");
    assert_eq!(
        ground
            .ask("SELECT 1 FROM __migration_rollbacks__")
            .await
            .len(),
        0
    );

    let forcing = set.migrator().force();
    forcing
        .down(ground.url(), Down::All)
        .await
        .expect("it has force");
    assert!(!ground.has("t1").await);
}

async fn a_column_with_values_needs_force<DB: Product>(ground: Ground<DB>) {
    let set = with_column::<DB>();
    set.up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO a (id) VALUES (1)").await;
    assert_eq!(level(&ground, &set, Down::Steps(1)).await, Level::Low);
    ground.ask("INSERT INTO a (id, n) VALUES (2, 7)").await;
    let risk = risk_of(&ground, &set, Down::Steps(1)).await;
    assert_eq!(
        risk.to_string(),
        "risk: high\n  0002_n: high\n    drops column a.n, which has values in 1 row"
    );
    let refused = set.down(ground.url(), Down::Steps(1)).await;
    assert_eq!(
        refused.expect_err("it needs force").kind(),
        ErrorKind::Rollback
    );
}

async fn many_rows_are_not_counted_to_the_end<DB: Product>(ground: Ground<DB>) {
    let set = with_column::<DB>();
    set.up(ground.url()).await.expect("up works");
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL \
                  SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL \
                  SELECT 8 UNION ALL SELECT 9)";
    ground
        .ask(&format!(
            "INSERT INTO a (id, n) SELECT v.d * 10000 + w.d * 1000 + x.d * 100 + y.d * 10 + z.d, 1 \
             FROM {digits} v, {digits} w, {digits} x, {digits} y, {digits} z WHERE v.d < 2"
        ))
        .await;
    let risk = risk_of(&ground, &set, Down::Steps(1)).await;
    assert_eq!(risk.steps[0].reasons[0].rows, Some(Count::MoreThan(10_000)));
    assert!(
        risk.to_string()
            .ends_with("which has values in more than 10000 rows"),
        "{risk}"
    );
}

async fn what_cannot_be_judged_needs_force<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_b",
            File::new(
                "UPDATE a SET id = id",
                "UPDATE a SET id = id - 1;\nDELETE FROM a",
            ),
        ),
    ]);
    set.up(ground.url()).await.expect("up works");
    assert_eq!(level(&ground, &set, Down::Steps(1)).await, Level::Low);
    ground.ask("INSERT INTO a (id) VALUES (1)").await;
    let risk = risk_of(&ground, &set, Down::Steps(1)).await;
    assert_eq!(
        risk.to_string(),
        "risk: high\n  0002_b: high\n    changes rows of a, which has 1 row\n    \
         deletes the rows of a, which has 1 row"
    );
    let error = set
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it needs force");
    assert!(
        error
            .to_string()
            .contains("taking back `0002_b` loses data"),
        "{error}"
    );
    // A table that is not there cannot be counted.
    ground.ask("ALTER TABLE a RENAME TO hidden").await;
    let risk = risk_of(&ground, &set, Down::Steps(1)).await;
    assert!(
        risk.to_string()
            .ends_with("whose rows could not be counted"),
        "{risk}"
    );
    assert_eq!(risk.level(), Level::Medium);
    let error = set
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it needs force");
    assert!(
        error
            .to_string()
            .contains("taking back `0002_b` may lose data"),
        "{error}"
    );
}

/// A condition tells nothing; that the file calls the rollback safe does.
async fn what_the_file_calls_safe_is_believed<DB: Product>(ground: Ground<DB>) {
    let seed = |safe: &str| {
        let seed = File::new(
            "INSERT INTO a (id) VALUES (7)",
            "DELETE FROM a WHERE id = 7",
        );
        migrations::<DB>(&[("0001_a", File::table("a")), ("0002_seed", seed.with(safe))])
    };
    let unsafe_seed = seed("@rollbackSafe: false");
    unsafe_seed.up(ground.url()).await.expect("up works");
    assert_eq!(
        level(&ground, &unsafe_seed, Down::Steps(1)).await,
        Level::Medium
    );
    let forcing = unsafe_seed.migrator().force();
    forcing
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("it has force");
    let set = seed("@rollbackSafe: true");
    set.up(ground.url()).await.expect("up works");
    let risk = risk_of(&ground, &set, Down::Steps(1)).await;
    assert_eq!(
        risk.to_string(),
        "risk: low\n  0002_seed: low\n    deletes some rows of a, which has 1 row"
    );
    set.down(ground.url(), Down::Steps(1))
        .await
        .expect("it needs no force");
}

async fn a_file_that_says_so_needs_force<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[("0001_a", File::table("a").with("@rollbackSafe: false"))]);
    set.up(ground.url()).await.expect("up works");
    let error = set
        .down(ground.url(), Down::All)
        .await
        .expect_err("it needs force");
    let shown = error.to_string();
    assert!(
        shown.contains("Its file says `@rollbackSafe: false`."),
        "{shown}"
    );
    set.migrator()
        .force()
        .down(ground.url(), Down::All)
        .await
        .expect("it has force");
}

async fn a_way_back_that_is_not_in_the_program_is_judged_too<DB: Product>(ground: Ground<DB>) {
    tables::<DB>(2).up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO t2 (id) VALUES (1)").await;
    let older = tables::<DB>(1);
    let error = older
        .down(ground.url(), Down::Steps(1))
        .await
        .expect_err("it needs force");
    assert!(
        error
            .to_string()
            .contains("Drops table t2, which has 1 row."),
        "{error}"
    );
    let forcing = older.migrator().force();
    let report = forcing
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("it has force");
    assert_eq!(report.done[0].id, "0002_t2");
    assert!(
        older
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn all_that_needs_force_is_told_at_once<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    set.up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO t1 (id) VALUES (1)").await;
    ground.ask("INSERT INTO t3 (id) VALUES (1)").await;
    let error = set
        .down(ground.url(), Down::All)
        .await
        .expect_err("two need force");
    let about: Vec<_> = error
        .diagnostics()
        .iter()
        .map(|one| one.migration.as_deref())
        .collect();
    assert_eq!(about, [Some("0003_t3"), Some("0001_t1")]);
    assert!(ground.has("t2").await, "what needs none waits too");
}

async fn a_backup_is_made_first_and_recorded<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(2);
    set.up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO t2 (id) VALUES (1)").await;
    let asked: Arc<Mutex<Vec<Occasion>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let url = ground.url().to_owned();
    let migrator = set
        .migrator()
        .force()
        .reason("a test")
        .backup(move |occasion| {
            seen.lock().expect("nobody panicked").push(occasion);
            let url = url.clone();
            async move {
                // The database can be reached meanwhile.
                use sqlx::Connection;
                let connection = DB::Connection::connect(&url).await?;
                connection.close().await?;
                Ok("backup of 1 row".to_owned())
            }
        });
    let report = migrator
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    assert_eq!(report.backup.as_deref(), Some("backup of 1 row"));
    let rows = ground
        .ask("SELECT id, backup, reason FROM __migration_rollbacks__ ORDER BY seq")
        .await;
    assert_eq!(rows[0], ["0002_t2", "backup of 1 row", "a test"]);
    assert_eq!(rows[1], ["0001_t1", "backup of 1 row", "a test"]);
    let asked = asked.lock().expect("nobody panicked");
    assert_eq!(asked.len(), 1, "one backup for all of it");
    assert_eq!(asked[0].direction, Direction::Down);
    assert_eq!(asked[0].ids, ["0002_t2", "0001_t1"]);
    assert_eq!(
        asked[0].risk.as_ref().map(|risk| risk.level()),
        Some(Level::High)
    );
}

async fn a_backup_that_fails_stops_the_run<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    let migrator = set
        .migrator()
        .backup(|_| async { Err("the disk is full".into()) });
    let error = migrator
        .down(ground.url(), Down::All)
        .await
        .expect_err("no backup, no rollback");
    assert_eq!(error.kind(), ErrorKind::Backup);
    let shown = error.to_string();
    assert!(
        shown.contains("the backup before this run failed: the disk is full"),
        "{shown}"
    );
    assert!(ground.has("t1").await);
    assert_eq!(ground.history().await, ["0001_t1 applied 1/1"]);
    // And the lock is free.
    set.down(ground.url(), Down::All).await.expect("down works");
}

async fn a_backup_before_up_is_made_once<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    let migrator = set
        .migrator()
        .backup_before_up(|occasion: Occasion| async move {
            assert_eq!(occasion.direction, Direction::Up);
            Ok(format!("before {}", occasion.ids.join(" ")))
        });
    let report = migrator.up(ground.url()).await.expect("up works");
    assert_eq!(
        report.backup.as_deref(),
        Some("before 0001_t1 0002_t2 0003_t3")
    );
    let report = migrator.up(ground.url()).await.expect("up works");
    assert_eq!(report.backup, None, "there is nothing to do");
    let failing = tables::<DB>(4);
    let failing = failing
        .migrator()
        .backup_before_up(|_| async { Err("no".into()) });
    let error = failing
        .up(ground.url())
        .await
        .expect_err("no backup, no run");
    assert_eq!(error.kind(), ErrorKind::Backup);
    assert!(!ground.has("t4").await);
}

async fn the_statistics_tell_about_large_tables(ground: Ground<sqlx::Postgres>) {
    let set = tables::<sqlx::Postgres>(1);
    set.up(ground.url()).await.expect("up works");
    ground
        .ask("INSERT INTO t1 SELECT generate_series(1, 20000); ANALYZE t1")
        .await;
    let risk = risk_of(&ground, &set, Down::All).await;
    assert_eq!(risk.steps[0].reasons[0].rows, Some(Count::About(20_000)));
}

async fn a_locked_table_does_not_hold_up_the_judgement(ground: Ground<sqlx::Postgres>) {
    let set = tables::<sqlx::Postgres>(1);
    set.up(ground.url()).await.expect("up works");
    let mut other = ground.connect().await;
    crate::ground::ask::<sqlx::Postgres>(&mut other, "BEGIN; LOCK TABLE t1").await;
    let risk = risk_of(&ground, &set, Down::All).await;
    assert_eq!(risk.level(), Level::Medium);
    assert!(risk.to_string().contains("could not be counted"), "{risk}");
    crate::ground::ask::<sqlx::Postgres>(&mut other, "ROLLBACK").await;
}

async fn a_rebuild_is_not_taken_for_a_drop(ground: Ground<sqlx::Sqlite>) {
    let set = migrations::<sqlx::Sqlite>(&[
        ("0001_a", File::table("a")),
        (
            "0002_n",
            File::new(
                "ALTER TABLE a ADD COLUMN n INTEGER",
                "CREATE TABLE a_old (\"Id\" INTEGER PRIMARY KEY);\n\
                 INSERT INTO a_old (id) SELECT id FROM a;\n\
                 DROP TABLE a;\n\
                 ALTER TABLE a_old RENAME TO a",
            ),
        ),
    ]);
    set.up(ground.url()).await.expect("up works");
    assert_eq!(level(&ground, &set, Down::Steps(1)).await, Level::Low);
    ground.ask("INSERT INTO a (id) VALUES (1)").await;
    assert_eq!(level(&ground, &set, Down::Steps(1)).await, Level::Low);
    ground.ask("UPDATE a SET n = 2").await;
    let risk = risk_of(&ground, &set, Down::Steps(1)).await;
    assert_eq!(
        risk.to_string(),
        "risk: high\n  0002_n: high\n    drops column a.n, which has values in 1 row"
    );
}
