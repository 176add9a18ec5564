//! Putting the history right where it does not say what the database holds.
//!
//! Nothing of a migration runs here. Each repair needs a reason and is recorded with it, with what
//! the history said before and what it says since. Whether a repair makes sense is decided first,
//! without I/O; what it writes is one transaction.

use backstitch_core::checksum::{Digest, Role};
use backstitch_core::diagnostic::did_you_mean;
use backstitch_core::migration::{self, Migration, Script};
use backstitch_core::{Diagnostic, Set, resume};

use crate::engine::Driver;
use crate::error::Error;
use crate::history::record::Repaired;
use crate::history::{self, Change, Entry, Mark, Names, Row, State};
use crate::plan::usage;

/// What is to be put right about one migration, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair<'r> {
    /// Everything that it does is in effect, whatever the history says: it becomes applied.
    MarkApplied(&'r str),
    /// Nothing that it does is in effect, whatever the history says: it becomes pending.
    MarkNotApplied(&'r str),
    /// It stopped half-way, and exactly the first `done` statements are in effect, of its UP or of
    /// its way back. The next run goes on behind them.
    Resume {
        /// Which migration.
        id: &'r str,
        /// How many statements are in effect.
        done: usize,
    },
    /// The text that the program holds stands for the one that was applied.
    Checksum(&'r str),
    /// The way back that the program holds replaces the stored one.
    WayBack(&'r str),
}

impl<'r> Repair<'r> {
    /// The migration that it is about.
    pub fn id(&self) -> &'r str {
        match self {
            Repair::MarkApplied(id)
            | Repair::MarkNotApplied(id)
            | Repair::Resume { id, .. }
            | Repair::Checksum(id)
            | Repair::WayBack(id) => id,
        }
    }

    /// As it stands in the record.
    pub fn name(&self) -> &'static str {
        match self {
            Repair::MarkApplied(_) => "mark-applied",
            Repair::MarkNotApplied(_) => "mark-not-applied",
            Repair::Resume { .. } => "resume",
            Repair::Checksum(_) => "checksum",
            Repair::WayBack(_) => "way-back",
        }
    }
}

/// What a repair is about, and what the history and the program know about that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'c> {
    repair: Repair<'c>,
    row: Option<&'c Row>,
    migration: Option<&'c Migration>,
}

impl<'c> Case<'c> {
    /// # Errors
    /// When neither knows such a migration, or they know different ones by that version.
    pub(crate) fn of(repair: Repair<'c>, set: &'c Set, rows: &'c [Row]) -> Result<Case<'c>, Error> {
        let id = repair.id();
        let row = rows.iter().find(|row| row.id == id);
        let migration = set.get(id);
        if row.is_none() && migration.is_none() {
            let known = set.migrations.iter().map(|one| one.id.as_str());
            let known = known.chain(rows.iter().map(|row| row.id.as_str()));
            let help = match did_you_mean(id, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name the file without `.sql`".to_owned(),
            };
            return Err(usage(format!("there is no migration `{id}`"), &help));
        }
        let version = migration.map(|migration| migration.version);
        let other = rows
            .iter()
            .find(|row| Some(row.version) == version && row.id != id);
        if let Some(other) = other {
            return Err(usage(
                format!(
                    "the history has version {} as `{}`, not as `{id}`",
                    other.version, other.id
                ),
                &format!("repair `{}`, or give the file another version", other.id),
            ));
        }
        Ok(Case {
            repair,
            row,
            migration,
        })
    }

    /// Whether the way back that the database holds has to be read to decide.
    pub(crate) fn needs_stored(&self) -> Option<&'c Row> {
        let is_resume = matches!(self.repair, Repair::Resume { .. });
        self.row
            .filter(|row| is_resume && row.state == State::Reverting)
    }

