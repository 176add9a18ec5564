//! The bar of a long run as a terminal shows it, wide and narrow, and the lines where there is none.

use std::fs;

use backstitch_tests::servers::Engine;
use regex::Regex;

use crate::session::Session;

/// A run of rounds, with time to be looked at.
fn long(engine: Engine) -> String {
    let some = match engine {
        Engine::MariaDb => "email IS NULL LIMIT 200",
        _ => "id IN (SELECT id FROM users WHERE email IS NULL LIMIT 200)",
    };
    format!(
        "-- @name: E-mails for all who have none so far\n-- @description: In rounds.\n\
         -- @timestamp: 2026-03-01T10:00:00Z\n-- @rollbackSafe: false\n-- @transaction: false\n\n\
         -- UP MIGRATION\nINSERT INTO users (id, login) WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL \
         SELECT n + 1 FROM c WHERE n < 1000) SELECT n, 'u' FROM c;\n\
         -- @batch: 200, pause 300ms\nUPDATE users SET email = 'x' WHERE {some};\n\n\
         -- DOWN MIGRATION\nDELETE FROM users;\n"
    )
}

#[test]
fn sqlite() {
    fits(Engine::Sqlite);
}

#[test]
fn postgres() {
    fits(Engine::Postgres);
}

#[test]
fn mariadb() {
    fits(Engine::MariaDb);
}

fn fits(engine: Engine) {
    for (columns, expected) in [
        (40, r"^=+> +3/4  \ds  2/2, \d+00 rows$"),
        (
            80,
            r"^=+> +3/4  \ds  0004_emails_.*… \(statement 2 of 2, round \d, \d+00 rows\)$",
        ),
        (
            120,
            r"^=+> +3/4  \ds  0004_emails_for_everybody_who_has_none \(statement 2 of 2, round \d, \d+00 rows\)$",
        ),
    ] {
        let Some(session) = Session::open("shop", engine) else {
            return;
        };
        let file = "migrations/0004_emails_for_everybody_who_has_none.sql";
        fs::write(session.folder().join(file), long(engine)).expect("writable");
        let shown = on_terminal(&session, columns);
        let lines = lines(&shown);
        let expected = Regex::new(expected).expect("a pattern");
        let seen = lines.iter().any(|line| expected.is_match(line));
        assert!(seen, "{engine:?}, {columns}: {lines:#?}");
        for line in &lines {
            assert!(
                line.chars().count() <= columns,
                "{engine:?}, {columns}: {line}"
            );
        }
        // What is done is told once, and stays; of the bar nothing does.
        let done = lines
            .iter()
            .filter(|line| line.starts_with("applied 0004_emails"));
        assert_eq!(done.count(), 1, "{lines:#?}");
        let last = lines.last().expect("a line");
        assert!(last.starts_with("4 migrations applied"), "{lines:#?}");
    }
}

/// Everything that a run writes to a terminal of that width.
fn on_terminal(session: &Session, columns: usize) -> String {
    let mut command = session.program("backstitch");
    let program = command.get_program().to_string_lossy().into_owned();
    let mut shell = std::process::Command::new("sh");
    shell
        .args([
            "-c",
            &format!("stty rows 24 cols {columns} && exec {program} up"),
        ])
        .current_dir(session.folder())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env_remove("BACKSTITCH_ENV")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color");
    command.arg("up");
    let terminal = rexpect::session::spawn_command(shell, Some(120_000));
    let shown = terminal.expect("a terminal").exp_eof().expect("the end");
    // It takes each byte for a sign.
    let bytes: Vec<u8> = shown.chars().map(|sign| sign as u8).collect();
    String::from_utf8(bytes).expect("text")
}

/// What is drawn, a line for each time that it is drawn anew, without colours and moves.
fn lines(shown: &str) -> Vec<String> {
    let signs = Regex::new("\x1b\\[[0-9;?]*[A-Za-z]").expect("a pattern");
    let plain = signs.replace_all(shown, "");
    let lines = plain
        .split(['\r', '\n'])
        .map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn without_a_terminal_there_is_a_line_now_and_then() {
    let Some(session) = Session::open("shop", Engine::Postgres) else {
        return;
    };
    let text = "-- @name: Long\n-- @description: Long.\n-- @timestamp: 2026-03-01T10:00:00Z\n\
        -- @irreversible: it only sleeps\n-- @rollbackSafe: false\n\n-- UP MIGRATION\n\
        -- @unchecked: it sleeps\nSELECT pg_sleep(12);\n";
    fs::write(session.folder().join("migrations/0004_long.sql"), text).expect("writable");
    let output = session.call("backstitch up");
    let news = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{news}");
    assert!(
        Regex::new(r"(?m)^0004_long, 1\d\.\d s$")
            .expect("a pattern")
            .is_match(&news),
        "{news:?}"
    );
    assert!(!news.contains('\x1b') && !news.contains('\r'), "{news:?}");
}
