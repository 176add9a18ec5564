//! Reads a folder of migrations. All file reading of this crate happens here.
//!
//! Nothing in the folder that looks like a migration is skipped in silence; what a file says is
//! [`migration`]'s work.

mod foreign;
mod layout;
mod name;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::layout::Layout;
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::dialect::Dialect;
use crate::lockfile;
use crate::migration;
use crate::options::{self, Options};
use crate::set::Set;
use crate::source::{Source, Span};

const FOLDER_MISSING: &str = "folder-missing";
const FOLDER_IS_FILE: &str = "folder-is-a-file";
const FOLDER_UNREADABLE: &str = "folder-unreadable";
const NO_MIGRATIONS: &str = "no-migrations";
const FILE_NAME: &str = "file-name";
const FILE_UNREADABLE: &str = "file-unreadable";
const FILE_NOT_UTF8: &str = "file-not-utf8";
const FILE_TOO_LARGE: &str = "file-too-large";
const UP_MISSING: &str = "up-missing";
const OPTIONS_MISSING: &str = "options-missing";

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Every migration that could be read.
    pub set: Set,
    /// What is wrong with them, the lock file included.
    pub diagnostics: Vec<Diagnostic>,
    /// The migrations that are there and could not be read, so that the set has holes.
    pub unread: Vec<Unread>,
    /// Every file whose content mattered, as absolute paths in order: what a build has to track.
    pub files: Vec<PathBuf>,
}

/// A migration that is there and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its id.
    pub id: String,
    /// Where it stands in the order of the folder.
    pub version: u64,
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

/// Reads the migrations of `dir`, which people know as `shown_as`.
pub fn load(dir: &Path, shown_as: &str, dialect: Dialect, layout: Layout) -> Loaded {
    let mut folder = Folder {
        dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()),
        shown_as: shown_as.replace('\\', "/").trim_end_matches('/').to_owned(),
        dialect,
        diagnostics: Vec::new(),
        files: Vec::new(),
        unread: Vec::new(),
    };
    let entries = folder.entries();
    let migrations = match (&entries, layout) {
        (None, _) => Vec::new(),
        (Some(entries), Layout::Annotated) => folder.annotated(entries),
        (Some(entries), _) => folder.foreign(entries, layout),
    };
    let unread: Vec<&str> = folder.unread.iter().map(|unread| &*unread.id).collect();
    let (set, found) = Set::with_unread(dialect, migrations, &unread);
    folder.diagnostics.extend(found);
    folder.compare_with_lock(&entries.unwrap_or_default(), &set);
    folder.files.sort();
    Loaded {
        set,
        diagnostics: folder.diagnostics,
        unread: folder.unread,
        files: folder.files,
    }
}

/// All that [`load`] would look at in `dir`: names and contents. `None` when not all of it can be
/// read, which `load` has more to say about.
pub fn contents(dir: &Path) -> Option<Vec<(String, Vec<u8>)>> {
    let mut names = fs::read_dir(dir)
        .ok()?
        .map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect::<Option<Vec<String>>>()?;
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    let is_read = |name: &str| name::looks_like_sql(name) || name == lockfile::FILE_NAME;
    let contents = names.into_iter().filter(|name| is_read(name)).map(|name| {
        let content = fs::read(dir.join(&name)).ok()?;
        Some((name, content))
    });
    contents.collect()
}

/// Reads the `backstitch.toml` of the folder `dir`; that there is none is fine.
pub fn load_options(dir: &Path) -> LoadedOptions {
    let path = dir.join(options::FILE_NAME);
    if fs::symlink_metadata(&path).is_err() {
        return LoadedOptions::default();
    }
    load_options_file(&path, options::FILE_NAME)
}

