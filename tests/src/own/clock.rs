//! A clock of one's own for a program, which can be set while it runs.
//!
//! libfaketime stands between the program and the system. Only the time of day is faked: how long
//! something takes goes on as it does in earnest when somebody sets a clock.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// What the programs that were given it see as the time.
pub struct Clock {
    folder: TempDir,
    library: PathBuf,
}

impl Clock {
    /// One that goes right; None when libfaketime is not installed, which is said aloud.
    pub fn new() -> Option<Clock> {
        let library = super::program("libfaketimeMT.so.1", &folders())?;
        let clock = Clock {
            folder: super::folder(),
            library,
        };
        clock.set(0);
        Some(clock)
    }

    /// Sets it to so many seconds after the true time.
    pub fn set(&self, seconds: i64) {
        // In place of the other at once: it is read all the time.
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{seconds:+}\n")).expect("it can be written");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(&new, open).expect("it is ours");
        std::fs::rename(&new, self.folder.path().join("clock")).expect("it is beside it");
    }

    /// What a program's environment has to say.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        let clock = self.folder.path().join("clock");
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// A command that starts `program` with this clock.
    pub fn before(&self, program: &Path, arguments: Vec<String>) -> (PathBuf, Vec<String>) {
        let environment = self.environment().into_iter();
        let all = environment
            .map(|(name, value)| format!("{name}={value}"))
            .chain([program.display().to_string()])
            .chain(arguments);
        (PathBuf::from("env"), all.collect())
    }
}

/// Where distributions keep it, off the search path of the loader.
fn folders() -> Vec<PathBuf> {
    let machines = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let by_machine = machines.map(|machine| machine.path().join("faketime"));
    let others = ["/usr/lib/faketime", "/usr/lib64/faketime"].map(PathBuf::from);
    by_machine.chain(others).collect()
}
