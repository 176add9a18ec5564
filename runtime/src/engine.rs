//! What differs between the engines, and nothing else.
//!
//! Each engine is one file below this one: how it takes a message, how it quotes, its lock, its
//! tables. The rest of the crate asks through [`Driver`] and never names an engine.

use std::future::Future;
use std::time::{Duration, Instant};

use backstitch_core::Dialect;
use backstitch_core::resume::Object;
use futures_util::{Stream, StreamExt};
use sqlx::{Column, Connection, Database, Either, Row};

use crate::error::words_of;
use crate::history::Names;
use crate::message::{Answer, Message, Refused};
use crate::probe::Probe;
use crate::session::Facts;
use crate::testing::Provable;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// A database that migrations can be for: `sqlx::Postgres`, `sqlx::Sqlite` or `sqlx::MySql`, each
/// behind the feature of its name.
///
/// It cannot be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an engine of backstitch",
    label = "expected `sqlx::Postgres`, `sqlx::Sqlite` or `sqlx::MySql`",
    note = "each engine is a feature that must be switched on (`postgres`, `sqlite`, or `mysql` for MariaDB too): backstitch = {{ version = \"0.1\", features = [\"postgres\"] }}"
)]
pub trait Engine: Driver + Provable + Probe {}

/// How a lock attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockAttempt {
    /// It is ours.
    Taken,
    /// Someone else has it.
    Held,
}

/// How a lease makes sure that no session has the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockIsFree {
    /// A statement before the one that takes the lease.
    pub before: Option<String>,
    /// A condition of the one that takes it.
    pub now: String,
    /// A condition of the query after that.
    pub afterwards: String,
}

impl LockIsFree {
    /// There are no such locks.
    pub(crate) fn always() -> LockIsFree {
        LockIsFree {
            before: None,
            now: "1 = 1".to_owned(),
            afterwards: "1 = 1".to_owned(),
        }
    }
}

/// What the catalogue says about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is there.
    There,
    /// It is not.
    Gone,
    /// It is there and of no use: what a statement left that was interrupted.
    Invalid,
}

/// For how long a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Until the transaction ends.
    Transaction,
    /// Until the session is reset.
    Session,
}

/// How long statements may take. `None`: as long as they need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long one may wait for a lock inside the database.
    pub lock: Option<Duration>,
    /// How long one may run.
    pub statement: Option<Duration>,
}

/// What stands around a query to keep its answer short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// A statement to run before it.
    pub before: Option<&'static str>,
    /// Text in front of it.
    pub prefix: &'static str,
    /// Text behind it.
    pub suffix: &'static str,
    /// A statement to run after it.
    pub after: Option<&'static str>,
}

/// The engine's answers. Public only because [`Engine`] builds on it.
pub trait Driver: Database<Connection: Send> {
    /// The name of the product for people.
    const PRODUCT: &'static str;
    /// The SQL it speaks unless told otherwise.
    const DIALECT: Dialect;
    /// Opens a transaction that is sure to be able to write.
    const BEGIN: &'static str;
    /// Whether several statements travel in one message.
    const BATCHES: bool;
    /// Whether the statements of one message are one transaction even without a `BEGIN`.
    const BATCH_IS_TRANSACTION: bool;
    /// Whether the lock is the write transaction itself, so that there is none to take.
    const LOCKS_BY_TRANSACTION: bool;
    /// How many bytes of a name count, where the engine cuts off what is longer and goes on.
    const NAMES_ARE_CUT_AT: Option<usize>;
    /// Whether a lease can stand in for the lock.
    const LEASES: bool;

    /// Whether migrations in `dialect` can run on it.
    fn speaks(dialect: Dialect) -> bool;

    /// A name as this engine quotes names.
    fn quote_name(name: &str) -> String;

    /// A text as a literal of this engine, safe whatever the session's settings are.
    fn quote_text(text: &str) -> String;

    /// Statements that create the tables of the history where they are missing.
    fn create_history(names: &Names) -> Vec<String>;

    /// Statements that bring those tables from the layout before to the present one.
    fn upgrade_history(names: &Names) -> Vec<String>;

    /// An expression for the present moment.
    fn now() -> &'static str;

    /// An expression that shows the time in `column` as RFC 3339 in UTC.
    fn show_time(column: &str) -> String;

    /// A statement that remembers the present moment for [`elapsed_ms`](Driver::elapsed_ms).
    fn start_clock() -> Option<&'static str>;

    /// An expression for the whole milliseconds since the migration began. `previous` is an
    /// expression for when the migration before it in the same transaction was recorded. `None`:
    /// the server cannot tell, the client must.
    fn elapsed_ms(previous: Option<&str>) -> Option<String>;

