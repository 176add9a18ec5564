//! A batch goes on where it was killed, ends, and tells its rounds.

use std::sync::{Arc, Mutex};

use backstitch::{ErrorKind, Event, Migrations};
use backstitch_tests::process::Process;

use super::{files, outside, up_told};
use crate::ground::{Folder, Ground, Product, program, scenarios, until};

scenarios! {
    everywhere: [
        a_batch_that_never_ends_is_given_up,
        a_batch_tells_its_rounds,
    ],
    servers: [
        a_killed_batch_goes_on,
    ],
}

const FEW: &str =
    "DELETE FROM notes WHERE id IN (SELECT id FROM (SELECT id FROM notes LIMIT 2) AS few)";

async fn a_killed_batch_goes_on<DB: Product>(ground: Ground<DB>) {
    let ids: Vec<_> = (1..=100).map(|id| format!("({id})")).collect();
    let up = format!(
        "INSERT INTO notes VALUES {};\n-- @batch: 2, pause 50ms\n{FEW};\nINSERT INTO notes VALUES (0)",
        ids.join(", ")
    );
    let folder = Folder::of(&files(&up, "DELETE FROM notes"));
    let process = Process::start(program(ground.url(), folder.path()));
    let rounds = "SELECT coalesce(max(rounds), 0) FROM __migrations__ WHERE version = 2";
    until("some rounds are done", async || {
        ground.has("__migrations__").await
            && ground
                .value(rounds)
                .await
                .parse::<u32>()
                .is_ok_and(|rounds| rounds >= 3)
    })
    .await;
    process.kill();
    let row = "SELECT state, statements_done, rounds * 2 - round_rows FROM __migrations__ WHERE version = 2";
    until("the server notices", async || {
        let before = ground.value(rounds).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        before == ground.value(rounds).await
    })
    .await;
    assert_eq!(ground.ask(row).await, [["applying", "1", "0"]]);
    let done: usize = ground.value(rounds).await.parse().expect("a number");
    let left: usize = ground
        .value("SELECT COUNT(*) FROM notes")
        .await
        .parse()
        .expect("a number");
    assert_eq!(left, 100 - 2 * done, "the history and the rows agree");
    let set: Migrations<DB> = folder.load();
    let (report, told) = up_told(&set, &ground).await;
    let report = report.expect("it goes on");
    assert_eq!(report.done[0].rows_affected as usize, left + 1);
    assert_eq!(told[0], "0002_outside resumes after 1");
    assert_eq!(ground.value("SELECT id FROM notes").await, "0");
    assert_eq!(ground.history().await[1], "0002_outside applied 3/3");
}

async fn a_batch_that_never_ends_is_given_up<DB: Product>(ground: Ground<DB>) {
    let up = |most: u32| {
        outside::<DB>(
            &format!(
                "INSERT INTO notes VALUES (1), (2), (3), (4), (5), (6);\n\
                 -- @batch: 2, at most {most} rounds\n{FEW}"
            ),
            "DELETE FROM notes",
        )
    };
    let error = up(2)
        .up(ground.url())
        .await
        .expect_err("there are three rounds");
    assert_eq!(error.kind(), ErrorKind::Statement);
    let shown = error.to_string();
    for part in [
        "a batch of `0002_outside` still changes rows after 2 rounds",
        "it has changed 4 rows",
        "0002_outside.sql:10:1\n",
        "at most 1000000",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert_eq!(ground.history().await[1], "0002_outside failed 1/2");
    up(2)
        .up(ground.url())
        .await
        .expect_err("no more than that in all");
    let report = up(5).up(ground.url()).await.expect("it goes on");
    assert_eq!(report.done[0].rows_affected, 2);
    assert_eq!(ground.value("SELECT COUNT(*) FROM notes").await, "0");
}

async fn a_batch_tells_its_rounds<DB: Product>(ground: Ground<DB>) {
    let set = outside::<DB>(
        &format!("INSERT INTO notes VALUES (1), (2), (3);\n-- @batch: 2\n{FEW}"),
        "DELETE FROM notes",
    );
    let told = Arc::new(Mutex::new(Vec::new()));
    let rounds = told.clone();
    let migrator = set.migrator().observer(move |event: Event<'_>| {
        if let Event::RoundDone {
            statement,
            round,
            rows_affected,
            ..
        } = event
        {
            let round = (statement, round, rows_affected);
            rounds.lock().expect("nobody panics").push(round);
        }
    });
    let report = migrator.up(ground.url()).await.expect("up works");
    assert_eq!(report.done[1].rows_affected, 6);
    assert_eq!(*told.lock().expect("nobody panics"), [(2, 1, 2), (2, 2, 1)]);
}
