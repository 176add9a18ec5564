//! MySQL and MariaDB.

mod catalogue;
mod tables;

use std::time::Duration;

use backstitch_core::Dialect;
use backstitch_core::resume::Object;
use sqlx::mysql::{MySqlConnectOptions, MySqlQueryResult, MySqlRow};
use sqlx::{AssertSqlSafe, MySql, MySqlConnection, Row};

use crate::engine::{
    Bound, Driver, Engine, Limits, LockAttempt, LockIsFree, Scope, collect, find_word,
};
use crate::error::words_of;
use crate::history::Names;
use crate::message::{Answer, Message, Piece, Refused};
use crate::session::Facts;

impl Engine for MySql {}

/// Settings that a migration may change and that are brought back after it.
const SETTINGS: [&str; 13] = [
    "sql_mode",
    "foreign_key_checks",
    "unique_checks",
    "autocommit",
    "lock_wait_timeout",
    "innodb_lock_wait_timeout",
    "sql_select_limit",
    "sql_safe_updates",
    "sql_notes",
    "time_zone",
    "character_set_client",
    "character_set_results",
    "collation_connection",
];

impl Driver for MySql {
    const PRODUCT: &'static str = "MySQL or MariaDB";
    const DIALECT: Dialect = Dialect::MySql;
    const BEGIN: &'static str = "START TRANSACTION";
    const BATCHES: bool = true;
    const BATCH_IS_TRANSACTION: bool = false;
    const LOCKS_BY_TRANSACTION: bool = false;
    const NAMES_ARE_CUT_AT: Option<usize> = None;
    const LEASES: bool = true;

    fn speaks(dialect: Dialect) -> bool {
        matches!(dialect, Dialect::MySql | Dialect::MariaDb)
    }

    fn quote_name(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    /// Whether a backslash escapes depends on the session; a text that has one goes as hexadecimal
    /// digits, which mean the same in every session.
    fn quote_text(text: &str) -> String {
        if text.contains(['\\', '\0']) {
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            return format!("CONVERT(X'{hex}' USING utf8mb4)");
        }
        format!("'{}'", text.replace('\'', "''"))
    }

    fn create_history(names: &Names) -> Vec<String> {
        tables::create(names)
    }

    fn upgrade_history(names: &Names) -> Vec<String> {
        tables::upgrade(names)
    }

    fn now() -> &'static str {
        "UTC_TIMESTAMP(6)"
    }

    fn show_time(column: &str) -> String {
        // The format's own `%f` is microseconds; three digits are enough for people.
        format!("CONCAT(LEFT(DATE_FORMAT({column}, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')")
    }

