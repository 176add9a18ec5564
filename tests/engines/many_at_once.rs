//! Many start at the same moment against one fresh database: every start succeeds, and each
//! migration is applied once.

use backstitch_tests::process::together;
use sqlx::Sqlite;

use crate::ground::{File, Folder, Ground, Product, program, scenarios, tables};

/// How many start at once.
const STARTS: usize = 8;
/// How often.
const ROUNDS: usize = 20;

scenarios! {
    everywhere: [
        many_processes_start_at_once,
        many_tasks_of_one_process_start_at_once,
        many_tasks_share_a_pool,
    ],
}

/// SQLite has another way to lock with a write-ahead log.
#[tokio::test]
async fn many_processes_start_at_once_on_a_write_ahead_log() {
    let folder = folder();
    for _ in 0..ROUNDS {
        let ground = Ground::<Sqlite>::new().expect("a file needs no server");
        ground.ask("PRAGMA journal_mode = WAL").await;
        processes(&ground, &folder).await;
    }
}

async fn many_processes_start_at_once<DB: Product>(first: Ground<DB>) {
    let folder = folder();
    processes(&first, &folder).await;
    for _ in 1..ROUNDS {
        processes(&Ground::<DB>::new().expect("there was one"), &folder).await;
    }
}

/// Each migration leaves a trace that tells when it was applied twice.
fn folder() -> Folder {
    let fill = File::new(
        "INSERT INTO log VALUES (2);\nINSERT INTO log VALUES (3)",
        "DELETE FROM log",
    );
    Folder::of(&[
        (
            "0001_log",
            File::new("CREATE TABLE log (id INTEGER)", "DROP TABLE log"),
        ),
        ("0002_fill", fill),
        ("0003_more", File::table("more")),
        (
            "0004_last",
            File::new("INSERT INTO log VALUES (4)", "DELETE FROM log WHERE id = 4"),
        ),
    ])
}

async fn processes<DB: Product>(ground: &Ground<DB>, folder: &Folder) {
    let commands = (0..STARTS).map(|_| program(ground.url(), folder.path()));
    let finished = together(commands);
    let mut done = Vec::new();
    for end in &finished {
        assert_eq!(end.code, Some(0), "{}{}", end.stdout, end.stderr);
        let ids = end
            .stdout
            .trim()
            .strip_prefix("done")
            .expect("it says what it did");
        done.extend(ids.split_whitespace().map(str::to_owned));
    }
    done.sort();
    assert_eq!(done, ["0001_log", "0002_fill", "0003_more", "0004_last"]);
    assert_eq!(
        ground.ask("SELECT id FROM log ORDER BY id").await,
        [["2"], ["3"], ["4"]]
    );
    assert_eq!(
        ground.history().await,
        [
            "0001_log applied 1/1",
            "0002_fill applied 2/2",
            "0003_more applied 1/1",
            "0004_last applied 1/1"
        ]
    );
}

async fn many_tasks_of_one_process_start_at_once<DB: Product>(ground: Ground<DB>) {
    let tasks: Vec<_> = (0..STARTS)
        .map(|_| {
            let url = ground.url().to_owned();
            tokio::spawn(async move { tables::<DB>(10).up(url.as_str()).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task
            .await
            .expect("no panic")
            .expect("every start succeeds")
            .done
            .len();
    }
    assert_eq!(done, 10);
}

async fn many_tasks_share_a_pool<DB: Product>(ground: Ground<DB>) {
    // Fewer connections than tasks: who waits for the lock must not keep it from who has it.
    let pool = ground.pool(3).await;
    let tasks: Vec<_> = (0..STARTS)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { tables::<DB>(10).up(&pool).await })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task
            .await
            .expect("no panic")
            .expect("every start succeeds")
            .done
            .len();
    }
    assert_eq!(done, 10);
    assert!(
        tables::<DB>(10)
            .up(&pool)
            .await
            .expect("the pool still works")
            .is_up_to_date()
    );
}