    /// The program's migration.
    fn known(&self) -> Result<&'c Migration, Error> {
        self.migration.ok_or_else(|| {
            usage(
                format!("this program does not know `{}`", self.repair.id()),
                "repair it with the program that does: what is written comes from its file",
            )
        })
    }

    /// The history's row.
    fn recorded(&self) -> Result<&'c Row, Error> {
        self.row.ok_or_else(|| {
            usage(
                format!("the history has no row of `{}`", self.repair.id()),
                "there is nothing to put right: it is pending",
            )
        })
    }

    /// What the row is to be, `None` where there is to be none.
    ///
    /// # Errors
    /// When the repair makes no sense.
    pub(crate) fn decide(&self, stored: Option<&Script>) -> Result<Decision<'c>, Error> {
        match self.repair {
            Repair::MarkApplied(_) => self.mark_applied(),
            Repair::MarkNotApplied(_) => Ok(Decision::Forget(self.recorded()?)),
            Repair::Resume { done, .. } => self.resume(done, stored),
            Repair::Checksum(_) => self.checksum(),
            Repair::WayBack(_) => self.way_back(),
        }
    }

    fn mark_applied(&self) -> Result<Decision<'c>, Error> {
        let Some(row) = self.row else {
            return Ok(Decision::Insert(self.known()?));
        };
        let id = &row.id;
        match (row.state, self.migration) {
            (State::Applied, Some(migration)) if migration.checksum != row.checksum => Err(usage(
                format!("`{id}` is applied already, with another text"),
                &format!("to accept the text of this program: Repair::Checksum(\"{id}\")"),
            )),
            (State::Applied, _) => Err(usage(
                format!("`{id}` is applied already"),
                "there is nothing to put right",
            )),
            (State::Reverting, _) | (_, None) => Ok(Decision::Finish(row)),
            (State::Applying | State::Failed, Some(migration)) => Ok(Decision::Insert(migration)),
        }
    }

    fn resume(&self, done: usize, stored: Option<&Script>) -> Result<Decision<'c>, Error> {
        let row = self.recorded()?;
        let id = &row.id;
        let (script, role) = match (row.state, stored) {
            (State::Applied, _) => {
                return Err(usage(
                    format!("`{id}` is applied, so there is nothing to go on with"),
                    &format!("if nothing of it is in effect: Repair::MarkNotApplied(\"{id}\")"),
                ));
            }
            (State::Reverting, Some(stored)) => (stored, Role::Down),
            (State::Reverting, None) => unreachable!("`needs_stored` asked for it"),
            (State::Applying | State::Failed, _) => (&self.known()?.up, Role::Up),
        };
        let all = script.statements.len();
        if done > all {
            let which = match role {
                Role::Down => "its way back",
                Role::Up | Role::CheckBefore | Role::CheckAfter => "it",
            };
            return Err(usage(
                format!("`{id}`: {done} statements of {which} cannot be in effect, it has {all}"),
                &format!("count the statements that are in effect, from 0 to {all}"),
            ));
        }
        Ok(Decision::Mark {
            row,
            migration: self.migration.filter(|_| row.state != State::Reverting),
            done,
            role,
        })
    }

    fn checksum(&self) -> Result<Decision<'c>, Error> {
        let (row, migration) = (self.recorded()?, self.known()?);
        let id = &row.id;
        if row.state != State::Applied {
            return Err(usage(
                format!("`{id}` is not applied, it is {}", row.state),
                "a run that goes on takes the text of the file by itself",
            ));
        }
        if row.checksum == migration.checksum {
            return Err(usage(
                format!("`{id}` has the checksum already that the program holds"),
                "there is nothing to put right",
            ));
        }
        Ok(Decision::Bless(row, migration))
    }

    fn way_back(&self) -> Result<Decision<'c>, Error> {
        let (row, migration) = (self.recorded()?, self.known()?);
        let id = &row.id;
        if migration.down.is_none() {
            return Err(usage(
                format!("the file of `{id}` has no DOWN"),
                "write one, build the program again, and store it then",
            ));
        }
        if row.state == State::Applied && row.checksum != migration.checksum {
            return Err(usage(
                format!("`{id}` was applied with another text than the program holds"),
                &format!(
                    "its DOWN takes back that other text. If both are the same in effect, say so \
                     first: Repair::Checksum(\"{id}\")"
                ),
            ));
        }
        if row.state == State::Reverting && row.statements_done > 0 {
            return Err(usage(
                format!(
                    "`{id}` is half taken back: {} statements of its stored way back have run",
                    row.statements_done
                ),
                &format!(
                    "bring the database to where none of them has by hand and say so: \
                     Repair::Resume {{ id: \"{id}\", done: 0 }}; then store the new way back"
                ),
            ));
        }
        Ok(Decision::Store(row, migration))
    }
}

