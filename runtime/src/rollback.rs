//! Taking migrations back: by the way back that the database holds, not by the file.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;
use backstitch_core::checksum::{Digest, Role};
use backstitch_core::migration::{self, StoredDown, Transaction};

use crate::engine::{Driver, Engine, Limits};
use crate::error::{Error, ErrorKind};
use crate::execute::{self, Book, Failure, Job, Trace};
use crate::history::{self, Change, Mark, Names, RollbackEntry, Row, State};
use crate::message::{Message, Part, Piece};
use crate::observe::Event;
use crate::plan::{Action, resume};
use crate::report::Done;
use crate::session::Session;

/// Why and how it is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'r> {
    pub(crate) reason: Option<&'r str>,
    pub(crate) forced: bool,
    /// The backup that was made before.
    pub(crate) backup: Option<&'r str>,
}

/// Writes down the course of a DOWN.
struct RevertBook<'b, DB> {
    row: &'b Row,
    request: Request<'b>,
    names: &'b Names,
    who: &'b str,
    statements: usize,
    /// The highest position of the history.
    newest: u64,
    /// The newest row that stays, and the digest it is to have.
    stays: Option<(u64, Digest)>,
    engine: PhantomData<fn() -> DB>,
}

impl<DB: Driver> RevertBook<'_, DB> {
    fn entry(&self, execution_ms: &str, error: Option<&str>) -> String {
        let entry = RollbackEntry {
            version: self.row.version,
            id: &self.row.id,
            reason: self.request.reason,
            forced: self.request.forced,
            backup: self.request.backup,
            execution_ms: execution_ms.to_owned(),
            error,
            rolled_back_by: self.who,
        };
        // How long it took is told by the row's own time, so this goes before the row does.
        history::insert_rollback::<DB>(self.names, &entry)
    }
}

impl<DB: Driver> Book for RevertBook<'_, DB> {
    fn begin(&self, mark: &Mark) -> Vec<String> {
        // It becomes the newest row, so that every start-up sees that something is under way.
        let change = Change::default()
            .state::<DB>(State::Reverting)
            .statements(self.statements)
            .mark::<DB>(mark)
            .seq(self.newest + 1)
            .layout()
            .no_error();
        vec![change.of_version::<DB>(self.names, self.row.version)]
    }

    fn progress(&self, mark: &Mark) -> String {
        Change::default()
            .mark::<DB>(mark)
            .of_version::<DB>(self.names, self.row.version)
    }

    fn finish(&self, execution_ms: &str) -> Vec<String> {
        let mut statements = vec![
            self.entry(execution_ms, None),
            history::delete::<DB>(self.names, self.row.version),
        ];
        statements.extend(self.stays.map(|(seq, digest)| {
            Change::default()
                .digest::<DB>(digest)
                .of_seq::<DB>(self.names, seq)
        }));
        statements
    }

    fn fail(&self, mark: &Mark, error: &str, _trace: Trace) -> Vec<String> {
        let change = Change::default().mark::<DB>(mark).error::<DB>(error);
        vec![
            change.of_version::<DB>(self.names, self.row.version),
            self.entry("NULL", Some(error)),
        ]
    }

    fn recorded_before(&self) -> String {
        DB::now().to_owned()
    }
}

