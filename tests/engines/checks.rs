//! CHECK BEFORE and CHECK AFTER: queries that must find nothing.

use backstitch::{Error, ErrorKind, State};
use sqlx::MySql;

use crate::ground::{File, Ground, Product, migrations, scenarios};

scenarios! {
    everywhere: [
        checks_that_hold_let_it_through,
        offenders_before_are_shown_and_nothing_is_done,
        offenders_after_are_shown_and_nothing_stays,
        at_most_five_offenders_are_shown,
        a_wrong_check_has_its_place,
        awkward_queries_are_taken_as_they_are,
        awkward_offenders_are_shown,
        a_check_sees_what_the_migration_did,
        a_migration_outside_of_a_transaction_is_checked_too,
        more_than_one_check_is_run_in_order,
    ],
    mariadb: [
        what_ddl_did_before_a_failed_check_is_told,
    ],
}

/// A table with so many rows, and the migration at hand.
async fn up<DB: Product>(ground: &Ground<DB>, rows: usize, file: File) -> Result<(), Error> {
    let values: Vec<_> = (1..=rows).map(|n| format!("({n}, 'user {n}')")).collect();
    let fill = match rows {
        0 => String::new(),
        _ => format!(";\nINSERT INTO users VALUES {}", values.join(", ")),
    };
    let users = File::new(
        &format!("CREATE TABLE users (id INTEGER PRIMARY KEY, login VARCHAR(200)){fill}"),
        "DROP TABLE users",
    );
    let set = migrations::<DB>(&[("0001_users", users), ("0002_checked", file)]);
    set.up(ground.url()).await.map(drop)
}

fn rename() -> File {
    File::new(
        "UPDATE users SET login = CONCAT('new ', login)",
        "UPDATE users SET login = SUBSTR(login, 5)",
    )
}

async fn checks_that_hold_let_it_through<DB: Product>(ground: Ground<DB>) {
    let file = rename()
        .before(
            "no user is new",
            "SELECT * FROM users WHERE login LIKE 'new %'",
        )
        .after(
            "every user is new",
            "SELECT * FROM users WHERE login NOT LIKE 'new %'",
        );
    up(&ground, 3, file).await.expect("both hold");
    assert_eq!(
        ground.value("SELECT login FROM users WHERE id = 2").await,
        "new user 2"
    );
    assert_eq!(ground.history().await[1], "0002_checked applied 1/1");
}

async fn offenders_before_are_shown_and_nothing_is_done<DB: Product>(ground: Ground<DB>) {
    let file = rename().before("nobody is here", "SELECT id, login FROM users ORDER BY id");
    let error = up(&ground, 2, file).await.expect_err("two are here");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert_eq!(error.migration(), Some("0002_checked"));
    let shown = error.to_string();
    assert!(
        shown.contains("a check before `0002_checked` does not hold: nobody is here"),
        "{shown}"
    );
    assert!(shown.contains("0002_checked.sql:7:1\n"), "{shown}");
    assert!(shown.contains("id = 1, login = user 1\n"), "{shown}");
    assert!(shown.contains("id = 2, login = user 2\n"), "{shown}");
    assert!(!shown.contains("and more"), "{shown}");
    assert_eq!(
        ground.value("SELECT login FROM users WHERE id = 2").await,
        "user 2"
    );
    assert_eq!(ground.history().await[1], "0002_checked failed 0/1");
    let kept = ground
        .value("SELECT error FROM __migrations__ WHERE version = 2")
        .await;
    assert!(kept.contains("nobody is here"), "{kept}");
}

async fn offenders_after_are_shown_and_nothing_stays<DB: Product>(ground: Ground<DB>) {
    let file = rename().after(
        "nobody is new",
        "SELECT id FROM users WHERE login LIKE 'new %'",
    );
    let error = up(&ground, 2, file).await.expect_err("two are new");
    assert_eq!(error.kind(), ErrorKind::Check);
    let shown = error.to_string();
    assert!(
        shown.contains("a check after `0002_checked` does not hold: nobody is new"),
        "{shown}"
    );
    assert_eq!(
        ground.value("SELECT login FROM users WHERE id = 2").await,
        "user 2"
    );
    assert_eq!(ground.history().await[1], "0002_checked failed 0/1");
}

