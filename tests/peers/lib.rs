//! Folders as other tools want them.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder of files that were written by hand, which can be written again in another way.
#[derive(Debug)]
pub struct Folder {
    dir: TempDir,
}

impl Folder {
    /// Of files as (path, text).
    pub fn of(files: &[(&str, &str)]) -> Folder {
        let folder = Folder {
            dir: tempfile::tempdir().expect("a temporary folder can be made"),
        };
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// Writes a file, in a folder of its own where its name says so.
    pub fn write(&self, name: &str, text: &str) {
        put(self.path(), name, text);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// Writes a file below a folder, in a folder of its own where its name says so.
pub fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("writable");
    std::fs::write(path, text).expect("writable");
}

/// The path of the file of a database of SQLite.
pub fn path_of(url: &str) -> &str {
    let path = url.strip_prefix("sqlite:").expect("a URL of a file");
    let path = path.trim_start_matches("//");
    path.split('?').next().expect("a path")
}

/// The text with the line endings of Windows.
pub fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// An annotated file, as an import makes it: the UP is what it was, byte for byte.
pub fn imported(name: &str, up: &str, down: &str) -> String {
    format!(
        "-- @name: {name}\n-- @description: It was imported.\n\
         -- @timestamp: 2026-01-05T10:00:00Z\n-- @rollbackSafe: false\n\n\
         -- UP MIGRATION\n{up}\n-- DOWN MIGRATION\n{down}\n"
    )
}
