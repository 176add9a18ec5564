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
use backstitch_core::options::{self, Options};
use backstitch_core::report::Report;
use proc_macro2::{Span, TokenStream};
use syn::LitStr;

use crate::arguments::{self, Arguments, Mistake, Place};
use crate::emit;
use crate::stamp::{Outcome, Stamp};

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
    /// Absolute, in order.
    pub(crate) files: Vec<PathBuf>,
    /// Everything but the texts: a line for each file.
    pub(crate) facts: String,
}

/// What `migrations!` becomes. Never panics; always an expression of the right type.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    guard(|| {
        let (arguments, mistakes) = arguments::parse(input);
        let mut findings = Findings::new(&arguments, mistakes);
        let value = embed(&arguments, &mut findings);
        findings.emit(value)
    })
}

/// Runs `expand`, and turns a bug of ours into a compile error that says so.
fn guard(expand: impl FnOnce() -> TokenStream) -> TokenStream {
    std::panic::catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|panic| {
        let place = Place::at(Span::call_site());
        let text = emit::text(&internal_error(panic.as_ref()));
        emit::block([emit::error(place, &text)], &emit::invalid(None))
    })
}

/// Everything that came to light about one `migrations!`.
struct Findings {
    /// Where in the service's code something is shown that is wrong elsewhere.
    here: Place,
    dialect: Option<Dialect>,
    errors: Vec<(Place, String)>,
    /// Code and text of each.
    warnings: Vec<(String, String)>,
    tracked: Vec<PathBuf>,
}

impl Findings {
    fn new(arguments: &Arguments, mistakes: Vec<Mistake>) -> Findings {
        let literal = arguments.folder.as_ref().or(arguments.options.as_ref());
        let errors = mistakes
            .into_iter()
            .map(|mistake| (mistake.place, emit::text(&mistake.diagnostic)));
        Findings {
            here: Place::at(literal.map_or_else(Span::call_site, LitStr::span)),
            dialect: arguments.dialect,
            errors: errors.collect(),
            warnings: Vec::new(),
            tracked: Vec::new(),
        }
    }

    fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for found in diagnostics {
            match found.severity {
                Severity::Error => self.errors.push((self.here, emit::text(&found))),
                Severity::Warn => {
                    let warning = (found.code.to_owned(), emit::text(&found));
                    self.warnings.push(warning);
                }
                Severity::Info => {}
            }
        }
    }

    fn emit(&self, value: Option<TokenStream>) -> TokenStream {
        let tracked = self.tracked.iter().map(|file| emit::track(file));
        let errors = self.errors.iter();
        let errors = errors.map(|(place, text)| emit::error(*place, text));
        let warnings = self.warnings.iter();
        let warnings = warnings.map(|(code, text)| emit::warning(self.here, code, text));
        let value = value.unwrap_or_else(|| emit::invalid(self.dialect));
        emit::block(tracked.chain(errors).chain(warnings), &value)
    }
}

/// Reads the options and the migrations, and checks them. What is wrong with them goes to
/// `findings`.
fn embed(arguments: &Arguments, findings: &mut Findings) -> Option<TokenStream> {
    // What wrong arguments would lead to is not worth an error of its own.
    if !findings.errors.is_empty() {
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
    let are_options_wrong = diagnostics
        .iter()
        .any(|found| found.severity == Severity::Error);
    let Some(dialect) = findings.dialect else {
        // Why the options do not tell it is the better answer where there is one.
        match are_options_wrong {
            true => findings.extend(diagnostics),
            false => findings.extend([engine_unknown(arguments)]),
        }
        return None;
    };

    if !is_switched_on(dialect) {
        findings.extend([engine_off(dialect)]);
        return None;
    }

    let folder = Folder::find(&crate_dir, arguments, options.dir.as_deref());
    // Nothing is said about a folder that is only a guess, because the options are unreadable.
    let is_guess = arguments.folder.is_none() && options.dir.is_none();
    if is_guess && are_options_wrong && !folder.path.exists() {
        findings.extend(diagnostics);
        return None;
    }
    let stamp = stamp(dialect, &folder, &options);
    let kept = stamp.as_ref().and_then(Stamp::read);
    let kept = kept.and_then(|kept| Some((kept.value.parse().ok()?, kept)));
    if let Some((value, kept)) = kept {
        let tracked = kept.tracked.into_iter().map(PathBuf::from);
        findings.tracked.extend(tracked);
        findings.warnings.extend(kept.warnings);
        return Some(value);
    }
    let outcome = check(dialect, &folder, &options, diagnostics, findings)?;
    if let Some(stamp) = stamp {
        stamp.write(&outcome);
    }
    let value = outcome.value.parse();
    Some(value.expect("what is emitted are tokens of Rust"))
}

/// Where the outcome of this call is kept, if it can be.
fn stamp(dialect: Dialect, folder: &Folder, options: &Options) -> Option<Stamp> {
    let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from)?;
    let contents = dir::contents(&folder.path)?;
    let path = folder.path.to_str()?;
    let call = [dialect.name(), path, options.source.path()];
    let mut inputs = vec![folder.shown_as.as_bytes(), options.source.text().as_bytes()];
    for (name, content) in &contents {
        inputs.extend([name.as_bytes(), content]);
    }
    Some(Stamp::new(&out_dir, &call.map(str::as_bytes), &inputs))
}

