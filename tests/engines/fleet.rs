//! The same migrations for many tenants.

use std::sync::{Arc, Mutex};

use backstitch::{Down, ErrorKind, Event, Outcome, Verify};
use sqlx::{MySql, Postgres, Sqlite};

use crate::ground::{Ground, Product, scenarios, tables};

scenarios! {
    everywhere: [
        each_tenant_has_its_own,
        one_that_fails_does_not_hold_up_the_others,
        many_that_fail_end_it,
        nobody_is_a_fleet_too,
        all_go_back_together,
        what_differs_is_told_of_each,
        no_more_at_once_than_asked_for,
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

async fn all_go_back_together<DB: Product>(ground: Ground<DB>) {
    let other = grounds::<DB>(1);
    let set = tables::<DB>(3);
    let fleet = || {
        let fleet = set.migrator().force().fleet();
        fleet
            .database("acme", ground.url())
            .database("bolt", other[0].url())
    };
    let planned = fleet().plan().await.to_string();
    assert!(
        planned.contains("\n  acme  3 steps: 0001_t1, 0002_t2, 0003_t3"),
        "{planned}"
    );
    assert!(fleet().up().await.is_ok());
    let planned = fleet().plan().await.to_string();
    assert!(planned.contains("\n  bolt  nothing to do"), "{planned}");
    // One has gone back further already, and one does not know where to go back to.
    set.migrator()
        .force()
        .down(ground.url(), Down::Steps(2))
        .await
        .expect("down works");
    let back = fleet().down(Down::To("0002_t2".to_owned())).await;
    assert_eq!(back.failed(), ["acme"], "{back}");
    assert!(
        back.to_string().contains("1 migration taken back"),
        "{back}"
    );
    assert_eq!(other[0].history().await.len(), 2);
    let back = fleet().down(Down::All).await;
    assert!(back.is_ok(), "{back}");
    for ground in [&ground, &other[0]] {
        assert!(ground.history().await.is_empty());
        assert!(!ground.has("t1").await);
    }
}

async fn what_differs_is_told_of_each<DB: Product>(ground: Ground<DB>) {
    let other = grounds::<DB>(1);
    let set = tables::<DB>(2);
    let fleet = || {
        let fleet = set.fleet().database("sound", other[0].url());
        fleet.database("edited", ground.url())
    };
    assert!(fleet().up().await.is_ok());
    let verified = fleet().verify(Verify::new().without_drift()).await;
    assert!(
        verified.is_ok() && verified.differing().is_empty(),
        "{verified}"
    );
    ground
        .ask("UPDATE __migrations__ SET digest = 'v1:0' WHERE version = 2")
        .await;
    let verified = fleet().verify(Verify::new().without_drift()).await;
    assert_eq!(verified.differing(), ["edited"], "{verified}");
    let shown = verified.to_string();
    assert!(
        shown.contains("\n  sound   history: 2 migrations applied, as this program knows them"),
        "{shown}"
    );
    assert!(shown.contains("history-sum"), "{shown}");
}

async fn no_more_at_once_than_asked_for<DB: Product>(ground: Ground<DB>) {
    let grounds: Vec<_> = grounds(5).into_iter().chain([ground]).collect();
    // How many are under way, and how many there were at most.
    let seen = Arc::new(Mutex::new((0, 0)));
    let set = tables::<DB>(3);
    let migrator = set.migrator().observer({
        let seen = seen.clone();
        move |event: Event<'_>| {
            let mut seen = seen.lock().expect("nobody panics");
            match event {
                Event::Started { .. } => seen.0 += 1,
                Event::Finished { .. } => seen.0 -= 1,
                _ => {}
            }
            seen.1 = seen.1.max(seen.0);
        }
    });
    let mut fleet = migrator.fleet().at_once(2);
    for (n, ground) in grounds.iter().enumerate() {
        fleet = fleet.database(format!("t{n}"), ground.url());
    }
    let report = fleet.up().await;
    assert!(report.is_ok(), "{report}");
    let (under_way, most) = *seen.lock().expect("nobody panics");
    assert_eq!(under_way, 0);
    assert!((1..=2).contains(&most), "{most} at once");
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
    // One has a database of its own, beside those with schemas.
    let own = Ground::<Postgres>::new().expect("the server is there");
    let fleet = fleet.database("own", own.url());
    let report = fleet.up().await;
    assert_eq!(own.history().await.len(), 2);
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
    // Each goes back in its own.
    let back = fleet.only(&["acme"]).down(Down::Steps(1)).await;
    assert!(back.is_ok(), "{back}");
    assert!(!ground.has("acme.t2").await && ground.has("\"Bolt's \"\"own\"\"\".t2").await);
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
