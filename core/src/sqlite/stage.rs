//! The database in memory on which one migration is played.
//!
//! It reaches nothing outside of itself: what would open a file is refused, what takes too long is
//! interrupted, and what would change how the database is kept is passed over. Functions and
//! collations that only an application knows get stand-ins when they are missed, so that the rest
//! of a migration can be judged.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::catalogue::{Key, Kind, Load, Object, Objects, Rows};
use super::refusal::{self, Reason, Refusal};
use super::words::{Act, Line, quoted};
use crate::migration::ForeignKeys;

/// How many steps of SQLite's machine a statement may take.
const STEPS_PER_STATEMENT: u64 = 10_000_000;
/// How many all statements of a set may take.
const STEPS_PER_SET: u64 = 400_000_000;
/// How many steps pass between two looks at the clock.
const STEPS_PER_LOOK: u64 = 1_000;
/// The longest string or row, in bytes.
const LENGTH_MAX: i32 = 4 << 20;
/// The largest database, in pages.
const PAGES_MAX: u32 = 1 << 14;
/// How many rounds of a `@batch` are played.
const ROUNDS_MAX: u32 = 100;
/// How many rows of a table are carried from one migration to the next.
const ROWS_MAX: usize = 10_000;

/// What is played on.
pub(super) struct Stage {
    connection: Connection,
    clock: Arc<Clock>,
    foreign_keys: ForeignKeys,
    /// How foreign keys are switched at the moment; empty when a statement may have done it.
    switch: Cell<&'static str>,
    is_lost: Cell<bool>,
}

/// What is known of the application, and how long SQLite has run.
#[derive(Default)]
pub(super) struct Theatre {
    /// Functions that SQLite does not have, in lower case.
    functions: Vec<String>,
    /// Collations that SQLite does not have.
    collations: Vec<String>,
    clock: Arc<Clock>,
}

/// Counts the steps of SQLite's machine.
#[derive(Default)]
struct Clock {
    /// Whether a statement of a migration runs; SQL of our own is short and always finished.
    runs: AtomicBool,
    statement: AtomicU64,
    set: AtomicU64,
}

impl Theatre {
    /// An empty database.
    pub(super) fn open(&self, foreign_keys: ForeignKeys) -> rusqlite::Result<Stage> {
        let connection = Connection::open_in_memory()?;
        connection.execute_batch(&format!(
            "PRAGMA temp_store = MEMORY; PRAGMA max_page_count = {PAGES_MAX}; PRAGMA foreign_keys = OFF"
        ))?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LENGTH_MAX)?;
        for name in &self.functions {
            stand_in_for_function(&connection, name)?;
        }
        for name in &self.collations {
            stand_in_for_collation(&connection, name)?;
        }
        let clock = Arc::clone(&self.clock);
        let look = STEPS_PER_LOOK as i32;
        connection.progress_handler(look, Some(move || clock.is_over()))?;
        connection.authorizer(Some(authorize))?;
        Ok(Stage {
            connection,
            clock: Arc::clone(&self.clock),
            foreign_keys,
            switch: Cell::new("OFF"),
            is_lost: Cell::new(false),
        })
    }

    /// Keeps the stand-ins for the databases that follow.
    pub(super) fn remember(&mut self, reason: &Reason) {
        match reason {
            Reason::UnknownFunction(name) => self.functions.push(name.clone()),
            Reason::UnknownCollation(name) => self.collations.push(name.clone()),
            _ => {}
        }
    }

    /// A function or collation in this statement for which there is a stand-in.
    pub(super) fn stand_in_of(&self, line: &Line<'_>) -> Option<String> {
        let mut known = self.functions.iter().chain(&self.collations);
        known
            .find(|name| line.mentions(&name.to_ascii_lowercase()))
            .cloned()
    }

    /// Whether a stand-in is one for a collation.
    pub(super) fn is_collation(&self, name: &str) -> bool {
        self.collations.iter().any(|collation| collation == name)
    }

    /// Whether so much has run that a build should not wait for more.
    pub(super) fn is_over(&self) -> bool {
        self.clock.set.load(Ordering::Relaxed) > STEPS_PER_SET
    }
}

impl Clock {
    fn start(&self) {
        self.statement.store(0, Ordering::Relaxed);
        self.runs.store(true, Ordering::Relaxed);
    }