/// Checks everything. `found` is what is wrong with the options.
fn check(
    dialect: Dialect,
    folder: &Folder,
    options: &Options,
    found: Vec<Diagnostic>,
    findings: &mut Findings,
) -> Option<Outcome> {
    let layout = Layout::Annotated;
    let loaded = dir::load(&folder.path, &folder.shown_as, dialect, layout);
    let read = loaded.files.clone();
    let report = Report::of(loaded, layout, options, found);
    findings.extend(report.diagnostics);
    if !findings.errors.is_empty() {
        findings.tracked.extend(read);
        return None;
    }
    let migrations = report.set.migrations.iter();
    let files: Vec<_> = migrations.clone().map(|one| folder.file(one)).collect();
    let embedded: HashSet<_> = files.iter().collect();
    let others = read.into_iter().filter(|file| !embedded.contains(file));
    let others: Vec<PathBuf> = others.collect();
    let shown = |file: &PathBuf| file.to_string_lossy().into_owned();
    let tracked = others.iter().map(shown).collect();
    findings.tracked.extend(others);
    let facts: Vec<String> = migrations.map(Migration::to_facts).collect();
    Some(Outcome {
        value: emit::embedded(&Embedded {
            dialect,
            digest: report.set.digest(),
            shown_as: folder.shown_as.clone(),
            dir: folder.path.clone(),
            files,
            facts: facts.join("\n"),
        }),
        tracked,
        warnings: findings.warnings.clone(),
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

    fn file(&self, migration: &Migration) -> PathBuf {
        let shown = Path::new(migration.source().path());
        let name = shown.file_name().expect("a migration comes from a file");
        self.path.join(name)
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
    let meant = likely_engine(&folder).name();
    Diagnostic::error(
        "engine-unknown",
        "nothing says which engine the migrations are for",
    )
    .why("Every engine has its own SQL, and the type of the migrations names it.")
    .help(format!(
        "Name it, one of {engines}, here:\n\
             migrations!({folder:?}, dialect = {meant})\n\
             or in backstitch.toml, which stands beside Cargo.toml:\n\
             engine = \"{meant}\""
    ))
}

/// The engine that the folder is named after, or else the first that the library is built for.
fn likely_engine(folder: &str) -> Dialect {
    let named = |one: &Dialect| folder.contains(one.name());
    let found = Dialect::ALL.into_iter().find(named);
    let found = found.or_else(|| Dialect::ALL.into_iter().find(|one| is_switched_on(*one)));
    found.unwrap_or(Dialect::ALL[0])
}

/// The features of the library that bring an engine each, and whether they are on.
const FEATURES: [(&str, bool); 3] = [
    ("mysql", cfg!(feature = "mysql")),
    ("postgres", cfg!(feature = "postgres")),
    ("sqlite", cfg!(feature = "sqlite")),
];

fn feature(dialect: Dialect) -> (&'static str, bool) {
    let driver = dialect.driver().to_lowercase();
    let all = FEATURES.into_iter();
    let mut same = all.filter(|(name, _)| *name == driver);
    same.next().expect("every driver is a feature")
}

fn is_switched_on(dialect: Dialect) -> bool {
    feature(dialect).1
}

fn engine_off(dialect: Dialect) -> Diagnostic {
    let (feature, _) = feature(dialect);
    let title = dialect.title();
    Diagnostic::error(
        "engine-off",
        format!("backstitch is built without its feature `{feature}`"),
    )
    .why(format!(
        "The migrations are for {title}, which that feature brings."
    ))
    .help(format!(
        "Switch it on in Cargo.toml:\n\
             backstitch = {{ version = \"0.1\", features = [\"{feature}\"] }}"
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
    fn every_engine_has_a_feature() {
        let features = Dialect::ALL.map(|dialect| feature(dialect).0);
        assert_eq!(features, ["postgres", "sqlite", "mysql", "mysql"]);
    }

    #[test]
    fn an_engine_is_guessed_by_the_folder() {
        assert_eq!(likely_engine("db/mariadb").name(), "mariadb");
        assert_eq!(likely_engine("migrations/sqlite").name(), "sqlite");
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
