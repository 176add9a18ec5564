//! Applying migrations: the UP, its checks, and its row in the history.

use std::time::{Duration, Instant};

use backstitch_core::Dialect;
use backstitch_core::checksum::Digest;
use backstitch_core::migration::{Migration, Transaction};

use crate::engine::{Driver, Engine, Limits};
use crate::error::{Error, ErrorKind};
use crate::execute::{self, Book, Failure, Job, Outcome, Start, Trace};
use crate::history::{self, Change, Entry, Mark, Names, Row, State};
use crate::message::Part;
use crate::observe::Event;
use crate::plan::{self, Action, resume};
use crate::report::Done;
use crate::session::Session;

/// Writes down the course of an UP.
struct ApplyBook<'b, DB> {
    migration: &'b Migration,
    names: &'b Names,
    who: &'b str,
    run: &'b str,
    /// The row's position.
    seq: u64,
    /// The digest before this migration.
    before: Digest,
    /// Whether a row was written at the beginning.
    has_row: bool,
    /// How many statements there are.
    all: usize,
    engine: std::marker::PhantomData<fn() -> DB>,
}

impl<DB: Driver> ApplyBook<'_, DB> {
    fn after(&self) -> Digest {
        self.before
            .with(&self.migration.id, &self.migration.checksum)
    }

    fn entry(&self, state: State, execution_ms: &str) -> Entry<'_> {
        Entry {
            seq: self.seq,
            state,
            mark: Mark::default(),
            execution_ms: execution_ms.to_owned(),
            applied_by: self.who,
            error: None,
            run: self.run,
            digest: self.before,
        }
    }

    fn insert(&self, entry: &Entry<'_>) -> Vec<String> {
        history::insert::<DB>(self.names, self.migration, entry).into()
    }
}

impl<DB: Driver> Book for ApplyBook<'_, DB> {
    fn begin(&self, mark: &Mark) -> Vec<String> {
        self.insert(&Entry {
            mark: mark.clone(),
            ..self.entry(State::Applying, "NULL")
        })
    }

    fn progress(&self, mark: &Mark) -> String {
        Change::default()
            .mark::<DB>(mark)
            .of_version::<DB>(self.names, self.migration.version)
    }

    fn finish(&self, execution_ms: &str) -> Vec<String> {
        let mark = Mark {
            done: self.all,
            ..Mark::default()
        };
        if self.has_row {
            let change = Change::default()
                .state::<DB>(State::Applied)
                .mark::<DB>(&mark)
                .digest::<DB>(self.after())
                .no_error()
                .finished::<DB>(execution_ms);
            return vec![change.of_version::<DB>(self.names, self.migration.version)];
        }
        let entry = Entry {
            mark,
            digest: self.after(),
            ..self.entry(State::Applied, execution_ms)
        };
        self.insert(&entry)
    }

    fn fail(&self, mark: &Mark, error: &str, trace: Trace) -> Vec<String> {
        if self.has_row {
            // Where something may be half done the next run has to look.
            let state = match trace {
                Trace::None => State::Failed,
                Trace::Perhaps => State::Applying,
            };
            let change = Change::default()
                .state::<DB>(state)
                .mark::<DB>(mark)
                .error::<DB>(error);
            return vec![change.of_version::<DB>(self.names, self.migration.version)];
        }
        self.insert(&Entry {
            error: Some(error),
            ..self.entry(State::Failed, "NULL")
        })
    }

    fn recorded_before(&self) -> String {
        // The row before was written in this transaction.
        format!(
            "(SELECT b.applied_at FROM {} b WHERE b.namespace = {} AND b.seq = {})",
            self.names.migrations::<DB>(),
            DB::quote_text(&self.names.namespace),
            self.seq - 1
        )
    }
}

pub(crate) fn job<'j>(
    migration: &'j Migration,
    limits: Limits,
    dialect: Dialect,
    start: Start,
) -> Job<'j> {
    let ms = |limit: Option<u64>, default| limit.map(Duration::from_millis).or(default);
    Job {
        id: &migration.id,
        part: Part::Up,
        script: &migration.up,
        checks_before: &migration.checks_before,
        checks_after: &migration.checks_after,
        foreign_keys: migration.foreign_keys,
        limits: Limits {
            lock: ms(migration.lock_timeout_ms, limits.lock),
            statement: ms(migration.statement_timeout_ms, limits.statement),
        },
        lock_limit_is_given: migration.lock_timeout_ms.is_some(),
        step: migration.step.as_deref(),
        dialect,
        start,
    }
}

