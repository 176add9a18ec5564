//! Which folder is meant, and which options hold for it.
//!
//! Without a word it is the project around the current folder, as cargo has it. The macro looks
//! beside `Cargo.toml` only; where that has an answer, it is the answer here too.

use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

use backstitch_core::dir::{self, LoadedOptions};
use backstitch_core::options;
use backstitch_core::{Diagnostic, Dialect};

use crate::failure::Failure;
use crate::variables::Variables;

/// The folder where neither the call nor the options name one.
const DEFAULT_FOLDER: &str = "migrations";

/// A folder of migrations and what its team has decided.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) options: LoadedOptions,
    /// The folder of the options file, or the one that could have it.
    pub(crate) base: PathBuf,
    /// The folder on this machine.
    pub(crate) dir: PathBuf,
    /// The folder as it is shown to people: as seen from where they are.
    pub(crate) shown_as: String,
}

/// What the call says about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place<'p> {
    /// A folder of migrations, or of a project.
    pub(crate) dir: Option<&'p Path>,
    /// The options file.
    pub(crate) options: Option<&'p Path>,
}

impl Project {
    /// Finds it, as seen from the current folder.
    ///
    /// # Errors
    /// When it is not clear which one is meant, or the current folder is gone.
    pub(crate) fn named(dir: Option<&Path>, options: Option<&Path>) -> Result<Project, Failure> {
        let found = Project::find(&here()?, Place { dir, options });
        found.map_err(|unclear| Failure::usage(*unclear))
    }

    /// The one around a program that brings its migrations along: it may run where there is none,
    /// and nothing is looked for below.
    ///
    /// # Errors
    /// When the current folder is gone.
    pub(crate) fn of_program(options: Option<&Path>) -> Result<Project, Failure> {
        let here = here()?;
        if options.is_some() {
            return Project::named(None, options);
        }
        let base = around(&here).unwrap_or_else(|| here.clone());
        Ok(Project::of(&here, &base, read_options(&here, &base), None))
    }

    /// Finds it, as seen from the folder `here`.
    ///
    /// # Errors
    /// When it is not clear which one is meant.
    pub(crate) fn find(here: &Path, place: Place<'_>) -> Result<Project, Box<Diagnostic>> {
        let named = place.dir.map(|dir| here.join(dir));
        if let Some(file) = place.options {
            let file = here.join(file);
            let options = dir::load_options_file(&file, &shown(&file, here));
            let base = file.parent().unwrap_or(here).to_owned();
            return Ok(Project::of(here, &base, options, named));
        }
        let Some(named) = named else {
            let base = around(here).map_or_else(|| only_one_below(here), Ok)?;
            return Ok(Project::of(here, &base, read_options(here, &base), None));
        };
        if is_project(&named) {
            return Ok(Project::of(here, &named, read_options(here, &named), None));
        }
        let base = upwards(&named).find(|folder| holds_options(folder));
        let options = base.map_or_else(LoadedOptions::default, |base| read_options(here, base));
        let base = base.unwrap_or(&named);
        Ok(Project::of(here, base, options, Some(named.clone())))
    }

    fn of(here: &Path, base: &Path, options: LoadedOptions, named: Option<PathBuf>) -> Project {
        let dir = options.options.dir.as_deref().unwrap_or(DEFAULT_FOLDER);
        let dir = named.unwrap_or_else(|| base.join(dir));
        Project {
            shown_as: shown(&dir, here),
            base: base.to_owned(),
            options,
            dir,
        }
    }
}

/// The engine that the migrations of a project are for: as the call says, or its options, or the
/// database that it is developed with.
pub(crate) fn engine_of(named: Option<Dialect>, project: &Project) -> Option<Dialect> {
    let by_url = || {
        let url = Variables::read(None, &project.base)
            .ok()?
            .get("DATABASE_URL")?;
        Dialect::of_url(&url)
    };
    named.or(project.options.options.engine).or_else(by_url)
}

/// The folder in which the program was called.
///
/// # Errors
/// When it is gone.
pub(crate) fn here() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        let message = format!("the current folder cannot be told: {error}");
        Failure::usage(Diagnostic::error("folder-unreadable", message))
    })
}

/// The nearest folder from `here` upwards that says something about migrations.
fn around(here: &Path) -> Option<PathBuf> {
    upwards(here)
        .find(|folder| is_project(folder))
        .map(Path::to_owned)
}

/// The folder and those around it, up to that of the crate or the repository.
fn upwards(from: &Path) -> impl Iterator<Item = &Path> {
    let is_last = |folder: &Path| {
        ["Cargo.toml", ".git"]
            .iter()
            .any(|name| folder.join(name).exists())
    };
    let mut is_over = false;
    from.ancestors().take_while(move |folder| {
        let goes_on = !is_over;
        is_over = is_last(folder);
        goes_on
    })
}

/// The project in the folders below, for calls from the root of a workspace.
fn only_one_below(here: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let mut found = below(here, 3);
    found.sort();
    match &found[..] {
        [only] => Ok(only.clone()),
        // Reading the missing folder tells what is missing.
        [] => Ok(here.to_owned()),
        several => Err(Box::new(project_unclear(here, several))),
    }
}

/// Folders with options at most `depth` below.
fn below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| {
        let name = entry.file_name();
        let is_other =
            name.to_string_lossy().starts_with('.') || name == "target" || name == "node_modules";
        !is_other && entry.file_type().is_ok_and(|kind| kind.is_dir())
    });
    let mut found = Vec::new();
    for inner in folders.map(|entry| entry.path()) {
        if holds_options(&inner) {
            found.push(inner);
        } else if depth > 1 {
            found.extend(below(&inner, depth - 1));
        }
    }
    found
}

