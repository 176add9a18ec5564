//! Connections that are encrypted, to servers of our own with a certificate that we have signed, for
//! the name `localhost`.

use std::path::Path;

use backstitch_tests::servers::Engine;
use sqlx::{Connection, Executor, PgConnection};

use crate::session::Session;
use backstitch_tests::own::{self, mariadb::MariaDb, postgres::Postgres};

/// Who signs, and what is signed, made by this.
const CERTIFICATES: [&str; 3] = [
    "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=us \
     -addext basicConstraints=critical,CA:TRUE",
    "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost",
    "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
     -out server.pem",
];

/// Makes the certificates, as the user of the server; `None` where there is no tool for that.
fn certificates(folder: &Path) -> Option<()> {
    let openssl = own::program("openssl", &[])?;
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").expect("writable");
    for call in CERTIFICATES {
        let words: Vec<String> = call.split(' ').map(str::to_owned).collect();
        own::run(&openssl, &words, folder);
    }
    Some(())
}

struct Call<'c> {
    session: &'c Session,
    url: &'c str,
}

impl Call<'_> {
    #[track_caller]
    fn shows(&self, parameters: &str, command: &str, code: i32, expected: &[&str]) {
        let url = format!("{}?{parameters}", self.url);
        let url = match parameters.contains("here=127.0.0.1&") {
            true => url
                .replace("localhost", "127.0.0.1")
                .replace("here=127.0.0.1&", ""),
            false => url,
        };
        let output = self
            .session
            .call(&format!("DATABASE_URL={url} backstitch {command}"));
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert_eq!(output.status.code(), Some(code), "{url}\n{shown}");
        for expected in expected {
            assert!(
                shown.contains(expected),
                "{url}: no {expected:?} in\n{shown}"
            );
        }
    }
}

#[tokio::test]
async fn postgres() {
    let Some(server) = Postgres::new().await else {
        return;
    };
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let url = server.url().replace("127.0.0.1", "localhost");
    let call = Call {
        session: &session,
        url: &url,
    };
    call.shows(
        "sslmode=require",
        "ping",
        1,
        &["does not support TLS", "sslmode=disable"],
    );
    if certificates(server.folder()).is_none() {
        return;
    }
    let folder = server.folder().display();
    let mut connection = PgConnection::connect(&server.url()).await.expect("it runs");
    for setting in [
        format!("ssl_cert_file = '{folder}/server.pem'"),
        format!("ssl_key_file = '{folder}/server.key'"),
        "ssl = on".to_owned(),
    ] {
        let sql = format!("ALTER SYSTEM SET {setting}");
        connection
            .execute(sqlx::AssertSqlSafe(sql))
            .await
            .expect("a setting");
    }
    // Nobody comes in by TCP in plain text.
    let rules = server.folder().join("data/pg_hba.conf");
    std::fs::write(rules, "hostssl all all 127.0.0.1/32 trust\n").expect("writable");
    connection
        .execute("SELECT pg_reload_conf()")
        .await
        .expect("it runs");
    let root = format!("sslrootcert={folder}/ca.pem");
    // It reads its settings in a moment.
    for _ in 0..50 {
        let url = format!("{}?sslmode=require", server.url());
        if PgConnection::connect(&url).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    call.shows("sslmode=require", "ping", 0, &["answers"]);
    call.shows("sslmode=disable", "ping", 1, &["pg_hba.conf"]);
    call.shows(
        &format!("sslmode=verify-full&{root}"),
        "ping",
        0,
        &["answers"],
    );
    call.shows(
        "sslmode=verify-full",
        "ping",
        1,
        &["UnknownIssuer", "sslrootcert=ca.pem"],
    );
    call.shows(
        &format!("here=127.0.0.1&sslmode=verify-full&{root}"),
        "status",
        1,
        &["not valid for name", "sslmode=verify-ca"],
    );
    call.shows(
        &format!("here=127.0.0.1&sslmode=verify-ca&{root}"),
        "ping",
        0,
        &["answers"],
    );
    call.shows(
        "sslmode=verify-full&sslrootcert=/nowhere/ca.pem",
        "ping",
        1,
        &["a certificate"],
    );
    let full = format!("sslmode=verify-full&{root}");
    call.shows(&full, "up", 0, &["3 migrations applied"]);
    // The tools go the same way.
    call.shows(&full, "backup create", 0, &["backed up as"]);
    call.shows(&full, "backup restore latest --yes", 0, &["restored"]);
    call.shows(&full, "status --check", 0, &["3 applied"]);
}

#[tokio::test]
async fn mariadb() {
    let Some(mut server) = MariaDb::new().await else {
        return;
    };
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    let url = server.url().replace("127.0.0.1", "localhost");
    let call = Call {
        session: &session,
        url: &url,
    };
    call.shows(
        "ssl-mode=REQUIRED",
        "ping",
        1,
        &["does not support TLS", "ssl-mode=DISABLED"],
    );
    if certificates(server.folder()).is_none() {
        return;
    }
    server.kill();
    let folder = server.folder().display().to_string();
    server
        .start(&[
            format!("--ssl-cert={folder}/server.pem"),
            format!("--ssl-key={folder}/server.key"),
            format!("--ssl-ca={folder}/ca.pem"),
            "--require-secure-transport=ON".to_owned(),
        ])
        .await;
    let root = format!("ssl-ca={folder}/ca.pem");
    call.shows("ssl-mode=REQUIRED", "ping", 0, &["answers"]);
    call.shows("ssl-mode=DISABLED", "ping", 1, &["ssl-mode=REQUIRED"]);
    call.shows(
        &format!("ssl-mode=VERIFY_IDENTITY&{root}"),
        "ping",
        0,
        &["answers"],
    );
    call.shows(
        "ssl-mode=VERIFY_IDENTITY",
        "ping",
        1,
        &["UnknownIssuer", "ssl-ca=ca.pem"],
    );
    call.shows(
        &format!("here=127.0.0.1&ssl-mode=VERIFY_IDENTITY&{root}"),
        "status",
        1,
        &["not valid for name", "ssl-mode=VERIFY_CA"],
    );
    call.shows(
        &format!("here=127.0.0.1&ssl-mode=VERIFY_CA&{root}"),
        "ping",
        0,
        &["answers"],
    );
    let full = format!("ssl-mode=VERIFY_IDENTITY&{root}");
    call.shows(&full, "up", 0, &["3 migrations applied"]);
    call.shows(&full, "backup create", 0, &["backed up as"]);
    call.shows(&full, "backup restore latest --yes", 0, &["restored"]);
    call.shows("ssl-mode=REQUIRED", "backup create", 0, &["backed up as"]);
    call.shows(&full, "status --check", 0, &["3 applied"]);
}
