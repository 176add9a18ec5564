//! What a run tells while it goes on: to its observer and to `tracing`.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Mutex, Once};

use backstitch::{Down, Event, Observer};
use sqlx::Sqlite;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::ground::{File, Ground, Product, migrations, scenarios, tables};

scenarios! {
    everywhere: [
        the_observer_hears_everything_in_order,
        the_observer_hears_of_failure,
        spans_show_what_belongs_to_what,
    ],
}

/// Writes down what it hears, a line for each event.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("nobody panics"))
    }
}

impl Observer for Notes {
    fn event(&self, event: Event<'_>) {
        let line = match event {
            Event::Waiting { .. } => "waiting".to_owned(),
            Event::Started { plan } => format!("started {}", plan.steps.len()),
            Event::MigrationStarted { action, id } => format!("{action:?} {id}"),
            Event::StatementDone {
                id,
                statement,
                rows_affected,
            } => {
                format!("{id} statement {statement} changed {rows_affected}")
            }
            Event::Retrying { .. } => "retrying".to_owned(),
            Event::MigrationDone { action, id, .. } => format!("{action:?} {id} done"),
            Event::MigrationFailed { action, id, error } => {
                format!("{action:?} {id} failed: {error}")
            }
            Event::Finished { report } => format!("finished {}", report.done.len()),
            _ => "something new".to_owned(),
        };
        self.0.lock().expect("nobody panics").push(line);
    }
}

async fn the_observer_hears_everything_in_order<DB: Product>(ground: Ground<DB>) {
    let notes = Notes::default();
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_fill",
            File::new(
                "INSERT INTO a VALUES (1), (2);\nDELETE FROM a WHERE id = 1",
                "DELETE FROM a",
            ),
        ),
        (
            "0003_check",
            File::new("UPDATE a SET id = 7", "UPDATE a SET id = 2")
                .after("no one", "SELECT id FROM a WHERE id = 1"),
        ),
    ]);
    let migrator = set.migrator().observer(notes.clone());
    migrator.up(ground.url()).await.expect("up works");
    assert_eq!(
        notes.take(),
        [
            "started 3",
            "Apply 0001_a",
            "0001_a statement 1 changed 0",
            "Apply 0001_a done",
            "Apply 0002_fill",
            "0002_fill statement 1 changed 2",
            "0002_fill statement 2 changed 1",
            "Apply 0002_fill done",
            "Apply 0003_check",
            "0003_check statement 1 changed 1",
            "Apply 0003_check done",
            "finished 3",
        ]
    );
    migrator.up(ground.url()).await.expect("up works");
    assert_eq!(notes.take(), [""; 0], "nothing happened");
    migrator
        .force()
        .down(ground.url(), Down::Steps(1))
        .await
        .expect("down works");
    assert_eq!(
        notes.take(),
        [
            "started 1",
            "Revert 0003_check",
            "0003_check statement 1 changed 1",
            "Revert 0003_check done",
            "finished 1",
        ]
    );
}

async fn the_observer_hears_of_failure<DB: Product>(ground: Ground<DB>) {
    let notes = Notes::default();
    let set = migrations::<DB>(&[
        ("0001_a", File::table("a")),
        (
            "0002_bad",
            File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
        ),
        ("0003_c", File::table("c")),
    ]);
    let migrator = set.migrator().observer(notes.clone());
    migrator
        .up(ground.url())
        .await
        .expect_err("the second is wrong");
    let mut notes = notes.take();
    let failed = notes.pop().expect("it is told");
    assert!(
        failed.starts_with("Apply 0002_bad failed: ") && failed.contains("nowhere"),
        "{failed}"
    );
    assert_eq!(
        notes,
        [
            "started 3",
            "Apply 0001_a",
            "0001_a statement 1 changed 0",
            "Apply 0001_a done",
            "Apply 0002_bad"
        ]
    );
}

/// Everything that `tracing` is told on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

thread_local! {
    /// The log that listens on this thread.
    static LISTENING: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Listens until it is dropped.
pub(crate) struct Listening;

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.take();
    }
}

impl Log {
    /// One subscriber listens on all threads and for all of the time: `tracing` remembers for each
    /// place in the code whether anybody listens, and those who come and go on other threads would
    /// have a say in that.
    pub(crate) fn listen(&self) -> Listening {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            tracing_subscriber::fmt()
                .with_writer(|| LISTENING.with_borrow(|log| log.clone().unwrap_or_default()))
                .with_max_level(tracing::Level::TRACE)
                .with_span_events(FmtSpan::NEW)
                .without_time()
                .with_ansi(false)
                .init();
        });
        LISTENING.set(Some(self.clone()));
        Listening
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn spans_show_what_belongs_to_what<DB: Product>(ground: Ground<DB>) {
    let log = Log::default();
    let listening = log.listen();
    tables::<DB>(2).up(ground.url()).await.expect("up works");
    let bad = migrations::<DB>(&[
        ("0001_t1", File::table("t1")),
        ("0002_t2", File::table("t2")),
        (
            "0003_bad",
            File::new("INSERT INTO nowhere VALUES (1)", "SELECT 1"),
        ),
    ]);
    bad.up(ground.url()).await.expect_err("the last is wrong");
    drop(listening);
    let text = log.text();
    for part in [
        "migrate{verb=\"up\"}:migration{id=\"0001_t1\" verb=\"up\"}:statement{id=\"0001_t1\" statement=1}: ",
        "migrate{verb=\"up\"}:migration{id=\"0002_t2\" verb=\"up\"}: backstitch",
        "INFO migrate{verb=\"up\"}: backstitch::observe: migrating steps=2",
        "ERROR migrate{verb=\"up\"}",
        "id=\"0003_bad\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// The program does not know the file, because it was built before that was written.
#[tokio::test]
async fn new_files_are_told_of_in_debug_builds() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("0001_new.sql"), File::table("t").text())
        .expect("it can be written");
    let embedded = backstitch::__private::Embedded {
        dialect: backstitch_core::Dialect::Sqlite,
        shown_as: "migrations",
        dir: Box::leak(folder.path().display().to_string().into_boxed_str()),
        program: "test 1.0",
        digest: backstitch_core::checksum::Digest::EMPTY.lanes(),
        watched: true,
        files: &[],
        facts: "",
    };
    let migrations = backstitch::Migrations::<Sqlite>::__embedded(embedded);
    let log = Log::default();
    let listening = log.listen();
    migrations
        .up("sqlite::memory:")
        .await
        .expect("there is nothing to do");
    drop(listening);
    let text = log.text();
    assert!(
        text.contains("WARN") && text.contains("0001_new.sql") && text.contains("build again"),
        "{text}"
    );
}
