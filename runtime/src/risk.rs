//! What is lost when migrations are taken back: from the statements that would run, and from the
//! data that is there now.
//!
//! The statements are those that the database holds, which may be of a newer program, so they are
//! read by their words alone (`scan`). What that does not understand counts as a risk. What they
//! drop is looked up: an empty table is no loss, a single row is.

mod scan;

use std::fmt;
use std::time::Duration;

use backstitch_core::Diagnostic;
use futures_util::future::BoxFuture;
use serde::Serialize;

use self::scan::Loss;
use crate::connect::Connect;
use crate::engine::{Engine, Limits, Scope};
use crate::error::{Error, ErrorKind};
use crate::history::{Row, State};
use crate::message::{Answer, Message, Piece};
use crate::migrator::Migrator;
use crate::plan::{self, Down, Force, Plan, Policy};
use crate::rollback;
use crate::session::Session;
use crate::words::Name;

/// How much a rollback may lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing: what is dropped holds no data now.
    #[default]
    Low,
    /// Something, or nobody can tell.
    Medium,
    /// Data that is there now.
    High,
}

/// What taking migrations back may lose. See [`Migrator::risk`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Risk {
    /// One for each migration, in the order in which they are taken back.
    pub steps: Vec<StepRisk>,
}

/// What taking one migration back may lose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepRisk {
    /// The id of the migration.
    pub id: String,
    /// Why it is as risky as it is; empty where the DOWN drops nothing.
    pub reasons: Vec<Reason>,
}

/// One reason for a [`Level`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reason {
    /// How much it weighs.
    pub level: Level,
    /// What is lost, in words.
    pub what: String,
    /// The table it is about, as the statement names it.
    pub table: Option<String>,
    /// The column, where only that is lost.
    pub column: Option<String>,
    /// How many rows hold it now; `None` where that was not counted.
    pub rows: Option<Count>,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// More than this; counting stopped there.
    MoreThan(u64),
    /// By the server's statistics.
    About(u64),
}

impl Risk {
    /// That of the riskiest migration.
    pub fn level(&self) -> Level {
        self.steps
            .iter()
            .map(StepRisk::level)
            .max()
            .unwrap_or_default()
    }
}

impl StepRisk {
    /// That of the weightiest reason.
    pub fn level(&self) -> Level {
        self.reasons
            .iter()
            .map(|reason| reason.level)
            .max()
            .unwrap_or_default()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
        })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Count::Exactly(1) => f.write_str("1 row"),
            Count::Exactly(n) => write!(f, "{n} rows"),
            Count::MoreThan(n) => write!(f, "more than {n} rows"),
            Count::About(n) => write!(f, "about {n} rows"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "risk: {}", self.level())?;
        for step in &self.steps {
            write!(f, "\n  {}: {}", step.id, step.level())?;
            for reason in &step.reasons {
                write!(f, "\n    {reason}")?;
            }
        }
        Ok(())
    }
}

