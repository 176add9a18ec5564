//! The SQL that writes rows of the history and of the rollbacks.

use std::fmt::Write as _;

use backstitch_core::checksum::{Checksum, Digest};
use backstitch_core::migration::{self, Migration, Phase};

use super::{COLUMNS_OF_LAYOUT_2, LAYOUT, Names, State};
use crate::additive;
use crate::engine::Driver;

/// How far the statements of a migration have come, outside of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// So many are in effect.
    pub(crate) done: usize,
    /// The checksum of those.
    pub(crate) checksum: Option<Checksum>,
    /// The checksum of those and the next, when that is about to run in a way that leaves nobody
    /// to know whether it has taken effect.
    pub(crate) open: Option<Checksum>,
    /// Rounds and rows of the batch that is next, where some are done.
    pub(crate) rounds: Option<(u64, u64)>,
}

/// What the one who writes a row knows besides the migration.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) seq: u64,
    pub(crate) state: State,
    pub(crate) mark: Mark,
    /// An expression for how long it took.
    pub(crate) execution_ms: String,
    pub(crate) applied_by: &'a str,
    pub(crate) error: Option<&'a str>,
    pub(crate) run: &'a str,
    pub(crate) digest: Digest,
}

/// Statements that write the row of a migration. A row that an earlier failure left goes first.
pub(crate) fn insert<D: Driver>(
    names: &Names,
    migration: &Migration,
    entry: &Entry<'_>,
) -> [String; 2] {
    let text = |text: &str| D::quote_text(text);
    let optional = |value: Option<&str>| value.map_or("NULL".to_owned(), D::quote_text);
    let down_checksum = migration.down_checksum.map(|checksum| checksum.to_string());
    let down_sql = migration::stored_down(migration);
    let truth = |value: bool| if value { "TRUE" } else { "FALSE" };
    let values = [
        text(&names.namespace),
        migration.version.to_string(),
        entry.seq.to_string(),
        text(&migration.id),
        text(&migration.name),
        text(&migration.description),
        text(&migration.checksum.to_string()),
        optional(down_checksum.as_deref()),
        text(entry.state.name()),
        migration.up.statements.len().to_string(),
        entry.mark.done.to_string(),
        optional(down_sql.as_deref()),
        truth(migration.rollback_safe).to_owned(),
        truth(is_compatible::<D>(migration)).to_owned(),
        D::now().to_owned(),
        entry.execution_ms.clone(),
        text(entry.applied_by),
        optional(entry.error),
        text(entry.run),
        text(&entry.digest.to_string()),
        LAYOUT.to_string(),
    ];
    let values = values.into_iter().chain(mark_values::<D>(&entry.mark));
    let values: Vec<_> = values.collect();
    let insert = format!(
        "INSERT INTO {} (namespace, version, seq, id, name, description, checksum, down_checksum, \
         state, statements, statements_done, down_sql, rollback_safe, compatible, applied_at, \
         execution_ms, applied_by, error, run, digest, layout, {COLUMNS_OF_LAYOUT_2}) \
         VALUES ({})",
        names.migrations::<D>(),
        values.join(", ")
    );
    [delete_unfinished::<D>(names, migration.version), insert]
}

/// The values of the columns that tell how far it has come.
fn mark_values<D: Driver>(mark: &Mark) -> [String; 4] {
    let checksum = |checksum: Option<Checksum>| match checksum {
        Some(checksum) => D::quote_text(&checksum.to_string()),
        None => "NULL".to_owned(),
    };
    let number = |number: Option<u64>| number.map_or("NULL".to_owned(), |n| n.to_string());
    let (rounds, rows) = mark.rounds.unzip();
    [
        checksum(mark.checksum),
        checksum(mark.open),
        number(rounds),
        number(rows),
    ]
}

/// Whether the release before this migration still works with it: known where the file says so, or
/// where the statements only add.
pub(crate) fn is_compatible<D: Driver>(migration: &Migration) -> bool {
    match migration.phase {
        Some(Phase::Expand) => true,
        Some(Phase::Contract) => false,
        None => additive::is_additive(migration, D::DIALECT),
    }
}

fn delete_unfinished<D: Driver>(names: &Names, version: u64) -> String {
    format!(
        "DELETE FROM {} WHERE {} AND version = {version} AND state IN ({}, {})",
        names.migrations::<D>(),
        names.is_ours::<D>(),
        D::quote_text(State::Failed.name()),
        D::quote_text(State::Applying.name())
    )
}

/// A change of some columns of a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    assignments: String,
}

impl Change {
    pub(crate) fn state<D: Driver>(self, state: State) -> Change {
        self.set("state", &D::quote_text(state.name()))
    }

    pub(crate) fn mark<D: Driver>(self, mark: &Mark) -> Change {
        let change = self.set("statements_done", &mark.done.to_string());
        let columns = COLUMNS_OF_LAYOUT_2.split(", ");
        columns
            .zip(mark_values::<D>(mark))
            .fold(change, |change, (column, value)| change.set(column, &value))
    }

