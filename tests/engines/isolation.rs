//! What a migration sets in its session reaches nobody else: not the next migration, not the
//! history, not whoever lent the connection.

use backstitch::{Down, ErrorKind};
use sqlx::{Connection, MySql, Postgres, Sqlite};

use crate::ground::{File, Ground, Product, ask, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        a_transaction_of_somebody_else_is_left_alone,
        a_pool_is_left_as_it_was,
    ],
    postgres: [
        settings_do_not_reach_the_next_migration,
        the_search_path_of_a_dump_does_no_harm,
        all_in_one_transaction_are_apart_too,
        a_borrowed_connection_is_left_as_it_was,
        what_the_pool_sets_up_holds,
    ],
    mariadb: [
        settings_do_not_reach_the_next_migration_in_mysql,
        a_borrowed_connection_is_left_as_it_was_in_mysql,
    ],
    sqlite: [
        settings_do_not_reach_the_next_migration_in_sqlite,
        a_borrowed_connection_is_left_as_it_was_in_sqlite,
    ],
}

/// Everything that a migration is tempted to set.
const SET: &str = "SET ROLE postgres;\n\
    SET TIME ZONE 'Asia/Tokyo';\n\
    SET standard_conforming_strings = off;\n\
    SET default_transaction_read_only = on;\n\
    SET session_replication_role = replica;\n\
    SET statement_timeout = 1234;\n\
    SET lock_timeout = 1234;\n\
    SET DateStyle = 'German';\n\
    SET IntervalStyle = 'sql_standard';\n\
    SET bytea_output = 'escape';\n\
    SET application_name = 'somebody';\n\
    SET client_min_messages = error;\n\
    SET xmloption = content;\n\
    SET default_tablespace = '';\n\
    SET check_function_bodies = false;\n\
    SET row_security = off;\n\
    SELECT pg_catalog.set_config('search_path', '', false)";

/// Keeps the settings as the migration finds them.
const KEEP: &str = "CREATE TABLE kept AS SELECT name, setting FROM pg_settings \
    WHERE context IN ('user', 'superuser') AND name NOT LIKE 'plpgsql.%' \
    UNION ALL SELECT 'zone', current_setting('TimeZone') \
    UNION ALL SELECT 'role', current_setting('role')";

async fn settings_do_not_reach_the_next_migration(ground: Ground<Postgres>) {
    let untouched = migrations::<Postgres>(&[
        ("0001_plain", File::table("plain")),
        ("0002_keep", File::new(KEEP, "DROP TABLE kept")),
    ]);
    untouched.up(ground.url()).await.expect("up works");
    let expected = ground
        .ask("SELECT name, setting FROM kept ORDER BY 1")
        .await;
    untouched
        .migrator()
        .force()
        .down(ground.url(), Down::All)
        .await
        .expect("down works");

    let zone = expected
        .iter()
        .find(|row| row[0] == "zone")
        .expect("it is kept");
    assert_eq!(zone[1], "UTC");
    for apart in [false, true] {
        let set = match apart {
            false => File::new(SET, "SELECT 1"),
            // Nothing at all can be written then, not even the count of the statements.
            true => File::new(
                &SET.replace("SET default_transaction_read_only = on;\n", ""),
                "SELECT 1",
            )
            .with("@transaction: false"),
        };
        let set = migrations::<Postgres>(&[
            ("0001_set", set),
            ("0002_keep", File::new(KEEP, "DROP TABLE kept")),
        ]);
        set.up(ground.url()).await.expect("up works");
        let found = ground
            .ask("SELECT name, setting FROM kept ORDER BY 1")
            .await;
        let differ: Vec<_> = found
            .iter()
            .zip(&expected)
            .filter(|(a, b)| a != b)
            .collect();
        assert!(
            differ.is_empty() && found.len() == expected.len(),
            "{apart}: {differ:?}"
        );
        let forcing = set.migrator().force();
        forcing
            .down(ground.url(), Down::All)
            .await
            .expect("down works");
    }
}

async fn the_search_path_of_a_dump_does_no_harm(ground: Ground<Postgres>) {
    let path = "SELECT pg_catalog.set_config('search_path', '', false)";
    let dump = format!("{path};\nCREATE TABLE public.dumped (id int)");
    for (number, annotation) in ["@phase: expand", "@transaction: false"].iter().enumerate() {
        let name = format!("dumped_{number}");
        let set = migrations::<Postgres>(&[
            (
                "0001_dump",
                File::new(
                    &dump.replace("dumped", &name),
                    &format!("{path};\nDROP TABLE public.{name}"),
                )
                .with(annotation),
            ),
            ("0002_next", File::table("next")),
            ("0003_last", File::table("last")),
        ]);
        assert_eq!(set.up(ground.url()).await.expect("up works").done.len(), 3);
        assert_eq!(
            ground
                .value("SELECT count(*) FROM public.__migrations__")
                .await,
            "3"
        );
        assert!(ground.has("public.next").await);
        set.down(ground.url(), Down::All).await.expect("down works");
        assert!(!ground.has(&format!("public.{name}")).await);
    }
}

