//! PostgreSQL.

mod catalogue;
mod tables;

use std::time::Duration;

use backstitch_core::Dialect;
use backstitch_core::lex::{self, TokenKind};
use backstitch_core::resume::Object;
use sqlx::postgres::{PgConnectOptions, PgErrorPosition, PgQueryResult, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, ValueRef};

use crate::engine::{
    Bound, Driver, Engine, Limits, LockAttempt, LockIsFree, Scope, collect, number_of,
};
use crate::history::Names;
use crate::lock::MARK;
use crate::message::{Answer, Message, Piece, Refused};
use crate::probe::Probe;
use crate::session::Facts;

impl Engine for Postgres {}

impl Driver for Postgres {
    const PRODUCT: &'static str = "PostgreSQL";
    const DIALECT: Dialect = Dialect::Postgres;
    const BEGIN: &'static str = "BEGIN";
    const BATCHES: bool = true;
    const BATCH_IS_TRANSACTION: bool = true;
    const LOCKS_BY_TRANSACTION: bool = false;
    const NAMES_ARE_CUT_AT: Option<usize> = Some(63);
    const LEASES: bool = true;

    fn speaks(dialect: Dialect) -> bool {
        dialect == Dialect::Postgres
    }

    fn quote_name(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// An `E''` string, which means the same whatever `standard_conforming_strings` is. A NUL,
    /// which the server cannot store, is shown by its picture.
    fn quote_text(text: &str) -> String {
        let text = text
            .replace('\\', "\\\\")
            .replace('\'', "''")
            .replace('\0', "\u{2400}");
        format!("E'{text}'")
    }

    fn create_history(names: &Names) -> Vec<String> {
        tables::create(names)
    }

    fn upgrade_history(names: &Names) -> Vec<String> {
        tables::upgrade(names)
    }

    fn now() -> &'static str {
        "pg_catalog.clock_timestamp()"
    }

    fn show_time(column: &str) -> String {
        format!(
            "pg_catalog.to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        )
    }

    fn start_clock() -> Option<&'static str> {
        None
    }

    fn elapsed_ms(previous: Option<&str>) -> Option<String> {
        let since = previous.unwrap_or("pg_catalog.transaction_timestamp()");
        Some(format!(
            "GREATEST(0, EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - {since}) * 1000)::bigint"
        ))
    }

