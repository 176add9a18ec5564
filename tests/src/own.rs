//! Servers that a test may stop, kill and starve, because nobody else uses them.
//!
//! They live in a temporary folder, listen on loopback, and end with the value that stands for
//! them; the kernel ends them when the test program is killed outright.

pub mod clock;
pub mod mariadb;
pub mod postgres;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::announce::announce;
use crate::servers::TEST_ALL;
use tempfile::TempDir;

/// How long a server may take to come up, or to go.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is ended.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// Without a word.
    Kill,
    /// At once, but with a word to the clients; the immediate mode of PostgreSQL.
    Quit,
}

/// A process that serves.
pub struct Server {
    child: Child,
    log: PathBuf,
    last: Signal,
}

impl Server {
    /// Starts a program that ends with the test, by the signal `last`, and not as root.
    pub fn start(program: &Path, arguments: &[String], log: &Path, last: Signal) -> Server {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log can be written");
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", last.name()])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file has two handles"))
            .stderr(file)
            .process_group(0);
        let child = nobodys(&mut command).spawn();
        Server {
            child: child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")),
            log: log.to_owned(),
            last,
        }
    }

    /// Ends it, and waits until it has ended.
    pub fn end(self) {
        self.signal(self.last.name());
        self.wait();
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill fails");
    }

    fn wait(mut self) {
        let began = Instant::now();
        while !self.has_ended() {
            assert!(
                began.elapsed() < PATIENCE,
                "it does not end\n{}",
                self.tail()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it is gone.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The last lines of its log.
    pub fn tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        self.signal(self.last.name());
        let began = Instant::now();
        while !self.has_ended() {
            if began.elapsed() > Duration::from_secs(5) {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Signal::Kill => "KILL",
            Signal::Quit => "QUIT",
        }
    }
}

/// A folder for servers, which belongs to them. Not below `TMPDIR`: a path to a socket is short.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("bst-")
        .tempdir_in("/tmp")
        .expect("a temporary folder can be made");
    if let Some((user, group)) = nobody() {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("root may do that");
    }
    folder
}

/// Runs a program to its end, which must be a good one.
pub fn run(program: &Path, arguments: &[String], folder: &Path) {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = nobodys(&mut command).output();
    let output = output.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Where a program is; None, and said aloud, when it is not there.
pub fn program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let all = folders.iter().chain(&on_path).chain(&system);
    let found = all
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        let test = std::thread::current();
        let test = test.name().unwrap_or("a test");
        let missing = format!("{test} needs `{name}`, which is not installed here");
        assert!(
            std::env::var_os(TEST_ALL).is_none(),
            "{TEST_ALL} is set, but {missing}"
        );
        announce(&format!("skipped {missing}"));
    }
    found
}

/// A loopback port on which nobody listens, below those that the kernel gives out by itself and
/// beside those that `tests/servers` takes.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 3000).expect("it is small");
    for _ in 0..1000 {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(7);
        let port = 12_000 + (first + offset) % 7000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 12000 and 19000");
}

/// A program that rights hold for, although the tests may run as root.
pub fn as_nobody(mut command: Command) -> Command {
    nobodys(&mut command);
    command
}

/// Servers refuse to run as root.
fn nobodys(command: &mut Command) -> &mut Command {
    match nobody() {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}

/// Who runs servers when we are root; None when we are not.
fn nobody() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").map_or(1, |me| me.uid()) != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.starts_with("nobody:"))?;
    let mut fields = line.split(':').skip(2);
    let mut number = || fields.next()?.parse().ok();
    Some((number()?, number()?))
}