async fn all_in_one_transaction_are_apart_too(ground: Ground<Postgres>) {
    let set = migrations::<Postgres>(&[
        ("0001_set", File::new(SET, "SELECT 1")),
        ("0002_keep", File::new(KEEP, "DROP TABLE kept")),
    ]);
    let migrator = set.migrator().mode(backstitch::Mode::All);
    migrator.up(ground.url()).await.expect("up works");
    let rows = ground
        .ask("SELECT name, setting FROM kept WHERE name IN ('zone', 'role', 'search_path', 'DateStyle') ORDER BY 1")
        .await;
    let expected = [
        ["DateStyle", "ISO, MDY"],
        ["role", "none"],
        ["search_path", "\"$user\", public"],
        ["zone", "UTC"],
    ];
    assert_eq!(rows, expected);
}

async fn a_borrowed_connection_is_left_as_it_was(ground: Ground<Postgres>) {
    let all = "SELECT name, setting FROM pg_settings WHERE name NOT LIKE 'plpgsql.%' ORDER BY 1";
    for (file, fine) in [
        (File::new(SET, "SELECT 1"), true),
        (
            File::new("SET TIME ZONE 'Asia/Tokyo';\nSET ROLE postgres", "SELECT 1")
                .with("@transaction: false"),
            true,
        ),
        (
            File::new(&format!("{SET};\nSELECT nonsense"), "SELECT 1"),
            false,
        ),
        (
            File::new("SET TIME ZONE 'Asia/Tokyo';\nSELECT nonsense", "SELECT 1")
                .with("@transaction: false"),
            false,
        ),
        (File::new(SET, "SELECT 1").before("no", "SELECT 1"), false),
    ] {
        let mut connection = ground.connect().await;
        ask::<Postgres>(
            &mut connection,
            "CREATE SCHEMA IF NOT EXISTS app; SET search_path = app; SET TIME ZONE 'Europe/Berlin'; \
             SET statement_timeout = '30s'; SET application_name = 'mine'",
        )
        .await;
        let before = ask::<Postgres>(&mut connection, all).await;
        let set = migrations::<Postgres>(&[("0001_set", file)]);
        let result = Postgres::up_on(&set, &mut connection).await;
        assert_eq!(result.is_ok(), fine, "{result:?}");
        let after = ask::<Postgres>(&mut connection, all).await;
        let differ: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
        assert!(
            differ.is_empty() && before.len() == after.len(),
            "{differ:?}"
        );
        let locks =
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
        assert_eq!(ask::<Postgres>(&mut connection, locks).await, [["0"]]);
        assert_eq!(
            ask::<Postgres>(&mut connection, "SELECT now() = statement_timestamp()").await,
            [["t"]],
            "a transaction is open"
        );
        // Where unqualified names go is where the history is.
        assert!(ground.has("app.__migrations__").await);
        ground.ask("DROP TABLE app.__migrations__").await;
    }
}

async fn a_transaction_of_somebody_else_is_left_alone<DB: Product>(ground: Ground<DB>) {
    tables::<DB>(1).up(ground.url()).await.expect("up works");
    let (mut connection, mut lent) = (ground.connect().await, ground.connect().await);
    for raw in [false, true] {
        // SQLite has no word for it, so there only the driver knows.
        if raw && ground.engine() == backstitch_tests::servers::Engine::Sqlite {
            continue;
        }
        let mut transaction = match raw {
            true => None,
            false => Some(connection.begin().await.expect("it begins")),
        };
        let inside: &mut DB::Connection = match &mut transaction {
            Some(transaction) => transaction,
            None => {
                ask::<DB>(&mut lent, "START TRANSACTION").await;
                &mut lent
            }
        };
        ask::<DB>(inside, "INSERT INTO t1 VALUES (7)").await;
        // With nothing to do nothing is done.
        let report = DB::up_on(&tables(1), inside)
            .await
            .expect("nothing is to be done");
        assert!(report.is_up_to_date());
        let error = DB::up_on(&tables(2), inside)
            .await
            .expect_err("not inside of it");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.to_string().contains("is in a transaction"), "{error}");
        ask::<DB>(inside, "SELECT 1").await;
        if let Some(transaction) = transaction {
            transaction.rollback().await.expect("it was left alone");
        }
    }
    drop(connection);
    if ground.engine() != backstitch_tests::servers::Engine::Sqlite {
        ask::<DB>(&mut lent, "ROLLBACK").await;
    }
    assert_eq!(
        ground.value("SELECT COUNT(*) FROM t1").await,
        "0",
        "it was committed"
    );
    let report = DB::up_on(&tables(2), &mut lent).await.expect("up works");
    assert_eq!(report.done.len(), 1);
}