/// What a repair makes of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decision<'c> {
    /// A row that says that it is applied, in the place of one that says otherwise.
    Insert(&'c Migration),
    /// The row says that it is applied.
    Finish(&'c Row),
    /// There is no row.
    Forget(&'c Row),
    /// The row says how many statements are in effect.
    Mark {
        row: &'c Row,
        migration: Option<&'c Migration>,
        done: usize,
        role: Role,
    },
    /// The row has the checksum of the file.
    Bless(&'c Row, &'c Migration),
    /// The row has the way back of the file.
    Store(&'c Row, &'c Migration),
}

/// What is written, and what is recorded of it.
pub(crate) struct Writing {
    pub(crate) statements: Vec<String>,
    pub(crate) repaired: Repaired,
}

/// The statements of a decision, for one transaction.
pub(crate) fn write<D: Driver>(
    decision: Decision<'_>,
    repair: Repair<'_>,
    desk: &Desk<'_>,
    stored: Option<&Script>,
) -> Writing {
    let Desk { names, rows, .. } = *desk;
    let newest = rows.iter().map(|row| row.seq).max().unwrap_or(0);
    let digest = history::digest(rows);
    let without = |row: &Row| match row.state {
        State::Applied => digest.without(&row.id, &row.checksum),
        State::Applying | State::Failed | State::Reverting => digest,
    };
    let old = match decision {
        Decision::Insert(migration) => rows.iter().find(|row| row.version == migration.version),
        Decision::Finish(row)
        | Decision::Forget(row)
        | Decision::Mark { row, .. }
        | Decision::Bless(row, _)
        | Decision::Store(row, _) => Some(row),
    };
    let mut statements = Vec::new();
    // The newest row that is there afterwards, and what is applied then.
    let (newest, digest, made) = match decision {
        Decision::Insert(migration) => {
            let digest = digest.with(&migration.id, &migration.checksum);
            statements.extend(insert::<D>(migration, desk, newest + 1, digest));
            let made = said(State::Applied, &migration.checksum);
            (newest + 1, digest, made)
        }
        Decision::Finish(row) => {
            let mark = Mark {
                done: row.statements as usize,
                ..Mark::default()
            };
            let change = Change::default()
                .state::<D>(State::Applied)
                .mark::<D>(&mark)
                .no_error();
            statements.push(change.of_version::<D>(names, row.version));
            let digest = digest.with(&row.id, &row.checksum);
            (newest, digest, said(State::Applied, &row.checksum))
        }
        Decision::Forget(row) => {
            statements.push(history::delete::<D>(names, row.version));
            let stay = rows.iter().filter(|other| other.version != row.version);
            let newest = stay.map(|other| other.seq).max().unwrap_or(0);
            (newest, without(row), "pending".to_owned())
        }
        Decision::Mark {
            row,
            migration,
            done,
            role,
        } => {
            let script = stored.or(migration.map(|migration| &migration.up));
            let prefixes = script.map(|script| resume::prefixes(script, role, desk.dialect));
            let mark = Mark {
                done,
                checksum: prefixes.and_then(|prefixes| prefixes.get(done).copied()),
                ..Mark::default()
            };
            let state = half_way(row);
            statements.push(mark_row::<D>(row, migration, &mark, names));
            let all = script.map_or(row.statements as usize, |script| script.statements.len());
            let made = format!("{state}, {done} of {all} statements");
            (newest, digest, made)
        }
        Decision::Bless(row, migration) => {
            let change = Change::default().checksum::<D>(migration.checksum);
            statements.push(change.of_version::<D>(names, row.version));
            let digest = without(row).with(&migration.id, &migration.checksum);
            (newest, digest, said(State::Applied, &migration.checksum))
        }
        Decision::Store(row, migration) => {
            let change = Change::default().way_back::<D>(migration);
            statements.push(change.of_version::<D>(names, row.version));
            (newest, digest, way_back_of(migration.down_checksum))
        }
    };
    let change = Change::default().digest::<D>(digest);
    statements.push(change.of_seq::<D>(names, newest));
    let version = match (decision, old) {
        (Decision::Insert(migration), _) => migration.version,
        (_, Some(row)) => row.version,
        (_, None) => 0,
    };
    let repaired = Repaired {
        version,
        id: repair.id().to_owned(),
        action: repair.name().to_owned(),
        reason: desk.reason.to_owned(),
        found: found(decision, old),
        made,
        repaired_by: desk.who.to_owned(),
        repaired_at: String::new(),
    };
    statements.push(history::record::insert_repair::<D>(names, &repaired));
    Writing {
        statements,
        repaired,
    }
}

/// A row that says that a migration is applied.
fn insert<D: Driver>(
    migration: &Migration,
    desk: &Desk<'_>,
    seq: u64,
    digest: Digest,
) -> [String; 2] {
    let entry = Entry {
        seq,
        state: State::Applied,
        mark: Mark {
            done: migration.up.statements.len(),
            ..Mark::default()
        },
        execution_ms: "NULL".to_owned(),
        applied_by: desk.who,
        error: None,
        run: desk.run,
        digest,
    };
    history::insert::<D>(desk.names, migration, &entry)
}

/// Which state says that some statements are in effect, on the way that the row was going.
fn half_way(row: &Row) -> State {
    match row.state {
        State::Reverting => State::Reverting,
        State::Applied | State::Applying | State::Failed => State::Failed,
    }
}

fn mark_row<D: Driver>(
    row: &Row,
    migration: Option<&Migration>,
    mark: &Mark,
    names: &Names,
) -> String {
    let mut change = Change::default()
        .state::<D>(half_way(row))
        .mark::<D>(mark)
        .layout();
    if let Some(migration) = migration {
        change = change
            .checksum::<D>(migration.checksum)
            .statements(migration.up.statements.len());
    }
    change.of_version::<D>(names, row.version)
}

/// What the history says before the repair.
fn found(decision: Decision<'_>, old: Option<&Row>) -> String {
    match (decision, old) {
        (_, None) => "pending".to_owned(),
        (Decision::Store(..), Some(row)) => way_back_of(row.down_checksum),
        (_, Some(row)) if row.state == State::Applied => said(row.state, &row.checksum),
        (_, Some(row)) => format!(
            "{}, {} of {} statements",
            row.state, row.statements_done, row.statements
        ),
    }
}

/// Who repairs what, and why.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'d> {
    pub(crate) names: &'d Names,
    pub(crate) rows: &'d [Row],
    pub(crate) dialect: backstitch_core::Dialect,
    pub(crate) who: &'d str,
    pub(crate) run: &'d str,
    pub(crate) reason: &'d str,
}

fn said(state: State, checksum: &impl std::fmt::Display) -> String {
    format!("{state} with {checksum}")
}

fn way_back_of(checksum: Option<impl std::fmt::Display>) -> String {
    match checksum {
        Some(checksum) => format!("a way back with {checksum}"),
        None => "no way back".to_owned(),
    }
}

/// What a repair without a reason is told.
pub(crate) fn no_reason() -> Error {
    let diagnostic = Diagnostic::error("repair-without-reason", "a repair needs a reason")
        .why(
            "It makes the history say what nobody ran. Whoever reads it later has to know why, so \
             the reason is recorded with it.",
        )
        .help("say it first:\n.reason(\"restored from the backup of Monday\").repair(…)");
    Error::new(crate::error::ErrorKind::Usage, diagnostic)
}

impl Change {
    /// The way back of a migration, as it is stored.
    fn way_back<D: Driver>(self, migration: &Migration) -> Change {
        let down = migration::stored_down(migration);
        self.down::<D>(
            down.as_deref(),
            migration.down_checksum,
            migration.rollback_safe,
        )
    }
}
