//! What the database remembers: the rows of `__migrations__` and `__migration_rollbacks__`.
//!
//! The newest row of a namespace, by `seq`, answers the question of every start-up: its `digest`
//! sums what is applied, its `state` says whether the run that wrote it came to its end. Here are
//! the rows and the SQL that reads and writes them; what follows from them is decided in
//! [`plan`](crate::plan).

pub(crate) mod record;
mod write;

use backstitch_core::checksum::{Checksum, Digest};
use serde::Serialize;

use crate::engine::Driver;
use crate::error::Error;
use crate::message::Answer;
use crate::plan::usage;

pub(crate) use write::{
    Change, Entry, Mark, RollbackEntry, delete, insert, insert_rollback, is_compatible,
    select_down, select_downs,
};

/// The layout of the tables that this library writes.
///
/// 1: the history and the rollbacks. 2: the history tells exactly how far a migration outside of a
/// transaction has come (`done_checksum`, `open_checksum`, `rounds`, `round_rows`), and repairs have
/// a table of their own.
pub(crate) const LAYOUT: u32 = 2;
/// The oldest layout that this library reads.
pub(crate) const OLDEST_LAYOUT: u32 = 1;

/// The columns that layout 2 added.
const COLUMNS_OF_LAYOUT_2: &str = "done_checksum, open_checksum, rounds, round_rows";

/// What the tables are called, and whose rows are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The schema they are in; `None` is the one that unqualified names go to.
    pub schema: Option<String>,
    /// `__migrations__` unless set otherwise.
    pub table: String,
    /// `__migration_rollbacks__` unless set otherwise.
    pub rollback_table: String,
    /// Whose rows are meant. Several crates can share a database.
    pub namespace: String,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            schema: None,
            table: "__migrations__".to_owned(),
            rollback_table: "__migration_rollbacks__".to_owned(),
            namespace: String::new(),
        }
    }
}

impl Names {
    /// The quoted name of the history.
    pub fn migrations<D: Driver>(&self) -> String {
        self.quoted::<D>(&self.table)
    }

    /// The quoted name of the table of rollbacks.
    pub fn rollbacks<D: Driver>(&self) -> String {
        self.quoted::<D>(&self.rollback_table)
    }

    /// The quoted name of the table of repairs, which is called after the history.
    pub fn repairs<D: Driver>(&self) -> String {
        self.quoted::<D>(&self.beside("repairs"))
    }

    /// The quoted name of the table of the lease, which is called after the history.
    pub fn leases<D: Driver>(&self) -> String {
        self.quoted::<D>(&self.beside("leases"))
    }

    /// The names of all tables that a history can have.
    pub(crate) fn all_tables(&self) -> [String; 4] {
        [
            self.table.clone(),
            self.rollback_table.clone(),
            self.beside("repairs"),
            self.beside("leases"),
        ]
    }

    /// `__migration_repairs__` beside `__migrations__`, `x_repairs` beside `x`.
    fn beside(&self, what: &str) -> String {
        match self.table.strip_suffix("s__") {
            Some(stem) => format!("{stem}_{what}__"),
            None => format!("{}_{what}", self.table),
        }
    }

    /// The name of the lock: one for each history, whatever the namespace, because migrations of
    /// two namespaces may touch the same tables.
    pub fn lock(&self) -> String {
        format!(
            "{}.{}",
            self.schema.as_deref().unwrap_or_default(),
            self.table
        )
    }

    /// The name of the index that finds the newest row, where indexes have names of their own.
    pub(crate) fn index(&self) -> String {
        format!("{}_newest", self.table)
    }

    /// Makes sure that the names reach the engine as they are.
    ///
    /// # Errors
    /// When it would cut one off, for two histories could then turn out to be one.
    pub(crate) fn fit<D: Driver>(&self) -> Result<(), Error> {
        let Some(limit) = D::NAMES_ARE_CUT_AT else {
            return Ok(());
        };
        let derived = [self.index(), self.beside("repairs"), self.beside("leases")];
        let Some(long) = derived
            .iter()
            .chain([&self.rollback_table])
            .chain(&self.schema)
            .find(|name| name.len() > limit)
        else {
            return Ok(());
        };
        let head: String = long.chars().take(40).collect();
        Err(usage(
            format!(
                "a name of the history is {} bytes long, and {} would cut it off after {limit}: \
                 `{head}…`",
                long.len(),
                D::PRODUCT
            ),
            &format!(
                "give `.schema(..)` and the second table of `.tables(..)` names of at most {limit} \
                 bytes, and the first table one of at most {}, for others are named after it",
                limit - "_repairs".len()
            ),
        ))
    }

