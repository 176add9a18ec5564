//! The one connection that a run works in, and what is known about it.

mod upgrade;

use std::time::Duration;

use backstitch_core::checksum::Digest;
use backstitch_core::{Diagnostic, Dialect};
use sqlx::Connection;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::execute::{Failure, library};
use crate::history::{self, Fingerprint, LAYOUT, Names, Newest, OLDEST_LAYOUT, Row};
use crate::lease::Lease;
use crate::message::{Answer, Message, Piece, Refused};
use crate::migrations::Migrations;
use crate::observe::Announcer;
use crate::place::{self, Need, Place};
use crate::watch::{Options, Waiter, Watch};

/// The state of a session before the first migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The schema (or database) that unqualified names go to.
    pub schema: Option<String>,
    /// The server's version as it tells it.
    pub server: Option<String>,
    /// Settings as (name, value), to be restored after each migration.
    pub settings: Vec<(String, String)>,
    /// Whether a transaction is open, as far as the server tells.
    pub in_transaction: bool,
    /// Whether the server can be told to end a statement whose program is gone.
    pub can_notice_hang_up: bool,
    /// Whether the locks that the server gives to sessions cannot be relied on.
    pub has_no_session_locks: bool,
    /// The host that the server says it is at; `None` for a local socket.
    pub host: Option<String>,
    /// The port that the server is configured for.
    pub port: Option<String>,
    /// The number that the server has for this session, where it has numbers.
    pub number: Option<String>,
}

/// A connection at work.
pub(crate) struct Session<'s, DB: Engine> {
    pub(crate) connection: &'s mut DB::Connection,
    pub(crate) names: Names,
    pub(crate) facts: Facts,
    /// What the migrations are written in.
    pub(crate) dialect: Dialect,
    /// Whether the tables of the history are there.
    pub(crate) has_history: bool,
    /// The layout that they have.
    layout: u32,
    /// The history, as it was read and as this session has written it since.
    pub(crate) rows: Vec<Row>,
    /// Host, process and program.
    pub(crate) who: String,
    /// What this run is called in the history.
    pub(crate) run: String,
    /// What else was answered by the look around.
    pub(crate) also: Option<Answer>,
    /// Where the functions are that steps are written as.
    pub(crate) steps: Option<&'s Migrations<DB>>,
    /// The lease, where one stands in for the lock.
    pub(crate) lease: Option<Lease>,
    /// Where the history is, as far as it was asked for.
    pub(crate) place: Place,
    /// Whether the connection is in the middle of something that nobody waits for any more.
    pub(crate) is_given_up: bool,
    /// How to open another connection, where that is known.
    pub(crate) options: Option<Options<DB>>,
    announcer: &'s Announcer,
}

