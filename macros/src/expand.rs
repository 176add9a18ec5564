//! From the arguments of `migrations!` to the migrations, or to what is wrong with them.
//!
//! Reading Rust is left to [`arguments`], writing it to [`emit`], and everything about migrations
//! to `backstitch_core`.

use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

use backstitch_core::checksum::Digest;
use backstitch_core::diagnostic::{Diagnostic, Severity};
use backstitch_core::dialect::Dialect;
use backstitch_core::dir::{self, Layout, LoadedOptions};
use backstitch_core::migration::Migration;
use backstitch_core::options;
use backstitch_core::rule;
use proc_macro2::{Span, TokenStream};
use syn::LitStr;

use crate::arguments::{self, Arguments, Mistake, Place};
use crate::emit;

/// The folder where neither the service nor the options name one.
const DEFAULT_FOLDER: &str = "migrations";

/// What the binary will hold.
pub(crate) struct Embedded {
    /// The SQL the files are written in.
    pub(crate) dialect: Dialect,
    /// The folder as it is shown to people.
    pub(crate) shown_as: String,
    /// The folder on this machine.
    pub(crate) dir: PathBuf,
    /// Of the whole set.
    pub(crate) digest: Digest,
    /// In order.
    pub(crate) files: Vec<File>,
}

/// One migration.
pub(crate) struct File {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// Everything but the text.
    pub(crate) facts: String,
}

/// What `migrations!` becomes. Never panics; always an expression of the right type.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    guard(|| {
        let (arguments, mistakes) = arguments::parse(input);
        let mut findings = Findings::new(&arguments, mistakes);
        let embedded = embed(&arguments, &mut findings);
        findings.emit(embedded.as_ref())
    })
}

/// Runs `expand`, and turns a bug of ours into a compile error that says so.
fn guard(expand: impl FnOnce() -> TokenStream) -> TokenStream {
    std::panic::catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|panic| {
        let place = Place::at(Span::call_site());
        let report = emit::report(place, &internal_error(panic.as_ref()));
        emit::block([report], &emit::invalid(None))
    })
}

/// Everything that came to light about one `migrations!`.
struct Findings {
    /// Where in the service's code something is shown that is wrong elsewhere.
    here: Place,
    dialect: Option<Dialect>,
    reports: Vec<(Place, Diagnostic)>,
    tracked: Vec<PathBuf>,
}

impl Findings {
    fn new(arguments: &Arguments, mistakes: Vec<Mistake>) -> Findings {
        let literal = arguments.folder.as_ref().or(arguments.options.as_ref());
        let reports = mistakes
            .into_iter()
            .map(|mistake| (mistake.place, mistake.diagnostic));
        Findings {
            here: Place::at(literal.map_or_else(Span::call_site, LitStr::span)),
            dialect: arguments.dialect,
            reports: reports.collect(),
            tracked: Vec::new(),
        }
    }

    fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        let here = self.here;
        self.reports
            .extend(diagnostics.into_iter().map(|diagnostic| (here, diagnostic)));
    }

    fn has_errors(&self) -> bool {
        self.reports
            .iter()
            .any(|(_, diagnostic)| diagnostic.severity == Severity::Error)
    }

    fn emit(&self, embedded: Option<&Embedded>) -> TokenStream {
        let tracked = self.tracked.iter().map(|file| emit::track(file));
        let reports = self
            .reports
            .iter()
            .map(|(place, found)| emit::report(*place, found));
        let value = embedded.map_or_else(|| emit::invalid(self.dialect), emit::embedded);
        emit::block(tracked.chain(reports), &value)
    }
}

/// Reads the options and the migrations. What is wrong with them goes to `findings`.
fn embed(arguments: &Arguments, findings: &mut Findings) -> Option<Embedded> {
    // What wrong arguments would lead to is not worth an error of its own.
    if findings.has_errors() {
        return None;
    }
    let Some(crate_dir) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        findings.extend([outside_cargo()]);
        return None;
    };
    let LoadedOptions {
        options,
        diagnostics,
        file,
    } = read_options(&crate_dir, arguments);
    findings.dialect = arguments.dialect.or(options.engine);
    findings.tracked.extend(file);
    findings.extend(diagnostics);
    if findings.dialect.is_none() && !findings.has_errors() {
        findings.extend([engine_unknown(arguments)]);
    }
    let dialect = findings.dialect?;

    let folder = Folder::find(&crate_dir, arguments, options.dir.as_deref());
    // Nothing is said about a folder that is only a guess, because the options are unreadable.
    let is_guess = arguments.folder.is_none() && options.dir.is_none();
    if is_guess && findings.has_errors() && !folder.path.exists() {
        return None;
    }
    let loaded = dir::load(&folder.path, &folder.shown_as, dialect, Layout::Annotated);
    findings.extend(loaded.diagnostics);
    if !findings.has_errors() {
        findings.extend(options.check_since(&loaded.set));
        findings.extend(options.check_rules(rule::names()));
    }
    if findings.has_errors() {
        findings.tracked.extend(loaded.files);
        return None;
    }
    let files: Vec<_> = loaded
        .set
        .migrations
        .iter()
        .map(|one| folder.file(one))
        .collect();
    let embedded: HashSet<_> = files.iter().map(|file| &file.path).collect();
    findings.tracked.extend(
        loaded
            .files
            .into_iter()
            .filter(|file| !embedded.contains(file)),
    );
    Some(Embedded {
        dialect,
        digest: loaded.set.digest(),
        shown_as: folder.shown_as,
        dir: folder.path,
        files,
    })
}

