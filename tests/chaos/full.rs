//! The disk is full: at each write in turn, or until somebody makes room.
//!
//! SQLite is given a limit on the size of its files, which rises until a run comes through; so each
//! page is once the first one that does not fit. At the limit the write is refused, or the program
//! is killed, as the signal `SIGXFSZ` is ignored or not. PostgreSQL gets a table space of its own
//! on a small file system, where the tests run as root and may mount one.

use std::process::Command;

use backstitch::{Down, ErrorKind};
use backstitch_tests::announce::announce;
use backstitch_tests::process::Process;
use sqlx::{Postgres, Sqlite};

use crate::course::{Course, ids, says_what_to_do};
use crate::ground::{File, Folder, Ground, scenarios};
use crate::own;

scenarios! {
    sqlite: [
        every_write_finds_the_disk_full,
        a_database_may_not_grow,
    ],
}

const LENGTH: usize = 4;
/// By how much the limit rises: the size of a page.
const PAGE: usize = 4096;
/// Makes the file small again.
const FORGET: &str = "DROP TABLE IF EXISTS __migrations__; \
                      DROP TABLE IF EXISTS __migration_rollbacks__; VACUUM";

async fn every_write_finds_the_disk_full(ground: Ground<Sqlite>) {
    let course = Course::of(LENGTH);
    let (mut refused, mut killed) = (0, 0);
    for signal in ["trap '' XFSZ;", ""] {
        for verb in [&[][..], &["down"]] {
            for limit in (0..).step_by(PAGE) {
                let when = format!("{verb:?} with {limit} bytes, {signal:?}");
                if verb.is_empty() {
                    course.undo(&ground, &when).await;
                    ground.ask(FORGET).await;
                } else {
                    course.finish(&ground, &when).await;
                }
                let program = course.process(ground.url(), verb);
                let end = Process::start(limited(program, limit, signal)).wait();
                let traces = course.traces(&ground).await;
                traces.judge::<Sqlite>(&when);
                match end.code {
                    Some(0) => {
                        ids(&end, &when);
                        break;
                    }
                    Some(_) => refused += 1,
                    None => killed += 1,
                }
                match verb.is_empty() {
                    true => drop(course.finish(&ground, &when).await),
                    false => course.undo(&ground, &when).await,
                }
            }
        }
    }
    announce(&format!(
        "a full disk on SQLite: {refused} runs refused, {killed} killed at a write"
    ));
    assert!(refused > 10 && killed > 10, "the limit limits nothing");
}

/// The program with a limit on the size of the files that it writes.
fn limited(program: Command, bytes: usize, signal: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{signal} exec prlimit --fsize={bytes} --core=0 \"$@\"");
    command.args(["-c", &script, "sh"]);
    command.arg(program.get_program()).args(program.get_args());
    command
}

async fn a_database_may_not_grow(ground: Ground<Sqlite>) {
    let course = Course::of(LENGTH);
    let set = course.load::<Sqlite>();
    let mut refused = 0;
    for pages in 1.. {
        let when = format!("with {pages} pages at most");
        let mut connection = ground.connect().await;
        crate::ground::ask::<Sqlite>(&mut connection, &format!("PRAGMA max_page_count = {pages}"))
            .await;
        let result = set.up(&mut connection).await;
        drop(connection);
        let traces = course.traces(&ground).await;
        traces.judge::<Sqlite>(&when);
        match result {
            Ok(_) => break,
            Err(error) => {
                says_what_to_do(&error, &when);
                assert!(error.to_string().contains("full"), "{when}: {error}");
                refused += 1;
            }
        }
        course.finish(&ground, &when).await;
        course.undo(&ground, &when).await;
        ground.ask(FORGET).await;
    }
    assert!(refused > 5, "{refused}");
}

#[tokio::test]
async fn a_table_space_is_full() {
    let Some(server) = own::postgres::Postgres::new().await else {
        return;
    };
    let Some(small) = Mount::small(server.folder()) else {
        announce("skipped a_table_space_is_full: only root may mount a small file system");
        return;
    };
    let shared = Ground::<Postgres>::at(server.url());
    let place = small.folder.display();
    shared
        .ask(&format!("CREATE TABLESPACE small LOCATION '{place}'"))
        .await;
    shared.ask("CREATE DATABASE app TABLESPACE small").await;
    let ground = Ground::<Postgres>::at(server.database("app"));
    let folder = Folder::of(&[
        ("0001_small", File::table("small")),
        (
            "0002_large",
            File::new(
                "CREATE TABLE large AS SELECT n, repeat('x', 1000) AS filler FROM generate_series(1, 20000) AS n",
                "DROP TABLE large",
            ),
        ),
        ("0003_after", File::table("after_it")),
    ]);
    let set = folder.load::<Postgres>();
    for _ in 0..3 {
        let error = set.up(ground.url()).await.expect_err("it does not fit");
        assert_eq!(error.kind(), ErrorKind::Statement, "{error}");
        says_what_to_do(&error, "the disk is full");
        let shown = error.to_string();
        assert!(shown.contains("No space left on device"), "{shown}");
        assert!(shown.contains("0002_large.sql:7:1"), "{shown}");
        assert!(ground.has("small").await && !ground.has("large").await);
        let history = ground.history().await;
        assert_eq!(history[0], "0001_small applied 1/1");
        assert!(
            history
                .get(1)
                .is_none_or(|row| row == "0002_large failed 0/1"),
            "{history:?}"
        );
    }
    small.grow();
    let report = set.up(ground.url()).await.expect("there is room now");
    assert_eq!(report.done.len(), 2);
    set.migrator()
        .force()
        .down(ground.url(), Down::All)
        .await
        .expect("down works");
}

/// A small file system in memory, unmounted with this value.
struct Mount {
    folder: std::path::PathBuf,
}

impl Mount {
    fn small(below: &std::path::Path) -> Option<Mount> {
        use std::os::unix::fs::MetadataExt;
        let folder = below.join("small");
        let owner = std::fs::metadata(below).expect("it is there").uid();
        std::fs::create_dir(&folder).expect("a folder can be made");
        let options = format!("size=18m,mode=700,uid={owner}");
        let mount = Mount { folder };
        mount
            .run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"])
            .then_some(mount)
    }

    fn grow(&self) {
        assert!(
            self.run("mount", &["-o", "remount,size=80m"]),
            "it does not grow"
        );
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = Command::new(program);
        let output = command.args(arguments).arg(&self.folder).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, for the server may still be in there.
        self.run("umount", &["--lazy"]);
    }
}
