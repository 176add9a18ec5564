//! `backstitch lock`: writes the ids and checksums of all migrations down.

use std::fs;
use std::path::Path;

use backstitch_core::dir::{self, Layout, Loaded};
use backstitch_core::{Diagnostic, Dialect, Set, Severity, lockfile};
use clap::Args;

use crate::command::new::unwritable;
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::paint::counted;
use crate::project::{self, Project};
use crate::screen::Screen;
use crate::target::engine;

/// The arguments of `lock`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Lock {
    /// The folder of the migrations, or of the project; without it, the project around here
    dir: Option<std::path::PathBuf>,
    /// Write nothing; fail when the file is not what it should be
    #[arg(long)]
    check: bool,
    /// An options file other than the backstitch.toml of the project
    #[arg(long, value_name = "FILE")]
    options: Option<std::path::PathBuf>,
    /// The engine that the migrations are for, in place of what backstitch.toml says
    #[arg(long, value_parser = engine())]
    engine: Option<Dialect>,
}

const EXAMPLES: &str = "\
Examples:
  backstitch lock           after a migration was added, or a merge
  backstitch lock --check   in a workflow

Where the file is there, an edit of a migration that has shipped is a compile error, and two
branches that both add one conflict in git. `backstitch new` keeps it up.
Exit codes:
  0 written, or as it should be   1 not";

impl Lock {
    /// Writes the file.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        let outcome = self.write(screen);
        settle(outcome, screen)
    }

    fn write(&self, screen: &mut Screen) -> Result<Exit, Failure> {
        let project = Project::named(self.dir.as_deref(), self.options.as_deref())?;
        let engine = project::engine_of(self.engine, &project);
        // Only the tokens count for the checksum, and where they end differs between engines.
        let Some(dialect) = engine else {
            return Err(Failure::usage(crate::command::check::engine_unknown()));
        };
        let loaded = dir::load(&project.dir, &project.shown_as, dialect, Layout::Annotated);
        if !is_sound(&loaded) {
            let errors = loaded
                .diagnostics
                .into_iter()
                .filter(|one| !is_of_lock(one));
            return Err(Failure {
                diagnostics: errors.collect(),
                exit: Exit::Failed,
            });
        }
        let file = project.dir.join(lockfile::FILE_NAME);
        let count = counted(loaded.set.migrations.len(), "migration");
        if self.check {
            let is_there = file.exists();
            let text = fs::read_to_string(&file).unwrap_or_default();
            if text == lockfile::write(&loaded.set) {
                screen.print(&format!("{count}, as locked\n"));
                return Ok(Exit::Done);
            }
            let mut found = loaded.diagnostics;
            found.retain(is_of_lock);
            if found.is_empty() {
                found.push(not_locked(is_there));
            }
            return Err(Failure {
                diagnostics: found,
                exit: Exit::Failed,
            });
        }
        let shown = write(&file, &loaded.set, &project.shown_as)?;
        screen.print(&format!("wrote {shown}: {count}\n"));
        Ok(Exit::Done)
    }
}

/// Whether the migrations themselves could be read.
pub(crate) fn is_sound(loaded: &Loaded) -> bool {
    let mut errors = loaded.diagnostics.iter();
    !errors.any(|one| one.severity == Severity::Error && !is_of_lock(one))
}

/// Writes the file, and gives its name for people.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(file: &Path, set: &Set, folder: &str) -> Result<String, Failure> {
    let shown = format!("{folder}/{}", lockfile::FILE_NAME);
    fs::write(file, lockfile::write(set)).map_err(|error| unwritable(&shown, &error))?;
    Ok(shown)
}

fn is_of_lock(diagnostic: &Diagnostic) -> bool {
    lockfile::CODES.contains(&diagnostic.code)
}

fn not_locked(is_there: bool) -> Diagnostic {
    let message = match is_there {
        true => "the lock file is not as `backstitch lock` writes it",
        false => "there is no lock file",
    };
    Diagnostic::error("lock-outdated", message).help("Write it:\nbackstitch lock")
}
