//! A small service in a folder of its own, built by the real cargo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use backstitch_core::Dialect;
use backstitch_core::dir::{self, Layout};
use backstitch_core::lockfile;

/// What a build came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Built {
    /// The compiler ran.
    Anew(Vec<String>),
    /// Cargo found nothing to do.
    Fresh(Vec<String>),
    /// It does not compile.
    Not,
}

/// A service that prints the ids of its migrations.
pub(crate) struct Project {
    root: PathBuf,
    name: String,
    stderr: String,
}

const MAIN: &str = r#"
use backstitch::{Migrations, migrations};

static MIGRATIONS: Migrations<backstitch::engines::Sqlite> = migrations!();

fn main() {
    for migration in MIGRATIONS.iter() {
        println!("{}", migration.id);
    }
}
"#;

impl Project {
    /// A service with the migration `0001_users` and an options file that names the engine.
    pub(crate) fn new(name: &str) -> Project {
        let root = scratch().join(name);
        if root.exists() {
            fs::remove_dir_all(&root).expect("the project of an earlier run is removed");
        }
        let project = Project {
            root,
            name: name.to_owned(),
            stderr: String::new(),
        };
        project.write("Cargo.toml", &project.manifest());
        project.write("src/main.rs", MAIN);
        project.write("backstitch.toml", "engine = \"sqlite\"\n");
        project.add_migration("0001_users");
        let lock = workspace().join("Cargo.lock");
        fs::copy(lock, project.root.join("Cargo.lock")).expect("the versions are known");
        project
    }

    /// Writes a file, and its folder when there is none.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        let folder = path.parent().expect("it is in the project");
        fs::create_dir_all(folder).expect("a folder is made");
        fs::write(path, text).expect("a file is written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).expect("a file is read")
    }

    /// The stamps of the macro, with what they hold.
    pub(crate) fn stamps(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let build = target().join("debug/build");
        let own = format!("{}-", self.name);
        let folders = fs::read_dir(build).into_iter().flatten().flatten();
        let folders = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own));
        let files = folders
            .filter_map(|folder| fs::read_dir(folder.path().join("out")).ok())
            .flat_map(|files| files.flatten().map(|file| file.path()));
        let mut stamps: Vec<_> = files
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "stamp")
            })
            .map(|path| (path.clone(), fs::read(path).expect("a stamp is read")))
            .collect();
        stamps.sort();
        stamps
    }

    /// Compiles the service again, as after an edit elsewhere in it.
    pub(crate) fn touch(&self) {
        let path = "src/main.rs";
        self.write(path, &format!("{}\n// An edit.\n", self.read(path)));
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).expect("a file is removed");
    }

    /// Writes a migration that makes a table; `id` names both.
    pub(crate) fn add_migration(&self, id: &str) {
        self.write(&format!("migrations/{id}.sql"), &migration(id));
    }

    /// Writes the lock file, as `backstitch lock` does.
    pub(crate) fn lock(&self) {
        let lock = self.root.join("migrations").join(lockfile::FILE_NAME);
        if lock.exists() {
            fs::remove_file(&lock).expect("the old lock file is removed");
        }
        let dir = self.root.join("migrations");
        let loaded = dir::load(&dir, "migrations", Dialect::Sqlite, Layout::Annotated);
        assert_eq!(loaded.diagnostics, [], "the folder is without mistakes");
        fs::write(lock, lockfile::write(&loaded.set)).expect("the lock file is written");
    }

    /// Runs `cargo build`, and the program when there is one.
    pub(crate) fn build(&mut self) -> Built {
        let output = self.cargo_build();
        self.stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Built::Not;
        }
        let compiled = format!("Compiling {} ", self.name);
        let ids = self.run();
        if self.stderr.contains(&compiled) {
            Built::Anew(ids)
        } else {
            Built::Fresh(ids)
        }
    }

    /// What the compiler said.
    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }

    fn cargo_build(&self) -> Output {
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--offline", "--color=never"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", target())
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .expect("cargo starts")
    }

    fn run(&self) -> Vec<String> {
        let program = target().join("debug").join(&self.name);
        let output = Command::new(program.with_extension(std::env::consts::EXE_EXTENSION))
            .output()
            .expect("the service starts");
        assert!(output.status.success(), "{output:?}");
        let stdout = String::from_utf8(output.stdout).expect("ids are ASCII");
        stdout.lines().map(str::to_owned).collect()
    }

    fn manifest(&self) -> String {
        let runtime = workspace().join("runtime");
        format!(
            "[package]\n\
             name = \"{}\"\n\
             version = \"0.1.0\"\n\
             edition = \"2024\"\n\
             \n\
             [dependencies]\n\
             backstitch = {{ path = {runtime:?}, features = [\"sqlite\"] }}\n\
             \n\
             # It stands below another workspace.\n\
             [workspace]\n\
             \n\
             [profile.dev]\n\
             debug = false\n",
            self.name
        )
    }
}

/// A migration that makes the table `id`.
pub(crate) fn migration(id: &str) -> String {
    format!(
        "-- @name: Table {id}\n\
         -- @description: A table.\n\
         -- @timestamp: 2026-01-05T10:00:00Z\n\
         -- @rollbackSafe: true\n\
         \n\
         -- UP MIGRATION\n\
         CREATE TABLE t{id} (id INTEGER PRIMARY KEY);\n\
         \n\
         -- DOWN MIGRATION\n\
         DROP TABLE t{id};\n"
    )
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is in the workspace")
}

fn scratch() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild")
}

/// One for all projects, so that what they depend on is compiled once.
fn target() -> PathBuf {
    scratch().join("target")
}
