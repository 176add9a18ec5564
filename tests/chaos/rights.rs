//! A database that may only be read, and roles that may not do what a migration does: refused with
//! an account, nothing half done, no lock left, and in order again once the right is given.

use backstitch::{Down, Error, ErrorKind};
use sqlx::{Connection, MySql, Postgres, Sqlite};

use crate::course::{Course, Watched, quiet, says_what_to_do};
use crate::ground::{File, Ground, Product, ask, migrations, scenarios};

scenarios! {
    postgres: [
        a_database_may_only_be_read,
        a_role_may_not_make_tables,
        a_role_owns_not_the_table,
        a_role_may_not_write_the_history,
    ],
    mariadb: [
        a_user_may_not_make_tables,
        a_user_may_not_drop_tables,
        a_session_may_only_read,
    ],
    sqlite: [
        a_file_is_opened_for_reading,
    ],
}

const LENGTH: usize = 3;

/// Refuses a run and looks that nothing came of it.
async fn refused<DB: Watched>(ground: &Ground<DB>, course: &Course, url: &str) -> Error {
    let before = course.traces(ground).await.to_string();
    let set = course.load::<DB>();
    let error = set.up(url).await.expect_err("it may not do that");
    says_what_to_do(&error, "a right is missing");
    let traces = course.traces(ground).await;
    traces.judge::<DB>(&error.to_string());
    assert_eq!(traces.to_string(), before, "{error}");
    error
}

/// The URL of the same database for somebody else.
fn url_of<DB: Product>(ground: &Ground<DB>, user: &str) -> String {
    let (scheme, rest) = ground.url().split_once("://").expect("it has a scheme");
    let (_, place) = rest.split_once('@').expect("it has a user");
    format!("{scheme}://{user}:secret@{place}")
}

/// A name that no other test has, for what is not kept inside of a database.
fn own_name(ground: &Ground<impl Product>) -> String {
    let name = ground.url().rsplit('/').next().expect("it has a database");
    let name = name.split('?').next().expect("there is a first");
    format!("u{}", &name[name.len() - 12..])
}

async fn a_database_may_only_be_read(ground: Ground<Postgres>) {
    let course = Course::of(LENGTH);
    let set = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ', \
               current_database()) || 'VALUE'; END $$";
    ground.ask(&set.replace("VALUE", "on")).await;
    let error = refused(&ground, &course, ground.url()).await;
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    assert!(
        error.to_string().contains("read-only transaction"),
        "{error}"
    );
    let mut connection = ground.connect().await;
    ask::<Postgres>(&mut connection, "SET default_transaction_read_only = off").await;
    ask::<Postgres>(&mut connection, &set.replace("VALUE", "off")).await;
    connection.close().await.expect("it closes");
    course.finish(&ground, "written to again").await;

    // In the middle of its life: what is applied can still be asked for, and not taken back.
    ground.ask(&set.replace("VALUE", "on")).await;
    let migrations = course.load::<Postgres>();
    let report = migrations
        .up(ground.url())
        .await
        .expect("there is nothing to do");
    assert!(report.is_up_to_date());
    let down = migrations
        .migrator()
        .force()
        .down(ground.url(), Down::All)
        .await;
    let error = down.expect_err("it may only be read");
    says_what_to_do(&error, "a right is missing");
    assert!(
        error.to_string().contains("read-only transaction"),
        "{error}"
    );
    assert_eq!(course.traces(&ground).await.applied(), LENGTH);
}

