//! All pending migrations in one transaction: all of them, or none.

use backstitch::{ErrorKind, Migrations, Mode};
use sqlx::{MySql, Postgres, Sqlite};

use crate::ground::{File, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        what_is_outside_of_a_transaction_cannot_take_part,
    ],
    postgres: [
        all_or_none,
        each_has_its_own_time,
        too_many_at_once_are_told_what_to_do,
    ],
    mariadb: [
        ddl_cannot_take_part_in_mysql,
        data_can_take_part_in_mysql,
    ],
    sqlite: [
        all_or_none_in_sqlite,
    ],
}

async fn together<DB: Product>(
    ground: &Ground<DB>,
    set: &Migrations<DB>,
) -> Result<backstitch::Report, backstitch::Error> {
    set.migrator().mode(Mode::All).up(ground.url()).await
}

async fn all_or_none(ground: Ground<Postgres>) {
    none_then_all(&ground).await;
}

async fn all_or_none_in_sqlite(ground: Ground<Sqlite>) {
    none_then_all(&ground).await;
}

async fn none_then_all<DB: Product>(ground: &Ground<DB>) {
    for check in [false, true] {
        let last = if check {
            File::table("c").after("never", "SELECT 1")
        } else {
            File::new(
                "CREATE TABLE c (id INTEGER);\nINSERT INTO nowhere VALUES (1)",
                "DROP TABLE c",
            )
        };
        let bad = migrations::<DB>(&[
            ("0001_a", File::table("a")),
            ("0002_b", File::table("b")),
            ("0003_c", last),
        ]);
        let error = together(ground, &bad).await.expect_err("the last is wrong");
        assert_eq!(error.migration(), Some("0003_c"));
        assert!(error.report().done.is_empty());
        assert!(!ground.has("a").await && !ground.has("b").await && !ground.has("c").await);
        let statements = if check { 1 } else { 2 };
        assert_eq!(
            ground.history().await,
            [format!("0003_c failed 0/{statements}")]
        );
    }
    let good = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        ("0002_b", File::table("b")),
        ("0003_c", File::table("c")),
    ]);
    let report = together(ground, &good).await.expect("up works");
    assert_eq!(report.done.len(), 3);
    let runs = ground.ask("SELECT DISTINCT run FROM __migrations__").await;
    assert_eq!(runs.len(), 1);
    assert_eq!(ground.history().await.len(), 3);
    assert!(
        together(ground, &good)
            .await
            .expect("up works")
            .is_up_to_date()
    );
    assert!(
        good.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn each_has_its_own_time(ground: Ground<Postgres>) {
    let set = migrations::<Postgres>(&[
        ("0001_quick", File::table("a")),
        ("0002_slow", File::new("SELECT pg_sleep(0.4)", "SELECT 1")),
        ("0003_quick", File::table("c")),
    ]);
    together(&ground, &set).await.expect("up works");
    let times = ground
        .ask("SELECT execution_ms FROM __migrations__ ORDER BY seq")
        .await;
    let times: Vec<u64> = times
        .iter()
        .map(|row| row[0].parse().expect("milliseconds"))
        .collect();
    assert!(
        times[0] < 300 && times[1] >= 400 && times[2] < 300,
        "{times:?}"
    );
}

async fn what_is_outside_of_a_transaction_cannot_take_part<DB: Product>(ground: Ground<DB>) {
    let set = migrations::<DB>(&[
        ("0001_a", File::new("SELECT 1", "SELECT 1")),
        (
            "0002_b",
            File::new("SELECT 1", "SELECT 1").with("@transaction: false"),
        ),
    ]);
    let error = together(&ground, &set)
        .await
        .expect_err("the second stands outside");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.migration(), Some("0002_b"));
    assert!(error.to_string().contains("@transaction: false"), "{error}");
    assert_eq!(ground.history().await, [""; 0]);
}

async fn ddl_cannot_take_part_in_mysql(ground: Ground<MySql>) {
    let error = together(&ground, &tables::<MySql>(2))
        .await
        .expect_err("DDL commits");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error.to_string().contains("commits DDL by itself"),
        "{error}"
    );
    assert!(!ground.has("t1").await);
}

async fn data_can_take_part_in_mysql(ground: Ground<MySql>) {
    let fill = |n: usize| {
        File::new(
            &format!("INSERT INTO t1 VALUES ({n})"),
            &format!("DELETE FROM t1 WHERE id = {n}"),
        )
    };
    tables::<MySql>(1).up(ground.url()).await.expect("up works");
    let set = migrations::<MySql>(&[
        ("0001_t1", File::table("t1")),
        ("0002_one", fill(1)),
        ("0003_same", fill(1)),
    ]);
    let error = together(&ground, &set)
        .await
        .expect_err("it is there already");
    assert_eq!(error.migration(), Some("0003_same"));
    assert_eq!(ground.value("SELECT COUNT(*) FROM t1").await, "0");
    let set = migrations::<MySql>(&[
        ("0001_t1", File::table("t1")),
        ("0002_one", fill(1)),
        ("0003_two", fill(2)),
    ]);
    together(&ground, &set).await.expect("up works");
    assert_eq!(ground.value("SELECT COUNT(*) FROM t1").await, "2");
}

async fn too_many_at_once_are_told_what_to_do(ground: Ground<Postgres>) {
    // Some thousand tables do it for real, but leave no locks to the tests beside this one: so the
    // server's words are put into its mouth.
    let locks = "DO $$ BEGIN RAISE 'out of shared memory' USING ERRCODE = '53200', \
                 HINT = 'You might need to increase max_locks_per_transaction.'; END $$";
    let set = migrations::<Postgres>(&[
        ("0001_t1", File::table("t1")),
        ("0002_locks", File::new(locks, "SELECT 1")),
    ]);
    let error = together(&ground, &set)
        .await
        .expect_err("the table of locks is full");
    assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
    assert_eq!(error.migration(), Some("0002_locks"));
    let shown = error.to_string();
    for part in [
        "2 migrations are too many",
        "max_locks_per_transaction",
        "`Mode::Each`",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!ground.has("t1").await);
}
