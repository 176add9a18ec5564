//! The files of the project, and which of their lines are code.

use std::io;
use std::path::Path;
use std::process::Command;

/// A text file of the project.
pub(crate) struct File {
    /// From the root of the project, with slashes.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

/// All text files that git knows, or would add.
pub(crate) fn files() -> io::Result<Vec<File>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the project");
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()?;
    if !listed.status.success() {
        let stderr = String::from_utf8_lossy(&listed.stderr);
        return Err(io::Error::other(stderr.trim().to_owned()));
    }
    let paths = String::from_utf8_lossy(&listed.stdout).into_owned();
    let paths = paths.split_terminator('\0');
    // What cannot be read as text is no text, or was deleted since git has looked.
    Ok(paths
        .filter_map(|path| {
            Some(File::new(
                path,
                &std::fs::read_to_string(root.join(path)).ok()?,
            ))
        })
        .collect())
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Is it a Rust file?
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The lines with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }

    /// The lines with their numbers, without comments and without unit tests, which stand at the
    /// end of a file or in one of their own.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        self.lines()
            .take_while(move |(_, line)| !tests && *line != "#[cfg(test)]")
            .map(|(number, line)| (number, without_comment(line)))
    }
}

fn without_comment(line: &str) -> &str {
    let starts = line.match_indices("//").map(|(at, _)| at);
    // Not the slashes of a URL.
    let start = starts.into_iter().find(|&at| !line[..at].ends_with(':'));
    &line[..start.unwrap_or(line.len())]
}