    fn start_clock() -> Option<&'static str> {
        Some("SET @backstitch_began = SYSDATE(6)")
    }

    fn elapsed_ms(_previous: Option<&str>) -> Option<String> {
        // A clock that was set back meanwhile tells nothing.
        let elapsed = "TIMESTAMPDIFF(MICROSECOND, @backstitch_began, SYSDATE(6)) DIV 1000";
        Some(format!("GREATEST(0, {elapsed})"))
    }

    async fn send<'a>(
        connection: &'a mut MySqlConnection,
        message: &'a Message<'a>,
    ) -> Result<Vec<Answer>, Refused> {
        let mut answers = Vec::with_capacity(message.pieces.len());
        for run in message.runs() {
            let first = answers.len();
            let part = Message::of(message.pieces[run].to_vec());
            let (text, starts) = part.joined();
            let query = sqlx::raw_sql(AssertSqlSafe(text.as_str()));
            let stream = query.fetch_many(&mut *connection);
            match collect(stream, &part, MySqlQueryResult::rows_affected, text_of).await {
                Ok(mut answered) => {
                    // A procedure answers as often as it likes.
                    answered.truncate(part.pieces.len());
                    answered.resize_with(part.pieces.len(), Answer::default);
                    answers.extend(answered);
                }
                Err((mut answered, error)) => {
                    if part.pieces.len() == 1 {
                        // What a procedure answered before it failed is no answer.
                        answered.clear();
                    }
                    let index = answered.len().min(part.pieces.len() - 1);
                    let Piece { sql, lead, .. } = &part.pieces[index];
                    let byte = MySql::locate(&error, sql, &text[starts[index]..])
                        .and_then(|byte| byte.checked_sub(*lead));
                    answers.extend(answered);
                    return Err(Refused {
                        answers,
                        piece: first + index,
                        byte,
                        error,
                    });
                }
            }
        }
        Ok(answers)
    }

    fn ask_facts() -> Vec<String> {
        let settings: Vec<_> = SETTINGS
            .iter()
            .map(|name| format!("@@SESSION.{name} AS {name}"))
            .collect();
        // What only MariaDB or only MySQL has stands in comments that only that one reads.
        vec![format!(
            "SELECT DATABASE() AS `schema`, VERSION() AS server, CONNECTION_ID() AS number, {} \
             /*M! , @@SESSION.max_statement_time AS max_statement_time, \
             @@in_transaction AS in_transaction, \
             (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES \
             WHERE VARIABLE_NAME = 'WSREP_ON') AS wsrep */ \
             /*!50708 , @@SESSION.max_execution_time AS max_execution_time */",
            settings.join(", ")
        )]
    }

    fn facts(answers: &[Answer]) -> Facts {
        let Some(answer) = answers.first() else {
            return Facts::default();
        };
        let values = answer.rows.first().cloned().unwrap_or_default();
        let mut facts = Facts::default();
        for (name, value) in answer.columns.iter().zip(values) {
            match (name.as_str(), value) {
                ("schema", value) => facts.schema = value,
                ("server", value) => facts.server = value,
                ("number", value) => facts.number = value,
                ("wsrep", value) => facts.has_no_session_locks = value.as_deref() == Some("ON"),
                ("in_transaction", value) => facts.in_transaction = value.as_deref() == Some("1"),
                (name, Some(value)) => facts.settings.push((name.to_owned(), value)),
                (_, None) => {}
            }
        }
        facts
    }

    fn reset(facts: &Facts) -> Vec<String> {
        let number = |value: &str| value.parse::<f64>().is_ok();
        let settings = facts.settings.iter().map(|(name, value)| {
            let value = if number(value) {
                value.clone()
            } else {
                MySql::quote_text(value)
            };
            format!("SESSION {name} = {value}")
        });
        let settings: Vec<_> = settings.collect();
        let mut statements = Vec::new();
        if !settings.is_empty() {
            statements.push(format!("SET {}", settings.join(", ")));
        }
        statements.extend(
            facts
                .schema
                .as_deref()
                .map(|schema| format!("USE {}", MySql::quote_name(schema))),
        );
        statements
    }

    fn make_ours(_facts: &Facts, _who: &str) -> Vec<String> {
        vec!["SET SESSION time_zone = '+00:00'".to_owned()]
    }

    fn limit(facts: &Facts, _scope: Scope, limits: Limits) -> Vec<String> {
        // Whole seconds, at least one; a year stands for no limit.
        let seconds = limits.lock.map_or(31_536_000, |limit| {
            limit.as_secs_f64().ceil().max(1.0) as u64
        });
        let locks = format!(
            "SET SESSION lock_wait_timeout = {seconds}, SESSION innodb_lock_wait_timeout = {seconds}"
        );
        let statement = limits.statement.unwrap_or(Duration::ZERO);
        let statements = match is_maria(facts) {
            true => format!(
                "SET SESSION max_statement_time = {}",
                statement.as_secs_f64()
            ),
            // MySQL limits reading statements only.
            false => format!("SET SESSION max_execution_time = {}", statement.as_millis()),
        };
        vec![locks, statements]
    }

    fn brief_begin(_facts: &Facts) -> Option<[String; 2]> {
        None
    }

    fn works_concurrently(_sql: &str) -> bool {
        false
    }

    fn is_refusal(_error: &sqlx::Error) -> bool {
        true
    }

    fn needs_no_transaction(_error: &sqlx::Error) -> bool {
        false
    }

    fn look_up(object: &Object) -> Option<String> {
        catalogue::look_up(object)
    }

    fn take_away(_object: &Object) -> Option<String> {
        None
    }

    type Guard = ();

    async fn guard(_connection: &mut MySqlConnection) -> Result<Option<()>, sqlx::Error> {
        Ok(Some(()))
    }

    fn foreign_keys(_on: bool) -> Vec<String> {
        Vec::new()
    }

    fn check_foreign_keys() -> Option<&'static str> {
        None
    }

    fn bound() -> Bound {
        // Not a derived table, which refuses two columns of one name.
        Bound {
            before: Some("SET SESSION sql_select_limit = 6"),
            prefix: "",
            suffix: "",
            after: Some("SET SESSION sql_select_limit = DEFAULT"),
        }
    }

    async fn try_lock<'a>(
        connection: &'a mut MySqlConnection,
        name: &'a str,
    ) -> Result<LockAttempt, sqlx::Error> {
        // MariaDB answers a negative timeout with NULL and gives no lock, so the wait is positive
        // and the answer is read: 1 is ours, 0 is somebody else's, NULL is an error.
        let answer = ask(
            connection,
            format!("SELECT GET_LOCK({}, 1)", lock_name(name)),
        )
        .await?;
        match first(&answer) {
            Some("1") => Ok(LockAttempt::Taken),
            Some(_) => Ok(LockAttempt::Held),
            None => Err(sqlx::Error::Protocol(
                "GET_LOCK answered NULL: the server could not try for the lock".into(),
            )),
        }
    }

    async fn unlock<'a>(
        connection: &'a mut MySqlConnection,
        name: &'a str,
    ) -> Result<(), sqlx::Error> {
        ask(
            connection,
            format!("SELECT RELEASE_LOCK({})", lock_name(name)),
        )
        .await
        .map(drop)
    }

    fn ask_lock_is_free(name: &str) -> Option<LockIsFree> {
        // The lease is committed by itself before the second look. The first one spares it where
        // that would be in vain, by way of a variable: the function itself is not the same on a
        // replica that repeats the statement.
        let free = format!("IS_USED_LOCK({}) IS NULL", lock_name(name));
        Some(LockIsFree {
            before: Some(format!("SET @backstitch_free = {free}")),
            now: "@backstitch_free".to_owned(),
            afterwards: free,
        })
    }

    fn create_lease(names: &Names) -> Vec<String> {
        tables::create_lease(names)
    }

    fn later(wait: Duration) -> String {
        format!(
            "UTC_TIMESTAMP(6) + INTERVAL {} MICROSECOND",
            wait.as_micros()
        )
    }

    fn fence(names: &Names, renewal: &str, is_ours: &str) -> Vec<String> {
        // There is no error to be raised in plain SQL but for a subquery of two rows. It looks with
        // a lock, because a snapshot may be older than the loss.
        let two = format!(
            "SELECT (SELECT two.n FROM (SELECT 1 AS n UNION ALL SELECT 2) two WHERE NOT EXISTS \
             (SELECT 1 FROM {} WHERE {is_ours} LOCK IN SHARE MODE))",
            names.leases::<MySql>()
        );
        vec![renewal.to_owned(), two]
    }

    fn transaction_probe(facts: &Facts) -> Option<&'static str> {
        // MySQL has no variable for it. Read and write is what the next transaction would be anyway.
        (!is_maria(facts)).then_some("SET TRANSACTION READ WRITE")
    }

    fn is_inside_transaction(error: &sqlx::Error) -> bool {
        // ER_CANT_CHANGE_TX_CHARACTERISTICS
        number(error) == Some(1568)
    }

    fn may_be_pooled(_facts: &Facts, _options: &MySqlConnectOptions) -> bool {
        false
    }

    fn marked(_options: &MySqlConnectOptions) -> Option<(MySqlConnectOptions, &'static str)> {
        None
    }

    async fn lock_holder<'a>(connection: &'a mut MySqlConnection, name: &'a str) -> Option<String> {
        let answer = ask(
            connection,
            format!(
                "SELECT p.ID, p.USER, p.HOST, p.TIME, \
                 DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL p.TIME SECOND, '%Y-%m-%dT%H:%i:%sZ') \
                 FROM information_schema.PROCESSLIST p WHERE p.ID = IS_USED_LOCK({})",
                lock_name(name)
            ),
        )
        .await
        .ok()?;
        let row = answer.rows.into_iter().next()?;
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        let (id, user, host) = (row.next()?, row.next()?, row.next()?);
        let since = row.nth(1)?;
        Some(format!(
            "server connection {id}, user {user} from {host}, busy or idle since {since}"
        ))
    }

    fn is_missing_table(error: &sqlx::Error) -> bool {
        // ER_NO_SUCH_TABLE, ER_BAD_DB_ERROR
        matches!(number(error), Some(1146 | 1049))
    }

    fn is_missing_column(error: &sqlx::Error) -> bool {
        // ER_BAD_FIELD_ERROR
        number(error) == Some(1054)
    }

    fn is_lock_timeout(error: &sqlx::Error) -> bool {
        // ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK
        matches!(number(error), Some(1205 | 1213))
    }

    fn is_out_of_locks(error: &sqlx::Error) -> bool {
        // ER_LOCK_TABLE_FULL
        number(error) == Some(1206)
    }

    fn remarks(error: &sqlx::Error) -> Vec<String> {
        let Some(error) = server_error(error) else {
            return Vec::new();
        };
        let state = error
            .code()
            .map(|state| format!(", SQLSTATE {state}"))
            .unwrap_or_default();
        vec![format!("error {}{state}", error.number())]
    }

    /// `… near 'text' at line 2` goes on into what was sent behind the statement, and counts its
    /// lines; the place is shown anyway.
    fn words(error: &sqlx::Error) -> String {
        let words = words_of(error);
        match near(&words) {
            Some((said, near, _)) if !near.is_empty() => {
                let line = near.lines().next().unwrap_or_default();
                format!("{said}near '{}'", line.trim_end_matches([';', ' ', '\t']))
            }
            Some(_) | None => words,
        }
    }

    /// `… near 'text' at line 2` quotes up to 80 bytes; other messages quote a name. What is wrong
    /// with a value is not to be found by the value.
    fn locate(error: &sqlx::Error, sql: &str, sent: &str) -> Option<usize> {
        const DATA_EXCEPTION: &str = "22";
        const CONSTRAINT_VIOLATION: &str = "23";
        let error = server_error(error)?;
        let message = error.message();
        if let Some((_, near, line)) = near(message) {
            if near.is_empty() {
                return Some(sql.trim_end().len());
            }
            let line_start = sent
                .match_indices('\n')
                .map(|(newline, _)| newline + 1)
                .nth(line.checked_sub(2).unwrap_or(usize::MAX))
                .unwrap_or(0);
            // MariaDB puts dots where it cut.
            let near = near.strip_suffix("...").unwrap_or(near);
            let near = near.trim_end_matches('\u{fffd}');
            let in_line = sent[line_start..].find(near).map(|byte| line_start + byte);
            return in_line
                .or_else(|| sent.find(near))
                .map(|byte| byte.min(sql.trim_end().len()));
        }
        let state = error.code().unwrap_or_default();
        if state.starts_with(DATA_EXCEPTION) || state.starts_with(CONSTRAINT_VIOLATION) {
            return None;
        }
        let name = message.split('\'').nth(1)?;
        let name = name.rsplit('.').next().unwrap_or(name);
        find_word(sql, name, Dialect::MySql)
    }

    async fn lives_in_connection(_connection: &mut MySqlConnection) -> bool {
        false
    }

    fn is_url(text: &str) -> bool {
        text.contains("://")
    }

    fn shown(options: &MySqlConnectOptions) -> String {
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or_default();
        format!("mysql://{}@{place}/{database}", options.get_username())
    }
}