/// Reads an options file of any name, which people know as `shown_as`; it must be there.
pub fn load_options_file(path: &Path, shown_as: &str) -> LoadedOptions {
    if !path.exists() {
        return LoadedOptions {
            diagnostics: vec![options_missing(path, shown_as)],
            ..LoadedOptions::default()
        };
    }
    let file = Some(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    match read(path, shown_as) {
        Ok(source) => {
            let (options, diagnostics) = options::parse(&source);
            LoadedOptions {
                options,
                diagnostics,
                file,
            }
        }
        Err(diagnostic) => LoadedOptions {
            diagnostics: vec![*diagnostic],
            file: file.filter(|file| file.is_file()),
            ..LoadedOptions::default()
        },
    }
}

struct Folder {
    dir: PathBuf,
    shown_as: String,
    dialect: Dialect,
    diagnostics: Vec<Diagnostic>,
    files: Vec<PathBuf>,
    unread: Vec<Unread>,
}

impl Folder {
    /// The names in the folder, sorted, without hidden ones. `None` when it cannot be listed.
    fn entries(&mut self) -> Option<Vec<String>> {
        let listed = fs::read_dir(&self.dir).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<String>>>()
        });
        match listed {
            Ok(mut names) => {
                names.retain(|name| !name.starts_with('.'));
                names.sort();
                Some(names)
            }
            Err(error) => {
                self.diagnostics.push(self.unlistable(&error));
                None
            }
        }
    }

    fn annotated(&mut self, entries: &[String]) -> Vec<migration::Migration> {
        let files: Vec<&String> = entries
            .iter()
            .filter(|name| name::looks_like_sql(name))
            .collect();
        if files.is_empty() {
            self.diagnostics.push(self.no_migrations(Layout::Annotated));
        }
        let next = name::next_version(files.iter().map(|name| name.as_str()));
        let mut migrations = Vec::new();
        for file in files {
            let Some(id) = name::annotated_id(file) else {
                self.diagnostics.push(self.misnamed(file, &next));
                continue;
            };
            let migration = self.read(file, id).and_then(|source| {
                let (migration, found) = migration::parse(id, &source, self.dialect);
                self.diagnostics.extend(found);
                migration
            });
            match migration {
                Some(migration) => migrations.push(migration),
                None => self.unread.push(Unread {
                    id: id.to_owned(),
                    version: migration::version_of(id).unwrap_or_default(),
                }),
            }
        }
        migrations
    }

    fn compare_with_lock(&mut self, entries: &[String], set: &Set) {
        if !entries.iter().any(|name| name == lockfile::FILE_NAME) {
            return;
        }
        let Some(source) = self.read(lockfile::FILE_NAME, "") else {
            return;
        };
        let (lock, found) = lockfile::parse(&source);
        // What the file says is only worth comparing when all of it could be read.
        let differences = match found.is_empty() {
            true => lockfile::compare(&lock, set),
            false => Vec::new(),
        };
        let is_unread = |diagnostic: &Diagnostic| {
            let id = diagnostic.migration.as_ref();
            id.is_some_and(|id| self.unread.iter().any(|unread| unread.id == *id))
        };
        let differences = differences
            .into_iter()
            .filter(|diagnostic| !is_unread(diagnostic));
        let found: Vec<Diagnostic> = found.into_iter().chain(differences).collect();
        self.diagnostics.extend(found);
    }

    /// The text of a file of the folder, which is tracked from now on.
    fn read(&mut self, file: &str, id: &str) -> Option<Source> {
        let path = self.dir.join(file);
        match read(&path, &self.shown(file)) {
            Ok(source) => {
                self.files.push(path);
                Some(source)
            }
            Err(mut diagnostic) => {
                if path.is_file() {
                    self.files.push(path);
                }
                diagnostic.migration = (!id.is_empty()).then(|| id.to_owned());
                self.diagnostics.push(*diagnostic);
                None
            }
        }
    }

    /// The path of a file as people see it.
    fn shown(&self, file: &str) -> String {
        match self.shown_as.as_str() {
            "" => file.to_owned(),
            shown_as => format!("{shown_as}/{file}"),
        }
    }

    fn at(&self, diagnostic: Diagnostic, file: &str) -> Diagnostic {
        diagnostic.at(&Source::new(self.shown(file), ""), Span::default(), "")
    }

    fn at_folder(&self, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.at(&Source::new(self.shown_as.clone(), ""), Span::default(), "")
    }

    fn unlistable(&self, error: &io::Error) -> Diagnostic {
        let shown = &self.shown_as;
        let diagnostic = match error.kind() {
            io::ErrorKind::NotFound => {
                let help = match sibling(&self.dir, shown, Path::is_dir) {
                    Some(near) => format!("Did you mean the folder:\n{near}"),
                    None => format!(
                        "Correct the path, or make the folder and its first migration:\n\
                         backstitch new --dir {shown} first_step"
                    ),
                };
                Diagnostic::error(FOLDER_MISSING, format!("there is no folder `{shown}`"))
                    .help(help)
            }
            io::ErrorKind::NotADirectory => Diagnostic::error(
                FOLDER_IS_FILE,
                format!("`{shown}` is a file, not a folder"),
            )
            .help("Name the folder that holds the migrations; each migration is a file in it."),
            _ => Diagnostic::error(
                FOLDER_UNREADABLE,
                format!("`{shown}` cannot be read: {error}"),
            )
            .help("Check the permissions of the folder."),
        };
        self.at_folder(
            diagnostic.why("Migrations are embedded from this folder when the service compiles."),
        )
    }

    fn no_migrations(&self, layout: Layout) -> Diagnostic {
        let shown = &self.shown_as;
        let message = format!("there are no migrations in `{shown}`");
        let diagnostic = self
            .at_folder(Diagnostic::warn(NO_MIGRATIONS, message))
            .why("A path that is right by accident looks just like this.");
        diagnostic.help(match layout == Layout::Annotated {
            true => "Write the first one:\nbackstitch new first_step",
            false => "Name the folder that holds them.",
        })
    }

    fn misnamed(&self, file: &str, next: &str) -> Diagnostic {
        let message = format!("`{file}` is not the name of a migration");
        let help = match name::half_of(file) {
            Some(meant) => format!(
                "Put the UP and the DOWN into one file (`backstitch import` does it for a whole \
                 folder):\n{meant}"
            ),
            None => format!("Rename it:\n{}", name::corrected(file, next)),
        };
        self.at(Diagnostic::error(FILE_NAME, message), file)
            .why(
                "A migration is `VERSION_slug.sql`: 4 to 18 digits, an underscore, and lower-case \
                 letters, digits and underscores. A file with another name would be left out.",
            )
            .help(help)
    }
}

