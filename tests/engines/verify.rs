//! Whether the database is what the history says, and the history what the program knows.

use backstitch::testing::Difference;
use backstitch::{Drift, Drifted, Verification, Verify};

use crate::ground::{File, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        a_database_that_is_as_it_should_be,
        what_was_changed_by_hand_is_drift,
        what_others_make_is_no_drift,
        drift_cannot_be_told_where_a_migration_is_unknown,
        drift_cannot_be_told_where_migrations_need_rows,
        a_way_back_that_was_edited_is_told,
        a_way_back_that_is_outdated_is_a_warning,
        a_row_that_was_deleted_is_told,
        an_edited_file_is_told_with_the_rest,
    ],
    postgres: [
        owners_and_privileges_are_not_compared,
        the_schema_of_the_history_is_no_drift,
    ],
    sqlite: [
        drift_cannot_be_told_where_a_function_ran,
    ],
}

/// A replay on the server of the ground, which is one for tests.
fn replaying<DB: Product>(ground: &Ground<DB>) -> Verify {
    Verify::new().replay_on(ground.url())
}

pub(crate) async fn verified<DB: Product>(
    ground: &Ground<DB>,
    set: &backstitch::Migrations<DB>,
    verify: Verify,
) -> Verification {
    let verified = set.migrator().verify(ground.url(), verify).await;
    verified.unwrap_or_else(|error| panic!("{error}"))
}

/// Tables of another tool, and what has to be declared.
pub(crate) async fn objects_of_others<DB: Product>(ground: &Ground<DB>) {
    for sql in [
        "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY)",
        "CREATE TABLE geo_points (id INTEGER PRIMARY KEY, n INTEGER)",
        "CREATE INDEX geo_n ON geo_points (n)",
    ] {
        ground.ask(sql).await;
    }
}

async fn a_database_that_is_as_it_should_be<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    let none = verified(&ground, &set, replaying(&ground)).await;
    assert!(none.is_ok() && none.applied == 0, "{none}");
    assert!(!ground.has("__migrations__").await, "verify writes nothing");

    set.migrator()
        .target("0002_t2")
        .expect("it is there")
        .up(ground.url())
        .await
        .expect("up works");
    // Rows of others and pending migrations are no findings.
    ground.ask("INSERT INTO t1 (id) VALUES (7)").await;
    let fine = verified(&ground, &set, replaying(&ground)).await;
    assert!(fine.is_ok(), "{fine}");
    assert_eq!(fine.drift, Drift::None);
    assert_eq!(
        fine.to_string(),
        "history: 2 migrations applied, as this program knows them\n\
         drift: none, the database is what the migrations make"
    );
    let left_out = verified(&ground, &set, Verify::new().without_drift()).await;
    assert!(left_out.is_ok());
    assert!(
        left_out
            .to_string()
            .ends_with("drift: not known, it was left out"),
        "{left_out}"
    );
}

async fn what_was_changed_by_hand_is_drift<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        (
            "0001_a",
            File::new(
                "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)",
                "DROP TABLE a",
            ),
        ),
        ("0002_b", File::table("b")),
    ]);
    set.up(ground.url()).await.expect("up works");
    ground.ask("CREATE INDEX by_hand ON a (n)").await;
    ground.ask("ALTER TABLE b ADD COLUMN note INTEGER").await;
    ground
        .ask("CREATE TABLE mine (id INTEGER PRIMARY KEY)")
        .await;
    let found = verified(&ground, &set, replaying(&ground)).await;
    assert!(!found.is_ok() && found.findings.is_empty(), "{found}");
    let shown = found.to_string();
    assert!(
        shown.contains("drift: 3 differences from what the migrations make\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\n  not from a migration: index by_hand on a"),
        "{shown}"
    );
    assert!(
        shown.contains("\n  not from a migration: column b.note"),
        "{shown}"
    );
    assert!(
        shown.contains("\n  not from a migration: table mine"),
        "{shown}"
    );

    ground.ask("DROP TABLE b").await;
    let found = verified(&ground, &set, replaying(&ground)).await;
    let is_b_missing = |one: &Drifted| matches!(&one.difference, Difference::Missing { object, .. } if object.name == "b");
    assert!(
        found.drift.differences().iter().any(is_b_missing),
        "{found}"
    );
}

async fn what_others_make_is_no_drift<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    set.up(ground.url()).await.expect("up works");
    objects_of_others(&ground).await;
    let external = replaying(&ground).external(["geo_*"]);
    let fine = verified(&ground, &set, external).await;
    assert!(fine.is_ok(), "{fine}");
    let found = verified(&ground, &set, replaying(&ground)).await;
    assert_eq!(found.drift.differences().len(), 1, "{found}");
}

async fn drift_cannot_be_told_where_a_migration_is_unknown<DB: Product>(ground: Ground<DB>) {
    let renamed = File::new("ALTER TABLE t1 RENAME TO t2", "ALTER TABLE t2 RENAME TO t1");
    let newer = [("0001_t1", File::table("t1")), ("0002_t2", renamed)];
    migrations::<DB>(&newer)
        .up(ground.url())
        .await
        .expect("up works");
    let found = verified(&ground, &tables::<DB>(1), replaying(&ground)).await;
    assert!(!found.is_ok(), "the row itself is a finding");
    let shown = found.to_string();
    assert!(
        shown.contains("`0002_t2`, which this program does not know"),
        "{shown}"
    );
    assert!(
        shown.ends_with("drift: not known, this program does not hold what `0002_t2` ran"),
        "{shown}"
    );
}

