//! Whether the database is what the history says, and the history what this program knows.
//!
//! Three things are compared: the rows of the history with the migrations, the stored ways back
//! with their checksums, and what the database holds with what the applied migrations make. What
//! that is the model of the schema says, or a replay in a scratch database, which knows every
//! detail. Nothing is written to the database itself, and no lock is taken.

mod drift;
#[cfg(feature = "drift")]
mod expected;
#[cfg(feature = "drift")]
mod from_model;
#[cfg(feature = "drift")]
mod of_catalogue;
mod sight;

use std::collections::HashMap;
use std::fmt;

use backstitch_core::migration;
use backstitch_core::render::{self, Style};
use backstitch_core::{Diagnostic, Migration, Severity};
use futures_util::future::BoxFuture;
use tracing::Instrument;

pub use self::drift::{Drift, Drifted, NotCompared, ToldBy};
#[cfg(feature = "drift")]
pub(crate) use self::from_model::disagreements;

use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::Error;
use crate::history::{self, Row, State};
use crate::message::{Message, Piece};
use crate::migrator::Migrator;
use crate::rollback::tampered;
use crate::session::{self, Session};

/// What is compared, and with what. See [`Migrator::verify`].
#[derive(Clone, Debug, Default)]
#[must_use = "hand it to `verify`"]
pub struct Verify {
    replay: Replay,
    external: Vec<String>,
}

/// Where the applied migrations are run anew.
#[derive(Clone, Debug, Default)]
enum Replay {
    /// Where that needs nobody's leave: SQLite. Elsewhere the model replays them.
    #[default]
    Anywhere,
    /// On this server.
    On(String),
    /// Nowhere.
    Never,
}

impl Verify {
    /// History, checksums and drift. On SQLite the applied migrations are run anew in memory; on
    /// other servers the model of the schema replays them, where this crate has its feature
    /// `drift`. What the model is not sure of is left out and named.
    pub fn new() -> Verify {
        Verify::default()
    }

    /// Looks for drift in every detail, by running the applied migrations in a scratch database on
    /// the server of this URL, which is dropped at the end. The user must be allowed to make databases, and
    /// what the migrations do to the server as a whole (roles, other databases) they do there: name
    /// a server for tests, of the same version, rather than the one in production.
    pub fn replay_on(mut self, url: impl Into<String>) -> Verify {
        self.replay = Replay::On(url.into());
        self
    }

    /// Leaves drift out.
    pub fn without_drift(mut self) -> Verify {
        self.replay = Replay::Never;
        self
    }

    /// Objects that somebody else makes, as `external` in the options names them: `name`,
    /// `schema.name`, with a kind before it or not, see
    /// [`External`](backstitch_core::external::External). What stands on them belongs to
    /// them. A `*` at the end stands for any ending.
    pub fn external(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Verify {
        self.external.extend(names.into_iter().map(Into::into));
        self
    }
}

/// What [`Migrator::verify`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// How many migrations are applied.
    pub applied: usize,
    /// What is wrong with the history and with what it stores; warnings among them do no harm.
    pub findings: Vec<Diagnostic>,
    /// How the database differs from what the applied migrations make.
    pub drift: Drift,
    /// By what it was told; `None` where it was not looked.
    pub told_by: Option<ToldBy>,
    /// What was left out, since the model is not sure of it.
    pub not_compared: Vec<NotCompared>,
}