fn is_project(folder: &Path) -> bool {
    holds_options(folder) || folder.join(DEFAULT_FOLDER).is_dir()
}

fn holds_options(folder: &Path) -> bool {
    folder.join(options::FILE_NAME).exists()
}

fn read_options(here: &Path, base: &Path) -> LoadedOptions {
    match holds_options(base) {
        true => {
            let file = base.join(options::FILE_NAME);
            dir::load_options_file(&file, &shown(&file, here))
        }
        false => LoadedOptions::default(),
    }
}

/// The path as seen from `here`, with forward slashes.
pub(crate) fn shown(path: &Path, here: &Path) -> String {
    let path = tidy(path);
    let here = tidy(here);
    let common = path
        .components()
        .zip(here.components())
        .take_while(|(one, other)| one == other)
        .count();
    // Another drive, or no more in common than the root of everything.
    if common < 2 {
        return path.to_string_lossy().replace(MAIN_SEPARATOR, "/");
    }
    let up = here.components().skip(common).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(common)).collect();
    match relative.to_string_lossy().replace(MAIN_SEPARATOR, "/") {
        same if same.is_empty() => ".".to_owned(),
        relative => relative,
    }
}

/// The path without `.` and, where nothing is behind them, `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                tidy.push(component);
            }
        }
    }
    tidy
}

fn project_unclear(here: &Path, several: &[PathBuf]) -> Diagnostic {
    let calls: Vec<String> = several
        .iter()
        .map(|project| format!("backstitch check {}", shown(project, here)))
        .collect();
    let message = format!("there are {} projects with migrations here", several.len());
    Diagnostic::error("project-unclear", message)
        .why("Each has its own engine and its own options.")
        .help(format!("Name one:\n{}", calls.join("\n")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(files: &[&str]) -> Tree {
            let tree = Tree(tempfile::tempdir().expect("a folder"));
            for file in files {
                let path = tree.0.path().join(file);
                fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
                fs::write(path, "").expect("writable");
            }
            tree
        }

        /// The folder and the options file that are found from `here`.
        #[track_caller]
        fn check(&self, here: &str, dir: Option<&str>, expected: &str, options: Option<&str>) {
            let place = Place {
                dir: dir.map(Path::new),
                options: None,
            };
            let here = tidy(&self.0.path().join(here));
            let project = Project::find(&here, place).expect("one project");
            assert_eq!(project.shown_as, expected);
            let file = options.map(|file| self.0.path().join(file));
            assert_eq!(project.options.file, file);
        }
    }

    #[test]
    fn the_project_around() {
        let tree = Tree::new(&[
            "service/Cargo.toml",
            "service/backstitch.toml",
            "service/src/a/b.rs",
            "service/migrations/0001_a.sql",
            "service/db/0001_a.sql",
            "other/Cargo.toml",
            "other/src/a.rs",
            "third/migrations/0001_a.sql",
            "backstitch.toml",
        ]);
        let options = Some("service/backstitch.toml");
        tree.check("service", None, "migrations", options);
        tree.check("service/src/a", None, "../../migrations", options);
        tree.check("service/migrations", None, ".", options);
        tree.check("service", Some("db"), "db", options);
        tree.check("service", Some("./db/"), "db", options);
        tree.check("service", Some("."), "migrations", options);
        tree.check("", Some("service"), "service/migrations", options);
        tree.check("", Some("service/db"), "service/db", options);
        tree.check("", Some("third"), "third/migrations", None);
        // The options of another crate are none of this one.
        tree.check("other", Some("db"), "db", None);
        tree.check("other/src", None, "migrations", None);
    }

    #[test]
    fn the_only_project_below() {
        let tree = Tree::new(&[
            "Cargo.toml",
            "crates/db/backstitch.toml",
            "target/backstitch.toml",
        ]);
        let options = Some("crates/db/backstitch.toml");
        tree.check("", None, "crates/db/migrations", options);
        fs::write(tree.0.path().join("crates/backstitch.toml"), "").expect("writable");
        tree.check(
            "",
            None,
            "crates/migrations",
            Some("crates/backstitch.toml"),
        );
    }

    #[test]
    fn one_of_several_projects_must_be_named() {
        let tree = Tree::new(&["Cargo.toml", "a/backstitch.toml", "b/c/backstitch.toml"]);
        let unclear = Project::find(tree.0.path(), Place::default()).expect_err("two projects");
        assert_eq!(
            unclear.help,
            "Name one:\nbackstitch check a\nbackstitch check b/c"
        );
    }

    #[test]
    fn an_options_file_by_name() {
        let tree = Tree::new(&["db/pg.toml"]);
        let find = |dir: Option<&str>| {
            let place = Place {
                dir: dir.map(Path::new),
                options: Some(Path::new("db/pg.toml")),
            };
            let project = Project::find(tree.0.path(), place).expect("one project");
            project.shown_as
        };
        assert_eq!(find(None), "db/migrations");
        assert_eq!(find(Some("sql")), "sql");
    }

    #[test]
    fn paths_are_shown_from_here() {
        let shown = |path: &str, here: &str| shown(Path::new(path), Path::new(here));
        assert_eq!(shown("/a/b/c", "/a/b"), "c");
        assert_eq!(shown("/a/b/../c", "/a/b"), "../c");
        assert_eq!(shown("/a/b", "/a/b"), ".");
        assert_eq!(shown("/x/y", "/a/b"), "/x/y");
    }
}
