//! Whoever waits for a lock inside the database is told for whom, while it waits and at the end.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use backstitch::{ErrorKind, Event, Migrations, Report};
use sqlx::{Connection, MySql, Postgres};
use tokio::task::JoinHandle;

use crate::ground::{File, Ground, Product, ask, migrations, scenarios, tables};

scenarios! {
    servers: [
        who_has_the_history_is_told,
        who_has_the_history_is_told_at_the_end,
        who_has_the_table_of_a_migration_is_told,
        who_has_the_table_of_a_rollback_is_told,
    ],
    postgres: [
        who_may_see_little_is_told_that,
    ],
    mariadb: [
        who_has_a_row_is_told,
    ],
}

/// How others take the history for themselves.
trait Locking: Product {
    const TAKE: &str;
    const LET_GO: &str;
    /// Who somebody is on the server, and how that is told.
    const NUMBER: &str;
    const CALLED: &str;
}

impl Locking for Postgres {
    const TAKE: &str = "BEGIN; LOCK TABLE __migrations__ IN ACCESS EXCLUSIVE MODE";
    const LET_GO: &str = "COMMIT";
    const NUMBER: &str = "SELECT pg_backend_pid()";
    const CALLED: &str = "server process";
}

impl Locking for MySql {
    // What else it needs is a transaction, by which it can be told of.
    const TAKE: &str = "CREATE TABLE IF NOT EXISTS other (id INTEGER); START TRANSACTION; \
                        INSERT INTO other VALUES (1); SELECT COUNT(*) FROM __migrations__";
    const LET_GO: &str = "COMMIT";
    const NUMBER: &str = "SELECT CONNECTION_ID()";
    const CALLED: &str = "server connection";
}

/// A session in the way, and how it is told of.
async fn somebody<DB: Locking>(ground: &Ground<DB>, does: &str) -> (DB::Connection, String) {
    let mut connection = ground.connect().await;
    let number = ask::<DB>(&mut connection, DB::NUMBER).await;
    ask::<DB>(&mut connection, does).await;
    (connection, format!("{} {}", DB::CALLED, number[0][0]))
}

/// What is told of who is in the way: the migration, and who.
type Told = (Option<String>, String);

fn start<DB: Product>(
    ground: &Ground<DB>,
    set: Migrations<DB>,
) -> (
    JoinHandle<Result<Report, backstitch::Error>>,
    Receiver<Told>,
) {
    let (tell, told) = channel();
    let tell = std::sync::Mutex::new(tell);
    let url = ground.url().to_owned();
    let run = tokio::spawn(async move {
        let migrator = set.migrator().lock_timeout(None);
        let migrator = migrator.observer(move |event: Event<'_>| {
            if let Event::Blocked { id, holder, .. } = event {
                let tell = tell.lock().expect("nobody panics");
                let _ = tell.send((id.map(str::to_owned), holder.to_owned()));
            }
        });
        migrator.up(url.as_str()).await
    });
    (run, told)
}

/// The first that is told; it comes for sure, for nothing goes on before.
async fn first(told: Receiver<Told>) -> Told {
    let told = tokio::task::spawn_blocking(move || told.recv_timeout(Duration::from_secs(60)));
    told.await.expect("no panic").expect("it is told")
}

/// What makes the run wait for the history itself: on MySQL its columns are to be changed.
async fn waiting<DB: Locking>(ground: &Ground<DB>) -> Migrations<DB> {
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    if !DB::DDL_ROLLS_BACK {
        // A history of the layout before, which is brought to this one first.
        ground
            .ask(
                "ALTER TABLE __migrations__ DROP COLUMN done_checksum, \
                     DROP COLUMN open_checksum, DROP COLUMN rounds, DROP COLUMN round_rows; \
                     UPDATE __migrations__ SET layout = 1; DROP TABLE __migration_repairs__",
            )
            .await;
    }
    tables::<DB>(2)
}

async fn who_has_the_history_is_told<DB: Locking>(ground: Ground<DB>) {
    let set = waiting::<DB>(&ground).await;
    let (mut holder, name) = somebody(&ground, DB::TAKE).await;
    let (run, told) = start(&ground, set);
    let (id, said) = first(told).await;
    assert_eq!(id, None, "{said}");
    assert!(said.contains(&name), "{name}\n{said}");
    assert!(said.contains("in a transaction since 20"), "{said}");
    ask::<DB>(&mut holder, DB::LET_GO).await;
    let report = run.await.expect("no panic").expect("it goes on");
    assert_eq!(report.done.len(), 1);
}