/// Takes one migration back, by its row.
pub(crate) async fn migration<DB: Engine>(
    session: &mut Session<'_, DB>,
    row: &Row,
    request: Request<'_>,
    limits: Limits,
    retries: u32,
) -> Result<Done, Failure> {
    let began = Instant::now();
    let dialect = session.dialect;
    let stored = stored::<DB>(session, row)
        .await
        .map_err(|error| Failure::of(error, 0))?;
    let ms = |limit: Option<u64>, default| limit.map(Duration::from_millis).or(default);
    let job = Job {
        id: &row.id,
        part: Part::Down,
        script: &stored.script,
        checks_before: &[],
        checks_after: &[],
        foreign_keys: stored.foreign_keys,
        limits: Limits {
            lock: ms(stored.lock_timeout_ms, limits.lock),
            statement: ms(stored.statement_timeout_ms, limits.statement),
        },
        lock_limit_is_given: stored.lock_timeout_ms.is_some(),
        step: None,
        dialect,
        start: resume::start_of_row(row),
    };
    if !is_prefix(&job, row) {
        let error = tampered(row, "what has run of it is not what is stored");
        return Err(Failure::of(error, 0));
    }
    if job.start.is_begun {
        let (id, done) = (row.id.as_str(), job.start.done);
        session.announcer().tell(Event::Resumed { id, done });
    }
    let (names, who) = (session.names.clone(), session.who.clone());
    let stays = session
        .rows
        .iter()
        .filter(|other| other.version != row.version);
    let stays = stays.max_by_key(|other| other.seq);
    let after = match row.state {
        State::Applied => session.digest().without(&row.id, &row.checksum),
        State::Applying | State::Failed | State::Reverting => session.digest(),
    };
    let book = RevertBook::<DB> {
        row,
        request,
        names: &names,
        who: &who,
        statements: stored.script.statements.len(),
        newest: session.newest(),
        stays: stays.map(|other| (other.seq, after)),
        engine: PhantomData,
    };
    let commits = stored
        .script
        .statements
        .iter()
        .any(|statement| statement.commits);
    let apart = commits || stored.transaction == Transaction::None || job.start.is_begun;
    let outcome = if apart {
        execute::apart::one_by_one(session, &job, &book, retries).await
    } else {
        let outcomes = execute::together(session, &[(&job, &book)]).await;
        outcomes.map(|outcomes| outcomes.into_iter().next().unwrap_or_default())
    };
    match outcome {
        Ok(outcome) => {
            session.rows.retain(|other| other.version != row.version);
            if let Some(newest) = session.rows.iter_mut().max_by_key(|other| other.seq) {
                newest.digest = after.to_string();
            }
            Ok(Done {
                action: Action::Revert,
                id: row.id.clone(),
                name: row.name.clone(),
                statements: outcome.statements,
                rows_affected: outcome.rows_affected,
                elapsed: began.elapsed(),
            })
        }
        Err(failure) => {
            if !apart && !failure.transient && !failure.stale {
                let record = book.entry("NULL", Some(&failure.error.headline()));
                session.write_quietly(vec![record]).await;
            }
            Err(failure)
        }
    }
}

/// Whether the statements that have run are the first of those that are stored.
fn is_prefix(job: &Job<'_>, row: &Row) -> bool {
    let prefixes = backstitch_core::resume::prefixes(job.script, Role::Down, job.dialect);
    match (prefixes.get(job.start.done), row.done_checksum) {
        (None, _) => false,
        (Some(_), _) if row.state == State::Applied => true,
        (Some(prefix), Some(done)) => *prefix == done,
        // The layout before this one has no checksum.
        (Some(_), None) => true,
    }
}

/// Reads the way back from the database and makes sure that it is the one that was stored.
pub(crate) async fn stored<DB: Engine>(
    session: &mut Session<'_, DB>,
    row: &Row,
) -> Result<StoredDown, Error> {
    let sql = history::select_down::<DB>(&session.names, row.version);
    let message = Message::of([Piece::query(sql)]);
    let answers = DB::send(session.connection, &message)
        .await
        .map_err(|refused| crate::session::unreadable::<DB>(refused.error))?;
    let text = answers
        .first()
        .and_then(|answer| answer.rows.first()?.first()?.clone());
    let text = text.ok_or_else(|| tampered(row, "the history holds no way back for it"))?;
    let shown_as = format!("the stored DOWN of {}", row.id);
    let dialect = session.dialect;
    let stored = migration::parse_stored_down(&text, &shown_as, dialect)
        .map_err(|found| Error::of(ErrorKind::History, found))?;
    if Some(stored.checksum) != row.down_checksum {
        return Err(tampered(
            row,
            "the stored way back is not the one that was stored",
        ));
    }
    Ok(stored)
}

pub(crate) fn tampered(row: &Row, what: &str) -> Error {
    let mut diagnostic = Diagnostic::error("rollback-tampered", format!("`{}`: {what}", row.id))
        .why("Its checksum does not fit, so somebody has edited the history. Nothing was run.")
        .help(format!(
            "compare `down_sql` in the history with the file of the migration; to store the DOWN \
             of the file:\n.reason(\"…\").repair(&pool, Repair::WayBack(\"{}\"))",
            row.id
        ));
    diagnostic.migration = Some(row.id.clone());
    Error::new(ErrorKind::History, diagnostic)
}