    fn stop(&self) {
        self.runs.store(false, Ordering::Relaxed);
    }

    /// Whether the statement that runs has to be interrupted.
    fn is_over(&self) -> bool {
        if !self.runs.load(Ordering::Relaxed) {
            return false;
        }
        let statement = self.statement.fetch_add(STEPS_PER_LOOK, Ordering::Relaxed);
        let set = self.set.fetch_add(STEPS_PER_LOOK, Ordering::Relaxed);
        statement > STEPS_PER_STATEMENT || set > STEPS_PER_SET
    }
}

impl Stage {
    /// Puts objects and rows there. What cannot be made again is returned.
    pub(super) fn load<'c>(&self, load: &Load<'c>) -> Vec<&'c Key> {
        let mut failed = Vec::new();
        let mut made = Vec::new();
        let _ = self.connection.execute_batch("BEGIN");
        for (key, object) in load.objects.iter().filter(|(_, o)| o.kind == Kind::Table) {
            match self.connection.execute_batch(&object.sql) {
                Ok(()) => made.push(key),
                Err(_) => failed.push(*key),
            }
        }
        for (table, rows) in &load.rows {
            if self.insert(table, rows).is_err() {
                failed.extend(
                    load.objects
                        .iter()
                        .map(|(key, _)| *key)
                        .filter(|key| key.is(table)),
                );
            }
        }
        for (key, object) in load.objects.iter().filter(|(_, o)| o.kind != Kind::Table) {
            if self.connection.execute_batch(&object.sql).is_err() {
                failed.push(*key);
            }
        }
        let _ = self.connection.execute_batch("COMMIT");
        failed
    }

    fn insert(&self, table: &str, rows: &Rows) -> rusqlite::Result<()> {
        let columns: Vec<_> = rows.columns.iter().map(|column| quoted(column)).collect();
        let places = vec!["?"; columns.len()].join(", ");
        let mut insert = self.connection.prepare(&format!(
            "INSERT INTO {} ({}) VALUES ({places})",
            quoted(table),
            columns.join(", ")
        ))?;
        for row in &rows.values {
            insert.execute(params_from_iter(row))?;
        }
        Ok(())
    }

    /// Begins a section as the runner does.
    pub(super) fn begin(&self, in_transaction: bool) {
        let on = match self.foreign_keys {
            ForeignKeys::Unchanged => "ON",
            ForeignKeys::Off => "OFF",
        };
        if self.switch.replace(on) != on {
            self.must(&format!("PRAGMA foreign_keys = {on}"));
        }
        if in_transaction {
            self.must("BEGIN");
        }
    }

    /// Ends a section as the runner does, with its session: nothing of it reaches the next one.
    pub(super) fn commit(&self, lines: &[Line<'_>]) -> Result<(), Refusal> {
        let result = match self.connection.is_autocommit() {
            true => Ok(()),
            false => self.connection.execute_batch("COMMIT"),
        };
        if !self.connection.is_autocommit() {
            self.must("ROLLBACK");
        }
        if lines.iter().any(|line| line.act == Act::Pragma) {
            self.switch.set("");
            for setting in SETTINGS {
                self.must(&format!("PRAGMA {setting} = OFF"));
            }
        }
        if lines
            .iter()
            .any(|line| line.has("TEMP") || line.has("TEMPORARY") || line.has("temp"))
        {
            self.drop_temporary();
        }
        result.map_err(|error| Refusal::new(&error))
    }

    /// Whether foreign keys are on.
    pub(super) fn has_foreign_keys(&self) -> bool {
        self.foreign_keys == ForeignKeys::Unchanged
    }

    /// Whether the transaction of the section is gone.
    pub(super) fn is_autocommit(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Runs a statement, with stand-ins for what only an application knows. Those that it needed
    /// and that were not there yet are returned too.
    pub(super) fn play(
        &self,
        theatre: &mut Theatre,
        line: &Line<'_>,
    ) -> (Vec<String>, Result<(), Refusal>) {
        let mut missed = Vec::new();
        let rounds = line.statement.batch.map_or(1, |_| ROUNDS_MAX);
        let mut round = 0;
        while round < rounds {
            self.clock.start();
            let result = self.run(line.text);
            self.clock.stop();
            let Err(error) = result else {
                round += 1;
                if self.connection.changes() == 0 {
                    break;
                }
                continue;
            };
            let refusal = Refusal::new(&error);
            let name = match &refusal.reason {
                Reason::UnknownFunction(name) | Reason::UnknownCollation(name) => name.clone(),
                _ => return (missed, Err(refusal)),
            };
            let is_new = !missed.contains(&name);
            if !is_new || self.stand_in(&refusal.reason).is_err() {
                let because = Reason::Outside(refusal::FUNCTION);
                return (
                    missed,
                    Err(Refusal {
                        reason: because,
                        ..refusal
                    }),
                );
            }
            theatre.remember(&refusal.reason);
            missed.push(name);
        }
        (missed, Ok(()))
    }

    /// Whether SQLite can read a statement, without running it.
    pub(super) fn read(&self, sql: &str) -> Result<(), Refusal> {
        match self.connection.prepare(sql) {
            Ok(_) => Ok(()),
            Err(error) => Err(Refusal::new(&error)),
        }
    }

    /// Runs SQL of our own making.
    pub(super) fn execute(&self, sql: &str) -> Result<(), Refusal> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| Refusal::new(&error))
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    }

    fn stand_in(&self, reason: &Reason) -> rusqlite::Result<()> {
        match reason {
            Reason::UnknownFunction(name) => stand_in_for_function(&self.connection, name),
            Reason::UnknownCollation(name) => stand_in_for_collation(&self.connection, name),
            _ => Ok(()),
        }
    }

    /// What the database holds, by its own account.
    pub(super) fn objects(&self) -> Objects {
        self.try_objects().unwrap_or_else(|_| {
            self.is_lost.set(true);
            Objects::new()
        })
    }

    fn try_objects(&self) -> rusqlite::Result<Objects> {
        let mut select = self
            .connection
            .prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
        let mut rows = select.raw_query();
        let mut objects = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let name = row.get_ref(1)?.as_str()?;
            let kind = Kind::from_name(row.get_ref(0)?.as_str()?);
            // What SQLite makes for itself has such a name or no statement.
            let (Some(kind), Ok(sql), false) =
                (kind, row.get_ref(3)?.as_str(), name.starts_with("sqlite_"))
            else {
                continue;
            };
            let object = Object::new(kind, name.to_owned(), row.get(2)?, sql.to_owned());
            objects.insert(object.key(), object);
        }
        if objects.values().any(|object| object.is_virtual) {
            for shadow in self.texts(
                "SELECT name FROM pragma_table_list WHERE type = 'shadow'",
                0,
            )? {
                objects.remove(&Key::of(Kind::Table, &shadow));
            }
        }
        Ok(objects)
    }

    /// The rows of a table, and whether these are all.
    pub(super) fn rows(&self, table: &Object) -> (Rows, bool) {
        let mut rows = Rows::default();
        let is_whole = self.try_rows(table, &mut rows).unwrap_or(false);
        (rows, is_whole)
    }

    fn try_rows(&self, table: &Object, rows: &mut Rows) -> rusqlite::Result<bool> {
        let name = quoted(&table.name);
        let mut select = self.connection.prepare(&format!("SELECT * FROM {name}"))?;
        let columns: Vec<String> = select
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut found = select.raw_query();
        while let Some(row) = found.next()? {
            if rows.values.len() == ROWS_MAX {
                return Ok(false);
            }
            let values = (0..columns.len()).map(|at| row.get(at));
            rows.values
                .push(values.collect::<rusqlite::Result<Vec<Value>>>()?);
        }
        if rows.values.is_empty() {
            return Ok(true);
        }
        // Generated values are not inserted but generated again.
        let may_generate = table.sql.to_ascii_lowercase().contains("as");
        let generated = match may_generate {
            true => self.texts(
                &format!("SELECT name FROM pragma_table_xinfo({name}) WHERE hidden > 0"),
                0,
            )?,
            false => Vec::new(),
        };
        let is_kept: Vec<_> = columns
            .iter()
            .map(|column| !generated.contains(column))
            .collect();
        let keep = |at: usize| is_kept[at];
        rows.columns = (0..columns.len())
            .filter(|at| keep(*at))
            .map(|at| columns[at].clone())
            .collect();
        for row in &mut rows.values {
            let mut at = 0..;
            row.retain(|_| at.next().is_some_and(keep));
        }
        Ok(true)
    }

    /// The column `at` of a query, as texts.
    pub(super) fn texts(&self, sql: &str, at: usize) -> rusqlite::Result<Vec<String>> {
        let mut select = self.connection.prepare(sql)?;
        let mut rows = select.raw_query();
        let mut texts = Vec::new();
        while let Some(row) = rows.next()? {
            texts.push(row.get(at)?);
        }
        Ok(texts)
    }

    /// The rows of a query, each as texts; `NULL` is `None`.
    pub(super) fn table(&self, sql: &str) -> rusqlite::Result<Vec<Vec<Option<String>>>> {
        let mut select = self.connection.prepare(sql)?;
        let width = select.column_count();
        let mut rows = select.raw_query();
        let mut table = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|at| {
                Ok(match row.get::<_, Value>(at)? {
                    Value::Null => None,
                    Value::Integer(number) => Some(number.to_string()),
                    Value::Real(number) => Some(number.to_string()),
                    Value::Text(text) => Some(text),
                    Value::Blob(_) => Some(String::new()),
                })
            });
            table.push(values.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(table)
    }

    /// The views and triggers that are broken: SQLite looks at all of them when something is
    /// renamed, and refuses for their sake.
    pub(super) fn broken(&self) -> Vec<Key> {
        let mut broken = Vec::new();
        self.must("SAVEPOINT probe");
        self.must("CREATE TABLE \"a probe\" (a)");
        // Each round takes one of them away, so this ends.
        while let Err(Refusal {
            reason: Reason::Broken(kind, name),
            ..
        }) = self.execute("ALTER TABLE \"a probe\" RENAME TO \"the probe\"")
        {
            let kind = if kind == "trigger" {
                Kind::Trigger
            } else {
                Kind::View
            };
            let drop = format!("DROP {} {}", kind.words(), quoted(&name));
            broken.push(Key::of(kind, &name));
            if self.execute(&drop).is_err() {
                break;
            }
        }
        self.must("ROLLBACK TO probe");
        self.must("RELEASE probe");
        broken
    }

    fn drop_temporary(&self) {
        let select = "SELECT 'DROP ' || type || ' IF EXISTS temp.\"' || replace(name, '\"', '\"\"') || '\"' \
                      FROM sqlite_temp_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite_%' \
                      ORDER BY type = 'table'";
        // One may go along with another.
        for drop in self.texts(select, 0).unwrap_or_default() {
            let _ = self.connection.execute_batch(&drop);
        }
    }

    /// Runs what does not fail unless a migration has ruined the database.
    fn must(&self, sql: &str) {
        if self.connection.execute_batch(sql).is_err() {
            self.is_lost.set(true);
        }
    }

    /// Whether the database does not do any more what it always does, so that nothing it says
    /// counts.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.get()
    }
}