async fn at_most_five_offenders_are_shown<DB: Product>(ground: Ground<DB>) {
    for (rows, more) in [(5, false), (6, true), (500, true)] {
        let file = rename().before("nobody is here", "SELECT id FROM users ORDER BY id");
        let users = ground.has("users").await;
        if users {
            ground
                .ask("DROP TABLE users; DROP TABLE __migrations__")
                .await;
        }
        let error = up(&ground, rows, file).await.expect_err("they are here");
        let shown = error.to_string();
        let lines = shown.matches("id = ").count();
        assert_eq!((lines, shown.contains("… and more")), (5, more), "{shown}");
    }
}

async fn a_wrong_check_has_its_place<DB: Product>(ground: Ground<DB>) {
    for file in [
        rename().before("so", "SELECT id\nFROM users WHERE ) id = 1"),
        rename().after("so", "SELECT id\nFROM users WHERE ) id = 1"),
    ] {
        let error = up(&ground, 1, file.clone())
            .await
            .expect_err("it is no SQL");
        assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
        let text = file.text();
        let line = text[..text.find(')').expect("it is there")]
            .matches('\n')
            .count()
            + 1;
        let line = text
            .lines()
            .position(|line| line.contains(" ) "))
            .map_or(line, |at| at + 1);
        let place = format!("0002_checked.sql:{line}:18\n");
        assert!(error.to_string().contains(&place), "{place}{error}");
        assert_eq!(ground.value("SELECT login FROM users").await, "user 1");
    }
    let file = rename().before("so", "SELECT nonsense FROM users");
    let error = up(&ground, 1, file)
        .await
        .expect_err("there is no such column");
    assert!(
        error.to_string().contains("0002_checked.sql:7:8\n"),
        "{error}"
    );
    // The session is as before: a check bounds its answer.
    let file = rename().after("so", "SELECT id FROM users WHERE id > 100");
    up(&ground, 1, file).await.expect("it is right now");
}

async fn awkward_queries_are_taken_as_they_are<DB: Product>(ground: Ground<DB>) {
    let nobody = [
        "SELECT id, id, login AS id FROM users WHERE id < 0",
        "SELECT a.*, b.* FROM users a JOIN users b ON a.id = b.id WHERE a.id < 0",
        "SELECT 1 FROM users WHERE id < 0 -- and that was it",
        "SELECT id FROM users WHERE id < 0 ORDER BY id LIMIT 3",
        "WITH gone AS (SELECT id FROM users WHERE id < 0) SELECT * FROM gone",
        "SELECT id FROM users WHERE id < 0 UNION ALL SELECT 2 FROM users WHERE id < 0",
        "SELECT COUNT(*), login FROM users GROUP BY login HAVING COUNT(*) > 1",
        "SELECT ';', 'it''s; -- so' FROM users WHERE id < 0",
    ];
    let file = nobody.iter().fold(rename(), |file, query| {
        file.before("nobody", query).after("still", query)
    });
    up(&ground, 2, file).await.expect("all of them hold");
    // Two columns of one name are shown as they are called.
    ground
        .ask("DROP TABLE users; DROP TABLE __migrations__")
        .await;
    let file = rename().before("nobody", "SELECT id, id FROM users");
    let error = up(&ground, 1, file).await.expect_err("one is here");
    assert!(error.to_string().contains("id = 1, id"), "{error}");
}

async fn awkward_offenders_are_shown<DB: Product>(ground: Ground<DB>) {
    let long = "x".repeat(150);
    let (binary, shown_binary) = match ground.engine() {
        backstitch_tests::servers::Engine::Postgres => ("decode('00ff', 'hex')", "\\x00ff"),
        backstitch_tests::servers::Engine::Sqlite => ("x'00ff'", "x'00ff'"),
        _ => ("x'00ff'", "\\0\u{fffd}"),
    };
    let query = format!(
        "SELECT NULL AS n, 'two\nlines, ä' AS t, {binary} AS b, '{long}' AS l, '' AS e, 1.5 AS r"
    );
    let error = up(&ground, 0, rename().before("nothing", &query))
        .await
        .expect_err("a row");
    let shown = error.to_string();
    let row = format!(
        "n = NULL, t = two\\nlines, ä, b = {shown_binary}, l = {}…, e = , r = 1.5\n",
        "x".repeat(60)
    );
    assert!(shown.contains(&row), "{row}\n{shown}");
}

