//! SQLite.

mod guard;
mod tables;

use std::path::Path;
use std::time::Duration;

use backstitch_core::resume::Object;
use backstitch_core::{Dialect, lex};
use sqlx::sqlite::{SqliteConnectOptions, SqliteQueryResult, SqliteRow};
use sqlx::{AssertSqlSafe, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef};

use crate::engine::{
    Bound, Driver, Engine, Limits, LockAttempt, LockIsFree, Scope, collect, find_word,
};
use crate::history::Names;
use crate::message::{Answer, Message, Piece, Refused};
use crate::session::Facts;

impl Engine for Sqlite {}

const BUSY_TIMEOUT: &str = "busy_timeout";

/// Settings that a migration may change and that are brought back after it.
const SETTINGS: [&str; 6] = [
    "foreign_keys",
    "ignore_check_constraints",
    "legacy_alter_table",
    "recursive_triggers",
    "query_only",
    BUSY_TIMEOUT,
];

impl Driver for Sqlite {
    const PRODUCT: &'static str = "SQLite";
    const DIALECT: Dialect = Dialect::Sqlite;
    /// Takes the write lock at once: a transaction that only discovers later that it must write
    /// fails instead of waiting. <https://www.sqlite.org/lang_transaction.html>
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const BATCHES: bool = false;
    const BATCH_IS_TRANSACTION: bool = false;
    const LOCKS_BY_TRANSACTION: bool = true;
    const NAMES_ARE_CUT_AT: Option<usize> = None;
    const LEASES: bool = false;

    fn speaks(dialect: Dialect) -> bool {
        dialect == Dialect::Sqlite
    }

    fn quote_name(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// A NUL, where SQLite would take the statement to end, is shown by its picture.
    fn quote_text(text: &str) -> String {
        format!("'{}'", text.replace('\'', "''").replace('\0', "\u{2400}"))
    }

    fn create_history(names: &Names) -> Vec<String> {
        tables::create(names)
    }

    fn upgrade_history(names: &Names) -> Vec<String> {
        tables::upgrade(names)
    }

    fn now() -> &'static str {
        "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    }

    fn show_time(column: &str) -> String {
        column.to_owned()
    }

    fn start_clock() -> Option<&'static str> {
        None
    }

    fn elapsed_ms(_previous: Option<&str>) -> Option<String> {
        None
    }

