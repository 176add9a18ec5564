//! What is to be done: a pure function of the embedded set, the history and the policy.
//!
//! No I/O happens here. The dry run shows the very [`Plan`] that the run executes, and every
//! refusal is decided here before anything is touched.

mod refusal;
pub(crate) mod resume;

use std::fmt;

use backstitch_core::migration::Transaction;
use backstitch_core::{Diagnostic, Dialect, Migration, Set};
use serde::Serialize;

use self::refusal::{Refusals, late, no_way_back};
pub(crate) use self::refusal::{about, known_layout};
use crate::error::{Error, ErrorKind};
use crate::history::{Row, State};

/// What is to be done, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// One for each migration that is touched.
    pub steps: Vec<Step>,
    /// The ids that stay pending, because they lie beyond the target.
    pub remaining: Vec<String>,
}

/// What is to be done about one migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// What.
    pub action: Action,
    /// The version of the migration.
    pub version: u64,
    /// The id of the migration.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many statements it has. A stored way back is not counted before it is read.
    pub statements: Option<usize>,
    /// How many of them an earlier run has done, which do not run again.
    pub done: usize,
    /// Whether nobody knows if the next one has taken effect too, so that the catalogue has to be
    /// asked first.
    pub in_doubt: bool,
}

/// What a [`Step`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Action {
    /// Runs the UP.
    Apply,
    /// Runs the rest of an UP that stopped half-way outside of a transaction.
    Resume,
    /// Takes the new text of a migration as applied, because it `@supersedes` the old one.
    Accept,
    /// Runs the DOWN that the database holds.
    Revert,
}

/// What to do about a pending migration that is older than the newest applied one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutOfOrder {
    /// Refuse to run.
    #[default]
    Refuse,
    /// Apply it all the same.
    Allow,
}

/// What to do about applied migrations that this program does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// Go on where each of them is newer than all that this program has, and the release before it
    /// still works with it: it says so by `@phase: expand`, or only adds.
    #[default]
    IfCompatible,
    /// Refuse to run.
    Refuse,
    /// Go on.
    Allow,
}

/// What to do where another tool has applied migrations of this program, and its history was not
/// [adopted](crate::Migrator::adopt).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherTool {
    /// Refuse to run.
    #[default]
    Refuse,
    /// Apply them all the same: both are to migrate this database.
    Allow,
}

/// What is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) out_of_order: OutOfOrder,
    pub(crate) unknown: Unknown,
    pub(crate) other_tool: OtherTool,
    pub(crate) force: Force,
}

/// Whether a rollback may lose data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Force {
    #[default]
    No,
    Yes,
}

/// How far to go back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Down {
    /// The last so many.
    Steps(usize),
    /// All that are newer than the migration of this id, which stays.
    To(String),
    /// All that the newest run applied.
    Run,
    /// Everything.
    All,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing to do");
        }
        for (index, step) in self.steps.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            let verb = match step.action {
                Action::Apply => "apply",
                Action::Resume => "resume",
                Action::Accept => "accept",
                Action::Revert => "revert",
            };
            write!(f, "{newline}{verb} {} ({})", step.id, step.name)?;
            if step.done > 0 || step.in_doubt {
                write!(f, " at statement {}", step.done + 1)?;
                if let Some(statements) = step.statements {
                    write!(f, " of {statements}")?;
                }
            }
            if step.in_doubt {
                f.write_str(", unless that has taken effect")?;
            }
        }
        Ok(())
    }
}

/// What `up` does.
///
/// # Errors
/// Everything that speaks against running, at once.
pub(crate) fn up(
    set: &Set,
    rows: &[Row],
    target: Option<u64>,
    policy: Policy,
) -> Result<Plan, Error> {
    known_layout(rows)?;
    let mut refusals = Refusals::default();
    let mut plan = Plan::default();
    for row in rows {
        match set
            .migrations
            .iter()
            .find(|migration| migration.version == row.version)
        {
            Some(migration) => {
                let known = Known {
                    migration,
                    row,
                    dialect: set.dialect,
                    is_wanted: target.is_none_or(|target| migration.version <= target),
                };
                refusals.judge_known(known, &mut plan);
            }
            None => refusals.judge_unknown(row, policy.unknown, set),
        }
    }
    let newest = rows
        .iter()
        .filter(|row| row.state == State::Applied)
        .max_by_key(|row| row.version);
    let is_applied = |migration: &Migration| {
        rows.iter()
            .any(|row| row.version == migration.version && !is_untouched(row))
    };
    for migration in set
        .migrations
        .iter()
        .filter(|migration| !is_applied(migration))
    {
        if target.is_some_and(|target| migration.version > target) {
            plan.remaining.push(migration.id.clone());
            continue;
        }
        if let Some(newest) = newest.filter(|newest| newest.version > migration.version)
            && policy.out_of_order == OutOfOrder::Refuse
        {
            refusals.out_of_order.push(late(migration, newest));
        }
        plan.steps.push(step(Action::Apply, migration));
    }
    refusals.into_result(plan)
}