    /// Those who write a row write it for the present layout.
    pub(crate) fn layout(self) -> Change {
        self.set("layout", &LAYOUT.to_string())
    }

    pub(crate) fn statements(self, statements: usize) -> Change {
        self.set("statements", &statements.to_string())
    }

    pub(crate) fn seq(self, seq: u64) -> Change {
        self.set("seq", &seq.to_string())
    }

    pub(crate) fn digest<D: Driver>(self, digest: Digest) -> Change {
        self.set("digest", &D::quote_text(&digest.to_string()))
    }

    pub(crate) fn checksum<D: Driver>(self, checksum: Checksum) -> Change {
        self.set("checksum", &D::quote_text(&checksum.to_string()))
    }

    pub(crate) fn down<D: Driver>(
        self,
        sql: Option<&str>,
        checksum: Option<Checksum>,
        rollback_safe: bool,
    ) -> Change {
        let optional = |value: Option<&str>| value.map_or("NULL".to_owned(), D::quote_text);
        let checksum = checksum.map(|checksum| checksum.to_string());
        self.set("down_sql", &optional(sql))
            .set("down_checksum", &optional(checksum.as_deref()))
            .set(
                "rollback_safe",
                if rollback_safe { "TRUE" } else { "FALSE" },
            )
    }

    pub(crate) fn error<D: Driver>(self, error: &str) -> Change {
        self.set("error", &D::quote_text(error))
    }

    pub(crate) fn no_error(self) -> Change {
        self.set("error", "NULL")
    }

    pub(crate) fn finished<D: Driver>(self, execution_ms: &str) -> Change {
        self.set("execution_ms", execution_ms)
            .set("applied_at", D::now())
    }

    fn set(mut self, column: &str, value: &str) -> Change {
        let comma = if self.assignments.is_empty() {
            ""
        } else {
            ", "
        };
        write!(self.assignments, "{comma}{column} = {value}").expect("a string takes everything");
        self
    }

    /// The statement that makes the change in the row of `version`.
    pub(crate) fn of_version<D: Driver>(self, names: &Names, version: u64) -> String {
        self.statement::<D>(names, &format!("version = {version}"))
    }

    /// The statement that makes the change in the row of `seq`.
    pub(crate) fn of_seq<D: Driver>(self, names: &Names, seq: u64) -> String {
        self.statement::<D>(names, &format!("seq = {seq}"))
    }

    fn statement<D: Driver>(self, names: &Names, which: &str) -> String {
        format!(
            "UPDATE {} SET {} WHERE {} AND {which}",
            names.migrations::<D>(),
            self.assignments,
            names.is_ours::<D>()
        )
    }
}

/// Forgets a migration.
pub(crate) fn delete<D: Driver>(names: &Names, version: u64) -> String {
    format!(
        "DELETE FROM {} WHERE {} AND version = {version}",
        names.migrations::<D>(),
        names.is_ours::<D>()
    )
}

/// Asks for the stored way back of a migration.
pub(crate) fn select_down<D: Driver>(names: &Names, version: u64) -> String {
    format!(
        "SELECT down_sql FROM {} WHERE {} AND version = {version}",
        names.migrations::<D>(),
        names.is_ours::<D>()
    )
}

/// Asks for all stored ways back, by version.
pub(crate) fn select_downs<D: Driver>(names: &Names) -> String {
    format!(
        "SELECT version, down_sql FROM {} WHERE {} ORDER BY version",
        names.migrations::<D>(),
        names.is_ours::<D>()
    )
}

/// One row of `__migration_rollbacks__` on its way in.
#[derive(Clone, Debug)]
pub(crate) struct RollbackEntry<'a> {
    pub(crate) version: u64,
    pub(crate) id: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) forced: bool,
    pub(crate) backup: Option<&'a str>,
    /// An expression for how long it took.
    pub(crate) execution_ms: String,
    pub(crate) error: Option<&'a str>,
    pub(crate) rolled_back_by: &'a str,
}

/// Records a rollback, one that failed too.
pub(crate) fn insert_rollback<D: Driver>(names: &Names, entry: &RollbackEntry<'_>) -> String {
    let optional = |value: Option<&str>| value.map_or("NULL".to_owned(), D::quote_text);
    let truth = |value: bool| if value { "TRUE" } else { "FALSE" };
    let values = [
        D::quote_text(&names.namespace),
        entry.version.to_string(),
        D::quote_text(entry.id),
        optional(entry.reason),
        truth(entry.forced).to_owned(),
        optional(entry.backup),
        entry.execution_ms.clone(),
        truth(entry.error.is_none()).to_owned(),
        optional(entry.error),
        D::quote_text(entry.rolled_back_by),
        D::now().to_owned(),
        LAYOUT.to_string(),
    ];
    format!(
        "INSERT INTO {} (namespace, version, id, reason, forced, backup, execution_ms, success, \
         error, rolled_back_by, rolled_back_at, layout) VALUES ({})",
        names.rollbacks::<D>(),
        values.join(", ")
    )
}