    async fn send<'a>(
        connection: &'a mut SqliteConnection,
        message: &'a Message<'a>,
    ) -> Result<Vec<Answer>, Refused> {
        let mut answers = Vec::with_capacity(message.pieces.len());
        for (index, piece) in message.pieces.iter().enumerate() {
            let one = Message::of([piece.clone()]);
            let query = sqlx::raw_sql(AssertSqlSafe(&*piece.sql));
            let stream = query.fetch_many(&mut *connection);
            match collect(stream, &one, SqliteQueryResult::rows_affected, text_of).await {
                Ok(answer) => {
                    let mut answer = answer.into_iter().next().unwrap_or_default();
                    if !changes_rows(&piece.sql) {
                        answer.rows_affected = 0;
                    }
                    answers.push(answer);
                }
                Err((_, error)) => {
                    let byte = Sqlite::locate(&error, &piece.sql, &piece.sql)
                        .and_then(|byte| byte.checked_sub(piece.lead));
                    return Err(Refused {
                        answers,
                        piece: index,
                        byte,
                        error,
                    });
                }
            }
        }
        Ok(answers)
    }

    fn ask_facts() -> Vec<String> {
        let settings = SETTINGS.map(|name| format!("PRAGMA {name}"));
        [String::from("SELECT sqlite_version()")]
            .into_iter()
            .chain(settings)
            .collect()
    }

    fn facts(answers: &[Answer]) -> Facts {
        let value =
            |index: usize| -> Option<String> { answers.get(index)?.rows.first()?.first()?.clone() };
        let settings = SETTINGS
            .iter()
            .zip(1..)
            .filter_map(|(name, index)| Some(((*name).to_owned(), value(index)?)));
        Facts {
            server: value(0),
            settings: settings.collect(),
            ..Facts::default()
        }
    }

    fn reset(facts: &Facts) -> Vec<String> {
        let settings = facts.settings.iter();
        settings
            .map(|(name, value)| format!("PRAGMA {name} = {value}"))
            .collect()
    }

    fn make_ours(_facts: &Facts, _who: &str) -> Vec<String> {
        Vec::new()
    }

    fn limit(_facts: &Facts, _scope: Scope, _limits: Limits) -> Vec<String> {
        // One lock for the whole file, waited for at `BEGIN`; a statement cannot be timed.
        Vec::new()
    }

    fn brief_begin(facts: &Facts) -> Option<[String; 2]> {
        let (name, usual) = facts
            .settings
            .iter()
            .find(|(name, _)| name == BUSY_TIMEOUT)?;
        Some([
            format!("PRAGMA {name} = 50"),
            format!("PRAGMA {name} = {usual}"),
        ])
    }

    fn works_concurrently(_sql: &str) -> bool {
        false
    }

    fn is_refusal(_error: &sqlx::Error) -> bool {
        true
    }

    fn needs_no_transaction(error: &sqlx::Error) -> bool {
        let message = error.as_database_error().map(|error| error.message());
        message.is_some_and(|message| {
            message.contains("from within a transaction") || message.contains("within transaction")
        })
    }

    fn look_up(_object: &Object) -> Option<String> {
        // Whatever changes the schema shares a transaction with its count.
        None
    }

    fn take_away(_object: &Object) -> Option<String> {
        None
    }

    type Guard = guard::Guard;

    async fn guard(connection: &mut SqliteConnection) -> Result<Option<Self::Guard>, sqlx::Error> {
        match file_of(connection).await {
            None => Ok(Some(guard::Guard::of_nobody())),
            Some(file) => Ok(guard::Guard::try_take(Path::new(&file))?),
        }
    }

    fn foreign_keys(on: bool) -> Vec<String> {
        vec![format!(
            "PRAGMA foreign_keys = {}",
            if on { "ON" } else { "OFF" }
        )]
    }

    fn check_foreign_keys() -> Option<&'static str> {
        Some("PRAGMA foreign_key_check")
    }

    fn bound() -> Bound {
        Bound {
            before: None,
            prefix: "SELECT * FROM (\n",
            suffix: "\n) AS offenders LIMIT 6",
            after: None,
        }
    }

    async fn try_lock<'a>(
        _connection: &'a mut SqliteConnection,
        _name: &'a str,
    ) -> Result<LockAttempt, sqlx::Error> {
        Ok(LockAttempt::Taken)
    }

    async fn unlock<'a>(
        _connection: &'a mut SqliteConnection,
        _name: &'a str,
    ) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn ask_lock_is_free(_name: &str) -> Option<LockIsFree> {
        None
    }

    fn create_lease(_names: &Names) -> Vec<String> {
        Vec::new()
    }

    fn later(_wait: Duration) -> String {
        Sqlite::now().to_owned()
    }

    fn fence(_names: &Names, _renewal: &str, _is_ours: &str) -> Vec<String> {
        Vec::new()
    }

    fn may_be_pooled(_facts: &Facts, _options: &SqliteConnectOptions) -> bool {
        false
    }

    fn marked(_options: &SqliteConnectOptions) -> Option<(SqliteConnectOptions, &'static str)> {
        None
    }

    async fn lock_holder<'a>(
        connection: &'a mut SqliteConnection,
        _name: &'a str,
    ) -> Option<String> {
        let file = file_of(connection).await?;
        writers_of(Path::new(&file))
    }

    fn is_missing_table(error: &sqlx::Error) -> bool {
        error
            .as_database_error()
            .is_some_and(|error| error.message().starts_with("no such table"))
    }

    fn is_missing_column(error: &sqlx::Error) -> bool {
        error
            .as_database_error()
            .is_some_and(|error| error.message().starts_with("no such column"))
    }

    fn is_lock_timeout(error: &sqlx::Error) -> bool {
        // The low byte of the extended code: SQLITE_BUSY is 5, SQLITE_LOCKED is 6.
        // <https://www.sqlite.org/rescode.html>
        let code = error
            .as_database_error()
            .and_then(|error| error.code()?.parse::<i32>().ok());
        matches!(code.map(|code| code & 0xff), Some(5 | 6))
    }

    fn is_out_of_locks(_error: &sqlx::Error) -> bool {
        false
    }

    fn remarks(error: &sqlx::Error) -> Vec<String> {
        let code = error.as_database_error().and_then(|error| error.code());
        code.map(|code| format!("result code {code}"))
            .into_iter()
            .collect()
    }

    /// `near "word": syntax error`, `no such column: name`, `table name already exists`.
    fn locate(error: &sqlx::Error, sql: &str, _sent: &str) -> Option<usize> {
        let find = |word: &str| find_word(sql, word, Dialect::Sqlite);
        let message = error.as_database_error()?.message();
        if message.starts_with("incomplete input") {
            return Some(sql.trim_end().len());
        }
        let quoted = || message.split('"').nth(1);
        let after_colon = || Some(message.split_once(": ")?.1);
        let named = || {
            let name = after_colon()?.split([' ', ',']).next()?;
            Some(name.rsplit('.').next().unwrap_or(name))
        };
        quoted()
            .and_then(find)
            .or_else(|| find(after_colon()?))
            .or_else(|| find(named()?))
            .or_else(|| message.split(' ').find_map(find))
    }

    async fn lives_in_connection(connection: &mut SqliteConnection) -> bool {
        file_of(connection).await.is_none()
    }

    fn is_url(_text: &str) -> bool {
        true
    }

    fn shown(options: &SqliteConnectOptions) -> String {
        format!("sqlite:{}", options.get_filename().display())
    }
}

