//! Why SQLite did not run a statement, read off its own words.
//!
//! The messages are part of what SQLite's own tests compare, so they are as stable as an interface.
//! A message that is not known here is kept as it is.

use rusqlite::{Error, ErrorCode, ffi};

/// A statement that did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What SQLite says.
    pub(super) message: String,
    /// Where in the statement, in bytes, if SQLite says so.
    pub(super) offset: Option<usize>,
    /// What that means.
    pub(super) reason: Reason,
}

/// What a message of SQLite means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is no SQL.
    Syntax,
    /// There is no table or view of that name.
    UnknownTable(String),
    /// There is no index, trigger or view of that name.
    UnknownObject(&'static str, String),
    /// There is no column of that name.
    UnknownColumn(String),
    /// There is an object of that name already.
    Duplicate(String),
    /// The table has a column of that name already.
    DuplicateColumn(String),
    /// A view, trigger, index or constraint needs what the statement takes away.
    Dependent(String),
    /// A view or trigger is broken already, and SQLite looks at all of them.
    Broken(&'static str, String),
    /// The rows do not allow it.
    Constraint,
    /// The foreign keys do not allow it, or do not fit.
    ForeignKeys,
    /// A function that SQLite does not have; the application may.
    UnknownFunction(String),
    /// A collation that SQLite does not have; the application may.
    UnknownCollation(String),
    /// Something that only the application, the machine or another file knows.
    Outside(&'static str),
    /// Anything else.
    Other,
}

impl Refusal {
    pub(super) fn new(error: &Error) -> Refusal {
        let (code, message, offset) = match error {
            Error::SqlInputError {
                error, msg, offset, ..
            } => (Some(*error), msg.clone(), usize::try_from(*offset).ok()),
            Error::SqliteFailure(error, message) => {
                let message = message.clone().unwrap_or_else(|| error.to_string());
                (Some(*error), message, None)
            }
            other => (None, other.to_string(), None),
        };
        let reason = match code {
            Some(code) => outside(code).unwrap_or_else(|| reason(&message, code)),
            None => Reason::Outside("it is not one statement to SQLite"),
        };
        Refusal {
            message,
            offset,
            reason,
        }
    }
}

/// Errors of the machine rather than of the statement.
fn outside(error: ffi::Error) -> Option<Reason> {
    Some(Reason::Outside(match error.code {
        ErrorCode::OperationInterrupted => TIME,
        ErrorCode::OutOfMemory | ErrorCode::TooBig | ErrorCode::DiskFull => MEMORY,
        ErrorCode::AuthorizationForStatementDenied => REACHES_OUT,
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly
        | ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked => DATABASE,
        _ => return None,
    }))
}

fn reason(message: &str, error: ffi::Error) -> Reason {
    let after = |prefix: &str| message.strip_prefix(prefix).map(str::to_owned);
    if message.ends_with("syntax error")
        || message == "incomplete input"
        || message.starts_with("unrecognized token")
    {
        return Reason::Syntax;
    }
    if let Some(reason) = inside_another(message) {
        return reason;
    }
    if let Some(name) = after("no such table: ") {
        return table(&name);
    }
    for kind in ["index", "trigger", "view"] {
        if let Some(name) = after(&format!("no such {kind}: ")) {
            return Reason::UnknownObject(kind, unqualified(&name).to_owned());
        }
    }
    if let Some(name) = after("no such column: ") {
        return Reason::UnknownColumn(column(&name));
    }
    if let Some(name) = quoted_in(message, "unknown column ") {
        return Reason::UnknownColumn(name);
    }
    if message.starts_with("table ")
        && let Some((_, name)) = message.split_once(" has no column named ")
    {
        return Reason::UnknownColumn(column(name));
    }
    if let Some(name) = after("duplicate column name: ") {
        return Reason::DuplicateColumn(name);
    }
    if let Some(name) = message.strip_suffix(" already exists") {
        let name = name.split_once(' ').map_or(name, |(_, name)| name);
        return Reason::Duplicate(bare(name));
    }
    for prefix in [
        "there is already another table or index with this name: ",
        "there is already a table named ",
        "there is already an index named ",
    ] {
        if let Some(name) = after(prefix) {
            return Reason::Duplicate(name);
        }
    }
    if let Some(name) = after("no such function: ") {
        return Reason::UnknownFunction(name);
    }
    if let Some(name) = after("no such collation sequence: ") {
        return Reason::UnknownCollation(name);
    }
    let known_outside = OUTSIDE.iter().find(|(words, _)| message.contains(words));
    if let Some((_, because)) = known_outside {
        return Reason::Outside(because);
    }
    if error.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY
        || message.starts_with("foreign key mismatch")
    {
        return Reason::ForeignKeys;
    }
    if matches!(
        error.code,
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch
    ) {
        return Reason::Constraint;
    }
    if message.starts_with("cannot drop ") && message.contains(" column") {
        return Reason::Dependent(column(message.rsplit(": ").next().unwrap_or_default()));
    }
    Reason::Other
}

const MODULE: &str = "it needs a module that the application may load";
const TOKENIZER: &str = "it needs a tokenizer that the application may load";
pub(super) const FUNCTION: &str = "it needs a function that the application may register";
const DATABASE: &str = "it needs a database that the application attaches";
const SCHEMA: &str = "it writes to what SQLite keeps for itself";
const REACHES_OUT: &str = "it reaches out of the database";
const TIME: &str = "it takes longer than a build should";
const MEMORY: &str = "it takes more memory than a build should";

/// Messages about what an application may bring along.
const OUTSIDE: &[(&str, &str)] = &[
    ("no such module", MODULE),
    ("tokenizer", TOKENIZER),
    ("vtable constructor failed", MODULE),
    ("wrong number of arguments to function", FUNCTION),
    ("may not be used as a window function", FUNCTION),
    ("not authorized", REACHES_OUT),
    ("unknown database", DATABASE),
    ("no such database", DATABASE),
    ("may not be modified", SCHEMA),
    ("malformed database schema", SCHEMA),
    ("pattern too complex", TIME),
];

/// `error in view v after rename: no such table: t`
fn inside_another(message: &str) -> Option<Reason> {
    let rest = message.strip_prefix("error in ")?;
    let (kind, rest) = rest.split_once(' ')?;
    let kind = ["index", "table", "trigger", "view"]
        .into_iter()
        .find(|known| *known == kind)?;
    let (head, inner) = rest.split_once(": ")?;
    // What is missing may be the application's, and then nothing is wrong.
    if let Some(name) = inner.strip_prefix("no such function: ") {
        return Some(Reason::UnknownFunction(name.to_owned()));
    }
    if let Some(name) = inner.strip_prefix("no such collation sequence: ") {
        return Some(Reason::UnknownCollation(name.to_owned()));
    }
    let name = [" after drop column", " after rename"]
        .iter()
        .find_map(|suffix| head.strip_suffix(suffix));
    Some(match name {
        Some(name) => Reason::Dependent(name.to_owned()),
        None => Reason::Broken(kind, head.to_owned()),
    })
}

fn table(name: &str) -> Reason {
    match name.split_once('.') {
        Some(("main" | "temp", name)) => Reason::UnknownTable(name.to_owned()),
        Some(_) => Reason::Outside(DATABASE),
        None => Reason::UnknownTable(name.to_owned()),
    }
}

fn unqualified(name: &str) -> &str {
    name.strip_prefix("main.").unwrap_or(name)
}

/// The column of `"email" - should this be a string literal in single-quotes?` and of `u.email`.
fn column(words: &str) -> String {
    let name = words
        .split_once(" - should")
        .map_or(words, |(name, _)| name);
    let name = name.trim_matches('"');
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

fn bare(name: &str) -> String {
    let name = unqualified(name);
    super::words::unquoted(name).unwrap_or_else(|| name.to_owned())
}

fn quoted_in(message: &str, prefix: &str) -> Option<String> {
    let rest = message.strip_prefix(prefix)?.strip_prefix('"')?;
    rest.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `setup` and then `sql`, and says why that does not run.
    fn check(setup: &str, sql: &str, expected: Reason) {
        let connection = rusqlite::Connection::open_in_memory().expect("memory");
        connection.execute_batch(setup).expect("the setup runs");
        let error = connection
            .prepare(sql)
            .and_then(|mut statement| statement.raw_query().next().map(|_| ()))
            .expect_err(sql);
        let refusal = Refusal::new(&error);
        assert_eq!(refusal.reason, expected, "{sql}: {}", refusal.message);
    }

    /// What the words of this very version mean; an update of SQLite that changes them fails here.
    #[test]
    fn messages_are_understood() {
        let t = "CREATE TABLE t (a PRIMARY KEY, b, c CHECK (c > 0)); CREATE INDEX i ON t (b);";
        check("", "SELECT FROM", Reason::Syntax);
        check("", "SELECT (", Reason::Syntax);
        check("", "SELECT \u{1}", Reason::Syntax);
        check("", "DROP TABLE x", Reason::UnknownTable("x".into()));
        check(
            "",
            "CREATE INDEX i ON x (a)",
            Reason::UnknownTable("x".into()),
        );
        check("", "SELECT * FROM other.x", Reason::Outside(DATABASE));
        check(
            "",
            "DROP INDEX x",
            Reason::UnknownObject("index", "x".into()),
        );
        check(
            "",
            "DROP TRIGGER x",
            Reason::UnknownObject("trigger", "x".into()),
        );
        check("", "DROP VIEW x", Reason::UnknownObject("view", "x".into()));
        check(
            t,
            "ALTER TABLE t DROP COLUMN x",
            Reason::UnknownColumn("x".into()),
        );
        check(
            t,
            "ALTER TABLE t RENAME COLUMN x TO y",
            Reason::UnknownColumn("x".into()),
        );
        check(
            t,
            "INSERT INTO t (x) VALUES (1)",
            Reason::UnknownColumn("x".into()),
        );
        check(t, "UPDATE t SET x = 1", Reason::UnknownColumn("x".into()));
        check(t, "SELECT u.x FROM t u", Reason::UnknownColumn("x".into()));
        check(
            t,
            "CREATE TABLE u (a, FOREIGN KEY (x) REFERENCES t)",
            Reason::UnknownColumn("x".into()),
        );
        check(t, "CREATE TABLE t (a)", Reason::Duplicate("t".into()));
        check(t, "CREATE TABLE \"T\" (a)", Reason::Duplicate("T".into()));
        check(t, "CREATE INDEX i ON t (c)", Reason::Duplicate("i".into()));
        check(t, "CREATE INDEX t ON t (c)", Reason::Duplicate("t".into()));
        check(
            t,
            "CREATE VIEW i AS SELECT 1",
            Reason::Duplicate("i".into()),
        );
        check(
            t,
            "ALTER TABLE t RENAME TO i",
            Reason::Duplicate("i".into()),
        );
        check(
            t,
            "ALTER TABLE t ADD COLUMN b",
            Reason::DuplicateColumn("b".into()),
        );
        check(
            t,
            "ALTER TABLE t DROP COLUMN b",
            Reason::Dependent("i".into()),
        );
        check(
            t,
            "ALTER TABLE t DROP COLUMN a",
            Reason::Dependent("a".into()),
        );
        check(
            "CREATE TABLE t (a, b); CREATE VIEW v AS SELECT b FROM t",
            "ALTER TABLE t DROP COLUMN b",
            Reason::Dependent("v".into()),
        );
        check(
            "CREATE TABLE t (a, b); CREATE VIEW v AS SELECT 1 FROM gone",
            "ALTER TABLE t DROP COLUMN b",
            Reason::Broken("view", "v".into()),
        );
        check(t, "INSERT INTO t (c) VALUES (0)", Reason::Constraint);
        check(t, "SELECT f(1)", Reason::UnknownFunction("f".into()));
        check(
            t,
            "CREATE INDEX j ON t (a COLLATE x)",
            Reason::UnknownCollation("x".into()),
        );
        check(
            "",
            "CREATE VIRTUAL TABLE v USING x",
            Reason::Outside(MODULE),
        );
        check(
            "",
            "CREATE VIRTUAL TABLE v USING fts5(a, tokenize = x)",
            Reason::Outside(TOKENIZER),
        );
        check(
            t,
            "UPDATE sqlite_schema SET sql = ''",
            Reason::Outside(SCHEMA),
        );
        check("CREATE TABLE t (a)", "DROP VIEW t", Reason::Other);
    }
}