async fn a_pool_is_left_as_it_was<DB: Product>(ground: Ground<DB>) {
    let pool = ground.pool(1).await;
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_bad",
            File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
        ),
    ]);
    set.up(&pool).await.expect_err("the second is wrong");
    // The only connection was taken out, and there is place for another one.
    for _ in 0..3 {
        let mut connection = pool.acquire().await.expect("the pool still works");
        assert_eq!(
            ask::<DB>(&mut connection, "SELECT COUNT(*) FROM a").await,
            [["0"]]
        );
    }
    assert_eq!(pool.size(), 1);
    let pool = ground.pool(1).await;
    let held = pool.acquire().await.expect("there is one");
    let url = set.status(ground.url()).await.expect("status works");
    assert_eq!(url.pending, ["0002_bad"]);
    drop(held);
}

async fn what_the_pool_sets_up_holds(ground: Ground<Postgres>) {
    ground.ask("CREATE SCHEMA tenant").await;
    let options = sqlx::postgres::PgPoolOptions::new().max_connections(2).after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::Executor::execute(connection, "SET search_path = tenant; SET statement_timeout = '100ms'; SET lock_timeout = '1ms'").await?;
            Ok(())
        })
    });
    let pool = options.connect(ground.url()).await.expect("connects");
    let set = migrations::<Postgres>(&[
        ("0001_t", File::table("t")),
        // Longer than what the pool allows: a migration has limits of its own.
        ("0002_slow", File::new("SELECT pg_sleep(0.3)", "SELECT 1")),
    ]);
    set.up(&pool).await.expect("up works");
    assert!(ground.has("tenant.t").await && ground.has("tenant.__migrations__").await);
    assert!(set.up(&pool).await.expect("up works").is_up_to_date());
}

/// Where the server keeps the variables of a session, and the one that limits a statement's time.
async fn limited(ground: &Ground<MySql>) -> (&'static str, &'static str) {
    match ground.is_maria().await {
        true => ("information_schema.SESSION_VARIABLES", "MAX_STATEMENT_TIME"),
        false => ("performance_schema.session_variables", "MAX_EXECUTION_TIME"),
    }
}

async fn settings_do_not_reach_the_next_migration_in_mysql(ground: Ground<MySql>) {
    let other = Ground::<MySql>::new().expect("there is a server");
    let other_name = other.value("SELECT DATABASE()").await;
    let (variables, limit) = limited(&ground).await;
    let keep = format!(
        "CREATE TABLE kept AS SELECT VARIABLE_NAME AS name, VARIABLE_VALUE AS setting \
        FROM {variables} WHERE VARIABLE_NAME IN ('SQL_MODE', \
        'FOREIGN_KEY_CHECKS', 'UNIQUE_CHECKS', 'TIME_ZONE', 'CHARACTER_SET_CLIENT', \
        'CHARACTER_SET_RESULTS', 'CHARACTER_SET_CONNECTION', 'COLLATION_CONNECTION', \
        'SQL_SAFE_UPDATES', 'SQL_SELECT_LIMIT', '{limit}', 'SQL_LOG_BIN', 'SQL_NOTES')"
    );
    let keep = keep.as_str();
    let set = format!(
        "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';\nSET foreign_key_checks = 0;\n\
         SET unique_checks = 0;\nSET time_zone = '+09:00';\nSET NAMES latin1;\n\
         SET sql_safe_updates = 1;\nSET sql_select_limit = 1;\nSET {limit} = 17;\n\
         SET sql_notes = 0;\nUSE {other_name}"
    );
    let plain = migrations::<MySql>(&[
        ("0001_set", File::new("SELECT 1", "SELECT 1")),
        ("0002_keep", File::new(keep, "DROP TABLE kept")),
    ]);
    plain.up(ground.url()).await.expect("up works");
    let expected = ground
        .ask("SELECT name, setting FROM kept ORDER BY 1")
        .await;
    plain
        .migrator()
        .force()
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
    for also in ["", ";\nCREATE TABLE elsewhere (id INT)"] {
        let set = migrations::<MySql>(&[
            ("0001_set", File::new(&format!("{set}{also}"), "SELECT 1")),
            ("0002_keep", File::new(keep, "DROP TABLE kept")),
        ]);
        set.up(ground.url()).await.expect("up works");
        let found = ground
            .ask("SELECT name, setting FROM kept ORDER BY 1")
            .await;
        assert_eq!(found, expected);
        assert_eq!(ground.history().await.len(), 2);
        let forcing = set.migrator().force();
        forcing
            .down(ground.url(), Down::All)
            .await
            .expect("down works");
    }
    assert!(other.has("elsewhere").await && !other.has("kept").await);
}

