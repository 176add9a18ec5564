//! `backstitch status`: how a database stands, and what to do next.

use backstitch::{ErrorKind, State};
use backstitch_core::{Diagnostic, Migration, Set};
use clap::Args;
use serde::Serialize;
use sqlx::Connection;

use crate::exit::Exit;
use crate::failure::{Failure, in_our_words};
use crate::online::{Online, Work};
use crate::outlook::{self, Outlook};
use crate::product::Product;
use crate::target::Target;

mod dashboard;

pub(crate) use dashboard::{outlooks, rows};

/// The arguments of `status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Status {
    #[command(flatten)]
    target: Target,
    /// For programs: see JSON.md of this crate
    #[arg(long)]
    json: bool,
    /// Exit with 3 when something is pending, with 4 on drift, with 1 when a run failed
    #[arg(long)]
    check: bool,
    /// How many of the newest migrations to show
    #[arg(long, value_name = "N", default_value_t = 5)]
    recent: usize,
}

const EXAMPLES: &str = "\
Examples:
  backstitch status                                     the dashboard
  backstitch status --check && ./start-the-service      a probe: 0 only when nothing is pending
  backstitch status --json | jq '.pending[].id'         for programs
  DATABASE_URL=postgres://me@db/shop backstitch status  another database

Exit codes, with --check:
  0 healthy   1 failed, running or refused   3 pending   4 drift
Without --check it is 0 whenever the state could be told.";

/// How the database stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    /// Everything is applied.
    Healthy,
    /// Something is to be applied.
    Pending,
    /// A migration is being run, or whoever ran it is gone.
    Running,
    /// A run stopped in the middle of a migration.
    Failed,
    /// A run would be refused.
    Refused,
    /// What is applied is not what these migrations are.
    Drift,
}

impl Health {
    fn exit(self) -> Exit {
        match self {
            Health::Healthy => Exit::Done,
            Health::Pending => Exit::Pending,
            Health::Running | Health::Failed | Health::Refused => Exit::Failed,
            Health::Drift => Exit::Drift,
        }
    }
}

/// All that is shown. The fields are a contract: see `JSON.md`.
#[derive(Debug, Serialize)]
struct Dashboard {
    database: Database,
    environment: Option<String>,
    health: Health,
    reason: String,
    totals: Totals,
    last: Option<Applied>,
    pending: Vec<Outlook>,
    recent: Vec<Applied>,
    /// Why a run would be refused, in full.
    trouble: Option<String>,
    /// Who has the migration lock now.
    lock: Option<String>,
    /// Why nothing can be written there, as far as the server tells.
    read_only: Option<String>,
    next: Vec<Next>,
    #[serde(skip)]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Serialize)]
struct Database {
    name: String,
    host: Option<String>,
    user: Option<String>,
    engine: &'static str,
    server: Option<String>,
}

#[derive(Debug, Serialize)]
struct Totals {
    /// In the folder, or in the program.
    known: usize,
    applied: usize,
    pending: usize,
    /// Begun and not finished.
    unfinished: usize,
}

/// A row of the history.
#[derive(Debug, Serialize)]
pub(crate) struct Applied {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) applied_at: String,
    pub(crate) execution_ms: Option<u64>,
    pub(crate) applied_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A command to try.
#[derive(Debug, Serialize)]
struct Next {
    command: String,
    does: &'static str,
}

impl Online for Status {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let dashboard = self.look(work).await?;
        let text = match self.json {
            true => serde_json::to_string_pretty(&dashboard).expect("plain data") + "\n",
            false => dashboard::draw(&dashboard, work.screen.style(), work.screen.width()),
        };
        work.screen.print(&text);
        Ok(match self.check {
            true => dashboard.health.exit(),
            false => Exit::Done,
        })
    }
}