    /// Sends a message and waits for all of its answers.
    fn send<'a>(
        connection: &'a mut Self::Connection,
        message: &'a Message<'a>,
    ) -> impl Future<Output = Result<Vec<Answer>, Refused>> + Send + 'a;

    /// Queries whose answers [`facts`](Driver::facts) reads: what the session is like before the
    /// first migration. They travel with the first look at the history under the lock.
    fn ask_facts() -> Vec<String>;

    /// Reads the answers to [`ask_facts`](Driver::ask_facts).
    fn facts(answers: &[Answer]) -> Facts;

    /// Statements that bring the session back to those facts.
    fn reset(facts: &Facts) -> Vec<String>;

    /// Statements that make the session ours: the time zone is UTC, others see who works in it, the
    /// server notices when we are gone, and what we do ourselves has the time it needs.
    fn make_ours(facts: &Facts, who: &str) -> Vec<String>;

    /// Statements that set the two time limits for what follows: in this transaction where the
    /// engine can, in this session where not. `None` means none.
    fn limit(facts: &Facts, scope: Scope, limits: Limits) -> Vec<String>;

    /// Statements around a `BEGIN` that is also the lock, so that it is tried for briefly and the
    /// wait is ours: the first before it, the second after it. The reset brings back the usual
    /// patience too, where it was not to be had.
    fn brief_begin(facts: &Facts) -> Option<[String; 2]>;

    /// Whether the statement works beside others: nobody queues behind it while it waits for
    /// their locks, and it may leave something half done behind when it fails.
    fn works_concurrently(sql: &str) -> bool;

    /// Whether the error says that the statement was refused before it did anything.
    fn is_refusal(error: &sqlx::Error) -> bool;

    /// Whether the error says that the statement cannot be in a transaction.
    fn needs_no_transaction(error: &sqlx::Error) -> bool;

    /// A query that answers `there`, `gone` or `invalid`. `None`: the catalogue does not tell.
    fn look_up(object: &Object) -> Option<String>;

    /// A statement that takes away what was found invalid.
    fn take_away(object: &Object) -> Option<String>;

    /// Keeps others from what takes several transactions, where the lock is a transaction.
    type Guard: Send;

    /// One attempt at that. `None`: somebody else is at it.
    fn guard(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Option<Self::Guard>, sqlx::Error>> + Send + '_;

    /// Statements that keep foreign keys from being enforced, and enforce them again.
    fn foreign_keys(on: bool) -> Vec<String>;

    /// A query that returns a row for each violated foreign key.
    fn check_foreign_keys() -> Option<&'static str>;

    /// What makes the server send no more than six rows of a CHECK's query: the five that are
    /// shown, and one to know that there are more.
    fn bound() -> Bound;

    /// One attempt at the lock called `name`, without waiting long in the server.
    fn try_lock<'a>(
        connection: &'a mut Self::Connection,
        name: &'a str,
    ) -> impl Future<Output = Result<LockAttempt, sqlx::Error>> + Send + 'a;

    /// Gives the lock back.
    fn unlock<'a>(
        connection: &'a mut Self::Connection,
        name: &'a str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send + 'a;

    /// How to find out that nobody has the lock called `name`. Whoever gets it afterwards must see
    /// the lease that was taken. `None`: there are no such locks beside a lease.
    fn ask_lock_is_free(name: &str) -> Option<LockIsFree>;

    /// Statements that make the table of the lease and its one row, where they are missing.
    fn create_lease(names: &Names) -> Vec<String>;

    /// An expression for a moment from now.
    fn later(wait: Duration) -> String;

    /// Statements that renew the lease by `renewal`, and fail where `is_ours` does not hold.
    fn fence(names: &Names, renewal: &str, is_ours: &str) -> Vec<String>;

    /// A statement that does nothing and is refused while a transaction is open, where the server
    /// does not tell that among its facts.
    fn transaction_probe(_facts: &Facts) -> Option<&'static str> {
        None
    }

    /// Whether the refusal of [`transaction_probe`](Driver::transaction_probe) says that one is open.
    fn is_inside_transaction(_error: &sqlx::Error) -> bool {
        false
    }

    /// Whether the address that was connected to may be that of a pooler.
    fn may_be_pooled(facts: &Facts, options: &<Self::Connection as Connection>::Options) -> bool;

    /// How to connect with a mark, and a query that answers [`MARK`](crate::lock::MARK) when the
    /// session has it: that of a pooler has not. `None`: a connection is a session.
    fn marked(
        options: &<Self::Connection as Connection>::Options,
    ) -> Option<(<Self::Connection as Connection>::Options, &'static str)>;

    /// Who holds the lock, in words for people: host, process and since when, as far as the engine
    /// tells.
    fn lock_holder<'a>(
        connection: &'a mut Self::Connection,
        name: &'a str,
    ) -> impl Future<Output = Option<String>> + Send + 'a;

    /// Whether the error says that the history is not there yet.
    fn is_missing_table(error: &sqlx::Error) -> bool;

    /// Whether the error says that a table has other columns than it should.
    fn is_missing_column(error: &sqlx::Error) -> bool;

    /// Whether the error says that a lock inside the database was not to be had in time, so that
    /// trying again makes sense.
    fn is_lock_timeout(error: &sqlx::Error) -> bool;

    /// Whether the error says that a transaction holds more locks than the server has room for.
    fn is_out_of_locks(error: &sqlx::Error) -> bool;

    /// What the server adds to its message: its code, detail and hint.
    fn remarks(error: &sqlx::Error) -> Vec<String>;

    /// What the server says, in words for people who see the statement beside it.
    fn words(error: &sqlx::Error) -> String {
        words_of(error)
    }

    /// Where in `sql` the error happened, as far as its message tells. `sent` is `sql` and what was
    /// sent behind it. For engines whose errors carry no position.
    fn locate(error: &sqlx::Error, sql: &str, sent: &str) -> Option<usize>;

    /// Whether the database lives in this connection, so that closing it would lose the data.
    fn lives_in_connection(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = bool> + Send + '_;

    /// Whether the text has the form of a URL. What reads URLs is lenient, and takes the password
    /// for something else where a slash is missing.
    fn is_url(text: &str) -> bool;

    /// Where these options lead, without the password.
    fn shown(options: &<Self::Connection as Connection>::Options) -> String;
}