impl<'s, DB: Engine> Session<'s, DB> {
    /// Looks around: what the session is like, the history where there is one, and `also` the
    /// answer to another query. One message.
    ///
    /// # Errors
    /// When the database does not answer, or the history is not ours.
    pub(crate) async fn look_around(
        connection: &'s mut DB::Connection,
        names: Names,
        dialect: Dialect,
        who: String,
        announcer: &'s Announcer,
        also: Option<String>,
    ) -> Result<Session<'s, DB>, Error> {
        let facts_end = DB::ask_facts().len();
        let asks_more = also.is_some();
        let asked: Vec<_> = DB::ask_facts()
            .into_iter()
            .chain(DB::ask_place(&names))
            .chain(also)
            .collect();
        let count = asked.len();
        let mut layout = LAYOUT;
        let (answers, has_history) = loop {
            let rows = Piece::query(history::select_rows::<DB>(&names, layout));
            let facts = asked.iter().map(|sql| Piece::query(sql.as_str()));
            let message = Message::of(facts.chain([rows]));
            match DB::send(connection, &message).await {
                Ok(answers) => break (answers, true),
                Err(Refused { answers, error, .. }) if answers.len() == count => {
                    if DB::is_missing_table(&error) {
                        break (answers, false);
                    }
                    if !DB::is_missing_column(&error) || layout == OLDEST_LAYOUT {
                        return Err(denied::<DB>(connection, &names, error).await);
                    }
                    layout = OLDEST_LAYOUT;
                }
                Err(refused) => return Err(unreadable::<DB>(refused.error)),
            }
        };
        let facts = DB::facts(&answers[..facts_end]);
        let place = answers[facts_end..count - usize::from(asks_more)]
            .first()
            .map(Place::read)
            .unwrap_or_default();
        if !has_history {
            place.is_not_hidden::<DB>(connection, &names).await?;
            if let Some(note) = place.note_elsewhere() {
                tracing::info!("{note}");
            }
        }
        let mut session = Session::of(connection, names, dialect, who, announcer, facts, place);
        session.has_history = has_history;
        session.layout = layout;
        let mut answers = answers.into_iter().skip(count - usize::from(asks_more));
        if asks_more {
            session.also = answers.next();
        }
        if let Some(answer) = answers.next() {
            session.rows = read(answer)?;
        }
        Ok(session)
    }

    /// Looks at the server alone: the history is not read, in whatever state it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn look_at_server(
        connection: &'s mut DB::Connection,
        names: Names,
        dialect: Dialect,
        who: String,
        announcer: &'s Announcer,
    ) -> Result<Session<'s, DB>, Error> {
        let facts_end = DB::ask_facts().len();
        let asked = DB::ask_facts().into_iter().chain(DB::ask_place(&names));
        let message = Message::of(asked.map(Piece::query));
        let answers = DB::send(connection, &message).await;
        let answers = answers.map_err(|Refused { error, .. }| {
            Error::database::<DB>("cannot look at the server", error)
        })?;
        let facts = DB::facts(&answers[..facts_end]);
        let place = answers[facts_end..]
            .first()
            .map(Place::read)
            .unwrap_or_default();
        Ok(Session::of(
            connection, names, dialect, who, announcer, facts, place,
        ))
    }

    /// At a server of which this is known; nothing is known of the history.
    fn of(
        connection: &'s mut DB::Connection,
        mut names: Names,
        dialect: Dialect,
        who: String,
        announcer: &'s Announcer,
        mut facts: Facts,
        place: Place,
    ) -> Session<'s, DB> {
        facts.in_transaction |= connection.is_in_transaction();
        if names.schema.is_none() {
            // What a search path leads to need not be where it has new tables made.
            let found = place.found.as_ref().or(facts.schema.as_ref());
            names.schema = found.cloned();
        }
        let run = run_id(&who);
        Session {
            connection,
            names,
            facts,
            dialect,
            has_history: false,
            layout: LAYOUT,
            rows: Vec::new(),
            who,
            run,
            also: None,
            steps: None,
            lease: None,
            place,
            is_given_up: false,
            options: None,
            announcer,
        }
    }

    /// Statements that write to the history, behind those that make sure that this run may.
    pub(crate) fn fenced(&self, statements: Vec<String>) -> Vec<String> {
        match &self.lease {
            None => statements,
            Some(lease) => {
                let fence = lease.fence::<DB>(&self.names);
                fence.into_iter().chain(statements).collect()
            }
        }
    }

    /// Reads the history again, and makes its tables where they are missing. One message.
    ///
    /// # Errors
    /// When the tables cannot be made or read.
    pub(crate) async fn read_history(&mut self) -> Result<(), Error> {
        if self.has_history && self.layout < LAYOUT {
            self.upgrade().await?;
        }
        let mut pieces = Vec::new();
        if !self.has_history {
            pieces.extend(library(DB::create_history(&self.names)));
        }
        pieces.extend(library(DB::make_ours(&self.facts, &self.who)));
        let rows = history::select_rows::<DB>(&self.names, LAYOUT);
        pieces.push(Piece::query(rows));
        let message = Message::of(pieces);
        let answers = if DB::LOCKS_BY_TRANSACTION && !self.has_history {
            self.send_in_transaction(&message).await
        } else {
            DB::send(self.connection, &message)
                .await
                .map_err(|refused| refused.error)
        };
        let answers = answers
            .map_err(|error| Error::database::<DB>("cannot make or read the history", error))?;
        self.has_history = true;
        self.layout = LAYOUT;
        self.rows = read(answers.into_iter().next_back().unwrap_or_default())?;
        Ok(())
    }

    /// The error of a run, with what is to be granted where a right to the history is missing.
    pub(crate) async fn told(&mut self, error: Error) -> Error {
        place::told::<DB>(self.connection, &self.names, Need::Write, error).await
    }

    /// Reads the history again where there is one. Makes and changes nothing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn look_again(&mut self) -> Result<(), Error> {
        let rows = history::select_rows::<DB>(&self.names, self.layout);
        let message = Message::of([Piece::query(rows)]);
        match DB::send(self.connection, &message).await {
            Ok(answers) => {
                self.rows = read(answers.into_iter().next_back().unwrap_or_default())?;
                Ok(())
            }
            Err(refused) if DB::is_missing_table(&refused.error) => Ok(()),
            Err(refused) => Err(unreadable::<DB>(refused.error)),
        }
    }

    /// Sends a message inside a transaction of its own.
    async fn send_in_transaction(
        &mut self,
        message: &Message<'_>,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let mut transaction = crate::execute::begin::<DB>(self.connection, &self.facts).await?;
        let answers = DB::send(&mut transaction, message)
            .await
            .map_err(|refused| refused.error)?;
        transaction.commit().await?;
        Ok(answers)
    }

    /// Makes sure that no transaction is open, which would be committed together with the first
    /// migration.
    ///
    /// # Errors
    /// When one is.
    pub(crate) async fn outside_transaction(&mut self) -> Result<(), Error> {
        let mut is_inside = self.facts.in_transaction;
        if let Some(probe) = DB::transaction_probe(&self.facts) {
            let message = Message::of(library([probe.to_owned()]));
            is_inside |= match DB::send(self.connection, &message).await {
                Ok(_) => false,
                Err(refused) => DB::is_inside_transaction(&refused.error),
            };
        }
        if !is_inside {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Usage,
            Diagnostic::error("inside-transaction", "the connection is in a transaction")
                .why("A run has transactions of its own, and would commit this one with them.")
                .help("commit it first, or hand over a pool or another connection"),
        ))
    }

    /// Statements that bring the session back to what it was before the first migration.
    pub(crate) fn reset(&self) -> Vec<String> {
        let mut statements = DB::reset(&self.facts);
        statements.extend(DB::make_ours(&self.facts, &self.who));
        statements
    }

    /// Sends statements in one message.
    ///
    /// # Errors
    /// What the database says, after taking back what can be taken back.
    pub(crate) async fn run(&mut self, statements: Vec<String>, doing: &str) -> Result<(), Error> {
        let message = Message::of(library(statements));
        match DB::send(self.connection, &message).await {
            Ok(_) => Ok(()),
            Err(refused) => {
                self.run_quietly(&["ROLLBACK".to_owned()]).await;
                Err(Error::database::<DB>(doing, refused.error))
            }
        }
    }

    /// Writes to the history in one transaction, because another failure is being handled. What
    /// cannot be written stays as it was.
    pub(crate) async fn write_quietly(&mut self, statements: Vec<String>) {
        if DB::LOCKS_BY_TRANSACTION {
            return self.run_quietly(&statements).await;
        }
        let begin = [DB::BEGIN.to_owned()];
        let statements = self.fenced(statements);
        let all = begin.into_iter().chain(statements);
        let message = Message::of(library(all.chain(["COMMIT".to_owned()])));
        if let Err(refused) = DB::send(self.connection, &message).await {
            tracing::debug!(error = %refused.error, "a failure could not be recorded");
            self.run_quietly(&["ROLLBACK".to_owned()]).await;
        }
    }

    /// Runs statements one by one whose failure is of no consequence, because another failure is
    /// being handled or the connection is about to be closed.
    pub(crate) async fn run_quietly(&mut self, statements: &[String]) {
        for sql in statements {
            let message = Message::of([Piece::library(sql.as_str())]);
            if let Err(refused) = DB::send(self.connection, &message).await {
                tracing::debug!(error = %refused.error, "a clean-up statement failed");
            }
        }
    }

    /// The position of the newest row that this session knows.
    pub(crate) fn newest(&self) -> u64 {
        self.rows.iter().map(|row| row.seq).max().unwrap_or(0)
    }

    /// The digest of what this session knows to be applied.
    pub(crate) fn digest(&self) -> Digest {
        history::digest(&self.rows)
    }

    /// Who looks after the work on a migration.
    pub(crate) fn watch<'w>(&self, id: &'w str, lock_timeout: Option<Duration>) -> Watch<'w, DB>
    where
        's: 'w,
    {
        let number = self.facts.number.clone().unwrap_or_default();
        Watch {
            announcer: self.announcer,
            options: self.options.clone(),
            waiter: Waiter::Session(number, DB::shown_as(&self.who)),
            id: Some(id),
            lock_timeout,
        }
    }

    /// Who looks after reading and writing the history.
    pub(crate) fn watch_history(&self) -> Watch<'s, DB> {
        Watch {
            announcer: self.announcer,
            options: self.options.clone(),
            waiter: Waiter::History(self.names.clone()),
            id: None,
            lock_timeout: None,
        }
    }

    pub(crate) fn announcer(&self) -> &'s Announcer {
        self.announcer
    }
}

