//! The history is edited by hand, or half of it is deleted: nothing runs twice, nothing is put
//! right in silence, and what is refused is refused with an account.
//!
//! Every column of a row is set to every value of a list, as far as the database lets it; and every
//! set of rows is deleted once. Garbage that nobody could take for a row of ours, layouts from the
//! future and tables of somebody else are in `tests/engines/policies.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};

use backstitch::{Down, ErrorKind, Migrations};
use backstitch_tests::announce::announce;

use crate::course::{Course, Watched, says_what_to_do};
use crate::ground::{File, Ground, Product, Rows, ask, scenarios};
use crate::length::is_long;

scenarios! {
    everywhere: [
        every_column_is_edited_and_up_runs_nothing_twice,
        every_column_is_edited_and_something_is_pending,
        every_column_is_edited_and_down_takes_back_whole_migrations,
        every_set_of_rows_is_deleted,
        a_column_is_gone,
        the_table_of_rollbacks_is_gone,
    ],
}

const LENGTH: usize = 3;

/// What a hand may write, as SQL.
const VALUES: [&str; 11] = [
    "NULL",
    "'garbage'",
    "'failed'",
    "0",
    "9223372036854775807",
    "'\u{1f4a5}''; DROP TABLE log; --'",
    // From here on in the long form only.
    "''",
    "'v1:0000000000000000000000000000000000000000000000000000000000000000'",
    "'applying'",
    "'reverting'",
    "-1",
];

/// The columns without which a row is not that of the migration any more.
const TELLING: [&str; 5] = ["id", "checksum", "version", "namespace", "layout"];

/// Makes one edit after the other, and tells how many the database allowed.
async fn each_edit<DB: Watched>(
    ground: &Ground<DB>,
    course: &Course,
    look: impl AsyncFn(&mut Eye<DB>, &str, &str),
) -> usize {
    anew(ground, course).await;
    let mut eye = Eye::<DB>(ground.connect().await);
    let first = eye.made().await;
    ground
        .ask("CREATE TABLE __kept AS SELECT * FROM __migrations__")
        .await;
    let values = if is_long() { &VALUES[..] } else { &VALUES[..6] };
    let mut edits = 0;
    for column in columns(ground).await {
        for value in values {
            for version in [2, LENGTH] {
                let set = format!("SET {column} = {value} WHERE version = {version}");
                let before = eye.dump().await;
                let edit = format!("UPDATE __migrations__ {set}");
                let edited = DB::ask(&mut eye.0, &edit).await;
                if edited.is_err() || eye.dump().await == before {
                    continue;
                }
                edits += 1;
                look(&mut eye, &set, &column).await;
                if eye.made().await == first {
                    let restore = "DELETE FROM __migrations__; \
                                   INSERT INTO __migrations__ SELECT * FROM __kept";
                    ask::<DB>(&mut eye.0, restore).await;
                } else {
                    anew(ground, course).await;
                }
            }
        }
    }
    edits
}

/// Drops everything and goes up again.
async fn anew<DB: Watched>(ground: &Ground<DB>, course: &Course) {
    for table in [
        "__migrations__",
        "__migration_rollbacks__",
        "log",
        "t2",
        "t3",
        "more",
    ] {
        ground.ask(&format!("DROP TABLE IF EXISTS {table}")).await;
    }
    course.finish(ground, "anew").await;
}

async fn columns<DB: Product>(ground: &Ground<DB>) -> Vec<String> {
    use backstitch_tests::servers::Engine;
    let question = match DB::SERVER {
        Engine::Sqlite => "SELECT name FROM pragma_table_info('__migrations__')",
        Engine::MariaDb => {
            "SELECT column_name FROM information_schema.columns \
             WHERE table_name = '__migrations__' AND table_schema = DATABASE()"
        }
        Engine::Postgres | Engine::PgBouncer => {
            "SELECT column_name FROM information_schema.columns WHERE table_name = '__migrations__'"
        }
    };
    let columns: Vec<String> = ground.ask(question).await.into_iter().flatten().collect();
    assert!(columns.len() > 15, "{columns:?}");
    columns
}

