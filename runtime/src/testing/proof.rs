//! What a proof has shown, for people.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use backstitch_core::diagnostic::Section;
use backstitch_core::migration::{Script, stored_down};
use backstitch_core::render::{self, Style};
use backstitch_core::source::{Source, Span};
use backstitch_core::{Diagnostic, Migration, Set};

use crate::error::Error;
use crate::testing::catalogue::Difference;

const ROLLBACK_INCOMPLETE: &str = "rollback-incomplete";
const UP_AGAIN_FAILS: &str = "up-again-fails";
const UP_AGAIN_DIFFERS: &str = "up-again-differs";

/// What a proof has shown about each migration.
#[derive(Clone)]
#[non_exhaustive]
pub struct Proof {
    /// The database product.
    pub product: &'static str,
    /// The version of the server.
    pub server: Option<String>,
    /// In the order in which they run.
    pub migrations: Vec<Proven>,
    set: Set,
}

/// What a proof has shown about one migration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Proven {
    /// The id of the migration.
    pub id: String,
    /// Whether it can be taken back.
    pub verdict: Verdict,
    /// What else there is to say.
    pub remarks: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Whether a migration can be taken back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// The DOWN gives back what was there, and the UP can run again.
    Reverts,
    /// So it does, but for the order of columns.
    Reorders(Vec<Difference>),
    /// There is no DOWN, for this reason where the file gives one.
    Irreversible(Option<String>),
    /// The DOWN runs and does not give back what was there.
    Leaves(Vec<Difference>),
    /// The DOWN fails.
    DownFails(Vec<Diagnostic>),
    /// The DOWN gives back the schema, and the UP fails when it runs again: on rows that are left.
    UpAgainFails(Vec<Diagnostic>),
    /// The UP does something else when it runs again.
    UpAgainDiffers(Vec<Difference>),
    /// The UP fails.
    UpFails(Vec<Diagnostic>),
    /// What comes before it fails.
    NotReached,
}

/// Why there is no proof. Shown in full by `unwrap`.
#[non_exhaustive]
pub enum Unproven {
    /// Migrations cannot be taken back as they should.
    Broken(Proof),
    /// The proof itself was not possible.
    Failed(Error),
}

impl Proof {
    pub(super) fn of(set: &Set, product: &'static str) -> Proof {
        Proof {
            product,
            server: None,
            migrations: Vec::new(),
            set: set.clone(),
        }
    }

    pub(super) fn add(&mut self, proven: Proven) {
        self.migrations.push(proven);
    }

    /// Whether each migration can be taken back, or says that it cannot.
    pub fn is_ok(&self) -> bool {
        self.migrations.iter().all(|one| one.verdict.is_ok())
    }

    /// What is wrong, with the places in the files.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let about = self.migrations.iter().flat_map(|proven| {
            let migration = self.set.get(&proven.id);
            migration.map_or(Vec::new(), |migration| proven.diagnostics(migration))
        });
        about.collect()
    }
}