impl Verification {
    /// Whether nothing is wrong, as far as was looked.
    pub fn is_ok(&self) -> bool {
        let is_error = |found: &Diagnostic| found.severity == Severity::Error;
        !self.findings.iter().any(is_error) && self.drift.differences().is_empty()
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let applied = match self.applied {
            1 => "1 migration applied".to_owned(),
            n => format!("{n} migrations applied"),
        };
        match self.findings.len() {
            0 => writeln!(f, "history: {applied}, as this program knows them")?,
            _ => {
                let rendered = render::render_all(&self.findings, Style::Plain);
                writeln!(f, "{}\n", rendered.trim_end())?;
                let n = self.findings.len();
                writeln!(f, "history: {applied}, {n} finding{}", plural(n))?;
            }
        }
        write!(f, "{}", self.drift)?;
        for one in &self.not_compared {
            write!(f, "\nnot compared: {one}")?;
        }
        Ok(())
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl<DB: Engine> Migrator<'_, DB> {
    /// Compares the history with these migrations, what it stores with its checksums, and the
    /// database with what the applied migrations make. Writes nothing to it and takes no lock.
    ///
    /// # Errors
    /// When the database, or the server for the replay, does not answer. What is found wrong is no
    /// error but the answer.
    pub fn verify<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        verify: Verify,
    ) -> BoxFuture<'a, Result<Verification, Error>> {
        Box::pin(async move {
            let run = async {
                let mut held = self.open(database).await?.into_own().await;
                let result = self.verify_on(&mut held, &verify).await;
                held.close().await;
                result
            };
            run.instrument(tracing::info_span!("migrate", verb = "verify"))
                .await
        })
    }

    async fn verify_on(
        &self,
        held: &mut Held<'_, DB>,
        verify: &Verify,
    ) -> Result<Verification, Error> {
        let mut session = self.look_around(held).await?;
        let mut findings = match self.decide(&mut session).await {
            Ok(_) => Vec::new(),
            Err(error) => error.diagnostics().to_vec(),
        };
        findings.extend(self.not_of_here(&session, &findings));
        if session.has_history {
            findings.extend(self.stored(&mut session).await?);
            findings.extend(summed(&mut session).await?);
        }
        let told = self.drift(&mut session, verify).await?;
        let applied = session
            .rows
            .iter()
            .filter(|row| row.state == State::Applied);
        Ok(Verification {
            applied: applied.count(),
            findings,
            drift: told.drift,
            told_by: told.told_by,
            not_compared: told.not_compared,
        })
    }

    /// What is applied although this program does not know it, as far as that is not `told`.
    fn not_of_here(&self, session: &Session<'_, DB>, told: &[Diagnostic]) -> Vec<Diagnostic> {
        let is_told = |row: &Row| {
            told.iter()
                .any(|one| one.migration.as_deref() == Some(row.id.as_str()))
        };
        let is_known = |row: &Row| {
            let mut known = self.set().migrations.iter();
            known.any(|one| one.version == row.version)
        };
        let applied = session
            .rows
            .iter()
            .filter(|row| row.state == State::Applied);
        let unknown = applied.filter(|row| !is_known(row) && !is_told(row));
        unknown.map(from_elsewhere).collect()
    }

    /// Whether the stored ways back are those that were stored, and those of the files.
    async fn stored(&self, session: &mut Session<'_, DB>) -> Result<Vec<Diagnostic>, Error> {
        let message = Message::of([Piece::query(history::select_downs::<DB>(&session.names))]);
        let answers = DB::send(session.connection, &message)
            .await
            .map_err(|refused| session::unreadable::<DB>(refused.error))?;
        let rows = answers.into_iter().next().unwrap_or_default().rows;
        let texts: HashMap<u64, String> = rows
            .into_iter()
            .filter_map(|row| match <[_; 2]>::try_from(row) {
                Ok([Some(version), Some(text)]) => Some((version.parse().ok()?, text)),
                _ => None,
            })
            .collect();
        let mut found = Vec::new();
        for row in session
            .rows
            .iter()
            .filter(|row| row.state == State::Applied)
        {
            let text = texts.get(&row.version).map(String::as_str);
            let migrations = self.set().migrations.iter();
            let known = migrations
                .into_iter()
                .find(|one| one.version == row.version);
            found.extend(self.way_back(row, text, known));
        }
        Ok(found)
    }

    fn way_back(
        &self,
        row: &Row,
        text: Option<&str>,
        known: Option<&Migration>,
    ) -> Option<Diagnostic> {
        let about = |what| tampered(row, what).diagnostics().first().cloned();
        let stored = match (text, row.down_checksum) {
            (None, None) => None,
            (None, Some(_)) => return about("the history holds no way back for it"),
            (Some(text), checksum) => {
                let shown_as = format!("the stored DOWN of {}", row.id);
                let parsed = migration::parse_stored_down(text, &shown_as, self.set().dialect);
                match parsed {
                    Ok(stored) if Some(stored.checksum) == checksum => checksum,
                    Ok(_) | Err(_) => {
                        return about("the stored way back is not the one that was stored");
                    }
                }
            }
        };
        let known = known.filter(|one| one.id == row.id && one.checksum == row.checksum)?;
        (known.down_checksum != stored).then(|| outdated(row, known))
    }
}

fn from_elsewhere(row: &Row) -> Diagnostic {
    let mut diagnostic = Diagnostic::warn(
        "migration-unknown",
        format!(
            "the database has `{}`, which this program does not know",
            row.id
        ),
    )
    .why(format!(
        "It was applied at {} by {}. This program may run with it.",
        row.applied_at, row.applied_by
    ))
    .help(
        "nothing is to be done where a newer program applied it; where its file was lost, bring \
         the file back",
    );
    diagnostic.migration = Some(row.id.clone());
    diagnostic
}

fn outdated(row: &Row, known: &Migration) -> Diagnostic {
    let mut diagnostic = Diagnostic::warn(
        "rollback-outdated",
        format!("the DOWN of `{}` has changed since it was applied", row.id),
    )
    .why(match known.down {
        Some(_) => "The database holds the old one, and a rollback runs that.",
        None => "The database holds one, and a rollback runs it; the file has none any more.",
    })
    .help("refresh what is stored by `repair`, or leave it, where the old one is right");
    diagnostic.migration = Some(row.id.clone());
    diagnostic
}

/// Whether the newest row sums what the rows say.
async fn summed<DB: Engine>(session: &mut Session<'_, DB>) -> Result<Option<Diagnostic>, Error> {
    let newest = session::newest::<DB>(session.connection, &session.names).await;
    let newest = newest.map_err(session::unreadable::<DB>)?;
    let is_right = newest.is_none_or(|newest| {
        newest.state != State::Applied.name() || newest.digest == session.digest().to_string()
    });
    Ok((!is_right).then(|| {
        Diagnostic::error(
            "history-sum",
            "the newest row of the history does not sum up what is applied",
        )
        .why(
            "Each run leaves the sum of all that is applied in the newest row. Rows were added, \
             changed or deleted by hand since.",
        )
        .help(
            "compare the history with a backup and with what the database holds, and put the rows \
             right by `repair` (`MarkApplied`, `MarkNotApplied`), which sums them anew",
        )
    }))
}