impl Names {
    /// Inside the write transaction that is the lock: makes sure that nobody has written since.
    ///
    /// # Errors
    /// A transient failure when somebody has: look again, then decide again.
    pub(crate) async fn still_newest<DB: Engine>(
        &self,
        connection: &mut DB::Connection,
        expected: &Fingerprint,
    ) -> Result<(), Failure> {
        let sql = history::select_fingerprint::<DB>(self);
        let message = Message::of([Piece::query(sql)]);
        let failed = |error, stale| Failure {
            stale,
            ..Failure::of(error, 0)
        };
        let answers = DB::send(connection, &message)
            .await
            .map_err(|refused| failed(unreadable::<DB>(refused.error), false))?;
        if answers.first().map(Fingerprint::read).as_ref() == Some(expected) {
            return Ok(());
        }
        let diagnostic = Diagnostic::error("history-moved", "somebody else is migrating too")
            .why(
                "The history has changed since it was read, so what was planned may be done by now.",
            )
            .help("wait until they have finished, then look at the history and run it again");
        Err(failed(Error::new(ErrorKind::Locked, diagnostic), true))
    }
}

/// Asks for the newest row: the one query of a start-up with nothing to do.
///
/// # Errors
/// What the database says; a missing table is no error but no row.
pub(crate) async fn newest<DB: Engine>(
    connection: &mut DB::Connection,
    names: &Names,
) -> Result<Option<Newest>, sqlx::Error> {
    let message = Message::of([Piece::query(history::select_newest::<DB>(names))]);
    match DB::send(connection, &message).await {
        Ok(answers) => Ok(answers.into_iter().next().and_then(history::newest)),
        Err(refused) if DB::is_missing_table(&refused.error) => Ok(None),
        Err(refused) => Err(refused.error),
    }
}