    fn quoted<D: Driver>(&self, table: &str) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", D::quote_name(schema), D::quote_name(table)),
            None => D::quote_name(table),
        }
    }

    fn is_ours<D: Driver>(&self) -> String {
        format!("namespace = {}", D::quote_text(&self.namespace))
    }
}

/// How far a migration has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Its statements are being run one by one, or the process that ran them died.
    Applying,
    /// Done.
    Applied,
    /// A statement failed.
    Failed,
    /// Its way back is being run one by one, or the process that ran it died.
    Reverting,
}

impl State {
    const ALL: [State; 4] = [
        State::Applying,
        State::Applied,
        State::Failed,
        State::Reverting,
    ];

    /// As it stands in the table.
    pub fn name(self) -> &'static str {
        match self {
            State::Applying => "applying",
            State::Applied => "applied",
            State::Failed => "failed",
            State::Reverting => "reverting",
        }
    }

    fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the history, but for the way back, which is read when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// The version of the migration.
    pub version: u64,
    /// Counts up with each row that is written; the highest is the newest.
    pub seq: u64,
    /// The id of the migration.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The checksum of what was run.
    pub checksum: Checksum,
    /// The checksum of the stored way back, where there is one.
    pub down_checksum: Option<Checksum>,
    /// How far it has come.
    pub state: State,
    /// How many statements it has.
    pub statements: u32,
    /// How many of them are known to have run.
    pub statements_done: u32,
    /// `@rollbackSafe`
    pub rollback_safe: bool,
    /// Whether the release before it still works.
    pub compatible: bool,
    /// When, in RFC 3339 and UTC, by the server's clock.
    pub applied_at: String,
    /// How long it took, in milliseconds.
    pub execution_ms: Option<u64>,
    /// Host, process and program.
    pub applied_by: String,
    /// What went wrong.
    pub error: Option<String>,
    /// Groups what one run applied.
    pub run: String,
    /// How many rounds of a batch are done, where one is under way.
    pub rounds: Option<u64>,
    /// How many rows those rounds have changed.
    pub round_rows: Option<u64>,
    /// The layout of the table that the row was written for.
    #[serde(skip)]
    pub(crate) layout: u32,
    /// Of the statements that are done, where it runs outside of a transaction.
    #[serde(skip)]
    pub(crate) done_checksum: Option<Checksum>,
    /// Of those and the next one, while nobody can know whether that has taken effect.
    #[serde(skip)]
    pub(crate) open_checksum: Option<Checksum>,
    /// Of all that was applied when it was written, as text.
    #[serde(skip)]
    pub(crate) digest: String,
}

/// The newest row, as the start-up asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) state: String,
    pub(crate) digest: String,
    pub(crate) layout: String,
}

impl Newest {
    /// Whether it says that exactly the set of `digest` is applied and nothing is under way.
    pub(crate) fn is_done(&self, digest: Digest) -> bool {
        let known = OLDEST_LAYOUT..=LAYOUT;
        self.state == State::Applied.name()
            && self
                .layout
                .parse()
                .is_ok_and(|layout| known.contains(&layout))
            && self.digest == digest.to_string()
    }
}

/// Asks for the newest row: the one query of a start-up with nothing to do.
pub(crate) fn select_newest<D: Driver>(names: &Names) -> String {
    format!(
        "SELECT state, digest, layout FROM {} WHERE {} ORDER BY seq DESC LIMIT 1",
        names.migrations::<D>(),
        names.is_ours::<D>()
    )
}

/// Asks for what changes with whatever is written: see [`Fingerprint`].
pub(crate) fn select_fingerprint<D: Driver>(names: &Names) -> String {
    let (table, ours) = (names.migrations::<D>(), names.is_ours::<D>());
    format!(
        "SELECT (SELECT COUNT(*) FROM {table} WHERE {ours}), seq, state, statements_done, digest \
         FROM {table} WHERE {ours} ORDER BY seq DESC LIMIT 1"
    )
}

/// Asks whether anything was ever taken back.
pub(crate) fn select_a_rollback<D: Driver>(names: &Names) -> String {
    format!(
        "SELECT version FROM {} WHERE {} LIMIT 1",
        names.rollbacks::<D>(),
        names.is_ours::<D>()
    )
}

/// How many rows there are, and what the newest says: enough to notice that somebody has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(Vec<String>);

impl Fingerprint {
    /// Of rows that were read before.
    pub(crate) fn of(rows: &[Row]) -> Fingerprint {
        let Some(newest) = rows.iter().max_by_key(|row| row.seq) else {
            return Fingerprint(Vec::new());
        };
        Fingerprint(vec![
            rows.len().to_string(),
            newest.seq.to_string(),
            newest.state.name().to_owned(),
            newest.statements_done.to_string(),
            newest.digest.clone(),
        ])
    }

