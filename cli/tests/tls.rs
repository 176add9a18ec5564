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

/// How the parameters of a URL are called, which the advice names too.
struct Words {
    require: &'static str,
    disable: &'static str,
    verify_name: &'static str,
    verify_ca: &'static str,
    root: &'static str,
}

struct Call {
    session: Session,
    url: String,
    words: Words,
}

impl Call {
    /// To the server, by the name that the certificate is for.
    fn to(url: &str, words: Words) -> Call {
        Call {
            session: Session::open("shop", Engine::Sqlite).expect("SQLite is always there"),
            url: url.replace("127.0.0.1", "localhost"),
            words,
        }
    }

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

    /// While the server has no certificate.
    fn is_refused_in_plain(&self) {
        let Words {
            require, disable, ..
        } = self.words;
        let expected = ["does not support TLS", disable];
        self.shows(require, "ping", 1, &expected);
    }

    /// When it has one, and takes nothing else; `told` is what it says to whom that is news.
    fn is_answered_by_its_certificate(&self, folder: &Path, told: &str) {
        let Words {
            require,
            disable,
            verify_name,
            verify_ca,
            root,
        } = self.words;
        let with_root = |mode: &str| format!("{mode}&{root}={}/ca.pem", folder.display());
        let full = with_root(verify_name);
        self.shows(require, "ping", 0, &["answers"]);
        self.shows(disable, "ping", 1, &[told]);
        self.shows(&full, "ping", 0, &["answers"]);
        let expected = ["UnknownIssuer", &format!("{root}=ca.pem")];
        self.shows(verify_name, "ping", 1, &expected);
        let here = format!("here=127.0.0.1&{full}");
        self.shows(&here, "status", 1, &["not valid for name", verify_ca]);
        let here = format!("here=127.0.0.1&{}", with_root(verify_ca));
        self.shows(&here, "ping", 0, &["answers"]);
        let nowhere = format!("{verify_name}&{root}=/nowhere/ca.pem");
        self.shows(&nowhere, "ping", 1, &["a certificate"]);
        self.shows(&full, "up", 0, &["3 migrations applied"]);
        // The tools go the same way.
        self.shows(&full, "backup create", 0, &["backed up as"]);
        self.shows(&full, "backup restore latest --yes", 0, &["restored"]);
        self.shows(require, "backup create", 0, &["backed up as"]);
        self.shows(&full, "status --check", 0, &["3 applied"]);
    }
}

#[tokio::test]
async fn postgres() {
    let Some(server) = Postgres::new().await else {
        return;
    };
    let words = Words {
        require: "sslmode=require",
        disable: "sslmode=disable",
        verify_name: "sslmode=verify-full",
        verify_ca: "sslmode=verify-ca",
        root: "sslrootcert",
    };
    let call = Call::to(&server.url(), words);
    call.is_refused_in_plain();
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
    // It reads its settings in a moment.
    for _ in 0..600 {
        let url = format!("{}?sslmode=require", server.url());
        if PgConnection::connect(&url).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    call.is_answered_by_its_certificate(server.folder(), "pg_hba.conf");
}

#[tokio::test]
async fn mariadb() {
    let Some(mut server) = MariaDb::new().await else {
        return;
    };
    let words = Words {
        require: "ssl-mode=REQUIRED",
        disable: "ssl-mode=DISABLED",
        verify_name: "ssl-mode=VERIFY_IDENTITY",
        verify_ca: "ssl-mode=VERIFY_CA",
        root: "ssl-ca",
    };
    let call = Call::to(&server.url(), words);
    call.is_refused_in_plain();
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
    call.is_answered_by_its_certificate(server.folder(), "ssl-mode=REQUIRED");
}
