//! A folder for a project, and a database for it.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::servers::{Database, Engine};

/// Both are gone when it is dropped.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    database: Database,
}

impl Project {
    /// An empty folder and an empty database; `None` where its server is not there.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn new(engine: Engine) -> Option<Project> {
        let database = Database::create(engine)?;
        let folder = tempfile::tempdir().expect("a folder");
        // The project ends here, whatever is around it.
        fs::create_dir(folder.path().join(".git")).expect("writable");
        Some(Project { folder, database })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Which engine the database is of.
    pub fn engine(&self) -> Engine {
        self.database.engine()
    }

    /// The URL of the database.
    pub fn url(&self) -> &str {
        self.database.url()
    }
}
