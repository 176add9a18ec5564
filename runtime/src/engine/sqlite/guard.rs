//! A lock beside the database, for what does not fit into one transaction.
//!
//! SQLite locks by transaction, and migrations outside of one consist of several. Between two of
//! them another process must not take the first for dead. The operating system lets go of the lock
//! when its holder ends, however that happens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub struct Guard {
    /// `None` for a database that nobody else can reach.
    locked: Option<(File, PathBuf)>,
}

impl Guard {
    /// For a database in memory.
    pub(super) fn of_nobody() -> Guard {
        Guard { locked: None }
    }

    /// One attempt. `None`: another process has it.
    pub(super) fn try_take(database: &Path) -> io::Result<Option<Guard>> {
        let mut name = database.as_os_str().to_owned();
        name.push("-migrating");
        let path = PathBuf::from(name);
        loop {
            let mut options = OpenOptions::new();
            let options = options.create(true).truncate(false).write(true);
            let file = options.open(&path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => {
                    return Ok(Some(Guard {
                        locked: Some((file, path)),
                    }));
                }
                // The one who had it has removed the file meanwhile.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some((_file, path)) = &self.locked
            && cfg!(unix)
        {
            // Elsewhere a file that is open may not be removed. What stays is empty and harmless.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether the file still stands under its name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let inode = |found: io::Result<std::fs::Metadata>| found.map(|one| (one.dev(), one.ino())).ok();
    let ours = inode(file.metadata());
    ours.is_some() && ours == inode(std::fs::metadata(path))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::Guard;

    #[test]
    fn one_has_it_at_a_time_and_nothing_stays() {
        let folder = std::env::temp_dir().join(format!("backstitch-guard-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let database = folder.join("a.db");
        let take = || Guard::try_take(&database).expect("it can be tried");
        let first = take().expect("nobody has it");
        assert!(take().is_none());
        drop(first);
        let second = take().expect("it was given back");
        drop(second);
        if cfg!(unix) {
            let left = std::fs::read_dir(&folder).expect("it is there").count();
            assert_eq!(left, 0);
        }
        std::fs::remove_dir_all(&folder).expect("it goes");
    }
}
