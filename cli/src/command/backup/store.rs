//! The folder of the backups: for each a file, and beside it a line of JSON that says what it is. A
//! backup is there when its line is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use backstitch_core::Diagnostic;
use backstitch_core::diagnostic::did_you_mean;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::archive::Trouble;
use super::dump::failed;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{self, Project};

/// The folder where nothing else is said.
const DEFAULT_FOLDER: &str = "backups";
/// The end of the name of a file that is being written.
const PARTIAL: &str = ".partial";

/// What is known about a backup. The fields are a contract: see `JSON.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backup {
    /// By which people call it.
    pub(crate) name: String,
    /// The file beside this line.
    pub(crate) file: String,
    pub(crate) engine: String,
    pub(crate) database: String,
    pub(crate) created_at: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) reason: Option<String>,
}

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    shown: String,
}

impl Store {
    /// The one of this project.
    pub(crate) fn of(config: &Config) -> Store {
        let dir = config.options.backups.as_deref().unwrap_or(DEFAULT_FOLDER);
        Store::at(config.base.join(dir))
    }

    /// The one of this project, whatever the database is.
    pub(super) fn of_project(project: &Project) -> Store {
        let dir = project.options.options.backups.as_deref();
        Store::at(project.base.join(dir.unwrap_or(DEFAULT_FOLDER)))
    }

    fn at(dir: PathBuf) -> Store {
        let here = project::here().unwrap_or_default();
        Store {
            shown: project::shown(&dir, &here),
            dir,
        }
    }

    /// The folder as people see it.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn path(&self, backup: &Backup) -> PathBuf {
        self.dir.join(&backup.file)
    }

    /// A name that nobody has yet, and the file to write first.
    pub(super) fn reserve(&self, database: &str) -> Result<(String, PathBuf), Trouble> {
        let io = |error: io::Error| failed(&format!("`{}` cannot be written", self.shown), &error);
        fs::create_dir_all(&self.dir).map_err(io)?;
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        for number in 1..1000 {
            let name = match number {
                1 => format!("{database}-{now}"),
                _ => format!("{database}-{now}-{number}"),
            };
            let partial = self.dir.join(format!("{name}{PARTIAL}"));
            if self.dir.join(format!("{name}.json")).exists() {
                continue;
            }
            match File::create_new(&partial) {
                Ok(file) => {
                    only_for_us(&file).map_err(io)?;
                    return Ok((name, partial));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io(error)),
            }
        }
        Err(failed("no name is left", &now))
    }

    /// Gives the file its name, and writes the line about it.
    pub(super) fn keep(&self, partial: &Path, backup: &Backup) -> Result<(), Trouble> {
        let io = |error: io::Error| failed("the backup cannot be kept", &error);
        fs::rename(partial, self.path(backup)).map_err(io)?;
        let line = serde_json::to_string(backup).expect("plain data") + "\n";
        let draft = self.dir.join(format!("{}.json{PARTIAL}", backup.name));
        fs::write(&draft, line).map_err(io)?;
        fs::rename(&draft, self.dir.join(format!("{}.json", backup.name))).map_err(io)
    }

    /// All that are there, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn list(&self) -> Result<Vec<Backup>, Failure> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let doing = format!("`{}` cannot be read", self.shown);
                return Err(Failure::failed(*failed(&doing, &error)));
            }
        };
        let files = entries.flatten().map(|entry| entry.path());
        let lines = files.filter(|file| file.extension().is_some_and(|end| end == "json"));
        let texts = lines.filter_map(|file| fs::read_to_string(file).ok());
        // What is no line of ours is none of our business.
        let mut all: Vec<Backup> = texts
            .filter_map(|text| serde_json::from_str(&text).ok())
            .collect();
        all.sort_by(|one, other| {
            let key = |backup: &Backup| (backup.created_at.clone(), backup.name.clone());
            key(other).cmp(&key(one))
        });
        Ok(all)
    }

    /// The backup of that name; `latest` is the newest of the database.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn find(&self, name: &str, database: &str) -> Result<Backup, Failure> {
        let all = self.list()?;
        let is_it = |backup: &&Backup| match name {
            "latest" => backup.database == database,
            // People paste what they see, and what the shell completes.
            name => backup.name == name || name.rsplit('/').next() == Some(&backup.file),
        };
        if let Some(found) = all.iter().find(is_it) {
            return Ok(found.clone());
        }
        let near = did_you_mean(name, all.iter().map(|backup| backup.name.as_str()));
        let help = match near {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "See which are there:\nbackstitch backup list".to_owned(),
        };
        let message = format!("there is no backup `{name}` in {}", self.shown);
        let diagnostic = Diagnostic::error("backup-missing", message).help(help);
        Err(Failure {
            diagnostics: vec![diagnostic],
            exit: Exit::Failed,
        })
    }

    /// Whether the file is still the one that was written.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn check(&self, backup: &Backup) -> Result<(), Failure> {
        let (bytes, sha256) = sum(&self.path(backup)).map_err(|error| Failure::failed(*error))?;
        if (bytes, &sha256) == (backup.bytes, &backup.sha256) {
            return Ok(());
        }
        let message = format!("`{}` is not the file that was written", backup.file);
        Err(Failure::failed(
            Diagnostic::error("backup-damaged", message)
                .why(format!(
                    "It had {} bytes with the checksum {}; now it has {bytes} with {sha256}. Nothing \
                     was done.",
                    backup.bytes, backup.sha256
                ))
                .help("Take another one:\nbackstitch backup list"),
        ))
    }

    /// Deletes the line first: a file without one is no backup.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub(super) fn delete(&self, backup: &Backup) -> Result<(), Failure> {
        let line = self.dir.join(format!("{}.json", backup.name));
        let deleted = fs::remove_file(line).and_then(|()| fs::remove_file(self.path(backup)));
        let doing = format!("`{}` cannot be deleted", backup.name);
        deleted.map_err(|error| Failure::failed(*failed(&doing, &error)))
    }
}