async fn a_check_sees_what_the_migration_did<DB: Product>(ground: Ground<DB>) {
    let file = File::new("DELETE FROM users WHERE id > 1", "SELECT 1")
        .before(
            "two are here",
            "SELECT COUNT(*) FROM users HAVING COUNT(*) <> 2",
        )
        .after(
            "one is here",
            "SELECT COUNT(*) FROM users HAVING COUNT(*) <> 1",
        );
    up(&ground, 2, file).await.expect("both hold");
}

async fn a_migration_outside_of_a_transaction_is_checked_too<DB: Product>(ground: Ground<DB>) {
    let outside = || rename().with("@transaction: false");
    let file = outside().before("nobody", "SELECT id FROM users");
    let error = up(&ground, 1, file).await.expect_err("one is here");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert_eq!(ground.value("SELECT login FROM users").await, "user 1");

    ground
        .ask("DROP TABLE users; DROP TABLE __migrations__")
        .await;
    let file = outside().after("nobody", "SELECT id FROM users");
    let error = up(&ground, 1, file).await.expect_err("one is here");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert!(
        error
            .to_string()
            .contains("1 of 1 statements of `0002_checked` have run and stay"),
        "{error}"
    );
    assert_eq!(ground.value("SELECT login FROM users").await, "new user 1");
    assert_eq!(ground.history().await[1], "0002_checked failed 1/1");
    // The statements stay and the check is made again, until it holds.
    let file = || outside().after("nobody", "SELECT id FROM users");
    let again = up(&ground, 1, file()).await.expect_err("one is still here");
    assert_eq!(again.kind(), ErrorKind::Check);
    assert_eq!(ground.value("SELECT login FROM users").await, "new user 1");
    ground.ask("DELETE FROM users").await;
    up(&ground, 1, file()).await.expect("it holds");
    assert_eq!(ground.history().await[1], "0002_checked applied 1/1");
}

async fn more_than_one_check_is_run_in_order<DB: Product>(ground: Ground<DB>) {
    let file = rename()
        .before("first", "SELECT 1 FROM users WHERE id < 0")
        .before("second", "SELECT 2 AS second FROM users")
        .before("third", "SELECT nonsense");
    let error = up(&ground, 1, file)
        .await
        .expect_err("the second does not hold");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert!(
        error.to_string().contains("does not hold: second"),
        "{error}"
    );
}

async fn what_ddl_did_before_a_failed_check_is_told(ground: Ground<MySql>) {
    let file = File::new(
        "CREATE TABLE a (id INT);\nALTER TABLE users ADD COLUMN age INT",
        "DROP TABLE a;\nALTER TABLE users DROP COLUMN age",
    )
    .after(
        "everybody has an age",
        "SELECT id FROM users WHERE age IS NULL",
    );
    let error = up(&ground, 1, file.clone())
        .await
        .expect_err("nobody has one");
    assert_eq!(error.kind(), ErrorKind::Check);
    let shown = error.to_string();
    assert!(
        shown.contains("2 of 2 statements of `0002_checked` have run and stay"),
        "{shown}"
    );
    assert!(!shown.contains("then run again"), "{shown}");
    assert_eq!(ground.history().await[1], "0002_checked failed 2/2");
    let again = up(&ground, 1, file).await.expect_err("nobody has one yet");
    assert_eq!(again.kind(), ErrorKind::Check);
    assert!(again.to_string().contains("a check after"), "{again}");
    let status = migrations::<MySql>(&[("0001_x", File::table("x"))])
        .status(ground.url())
        .await;
    let row = &status.expect("status works").history[1];
    assert_eq!((row.state, row.statements_done), (State::Failed, 2));
}