/// Reads the answers of one message from the driver's stream. `count` tells the rows that a
/// result changed, `text` shows one value of a row.
async fn collect<S, Q, R>(
    mut stream: S,
    message: &Message<'_>,
    count: fn(&Q) -> u64,
    text: fn(&R, usize) -> Option<String>,
) -> Result<Vec<Answer>, (Vec<Answer>, sqlx::Error)>
where
    S: Stream<Item = Result<Either<Q, R>, sqlx::Error>> + Unpin,
    R: Row,
{
    let mut answers = Vec::with_capacity(message.pieces.len());
    let mut answer = Answer::default();
    let mut began = Instant::now();
    while let Some(result) = stream.next().await {
        match result {
            Ok(Either::Right(row)) => {
                answer.rows_returned += 1;
                let keep = message
                    .pieces
                    .get(answers.len())
                    .map_or(0, |piece| piece.keep_rows);
                if answer.rows.len() < keep {
                    let columns = row.columns();
                    if answer.columns.is_empty() {
                        answer.columns = columns.iter().map(|c| c.name().to_owned()).collect();
                    }
                    answer
                        .rows
                        .push((0..columns.len()).map(|i| text(&row, i)).collect());
                }
            }
            Ok(Either::Left(result)) => {
                answer.rows_affected = count(&result);
                answer.elapsed = began.elapsed();
                began = Instant::now();
                answers.push(std::mem::take(&mut answer));
            }
            Err(error) => return Err((answers, error)),
        }
    }
    Ok(answers)
}

/// A number for a lock of that name, for engines whose locks are numbers.
#[cfg(feature = "postgres")]
fn number_of(name: &str) -> i64 {
    use backstitch_core::checksum::{Digest, Hasher};

    Digest::EMPTY.with(name, &Hasher::new().finish()).lanes()[0].cast_signed()
}

/// The first place where `sql` has `word` as a word, a quoted name or, failing that, a string:
/// outside of comments.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
fn find_word(sql: &str, word: &str, dialect: Dialect) -> Option<usize> {
    use backstitch_core::lex::{self, TokenKind};

    if word.is_empty() {
        return None;
    }
    let tokens = lex::lex(sql, dialect).tokens;
    let find = |strings: bool| {
        let found = tokens.iter().find(|token| {
            let text = token.span.of(sql);
            let bare = text.trim_matches(['"', '`', '\'', '[', ']']);
            let fits = text.eq_ignore_ascii_case(word) || bare.eq_ignore_ascii_case(word);
            fits && !token.kind.is_trivia() && (token.kind == TokenKind::String) == strings
        });
        found.map(|token| token.span.range().start)
    };
    find(false).or_else(|| find(true))
}
