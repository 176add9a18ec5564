//! Programs that run beside a test, several at once: what they said, how they ended, and an end
//! by force.
//!
//! A program of the tests package is found by `env!("CARGO_BIN_EXE_name")` in an integration test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A test that waits longer than this has found a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs. It is killed with this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; None when a signal ended it.
    pub code: Option<i32>,
    /// All that it wrote to standard output.
    pub stdout: String,
    /// All that it wrote to standard error.
    pub stderr: String,
}

/// Starts all commands before it waits for any; the results are in the order of the commands.
pub fn together(commands: impl IntoIterator<Item = Command>) -> Vec<Finished> {
    let running: Vec<Process> = commands.into_iter().map(Process::start).collect();
    running.into_iter().map(Process::wait).collect()
}

impl Process {
    /// Starts a program. Its output is collected, its input is empty.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(mut command: Command) -> Process {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        Process {
            child,
            stdout: Output::collect(stdout),
            stderr: Output::collect(stderr),
        }
    }

    /// The process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of its standard output contains `text`, and returns that line.
    ///
    /// This is how a test knows that the program has come to a certain point.
    ///
    /// # Panics
    ///
    /// When it ends, or a minute passes, without such a line.
    pub fn wait_for(&self, text: &str) -> String {
        self.stdout.wait_for(text).unwrap_or_else(|| {
            panic!(
                "the program never said {text:?}\n--- stdout\n{}--- stderr\n{}",
                self.stdout.lines().text,
                self.stderr.lines().text
            )
        })
    }

    /// Ends it at once, without a chance to clean up.
    pub fn kill(mut self) -> Finished {
        // Fails only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        self.wait()
    }

    /// Whether it has ended.
    ///
    /// # Panics
    ///
    /// When the system does not tell.
    pub fn has_ended(&mut self) -> bool {
        let ended = self.child.try_wait().expect("a child can be waited for");
        ended.is_some()
    }

    /// Waits until it ends.
    ///
    /// # Panics
    ///
    /// When that takes more than a minute.
    pub fn wait(mut self) -> Finished {
        let start = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("a child can be waited for");
            if let Some(status) = ended {
                return Finished {
                    code: status.code(),
                    stdout: self.stdout.finish(),
                    stderr: self.stderr.finish(),
                };
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the program does not end\n--- stdout\n{}--- stderr\n{}",
                self.stdout.lines().text,
                self.stderr.lines().text
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a pipe on a thread, so that the program never waits for us.
#[derive(Debug)]
struct Output {
    shared: Arc<(Mutex<Lines>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Lines {
    text: String,
    ended: bool,
}

impl Output {
    fn collect(pipe: impl Read + Send + 'static) -> Output {
        let shared = Arc::new((Mutex::new(Lines::default()), Condvar::new()));
        let reader = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || read_lines(pipe, &shared)
        });
        Output {
            shared,
            reader: Some(reader),
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.shared.0.lock().expect("the reader does not panic")
    }

    fn wait_for(&self, text: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines();
        loop {
            if let Some(line) = lines.text.lines().find(|line| line.contains(text)) {
                return Some(line.to_owned());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if lines.ended || left.is_zero() {
                return None;
            }
            lines = self
                .shared
                .1
                .wait_timeout(lines, left)
                .expect("the reader does not panic")
                .0;
        }
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader does not panic");
        }
        std::mem::take(&mut self.lines().text)
    }
}

fn read_lines(pipe: impl Read, (lines, changed): &(Mutex<Lines>, Condvar)) {
    let mut pipe = BufReader::new(pipe);
    loop {
        let mut line = Vec::new();
        let read = pipe.read_until(b'\n', &mut line).unwrap_or(0);
        let mut lines = lines.lock().expect("nobody panics while holding this");
        lines.text += &String::from_utf8_lossy(&line);
        lines.ended = read == 0;
        changed.notify_all();
        if lines.ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, together};
    use std::process::Command;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn each_gives_its_own_code_and_output() {
        let finished = together([
            shell("echo one; exit 3"),
            shell("echo two >&2"),
            shell("kill -9 $$"),
        ]);
        assert_eq!(
            finished.iter().map(|end| end.code).collect::<Vec<_>>(),
            [Some(3), Some(0), None]
        );
        assert_eq!(finished[0].stdout, "one\n");
        assert_eq!(finished[1].stderr, "two\n");
    }

    #[test]
    fn they_run_at_the_same_time() {
        // The first ends only after the second has run.
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let flag = folder.path().join("flag").display().to_string();
        let finished = together([
            shell(&format!("while [ ! -e '{flag}' ]; do sleep 0.01; done")),
            shell(&format!("touch '{flag}'")),
        ]);
        assert!(finished.iter().all(|end| end.code == Some(0)));
    }

    #[test]
    fn one_can_be_killed_at_a_known_point() {
        let process = Process::start(shell("echo ready; exec sleep 100"));
        assert_eq!(process.wait_for("read"), "ready");
        let end = process.kill();
        assert_eq!((end.code, end.stdout.as_str()), (None, "ready\n"));
    }

    #[test]
    #[should_panic(expected = "never said \"ready\"")]
    fn waiting_for_a_line_that_never_comes_fails() {
        Process::start(shell("echo other")).wait_for("ready");
    }
}