impl<DB: Engine> Migrator<'_, DB> {
    /// What [`down`](Migrator::down) would lose now. Writes nothing and takes no lock. It counts
    /// rows, a few thousand at most for each table, for no longer than a second each.
    ///
    /// # Errors
    /// As for [`down`](Migrator::down), but for what needs force.
    pub fn risk<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        down: Down,
    ) -> BoxFuture<'a, Result<Risk, Error>> {
        Box::pin(async move {
            let mut held = self.open(database).await?.into_own().await;
            let result = async {
                let mut session = self.look_around(&mut held).await?;
                let plan = self.plan_forced(&session, &down)?;
                let risk = self.assess(&mut session, &plan).await;
                let reset = DB::reset(&session.facts);
                session.run_quietly(&reset).await;
                risk
            }
            .await;
            held.close().await;
            result
        })
    }

    /// The plan as it would be with force: what is impossible, is so with it too.
    pub(crate) fn plan_forced(
        &self,
        session: &Session<'_, DB>,
        down: &Down,
    ) -> Result<Plan, Error> {
        let policy = Policy {
            force: Force::Yes,
            ..Policy::default()
        };
        plan::down(self.set(), &session.rows, down, policy)
    }

    /// What executing the plan would lose.
    pub(crate) async fn assess(
        &self,
        session: &mut Session<'_, DB>,
        plan: &Plan,
    ) -> Result<Risk, Error> {
        let limits = Limits {
            lock: Some(PATIENCE),
            statement: Some(PATIENCE),
        };
        let limit = DB::limit(&session.facts, Scope::Session, limits);
        session
            .run(limit, "cannot limit what looking takes")
            .await?;
        let mut risk = Risk::default();
        for step in &plan.steps {
            let row = session.rows.iter().find(|row| row.version == step.version);
            let row = row.cloned().expect("a plan is made from the history");
            let step = self.assess_one(session, &row).await?;
            risk.steps.push(step);
        }
        let ours = session.reset();
        session.run(ours, "cannot reset the session").await?;
        Ok(risk)
    }

    async fn assess_one(
        &self,
        session: &mut Session<'_, DB>,
        row: &Row,
    ) -> Result<StepRisk, Error> {
        let dialect = self.set().dialect;
        let stored = rollback::stored::<DB>(session, row).await?;
        let text = stored.script.source.text();
        let statements = stored.script.statements.iter().map(|one| one.span.of(text));
        let mut reasons = Vec::new();
        if !row.rollback_safe {
            reasons.push(Reason::plain(
                Level::Medium,
                "its file says `@rollbackSafe: false`".to_owned(),
            ));
        }
        // Of one that is under way part of what it drops is gone, and nobody asks twice.
        let is_under_way = row.state == State::Reverting;
        let losses = match is_under_way {
            true => Vec::new(),
            false => scan::losses(statements, dialect),
        };
        for loss in losses {
            if let Loss::Rebuilt(table, Some(kept)) = &loss
                && let Some(columns) = columns::<DB>(session, table).await?
            {
                for column in columns
                    .into_iter()
                    .filter(|one| !kept.contains(&one.to_lowercase()))
                {
                    let sql = DB::quote_name(&column);
                    let loss = Loss::Column(table.clone(), Name { sql });
                    reasons.push(weigh::<DB>(session, loss, row).await?);
                }
                continue;
            }
            reasons.push(weigh::<DB>(session, loss, row).await?);
        }
        Ok(StepRisk {
            id: row.id.clone(),
            reasons,
        })
    }
}

/// How long looking up one thing may take.
const PATIENCE: Duration = Duration::from_secs(1);

impl Reason {
    fn plain(level: Level, what: String) -> Reason {
        Reason {
            level,
            what,
            table: None,
            column: None,
            rows: None,
        }
    }
}

/// How much a loss weighs, by the data that is there now.
async fn weigh<DB: Engine>(
    session: &mut Session<'_, DB>,
    loss: Loss,
    row: &Row,
) -> Result<Reason, Error> {
    // Which rows a condition means only the author knows, who says in the file whether they are
    // those that the UP has brought.
    let said = match row.rollback_safe {
        true => Level::Low,
        false => Level::Medium,
    };
    let (verb, weight, table, column) = match loss {
        Loss::Table(table) => ("drops table", Level::High, table, None),
        Loss::Column(table, column) => ("drops column", Level::High, table, Some(column)),
        Loss::AllRows(table) => ("deletes the rows of", Level::High, table, None),
        Loss::Rebuilt(table, _) => ("keeps only what it copies of", Level::Medium, table, None),
        Loss::Rows(table) => ("deletes some rows of", said, table, None),
        Loss::Values(table) => ("changes rows of", said, table, None),
        Loss::Retyped(table) => ("changes the type of a column of", said, table, None),
        Loss::Dependents(what) => {
            let what = format!("drops {what} and whatever depends on it");
            return Ok(Reason::plain(Level::Medium, what));
        }
        Loss::Unclear(statement) => {
            let what = format!("does something that cannot be judged: `{statement}`");
            return Ok(Reason::plain(Level::Medium, what));
        }
    };
    let rows = count::<DB>(session, &table, column.as_ref()).await?;
    let level = match rows {
        Some(Count::Exactly(0)) => Level::Low,
        Some(_) => weight,
        None => weight.min(Level::Medium),
    };
    let object = match &column {
        Some(column) => format!("{}.{}", table.shown(), column.shown()),
        None => table.shown(),
    };
    let now = match (rows, column.is_some()) {
        (Some(Count::Exactly(0)), false) => "which is empty".to_owned(),
        (Some(Count::Exactly(0)), true) => "which holds no value".to_owned(),
        (Some(count), false) => format!("which has {count}"),
        (Some(count), true) => format!("which has values in {count}"),
        (None, _) => "whose rows could not be counted".to_owned(),
    };
    Ok(Reason {
        level,
        what: format!("{verb} {object}, {now}"),
        table: Some(table.shown()),
        column: column.map(|column| column.shown()),
        rows,
    })
}

