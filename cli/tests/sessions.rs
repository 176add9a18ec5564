//! The commands that talk to a database, session by session, on every engine.
//!
//! `sessions/NAME.calls` is what is typed, in a copy of `projects/shop` with an empty database;
//! `sessions/NAME.ENGINE.txt` is what the screen shows, with what differs each time taken out.
//! `BLESS=1` writes the latter anew: read each as a user would.

use std::fs;

use crate::session::{self, Session};
use backstitch_tests::servers::Engine;

#[test]
fn sqlite() {
    check(Engine::Sqlite, "sqlite");
}

#[test]
fn postgres() {
    check(Engine::Postgres, "postgres");
}

#[test]
fn mariadb() {
    check(Engine::MariaDb, "mariadb");
}

fn check(engine: Engine, name: &str) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for calls in session::files("sessions", ".calls") {
        let Some(session) = Session::open("shop", engine) else {
            return;
        };
        let expected_in = calls.with_extension(format!("{name}.txt"));
        let expected = fs::read_to_string(&expected_in).unwrap_or_default();
        let calls = fs::read_to_string(&calls).expect("the calls");
        let shown: Vec<String> = calls.lines().map(|line| session.screen(line)).collect();
        let shown = shown.join("\n");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected_in, &shown).expect("writable");
        } else if shown != expected {
            wrong.push(format!("{}:\n{shown}", expected_in.display()));
        }
        count += 1;
    }
    assert!(count > 5, "the sessions are gone");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
