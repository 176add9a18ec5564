//! Reads a folder of migrations. All file reading of this crate happens here.

use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::options::Options;
use crate::set::Set;

/// How the files of a folder are named and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `0001_users.sql`: ours, one annotated file with UP and DOWN.
    #[default]
    Annotated,
    /// `0001_users.up.sql` and, if there is a way back, `0001_users.down.sql`; no annotations
    /// needed. The folders of sqlx and golang-migrate look like this.
    UpDown,
}

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Every migration that could be read.
    pub set: Set,
    /// What is wrong with them, the lock file included.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file whose content mattered, as absolute paths in order: what a build has to track.
    pub files: Vec<PathBuf>,
}

/// Reads the migrations of `dir`, which people know as `shown_as`.
pub fn load(dir: &Path, shown_as: &str, dialect: Dialect, layout: Layout) -> Loaded {
    let _ = (dir, shown_as, layout);
    let (set, diagnostics) = Set::new(dialect, Vec::new());
    Loaded {
        set,
        diagnostics,
        files: Vec::new(),
    }
}

/// What `backstitch.toml` says.
#[derive(Clone, Debug, Default)]
pub struct LoadedOptions {
    /// The defaults where there is no file.
    pub options: Options,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// The file as an absolute path, where there is one: what a build has to track.
    pub file: Option<PathBuf>,
}

/// Reads the `backstitch.toml` of the folder `dir`; that there is none is fine.
pub fn load_options(dir: &Path) -> LoadedOptions {
    let _ = dir;
    LoadedOptions::default()
}
