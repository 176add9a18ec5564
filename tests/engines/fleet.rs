//! The same migrations for many tenants.

use backstitch::{ErrorKind, Outcome};
use sqlx::{MySql, Postgres, Sqlite};

use crate::ground::{Ground, Product, scenarios, tables};

scenarios! {
    everywhere: [
        each_tenant_has_its_own,
        one_that_fails_does_not_hold_up_the_others,
        many_that_fail_end_it,
        nobody_is_a_fleet_too,
    ],
    postgres: [
        schemas_in_one_database,
    ],
    mariadb: [
        databases_behind_one_url,
    ],
    sqlite: [
        schemas_need_an_engine_that_has_them,
    ],
}

fn grounds<DB: Product>(count: usize) -> Vec<Ground<DB>> {
    (0..count).filter_map(|_| Ground::new()).collect()
}

async fn each_tenant_has_its_own<DB: Product>(ground: Ground<DB>) {
    let grounds: Vec<_> = grounds(4).into_iter().chain([ground]).collect();
    let set = tables::<DB>(2);
    let mut fleet = set.fleet().at_once(2);
    for (n, ground) in grounds.iter().enumerate() {
        fleet = fleet.database(format!("t{n}"), ground.url());
    }
    let standing = fleet.status().await;
    assert!(standing.is_ok());
    assert!(
        standing.to_string().contains("\n  t3  2 pending\n"),
        "{standing}"
    );
    let report = fleet.up().await;
    assert!(report.is_ok() && report.failed().is_empty(), "{report}");
    let names: Vec<_> = report
        .tenants
        .iter()
        .map(|tenant| tenant.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["t0", "t1", "t2", "t3", "t4"],
        "in the order of their names"
    );
    let shown = report.to_string();
    assert!(shown.starts_with("5 of 5 tenants done in "), "{shown}");
    assert!(
        shown.contains("\n  t2  2 migrations applied in "),
        "{shown}"
    );
    for ground in &grounds {
        assert_eq!(ground.history().await.len(), 2);
    }
    let again = fleet.up().await;
    let is_done =
        |outcome: &Outcome| matches!(outcome, Outcome::Done(report) if report.is_up_to_date());
    assert!(
        again.tenants.iter().all(|tenant| is_done(&tenant.outcome)),
        "{again}"
    );
    assert!(
        fleet
            .status()
            .await
            .to_string()
            .contains("\n  t3  up to date (2 applied)\n")
    );
}

async fn one_that_fails_does_not_hold_up_the_others<DB: Product>(ground: Ground<DB>) {
    let others = grounds::<DB>(2);
    // Somebody has a table of that name already.
    ground.ask("CREATE TABLE t2 (id INTEGER)").await;
    let set = tables::<DB>(3);
    let fleet = || {
        let fleet = set.fleet().database("first", others[0].url());
        fleet
            .database("sick", ground.url())
            .database("last", others[1].url())
    };
    let report = fleet().at_once(1).up().await;
    assert!(!report.is_ok());
    assert_eq!(report.failed(), ["sick"]);
    let Some(Outcome::Failed(error)) = report.get("sick") else {
        panic!("{report}");
    };
    assert_eq!(error.kind(), ErrorKind::Statement);
    assert_eq!(error.report().done.len(), 1, "the first stays");
    let shown = report.to_string();
    assert!(
        shown.starts_with("2 of 3 tenants done, 1 failed in "),
        "{shown}"
    );
    assert!(shown.contains("\n  sick   failed\n      error["), "{shown}");

    ground.ask("DROP TABLE t2").await;
    let again = fleet().only(&report.failed()).up().await;
    assert!(again.is_ok() && again.tenants.len() == 1, "{again}");
    assert_eq!(ground.history().await.len(), 3);
}

async fn many_that_fail_end_it<DB: Product>(ground: Ground<DB>) {
    ground.ask("CREATE TABLE t1 (id INTEGER)").await;
    let set = tables::<DB>(1);
    let mut fleet = set.fleet().at_once(1).stop_after(1);
    for n in 0..3 {
        fleet = fleet.database(format!("t{n}"), ground.url());
    }
    let report = fleet.up().await;
    assert_eq!(report.failed(), ["t0", "t1", "t2"]);
    assert!(matches!(report.get("t1"), Some(Outcome::Skipped)));
    let shown = report.to_string();
    assert!(
        shown.starts_with("0 of 3 tenants done, 1 failed, 2 skipped in "),
        "{shown}"
    );
    let unreachable = set.fleet().database("gone", "nonsense").up().await;
    assert_eq!(unreachable.failed(), ["gone"], "{unreachable}");
}

async fn nobody_is_a_fleet_too<DB: Product>(_ground: Ground<DB>) {
    let report = tables::<DB>(1).fleet().up().await;
    assert!(report.is_ok() && report.to_string().starts_with("0 of 0 tenants done in "));
}

async fn schemas_in_one_database(ground: Ground<Postgres>) {
    // The second name is as hostile as a name can be.
    ground
        .ask("CREATE SCHEMA acme; CREATE SCHEMA \"Bolt's \"\"own\"\"\"")
        .await;
    let set = tables::<Postgres>(2);
    let fleet = set
        .fleet()
        .schema("acme", ground.url(), "acme")
        .schema("bolt", ground.url(), "Bolt's \"own\"")
        .schema("gone", ground.url(), "gone");
    let report = fleet.up().await;
    assert_eq!(report.failed(), ["gone"]);
    let Some(Outcome::Failed(error)) = report.get("gone") else {
        panic!("{report}");
    };
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error.to_string().contains("there is no schema `gone`"),
        "{error}"
    );
    for schema in ["acme", "\"Bolt's \"\"own\"\"\""] {
        assert!(ground.has(&format!("{schema}.t2")).await, "{schema}");
        let rows = ground
            .ask(&format!("SELECT id FROM {schema}.__migrations__"))
            .await;
        assert_eq!(rows.len(), 2);
    }
    assert!(!ground.has("public.t1").await && !ground.has("public.__migrations__").await);
}

async fn databases_behind_one_url(ground: Ground<MySql>) {
    let other = Ground::<MySql>::new().expect("the server is there");
    let name = other.value("SELECT DATABASE()").await;
    let set = tables::<MySql>(2);
    let fleet = set
        .fleet()
        .schema("acme", ground.url(), name.as_str())
        .schema("gone", ground.url(), "backstitch_nowhere");
    let report = fleet.up().await;
    assert_eq!(report.failed(), ["gone"]);
    assert!(
        report
            .to_string()
            .contains("there is no schema `backstitch_nowhere`"),
        "{report}"
    );
    assert_eq!(other.history().await.len(), 2);
    assert!(!ground.has("t1").await);
}

async fn schemas_need_an_engine_that_has_them(ground: Ground<Sqlite>) {
    let report = tables::<Sqlite>(1)
        .fleet()
        .schema("acme", ground.url(), "acme")
        .up()
        .await;
    assert!(
        report.to_string().contains("SQLite has no schemas"),
        "{report}"
    );
}