/// Applies migrations: together in one transaction, or a single one as its file says.
pub(crate) async fn migrations<DB: Engine>(
    session: &mut Session<'_, DB>,
    migrations: &[&Migration],
    limits: Limits,
    retries: u32,
) -> Result<Vec<Done>, Failure> {
    let began = Instant::now();
    let start = match migrations {
        [one] => resume::start_of(&session.rows, one.version),
        _ => Start::default(),
    };
    if start.is_begun
        && let [one] = migrations
    {
        let (id, done) = (one.id.as_str(), start.done);
        session.announcer().tell(Event::Resumed { id, done });
    }
    let stands_alone = |one: &Migration| plan::transaction_of(one) == Transaction::None;
    let apart = matches!(migrations, [one] if start.is_begun || stands_alone(one));
    let dialect = session.dialect;
    let (names, who, run) = (
        session.names.clone(),
        session.who.clone(),
        session.run.clone(),
    );
    let mut before = session.digest();
    let books: Vec<_> = (session.newest() + 1..)
        .zip(migrations)
        .map(|(seq, migration)| {
            let book = ApplyBook::<DB> {
                migration,
                names: &names,
                who: &who,
                run: &run,
                seq,
                before,
                has_row: apart,
                all: migration.up.statements.len(),
                engine: std::marker::PhantomData,
            };
            before = book.after();
            book
        })
        .collect();
    let jobs: Vec<_> = migrations
        .iter()
        .map(|migration| job(migration, limits, dialect, start))
        .collect();
    let pairs: Vec<(&Job<'_>, &(dyn Book + Sync))> = jobs
        .iter()
        .zip(&books)
        .map(|(job, book)| (job, book as &(dyn Book + Sync)))
        .collect();
    let result = if apart {
        let (job, book) = pairs[0];
        execute::apart::one_by_one(session, job, book, retries)
            .await
            .map(|outcome| vec![outcome])
    } else {
        execute::together(session, &pairs).await
    };
    match result {
        Ok(outcomes) => {
            let elapsed = began.elapsed() / u32::try_from(migrations.len().max(1)).unwrap_or(1);
            session
                .rows
                .retain(|row| !migrations.iter().any(|one| one.version == row.version));
            session
                .rows
                .extend(books.iter().map(|book| applied_row(book, elapsed)));
            let done = migrations.iter().zip(outcomes);
            Ok(done
                .map(|(migration, outcome)| done_of(migration, outcome, start, elapsed))
                .collect())
        }
        Err(failure) => {
            if !apart && is_worth_recording(&failure) {
                // All of them are taken back; the row of the one that failed tells why.
                let book = ApplyBook::<DB> {
                    migration: migrations[failure.job],
                    seq: session.newest() + 1,
                    before: session.digest(),
                    ..books[failure.job]
                };
                let record = book.fail(&Mark::default(), &failure.error.headline(), failure.trace);
                session.write_quietly(record).await;
            }
            Err(failure)
        }
    }
}

fn is_worth_recording(failure: &Failure) -> bool {
    let spoken = matches!(
        failure.error.kind(),
        ErrorKind::Statement | ErrorKind::Step | ErrorKind::Check
    );
    spoken && !failure.transient && !failure.stale
}

fn done_of(migration: &Migration, outcome: Outcome, start: Start, elapsed: Duration) -> Done {
    Done {
        action: match start.is_begun {
            true => Action::Resume,
            false => Action::Apply,
        },
        id: migration.id.clone(),
        name: migration.name.clone(),
        statements: outcome.statements,
        rows_affected: outcome.rows_affected,
        elapsed,
    }
}

/// The row as it stands in the database now, but for what only the server knows.
fn applied_row<DB: Driver>(book: &ApplyBook<'_, DB>, elapsed: Duration) -> Row {
    let migration = book.migration;
    let statements = u32::try_from(migration.up.statements.len()).unwrap_or(u32::MAX);
    Row {
        version: migration.version,
        seq: book.seq,
        id: migration.id.clone(),
        name: migration.name.clone(),
        checksum: migration.checksum,
        down_checksum: migration.down_checksum,
        state: State::Applied,
        statements,
        statements_done: statements,
        rollback_safe: migration.rollback_safe,
        compatible: history::is_compatible::<DB>(migration),
        applied_at: String::new(),
        execution_ms: u64::try_from(elapsed.as_millis()).ok(),
        applied_by: book.who.to_owned(),
        error: None,
        run: book.run.to_owned(),
        rounds: None,
        round_rows: None,
        layout: history::LAYOUT,
        done_checksum: None,
        open_checksum: None,
        digest: book.after().to_string(),
    }
}

/// Takes the new text of a migration as applied, because its file says that it supersedes the old.
///
/// # Errors
/// When the row cannot be written.
pub(crate) async fn accept<DB: Engine>(
    session: &mut Session<'_, DB>,
    migration: &Migration,
) -> Result<(), Error> {
    let newest = session.newest();
    if let Some(row) = session
        .rows
        .iter_mut()
        .find(|row| row.version == migration.version)
    {
        row.checksum = migration.checksum;
    }
    let digest = session.digest();
    if let Some(row) = session.rows.iter_mut().find(|row| row.seq == newest) {
        row.digest = digest.to_string();
    }
    let changes = session.fenced(vec![
        Change::default()
            .checksum::<DB>(migration.checksum)
            .of_version::<DB>(&session.names, migration.version),
        Change::default()
            .digest::<DB>(session.digest())
            .of_seq::<DB>(&session.names, newest),
    ]);
    let (begin, commit) = (DB::BEGIN.to_owned(), "COMMIT".to_owned());
    let statements: Vec<_> = [begin].into_iter().chain(changes).chain([commit]).collect();
    session
        .run(
            statements,
            &format!("cannot accept the new text of `{}`", migration.id),
        )
        .await
}
