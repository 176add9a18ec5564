//! PostgreSQL of one's own, and a standby that follows it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::clock::Clock;
use super::{PATIENCE, Server, Signal};

/// A cluster, running or not.
pub struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
    server: Option<Server>,
}

impl Postgres {
    /// A new cluster that runs; None when PostgreSQL is not installed, which is said aloud.
    pub async fn new() -> Option<Postgres> {
        Postgres::with(None).await
    }

    /// The same, with a clock that can be set.
    pub async fn by(clock: &Clock) -> Option<Postgres> {
        Postgres::with(Some(clock)).await
    }

    async fn with(clock: Option<&Clock>) -> Option<Postgres> {
        let bin = bin()?;
        let folder = super::folder();
        let arguments = ["--pgdata=data", "--username=postgres", "--auth=trust"];
        let more = ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        let arguments: Vec<String> = arguments.iter().chain(&more).map(|&s| s.into()).collect();
        super::run(&bin.join("initdb"), &arguments, folder.path());
        let mut postgres = Postgres::over(bin, folder);
        postgres.start_by(clock).await;
        Some(postgres)
    }

    /// A second one that follows this one.
    pub async fn standby(&self) -> Postgres {
        let folder = super::folder();
        let port = format!("--port={}", self.port);
        let arguments = ["--pgdata=data", "--host=127.0.0.1", "--username=postgres"];
        let more = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"];
        let mut arguments: Vec<String> = arguments.iter().chain(&more).map(|&s| s.into()).collect();
        arguments.push(port);
        super::run(&self.bin.join("pg_basebackup"), &arguments, folder.path());
        let mut standby = Postgres::over(self.bin.clone(), folder);
        standby.start().await;
        standby
    }

    fn over(bin: PathBuf, folder: TempDir) -> Postgres {
        Postgres {
            folder,
            bin,
            port: super::free_port(),
            server: None,
        }
    }

    /// The URL of the database that every cluster has.
    pub fn url(&self) -> String {
        self.database("postgres")
    }

    /// The URL of another database.
    pub fn database(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Where everything of it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it, and waits until it answers.
    pub async fn start(&mut self) {
        self.start_by(None).await;
    }

    async fn start_by(&mut self, clock: Option<&Clock>) {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", self.folder.path().display()),
            // A server that is killed loses nothing by it; a machine would.
            "fsync=off".to_owned(),
            "shared_buffers=16MB".to_owned(),
            "max_connections=60".to_owned(),
            "jit=off".to_owned(),
        ];
        let data = self.folder.path().join("data").display().to_string();
        let port = self.port.to_string();
        let mut arguments = vec!["-D".to_owned(), data, "-p".to_owned(), port];
        arguments.extend(settings.into_iter().flat_map(|one| ["-c".to_owned(), one]));
        let log = self.folder.path().join("log");
        let mut program = self.bin.join("postgres");
        if let Some(clock) = clock {
            (program, arguments) = clock.before(&program, arguments);
        }
        let server = Server::start(&program, &arguments, &log, Signal::Quit);
        self.server = Some(server);
        self.answers().await;
    }

    async fn answers(&mut self) {
        let (began, url) = (Instant::now(), self.url());
        let server = self.server.as_mut().expect("it was started");
        loop {
            if let Ok(connection) = PgConnection::connect(&url).await {
                connection.close().await.expect("it closes");
                return;
            }
            let waits = began.elapsed() < PATIENCE && !server.has_ended();
            assert!(waits, "it does not start\n{}", server.tail());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it in immediate mode, and waits until it has ended.
    pub fn stop(&mut self) {
        self.server.take().expect("it runs").end();
    }

    /// Makes a primary of a standby.
    pub fn promote(&self) {
        let data = self.folder.path().join("data").display().to_string();
        let arguments = ["promote", "--wait", "--pgdata"].map(str::to_owned);
        let arguments: Vec<String> = arguments.into_iter().chain([data]).collect();
        super::run(&self.bin.join("pg_ctl"), &arguments, self.folder.path());
    }
}

/// Where the programs are: Debian keeps a folder for each version, off the PATH.
fn bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    // The newest first.
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name);
        let version = version.and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let initdb = super::program("initdb", &folders)?;
    initdb.parent().map(Path::to_owned)
}