    async fn send<'a>(
        connection: &'a mut PgConnection,
        message: &'a Message<'a>,
    ) -> Result<Vec<Answer>, Refused> {
        let (text, starts) = message.joined();
        let query = sqlx::raw_sql(AssertSqlSafe(text.as_str()));
        let stream = query.fetch_many(&mut *connection);
        let answers = collect(stream, message, PgQueryResult::rows_affected, text_of).await;
        answers.map_err(|(answers, error)| {
            // The server points into the whole text; it parses all of it before it runs any.
            // Without a place it is the first piece without an answer that failed.
            let (piece, byte) = match position(&error, &text) {
                Some(byte) => {
                    let piece = starts.partition_point(|start| *start <= byte) - 1;
                    (
                        piece,
                        byte.checked_sub(starts[piece] + message.pieces[piece].lead),
                    )
                }
                None => (answers.len().min(message.pieces.len() - 1), None),
            };
            Refused {
                answers,
                piece,
                byte,
                error,
            }
        })
    }

    fn ask_facts() -> Vec<String> {
        vec![
            "SELECT pg_catalog.current_schema() AS schema, \
             pg_catalog.current_setting('server_version') AS server, \
             pg_catalog.current_setting('role') AS role, \
             pg_catalog.transaction_timestamp() <> pg_catalog.statement_timestamp() AS busy, \
             pg_catalog.host(pg_catalog.inet_server_addr()) AS host, \
             pg_catalog.current_setting('port') AS port, \
             pg_catalog.version() ~* 'cockroach|yugabyte|-YB-' AS leases, \
             pg_catalog.pg_backend_pid() AS number"
                .to_owned(),
            // Not where the setting is missing (before 14) or refused (on Windows).
            "SELECT name, setting, source FROM pg_catalog.pg_settings WHERE source = 'session' \
             OR name = 'client_connection_check_interval' AND setting = '0' \
             AND pg_catalog.version() !~* 'windows|visual c|mingw'"
                .to_owned(),
        ]
    }

    fn facts(answers: &[Answer]) -> Facts {
        let mut facts = Facts::default();
        let [session, settings, ..] = answers else {
            return facts;
        };
        if let Some([schema, server, role, busy, host, port, leases, number]) =
            session.rows.first().map(Vec::as_slice)
        {
            facts.host.clone_from(host);
            facts.port.clone_from(port);
            facts.number.clone_from(number);
            facts.has_no_session_locks = leases.as_deref() == Some("t");
            facts.schema.clone_from(schema);
            facts.server.clone_from(server);
            facts.in_transaction = busy.as_deref() == Some("t");
            facts
                .settings
                .extend(role.clone().map(|role| ("role".to_owned(), role)));
        }
        for row in &settings.rows {
            match row.as_slice() {
                [Some(name), Some(value), Some(source)] if source == "session" => {
                    facts.settings.push((name.clone(), value.clone()));
                }
                _ => facts.can_notice_hang_up = true,
            }
        }
        facts
    }

    fn reset(facts: &Facts) -> Vec<String> {
        let mut statements = vec![
            "RESET SESSION AUTHORIZATION".to_owned(),
            "RESET ALL".to_owned(),
        ];
        statements.extend(facts.settings.iter().map(|(name, value)| {
            format!(
                "SELECT pg_catalog.set_config({}, {}, false)",
                Postgres::quote_text(name),
                Postgres::quote_text(value)
            )
        }));
        statements
    }

    fn make_ours(facts: &Facts, who: &str) -> Vec<String> {
        let name = Postgres::quote_text(&Postgres::shown_as(who));
        let mut statements = vec![format!(
            "SELECT pg_catalog.set_config('application_name', {name}, false)"
        )];
        statements.extend([
            "SET TIME ZONE 'UTC'".to_owned(),
            "SET statement_timeout = 0".to_owned(),
            "SET lock_timeout = 0".to_owned(),
        ]);
        if facts.can_notice_hang_up {
            // Otherwise a statement goes on, and keeps the lock, although its program is gone.
            statements.push("SET client_connection_check_interval = 1000".to_owned());
        }
        statements
    }

    fn limit(_facts: &Facts, scope: Scope, limits: Limits) -> Vec<String> {
        let scope = match scope {
            Scope::Transaction => "LOCAL",
            Scope::Session => "SESSION",
        };
        let ms = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_millis().max(1));
        vec![
            format!("SET {scope} lock_timeout = {}", ms(limits.lock)),
            format!("SET {scope} statement_timeout = {}", ms(limits.statement)),
        ]
    }

    fn brief_begin(_facts: &Facts) -> Option<[String; 2]> {
        None
    }

    fn works_concurrently(sql: &str) -> bool {
        let tokens = lex::lex(sql, Dialect::Postgres).tokens;
        let mut words = tokens.iter().filter(|token| token.kind == TokenKind::Word);
        words.any(|word| word.span.of(sql).eq_ignore_ascii_case("CONCURRENTLY"))
    }

    fn is_refusal(error: &sqlx::Error) -> bool {
        // Class 42: syntax error or access rule violation.
        code(error).is_some_and(|code| code.starts_with("42"))
    }

    fn needs_no_transaction(error: &sqlx::Error) -> bool {
        // active_sql_transaction, invalid_transaction_termination
        matches!(code(error).as_deref(), Some("25001" | "2D000"))
    }

    fn look_up(object: &Object) -> Option<String> {
        catalogue::look_up(object)
    }

    fn take_away(object: &Object) -> Option<String> {
        catalogue::take_away(object)
    }

    type Guard = ();

    async fn guard(_connection: &mut PgConnection) -> Result<Option<()>, sqlx::Error> {
        Ok(Some(()))
    }

    fn foreign_keys(_on: bool) -> Vec<String> {
        Vec::new()
    }

    fn check_foreign_keys() -> Option<&'static str> {
        None
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
        connection: &'a mut PgConnection,
        name: &'a str,
    ) -> Result<LockAttempt, sqlx::Error> {
        let key = number_of(name);
        let answer = ask(
            connection,
            format!("SELECT pg_catalog.pg_try_advisory_lock({key})"),
        )
        .await?;
        Ok(match first(&answer) {
            Some("t") => LockAttempt::Taken,
            _ => LockAttempt::Held,
        })
    }

    async fn unlock<'a>(
        connection: &'a mut PgConnection,
        name: &'a str,
    ) -> Result<(), sqlx::Error> {
        let key = number_of(name);
        ask(
            connection,
            format!("SELECT pg_catalog.pg_advisory_unlock({key})"),
        )
        .await
        .map(drop)
    }

    fn ask_lock_is_free(name: &str) -> Option<LockIsFree> {
        // The lock itself, until the lease is committed and everybody sees it.
        let free = format!("pg_catalog.pg_try_advisory_xact_lock({})", number_of(name));
        Some(LockIsFree {
            before: None,
            now: free.clone(),
            afterwards: free,
        })
    }

    fn create_lease(names: &Names) -> Vec<String> {
        tables::create_lease(names)
    }

    fn later(wait: Duration) -> String {
        format!(
            "pg_catalog.clock_timestamp() + interval '{} milliseconds'",
            wait.as_millis()
        )
    }

    fn fence(_names: &Names, renewal: &str, _is_ours: &str) -> Vec<String> {
        vec![format!(
            "WITH kept AS ({renewal} RETURNING id) SELECT 1 / count(*) FROM kept"
        )]
    }

    fn may_be_pooled(facts: &Facts, options: &PgConnectOptions) -> bool {
        const HERE: [&str; 4] = ["localhost", "127.0.0.1", "::1", "[::1]"];
        if facts.port.as_deref() != Some(&options.get_port().to_string()) {
            return true;
        }
        let host = options.get_host();
        match (&facts.host, options.get_socket()) {
            (None, Some(_)) => false,
            (None, None) => !host.starts_with('/'),
            (Some(_), Some(_)) => true,
            (Some(found), None) => {
                let is_here = HERE.contains(&host) && HERE.contains(&found.as_str());
                found != host && !is_here
            }
        }
    }

    fn marked(options: &PgConnectOptions) -> Option<(PgConnectOptions, &'static str)> {
        let ask = "SELECT pg_catalog.current_setting('backstitch.session', true)";
        let marked = options.clone().options([("backstitch.session", MARK)]);
        Some((marked, ask))
    }

    async fn lock_holder<'a>(connection: &'a mut PgConnection, name: &'a str) -> Option<String> {
        let key = number_of(name);
        let (high, low) = ((key as u64) >> 32, (key as u64) & 0xffff_ffff);
        let answer = ask(
            connection,
            format!(
                "SELECT a.pid, a.usename, a.application_name, \
                 coalesce(pg_catalog.host(a.client_addr), 'a local socket'), {} \
                 FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) \
                 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                 AND l.classid::bigint = {high} AND l.objid::bigint = {low} \
                 AND l.database = (SELECT oid FROM pg_catalog.pg_database \
                 WHERE datname = pg_catalog.current_database())",
                Postgres::show_time("a.backend_start")
            ),
        )
        .await
        .ok()?;
        let row = answer.rows.into_iter().next()?;
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        let (pid, user, program) = (row.next()?, row.next()?, row.next()?);
        let (host, since) = (row.next()?, row.next()?);
        let program = if program.is_empty() {
            String::new()
        } else {
            format!(" ({program})")
        };
        Some(format!(
            "server process {pid}{program}, user {user} from {host}, since {since}"
        ))
    }

    fn is_missing_table(error: &sqlx::Error) -> bool {
        // undefined_table, invalid_schema_name
        matches!(code(error).as_deref(), Some("42P01" | "3F000"))
    }

    fn is_missing_column(error: &sqlx::Error) -> bool {
        // undefined_column
        code(error).as_deref() == Some("42703")
    }

    fn is_lock_timeout(error: &sqlx::Error) -> bool {
        // lock_not_available, deadlock_detected
        matches!(code(error).as_deref(), Some("55P03" | "40P01"))
    }

    fn is_out_of_locks(error: &sqlx::Error) -> bool {
        // out_of_memory, which this server says of its shared memory
        code(error).as_deref() == Some("53200")
    }

    fn remarks(error: &sqlx::Error) -> Vec<String> {
        let Some(error) = server_error(error) else {
            return Vec::new();
        };
        let detail = error.detail().map(|detail| format!("detail: {detail}"));
        let hint = error.hint().map(|hint| format!("hint: {hint}"));
        let context = error.r#where().map(|context| format!("context: {context}"));
        let code = Some(format!("SQLSTATE {}", error.code()));
        [detail, hint, context, code]
            .into_iter()
            .flatten()
            .collect()
    }

    fn locate(_error: &sqlx::Error, _sql: &str, _sent: &str) -> Option<usize> {
        None
    }

    async fn lives_in_connection(_connection: &mut PgConnection) -> bool {
        false
    }

    fn is_url(text: &str) -> bool {
        text.contains("://")
    }

    fn shown(options: &PgConnectOptions) -> String {
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        format!("postgres://{}@{place}/{database}", options.get_username())
    }
}

async fn ask(connection: &mut PgConnection, sql: String) -> Result<Answer, sqlx::Error> {
    let message = Message::of([Piece::query(sql)]);
    let answers = Postgres::send(connection, &message)
        .await
        .map_err(|refused| refused.error)?;
    Ok(answers.into_iter().next().unwrap_or_default())
}

fn first(answer: &Answer) -> Option<&str> {
    answer.rows.first()?.first()?.as_deref()
}

fn text_of(row: &PgRow, index: usize) -> Option<String> {
    let value = row.try_get_raw(index).ok()?;
    if value.is_null() {
        return None;
    }
    value
        .as_bytes()
        .ok()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn server_error(error: &sqlx::Error) -> Option<&sqlx::postgres::PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(server_error(error)?.code().to_owned())
}

/// The byte of the sent text that the server points at; it counts characters, from one.
fn position(error: &sqlx::Error, text: &str) -> Option<usize> {
    match server_error(error)?.position()? {
        PgErrorPosition::Original(character) => text
            .char_indices()
            .nth(character.checked_sub(1)?)
            .map(|(byte, _)| byte),
        PgErrorPosition::Internal { .. } => None,
    }
}