/// A connection that only looks.
struct Eye<DB: Watched>(DB::Connection);

impl<DB: Watched> Eye<DB> {
    /// All of the history.
    async fn dump(&mut self) -> Rows {
        let all = "SELECT * FROM __migrations__ ORDER BY version, seq";
        ask::<DB>(&mut self.0, all).await
    }

    /// What the migrations have made, whatever the history says.
    async fn made(&mut self) -> Vec<String> {
        let tables = ask::<DB>(&mut self.0, DB::TABLES).await;
        let mut made: Vec<String> = tables.into_iter().flatten().collect();
        made.retain(|table| !table.starts_with("__") && !table.starts_with("sqlite"));
        if made.iter().any(|table| table == "log") {
            let lines = ask::<DB>(&mut self.0, "SELECT id FROM log").await;
            made.extend(lines.into_iter().flatten());
        }
        made.sort();
        made
    }
}

/// The same chain with a migration more, which is pending.
fn with_more<DB: Product>(course: &Course) -> Migrations<DB> {
    course.write("0009_more.sql", &File::table("more").text());
    let set = course.load::<DB>();
    course.remove("0009_more.sql");
    set
}

async fn every_column_is_edited_and_up_runs_nothing_twice<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let refused = AtomicUsize::new(0);
    let edits = each_edit(&ground, &course, async |eye, edit, _| {
        let (before, history) = (eye.made().await, eye.dump().await);
        let status = set.status(ground.url()).await;
        let planned = set.plan(ground.url()).await;
        assert_eq!(eye.dump().await, history, "{edit}: looking writes");
        let result = set.up(ground.url()).await;
        assert_eq!(eye.made().await, before, "{edit}\n{result:?}");
        match result {
            Ok(report) => {
                assert!(report.done.is_empty(), "{edit}\n{report:?}");
                assert_eq!(eye.dump().await, history, "{edit}: put right in silence");
            }
            Err(error) => {
                refused.fetch_add(1, Ordering::Relaxed);
                says_what_to_do(&error, edit);
                // What was refused by the plan has written nothing. What the server refused may
                // have been recorded.
                if error.kind() != ErrorKind::Statement {
                    assert_eq!(eye.dump().await, history, "{edit}\n{error}");
                    let foretold = planned.is_err() || status.is_err();
                    assert!(foretold, "{edit}: nobody foretold this\n{error}");
                }
            }
        }
    })
    .await;
    let refused = refused.into_inner();
    assert!(refused > 8, "{refused} of {edits}");
}

async fn every_column_is_edited_and_something_is_pending<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = with_more::<DB>(&course);
    let refused = AtomicUsize::new(0);
    let edits = each_edit(&ground, &course, async |eye, edit, column| {
        let before = eye.made().await;
        match set.up(ground.url()).await {
            Ok(report) => {
                assert_eq!(report.done.len(), 1, "{edit}\n{report:?}");
                assert!(!TELLING.contains(&column), "{edit}: nobody minds");
                let mut after = before.clone();
                after.push("more".to_owned());
                after.sort();
                assert_eq!(eye.made().await, after, "{edit}");
            }
            Err(error) => {
                refused.fetch_add(1, Ordering::Relaxed);
                says_what_to_do(&error, edit);
                assert_eq!(eye.made().await, before, "{edit}\n{error}");
            }
        }
    })
    .await;
    let refused = refused.into_inner();
    announce(&format!(
        "{edits} edits of the history on {:?}; {refused} times up was refused with something pending",
        ground.engine()
    ));
}