/// Whether SQLite counts what the statement changes: after any other it tells the count of the one
/// before. <https://www.sqlite.org/c3ref/changes.html>
fn changes_rows(sql: &str) -> bool {
    let tokens = lex::lex(sql, Dialect::Sqlite).tokens;
    let mut words = tokens
        .iter()
        .filter(|token| !token.kind.is_trivia())
        .map(|token| token.span.of(sql));
    let writes = |word: &str| {
        let all = ["INSERT", "UPDATE", "DELETE", "REPLACE"];
        all.iter().any(|write| word.eq_ignore_ascii_case(write))
    };
    match words.next() {
        Some(with) if with.eq_ignore_ascii_case("WITH") => words.any(writes),
        first => first.is_some_and(writes),
    }
}

/// The file of the main database; `None` when it is in memory.
async fn file_of(connection: &mut SqliteConnection) -> Option<String> {
    let message = Message::of([Piece::query(
        "SELECT file FROM pragma_database_list WHERE name = 'main'",
    )]);
    let answers = Sqlite::send(connection, &message).await.ok()?;
    let file = answers
        .into_iter()
        .next()?
        .rows
        .into_iter()
        .next()?
        .into_iter()
        .next()??;
    (!file.is_empty()).then_some(file)
}

/// The processes that hold a write lock on the file or its shared-memory index. SQLite itself does
/// not tell; Linux lists the locks of all processes in `/proc/locks`, by inode.
#[cfg(target_os = "linux")]
fn writers_of(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let index = file.with_file_name(format!("{}-shm", file.file_name()?.to_string_lossy()));
    let inodes: Vec<String> = [file, index.as_path()]
        .into_iter()
        .filter_map(|path| Some(std::fs::metadata(path).ok()?.ino().to_string()))
        .collect();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 120 120`
    let holder = locks.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, "POSIX", _, "WRITE", pid, place, ..] = fields.as_slice() else {
            return None;
        };
        let inode = place.rsplit(':').next()?;
        inodes
            .iter()
            .any(|known| known == inode)
            .then(|| (*pid).to_owned())
    })?;
    let name = std::fs::read_to_string(format!("/proc/{holder}/comm")).unwrap_or_default();
    Some(format!("process {holder} ({}) on this host", name.trim()))
}

#[cfg(not(target_os = "linux"))]
fn writers_of(_file: &Path) -> Option<String> {
    None
}

fn text_of(row: &SqliteRow, index: usize) -> Option<String> {
    let value = row.try_get_raw(index).ok()?;
    if value.is_null() {
        return None;
    }
    match value.type_info().name() {
        "INTEGER" | "BOOLEAN" => row
            .try_get_unchecked::<i64, _>(index)
            .ok()
            .map(|n| n.to_string()),
        "REAL" => row
            .try_get_unchecked::<f64, _>(index)
            .ok()
            .map(|n| n.to_string()),
        "BLOB" => {
            let bytes: Vec<u8> = row.try_get_unchecked(index).ok()?;
            Some(
                bytes
                    .iter()
                    .fold("x'".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
                    + "'",
            )
        }
        _ => row.try_get_unchecked::<String, _>(index).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::changes_rows;

    #[test]
    fn only_writing_statements_count() {
        assert!(changes_rows("-- so\ninsert INTO t VALUES (1)"));
        assert!(changes_rows("WITH a AS (SELECT 1) DELETE FROM t"));
        assert!(!changes_rows("WITH a AS (SELECT 1) SELECT * FROM a"));
        assert!(!changes_rows(
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END"
        ));
        assert!(!changes_rows(""));
    }
}