fn options_missing(path: &Path, shown: &str) -> Diagnostic {
    let help = match sibling(path, shown, Path::is_file) {
        Some(near) => format!("Did you mean the file:\n{near}"),
        None => "Correct the path, or make the file; it may be empty.".to_owned(),
    };
    Diagnostic::error(OPTIONS_MISSING, format!("there is no file `{shown}`"))
        .at(&Source::new(shown, ""), Span::default(), "")
        .why("Options that are not read are options that do not hold.")
        .help(help)
}

/// What stands beside the missing `path`, known as `shown`, and was probably meant.
fn sibling(path: &Path, shown: &str, is_candidate: fn(&Path) -> bool) -> Option<String> {
    let mut candidates: Vec<String> = fs::read_dir(path.parent()?)
        .ok()?
        .filter_map(|entry| entry.ok().filter(|entry| is_candidate(&entry.path())))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    candidates.sort();
    let name = path.file_name()?.to_string_lossy().into_owned();
    let near = did_you_mean(&name, candidates.iter().map(String::as_str))?;
    let shown = shown.strip_suffix(&name)?;
    Some(format!("{shown}{near}"))
}

/// Reads a text file, shown to people as `shown`.
fn read(path: &Path, shown: &str) -> Result<Source, Box<Diagnostic>> {
    let unreadable = |message: String| {
        Diagnostic::error(FILE_UNREADABLE, message)
            .at(&Source::new(shown, ""), Span::default(), "")
            .why("A migration that cannot be read cannot be embedded.")
    };
    let failed = |error: io::Error| {
        Box::new(match (error.kind(), fs::read_link(path)) {
            (io::ErrorKind::NotFound, Ok(target)) => unreadable(format!(
                "the file is a link to `{}`, which does not exist",
                target.display()
            ))
            .help("Correct the link, or delete it."),
            _ => unreadable(format!("the file cannot be read: {error}"))
                .help("Check the permissions of the file."),
        })
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(Box::new(
            unreadable("this is a folder, not a file".to_owned()).help(
                "Folders inside are not read: move the migrations up, and rename the folder.",
            ),
        ));
    }
    if metadata.len() > Source::MAX_LEN as u64 {
        return Err(Box::new(too_large(shown, metadata.len())));
    }
    let bytes = fs::read(path).map_err(failed)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(shown, text)),
        Err(error) => Err(Box::new(not_utf8(shown, &error))),
    }
}

fn too_large(shown: &str, len: u64) -> Diagnostic {
    Diagnostic::error(FILE_TOO_LARGE, format!("the file has {} MiB", len >> 20))
        .at(&Source::new(shown, ""), Span::default(), "")
        .why(format!(
            "Migrations are embedded in the program; files up to {} MiB are read.",
            Source::MAX_LEN >> 20
        ))
        .help("Load bulk data from where it is, by a job of its own, instead of by a migration.")
}

