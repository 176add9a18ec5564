//! A database that another tool has migrated, and whose history nobody has taken over: nothing runs a
//! second time. What the tools' own programs leave behind is in `tests/peers`.

use backstitch::{
    Adopt, Down, Error, ErrorKind, Migrations, Migrator, OtherTool, Repair, Tool, Verify,
};
use backstitch_tests::proxy::Proxy;
use backstitch_tests::servers::Engine;

use crate::adopt::{dbmate, golang_migrate, goose};
use crate::ground::{File, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        nothing_runs_before_it_is_adopted,
        every_tool_is_known_by_its_table,
        other_migrations_are_no_reason,
        names_tell_migrations_of_one_version_apart,
        it_can_be_meant,
        what_was_taken_back_may_run_again,
        what_cannot_be_read_is_no_reason,
    ],
    servers: [
        it_is_asked_once_and_never_again,
    ],
    postgres: [
        the_table_of_another_schema_is_no_reason,
    ],
}

/// As sqlx makes it, for files whose text was another.
fn sqlx_rows(engine: Engine, names: &[&str]) -> String {
    let bytes = match engine {
        Engine::Postgres | Engine::PgBouncer => "BYTEA",
        Engine::MariaDb | Engine::Sqlite => "BLOB",
    };
    let mut sql = format!(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description VARCHAR(90) NOT NULL, \
         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
         checksum {bytes} NOT NULL, execution_time BIGINT NOT NULL)"
    );
    for (version, name) in (1..).zip(names) {
        sql += &format!(
            "; INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES ({version}, '{name}', TRUE, 'x', 1)"
        );
    }
    sql
}

/// Migrations that do no harm to nobody's eye when they run once more.
fn repeatable<DB: Product>() -> Migrations<DB> {
    migrations(&[
        (
            "0001_notes",
            File::new(
                "CREATE TABLE IF NOT EXISTS notes (id INTEGER)",
                "DROP TABLE notes",
            ),
        ),
        (
            "0002_fill",
            File::new("INSERT INTO notes VALUES (1)", "DELETE FROM notes"),
        ),
        ("0003_more", File::table("more_notes")),
    ])
}

async fn refused<DB: Product>(migrator: &Migrator<'_, DB>, url: &str) -> Error {
    let error = migrator.up(url).await.expect_err("it has run elsewhere");
    assert_eq!(error.kind(), ErrorKind::NotAdopted, "{error}");
    error
}

async fn nothing_runs_before_it_is_adopted<DB: Product>(ground: Ground<DB>) {
    ground
        .ask("CREATE TABLE notes (id INTEGER); INSERT INTO notes VALUES (1)")
        .await;
    ground.ask(&dbmate(&["1", "2"])).await;
    let set = repeatable::<DB>();
    let migrator = set.migrator();
    let url = ground.url();

    let error = refused(&migrator, url).await;
    let shown = error.to_string();
    for expected in [
        "dbmate has applied 2 of these migrations to this database",
        "Its table `schema_migrations` has 2 rows, and they name 0001_notes, 0002_fill;",
        "`.adopt(&pool, Adopt::dbmate())`",
        "backstitch adopt --from dbmate",
        "`.other_tool(OtherTool::Allow)`",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    assert!(!ground.has("__migrations__").await, "nothing is left");
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");

    // Whoever only looks is told the same.
    let plan = migrator.plan(url).await.expect_err("as `up`");
    assert_eq!(plan.to_string(), shown);
    let rehearsal = migrator.rehearse(url).await.expect_err("as `up`");
    assert_eq!(rehearsal.to_string(), shown);
    let status = migrator.status(url).await.expect("status works");
    assert_eq!(status.trouble.as_deref(), Some(&*shown));
    let verify = Verify::new().without_drift();
    let verified = migrator.verify(url, verify).await.expect("it looks");
    let codes: Vec<_> = verified.findings.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["not-adopted"]);
    assert!(!ground.has("__migrations__").await, "nothing is left");

    let adopted = migrator.adopt(url, Adopt::dbmate()).await;
    assert_eq!(adopted.expect("it can be adopted").adopted.len(), 2);
    let report = migrator.up(url).await.expect("the rest goes up");
    assert_eq!(report.done.len(), 1);
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "1");
}

async fn every_tool_is_known_by_its_table<DB: Product>(ground: Ground<DB>) {
    let refinery = "CREATE TABLE refinery_schema_history (version INTEGER PRIMARY KEY, \
         name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255)); \
         INSERT INTO refinery_schema_history VALUES (1, 't1', 'then', '0')";
    let diesel = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP); \
         INSERT INTO __diesel_schema_migrations (version) VALUES ('0001')";
    let set = tables::<DB>(4);
    for tool in Tool::ALL {
        let sql = match tool {
            Tool::Sqlx => sqlx_rows(ground.engine(), &["t1"]),
            Tool::Refinery => refinery.to_owned(),
            Tool::Diesel => diesel.to_owned(),
            Tool::GolangMigrate => golang_migrate(ground.engine(), 4, true),
            Tool::Dbmate => dbmate(&["1"]),
            Tool::Goose => goose(ground.engine(), &[(1, true)]),
            _ => panic!("{tool} has no table here"),
        };
        ground.ask(&sql).await;
        let shown = refused(&set.migrator(), ground.url()).await.to_string();
        let named = match tool {
            // Its one row stands for all before it, also where the newest is half done.
            Tool::GolangMigrate => "they name 0001_t1, 0002_t2, 0003_t3 and 1 more;",
            _ => "they name 0001_t1;",
        };
        for expected in [&format!("{tool} has applied"), tool.table(), named] {
            assert!(shown.contains(expected), "{expected}\n{shown}");
        }
        ground.ask(&format!("DROP TABLE {}", tool.table())).await;
    }
    assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 4);
}