/// A message of the form `… near 'text' at line 2` in its parts.
fn near(message: &str) -> Option<(&str, &str, usize)> {
    let (said, rest) = message.split_once("near '")?;
    let (near, line) = rest.rsplit_once("' at line ")?;
    Some((said, near, line.trim().parse().ok()?))
}

/// An expression for the lock's name: locks belong to the server, so `name` says which database,
/// and names end at 64 characters, so it is hashed. MySQL 9.6 has put `MD5` and `SHA1` into a
/// component that need not be there.
fn lock_name(name: &str) -> String {
    format!(
        "CONCAT('backstitch:', LEFT(SHA2({}, 256), 40))",
        MySql::quote_text(name)
    )
}

fn is_maria(facts: &Facts) -> bool {
    let server = facts.server.as_deref();
    server.is_some_and(|server| server.contains("MariaDB"))
}

async fn ask(connection: &mut MySqlConnection, sql: String) -> Result<Answer, sqlx::Error> {
    let message = Message::of([Piece::query(sql)]);
    let answers = MySql::send(connection, &message)
        .await
        .map_err(|refused| refused.error)?;
    Ok(answers.into_iter().next().unwrap_or_default())
}

fn first(answer: &Answer) -> Option<&str> {
    answer.rows.first()?.first()?.as_deref()
}

fn text_of(row: &MySqlRow, index: usize) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(index).ok()?;
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn server_error(error: &sqlx::Error) -> Option<&sqlx::mysql::MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

fn number(error: &sqlx::Error) -> Option<u16> {
    Some(server_error(error)?.number())
}
