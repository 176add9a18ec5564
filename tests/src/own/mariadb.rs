//! MariaDB of one's own, alone or as a Galera cluster of three nodes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::announce::announce;
use sqlx::{Connection, Executor, MySqlConnection};
use tempfile::TempDir;

use super::clock::Clock;
use super::{PATIENCE, Server, Signal};
use crate::length::is_long;

/// A server, running or not.
pub struct MariaDb {
    folder: TempDir,
    program: PathBuf,
    port: u16,
    settings: Vec<String>,
    server: Option<Server>,
}

impl MariaDb {
    /// A server of its own that runs; None when MariaDB is not installed, which is said aloud.
    pub async fn new() -> Option<MariaDb> {
        let mut server = MariaDb::installed(Vec::new())?;
        server.start(&[]).await;
        Some(server)
    }

    /// The same, with a clock that can be set.
    pub async fn by(clock: &Clock) -> Option<MariaDb> {
        let mut server = MariaDb::installed(Vec::new())?;
        server.start_by(&[], Some(clock)).await;
        Some(server)
    }

    /// With its data folder filled, not running.
    fn installed(settings: Vec<String>) -> Option<MariaDb> {
        let install = super::program("mariadb-install-db", &[])?;
        let server = MariaDb::empty(settings)?;
        let arguments = [
            "--no-defaults".to_owned(),
            format!("--datadir={}/data", server.folder.path().display()),
            "--auth-root-authentication-method=normal".to_owned(),
            "--skip-test-db".to_owned(),
            "--skip-name-resolve".to_owned(),
            "--innodb-log-file-size=16M".to_owned(),
        ];
        super::run(&install, &arguments, server.folder.path());
        Some(server)
    }

    fn empty(settings: Vec<String>) -> Option<MariaDb> {
        let program = super::program("mariadbd", &[])?;
        let folder = super::folder();
        // By a program, so that it belongs to whom the server runs as.
        super::run(&PathBuf::from("mkdir"), &["data".to_owned()], folder.path());
        Some(MariaDb {
            folder,
            program,
            port: super::free_port(),
            settings,
            server: None,
        })
    }

    /// The URL of its one database.
    pub fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/app", self.port)
    }

    /// Where everything of it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it, and waits until it answers.
    pub async fn start(&mut self, more: &[String]) {
        self.start_by(more, None).await;
    }

    async fn start_by(&mut self, more: &[String], clock: Option<&Clock>) {
        let folder = self.folder.path().display();
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--datadir={folder}/data"),
            format!("--socket={folder}/socket"),
            format!("--pid-file={folder}/pid"),
            format!("--tmpdir={folder}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--port={}", self.port),
            "--skip-name-resolve".to_owned(),
            "--innodb-log-file-size=16M".to_owned(),
            "--innodb-buffer-pool-size=32M".to_owned(),
            // A server that is killed loses nothing by it; a machine would.
            "--innodb-flush-log-at-trx-commit=2".to_owned(),
            "--loose-debug-no-sync".to_owned(),
        ];
        arguments.extend(self.settings.iter().chain(more).cloned());
        let log = self.folder.path().join("log");
        let mut program = self.program.clone();
        if let Some(clock) = clock {
            (program, arguments) = clock.before(&program, arguments);
        }
        self.server = Some(Server::start(&program, &arguments, &log, Signal::Kill));
        let began = Instant::now();
        while !self.answers().await {
            let server = self.server.as_mut().expect("it was started");
            let waits = began.elapsed() < PATIENCE && !server.has_ended();
            assert!(waits, "it does not start\n{}", server.tail());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A node that has not caught up yet answers no question.
    async fn answers(&self) -> bool {
        let url = format!("mysql://root@127.0.0.1:{}/mysql", self.port);
        let Ok(mut connection) = MySqlConnection::connect(&url).await else {
            return false;
        };
        // Not by IF NOT EXISTS: on a cluster that is a change like another. And from a table, which
        // cannot be read before the node has joined.
        let found = "SELECT 1 FROM information_schema.schemata, (SELECT COUNT(*) FROM mysql.db) n \
                     WHERE schema_name = 'app'";
        let found = connection.fetch_optional(found).await;
        let made = match found {
            Ok(Some(_)) => Ok(()),
            Ok(None) => connection.execute("CREATE DATABASE app").await.map(drop),
            Err(error) => Err(error),
        };
        made.is_ok() && connection.close().await.is_ok()
    }

    /// Ends it without a word.
    pub fn kill(&mut self) {
        self.server.take().expect("it runs").end();
    }
}

/// Three nodes; None when MariaDB or Galera is not installed, which is said aloud.
pub async fn cluster() -> Option<Vec<MariaDb>> {
    let galera = ["/usr/lib/galera", "/usr/lib64/galera-4"].map(PathBuf::from);
    if !is_long() && !galera.iter().any(|folder| folder.exists()) {
        announce("skipped the Galera cluster, which is not installed here (tests/run --long does)");
        return None;
    }
    let provider = super::program("libgalera_smm.so", &galera)?;
    super::program("wsrep_sst_rsync", &[])?;
    super::program("rsync", &[])?;
    // Nodes find each other, and send each other what they have missed, on ports of their own.
    let ports: Vec<[u16; 3]> = (0..3)
        .map(|_| [(); 3].map(|()| super::free_port()))
        .collect();
    let members: Vec<String> = ports
        .iter()
        .map(|[group, ..]| format!("127.0.0.1:{group}"))
        .collect();
    let mut nodes = Vec::new();
    for (index, [group, increments, transfer]) in ports.into_iter().enumerate() {
        let settings = vec![
            "--wsrep-on=ON".to_owned(),
            format!("--wsrep-provider={}", provider.display()),
            format!("--wsrep-cluster-address=gcomm://{}", members.join(",")),
            "--wsrep-node-address=127.0.0.1".to_owned(),
            format!("--wsrep-node-name=node{index}"),
            "--wsrep-sst-method=rsync".to_owned(),
            format!("--wsrep-sst-receive-address=127.0.0.1:{transfer}"),
            // A node that is gone is missed soon.
            format!(
                "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{group};\
                 ist.recv_addr=127.0.0.1:{increments};gcache.size=16M;\
                 evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;\
                 evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S"
            ),
            "--binlog-format=ROW".to_owned(),
            "--default-storage-engine=InnoDB".to_owned(),
            "--innodb-autoinc-lock-mode=2".to_owned(),
        ];
        if index == 0 {
            let mut first = MariaDb::installed(settings)?;
            first.start(&["--wsrep-new-cluster".to_owned()]).await;
            nodes.push(first);
        } else {
            // It gets all data from the others.
            let mut node = MariaDb::empty(settings)?;
            node.start(&[]).await;
            nodes.push(node);
        }
    }
    Some(nodes)
}
