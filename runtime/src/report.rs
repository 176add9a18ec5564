//! What a run did, and how things stand.

use std::fmt;
use std::time::Duration;

use backstitch_core::Migration;
use serde::Serialize;

use crate::history::Row;
use crate::plan::Action;

/// What a run did. An [`Error`](crate::Error) carries one too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Which way it went.
    pub direction: Direction,
    /// What was done, in order.
    pub done: Vec<Done>,
    /// The ids that are still pending.
    pub remaining: Vec<String>,
    /// How many migrations the program knows.
    pub known: usize,
    /// The run as the history names it; `None` when nothing was to be done.
    pub run: Option<String>,
    /// What the backup is called that was made before, where one was.
    pub backup: Option<String>,
    /// How long it took in all.
    pub elapsed: Duration,
    /// How much of that was spent waiting for the lock.
    pub waited: Duration,
}

/// Which way a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It applies.
    #[default]
    Up,
    /// It takes back.
    Down,
}

/// What was done about one migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Done {
    /// What.
    pub action: Action,
    /// The id of the migration.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many statements ran.
    pub statements: usize,
    /// How many rows they changed.
    pub rows_affected: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Done {
    /// The new text of a migration was accepted.
    pub(crate) fn accepted(migration: &Migration) -> Done {
        Done {
            action: Action::Accept,
            id: migration.id.clone(),
            name: migration.name.clone(),
            statements: 0,
            rows_affected: 0,
            elapsed: Duration::ZERO,
        }
    }
}

impl Report {
    /// Whether there was nothing to do.
    pub fn is_up_to_date(&self) -> bool {
        self.done.is_empty() && self.remaining.is_empty()
    }

    /// Adds what was done.
    pub(crate) fn note(&mut self, done: Done) {
        self.remaining.retain(|id| *id != done.id);
        self.done.push(done);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.elapsed.as_secs_f64() * 1000.0;
        let count = |n: usize| match n {
            1 => "1 migration".to_owned(),
            n => format!("{n} migrations"),
        };
        let verb = match self.direction {
            Direction::Up => "applied",
            Direction::Down => "taken back",
        };
        match (self.direction, self.done.len(), self.remaining.len()) {
            (Direction::Up, 0, 0) => {
                let known = count(self.known);
                write!(f, "up to date ({known}, checked in {milliseconds:.1} ms)")
            }
            (Direction::Up, 0, rest) => write!(f, "nothing applied, {} pending", count(rest)),
            (Direction::Down, 0, _) => f.write_str("nothing to take back"),
            (_, done, 0) => write!(f, "{} {verb} in {milliseconds:.1} ms", count(done)),
            (Direction::Up, done, rest) => {
                write!(
                    f,
                    "{} {verb} in {milliseconds:.1} ms, {rest} pending",
                    count(done)
                )
            }
            (Direction::Down, done, rest) => {
                write!(
                    f,
                    "{} {verb} in {milliseconds:.1} ms, {rest} still to go",
                    count(done)
                )
            }
        }
    }
}

/// How things stand, as [`status`](crate::Migrations::status) tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The rows of the history, in the order in which they were written.
    pub history: Vec<Row>,
    /// The ids that [`up`](crate::Migrations::up) would apply.
    pub pending: Vec<String>,
    /// Why [`up`](crate::Migrations::up) would refuse to run, in full; `None` when it would not.
    pub trouble: Option<String>,
    /// The version of the server.
    pub server: Option<String>,
    /// Where there is no history: some of the schemas beside the search path that have one. Tenants
    /// have theirs there; or the search path leads elsewhere than it should.
    pub elsewhere: Vec<String>,
}

impl Status {
    /// Whether everything this program knows is applied and nothing is wrong.
    pub fn is_up_to_date(&self) -> bool {
        self.pending.is_empty() && self.trouble.is_none()
    }
}
