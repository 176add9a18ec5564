//! `backstitch backup`: copies of a whole database, and the way back to them.
//!
//! A backup is a file and a line about it (`store`). How a database is copied is a matter of its
//! engine (`archive`).

use backstitch_core::Diagnostic;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::ask::Asked;
use crate::config::{self, Config};
use crate::exit::Exit;
use crate::failure::{Failure, settle};
use crate::online::{Online, Work, on_folder, on_program};
use crate::paint::{Cell, Dress, Table, counted};
use crate::product::Product;
use crate::progress::Progress;
use crate::project::Project;
use crate::screen::Screen;
use crate::target::{LOCK_WAIT, Target, Turn};
use crate::when;

pub mod archive;
mod dump;
mod mysql;
pub(crate) mod policy;
mod postgres;
mod sqlite;
mod store;

pub(crate) use mysql::DROPS;
pub(crate) use postgres::EMPTY;
pub(crate) use store::{Backup, Store};

/// The arguments of `backup`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Backups {
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What is to be done with backups.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Action {
    /// Copy the whole database into a file, and look whether the file is good
    Create(Create),
    /// Show the backups that are there
    List(List),
    /// Put a backup in the place of what the database holds; what it holds is copied first
    Restore(Restore),
    /// Delete old backups
    Prune(Prune),
}

/// The arguments of `backup create`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    #[command(flatten)]
    target: Target,
    /// Why, for those who read the list
    #[arg(short, long, value_name = "WHY")]
    reason: Option<String>,
}

/// The arguments of `backup list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
    /// For programs: see JSON.md of this crate
    #[arg(long)]
    json: bool,
}

/// The arguments of `backup restore`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    #[command(flatten)]
    target: Target,
    /// The name of the backup, or `latest`
    name: String,
    #[command(flatten)]
    turn: Turn,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// The arguments of `backup prune`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Prune {
    #[command(flatten)]
    target: Target,
    /// Delete what is older than so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    keep_days: i64,
    /// Keep so many of the newest of each database, however old they are
    #[arg(long, value_name = "N", default_value_t = 3)]
    keep: usize,
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  backstitch backup create --reason \"before release 2.4\"
  backstitch backup list
  backstitch backup restore latest         what is there now is copied first
  backstitch backup restore shop-20260105T100000Z --yes
  backstitch backup prune --keep-days 30 --keep 5
  backstitch rollback --force --backup     one before a rollback; its name is kept in the history

Backups are files in `backups` beside backstitch.toml, or where `backups = \"…\"` in there says.
SQLite is copied by its backup interface, PostgreSQL by pg_dump (restored by pg_restore and psql, in
one transaction), MySQL and MariaDB by mariadb-dump or mysqldump (restored by mariadb or mysql).
Nobody migrates during a restore: it waits for whoever does, and `up` waits for it.

Exit codes:
  0 done   1 failed or refused   2 wrong call";

impl Backups {
    /// With the migrations of a folder.
    pub(crate) fn run(&self, screen: &mut Screen) -> Exit {
        match &self.action {
            Action::Create(create) => on_folder(create, screen),
            Action::Restore(restore) => on_folder(restore, screen),
            Action::List(list) => settle(list.run(config::find, screen), screen),
            Action::Prune(prune) => settle(prune.run(config::find, screen), screen),
        }
    }

    /// With the migrations of a program.
    pub(crate) fn run_with<DB: Product>(
        &self,
        migrations: &backstitch::Migrations<DB>,
        screen: &mut Screen,
    ) -> Exit {
        match &self.action {
            Action::Create(create) => on_program(create, migrations, screen),
            Action::Restore(restore) => on_program(restore, migrations, screen),
            Action::List(list) => settle(list.run(config::around, screen), screen),
            Action::Prune(prune) => settle(prune.run(config::around, screen), screen),
        }
    }
}

impl Online for Create {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let made = create::<DB>(work.config, self.reason.clone()).await?;
        work.screen.print(&format!("{}\n", written(&made)));
        Ok(Exit::Done)
    }
}

/// Makes a backup, off this thread.
///
/// # Errors
/// When a tool is missing, the copy fails, or what was written is not good.
pub(crate) async fn create<DB: Product>(
    config: &Config,
    reason: Option<String>,
) -> Result<Backup, Failure> {
    let store = Store::of(config);
    let url = config.url.clone();
    let made = tokio::task::spawn_blocking(move || dump::create::<DB>(&store, &url, reason));
    let made = made.await.expect("the copying does not panic");
    made.map_err(|diagnostic| Failure::failed(*diagnostic))
}

impl Online for Restore {
    fn target(&self) -> &Target {
        &self.target
    }