async fn a_borrowed_connection_is_left_as_it_was_in_mysql(ground: Ground<MySql>) {
    let (variables, limit) = limited(&ground).await;
    let all = format!(
        "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM {variables} \
               WHERE VARIABLE_NAME NOT IN ('TIMESTAMP', 'RAND_SEED1', 'RAND_SEED2', 'PSEUDO_THREAD_ID', \
               'LAST_GTID', 'LAST_INSERT_ID', 'IDENTITY', 'INSERT_ID', 'ERROR_COUNT', 'WARNING_COUNT', 'IN_TRANSACTION', 'STATEMENT_ID') \
               AND VARIABLE_NAME NOT LIKE 'GTID%' ORDER BY 1"
    );
    let all = all.as_str();
    for (index, (up, fine)) in [
        (
            "SET foreign_key_checks = 0;\nSET NAMES latin1;\nSET time_zone = '+09:00'",
            true,
        ),
        (
            "CREATE TABLE made (id INT);\nSET foreign_key_checks = 0",
            true,
        ),
        ("SET foreign_key_checks = 0;\nSELECT nonsense", false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut connection = ground.connect().await;
        ask::<MySql>(
            &mut connection,
            &format!("SET time_zone = '+05:00', {limit} = 60, lock_wait_timeout = 77, sql_mode = 'ANSI_QUOTES'"),
        )
        .await;
        let before = ask::<MySql>(&mut connection, all).await;
        let set = migrations::<MySql>(&[("0001_set", File::new(up, "SELECT 1"))]);
        let migrator = set.migrator().namespace(format!("n{index}"));
        let result = migrator.up(&mut connection).await;
        assert_eq!(result.is_ok(), fine, "{result:?}");
        let after = ask::<MySql>(&mut connection, all).await;
        let differ: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
        assert!(
            differ.is_empty() && before.len() == after.len(),
            "{differ:?}"
        );
        // Refused where a transaction is open.
        ask::<MySql>(&mut connection, "SET TRANSACTION READ WRITE").await;
        // The lock was given back.
        let others = tables::<MySql>(1);
        let others = others.migrator().lock_wait(std::time::Duration::ZERO);
        others.up(ground.url()).await.expect("the lock is free");
        others
            .down(ground.url(), Down::All)
            .await
            .expect("down works");
        ground.ask("DROP TABLE IF EXISTS made").await;
    }
}

async fn settings_do_not_reach_the_next_migration_in_sqlite(ground: Ground<Sqlite>) {
    let set = migrations::<Sqlite>(&[
        (
            "0001_set",
            File::new(
                "PRAGMA foreign_keys = OFF;\nPRAGMA ignore_check_constraints = ON;\n\
                 PRAGMA recursive_triggers = ON;\nPRAGMA legacy_alter_table = ON",
                "SELECT 1",
            )
            .with("@transaction: false"),
        ),
        (
            "0002_keep",
            File::new(
                "CREATE TABLE kept AS SELECT foreign_keys, ignore_check_constraints, recursive_triggers, \
                 legacy_alter_table FROM pragma_foreign_keys, pragma_ignore_check_constraints, \
                 pragma_recursive_triggers, pragma_legacy_alter_table",
                "DROP TABLE kept",
            ),
        ),
    ]);
    set.up(ground.url()).await.expect("up works");
    assert_eq!(
        ground.ask("SELECT * FROM kept").await,
        [["1", "0", "0", "0"]]
    );
}

async fn a_borrowed_connection_is_left_as_it_was_in_sqlite(ground: Ground<Sqlite>) {
    let mut connection = ground.connect().await;
    ask::<Sqlite>(
        &mut connection,
        "PRAGMA foreign_keys = OFF; PRAGMA busy_timeout = 1234; PRAGMA recursive_triggers = ON",
    )
    .await;
    let set = migrations::<Sqlite>(&[
        ("0001_a", File::table("a")),
        ("0002_b", File::table("b").with("@foreignKeys: off")),
    ]);
    Sqlite::up_on(&set, &mut connection)
        .await
        .expect("up works");
    let now = "SELECT foreign_keys, timeout, recursive_triggers FROM pragma_foreign_keys, pragma_busy_timeout, pragma_recursive_triggers";
    assert_eq!(
        ask::<Sqlite>(&mut connection, now).await,
        [["0", "1234", "1"]]
    );
}