async fn who_has_the_history_is_told_at_the_end<DB: Locking>(ground: Ground<DB>) {
    let set = waiting::<DB>(&ground).await;
    let (mut holder, name) = somebody(&ground, DB::TAKE).await;
    let hasty = set.migrator().lock_wait(Duration::from_millis(500));
    let pool = ground.pool(1).await;
    // On MySQL what waits there has the migration lock, and only notices at its end that its program
    // has gone.
    let ways = if DB::DDL_ROLLS_BACK { 2 } else { 1 };
    for from_pool in [false, true].into_iter().take(ways) {
        let error = match from_pool {
            true => hasty.up(&pool).await,
            false => hasty.up(ground.url()).await,
        };
        let error = error.expect_err("it is not let in");
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        assert_eq!(error.diagnostics()[0].code, "history-locked", "{error}");
        let shown = error.to_string();
        assert!(
            shown.contains(&name) && shown.contains(".lock_wait("),
            "{shown}"
        );
    }
    ask::<DB>(&mut holder, DB::LET_GO).await;
    // The pool is as good as before.
    let report = set.up(&pool).await.expect("it is let in");
    assert_eq!(report.done.len(), 1);
}

/// Somebody who works with the table `t1`.
const USES_IT: &str = "START TRANSACTION; INSERT INTO t1 VALUES (1)";

fn alter<DB: Product>() -> Migrations<DB> {
    let alter = File::new(
        "ALTER TABLE t1 ADD COLUMN more INTEGER",
        "ALTER TABLE t1 DROP COLUMN more",
    );
    migrations::<DB>(&[("0001_t1", File::table("t1")), ("0002_alter", alter)])
}

async fn who_has_the_table_of_a_migration_is_told<DB: Locking>(ground: Ground<DB>) {
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    let (mut holder, name) = somebody(&ground, USES_IT).await;
    let (run, told) = start(&ground, alter::<DB>());
    let (id, said) = first(told).await;
    assert_eq!(id.as_deref(), Some("0002_alter"), "{said}");
    assert!(said.contains(&name), "{name}\n{said}");
    ask::<DB>(&mut holder, "COMMIT").await;
    let report = run.await.expect("no panic").expect("it goes on");
    assert_eq!(report.done.len(), 1);
}

async fn who_has_the_table_of_a_rollback_is_told<DB: Locking>(ground: Ground<DB>) {
    let set = alter::<DB>();
    set.up(ground.url()).await.expect("up works");
    let (mut holder, name) = somebody(&ground, "START TRANSACTION; SELECT * FROM t1").await;
    let migrator = set.migrator().force().retries(1);
    let migrator = migrator.lock_timeout(Duration::from_secs(5));
    let mut shown = String::new();
    // Several looks fall into that time; a machine that is too busy for all of them gets another try.
    for _ in 0..5 {
        let down = migrator.down(ground.url(), backstitch::Down::Steps(1));
        shown = down.await.expect_err("somebody reads it").to_string();
        if shown.contains("It waited for") {
            break;
        }
    }
    assert!(
        shown.contains(&format!("{name}, ")) || shown.contains(&format!("{name} (")),
        "{shown}"
    );
    assert!(
        shown.contains("It waited for") && shown.contains("tried 2 times"),
        "{shown}"
    );
    ask::<DB>(&mut holder, "COMMIT").await;
    let down = set
        .migrator()
        .force()
        .down(ground.url(), backstitch::Down::Steps(1))
        .await;
    assert_eq!(down.expect("it is let in").done.len(), 1);
}

/// A role without rights over others sees that they are there, and little more.
async fn who_may_see_little_is_told_that(ground: Ground<Postgres>) {
    tables::<Postgres>(1)
        .up(ground.url())
        .await
        .expect("up works");
    let role = format!("b{}", std::process::id());
    ground
        .ask(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT SELECT ON __migrations__ TO {role}"
        ))
        .await;
    let (mut holder, name) = somebody(&ground, Postgres::TAKE).await;
    let url = backstitch_tests::url::ServerUrl {
        credentials: Some(format!("{role}:secret")),
        ..backstitch_tests::url::ServerUrl::parse(ground.url())
    };
    let set = tables::<Postgres>(1);
    let hasty = set.migrator().lock_wait(Duration::from_millis(300));
    let error = hasty
        .up(url.to_string().as_str())
        .await
        .expect_err("it is not let in");
    let shown = error.to_string();
    assert!(shown.contains(&name), "{name}\n{shown}");
    assert!(!shown.contains("insufficient privilege"), "{shown}");
    ask::<Postgres>(&mut holder, "COMMIT").await;
    holder.close().await.expect("it closes");
    ground
        .ask(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

async fn who_has_a_row_is_told(ground: Ground<MySql>) {
    tables::<MySql>(1).up(ground.url()).await.expect("up works");
    ground.ask("INSERT INTO t1 VALUES (1)").await;
    let takes = "START TRANSACTION; UPDATE t1 SET id = 2 WHERE id = 1";
    let (mut holder, name) = somebody(&ground, takes).await;
    let fill = File::new("UPDATE t1 SET id = id + 10", "UPDATE t1 SET id = id - 10");
    let set = migrations::<MySql>(&[("0001_t1", File::table("t1")), ("0002_fill", fill)]);
    let (run, told) = start(&ground, set);
    let (id, said) = first(told).await;
    assert_eq!(id.as_deref(), Some("0002_fill"), "{said}");
    assert!(said.starts_with(&name), "it is certain: {said}");
    ask::<MySql>(&mut holder, "COMMIT").await;
    assert_eq!(
        run.await.expect("no panic").expect("it goes on").done.len(),
        1
    );
}