/// How many rows a table has, or how many of them have a value in the column.
async fn count<DB: Engine>(
    session: &mut Session<'_, DB>,
    table: &Name,
    column: Option<&Name>,
) -> Result<Option<Count>, Error> {
    const BOUND: u64 = 10_000;
    // As it is written in the statement: only the engine knows what the case of a name means.
    let filter = column.map_or(String::new(), |column| {
        format!(" WHERE {} IS NOT NULL", column.sql)
    });
    let bounded = format!(
        "SELECT COUNT(*) FROM (SELECT 1 AS one FROM {}{filter} LIMIT {}) bounded",
        table.sql,
        BOUND + 1
    );
    let answer = number::<DB>(session, bounded).await?;
    let more = match answer {
        Some(rows) if rows <= BOUND => return Ok(Some(Count::Exactly(rows))),
        more => more,
    };
    if column.is_none()
        && let Some(estimate) = DB::estimate(&table.sql)
        && let Some(rows) = number::<DB>(session, estimate)
            .await?
            .filter(|rows| *rows > BOUND)
    {
        return Ok(Some(Count::About(rows)));
    }
    Ok(more.map(|_| Count::MoreThan(BOUND)))
}

/// The columns of a table, where it has rows and can be read.
async fn columns<DB: Engine>(
    session: &mut Session<'_, DB>,
    table: &Name,
) -> Result<Option<Vec<String>>, Error> {
    let sql = format!("SELECT * FROM {} LIMIT 1", table.sql);
    Ok(look::<DB>(session, sql).await?.map(|answer| answer.columns))
}

async fn number<DB: Engine>(
    session: &mut Session<'_, DB>,
    sql: String,
) -> Result<Option<u64>, Error> {
    let answer = look::<DB>(session, sql).await?.unwrap_or_default();
    let value = answer.rows.into_iter().flatten().flatten().next();
    Ok(value.and_then(|value| value.parse().ok()))
}

/// What the database answers. `None`: it does not like the question.
async fn look<DB: Engine>(
    session: &mut Session<'_, DB>,
    sql: String,
) -> Result<Option<Answer>, Error> {
    let message = Message::of([Piece::query(sql)]);
    match DB::send(session.connection, &message).await {
        Ok(answers) => Ok(answers.into_iter().next()),
        Err(refused) if refused.error.as_database_error().is_some() => {
            tracing::debug!(error = %refused.error, "rows could not be counted");
            Ok(None)
        }
        Err(refused) => {
            let error = refused.error;
            Err(Error::database::<DB>(
                "cannot look at what would be lost",
                error,
            ))
        }
    }
}

/// What is too risky without force.
///
/// # Errors
/// When anything is above low: all of it.
pub(crate) fn allow(risk: &Risk) -> Result<(), Error> {
    let above = risk.steps.iter().filter(|step| step.level() > Level::Low);
    let refused: Vec<Diagnostic> = above.map(needs_force).collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Error::of(ErrorKind::Rollback, refused)),
    }
}

fn needs_force(step: &StepRisk) -> Diagnostic {
    let loses = match step.level() {
        Level::High => "loses data",
        Level::Medium | Level::Low => "may lose data",
    };
    let mut reasons = step
        .reasons
        .iter()
        .filter(|reason| reason.level > Level::Low);
    let why = reasons.by_ref().map(|reason| {
        let mut what = reason.what.clone();
        if let Some(first) = what.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        format!("{what}.")
    });
    let mut diagnostic = Diagnostic::error(
        "rollback-needs-force",
        format!("taking back `{}` {loses}", step.id),
    )
    .why(why.collect::<Vec<_>>().join("\n"))
    .help("make a backup, then ask for it by `.force()` (`backstitch rollback --force`)");
    diagnostic.migration = Some(step.id.clone());
    diagnostic
}