async fn drift_cannot_be_told_where_migrations_need_rows<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_b",
            File::table("b").before(
                "somebody is there",
                "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM a)",
            ),
        ),
    ]);
    set.migrator()
        .target("0001_a")
        .expect("it is there")
        .up(ground.url())
        .await
        .expect("up works");
    ground.ask("INSERT INTO a (id) VALUES (1)").await;
    set.up(ground.url()).await.expect("up works");
    let found = verified(&ground, &set, replaying(&ground)).await;
    assert!(found.is_ok(), "that is nobody's fault: {found}");
    let shown = found.to_string();
    assert!(shown.contains("do not run on an empty database"), "{shown}");
}

async fn does_nothing(_connection: &mut sqlx::SqliteConnection) -> Result<(), sqlx::Error> {
    Ok(())
}

async fn drift_cannot_be_told_where_a_function_ran(ground: Ground<sqlx::Sqlite>) {
    let stepping = File::table("a").with("@step: 0001_a");
    let set = migrations::<sqlx::Sqlite>(&[("0001_a", stepping)]);
    let set = set.with_step("0001_a", does_nothing);
    set.up(ground.url()).await.expect("up works");
    let found = verified(&ground, &set, Verify::new()).await;
    let shown = found.to_string();
    assert!(
        shown.ends_with("the `@step` of `0001_a` is not run anew"),
        "{shown}"
    );
}

async fn a_way_back_that_was_edited_is_told<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    set.up(ground.url()).await.expect("up works");
    let edit = "UPDATE __migrations__ SET down_sql = 'DROP TABLE t3;' WHERE version = 1";
    ground.ask(edit).await;
    ground
        .ask("UPDATE __migrations__ SET down_sql = NULL WHERE version = 2")
        .await;
    let found = verified(&ground, &set, Verify::new().without_drift()).await;
    assert!(!found.is_ok());
    let codes: Vec<_> = found.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["rollback-tampered", "rollback-tampered"], "{found}");
    let shown = found.to_string();
    assert!(
        shown.contains("`0001_t1`: the stored way back is not the one"),
        "{shown}"
    );
    assert!(
        shown.contains("`0002_t2`: the history holds no way back"),
        "{shown}"
    );
    assert!(
        shown.contains("history: 3 migrations applied, 2 findings\n"),
        "{shown}"
    );
}

async fn a_way_back_that_is_outdated_is_a_warning<DB: Product>(ground: Ground<DB>) {
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    let create = "CREATE TABLE t1 (id INTEGER PRIMARY KEY)";
    let newer = [("0001_t1", File::new(create, "DROP TABLE IF EXISTS t1"))];
    let found = verified(&ground, &migrations(&newer), Verify::new().without_drift()).await;
    assert!(found.is_ok(), "{found}");
    let codes: Vec<_> = found.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["rollback-outdated"]);
}

async fn a_row_that_was_deleted_is_told<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(3);
    set.up(ground.url()).await.expect("up works");
    ground
        .ask("DELETE FROM __migrations__ WHERE version = 2")
        .await;
    let found = verified(&ground, &set, replaying(&ground)).await;
    let codes: Vec<_> = found.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["migration-out-of-order", "history-sum"], "{found}");
    // What it made is still there, and nobody seems to have made it.
    assert_eq!(found.drift.differences().len(), 1, "{found}");
}

async fn an_edited_file_is_told_with_the_rest<DB: Product>(ground: Ground<DB>) {
    tables::<DB>(2).up(ground.url()).await.expect("up works");
    let set = migrations::<DB>(&[
        ("0001_t1", File::table("other")),
        ("0002_t2", File::table("t2")),
    ]);
    let found = verified(&ground, &set, replaying(&ground)).await;
    let codes: Vec<_> = found.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["migration-edited"], "{found}");
    assert!(matches!(&found.drift, Drift::Unknown(why) if why.contains("`0001_t1`")));
}

async fn owners_and_privileges_are_not_compared(ground: Ground<sqlx::Postgres>) {
    let set = tables::<sqlx::Postgres>(1);
    set.up(ground.url()).await.expect("up works");
    ground
        .ask("GRANT SELECT ON t1 TO PUBLIC; ALTER TABLE t1 OWNER TO pg_database_owner")
        .await;
    let fine = verified(&ground, &set, replaying(&ground)).await;
    assert!(fine.is_ok(), "{fine}");
}

async fn the_schema_of_the_history_is_no_drift(ground: Ground<sqlx::Postgres>) {
    let set = tables::<sqlx::Postgres>(1);
    let migrator = set.migrator().schema("ops");
    migrator.up(ground.url()).await.expect("up works");
    let fine = migrator.verify(ground.url(), replaying(&ground)).await;
    let fine = fine.unwrap_or_else(|error| panic!("{error}"));
    assert!(fine.is_ok() && fine.applied == 1, "{fine}");
}
