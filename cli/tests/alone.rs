//! While a backup comes back, or everything is dropped, nobody migrates; and who is killed at it leaves
//! a copy of what was there.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch_cli::Product;
use backstitch_tests::servers::Engine;
use sqlx::{Connection, PgConnection};

use crate::backups::{everything, wait, works};
use crate::session::Session;

/// So long things may take on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// What somebody has open who reads the table of users, in the way of whoever drops it.
const READING: [(Engine, &str); 3] = [
    (Engine::Sqlite, "BEGIN; SELECT * FROM users"),
    (Engine::Postgres, "BEGIN; SELECT * FROM users"),
    (Engine::MariaDb, "START TRANSACTION; SELECT * FROM users"),
];

#[test]
fn sqlite() {
    up_waits_for_a_restore::<Sqlite>(Engine::Sqlite);
    a_killed_reset_can_be_taken_back::<Sqlite>(Engine::Sqlite);
}

#[test]
fn postgres() {
    up_waits_for_a_restore::<Postgres>(Engine::Postgres);
    a_killed_reset_can_be_taken_back::<Postgres>(Engine::Postgres);
}

#[test]
fn mariadb() {
    up_waits_for_a_restore::<MySql>(Engine::MariaDb);
    a_killed_reset_can_be_taken_back::<MySql>(Engine::MariaDb);
}

/// What is run at the same time; it does not outlive the test.
struct Meanwhile(Child);

impl Meanwhile {
    fn start(session: &Session, line: &str) -> Meanwhile {
        let mut command = session.program("backstitch");
        command.args(line.split(' ')).stderr(Stdio::null());
        Meanwhile(command.spawn().expect("the program runs"))
    }

    fn ends_well(mut self) {
        let status = self.0.wait().expect("a process");
        assert!(status.success(), "{status:?}");
    }

    fn ends_killed(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("a process");
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does this while somebody reads the users.
fn while_somebody_reads<DB: Product, T>(session: &Session, doing: impl FnOnce() -> T) -> T {
    let engine = session.engine();
    let (_, sql) = READING
        .iter()
        .find(|(one, _)| *one == engine)
        .expect("an engine");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async {
        let mut reader = DB::Connection::connect(session.url())
            .await
            .expect("reachable");
        DB::ask(&mut reader, sql).await.expect("readable");
        let done = doing();
        DB::ask(&mut reader, "ROLLBACK").await.expect("open");
        let _ = reader.close().await;
        done
    })
}

/// Asks on a thread of its own, because this one is inside a runtime.
fn elsewhere<T, F>(asking: impl FnOnce() -> F + Send) -> T
where
    T: Send,
    F: Future<Output = sqlx::Result<T>>,
{
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| wait(asking()).expect("an answer"));
        asked.join().expect("no panic")
    })
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn copies(session: &Session) -> usize {
    let list = works(session, "backstitch backup list");
    list.lines()
        .filter(|line| !line.starts_with("no backups"))
        .count()
}

fn up_waits_for_a_restore<DB: Product>(engine: Engine) {
    let Some(session) = Session::open("shop", engine) else {
        return;
    };
    works(&session, "backstitch up --target 2");
    works(&session, "backstitch backup create");
    let before = everything::<DB>(&session);
    let restore = while_somebody_reads::<DB, _>(&session, || {
        let restore = Meanwhile::start(&session, "backup restore latest --yes");
        until("it has made the copy", || copies(&session) == 2);
        match engine {
            // It has the tables too by now: whoever wants to read the history waits for it.
            Engine::Postgres => {
                let holder = "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) \
                    WHERE locktype = 'advisory' AND datname = current_database()";
                until("it holds the lock", || {
                    let holder = elsewhere(|| async {
                        let mut asking = PgConnection::connect(session.url()).await?;
                        Postgres::ask(&mut asking, holder).await
                    });
                    format!("{holder:?}").contains(&format!("pid {} ", restore.0.id()))
                });
                // From then on it is a moment until it meets the reader.
                std::thread::sleep(Duration::from_secs(2));
            }
            _ => {
                std::thread::sleep(Duration::from_secs(2));
                let refused = session.screen("backstitch up --lock-wait 1s");
                assert!(
                    refused.contains("error[lock-held]"),
                    "{engine:?}\n{refused}"
                );
            }
        }
        restore
    });
    restore.ends_well();
    assert_eq!(everything::<DB>(&session), before);
    works(&session, "backstitch up");
    works(&session, "backstitch status --check");
}