/// The same, and what is to be granted where a right is missing.
pub(crate) async fn denied<DB: Engine>(
    connection: &mut DB::Connection,
    names: &Names,
    error: sqlx::Error,
) -> Error {
    place::told::<DB>(connection, names, Need::Read, unreadable::<DB>(error)).await
}

/// The history cannot be read, and not because it is not there yet.
pub(crate) fn unreadable<DB: Engine>(error: sqlx::Error) -> Error {
    let doing = "cannot read the history";
    if DB::is_missing_column(&error) {
        return not_ours(format!("{doing}: {}", DB::words(&error))).caused_by(error);
    }
    Error::database::<DB>(doing, error)
}

fn read(answer: Answer) -> Result<Vec<Row>, Error> {
    history::rows(answer).map_err(not_ours)
}

fn not_ours(what: String) -> Error {
    Error::new(
        ErrorKind::History,
        Diagnostic::error("history-not-ours", what)
            .why(
                "The history holds something that this library does not write: it was edited, or \
                 another program uses a table of this name.",
            )
            .help(
                "look at the table of the history: put the row right from a backup, or, where the \
                 table is another program's, give ours another name by `.tables(..)`, or another \
                 schema by `.schema(..)`",
            ),
    )
}

/// A name for a run: when it began, in microseconds since 1970, and which process it was, in
/// hexadecimal digits.
fn run_id(who: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = now.map_or(0, |since| since.as_micros());
    let host = who
        .bytes()
        .fold(0u16, |sum, byte| sum.rotate_left(3) ^ u16::from(byte));
    format!("{micros:x}-{host:x}-{:x}", std::process::id())
}
