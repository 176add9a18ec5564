//! A statement fails: where, why, what stays, and how it goes on.
//!
//! The place that is expected is marked by `¦` in the text of the migration.

use backstitch::{Error, ErrorKind, Migrations};
use backstitch_core::source::Source;
use sqlx::{MySql, Postgres, Sqlite};

use crate::ground::{File, Folder, Ground, Product, scenarios};

scenarios! {
    everywhere: [
        a_syntax_error_has_its_place,
        an_unknown_name_has_its_place,
        a_violated_constraint_shows_the_statement,
        places_are_right_in_awkward_texts,
        nothing_of_a_failed_migration_stays,
        the_report_tells_what_was_done_before,
        a_mended_file_goes_through,
        an_error_reads_well,
    ],
    postgres: [
        an_error_inside_a_function_shows_the_statement,
        an_error_at_the_commit_names_the_migration,
        an_error_in_the_middle_of_all_names_its_migration,
        a_long_error_is_kept_whole,
    ],
    mariadb: [
        an_error_in_a_procedure_shows_the_call,
        ddl_before_the_error_stays_and_is_counted,
    ],
    sqlite: [
        an_error_at_the_commit_names_the_migration_in_sqlite,
    ],
}

/// The first migration works, the second is the text at hand and fails.
struct Failing<DB> {
    error: Error,
    /// `line:column` of the mark, from one, in characters.
    marked: String,
    text: String,
    engine: std::marker::PhantomData<DB>,
}

const FAILING: &str = "0002_failing.sql";

async fn fail<DB: Product>(ground: &Ground<DB>, file: File) -> Failing<DB> {
    let folder = Folder::of(&[(
        "0001_users",
        File::new(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, login VARCHAR(40) NOT NULL);\n\
             INSERT INTO users VALUES (1, 'ada')",
            "DROP TABLE users",
        ),
    )]);
    let marked = file.text();
    let mark = marked.find('¦').expect("the expected place is marked");
    let before = &marked[..mark];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let text = marked.replace('¦', "");
    folder.write(FAILING, &text);
    let set: Migrations<DB> = folder.load();
    let error = set
        .up(ground.url())
        .await
        .expect_err("the second migration is wrong");
    Failing {
        error,
        marked: format!("{line}:{column}"),
        text,
        engine: std::marker::PhantomData,
    }
}

impl<DB: Product> Failing<DB> {
    /// The error is of a statement, at the marked place, and shows its line.
    fn is_at_the_mark(&self) -> &Failing<DB> {
        let shown = self.error.to_string();
        assert_eq!(self.error.kind(), ErrorKind::Statement, "{shown}");
        assert_eq!(self.error.migration(), Some("0002_failing"), "{shown}");
        assert_eq!(self.error.diagnostics()[0].code, "statement-failed");
        let place = format!("{FAILING}:{}\n", self.marked);
        assert!(shown.contains(&place), "expected {place}{shown}");
        let (line, _) = self.marked.split_once(':').expect("it has a colon");
        let line: usize = line.parse().expect("it is a number");
        let source = Source::new("", self.text.clone());
        let line = source
            .text()
            .lines()
            .nth(line - 1)
            .expect("there is such a line");
        assert!(shown.contains(line.trim()), "{shown}");
        assert!(shown.contains('^'), "{shown}");
        self
    }

    fn says(&self, words: &str) -> &Failing<DB> {
        let shown = self.error.to_string();
        let found = shown.to_lowercase().contains(&words.to_lowercase());
        assert!(found, "expected {words:?}\n{shown}");
        self
    }
}

async fn a_syntax_error_has_its_place<DB: Product>(ground: Ground<DB>) {
    let file = File::new(
        "UPDATE users SET login = 'x'\n  WHERE ¦) id = 1\n  OR id = 2",
        "SELECT 1",
    );
    let failing = fail(&ground, file).await;
    failing.is_at_the_mark().says("syntax");
    let code = match ground.engine() {
        backstitch_tests::servers::Engine::MariaDb => "error 1064, SQLSTATE 42000",
        backstitch_tests::servers::Engine::Sqlite => "result code 1",
        _ => "SQLSTATE 42601",
    };
    failing.says(code);
    // Nothing of what the library sends behind it, nor a place that is not in the file.
    let message = &failing.error.diagnostics()[0].message;
    assert!(
        !message.contains('\n') && !message.contains("at line"),
        "{message}"
    );
}