    async fn run<DB: Product>(&self, work: &mut Work<'_, DB>) -> Result<Exit, Failure> {
        let store = Store::of(work.config);
        let chosen = store.find(&self.name, &dump::database::<DB>(&work.config.url))?;
        let engine = DB::DRIVER;
        if chosen.engine != engine {
            return Err(Failure::usage(of_another_engine(&chosen, engine)));
        }
        // Whatever is missing is told before anything happens.
        DB::ready_to_dump().map_err(|missing| Failure::failed(*missing))?;
        DB::ready_to_restore().map_err(|missing| Failure::failed(*missing))?;
        store.check(&chosen)?;
        let place = work.place()?;
        let host = place.host.map(|host| format!(" on {host}"));
        let what = format!(
            "Replace everything in {}{} by the backup of {}",
            place.database,
            host.unwrap_or_default(),
            when::written(&chosen.created_at)
        );
        work.confirm(Asked::Always, &what, self.yes)?;
        let name = chosen.name.clone();
        let (migrator, config) = (work.migrator(), work.config);
        let patience = self.turn.lock_wait.unwrap_or(LOCK_WAIT);
        let screen = &mut *work.screen;
        let news = Progress::words(screen);
        let replacing = async {
            let reason = format!("before {} was restored", chosen.name);
            let safety = keep::<DB>(config, reason, screen).await?;
            let url = config.url.clone();
            let restoring = move || dump::restore::<DB>(&store, &url, &chosen, patience);
            let restored = tokio::task::spawn_blocking(restoring).await;
            restored
                .expect("the copying does not panic")
                .map_err(|diagnostic| Failure::failed(put_back(*diagnostic, &safety)))
        };
        self.turn.alone(migrator, config, &news, replacing).await?;
        work.screen.print(&format!("restored {name}\n"));
        Ok(Exit::Done)
    }
}

/// Copies what is there before it goes, and says how the copy is called.
///
/// # Errors
/// When there is no copy; then nothing may go.
pub(crate) async fn keep<DB: Product>(
    config: &Config,
    reason: String,
    screen: &mut Screen,
) -> Result<Backup, Failure> {
    let safety = create::<DB>(config, Some(reason)).await?;
    screen.say(&format!("what is there now is kept: {}\n", safety.name));
    Ok(safety)
}

/// Tells, too, how to get back what was there.
pub(crate) fn put_back(diagnostic: Diagnostic, safety: &Backup) -> Diagnostic {
    let back = format!(
        "Put back what was there:\nbackstitch backup restore {}",
        safety.name
    );
    let help = match diagnostic.help.is_empty() {
        true => back,
        false => format!("{}\n{back}", diagnostic.help),
    };
    diagnostic.help(help)
}

/// How the project is found.
type Find = fn(&Target) -> Result<Project, Failure>;

impl List {
    fn run(&self, find: Find, screen: &mut Screen) -> Result<Exit, Failure> {
        let store = Store::of_project(&find(&self.target)?);
        let backups = store.list()?;
        if self.json {
            screen.print(&format!("{:#}\n", json!({ "backups": backups })));
            return Ok(Exit::Done);
        }
        if backups.is_empty() {
            screen.print(&format!("no backups in {}\n", store.shown()));
            return Ok(Exit::Done);
        }
        let mut table = Table::indented(0);
        for backup in &backups {
            let ago = when::ago(&backup.created_at, Timestamp::now());
            table.row([
                backup.name.as_str().into(),
                Cell::new(ago.unwrap_or_default(), Dress::Dim),
                size(backup.bytes).into(),
                backup.reason.as_deref().unwrap_or_default().into(),
            ]);
        }
        screen.print(&table.render(screen.style(), screen.width()));
        Ok(Exit::Done)
    }
}

impl Prune {
    fn run(&self, find: Find, screen: &mut Screen) -> Result<Exit, Failure> {
        let gone = self.prune(find)?;
        let verb = match self.dry_run {
            true => "would be deleted",
            false => "deleted",
        };
        for backup in &gone {
            screen.print(&format!("{verb}: {}\n", backup.name));
        }
        screen.print(&format!("{} {verb}\n", counted(gone.len(), "backup")));
        Ok(Exit::Done)
    }

    fn prune(&self, find: Find) -> Result<Vec<Backup>, Failure> {
        let store = Store::of_project(&find(&self.target)?);
        let all = store.list()?;
        let gone = store::outdated(&all, self.keep_days, self.keep, Timestamp::now());
        if !self.dry_run {
            for backup in &gone {
                store.delete(backup)?;
            }
        }
        Ok(gone)
    }
}

/// `wrote backups/shop-….gz, 12 kB`
pub(crate) fn written(backup: &Backup) -> String {
    format!("backed up as {}, {}", backup.name, size(backup.bytes))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes} B"),
        1_000..=999_999 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn of_another_engine(backup: &Backup, engine: &str) -> Diagnostic {
    let message = format!(
        "`{}` is a backup of {}, and this is {engine}",
        backup.name, backup.engine
    );
    Diagnostic::error("backup-differs", message)
        .help("See which are there:\nbackstitch backup list")
}
