//! What counts where several places say something, and that no password is shown.

use std::fs;
use std::process::Output;

use backstitch_tests::servers::Engine;

use crate::session::Session;

const SECRET: &str = "s3cr3t-pass";

fn open() -> Session {
    Session::open("shop", Engine::Sqlite).expect("SQLite is always there")
}

fn write(session: &Session, file: &str, text: &str) {
    fs::write(session.folder().join(file), text).expect("writable");
}

fn out(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr];
    texts
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}

#[test]
fn flags_count_more_than_variables_and_these_more_than_files() {
    let session = open();
    let database = |line: &str| -> String {
        let text = out(&session.call(line));
        let first = text.lines().next().unwrap_or_default();
        first.trim_start_matches("Database").trim().to_owned()
    };
    write(
        &session,
        ".env",
        "DATABASE_URL=sqlite:by-file.db?mode=rwc\n",
    );
    write(
        &session,
        "other.env",
        "export DATABASE_URL='sqlite:by-other.db?mode=rwc' # comment\n",
    );
    assert_eq!(database("DATABASE_URL= backstitch status"), "by-file.db");
    assert_eq!(
        database("DATABASE_URL= backstitch status --env-file other.env"),
        "by-other.db"
    );
    assert_eq!(
        database("DATABASE_URL=sqlite:by-variable.db?mode=rwc backstitch status"),
        "by-variable.db"
    );
    let both = "DATABASE_URL=sqlite:by-variable.db?mode=rwc backstitch status --url sqlite:by-flag.db?mode=rwc";
    assert_eq!(database(both), "by-flag.db");

    let environment = |line: &str| -> String {
        let text = out(&session.call(line));
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Environment"));
        line.expect("an environment").trim().to_owned()
    };
    assert_eq!(environment("backstitch status"), "not set (BACKSTITCH_ENV)");
    write(
        &session,
        "backstitch.toml",
        "environment = \"by-options\"\n",
    );
    assert_eq!(environment("backstitch status"), "by-options");
    write(&session, ".env", "BACKSTITCH_ENV=by-file\n");
    assert_eq!(environment("backstitch status"), "by-file");
    assert_eq!(
        environment("BACKSTITCH_ENV=by-variable backstitch status"),
        "by-variable"
    );
    assert_eq!(
        environment("BACKSTITCH_ENV=by-variable backstitch status --environment by-flag"),
        "by-flag"
    );
}

#[test]
fn namespaces_keep_histories_apart() {
    let session = open();
    assert!(
        session
            .call("backstitch up --namespace billing --target 1")
            .status
            .success()
    );
    assert!(out(&session.call("backstitch status --namespace billing")).contains("1 applied"));
    assert!(out(&session.call("backstitch status")).contains("0 applied"));
    write(&session, "backstitch.toml", "namespace = \"billing\"\n");
    assert!(out(&session.call("backstitch status")).contains("1 applied"));
    assert!(session.call("backstitch rollback").status.success());
    assert!(out(&session.call("backstitch history")).contains("taken back  0001_users"));
    assert!(!out(&session.call("backstitch history --namespace shop")).contains("0001_users"));
}