async fn an_unknown_name_has_its_place<DB: Product>(ground: Ground<DB>) {
    let file = File::new(
        "UPDATE users SET login = 'x' WHERE id = 1;\n\n\
         UPDATE users SET login = 'y'\n  WHERE ¦nonsense = 1;\n\
         UPDATE users SET login = 'z'",
        "SELECT 1",
    );
    fail(&ground, file).await.is_at_the_mark().says("nonsense");
}

async fn a_violated_constraint_shows_the_statement<DB: Product>(ground: Ground<DB>) {
    // No engine tells where in the statement; so the first line of it is shown.
    let file = File::new(
        "INSERT INTO users VALUES (2, 'grace');\n\
         ¦INSERT INTO users\nVALUES (3, 'joan'),\n  (1, 'ada again')",
        "SELECT 1",
    );
    let failing = fail(&ground, file).await;
    failing.says(if DB::DDL_ROLLS_BACK {
        "unique"
    } else {
        "duplicate"
    });
    let shown = failing.error.to_string();
    assert!(shown.contains("INSERT INTO users\n"), "{shown}");
    let (line, _) = failing.marked.split_once(':').expect("it has a colon");
    let at = |line: usize| shown.contains(&format!("{FAILING}:{line}:"));
    let line: usize = line.parse().expect("it is a number");
    assert!((line..line + 3).any(at), "{shown}");
    assert_eq!(failing.error.kind(), ErrorKind::Statement);
}

async fn places_are_right_in_awkward_texts<DB: Product>(ground: Ground<DB>) {
    for (what, up) in [
        (
            "letters",
            "UPDATE users SET login = 'ä€😀 ¬ ¬' WHERE id = 1; UPDATE users SET ¦nonsense = 1",
        ),
        (
            "one line",
            "UPDATE users SET login = 'x'; UPDATE users SET ¦nonsense = 'x'; UPDATE users SET login = 'y'",
        ),
        (
            "a comment",
            "-- nonsense, ä\nUPDATE users SET login = 'nonsense' /* nonsense */,\n\t¦nonsense = 1",
        ),
        (
            "a quoted name",
            if DB::DDL_ROLLS_BACK {
                "UPDATE users SET ¦\"nonsense ö\" = 1"
            } else {
                "UPDATE users SET ¦`nonsense ö` = 1"
            },
        ),
        (
            "a table",
            "UPDATE users SET login = 'x';\nINSERT INTO\n  ¦nowhere VALUES (1)",
        ),
        (
            "the end",
            "UPDATE users SET login = 'x';\nUPDATE users SET login =¦",
        ),
    ] {
        let file = File::new(up, "SELECT 1");
        let failing = fail(&ground, file).await;
        announce_on_panic(what, || {
            failing.is_at_the_mark();
        });
    }
    // The same text with the line ends of another system.
    let file = File::new(
        "UPDATE users SET login = 'a\r\nb' WHERE id = 1;\r\nUPDATE users\r\n  SET ¦nonsense = 1",
        "SELECT 1",
    );
    fail(&ground, file).await.is_at_the_mark();
}

fn announce_on_panic(what: &str, check: impl FnOnce()) {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    assert!(result.is_ok(), "it is about: {what}");
}

async fn nothing_of_a_failed_migration_stays<DB: Product>(ground: Ground<DB>) {
    // DDL where it can be taken back, data everywhere.
    let ddl = if DB::DDL_ROLLS_BACK {
        "CREATE TABLE extra (id INTEGER);\n"
    } else {
        ""
    };
    let up = format!("{ddl}UPDATE users SET login = 'changed';\nUPDATE users SET ¦nonsense = 1");
    let failing = fail(&ground, File::new(&up, "SELECT 1")).await;
    failing
        .is_at_the_mark()
        .says("nothing of `0002_failing` stays");
    assert!(!ground.has("extra").await);
    assert_eq!(ground.value("SELECT login FROM users").await, "ada");
    let statements = up.matches(";\n").count() + 1;
    assert_eq!(
        ground.history().await,
        [
            "0001_users applied 2/2".to_owned(),
            format!("0002_failing failed 0/{statements}")
        ]
    );
    let error = ground
        .value("SELECT error FROM __migrations__ WHERE version = 2")
        .await;
    assert!(
        error.contains("nonsense") && !error.contains('\n'),
        "{error}"
    );
}

