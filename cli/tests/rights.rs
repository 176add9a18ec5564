//! What somebody is told who may not, or may not write: by the commands that one calls first.

use backstitch_tests::own::mariadb::MariaDb;
use backstitch_tests::servers::Engine;
use sqlx::{Connection, Executor, MySqlConnection};

use crate::session::Session;

const UP: [&str; 2] = [
    "[statement-failed]",
    "put it right, or what stands in its way, and run `up` again",
];

/// A database with two of three migrations, and users of its own.
struct Place {
    session: Session,
    name: String,
}

impl Place {
    fn on(engine: Engine) -> Option<Place> {
        let session = Session::open("shop", engine)?;
        let shown = session.screen("backstitch up --target 2");
        assert!(shown.contains("2 migrations applied"), "{shown}");
        let database = session.url().rsplit('/').next().expect("a name").to_owned();
        let name = format!("u_{}", &database[database.len() - 12..]);
        Some(Place { session, name })
    }

    /// What a call by that user shows.
    #[track_caller]
    fn shows(&self, user: &str, command: &str, code: i32, expected: &[&str]) {
        let (scheme, rest) = self.session.url().split_once("://").expect("a URL");
        let place = rest.split_once('@').map_or(rest, |(_, place)| place);
        let url = format!("{scheme}://{}_{user}:only@{place}", self.name);
        let call = format!("DATABASE_URL={url} backstitch {command}");
        says(&self.session, &call, code, expected);
    }
}

#[track_caller]
fn says(session: &Session, call: &str, code: i32, expected: &[&str]) {
    let output = session.call(call);
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8_lossy(&shown);
    assert_eq!(output.status.code(), Some(code), "{call}\n{shown}");
    for expected in expected {
        assert!(
            shown.contains(expected),
            "no {expected:?} in\n{call}\n{shown}"
        );
    }
}

#[test]
fn on_postgres() {
    let Some(place) = Place::on(Engine::Postgres) else {
        return;
    };
    let name = &place.name;
    place.session.sql(&format!(
        "CREATE ROLE {name}_stranger LOGIN PASSWORD 'only'; \
         CREATE ROLE {name}_reader LOGIN PASSWORD 'only'; \
         GRANT SELECT ON __migrations__ TO {name}_reader; \
         CREATE ROLE {name}_late LOGIN SUPERUSER PASSWORD 'only'; \
         ALTER ROLE {name}_late SET default_transaction_read_only = on"
    ));
    place.shows("stranger", "ping", 0, &["PostgreSQL answers"]);
    let denied = [
        "cannot read the history: permission denied for table __migrations__",
        "ON public.__migrations__ TO",
    ];
    for command in ["status", "verify", "plan", "up"] {
        place.shows("stranger", command, 1, &denied);
    }
    place.shows("reader", "status", 0, &["2 applied, 1 pending"]);
    place.shows("reader", "verify", 0, &["history  ok", "drift    ok"]);
    let owner = ["must be owner of table users", "as a user who may"];
    place.shows("reader", "up", 1, &[&owner[..], &UP].concat());
    let reads = [
        "warning[read-only]: nothing can be written there: default_transaction_read_only is on",
        "give the URL of the primary",
    ];
    place.shows("late", "status", 0, &reads);
    place.shows("late", "verify", 0, &["history  ok", "drift    ok"]);
    let late = ["read-only transaction", "Give the URL of the primary"];
    place.shows("late", "up", 1, &[&late[..], &UP].concat());
    let stays = [
        "Give the URL of the primary",
        "`0002_orders` stays applied, all of it.",
    ];
    place.shows("late", "rollback", 1, &stays);
    place.session.sql(&format!(
        "DROP OWNED BY {name}_reader; \
         DROP ROLE {name}_stranger; DROP ROLE {name}_reader; DROP ROLE {name}_late"
    ));
}

#[test]
fn on_mariadb() {
    let Some(place) = Place::on(Engine::MariaDb) else {
        return;
    };
    let name = &place.name;
    let database = place.session.url().rsplit('/').next().expect("a name");
    place.session.sql(&format!(
        "CREATE USER '{name}_stranger'@'%' IDENTIFIED BY 'only'; \
         CREATE USER '{name}_reader'@'%' IDENTIFIED BY 'only'; \
         GRANT SELECT ON {database}.__migrations__ TO '{name}_reader'@'%'; \
         CREATE TRIGGER users_seen BEFORE INSERT ON users FOR EACH ROW SET @seen = 1"
    ));
    for command in ["ping", "status", "verify", "plan", "up"] {
        let denied = ["Access denied", "GRANT ALL ON name.*"];
        place.shows("stranger", command, 1, &denied);
    }
    place.shows("reader", "status", 0, &["2 applied, 1 pending"]);
    // What it does not see is not missing.
    let unseen = [
        "drift    ok",
        "table users (this user may have no right to see it",
    ];
    place.shows("reader", "verify", 0, &unseen);
    let denied = [
        "command denied to user",
        "GRANT SELECT, INSERT, UPDATE, DELETE",
    ];
    place.shows("reader", "up", 1, &denied);
    // Whoever sees everything is told of what is missing, and of what is not from a migration.
    place.session.sql("DROP TABLE orders");
    let call = "backstitch verify";
    let told = [
        "missing: table orders",
        "not from a migration: trigger users_seen",
    ];
    says(&place.session, call, 4, &told);
    place.session.sql(&format!(
        "DROP USER '{name}_stranger'@'%'; DROP USER '{name}_reader'@'%'"
    ));
}

#[test]
fn on_sqlite() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    session.screen("backstitch up --target 2");
    let only = session.url().replace("mode=rwc", "mode=ro");
    assert_ne!(only, session.url());
    let call = |command| format!("DATABASE_URL={only} backstitch {command}");
    says(&session, &call("status"), 0, &["2 applied, 1 pending"]);
    says(&session, &call("verify"), 0, &["drift    ok"]);
    let denied = [
        "[statement-failed]: attempt to write a readonly database",
        "open it without `mode=ro`",
    ];
    says(&session, &call("up"), 1, &denied);
}

#[tokio::test]
async fn on_a_replica_of_mariadb() {
    let Some(server) = MariaDb::new().await else {
        return;
    };
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let mut connection = MySqlConnection::connect(&server.url())
        .await
        .expect("it runs");
    connection
        .execute("SET GLOBAL read_only = ON")
        .await
        .expect("a setting");
    let call = format!("DATABASE_URL={} backstitch status", server.url());
    let expected = ["nothing can be written there: read_only is on"];
    says(&session, &call, 0, &expected);
}

/// As on a disk that is full: a limit on the size of files stands in for it.
#[test]
fn on_a_disk_that_is_full() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let script = "trap '' XFSZ; exec prlimit --fsize=8192 --core=0 \"$@\"";
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_backstitch"), "up"])
        .current_dir(session.folder())
        .env("DATABASE_URL", session.url());
    let output = command.output().expect("it runs");
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("see whether the disk is full"), "{shown}");
    let call = "backstitch status";
    says(&session, call, 0, &["3 migrations wait to be applied"]);
}