fn a_killed_reset_can_be_taken_back<DB: Product>(engine: Engine) {
    let Some(session) = Session::open("shop", engine) else {
        return;
    };
    works(&session, "backstitch up");
    works(&session, "backstitch seed");
    let before = everything::<DB>(&session);
    while_somebody_reads::<DB, _>(&session, || {
        let reset = Meanwhile::start(&session, "reset --yes");
        until("it has made the copy", || copies(&session) == 1);
        std::thread::sleep(Duration::from_secs(2));
        reset.ends_killed();
    });
    let list = works(&session, "backstitch backup list");
    assert!(
        list.contains("before everything was dropped by reset"),
        "{list}"
    );
    // However far it has come, the database is there, and can be asked.
    session.screen("backstitch status");
    works(&session, "backstitch backup restore latest --yes");
    assert_eq!(everything::<DB>(&session), before, "{engine:?}");
    works(&session, "backstitch reset --yes");
    works(&session, "backstitch status --check");
    let count = copies(&session);
    works(&session, "backstitch reset --yes --without-backup");
    assert_eq!(copies(&session), count);
}

#[test]
fn a_restore_waits_for_who_migrates() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let Some(session) = Session::open("shop", engine) else {
            continue;
        };
        works(&session, "backstitch up --target 2");
        works(&session, "backstitch backup create");
        let sleep = match engine {
            Engine::Postgres => "SELECT pg_sleep(300)",
            _ => "DO SLEEP(300)",
        };
        let text = format!(
            "-- @name: Long\n-- @description: Long.\n-- @timestamp: 2026-03-01T10:00:00Z\n\
             -- @irreversible: it only sleeps\n-- @rollbackSafe: false\n\n-- UP MIGRATION\n-- @unchecked: it sleeps\n{sleep};\n"
        );
        std::fs::write(session.folder().join("migrations/0004_long.sql"), text).expect("writable");
        let up = Meanwhile::start(&session, "up");
        until("it has come that far", || {
            session.screen("backstitch status").contains("3 applied")
        });
        for command in ["backup restore latest --yes", "reset --yes"] {
            let refused = session.screen(&format!("backstitch {command} --lock-wait 1s"));
            assert!(
                refused.contains("error[lock-held]"),
                "{engine:?}\n{refused}"
            );
            assert!(
                refused.contains("It is held by server "),
                "{engine:?}\n{refused}"
            );
            assert!(
                refused.contains("--lock-wait 10min"),
                "{engine:?}\n{refused}"
            );
        }
        assert_eq!(
            copies(&session),
            1,
            "nothing is begun before the lock is there"
        );
        // Whoever is on call is told who it is, and what ends it; that works as it stands there.
        let status = works(&session, "backstitch status");
        assert!(status.contains("warning[lock-held]"), "{status}");
        assert!(status.contains("It is held by server "), "{status}");
        assert!(!status.contains("backstitch up"), "{status}");
        let ends = ["SELECT pg_terminate_backend(", "KILL "];
        let mut lines = status.lines().map(str::trim);
        let end = lines.find(|line| ends.iter().any(|end| line.starts_with(end)));
        session.sql(end.unwrap_or_else(|| panic!("{status}")));
        until("the lock is free", || {
            !works(&session, "backstitch status").contains("lock-held")
        });
        up.ends_killed();
    }
}

#[test]
fn a_restore_does_not_wait_for_ever_on_sqlite() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    works(&session, "backstitch up --target 2");
    works(&session, "backstitch backup create");
    let before = everything::<Sqlite>(&session);
    while_somebody_reads::<Sqlite, _>(&session, || {
        let refused = session.screen("backstitch backup restore latest --yes --lock-wait 1s");
        assert!(refused.contains("error[backup-failed]"), "{refused}");
        assert!(
            refused.contains("somebody else has been at work"),
            "{refused}"
        );
        assert!(refused.contains("[exit 1]"), "{refused}");
    });
    assert_eq!(everything::<Sqlite>(&session), before);
}