async fn every_column_is_edited_and_down_takes_back_whole_migrations<DB: Watched>(
    ground: Ground<DB>,
) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    each_edit(&ground, &course, async |eye, edit, _| {
        let (before, history) = (eye.made().await, eye.dump().await);
        let result = set
            .migrator()
            .force()
            .down(ground.url(), Down::Steps(1))
            .await;
        let after = eye.made().await;
        match result {
            // A whole migration: its table and its line.
            Ok(report) => {
                assert_eq!(report.done.len(), 1, "{edit}\n{report:?}");
                assert_eq!(after.len(), before.len() - 2, "{edit}\n{report:?}");
                assert_eq!(
                    eye.dump().await.len(),
                    history.len() - 1,
                    "{edit}\n{report:?}"
                );
            }
            Err(error) => {
                assert_eq!(after, before, "{edit}\n{error}");
                if error.kind() != ErrorKind::Statement {
                    assert_eq!(eye.dump().await, history, "{edit}\n{error}");
                }
            }
        }
    })
    .await;
}

async fn every_set_of_rows_is_deleted<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    let mut eye = Eye::<DB>(ground.connect().await);
    for chosen in 1_u32..1 << LENGTH {
        anew(&ground, &course).await;
        let is_deleted = |version: &usize| chosen >> (version - 1) & 1 == 1;
        let deleted: Vec<String> = (1..=LENGTH)
            .filter(is_deleted)
            .map(|version| version.to_string())
            .collect();
        let delete = format!("version IN ({})", deleted.join(", "));
        ground
            .ask(&format!("DELETE FROM __migrations__ WHERE {delete}"))
            .await;
        let (before, history) = (eye.made().await, eye.dump().await);
        let status = set.status(ground.url()).await.expect("status works");
        match set.up(ground.url()).await {
            // The newest row says that all is done; a look at the rest tells the gap.
            Ok(report) => {
                assert!(
                    !is_deleted(&LENGTH) && report.done.is_empty(),
                    "{delete}\n{report:?}"
                );
                let trouble = status.trouble.expect("status sees the gap");
                assert!(trouble.contains("already applied"), "{delete}\n{trouble}");
                assert_eq!(eye.dump().await, history, "{delete}");
            }
            Err(error) => {
                assert!(is_deleted(&LENGTH), "{delete}\n{error}");
                let kinds = [ErrorKind::Statement, ErrorKind::OutOfOrder];
                assert!(kinds.contains(&error.kind()), "{delete}\n{error}");
                says_what_to_do(&error, &delete);
                let shown = error.to_string();
                assert!(shown.contains(".sql:"), "{delete}\n{shown}");
            }
        }
        assert_eq!(eye.made().await, before, "{delete}");
    }
}

async fn a_column_is_gone<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let (set, more) = (course.load::<DB>(), with_more::<DB>(&course));
    let mut eye = Eye::<DB>(ground.connect().await);
    for column in ["checksum", "statements_done", "layout"] {
        anew(&ground, &course).await;
        let before = eye.made().await;
        ground
            .ask(&format!("ALTER TABLE __migrations__ DROP COLUMN {column}"))
            .await;
        for error in [
            set.status(ground.url()).await.expect_err(column),
            set.migrator()
                .force()
                .down(ground.url(), Down::All)
                .await
                .expect_err(column),
            more.up(ground.url()).await.expect_err(column),
        ] {
            assert_eq!(error.kind(), ErrorKind::History, "{error}");
            says_what_to_do(&error, column);
            assert!(error.to_string().contains(column), "{column}\n{error}");
        }
        assert_eq!(eye.made().await, before, "{column}");
    }
}

async fn the_table_of_rollbacks_is_gone<DB: Watched>(ground: Ground<DB>) {
    let course = Course::of(LENGTH);
    let set = course.load::<DB>();
    anew(&ground, &course).await;
    let mut eye = Eye::<DB>(ground.connect().await);
    ground.ask("DROP TABLE __migration_rollbacks__").await;
    let report = set.up(ground.url()).await.expect("nothing is pending");
    assert!(report.is_up_to_date());
    let (before, history) = (eye.made().await, eye.dump().await);
    match set
        .migrator()
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
    {
        Ok(_) => course.undo(&ground, "made again").await,
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.contains("__migration_rollbacks__"), "{shown}");
            if !DB::CAN_BE_HALF_DONE {
                assert_eq!((eye.made().await, eye.dump().await), (before, history));
            }
        }
    }
}
