//! Steps of a migration that are functions of the program.

use backstitch::{Down, ErrorKind, Migrations};
use sqlx::{Executor, MySql, MySqlConnection, PgConnection, Postgres, Sqlite, SqliteConnection};

use crate::ground::{File, Folder, Ground, Product, scenarios};

scenarios! {
    everywhere: [
        a_step_runs_behind_the_statements,
        a_step_may_stand_alone,
        a_step_that_fails_takes_its_migration_back,
        what_a_check_finds_behind_a_step_takes_it_back,
        a_step_without_a_function_is_told_at_the_start,
        a_function_without_a_step_is_told_at_the_start,
        the_name_of_a_step_counts_and_its_code_does_not,
        a_step_is_rehearsed_and_taken_back,
        a_step_that_fails_in_a_rehearsal_leaves_nothing,
        a_step_that_commits_in_a_rehearsal_is_told,
        a_step_without_a_function_is_named_in_a_rehearsal,
    ],
    mariadb: [
        a_step_beside_ddl_does_not_load,
    ],
}

/// Functions of each engine, as a service has them.
trait Stepping: Product {
    fn recode(set: Migrations<Self>, name: &str) -> Migrations<Self>;
    fn fails(set: Migrations<Self>, name: &str) -> Migrations<Self>;
    fn commits(set: Migrations<Self>, name: &str) -> Migrations<Self>;
}

macro_rules! stepping {
    ($engine:ident, $connection:ident, $recode:ident, $fails:ident, $commits:ident) => {
        async fn $recode(connection: &mut $connection) -> Result<(), sqlx::Error> {
            connection
                .execute("UPDATE words SET word = 'recoded' WHERE word = 'plain'")
                .await?;
            connection
                .execute("INSERT INTO words VALUES ('by the step')")
                .await?;
            Ok(())
        }

        async fn $fails(
            connection: &mut $connection,
        ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            connection
                .execute("INSERT INTO words VALUES ('for nothing')")
                .await?;
            Err("the codes are used up".into())
        }

        async fn $commits(connection: &mut $connection) -> Result<(), sqlx::Error> {
            connection.execute("COMMIT").await?;
            Ok(())
        }

        impl Stepping for $engine {
            fn recode(set: Migrations<Self>, name: &str) -> Migrations<Self> {
                set.with_step(name, $recode)
            }

            fn fails(set: Migrations<Self>, name: &str) -> Migrations<Self> {
                set.with_step(name, $fails)
            }

            fn commits(set: Migrations<Self>, name: &str) -> Migrations<Self> {
                set.with_step(name, $commits)
            }
        }
    };
}

stepping!(
    Postgres,
    PgConnection,
    recode_postgres,
    fails_postgres,
    commits_postgres
);
stepping!(
    MySql,
    MySqlConnection,
    recode_mysql,
    fails_mysql,
    commits_mysql
);
stepping!(
    Sqlite,
    SqliteConnection,
    recode_sqlite,
    fails_sqlite,
    commits_sqlite
);

fn folder(second: File) -> Folder {
    Folder::of(&[
        (
            "0001_words",
            File::new("CREATE TABLE words (word VARCHAR(40))", "DROP TABLE words"),
        ),
        ("0002_recode", second),
        (
            "0003_last",
            File::new(
                "INSERT INTO words VALUES ('last')",
                "DELETE FROM words WHERE word = 'last'",
            ),
        ),
    ])
}

fn with_step() -> File {
    File::new("INSERT INTO words VALUES ('plain')", "DELETE FROM words").with("@step: 0002_recode")
}

async fn words<DB: Product>(ground: &Ground<DB>) -> Vec<String> {
    let words = ground.ask("SELECT word FROM words ORDER BY word").await;
    words.into_iter().flatten().collect()
}

async fn a_step_runs_behind_the_statements<DB: Stepping>(ground: Ground<DB>) {
    let file = with_step().after(
        "nothing is plain",
        "SELECT word FROM words WHERE word = 'plain'",
    );
    let set = DB::recode(folder(file).load(), "0002_recode");
    let report = set.up(ground.url()).await.expect("up works");
    assert_eq!(report.done.len(), 3);
    assert_eq!(words(&ground).await, ["by the step", "last", "recoded"]);
    assert_eq!(ground.history().await[1], "0002_recode applied 1/1");
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    // The way back is SQL, so a program without the function can take it.
    let without: Migrations<DB> = folder(with_step()).load();
    without
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(2))
        .await
        .expect("down works");
    assert!(words(&ground).await.is_empty());
}