#[test]
fn what_makes_no_sense_is_a_wrong_call() {
    let session = open();
    write(
        &session,
        "bad.env",
        &format!("DATABASE_URL=postgres://me:{SECRET}@db/shop\n{SECRET} = = x\n"),
    );
    let wrong = |line: &str, code: &str| {
        let output = session.call(line);
        let text = out(&output);
        assert_eq!(output.status.code(), Some(2), "{line}\n{text}");
        assert!(text.contains(&format!("error[{code}]")), "{line}\n{text}");
        assert!(!text.contains(SECRET), "{line}\n{text}");
    };
    wrong("DATABASE_URL= backstitch status", "url-missing");
    wrong(
        &format!("backstitch status --url oracle://me:{SECRET}@db/shop"),
        "url-invalid",
    );
    wrong(
        &format!("backstitch status --url me:{SECRET}@db/shop"),
        "url-invalid",
    );
    wrong(
        &format!("backstitch status --url postgres:/me:{SECRET}@db/shop"),
        "url-invalid",
    );
    wrong(
        &format!("backstitch status --url mysql://me:{SECRET}/@db:port/shop"),
        "url-invalid",
    );
    wrong(
        &format!("backstitch up --engine sqlite --url postgres://me:{SECRET}@db/shop"),
        "engine-differs",
    );
    wrong(
        "DATABASE_URL= backstitch status --env-file bad.env",
        "env-file-unreadable",
    );
    wrong(
        "DATABASE_URL= backstitch status --env-file missing.env",
        "env-file-unreadable",
    );
    write(&session, "backstitch.toml", "backup = \"sometimes\"\n");
    wrong("backstitch status", "options-invalid");
    assert_eq!(
        session.call("backstitch up --no-such-flag").status.code(),
        Some(2)
    );
    assert_eq!(
        session
            .call("backstitch rollback --run --all")
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_folder_that_cannot_be_read_is_a_failure() {
    let session = open();
    write(
        &session,
        "migrations/0004_broken.sql",
        "-- @name: Broken\n-- UP MIGRATION\nSELECT 'x\n",
    );
    let output = session.call("backstitch up");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(
        out(&output).contains("migrations/0004_broken.sql:3:8"),
        "{}",
        out(&output)
    );
    let output = session.call("backstitch up --dir nowhere");
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
}

#[test]
fn no_command_shows_a_password() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let Some(session) = Session::open("shop", engine) else {
            continue;
        };
        let (scheme, rest) = session.url().split_once("://").expect("a URL");
        let (user, place) = rest.split_once('@').expect("a user");
        let user = user.split(':').next().expect("a name");
        let with_secret = format!("{scheme}://{user}:{SECRET}@{place}");
        let nobody = format!("{scheme}://nobody-here:{SECRET}@{place}");
        let unreachable = format!("{scheme}://{user}:{SECRET}@127.0.0.1:1/shop");
        for url in [with_secret, nobody, unreachable] {
            for command in [
                "status",
                "status --json",
                "ping",
                "plan",
                "up",
                "history --who",
                "rollback --force",
                "redo",
            ] {
                let output = session.call(&format!("DATABASE_URL={url} backstitch {command}"));
                let text = out(&output);
                assert!(!text.contains(SECRET), "{command}\n{text}");
                assert!(!text.is_empty());
            }
        }
        let output = session.call(&format!(
            "DATABASE_URL={scheme}://{user}@127.0.0.1:1/shop backstitch ping"
        ));
        assert_eq!(output.status.code(), Some(1));
        assert!(
            out(&output).contains("127.0.0.1:1/shop"),
            "{}",
            out(&output)
        );
    }
}

/// MariaDB is often called by `mysql://`. What nobody says, the server does.
#[test]
fn the_server_says_whether_it_is_mysql_or_mariadb() {
    let Some(session) = Session::open("shop", Engine::MariaDb) else {
        return;
    };
    assert!(session.url().starts_with("mysql://"), "{}", session.url());
    // MySQL has no sequences, and takes nothing back that it does not know.
    let text = "-- @name: Numbers\n-- @description: Of invoices.\n\
        -- @timestamp: 2026-03-01T10:00:00Z\n-- @rollbackSafe: true\n\n\
        -- UP MIGRATION\nCREATE SEQUENCE invoices;\n\n-- DOWN MIGRATION\nDROP SEQUENCE invoices;\n";
    write(&session, "migrations/0004_numbers.sql", text);
    let engine = |line: &str| -> String {
        let output = session.call(line);
        let json = String::from_utf8_lossy(&output.stdout).into_owned();
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        json["database"]["engine"]
            .as_str()
            .expect("a name")
            .to_owned()
    };
    let note = "the migrations are read as MySQL, and the server is MariaDB";
    assert_eq!(engine("backstitch status --json"), "mariadb");
    let up = session.call("backstitch up");
    assert!(
        up.status.success() && !out(&up).contains(note),
        "{}",
        out(&up)
    );
    // Said otherwise, it counts, and is doubted aloud.
    assert_eq!(engine("backstitch status --json --engine mysql"), "mysql");
    let doubted = out(&session.call("backstitch status --engine mysql"));
    assert!(doubted.contains(note), "{doubted}");
    assert!(doubted.contains("engine = \"mariadb\""), "{doubted}");
    write(&session, "backstitch.toml", "engine = \"mariadb\"\n");
    let sure = out(&session.call("backstitch status"));
    assert!(!sure.contains(note), "{sure}");
    write(&session, "backstitch.toml", "engine = \"mysql\"\n");
    let doubted = out(&session.call("backstitch verify"));
    assert!(doubted.contains(note), "{doubted}");
}