/// Those that are older than so many days, but for the newest so many of each database. The list
/// has the newest first.
pub(super) fn outdated(all: &[Backup], days: i64, keep: usize, now: Timestamp) -> Vec<Backup> {
    let limit = now - SignedDuration::from_hours(days.saturating_mul(24));
    let is_old = |backup: &Backup| {
        backup
            .created_at
            .parse::<Timestamp>()
            .is_ok_and(|made| made < limit)
    };
    let rank = |at: usize| {
        let same = |other: &&Backup| other.database == all[at].database;
        all[..at].iter().filter(same).count()
    };
    let outdated = all.iter().enumerate();
    let outdated = outdated.filter(|(at, backup)| is_old(backup) && rank(*at) >= keep);
    outdated.map(|(_, backup)| backup.clone()).collect()
}

/// How many bytes the file has, and their SHA-256.
pub(super) fn sum(file: &Path) -> Result<(u64, String), Trouble> {
    let unreadable = |error: io::Error| failed("the backup cannot be read", &error);
    let mut file = File::open(file).map_err(unreadable)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        hasher.update(&buffer[..read]);
    }
    let hash = hasher.finalize();
    Ok((
        bytes,
        hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    ))
}

/// A backup holds everything that the database does.
pub(super) fn only_for_us(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let _ = file;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_however_old_they_are() {
        let backup = |name: &str, database: &str, day: &str| Backup {
            name: name.to_owned(),
            file: name.to_owned(),
            engine: "sqlite".to_owned(),
            database: database.to_owned(),
            created_at: format!("2026-01-{day}T10:00:00Z"),
            bytes: 0,
            sha256: String::new(),
            reason: None,
        };
        let all = [
            backup("d", "shop", "20"),
            backup("c", "shop", "10"),
            backup("b", "blog", "05"),
            backup("a", "shop", "01"),
        ];
        let now: Timestamp = "2026-01-21T10:00:00Z".parse().expect("a time");
        let gone = |days, keep| -> Vec<String> {
            let gone = outdated(&all, days, keep, now);
            gone.into_iter().map(|backup| backup.name).collect()
        };
        assert_eq!(gone(5, 0), ["c", "b", "a"]);
        assert_eq!(gone(5, 1), ["c", "a"]);
        assert_eq!(gone(5, 2), ["a"]);
        assert_eq!(gone(12, 0), ["b", "a"]);
        assert!(gone(30, 0).is_empty());
    }
}