async fn the_report_tells_what_was_done_before<DB: Product>(ground: Ground<DB>) {
    let folder = Folder::of(&[
        ("0001_a", File::table("a")),
        ("0002_b", File::table("b")),
        (
            "0003_bad",
            File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
        ),
        ("0004_d", File::table("d")),
    ]);
    let error = folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect_err("the third is wrong");
    let report = error.report();
    let done: Vec<_> = report.done.iter().map(|done| done.id.as_str()).collect();
    assert_eq!(done, ["0001_a", "0002_b"]);
    assert_eq!(report.remaining, ["0003_bad", "0004_d"]);
    assert_eq!(report.known, 4);
    let run = report.run.as_deref().expect("the run has a name");
    assert_eq!(
        ground
            .value("SELECT run FROM __migrations__ WHERE version = 2")
            .await,
        run
    );
    assert!(ground.has("b").await && !ground.has("d").await);
    assert!(
        report.to_string().starts_with("2 migrations applied in"),
        "{report}"
    );
    assert!(report.to_string().ends_with(", 2 pending"), "{report}");
}

async fn a_mended_file_goes_through<DB: Product>(ground: Ground<DB>) {
    let good = ("0001_a", File::table("a"));
    let bad = File::new(
        "INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1)",
        "DELETE FROM a",
    );
    let folder = Folder::of(&[good, ("0002_fill", bad), ("0003_c", File::table("c"))]);
    for _ in 0..2 {
        let error = folder
            .load::<DB>()
            .up(ground.url())
            .await
            .expect_err("it is wrong");
        assert_eq!(error.kind(), ErrorKind::Statement);
        assert_eq!(ground.history().await.len(), 2);
    }
    let status = folder
        .load::<DB>()
        .status(ground.url())
        .await
        .expect("status works");
    assert_eq!(status.pending, ["0002_fill", "0003_c"]);
    assert!(status.trouble.is_none(), "{status:?}");
    let failed = &status.history[1];
    assert_eq!(failed.state, backstitch::State::Failed);
    assert!(
        failed
            .error
            .as_deref()
            .is_some_and(|error| error.contains("nowhere"))
    );

    let mended = File::new(
        "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2)",
        "DELETE FROM a",
    );
    folder.write("0002_fill.sql", &mended.text());
    let report = folder
        .load::<DB>()
        .up(ground.url())
        .await
        .expect("it is right now");
    assert_eq!(report.done.len(), 2);
    assert_eq!(
        ground.history().await,
        [
            "0001_a applied 1/1",
            "0002_fill applied 2/2",
            "0003_c applied 1/1"
        ]
    );
    assert_eq!(
        ground
            .value("SELECT COUNT(*) FROM __migrations__ WHERE error IS NULL")
            .await,
        "3"
    );
    assert!(
        folder
            .load::<DB>()
            .up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn an_error_reads_well<DB: Product>(ground: Ground<DB>) {
    let file = File::new("UPDATE users\nSET ¦nonsense = 1", "SELECT 1");
    let error = fail(&ground, file).await.error;
    let shown = error.to_string();
    assert_eq!(
        shown,
        format!("{error:?}"),
        "what `main` prints is what is shown"
    );
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(error.to_ansi_string().contains('\u{1b}'), "{shown}");
    // Not the place in the source of the server, nor words of the driver, nor what was sent behind.
    assert!(!shown.contains("at line"), "{shown}");
    assert!(!shown.contains("error returned from database"), "{shown}");
    let cause = std::error::Error::source(&error).expect("it has a cause");
    assert!(cause.downcast_ref::<sqlx::Error>().is_some());
}

async fn an_error_inside_a_function_shows_the_statement(ground: Ground<Postgres>) {
    let file = File::new(
        "SELECT 1;\n¦DO $$\nBEGIN\n  PERFORM 1;\n  UPDATE users SET nonsense = 1;\nEND $$",
        "SELECT 1",
    );
    fail(&ground, file)
        .await
        .is_at_the_mark()
        .says("nonsense")
        .says("context: PL/pgSQL function inline_code_block line 4");
    let file = File::new(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no, %', 'never' \
         USING HINT = 'ask again', DETAIL = 'because'; END $$;\n¦SELECT\n  f()",
        "SELECT 1",
    );
    let failing = fail(&ground, file).await;
    failing
        .is_at_the_mark()
        .says("no, never")
        .says("hint: ask again")
        .says("detail: because");
}

async fn an_error_at_the_commit_names_the_migration(ground: Ground<Postgres>) {
    let deferred = |check: Option<&str>| {
        let file = File::new(
            "CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES users (id) \
             DEFERRABLE INITIALLY DEFERRED);\n¦INSERT INTO pets VALUES (1, 99)",
            "DROP TABLE pets",
        );
        match check {
            Some(query) => file.after("nothing", query),
            None => file,
        }
    };
    // In one message and in several.
    for check in [None, Some("SELECT 1 WHERE false")] {
        let failing = fail(&ground, deferred(check)).await;
        failing
            .says("`0002_failing`")
            .says("foreign key")
            .says("pets");
        assert_eq!(failing.error.kind(), ErrorKind::Statement);
        assert_eq!(failing.error.migration(), Some("0002_failing"));
        assert!(!ground.has("pets").await);
        assert_eq!(ground.history().await[1], "0002_failing failed 0/2");
    }
}

async fn an_error_at_the_commit_names_the_migration_in_sqlite(ground: Ground<Sqlite>) {
    let file = File::new(
        "CREATE TABLE pets (id int PRIMARY KEY, owner int REFERENCES users (id) \
         DEFERRABLE INITIALLY DEFERRED);\n¦INSERT INTO pets VALUES (1, 99)",
        "DROP TABLE pets",
    );
    let failing = fail(&ground, file).await;
    failing.says("`0002_failing`").says("foreign key");
    assert_eq!(failing.error.kind(), ErrorKind::Statement);
    assert!(!ground.has("pets").await);
    assert_eq!(ground.history().await[1], "0002_failing failed 0/2");
}

async fn an_error_in_the_middle_of_all_names_its_migration(ground: Ground<Postgres>) {
    let folder = Folder::of(&[
        ("0001_a", File::table("a")),
        (
            "0002_b",
            File::new("SELECT 1;\nSELECT 'ö', nonsense", "SELECT 1"),
        ),
        ("0003_c", File::table("c")),
    ]);
    let set: Migrations<Postgres> = folder.load();
    let migrator = set.migrator().mode(backstitch::Mode::All);
    let error = migrator
        .up(ground.url())
        .await
        .expect_err("the second is wrong");
    assert_eq!(error.migration(), Some("0002_b"));
    assert!(error.to_string().contains("0002_b.sql:8:13\n"), "{error}");
    assert!(error.report().done.is_empty(), "{:?}", error.report());
    assert_eq!(error.report().remaining, ["0001_a", "0002_b", "0003_c"]);
    assert!(!ground.has("a").await);
    assert_eq!(ground.history().await, ["0002_b failed 0/2"]);
    folder.write("0002_b.sql", &File::table("b").text());
    let set: Migrations<Postgres> = folder.load();
    let report = set
        .migrator()
        .mode(backstitch::Mode::All)
        .up(ground.url())
        .await;
    assert_eq!(report.expect("it is right now").done.len(), 3);
    assert!(
        set.up(ground.url())
            .await
            .expect("up works")
            .is_up_to_date()
    );
}

async fn a_long_error_is_kept_whole(ground: Ground<Postgres>) {
    let long = "lang ".repeat(20_000);
    let file = File::new(&format!("¦DO $$ BEGIN RAISE '{long}'; END $$"), "SELECT 1");
    let failing = fail(&ground, file).await;
    failing.says("lang lang");
    let kept = ground
        .value("SELECT length(error) FROM __migrations__ WHERE version = 2")
        .await;
    assert_eq!(kept, long.len().to_string());
}

async fn an_error_in_a_procedure_shows_the_call(ground: Ground<MySql>) {
    let file = File::new(
        "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; INSERT INTO nowhere VALUES (1); END;\n\
         ¦CALL p()",
        "DROP PROCEDURE p",
    );
    let failing = fail(&ground, file).await;
    failing
        .says("nowhere")
        .says("1 of 2 statements of `0002_failing` have run and stay");
    failing.is_at_the_mark();
}

async fn ddl_before_the_error_stays_and_is_counted(ground: Ground<MySql>) {
    let file = File::new(
        "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\nCREATE TABLE b (id ¦nonsense);\n\
         CREATE TABLE c (id INT)",
        "DROP TABLE c",
    );
    let failing = fail(&ground, file).await;
    failing
        .is_at_the_mark()
        .says("2 of 4 statements of `0002_failing` have run and stay");
    assert!(ground.has("a").await && !ground.has("b").await && !ground.has("c").await);
    assert_eq!(ground.history().await[1], "0002_failing failed 2/4");
}