impl Status {
    async fn look<DB: Product>(&self, work: &Work<'_, DB>) -> Result<Dashboard, Failure> {
        let place = work.place()?;
        let migrator = work.migrator();
        let url = work.config.url.as_str();
        let status = migrator.status(url).await?;
        let refusal = match status.trouble {
            Some(_) => migrator.plan(url).await.err(),
            None => None,
        };
        let count = |is: fn(&State) -> bool| {
            let states = status.history.iter().map(|row| &row.state);
            states.filter(|state| is(state)).count()
        };
        let untouched =
            |row: &&backstitch::Row| row.state == State::Failed && row.statements_done == 0;
        let rows: Vec<Applied> = status.history.iter().map(applied).collect();
        let half = |row: &&backstitch::Row| row.state != State::Applied && !untouched(row);
        let (health, reason) = match &refusal {
            Some(error) => (health_of(error.kind(), &status.history), headline(error)),
            None if let Some(row) = status.history.iter().find(half) => (
                health_of(ErrorKind::Unfinished, &status.history),
                stopped(row),
            ),
            None if status.pending.is_empty() => {
                let known = work.migrations.set();
                (Health::Healthy, up_to_date(known, &status.history))
            }
            None => match status.history.iter().rev().find(untouched) {
                Some(row) => (Health::Pending, failed_before(row)),
                None => (Health::Pending, wait(status.pending.len())),
            },
        };
        let refusal_is_none = refusal.is_none();
        let diagnostics = refusal.iter().flat_map(backstitch::Error::diagnostics);
        // How the migrations stand is told in any case.
        let lock = migrator.holder(url).await.ok().flatten();
        let locked = lock.as_deref().map(lock_held::<DB>);
        let read_only = only_reads(work).await;
        let cannot_write = read_only.as_deref().map(server_only_reads);
        let recent = rows.into_iter().rev();
        let mut recent: Vec<Applied> = recent.collect();
        let last = recent
            .iter()
            .find(|row| row.state == State::Applied)
            .map(Applied::again);
        recent.truncate(self.recent);
        let known = work.migrations.set();
        // While a run would be refused, what is pending cannot be told; what is not in the history
        // is the next best.
        let pending = match refusal {
            Some(_) => unapplied(known, &status.history),
            None => status.pending,
        };
        Ok(Dashboard {
            database: Database {
                name: place.database,
                host: place.host,
                user: place.user,
                engine: work.config.dialect.name(),
                server: status.server.as_deref().map(DB::server),
            },
            environment: work.config.environment.clone(),
            health,
            reason,
            totals: Totals {
                known: known.migrations.len(),
                applied: count(|state| *state == State::Applied),
                pending: pending.len(),
                unfinished: count(|state| *state != State::Applied),
            },
            last,
            pending: outlook::of(known, &work.config.options, &pending),
            recent,
            trouble: status.trouble,
            next: match &lock {
                Some(_) => vec![at_work()],
                None => next(health, refusal_is_none)
                    .into_iter()
                    .filter(|next| read_only.is_none() || !next.command.ends_with(" up"))
                    .collect(),
            },
            lock,
            read_only,
            diagnostics: diagnostics
                .cloned()
                .map(in_our_words)
                .chain(locked)
                .chain(cannot_write)
                .chain(elsewhere(&status.elsewhere))
                .collect(),
        })
    }
}

/// What is not told keeps nobody from seeing the rest.
async fn only_reads<DB: Product>(work: &Work<'_, DB>) -> Option<String> {
    let query = DB::ONLY_READS?;
    let mut connection = work.connect().await.ok()?;
    let rows = DB::ask(&mut connection, query).await;
    // It has served.
    let _ = connection.close().await;
    rows.ok()?.into_iter().flatten().next().flatten()
}

fn server_only_reads(reason: &str) -> Diagnostic {
    let message = format!("nothing can be written there: {reason}");
    Diagnostic::warn("read-only", message)
        .why(
            "`up` and `rollback` would be refused. What is shown here may be older than elsewhere.",
        )
        .help("To migrate, give the URL of the primary.")
}

impl Applied {
    fn again(&self) -> Applied {
        Applied {
            id: self.id.clone(),
            name: self.name.clone(),
            state: self.state,
            applied_at: self.applied_at.clone(),
            execution_ms: self.execution_ms,
            applied_by: self.applied_by.clone(),
            error: self.error.clone(),
        }
    }
}

pub(crate) fn applied(row: &backstitch::Row) -> Applied {
    Applied {
        id: row.id.clone(),
        name: row.name.clone(),
        state: row.state,
        applied_at: row.applied_at.clone(),
        execution_ms: row.execution_ms,
        applied_by: row.applied_by.clone(),
        error: row.error.clone(),
    }
}

fn elsewhere(schemas: &[String]) -> Option<Diagnostic> {
    let first = schemas.first()?;
    let names: Vec<_> = schemas
        .iter()
        .map(|schema| format!("`{}`", schema.escape_debug()))
        .collect();
    let message = "there is no history here, but one in another schema of this database";
    Some(
        Diagnostic::warn("history-elsewhere", message)
            .why(format!(
                "It is in {}, where the search path does not lead. A tenant that has nothing yet looks \
                 like this; so does an address that lacks its schema.",
                names.join(" and in ")
            ))
            .help(format!(
                "to mean that one, let the address lead there: \
                 ?options=-csearch_path%3D{first}, or give the user a search path (ALTER ROLE … SET \
                 search_path = …)"
            )),
    )
}