async fn a_step_may_stand_alone<DB: Stepping>(ground: Ground<DB>) {
    let folder = folder(File::new("", "DELETE FROM words"));
    let text = with_step()
        .text()
        .replace("INSERT INTO words VALUES ('plain');", "");
    folder.write("0002_recode.sql", &text);
    let set = DB::recode(folder.load(), "0002_recode");
    set.up(ground.url()).await.expect("up works");
    assert_eq!(words(&ground).await, ["by the step", "last"]);
    assert_eq!(ground.history().await[1], "0002_recode applied 0/0");
}

async fn a_step_that_fails_takes_its_migration_back<DB: Stepping>(ground: Ground<DB>) {
    let set = DB::fails(folder(with_step()).load(), "0002_recode");
    let error = set.up(ground.url()).await.expect_err("it fails");
    assert_eq!(error.kind(), ErrorKind::Step);
    assert_eq!(error.migration(), Some("0002_recode"));
    let shown = error.to_string();
    for part in [
        "the step `0002_recode` of `0002_recode` failed: the codes are used up",
        "Nothing of `0002_recode` stays in the database",
        "then run it again",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let cause = std::error::Error::source(&error).expect("there is a cause");
    assert_eq!(cause.to_string(), "the codes are used up");
    assert!(words(&ground).await.is_empty());
    assert_eq!(
        ground.history().await,
        ["0001_words applied 1/1", "0002_recode failed 0/1"]
    );
    let set = DB::recode(folder(with_step()).load(), "0002_recode");
    assert_eq!(
        set.up(ground.url()).await.expect("it works now").done.len(),
        2
    );
}

async fn what_a_check_finds_behind_a_step_takes_it_back<DB: Stepping>(ground: Ground<DB>) {
    let file = with_step().after(
        "nothing is recoded",
        "SELECT word FROM words WHERE word = 'recoded'",
    );
    let set = DB::recode(folder(file).load(), "0002_recode");
    let error = set.up(ground.url()).await.expect_err("the step did");
    assert_eq!(error.kind(), ErrorKind::Check);
    assert!(words(&ground).await.is_empty());
}

async fn a_step_without_a_function_is_told_at_the_start<DB: Stepping>(ground: Ground<DB>) {
    let set: Migrations<DB> = folder(with_step()).load();
    let error = set.up(ground.url()).await.expect_err("there is none");
    assert_eq!(error.kind(), ErrorKind::Usage);
    let shown = error.to_string();
    for part in [
        "there is no function for the step `0002_recode` of `0002_recode`",
        ".with_step(\"0002_recode\", function)",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!ground.has("words").await, "nothing has run");
    // Looking needs no functions.
    assert_eq!(
        set.plan(ground.url())
            .await
            .expect("plan works")
            .steps
            .len(),
        3
    );
}

async fn a_function_without_a_step_is_told_at_the_start<DB: Stepping>(ground: Ground<DB>) {
    let set = DB::recode(folder(with_step()).load(), "0002_recode");
    let set = DB::recode(set, "0002_recod");
    let error = set.up(ground.url()).await.expect_err("nobody asks for it");
    let shown = error.to_string();
    for part in [
        "no migration has the step `0002_recod`",
        "did you mean `0002_recode`?",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!ground.has("words").await);
}

async fn the_name_of_a_step_counts_and_its_code_does_not<DB: Stepping>(ground: Ground<DB>) {
    let set = DB::recode(folder(with_step()).load(), "0002_recode");
    set.up(ground.url()).await.expect("up works");
    let other_code = DB::fails(folder(with_step()).load(), "0002_recode");
    assert!(
        other_code
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
    let without: Migrations<DB> = folder(File::new(
        "INSERT INTO words VALUES ('plain')",
        "DELETE FROM words",
    ))
    .load();
    let error = without
        .up(ground.url())
        .await
        .expect_err("it was another migration");
    assert_eq!(error.kind(), ErrorKind::Diverged);
}

/// The first is applied, so that nothing pending is DDL.
async fn with_words<DB: Stepping>(ground: &Ground<DB>, set: &Migrations<DB>) {
    let first = set.migrator().target("0001_words").expect("it is there");
    first.up(ground.url()).await.expect("up works");
}

async fn a_step_is_rehearsed_and_taken_back<DB: Stepping>(ground: Ground<DB>) {
    let file = with_step().after(
        "nothing is plain",
        "SELECT word FROM words WHERE word = 'plain'",
    );
    let set = DB::recode(folder(file).load(), "0002_recode");
    with_words(&ground, &set).await;
    let rehearsal = set.migrator().rehearse(ground.url()).await;
    let rehearsal = rehearsal.unwrap_or_else(|error| panic!("{error}"));
    assert!(rehearsal.left_out.is_empty(), "{rehearsal}");
    let [second, last] = rehearsal.migrations.as_slice() else {
        panic!("{rehearsal}");
    };
    let step = second.step.as_ref().expect("it has one");
    assert!(
        step.name == "0002_recode" && !step.elapsed.is_zero(),
        "{step:?}"
    );
    assert!(last.step.is_none());
    let shown = rehearsal.to_string();
    assert!(shown.contains(" ms  step 0002_recode"), "{shown}");
    // The CHECK behind it has seen what it did; nobody else has.
    assert!(words(&ground).await.is_empty());
    assert_eq!(ground.history().await, ["0001_words applied 1/1"]);
    set.up(ground.url()).await.expect("and in earnest");
    assert_eq!(words(&ground).await, ["by the step", "last", "recoded"]);
}

async fn a_step_that_fails_in_a_rehearsal_leaves_nothing<DB: Stepping>(ground: Ground<DB>) {
    let set = DB::fails(folder(with_step()).load(), "0002_recode");
    with_words(&ground, &set).await;
    let error = set.migrator().rehearse(ground.url()).await;
    let error = error.expect_err("it fails");
    assert_eq!(error.kind(), ErrorKind::Step);
    assert!(
        error.to_string().contains("the codes are used up"),
        "{error}"
    );
    assert!(words(&ground).await.is_empty());
    assert_eq!(ground.history().await, ["0001_words applied 1/1"]);
}

async fn a_step_that_commits_in_a_rehearsal_is_told<DB: Stepping>(ground: Ground<DB>) {
    let set = DB::commits(folder(with_step()).load(), "0002_recode");
    with_words(&ground, &set).await;
    let error = set.migrator().rehearse(ground.url()).await;
    let error = error.expect_err("it cannot be taken back");
    assert_eq!(error.migration(), Some("0002_recode"));
    let shown = error.to_string();
    for part in [
        "step-ended-transaction",
        "did not leave the transaction as it found it",
        "leave COMMIT and ROLLBACK out of the function",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

async fn a_step_without_a_function_is_named_in_a_rehearsal<DB: Stepping>(ground: Ground<DB>) {
    let set: Migrations<DB> = folder(with_step()).load();
    let with = DB::recode(folder(with_step()).load(), "0002_recode");
    with_words(&ground, &with).await;
    let rehearsal = set.migrator().rehearse(ground.url()).await;
    let rehearsal = rehearsal.unwrap_or_else(|error| panic!("{error}"));
    let named: Vec<_> = rehearsal
        .left_out
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(named, ["0002_recode", "0003_last"], "{rehearsal}");
    let reason = &rehearsal.left_out[0].reason;
    assert!(
        reason.contains("`@step: 0002_recode` is a function"),
        "{reason}"
    );
}

async fn a_step_beside_ddl_does_not_load(_ground: Ground<MySql>) {
    let beside = |up: &str| {
        let folder = folder(File::new(up, "SELECT 1").with("@step: 0002_recode"));
        Migrations::<MySql>::load(folder.path(), Default::default())
    };
    let error = beside("INSERT INTO words VALUES ('x');\nCREATE TABLE t (id INT)")
        .expect_err("DDL commits");
    assert!(
        error.to_string().contains("`@step` stands beside DDL"),
        "{error}"
    );
    beside("INSERT INTO words VALUES ('x')").expect("data does not");
}