impl Proven {
    pub(super) fn not_reached(migration: &Migration) -> Proven {
        Proven {
            id: migration.id.clone(),
            verdict: Verdict::NotReached,
            remarks: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    fn diagnostics(&self, migration: &Migration) -> Vec<Diagnostic> {
        let mut diagnostics = match &self.verdict {
            Verdict::Reverts
            | Verdict::Reorders(_)
            | Verdict::Irreversible(_)
            | Verdict::NotReached => return Vec::new(),
            Verdict::Leaves(differences) => vec![leaves(migration, differences)],
            Verdict::UpAgainDiffers(differences) => vec![up_again_differs(migration, differences)],
            Verdict::UpAgainFails(found) => up_again_fails(migration, found),
            Verdict::DownFails(found) => fails(migration, "DOWN", found),
            Verdict::UpFails(found) => fails(migration, "UP", found),
        };
        if let Some(first) = diagnostics.first_mut() {
            for remark in &self.remarks {
                let gap = if first.why.is_empty() { "" } else { "\n" };
                first.why = format!("{}{gap}{remark}", first.why);
            }
        }
        for diagnostic in &mut diagnostics {
            diagnostic.migration = Some(migration.id.clone());
        }
        diagnostics
    }
}

impl Verdict {
    /// Whether the migration can be taken back, or says that it cannot.
    pub fn is_ok(&self) -> bool {
        match self {
            Verdict::Reverts | Verdict::Reorders(_) | Verdict::Irreversible(_) => true,
            Verdict::Leaves(_)
            | Verdict::DownFails(_)
            | Verdict::UpAgainFails(_)
            | Verdict::UpAgainDiffers(_)
            | Verdict::UpFails(_)
            | Verdict::NotReached => false,
        }
    }
}

fn leaves(migration: &Migration, differences: &[Difference]) -> Diagnostic {
    let (source, span) = place_of_down(migration);
    Diagnostic::error(
        ROLLBACK_INCOMPLETE,
        format!(
            "the DOWN of `{}` does not give back the schema",
            migration.id
        ),
    )
    .at(
        source,
        span,
        "after this it is not what it was before the UP",
    )
    .section(Section::Down)
    .why(list(differences))
    .help(
        "Undo each of these in the DOWN, or write in its place:\n\
         -- @irreversible: <why there is no way back>",
    )
}

fn up_again_differs(migration: &Migration, differences: &[Difference]) -> Diagnostic {
    Diagnostic::error(
        UP_AGAIN_DIFFERS,
        format!(
            "the UP of `{}` does something else the second time",
            migration.id
        ),
    )
    .at(
        migration.source(),
        first_statement(&migration.up),
        "run again after the DOWN",
    )
    .section(Section::Up)
    .why(list(differences))
    .help("Let the UP not depend on the moment, on chance or on rows that the DOWN leaves.")
}

fn fails(migration: &Migration, what: &str, found: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut found = found.to_vec();
    if let Some(first) = found.first_mut() {
        first.message = format!("the {what} of `{}` fails: {}", migration.id, first.message);
    }
    found
}

fn up_again_fails(migration: &Migration, found: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut found = found.to_vec();
    if let Some(first) = found.first_mut() {
        first.code = UP_AGAIN_FAILS;
        first.message = format!(
            "the UP of `{}` fails when it runs again after its DOWN: {}",
            migration.id, first.message
        );
        first.help = "Let the DOWN remove the rows that the UP inserts.".to_owned();
    }
    found
}

fn list(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences.iter().map(Difference::to_string).collect();
    lines.join("\n")
}

/// The marker of the DOWN, or the first line of a file of its own.
fn place_of_down(migration: &Migration) -> (&Source, Span) {
    let Some(down) = &migration.down else {
        return (migration.source(), Span::default());
    };
    let before = down.source.text()[..down.span.start as usize].trim_end();
    match before.rfind('\n') {
        Some(newline) => (&down.source, Span::new(newline + 1..before.len())),
        None => (&down.source, first_statement(down)),
    }
}

fn first_statement(script: &Script) -> Span {
    let first = script
        .statements
        .first()
        .map_or(script.span, |one| one.span);
    script.source.first_line(first)
}

/// The same, pointing into the migration's file where it points into the DOWN that the database
/// holds, which is the end of the DOWN in the file.
pub(super) fn in_its_file(diagnostic: &Diagnostic, migration: &Migration) -> Diagnostic {
    let mut diagnostic = diagnostic.clone();
    let (Some(down), Some(stored)) = (&migration.down, stored_down(migration)) else {
        return diagnostic;
    };
    let text = down.span.of(down.source.text());
    let end = down.span.start as usize
        + text
            .trim_end_matches(|c: char| c.is_ascii_whitespace())
            .len();
    for label in &mut diagnostic.labels {
        let behind = |at: u32| stored.len().checked_sub(at as usize);
        if label.source.text() != stored {
            continue;
        }
        let range = behind(label.span.start)
            .and_then(|start| end.checked_sub(start))
            .zip(behind(label.span.end).and_then(|behind| end.checked_sub(behind)));
        if let Some((start, end)) = range
            && down.source.text().get(start..end) == Some(label.span.of(&stored))
        {
            label.span = Span::new(start..end);
            label.source = down.source.clone();
        }
    }
    diagnostic
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proven = self.migrations.iter().filter(|one| one.verdict.is_ok());
        let server = self.server.as_deref().unwrap_or_default();
        write!(
            f,
            "{} of {} migrations proven on {} {server}",
            proven.count(),
            self.migrations.len(),
            self.product,
        )?;
        let width = self.migrations.iter().map(|one| one.id.len()).max();
        let width = width.unwrap_or(0);
        for Proven { id, verdict, .. } in &self.migrations {
            write!(f, "\n  {id:width$}  {verdict}")?;
        }
        Ok(())
    }
}

/// The same as [`Display`](fmt::Display).
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Reverts => "reverts",
            Verdict::Reorders(_) => "reverts, but for the order of columns",
            Verdict::Irreversible(None) => "has no way back",
            Verdict::Irreversible(Some(reason)) => return write!(f, "irreversible: {reason}"),
            Verdict::Leaves(_) => "DOES NOT REVERT",
            Verdict::DownFails(_) => "DOWN FAILS",
            Verdict::UpAgainFails(_) => "UP FAILS THE SECOND TIME",
            Verdict::UpAgainDiffers(_) => "UP DIFFERS THE SECOND TIME",
            Verdict::UpFails(_) => "UP FAILS",
            Verdict::NotReached => "not reached",
        })
    }
}

impl From<Error> for Unproven {
    fn from(error: Error) -> Unproven {
        Unproven::Failed(error)
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unproven::Broken(proof) => {
                let rendered = render::render_all(&proof.diagnostics(), Style::Plain);
                write!(f, "{rendered}\n{proof}")
            }
            Unproven::Failed(error) => fmt::Display::fmt(error, f),
        }
    }
}

/// The same as [`Display`](fmt::Display), on lines of its own, because `unwrap` prints this.
impl fmt::Debug for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}\n")
    }
}

impl StdError for Unproven {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Unproven::Broken(_) => None,
            Unproven::Failed(error) => error.source(),
        }
    }
}