async fn a_role_may_not_make_tables(ground: Ground<Postgres>) {
    let (course, role) = (Course::of(LENGTH), own_name(&ground));
    ground
        .ask(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'secret'; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        ))
        .await;
    let error = refused(&ground, &course, &url_of(&ground, &role)).await;
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    assert!(
        error
            .to_string()
            .contains("permission denied for schema public"),
        "{error}"
    );
    ground
        .ask(&format!("GRANT CREATE ON SCHEMA public TO {role}"))
        .await;
    let set = course.load::<Postgres>();
    let report = set
        .up(url_of(&ground, &role).as_str())
        .await
        .expect("it may now");
    assert_eq!(report.done.len(), LENGTH);
    ground
        .ask(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

async fn a_role_owns_not_the_table(ground: Ground<Postgres>) {
    let role = own_name(&ground);
    ground
        .ask(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT CREATE ON SCHEMA public TO {role}; \
             CREATE TABLE theirs (id INTEGER)"
        ))
        .await;
    let set = migrations::<Postgres>(&[
        ("0001_ours", File::table("ours")),
        (
            "0002_theirs",
            File::new(
                "ALTER TABLE theirs ADD note TEXT",
                "ALTER TABLE theirs DROP note",
            ),
        ),
    ]);
    let url = url_of(&ground, &role);
    for _ in 0..2 {
        let error = set.up(url.as_str()).await.expect_err("it is not the owner");
        says_what_to_do(&error, "a right is missing");
        assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
        let shown = error.to_string();
        assert!(shown.contains("must be owner of table theirs"), "{shown}");
        assert!(shown.contains("0002_theirs.sql:7:1"), "{shown}");
        quiet(&ground).await;
        let history = ground.history().await;
        assert_eq!(history, ["0001_ours applied 1/1", "0002_theirs failed 0/1"]);
    }
    ground
        .ask(&format!("ALTER TABLE theirs OWNER TO {role}"))
        .await;
    assert_eq!(
        set.up(url.as_str()).await.expect("it may now").done.len(),
        1
    );
    ground
        .ask(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

async fn a_role_may_not_write_the_history(ground: Ground<Postgres>) {
    let (course, role) = (Course::of(LENGTH), own_name(&ground));
    let set = course.load::<Postgres>();
    let first = set.migrator().target("0001_log").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    ground
        .ask(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT CREATE ON SCHEMA public TO {role}; \
             GRANT SELECT ON __migrations__ TO {role}; GRANT ALL ON log TO {role}"
        ))
        .await;
    // The migration itself would be allowed. Without its row it must not stay.
    let error = refused(&ground, &course, &url_of(&ground, &role)).await;
    assert!(
        error
            .to_string()
            .contains("permission denied for table __migrations__"),
        "{error}"
    );
    ground
        .ask(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
    course.finish(&ground, "by its owner").await;
}

async fn a_user_may_not_make_tables(ground: Ground<MySql>) {
    let (course, user) = (Course::of(LENGTH), own_name(&ground));
    let everything = "SELECT, INSERT, UPDATE, DELETE, DROP, INDEX, ALTER";
    grant(&ground, &user, everything).await;
    let error = refused(&ground, &course, &url_of(&ground, &user)).await;
    assert_eq!(error.kind(), ErrorKind::Database, "{error}");
    assert!(error.to_string().contains("denied"), "{error}");
    grant(&ground, &user, "CREATE").await;
    let set = course.load::<MySql>();
    let report = set
        .up(url_of(&ground, &user).as_str())
        .await
        .expect("it may now");
    assert_eq!(report.done.len(), LENGTH);
    ground.ask(&format!("DROP USER {user}@'%'")).await;
}

async fn a_user_may_not_drop_tables(ground: Ground<MySql>) {
    let (course, user) = (Course::of(LENGTH), own_name(&ground));
    grant(
        &ground,
        &user,
        "SELECT, INSERT, UPDATE, DELETE, CREATE, INDEX, ALTER",
    )
    .await;
    let set = course.load::<MySql>();
    let url = url_of(&ground, &user);
    set.up(url.as_str()).await.expect("it may do that");
    let error = set
        .migrator()
        .force()
        .down(url.as_str(), Down::Steps(1))
        .await
        .expect_err("it may not do that");
    says_what_to_do(&error, "a right is missing");
    assert!(error.to_string().contains("DROP command denied"), "{error}");
    let traces = course.traces(&ground).await;
    traces.judge::<MySql>("half of a rollback");
    assert_eq!(traces.applied(), LENGTH - 1, "{traces}");
    ground.ask(&format!("DROP USER {user}@'%'")).await;
}

async fn grant(ground: &Ground<MySql>, user: &str, rights: &str) {
    let database = ground.value("SELECT DATABASE()").await;
    ground
        .ask(&format!(
            "CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY 'secret'; \
             GRANT {rights} ON {database}.* TO {user}@'%'"
        ))
        .await;
}

async fn a_session_may_only_read(ground: Ground<MySql>) {
    let course = Course::of(LENGTH);
    let set = course.load::<MySql>();
    let pool = sqlx::pool::PoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            MySql::ask(connection, "SET SESSION TRANSACTION READ ONLY").await?;
            Ok(())
        })
    });
    let pool = pool.connect(ground.url()).await.expect("it connects");
    let error = set.up(&pool).await.expect_err("it may only read");
    says_what_to_do(&error, "a right is missing");
    assert!(
        error.to_string().contains("READ ONLY transaction"),
        "{error}"
    );
    pool.close().await;
    let traces = course.traces(&ground).await;
    traces.judge::<MySql>("read only");
    assert_eq!(traces.applied(), 0, "{traces}");
    course.finish(&ground, "written to again").await;
}

async fn a_file_is_opened_for_reading(ground: Ground<Sqlite>) {
    let course = Course::of(LENGTH);
    let set = course.load::<Sqlite>();
    let first = set.migrator().target("0001_log").expect("it is there");
    first.up(ground.url()).await.expect("up works");
    let error = refused(
        &ground,
        &course,
        &ground.url().replace("mode=rwc", "mode=ro"),
    )
    .await;
    assert!(error.to_string().contains("readonly database"), "{error}");
    course.finish(&ground, "written to again").await;
}