/// What `down` does.
///
/// # Errors
/// Everything that speaks against running, at once.
pub(crate) fn down(set: &Set, rows: &[Row], down: &Down, policy: Policy) -> Result<Plan, Error> {
    known_layout(rows)?;
    let mut refusals = Refusals::default();
    for row in rows
        .iter()
        .filter(|row| row.state != State::Applied && !is_untouched(row))
        .filter(|row| row.state != State::Reverting || !resume::is_told(row))
    {
        let known = set
            .migrations
            .iter()
            .find(|migration| migration.version == row.version);
        refusals.unfinished.push(resume::unfinished(known, row));
    }
    let mut applied: Vec<_> = rows
        .iter()
        .filter(|row| matches!(row.state, State::Applied | State::Reverting))
        .collect();
    applied.sort_by_key(|row| std::cmp::Reverse(row.seq));
    let mut chosen = choose(&applied, down)?;
    // What is half taken back comes first, however far it is asked to go.
    for row in applied.iter().filter(|row| row.state == State::Reverting) {
        if !chosen.iter().any(|one| one.version == row.version) {
            chosen.insert(0, row);
        }
    }
    for row in &chosen {
        if let Some(refusal) = no_way_back(set, row, policy.force) {
            refusals.rollback.push(refusal);
        }
    }
    let steps = chosen.into_iter().map(|row| Step {
        action: Action::Revert,
        version: row.version,
        id: row.id.clone(),
        name: row.name.clone(),
        statements: None,
        done: resume::start_of_row(row).done,
        in_doubt: resume::start_of_row(row).in_doubt,
    });
    refusals.into_result(Plan {
        steps: steps.collect(),
        remaining: Vec::new(),
    })
}

/// The rows to revert, the newest first.
fn choose<'r>(applied: &[&'r Row], down: &Down) -> Result<Vec<&'r Row>, Error> {
    match down {
        Down::All => Ok(applied.to_vec()),
        Down::Steps(steps) if *steps <= applied.len() => Ok(applied[..*steps].to_vec()),
        Down::Steps(steps) => Err(too_far(*steps, applied.len())),
        Down::To(id) => {
            let Some(target) = applied.iter().find(|row| row.id == *id) else {
                let near = backstitch_core::diagnostic::did_you_mean(
                    id,
                    applied.iter().map(|row| row.id.as_str()),
                );
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a migration that is applied; it stays, all newer ones go".into(),
                };
                return Err(usage(
                    format!("cannot go back to `{id}`: it is not applied"),
                    &help,
                ));
            };
            Ok(applied
                .iter()
                .filter(|row| row.version > target.version)
                .copied()
                .collect())
        }
        Down::Run => {
            let run = applied.first().map(|newest| newest.run.as_str());
            Ok(applied
                .iter()
                .take_while(|row| Some(row.run.as_str()) == run)
                .copied()
                .collect())
        }
    }
}

fn too_far(steps: usize, applied: usize) -> Error {
    let (applied, help) = match applied {
        0 => (
            "none is applied".to_owned(),
            "there is nothing to take back in this database",
        ),
        1 => ("1 is applied".to_owned(), "ask for one step"),
        n => (format!("{n} are applied"), "ask for fewer steps"),
    };
    let migrations = match steps {
        1 => "1 migration".to_owned(),
        n => format!("{n} migrations"),
    };
    usage(format!("cannot go back {migrations}: {applied}"), help)
}

fn step(action: Action, migration: &Migration) -> Step {
    Step {
        action,
        version: migration.version,
        id: migration.id.clone(),
        name: migration.name.clone(),
        statements: Some(migration.up.statements.len()),
        done: 0,
        in_doubt: false,
    }
}

/// Whether the row is of an UP that left nothing behind, so that the migration is pending.
pub(crate) fn is_untouched(row: &Row) -> bool {
    let start = resume::start_of_row(row);
    let is_up = matches!(row.state, State::Failed | State::Applying);
    let is_begun = start.done > 0 || start.in_doubt || start.rounds.is_some();
    is_up && !is_begun && resume::is_told(row)
}

/// A row, and the migration that the program knows under its version.
struct Known<'k> {
    migration: &'k Migration,
    row: &'k Row,
    dialect: Dialect,
    /// Whether it is not beyond the target.
    is_wanted: bool,
}

/// The transaction of a migration, as far as the engine has a say: on engines that commit DDL by
/// themselves a migration with DDL has none.
pub(crate) fn transaction_of(migration: &Migration) -> Transaction {
    let commits = migration
        .up
        .statements
        .iter()
        .any(|statement| statement.commits);
    if commits {
        Transaction::None
    } else {
        migration.transaction
    }
}

pub(crate) fn usage(message: String, help: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        Diagnostic::error("usage", message).help(help),
    )
}