/// A password with every sign that URLs, shells and tools take for something else goes through, also to
/// the tools for backups, and is shown nowhere: not in what is printed, not in what others see of the
/// processes.
#[test]
fn a_password_of_odd_signs_works_and_is_not_shown() {
    const PASSWORD: &str = "p@ss:w/rd?#%&='\" $HOME `x` \\ \u{e4};";
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let Some(session) = Session::open("shop", engine) else {
            continue;
        };
        let name = session.url().rsplit('/').next().expect("a name").to_owned();
        let user = format!("u_{}", &name[name.len() - 12..]);
        let quoted = PASSWORD.replace('\'', "''");
        let (make, unmake) = match engine {
            Engine::MariaDb => (
                format!(
                    "CREATE USER '{user}'@'%' IDENTIFIED BY '{}'; GRANT ALL ON {name}.* TO '{user}'@'%'",
                    quoted.replace('\\', "\\\\")
                ),
                format!("DROP USER '{user}'@'%'"),
            ),
            _ => (
                format!(
                    "CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{quoted}'; \
                     ALTER DATABASE {name} OWNER TO {user}"
                ),
                format!(
                    "ALTER DATABASE {name} OWNER TO CURRENT_USER; REASSIGN OWNED BY {user} TO CURRENT_USER; DROP OWNED BY {user}; DROP ROLE {user}"
                ),
            ),
        };
        session.sql(&make);
        let encoded: String = PASSWORD
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let (scheme, rest) = session.url().split_once("://").expect("a URL");
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        let url = format!("{scheme}://{user}:{encoded}@{place}");
        let secrets = ["p@ss", "rd?#", "%70%40", "$HOME `x`"];
        let shows_none = |text: &str, of: &str| {
            for secret in secrets {
                assert!(!text.contains(secret), "{of} shows {secret}:\n{text}");
            }
        };
        let call = |command: &str, environment: &[(&str, &str)]| {
            let mut program = session.program("backstitch");
            program.args(command.split(' ')).env("DATABASE_URL", &url);
            let output = program.envs(environment.iter().copied()).output();
            let output = output.expect("the program runs");
            shows_none(&out(&output), command);
            output
        };
        for command in [
            "ping",
            "status",
            "status --json",
            "plan",
            "up",
            "history --who",
            "verify",
            "backup create",
            "backup list --json",
            "backup restore latest --yes",
            "reset --yes",
        ] {
            let output = call(command, &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")]);
            assert!(output.status.success(), "{command}\n{}", out(&output));
        }
        // While it runs, and calls its tools, everybody may see the arguments of processes.
        let mut child = session
            .program("backstitch")
            .args(["backup", "create"])
            .env("DATABASE_URL", &url)
            .spawn()
            .expect("the program runs");
        while child.try_wait().expect("a process").is_none() {
            for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                shows_none(&String::from_utf8_lossy(&line), "a process");
            }
        }
        for file in fs::read_dir(session.folder().join("backups")).expect("a folder") {
            let file = file.expect("a file").path();
            if file.extension().is_some_and(|end| end == "json") {
                shows_none(
                    &fs::read_to_string(&file).expect("text"),
                    "what is kept of a backup",
                );
            }
        }
        session.sql(&unmake);
    }
}

#[test]
fn who_begins_is_told_to_name_the_engine() {
    let session = Session::open("no-engine", Engine::Sqlite).expect("SQLite is always there");
    let shown = |arguments: &[&str]| {
        let mut program = session.program("backstitch");
        program.env_remove("DATABASE_URL").args(arguments);
        out(&program.output().expect("the program runs"))
    };
    let begun = shown(&["new", "add", "users"]);
    for expected in [
        "wrote migrations/",
        "say in backstitch.toml which engine they are for:\n  engine = \"postgres\"",
        "backstitch check",
    ] {
        assert!(begun.contains(expected), "{expected}\n{begun}");
    }
    let named = shown(&["new", "add", "orders", "--engine", "sqlite"]);
    assert!(!named.contains("backstitch.toml"), "{named}");
}