fn lock_held<DB: Product>(holder: &str) -> Diagnostic {
    let message = "somebody has the migration lock: a run is under way, or hangs";
    let end = match DB::ending(holder) {
        Some(statement) => format!(
            "If that program is dead or hangs, end its connection, which frees the lock:\n{statement}\n\
             What it had begun is told here then."
        ),
        None => {
            "If that program is dead, the lock is free as soon as its lease has ended.".to_owned()
        }
    };
    Diagnostic::warn("lock-held", message)
        .why(format!("It is held by {holder}."))
        .help(format!("Look again in a while. {end}"))
}

fn unapplied(set: &backstitch_core::Set, history: &[backstitch::Row]) -> Vec<String> {
    let ids = set.migrations.iter().map(|migration| &migration.id);
    let missing = ids.filter(|id| !history.iter().any(|row| row.id == **id));
    missing.cloned().collect()
}

fn health_of(kind: ErrorKind, history: &[backstitch::Row]) -> Health {
    let is_under_way = |row: &backstitch::Row| {
        row.error.is_none() && [State::Applying, State::Reverting].contains(&row.state)
    };
    match kind {
        ErrorKind::Diverged | ErrorKind::History => Health::Drift,
        ErrorKind::Unfinished if history.iter().any(is_under_way) => Health::Running,
        ErrorKind::Unfinished => Health::Failed,
        _ => Health::Refused,
    }
}

fn headline(error: &backstitch::Error) -> String {
    let first = error.diagnostics().first();
    let message = first.map_or("", |first| first.message.as_str());
    let more = error.diagnostics().len().saturating_sub(1);
    match more {
        0 => message.to_owned(),
        more => format!("{message}, and {more} more"),
    }
}

fn up_to_date(known: &Set, history: &[backstitch::Row]) -> String {
    let is_unknown = |row: &&backstitch::Row| {
        let is_known = |one: &Migration| one.version == row.version;
        row.state == State::Applied && !known.migrations.iter().any(is_known)
    };
    match (history.is_empty(), history.iter().rev().find(is_unknown)) {
        (true, _) => "there are no migrations".to_owned(),
        (_, None) => "everything is applied".to_owned(),
        (_, Some(row)) => {
            let id = &row.id;
            format!("everything here is applied; the database also has `{id}`, which is not here")
        }
    }
}

fn wait(pending: usize) -> String {
    match pending {
        1 => "1 migration waits to be applied".to_owned(),
        _ => format!("{pending} migrations wait to be applied"),
    }
}

fn stopped(row: &backstitch::Row) -> String {
    let (id, done, all) = (&row.id, row.statements_done, row.statements);
    format!(
        "`{id}` stopped half-way, {done} of {all} statements have run; `up` goes on behind them"
    )
}

fn failed_before(row: &backstitch::Row) -> String {
    let error = row.error.as_deref().unwrap_or("it failed");
    format!(
        "the last run failed at {}, and left nothing of it behind: {error}",
        row.id
    )
}

fn next_of(command: &str, does: &'static str) -> Next {
    Next {
        command: format!("backstitch {command}"),
        does,
    }
}

/// While somebody else has the lock there is nothing else to do.
fn at_work() -> Next {
    next_of("status", "again in a while: somebody is at it")
}

fn next(health: Health, can_go_on: bool) -> Vec<Next> {
    let next = next_of;
    match health {
        Health::Healthy => Vec::new(),
        Health::Pending => vec![
            next("plan", "shows what would run"),
            next("up", "applies what is pending"),
        ],
        Health::Running => vec![
            next("status", "again in a while: somebody may be at it"),
            next("history", "shows who began, and when"),
        ],
        Health::Failed if can_go_on => vec![
            next("plan", "shows where it would go on"),
            next("up", "goes on where it stopped"),
        ],
        Health::Drift => vec![
            next(
                "verify",
                "compares the history and the database with the migrations",
            ),
            next("history", "shows what happened, and when"),
        ],
        Health::Failed => vec![
            next("history", "shows what happened, and when"),
            next("plan", "tells again once it is put right"),
        ],
        Health::Refused => vec![next("plan", "tells again once it is put right")],
    }
}
