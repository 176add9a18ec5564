//! What is asked and drawn on a terminal, and Ctrl-C.

use std::time::{Duration, Instant};

use backstitch_tests::servers::Engine;
use rexpect::session::PtySession;

use crate::session::Session;

/// So long a screen may take on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(session: &Session, line: &str) -> PtySession {
    let mut command = session.program("backstitch");
    command.args(line.split(' ')).env("TERM", "xterm-256color");
    rexpect::session::spawn_command(command, Some(PATIENCE.as_millis() as u64)).expect("a terminal")
}

/// The rest of the screen, and the exit code.
fn end(mut terminal: PtySession) -> (String, i32) {
    let rest = terminal.exp_eof().expect("the end");
    match terminal.process().wait().expect("a process") {
        rexpect::process::wait::WaitStatus::Exited(_, code) => (rest, code),
        other => panic!("{other:?}\n{rest}"),
    }
}

#[test]
fn a_rollback_asks_and_takes_no_for_an_answer() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    assert!(session.call("backstitch up --target 2").status.success());
    let mut terminal = open(&session, "rollback");
    terminal.exp_string("0002_orders").expect("what would go");
    terminal
        .exp_string("Take back 1 migration? [y/N] ")
        .expect("the question");
    terminal.send_line("n").expect("an answer");
    let (rest, code) = end(terminal);
    assert!(rest.contains("nothing was done"), "{rest}");
    assert_eq!(code, 1);
    assert!(session.screen("backstitch status").contains("2 applied"));

    let mut terminal = open(&session, "rollback");
    terminal.exp_string("[y/N] ").expect("the question");
    terminal.send_line("y").expect("an answer");
    let (rest, code) = end(terminal);
    assert!(rest.contains("taken back"), "{rest}");
    assert_eq!(code, 0);
    assert!(session.screen("backstitch status").contains("1 applied"));
}

#[test]
fn a_restore_asks_and_names_the_database() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    assert!(session.call("backstitch up --target 1").status.success());
    assert!(session.call("backstitch backup create").status.success());
    assert!(session.call("backstitch up").status.success());
    let mut terminal = open(&session, "backup restore latest");
    terminal
        .exp_string("Replace everything in ")
        .expect("the question");
    terminal.exp_string("[y/N] ").expect("the question");
    terminal.send_line("no").expect("an answer");
    assert_eq!(end(terminal).1, 1);
    assert!(session.screen("backstitch status").contains("3 applied"));
    let mut terminal = open(&session, "backup restore latest");
    terminal.exp_string("[y/N] ").expect("the question");
    terminal.send_line("yes").expect("an answer");
    let (rest, code) = end(terminal);
    assert!(rest.contains("what is there now is kept"), "{rest}");
    assert_eq!(code, 0);
    assert!(session.screen("backstitch status").contains("1 applied"));
}

#[test]
fn production_is_named_in_the_question() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let mut terminal = open(&session, "up --environment production");
    terminal
        .exp_string("Apply 3 migrations?")
        .expect("the question");
    terminal.exp_string("This is PRODUCTION.").expect("where");
    terminal.send_line("").expect("an answer");
    let (_, code) = end(terminal);
    assert_eq!(code, 1);
    assert!(session.screen("backstitch status").contains("0 applied"));
    // Elsewhere applying is not worth a question.
    let (rest, code) = end(open(&session, "up"));
    assert!(rest.contains("3 migrations applied"), "{rest}");
    assert_eq!(code, 0);
}

#[test]
fn a_terminal_has_colours_and_an_edge() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let terminal = open(&session, "status");
    let (screen, _) = end(terminal);
    assert!(screen.contains("\x1b[1;33mpending\x1b[0m"), "{screen:?}");
    let plain = session.screen("backstitch status");
    assert!(!plain.contains('␛'), "{plain}");
    let mut command = session.program("backstitch");
    command.arg("status").env("NO_COLOR", "1");
    let terminal = rexpect::session::spawn_command(command, Some(60_000)).expect("a terminal");
    let (screen, _) = end(terminal);
    assert!(!screen.contains('\x1b'), "{screen:?}");
}

#[test]
fn ctrl_c_leaves_a_clean_state_on_sqlite() {
    let long = "CREATE TABLE numbers (n INTEGER);\n\
        INSERT INTO numbers WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c \
        WHERE n < 4000000000) SELECT count(*) FROM c;";
    ctrl_c(Engine::Sqlite, long, "");
}

#[test]
fn ctrl_c_leaves_a_clean_state_on_postgres() {
    let long = "CREATE TABLE numbers (n INTEGER);\nSELECT pg_sleep(300);";
    ctrl_c(Engine::Postgres, long, "");
}

#[test]
fn ctrl_c_says_what_stays_on_mariadb() {
    let long = "CREATE TABLE numbers (n INTEGER);\nINSERT INTO numbers SELECT SLEEP(300);";
    ctrl_c(Engine::MariaDb, long, "1 of 2 statements");
}

/// Interrupts a run in its fourth migration. `half` is what is said of a migration that stays half
/// done; where that is empty, nothing of it may stay.
fn ctrl_c(engine: Engine, long: &str, half: &str) {
    let Some(session) = Session::open("shop", engine) else {
        return;
    };
    let text = format!(
        "-- @name: Long\n-- @description: Long.\n-- @timestamp: 2026-03-01T10:00:00Z\n\
         -- @rollbackSafe: true\n\n-- UP MIGRATION\n{long}\n\n-- DOWN MIGRATION\nDROP TABLE numbers;\n"
    );
    std::fs::write(session.folder().join("migrations/0004_long.sql"), text).expect("writable");
    let mut terminal = open(&session, "up");
    terminal.exp_string("0003_user_email").expect("the third");
    terminal.exp_string("0004_long").expect("the bar");
    std::thread::sleep(Duration::from_millis(500));
    let began = Instant::now();
    terminal.send_control('c').expect("Ctrl-C");
    let (rest, code) = end(terminal);
    assert!(
        began.elapsed() < Duration::from_secs(45),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(code, 1, "{rest}");
    assert!(rest.contains("interrupted"), "{rest}");
    assert!(
        rest.contains("Done, and stays so: 0001_users, 0002_orders, 0003_user_email applied."),
        "{rest}"
    );
    let after = session.screen("backstitch status --check");
    if half.is_empty() {
        assert!(
            rest.contains("Nothing of `0004_long` has happened"),
            "{rest}"
        );
        assert!(after.contains("3 applied, 1 pending"), "{after}");
        // The lock is free, and the table is not there.
        let text = std::fs::read_to_string(session.folder().join("migrations/0003_user_email.sql"));
        let again = text.expect("a file").replace("email", "phone");
        std::fs::write(session.folder().join("migrations/0004_long.sql"), again).expect("writable");
        let next = session.screen("backstitch up");
        assert!(next.contains("1 migration applied"), "{next}");
    } else {
        assert!(rest.contains(half), "{rest}");
        assert!(after.contains("1 unfinished"), "{after}");
    }
}
