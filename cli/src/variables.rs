//! The environment: what the process was given, and the `.env` file of the project.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use backstitch_core::Diagnostic;

use crate::failure::Failure;

/// The name of the file that is read unasked.
const FILE_NAME: &str = ".env";

/// Variables by name. What the process was given counts more than what a file says.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    file: HashMap<String, String>,
}

impl Variables {
    /// Reads the file that was named, or else the `.env` of the project in `base`.
    ///
    /// # Errors
    /// When it cannot be read. What it says is not shown, since it may hold passwords.
    pub(crate) fn read(named: Option<&Path>, base: &Path) -> Result<Variables, Failure> {
        let file = match named {
            Some(named) => named.to_owned(),
            None => match nearest(base) {
                Some(file) => file,
                None => return Ok(Variables::default()),
            },
        };
        let lines = dotenvy::from_path_iter(&file);
        let lines = lines.map_err(|error| Failure::usage(unreadable(&file, &error)))?;
        let file: Result<HashMap<_, _>, _> = lines.collect();
        match file {
            Ok(file) => Ok(Variables { file }),
            Err(error) => Err(Failure::usage(unreadable(
                &named.map_or_else(|| PathBuf::from(FILE_NAME), Path::to_owned),
                &error,
            ))),
        }
    }

    /// What the variable says, where it says something.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let says = |value: &String| !value.is_empty();
        let given = std::env::var(name).ok().filter(says);
        given.or_else(|| self.file.get(name).cloned().filter(says))
    }
}

/// The `.env` in the folder or the nearest above it, up to the root of the repository.
fn nearest(base: &Path) -> Option<PathBuf> {
    for folder in base.ancestors() {
        let file = folder.join(FILE_NAME);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

fn unreadable(file: &Path, error: &dotenvy::Error) -> Diagnostic {
    let why = match error {
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "A line is not of the form NAME=value. It is not shown, since it may hold a password."
            .to_owned(),
    };
    let message = format!("`{}` cannot be read", file.display());
    Diagnostic::error("env-file-unreadable", message)
        .why(why)
        .help("Name another one by `--env-file`, or write lines such as:\nDATABASE_URL=postgres://user@host/database")
}