async fn other_migrations_are_no_reason<DB: Product>(ground: Ground<DB>) {
    ground.ask(&dbmate(&["20260105100000"])).await;
    // Taken back there.
    let said = [(1, true), (1, false)];
    ground.ask(&goose(ground.engine(), &said)).await;
    let report = tables::<DB>(2).up(ground.url()).await;
    assert_eq!(report.expect("they are others").done.len(), 2);
}

async fn names_tell_migrations_of_one_version_apart<DB: Product>(ground: Ground<DB>) {
    ground
        .ask(&sqlx_rows(ground.engine(), &["users", "T2"]))
        .await;
    let shown = refused(&tables::<DB>(2).migrator(), ground.url()).await;
    let shown = shown.to_string();
    assert!(
        shown.contains("sqlx has applied one of these") && shown.contains("they name 0002_t2;"),
        "{shown}"
    );
    let report = tables::<DB>(1).up(ground.url()).await;
    assert_eq!(report.expect("that is another").done.len(), 1);
}

async fn it_can_be_meant<DB: Product>(ground: Ground<DB>) {
    ground.ask(&dbmate(&["1"])).await;
    let (first, both) = (tables::<DB>(1), tables::<DB>(2));
    refused(&first.migrator(), ground.url()).await;
    let meant = first.migrator().other_tool(OtherTool::Allow);
    let report = meant.up(ground.url()).await.expect("it is meant");
    assert_eq!(report.done.len(), 1);
    // From then on it need not be said again.
    let report = both.up(ground.url()).await.expect("up works");
    assert_eq!(report.done.len(), 1);
}

async fn what_was_taken_back_may_run_again<DB: Product>(ground: Ground<DB>) {
    let set = tables::<DB>(1);
    ground.ask("CREATE TABLE t1 (id INTEGER)").await;
    ground.ask(&dbmate(&["1"])).await;
    let adopted = set.migrator().adopt(ground.url(), Adopt::dbmate()).await;
    adopted.expect("it can be adopted");
    set.down(ground.url(), Down::All).await.expect("down works");
    let report = set.up(ground.url()).await.expect("it was taken back here");
    assert_eq!(report.done.len(), 1);

    // What somebody has said of the history counts, too.
    let repair = Repair::MarkNotApplied("0001_t1");
    let migrator = set.migrator().reason("gone");
    let repaired = migrator.repair(ground.url(), repair).await;
    repaired.expect("it is recorded");
    ground.ask("DROP TABLE t1").await;
    let report = set.up(ground.url()).await.expect("it is pending");
    assert_eq!(report.done.len(), 1);
}

async fn what_cannot_be_read_is_no_reason<DB: Product>(ground: Ground<DB>) {
    ground
        .ask("CREATE TABLE schema_migrations (release_name VARCHAR(9))")
        .await;
    ground
        .ask("INSERT INTO schema_migrations VALUES ('spring')")
        .await;
    ground
        .ask("CREATE TABLE goose_db_version (id INTEGER, version_id VARCHAR(9), is_applied INTEGER, tstamp INTEGER)")
        .await;
    ground
        .ask("INSERT INTO goose_db_version VALUES (1, 'one', 1, 1)")
        .await;
    let report = tables::<DB>(1).up(ground.url()).await;
    assert_eq!(report.expect("it is no history").done.len(), 1);
}

async fn it_is_asked_once_and_never_again<DB: Product>(ground: Ground<DB>) {
    let proxy = Proxy::start(ground.url());
    let asked = || {
        let messages = proxy.messages();
        let texts = messages.iter().filter_map(|message| message.sql.as_deref());
        texts.filter(|sql| sql.contains("_sqlx_migrations")).count()
    };
    let one = tables::<DB>(1);
    one.up(proxy.url()).await.expect("up works");
    assert_eq!(asked(), 1, "{}", proxy.transcript());
    proxy.reset();
    one.up(proxy.url()).await.expect("up works");
    tables::<DB>(2).up(proxy.url()).await.expect("up works");
    assert_eq!(asked(), 0, "{}", proxy.transcript());
}

async fn the_table_of_another_schema_is_no_reason(ground: Ground<sqlx::Postgres>) {
    ground.ask("CREATE SCHEMA old").await;
    ground
        .ask(&format!("SET search_path TO old; {}", dbmate(&["1"])))
        .await;
    let report = tables::<sqlx::Postgres>(1).up(ground.url()).await;
    assert_eq!(report.expect("that is elsewhere").done.len(), 1);
}