/// What a statement may set and what the end of its section sets back.
const SETTINGS: &[&str] = &[
    "case_sensitive_like",
    "defer_foreign_keys",
    "ignore_check_constraints",
    "legacy_alter_table",
    "recursive_triggers",
];

/// Pragmas that tell something.
const QUESTIONS: &[&str] = &[
    "application_id",
    "collation_list",
    "database_list",
    "foreign_key_check",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

pub(super) fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Function { function_name } => {
            let reaches_out = ["fts3_tokenizer", "load_extension", "readfile", "writefile"];
            match reaches_out
                .iter()
                .any(|name| function_name.eq_ignore_ascii_case(name))
            {
                true => Authorization::Deny,
                false => Authorization::Allow,
            }
        }
        AuthAction::Pragma { pragma_name, .. } => {
            let mut known = SETTINGS.iter().chain(QUESTIONS).chain(&["foreign_keys"]);
            match known.any(|name| pragma_name.eq_ignore_ascii_case(name)) {
                true => Authorization::Allow,
                false => Authorization::Ignore,
            }
        }
        _ => Authorization::Allow,
    }
}

/// It returns NULL: few things depend on what a function returns, and those are not judged.
fn stand_in_for_function(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(name, -1, flags, |_| Ok(rusqlite::types::Null))
}

fn stand_in_for_collation(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection.create_collation(name, str::cmp)
}