    /// As it is now: the answer to [`select_fingerprint`].
    pub(crate) fn read(answer: &Answer) -> Fingerprint {
        let row = answer.rows.first().cloned().unwrap_or_default();
        Fingerprint(row.into_iter().map(Option::unwrap_or_default).collect())
    }
}

/// Reads the answer to [`select_newest`].
pub(crate) fn newest(answer: Answer) -> Option<Newest> {
    let mut row = answer.rows.into_iter().next()?.into_iter();
    let mut next = || row.next().flatten().unwrap_or_default();
    Some(Newest {
        state: next(),
        digest: next(),
        layout: next(),
    })
}

/// Asks for all rows of the namespace, the oldest first, from tables of that layout.
pub(crate) fn select_rows<D: Driver>(names: &Names, layout: u32) -> String {
    let added = match layout {
        OLDEST_LAYOUT => "NULL, NULL, NULL, NULL",
        _ => COLUMNS_OF_LAYOUT_2,
    };
    format!(
        "SELECT version, seq, id, name, checksum, down_checksum, state, statements, \
         statements_done, CASE WHEN rollback_safe THEN 1 ELSE 0 END, \
         CASE WHEN compatible THEN 1 ELSE 0 END, {}, execution_ms, applied_by, error, run, layout, digest, \
         {added} FROM {} WHERE {} ORDER BY seq",
        D::show_time("applied_at"),
        names.migrations::<D>(),
        names.is_ours::<D>()
    )
}

/// Asks for nothing, but from tables of the present layout.
pub(crate) fn probe<D: Driver>(names: &Names) -> String {
    format!(
        "SELECT {COLUMNS_OF_LAYOUT_2} FROM {} WHERE 1 = 0",
        names.migrations::<D>()
    )
}

/// Reads the answer to [`select_rows`].
///
/// # Errors
/// A row that this library did not write: which one, and what about it.
pub(crate) fn rows(answer: Answer) -> Result<Vec<Row>, String> {
    answer.rows.into_iter().map(row).collect()
}

fn row(values: Vec<Option<String>>) -> Result<Row, String> {
    let id = values.get(2).cloned().flatten().unwrap_or_default();
    let mut values = values.into_iter();
    let mut field = |name: &'static str| Field {
        name,
        id: &id,
        value: values.next().flatten(),
    };
    Ok(Row {
        version: field("version").read()?,
        seq: field("seq").read()?,
        id: field("id").read()?,
        name: field("name").read()?,
        checksum: field("checksum").read()?,
        down_checksum: field("down_checksum").read_optional()?,
        state: field("state").state()?,
        statements: field("statements").read()?,
        statements_done: field("statements_done").read()?,
        rollback_safe: field("rollback_safe").read::<u8>()? != 0,
        compatible: field("compatible").read::<u8>()? != 0,
        applied_at: field("applied_at").read()?,
        execution_ms: field("execution_ms").read_optional()?,
        applied_by: field("applied_by").read()?,
        error: field("error").read_optional()?,
        run: field("run").read()?,
        layout: field("layout").read()?,
        digest: field("digest").read()?,
        done_checksum: field("done_checksum").read_optional()?,
        open_checksum: field("open_checksum").read_optional()?,
        rounds: field("rounds").read_optional()?,
        round_rows: field("round_rows").read_optional()?,
    })
}

struct Field<'a> {
    name: &'static str,
    id: &'a str,
    value: Option<String>,
}

impl Field<'_> {
    fn read<T: std::str::FromStr>(self) -> Result<T, String> {
        let (name, id, value) = (self.name, self.id, self.value.clone());
        self.read_optional()?
            .ok_or_else(|| foreign(id, name, value.as_deref()))
    }

    fn read_optional<T: std::str::FromStr>(self) -> Result<Option<T>, String> {
        let Some(value) = self.value else {
            return Ok(None);
        };
        value
            .parse()
            .map(Some)
            .map_err(|_| foreign(self.id, self.name, Some(&value)))
    }

    fn state(self) -> Result<State, String> {
        let value = self.value.as_deref();
        value
            .and_then(State::from_name)
            .ok_or_else(|| foreign(self.id, self.name, value))
    }
}

fn foreign(id: &str, field: &str, value: Option<&str>) -> String {
    let value = value.map_or("NULL".to_owned(), |value| {
        format!("`{}`", value.escape_debug())
    });
    format!(
        "the row of `{}` has {value} as its {field}",
        id.escape_debug()
    )
}

/// The digest of what the rows say is applied.
pub(crate) fn digest(rows: &[Row]) -> Digest {
    rows.iter()
        .filter(|row| row.state == State::Applied)
        .fold(Digest::EMPTY, |digest, row| {
            digest.with(&row.id, &row.checksum)
        })
}