fn not_utf8(shown: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let good = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    // Up to the first bad byte the lossy text is the same, so the place is too.
    let source = Source::new(shown, String::from_utf8_lossy(bytes).into_owned());
    let bad = Span::new(good..good + '\u{fffd}'.len_utf8());
    let help = match bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        true => "The file looks like UTF-16; save it as UTF-8.",
        false => "Save the file as UTF-8.",
    };
    Diagnostic::error(FILE_NOT_UTF8, "the file is not UTF-8")
        .at(&source, bad, format!("the byte 0x{:02x}", bytes[good]))
        .why("In another encoding the same bytes are other letters, in names and in data.")
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "-- UP MIGRATION\nSELECT 1;\n-- DOWN MIGRATION\nSELECT 2;\n";

    fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
        let about_files = diagnostics
            .iter()
            .filter(|d| d.code != "annotation-missing");
        about_files.map(|diagnostic| diagnostic.code).collect()
    }

    fn load_annotated(dir: &Path, shown_as: &str) -> Loaded {
        load(dir, shown_as, Dialect::Postgres, Layout::Annotated)
    }

    #[test]
    fn files_are_sorted_tracked_and_shown_with_forward_slashes() {
        let dir = tempfile::tempdir().expect("a folder");
        for name in [
            "0010_b.sql",
            "0002_a.sql",
            ".#0003_c.sql",
            "0004_d.sql~",
            "README.md",
        ] {
            fs::write(dir.path().join(name), TEXT).expect("writable");
        }
        fs::create_dir(dir.path().join("old")).expect("a folder");
        let loaded = load_annotated(dir.path(), "db\\migrations/");
        assert_eq!(codes(&loaded.diagnostics), [""; 0]);
        let paths: Vec<&str> = loaded
            .set
            .migrations
            .iter()
            .map(|m| m.source().path())
            .collect();
        assert_eq!(
            paths,
            ["db/migrations/0002_a.sql", "db/migrations/0010_b.sql"]
        );
        assert_eq!(
            loaded.files,
            [dir.path().join("0002_a.sql"), dir.path().join("0010_b.sql")]
        );

        fs::write(
            dir.path().join(lockfile::FILE_NAME),
            lockfile::write(&loaded.set),
        )
        .expect("writable");
        let loaded = load_annotated(dir.path(), "");
        assert_eq!(codes(&loaded.diagnostics), [""; 0]);
        assert!(loaded.files.contains(&dir.path().join(lockfile::FILE_NAME)));
        assert_eq!(loaded.set.migrations[0].source().path(), "0002_a.sql");
    }

    #[test]
    fn a_missing_folder_names_its_near_sibling() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("migrations")).expect("a folder");
        fs::write(dir.path().join("file"), "").expect("writable");
        let missing = load_annotated(&dir.path().join("migration"), "db/migration");
        assert_eq!(codes(&missing.diagnostics), [FOLDER_MISSING]);
        assert!(missing.diagnostics[0].help.ends_with("\ndb/migrations"));
        let far = load_annotated(&dir.path().join("elsewhere"), "elsewhere");
        assert_eq!(codes(&far.diagnostics), [FOLDER_MISSING]);
        let file = load_annotated(&dir.path().join("file"), "file");
        assert_eq!(codes(&file.diagnostics), [FOLDER_IS_FILE]);
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink("nowhere.sql", at("0001_dangling.sql")).expect("a link");
        fs::create_dir(at("0002_folder.sql")).expect("a folder");
        fs::write(at("target"), TEXT).expect("writable");
        std::os::unix::fs::symlink("target", at("0003_link.sql")).expect("a link");
        let large = fs::File::create(at("0004_large.sql")).expect("writable");
        large
            .set_len(Source::MAX_LEN as u64 + 1)
            .expect("a sparse file");
        fs::write(at("0005_utf16.sql"), b"\xff\xfeS\0").expect("writable");
        let loaded = load_annotated(dir.path(), "migrations");
        assert_eq!(
            codes(&loaded.diagnostics),
            [
                FILE_UNREADABLE,
                FILE_UNREADABLE,
                FILE_TOO_LARGE,
                FILE_NOT_UTF8
            ]
        );
        assert!(loaded.diagnostics[0].message.contains("`nowhere.sql`"));
        assert!(loaded.diagnostics.iter().any(|d| d.help.contains("UTF-16")));
        assert_eq!(loaded.set.migrations.len(), 1);
    }

    #[test]
    fn options_may_be_absent() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(load_options(dir.path()).file, None);
        assert_eq!(codes(&load_options(dir.path()).diagnostics), [""; 0]);
        let named = load_options_file(&dir.path().join("x.toml"), "x.toml");
        assert_eq!(codes(&named.diagnostics), [OPTIONS_MISSING]);
        fs::write(dir.path().join(options::FILE_NAME), "engine = \"mysql\"").expect("writable");
        let loaded = load_options(dir.path());
        assert_eq!(loaded.options.engine, Some(Dialect::MySql));
        assert_eq!(loaded.file, Some(dir.path().join(options::FILE_NAME)));
        fs::write(dir.path().join(options::FILE_NAME), b"\xff").expect("writable");
        assert_eq!(
            codes(&load_options(dir.path()).diagnostics),
            [FILE_NOT_UTF8]
        );
    }
}
