//! Why a run did not come to its end.
//!
//! An [`Error`] says what, where, why and what to do, as the compile errors do and by the same
//! renderer, and brings along the report of what was done before. Each is raised by a function
//! beside the code that finds it; here is only what they have in common.

use std::error::Error as StdError;
use std::fmt;

use backstitch_core::render::{self, Style};
use backstitch_core::{Diagnostic, Dialect};

use crate::probe::Probe;
use crate::report::Report;

/// What kind of trouble it is, for code that reacts to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database cannot be reached, or the connection broke.
    Connection,
    /// The database refused something that the library itself needs, such as reading the history.
    Database,
    /// A statement of a migration failed.
    Statement,
    /// A step in Rust failed.
    Step,
    /// A CHECK found offenders.
    Check,
    /// Someone else holds the lock and did not give it back in time.
    Locked,
    /// [`wait`](crate::Migrations::wait) waited in vain.
    NotMigrated,
    /// What is applied is not what this program holds: edited, renamed, or from a newer program.
    Diverged,
    /// A pending migration is older than one that is applied.
    OutOfOrder,
    /// Another tool has applied migrations of this program, and its history was not taken over.
    NotAdopted,
    /// An earlier run stopped in the middle of a migration.
    Unfinished,
    /// A migration has no way back, or one that needs force.
    Rollback,
    /// The backup that a run was to make first failed.
    Backup,
    /// The history was not written by this library, or by a newer one.
    History,
    /// The files cannot be used.
    Files,
    /// The call makes no sense: an unknown id, a mode that the engine does not have.
    Usage,
}

/// Why a run did not come to its end. See the module's documentation.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    diagnostics: Vec<Diagnostic>,
    report: Report,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, diagnostic: Diagnostic) -> Error {
        Error::of(kind, vec![diagnostic])
    }

    pub(crate) fn of(kind: ErrorKind, diagnostics: Vec<Diagnostic>) -> Error {
        let inner = Inner {
            kind,
            diagnostics,
            report: Report::default(),
            source: None,
        };
        Error {
            inner: Box::new(inner),
        }
    }

    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.inner.source = Some(Box::new(source));
        self
    }

    #[must_use]
    pub(crate) fn with_report(mut self, report: Report) -> Error {
        self.inner.report = report;
        self
    }

    /// Adds what is to be known about this case.
    #[must_use]
    pub(crate) fn note(mut self, note: &str) -> Error {
        if let Some(first) = self.inner.diagnostics.first_mut() {
            let gap = if first.why.is_empty() { "" } else { "\n" };
            first.why = format!("{}{gap}{note}", first.why);
        }
        self
    }

    /// Replaces what is to be done.
    #[must_use]
    pub(crate) fn help(mut self, help: &str) -> Error {
        if let Some(first) = self.inner.diagnostics.first_mut() {
            help.clone_into(&mut first.help);
        }
        self
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What is wrong; more than one where several files are.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.inner.diagnostics
    }

    /// What was done before it went wrong, and stays done.
    pub fn report(&self) -> &Report {
        &self.inner.report
    }

    /// The migration it is about, where it is about one.
    pub fn migration(&self) -> Option<&str> {
        self.inner.diagnostics.first()?.migration.as_deref()
    }

    /// The whole story with colours, for a terminal.
    pub fn to_ansi_string(&self) -> String {
        self.render(Style::Ansi)
    }

    /// How many there are is worth a line where there are several.
    fn render(&self, style: Style) -> String {
        match self.inner.diagnostics.as_slice() {
            [only] => render::render(only, style),
            several => render::render_all(several, style),
        }
    }

    /// Whether it was caused by such an error of the database.
    pub(crate) fn is_of_database(&self, such: fn(&sqlx::Error) -> bool) -> bool {
        let cause = self.source().and_then(|cause| cause.downcast_ref());
        cause.is_some_and(such)
    }

    /// Whether it is about a statement of a migration, which needs rights of its own.
    pub(crate) fn is_about_statement(&self) -> bool {
        let first = self.inner.diagnostics.first();
        first.is_some_and(|first| first.code == STATEMENT_FAILED)
    }

    /// The first message alone, on one line, as the history keeps it.
    pub(crate) fn headline(&self) -> String {
        let first = self.inner.diagnostics.first();
        let message = first.map_or("", |first| first.message.as_str());
        message.lines().collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn unreadable(diagnostics: Vec<Diagnostic>) -> Error {
        Error::of(ErrorKind::Files, diagnostics)
    }

    pub(crate) fn wrong_dialect(dialect: Dialect, engine: &str) -> Error {
        Error::new(
            ErrorKind::Usage,
            Diagnostic::error(
                "wrong-dialect",
                format!("migrations for `{}` cannot run on {engine}", dialect.name()),
            )
            .help("load them as `Migrations` of their own engine"),
        )
    }

    /// The database refused something that the library itself needs.
    pub(crate) fn database<DB: Probe>(doing: &str, error: sqlx::Error) -> Error {
        let (kind, code, help) = match &error {
            sqlx::Error::Database(_) => {
                let help = DB::advice(&error).unwrap_or(REFUSED);
                (ErrorKind::Database, "database-refused", help)
            }
            sqlx::Error::PoolTimedOut => (ErrorKind::Connection, "connection-failed", POOL_IS_BUSY),
            _ => (ErrorKind::Connection, "connection-failed", UNREACHABLE),
        };
        let mut diagnostic = Diagnostic::error(code, format!("{doing}: {}", words_of(&error)));
        diagnostic.why = DB::remarks(&error).join("\n");
        Error::new(kind, diagnostic.help(help)).caused_by(error)
    }
}

/// The code of what the server refuses of a migration.
pub(crate) const STATEMENT_FAILED: &str = "statement-failed";

/// What to do when the database is not to be had.
pub(crate) const UNREACHABLE: &str = "see whether the server is up, and can be reached from here by this address; then run it \
     again: it looks first at what is there, and nothing runs twice";

const POOL_IS_BUSY: &str = "the pool had no connection to give in time: give it more (`max_connections`), or a run a way \
     of its own, by the URL";

/// What to do when the database does not do what the library itself needs.
const REFUSED: &str = "see to what the server says (a missing right is granted by the owner of the database), then \
     run it again: it looks first at what is there, and nothing runs twice";

/// What the database or the driver says, without the driver's own source lines.
pub(crate) fn words_of(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Style::Plain).trim_end())
    }
}

/// The same as [`Display`](fmt::Display), because `fn main() -> Result<(), Error>` prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