fn read_options(crate_dir: &Path, arguments: &Arguments) -> LoadedOptions {
    match &arguments.options {
        Some(file) => {
            let file = PathBuf::from(file.value());
            dir::load_options_file(&crate_dir.join(&file), &shown_as(&file))
        }
        None => dir::load_options(crate_dir),
    }
}

/// A folder of migrations.
struct Folder {
    path: PathBuf,
    shown_as: String,
}

impl Folder {
    /// What the service says comes first, then what the options say, as seen from their file.
    fn find(crate_dir: &Path, arguments: &Arguments, dir: Option<&str>) -> Folder {
        let named = match &arguments.folder {
            Some(folder) => PathBuf::from(folder.value()),
            None => {
                let options = arguments.options.as_ref().map(LitStr::value);
                PathBuf::from(options.unwrap_or_else(|| options::FILE_NAME.to_owned()))
                    .with_file_name(dir.unwrap_or(DEFAULT_FOLDER))
            }
        };
        let path = crate_dir.join(&named);
        Folder {
            shown_as: shown_as(path.strip_prefix(crate_dir).unwrap_or(&named)),
            path: real_path(path),
        }
    }

    fn file(&self, migration: &Migration) -> File {
        let shown = Path::new(migration.source().path());
        let name = shown.file_name().expect("a migration comes from a file");
        File {
            path: self.path.join(name),
            facts: migration.to_facts(),
        }
    }
}

/// The path as people and editors read it, with forward slashes.
fn shown_as(path: &Path) -> String {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let path = parts.collect::<PathBuf>();
    let path = path.to_string_lossy().replace(MAIN_SEPARATOR, "/");
    if path.is_empty() {
        ".".to_owned()
    } else {
        path
    }
}

/// The path without links and detours, in the form that `include_str!` takes.
fn real_path(path: PathBuf) -> PathBuf {
    let Ok(real) = path.canonicalize() else {
        return path;
    };
    // Windows answers `\\?\C:\…`, which not every tool understands.
    match real.to_str().and_then(|real| real.strip_prefix(r"\\?\")) {
        Some(plain) if !plain.starts_with("UNC") => PathBuf::from(plain),
        Some(_) | None => real,
    }
}

fn engine_unknown(arguments: &Arguments) -> Diagnostic {
    let folder = arguments
        .folder
        .as_ref()
        .map_or_else(|| DEFAULT_FOLDER.to_owned(), LitStr::value);
    let engines = Dialect::ALL.map(Dialect::name).join(", ");
    Diagnostic::error(
        "engine-unknown",
        "nothing says which engine the migrations are for",
    )
    .why("Every engine has its own SQL, and the type of the migrations names it.")
    .help(format!(
        "Name it, one of {engines}, here:\n\
             migrations!({folder:?}, dialect = postgres)\n\
             or in backstitch.toml, which stands beside Cargo.toml:\n\
             engine = \"postgres\""
    ))
}

fn outside_cargo() -> Diagnostic {
    Diagnostic::error(
        "crate-unknown",
        "the environment variable CARGO_MANIFEST_DIR is not set",
    )
    .why("The folder of the migrations is looked up beside Cargo.toml.")
    .help("Build with cargo, or set the variable to the folder of the crate.")
}

fn internal_error(panic: &(dyn Any + Send)) -> Diagnostic {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    Diagnostic::error(
        "internal-error",
        format!("`migrations!` has failed: {text}"),
    )
    .why("This is a bug in backstitch, not in your migrations.")
    .help(concat!(
        "Please report it, with the migration if you can:\n",
        env!("CARGO_PKG_REPOSITORY"),
        "/issues"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_of_ours_is_a_compile_error_and_no_panic() {
        let tokens = guard(|| panic!("no way {}", 1)).to_string();
        assert!(tokens.contains(":: core :: compile_error !"), "{tokens}");
        assert!(
            tokens.contains("`migrations!` has failed: no way 1 [internal-error]"),
            "{tokens}"
        );
        assert!(tokens.ends_with(":: __invalid () }"), "{tokens}");
    }

    #[test]
    fn paths_are_shown_with_forward_slashes_and_without_detours() {
        assert_eq!(shown_as(Path::new("migrations/")), "migrations");
        assert_eq!(shown_as(Path::new("./db//pg/.")), "db/pg");
        assert_eq!(shown_as(Path::new("../shared/db")), "../shared/db");
        assert_eq!(shown_as(Path::new("")), ".");
    }

    #[test]
    fn the_folder_is_found() {
        let check = |input: &str, dir: Option<&str>, expected: &str, shown: &str| {
            let (arguments, _) = arguments::parse(input.parse().expect("tokens"));
            let folder = Folder::find(Path::new("/service"), &arguments, dir);
            assert_eq!(folder.path, Path::new(expected), "of `{input}` and {dir:?}");
            assert_eq!(folder.shown_as, shown, "of `{input}` and {dir:?}");
        };
        check("", None, "/service/migrations", "migrations");
        check("", Some("db/pg"), "/service/db/pg", "db/pg");
        check("\"sql\"", Some("db/pg"), "/service/sql", "sql");
        check("\"/else/where\"", None, "/else/where", "/else/where");
        check("\"/service/sql\"", None, "/service/sql", "sql");
        check(
            "options = \"db/pg.toml\"",
            None,
            "/service/db/migrations",
            "db/migrations",
        );
        check(
            "options = \"db/pg.toml\"",
            Some("pg"),
            "/service/db/pg",
            "db/pg",
        );
    }
}
