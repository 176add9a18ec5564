//! Taking over what another tool has applied, without running anything.
//!
//! The other tool's table is read and matched to the migrations of this program, version by
//! version; where the tool kept a checksum, the text must be the one that it ran. What fits is
//! written into the history, all of it or nothing; the table itself stays as it is. What does not
//! fit is told and never guessed at.

mod judge;
mod text;
mod tool;
mod unadopted;

use std::fmt;

use backstitch_core::Diagnostic;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tracing::Instrument;

pub use self::tool::Tool;

use self::tool::Theirs;
use crate::connect::Connect;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::execute::{self, library};
use crate::history::{self, Entry, Fingerprint, Mark, State};
use crate::lock;
use crate::message::{Message, Piece};
use crate::migrator::Migrator;
use crate::session::{self, Session};

/// Which tool's history is taken over, and how. See [`Migrator::adopt`].
#[derive(Clone, Debug)]
#[must_use = "hand it to `adopt` or `plan_adopt`"]
pub struct Adopt {
    tool: Tool,
    schema: Option<String>,
    table: String,
    accepted: Vec<String>,
}

impl Adopt {
    /// From the table of this tool.
    pub fn new(tool: Tool) -> Adopt {
        Adopt {
            tool,
            schema: None,
            table: tool.table().to_owned(),
            accepted: Vec::new(),
        }
    }

    /// From `_sqlx_migrations`.
    pub fn sqlx() -> Adopt {
        Adopt::new(Tool::Sqlx)
    }

    /// From `refinery_schema_history`.
    pub fn refinery() -> Adopt {
        Adopt::new(Tool::Refinery)
    }

    /// From `__diesel_schema_migrations`.
    pub fn diesel() -> Adopt {
        Adopt::new(Tool::Diesel)
    }

    /// From `schema_migrations`, one row with `version` and `dirty`.
    pub fn golang_migrate() -> Adopt {
        Adopt::new(Tool::GolangMigrate)
    }

    /// From `schema_migrations`, a row for each version.
    pub fn dbmate() -> Adopt {
        Adopt::new(Tool::Dbmate)
    }

    /// From `goose_db_version`.
    pub fn goose() -> Adopt {
        Adopt::new(Tool::Goose)
    }

    /// The tool's table, where it has another name than usual.
    pub fn table(mut self, table: impl Into<String>) -> Adopt {
        self.table = table.into();
        self
    }

    /// The schema (on MySQL: the database) of the tool's table. Where unqualified names go unless
    /// set.
    pub fn schema(mut self, schema: impl Into<String>) -> Adopt {
        self.schema = Some(schema.into());
        self
    }

    /// Takes the migration of this id by its version alone, although its text is not the one that
    /// the tool ran. The history keeps that it was so.
    pub fn accept(mut self, id: impl Into<String>) -> Adopt {
        self.accepted.push(id.into());
        self
    }

    fn quoted<DB: Engine>(&self) -> String {
        let table = DB::quote_name(&self.table);
        match &self.schema {
            Some(schema) => format!("{}.{table}", DB::quote_name(schema)),
            None => table,
        }
    }
}

/// What was taken over, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Adoption {
    /// Whose history it was.
    pub tool: Tool,
    /// What is written into the history now, in order.
    pub adopted: Vec<Adopted>,
    /// The ids that the history holds already, from an earlier adoption.
    pub already: Vec<String>,
    /// The ids that neither tool has applied.
    pub pending: Vec<String>,
    /// Whether it was only looked at.
    pub dry_run: bool,
}

/// One migration that is taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Adopted {
    /// The version of the migration.
    pub version: u64,
    /// Its id here.
    pub id: String,
    /// How it is known that the tool ran this very text.
    pub basis: Basis,
    /// When the tool applied it, in the tool's own words; not every tool keeps that.
    pub applied_at: Option<String>,
}

/// How it is known that the other tool ran the text that this program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Basis {
    /// The tool's checksum is that of the file.
    File,
    /// The tool's checksum is that of the file with other line endings or another byte order mark.
    LineEndings,
    /// The tool's checksum is that of the UP section alone: the file was imported.
    Section,
    /// By the version alone: the tool keeps no checksum.
    Version,
    /// By the version alone, because [`Adopt::accept`] says so: the text is another.
    Accepted,
}

impl Basis {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Basis::File => "same text",
            Basis::LineEndings => "same text, other line endings",
            Basis::Section => "same text in its UP",
            Basis::Version => "by its version, there is no checksum",
            Basis::Accepted => "by its version, its text differs",
        }
    }
}

impl fmt::Display for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.dry_run {
            true => "would be taken over",
            false => "taken over",
        };
        match self.adopted.len() {
            0 => write!(f, "nothing to take over from {}", self.tool)?,
            1 => write!(f, "1 migration {verb} from {}", self.tool)?,
            n => write!(f, "{n} migrations {verb} from {}", self.tool)?,
        }
        if !self.already.is_empty() {
            write!(f, ", {} in the history already", self.already.len())?;
        }
        if !self.pending.is_empty() {
            write!(f, ", {} pending", self.pending.len())?;
        }
        let width = self.adopted.iter().map(|one| one.id.len()).max();
        let width = width.unwrap_or(0);
        for Adopted { id, basis, .. } in &self.adopted {
            write!(f, "\n  {id:width$}  {}", basis.describe())?;
        }
        for id in &self.pending {
            write!(f, "\n  {id:width$}  pending")?;
        }
        Ok(())
    }
}

impl<DB: Engine> Migrator<'_, DB> {
    /// Takes over what another tool has applied to this database: reads its table, matches it to
    /// these migrations and writes the history, without running anything. All of it or nothing;
    /// what the tool has not applied stays pending. Doing it again changes nothing. The tool's own
    /// table is only read.
    ///
    /// # Errors
    /// All that does not fit, at once: rows that this program does not know, that the tool itself
    /// marks as failed, whose text is another; a history that has applied migrations of its own.
    pub fn adopt<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        adopt: Adopt,
    ) -> BoxFuture<'a, Result<Adoption, Error>> {
        Box::pin(async move {
            let run = async {
                let mut held = self.open(database).await?.into_own().await;
                let result = self.adopt_under_lock(&mut held, &adopt).await;
                held.close().await;
                result
            };
            run.instrument(tracing::info_span!("migrate", verb = "adopt"))
                .await
        })
    }

    /// What [`adopt`](Migrator::adopt) would do now. Writes nothing and takes no lock.
    ///
    /// # Errors
    /// As for [`adopt`](Migrator::adopt).
    pub fn plan_adopt<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        adopt: Adopt,
    ) -> BoxFuture<'a, Result<Adoption, Error>> {
        Box::pin(async move {
            let mut held = self.open(database).await?;
            let result = async {
                let session = self.look_around(&mut held).await?;
                let theirs = read::<DB>(session.connection, &adopt).await?;
                let mut adoption = judge::adoption(self.set(), &session.rows, &theirs, &adopt)?;
                adoption.dry_run = true;
                Ok(adoption)
            }
            .await;
            held.close().await;
            result
        })
    }

    async fn adopt_under_lock(
        &self,
        held: &mut crate::connect::Held<'_, DB>,
        adopt: &Adopt,
    ) -> Result<Adoption, Error> {
        let options = held.options();
        let mut session = self.look_around(held).await?;
        session.outside_transaction().await?;
        // Before anything is made: a wrong name must not leave tables behind.
        let theirs = read::<DB>(session.connection, adopt).await?;
        judge::adoption(self.set(), &session.rows, &theirs, adopt)?;
        self.take_lock(&mut session, options).await?;
        let result = self.adopt_all(&mut session, adopt).await;
        lock::release(&mut session, result).await
    }

    async fn adopt_all(
        &self,
        session: &mut Session<'_, DB>,
        adopt: &Adopt,
    ) -> Result<Adoption, Error> {
        session.read_history().await?;
        let (facts, names, expected) = (
            session.facts.clone(),
            session.names.clone(),
            session.newest(),
        );
        let seen = Fingerprint::of(&session.rows);
        // Where the lock is a lease, nothing is written once it is lost.
        let fence = session.fenced(Vec::new());
        let cannot = |error: sqlx::Error| Error::database::<DB>("cannot adopt", error);
        let mut transaction = execute::begin::<DB>(session.connection, &facts)
            .await
            .map_err(cannot)?;
        if DB::LOCKS_BY_TRANSACTION {
            let still = names.still_newest::<DB>(&mut transaction, &seen).await;
            still.map_err(|failure| failure.error)?;
        }
        let theirs = read::<DB>(&mut transaction, adopt).await?;
        let adoption = judge::adoption(self.set(), &session.rows, &theirs, adopt)?;
        let mut digest = history::digest(&session.rows);
        let mut statements = Vec::new();
        for (seq, one) in (expected + 1..).zip(&adoption.adopted) {
            let migrations = &self.set().migrations;
            let migration = migrations.iter().find(|m| m.version == one.version);
            let migration = migration.expect("it is taken from the set");
            digest = digest.with(&migration.id, &migration.checksum);
            let when = one.applied_at.as_deref();
            let when = when.map_or(String::new(), |when| format!(", applied there at {when}"));
            let entry = Entry {
                seq,
                state: State::Applied,
                mark: Mark {
                    done: migration.up.statements.len(),
                    ..Mark::default()
                },
                execution_ms: "NULL".to_owned(),
                applied_by: &format!(
                    "{}, adopted from {}{when} ({})",
                    session.who,
                    adopt.tool,
                    one.basis.describe()
                ),
                error: None,
                // Nobody knows what ran together, and nobody wants to take it all back together.
                run: &format!("{}-{}", session.run, one.version),
                digest,
            };
            statements.extend(history::insert::<DB>(&names, migration, &entry));
        }
        if !statements.is_empty() {
            let message = Message::of(library(fence.into_iter().chain(statements)));
            let sent = DB::send(&mut transaction, &message).await;
            sent.map_err(|refused| cannot(refused.error))?;
        }
        transaction.commit().await.map_err(cannot)?;
        let (tool, adopted) = (adopt.tool.name(), adoption.adopted.len());
        tracing::info!(tool, adopted, "a history was adopted");
        Ok(adoption)
    }
}

/// Reads the tool's table.
async fn read<DB: Engine>(connection: &mut DB::Connection, adopt: &Adopt) -> Result<Theirs, Error> {
    let table = adopt.quoted::<DB>();
    // The names of the columns tell whose table it is; two tools call theirs the same.
    let columns = Piece::query(format!("SELECT * FROM {table} LIMIT 1"));
    let rows = Piece::query(adopt.tool.select::<DB>(&table));
    let message = Message::of([columns, rows]);
    let answers = match DB::send(connection, &message).await {
        Ok(answers) => answers,
        Err(refused) if DB::is_missing_table(&refused.error) => {
            return Err(no_table(adopt).caused_by(refused.error));
        }
        Err(refused) if DB::is_missing_column(&refused.error) => {
            let what = DB::words(&refused.error);
            return Err(not_theirs(adopt, &what).caused_by(refused.error));
        }
        Err(refused) => return Err(session::unreadable::<DB>(refused.error)),
    };
    let [columns, rows] = answers.as_slice() else {
        return Err(not_theirs(adopt, "it answers twice"));
    };
    adopt
        .tool
        .read(&columns.columns, &rows.rows)
        .map_err(|what| not_theirs(adopt, &what))
}

fn no_table(adopt: &Adopt) -> Error {
    Error::new(
        ErrorKind::Usage,
        Diagnostic::error(
            "adopt-table-missing",
            format!("there is no table `{}` of {}", adopt.table, adopt.tool),
        )
        .why("The history of the other tool is read from there.")
        .help(
            "name the database that it has migrated; or its table and schema, where they have \
             other names, by `.table(..)` and `.schema(..)`",
        ),
    )
}

fn not_theirs(adopt: &Adopt, what: &str) -> Error {
    Error::new(
        ErrorKind::History,
        Diagnostic::error(
            "adopt-table-foreign",
            format!(
                "the table `{}` is not as {} makes it: {what}",
                adopt.table, adopt.tool
            ),
        )
        .why(
            "Several tools have tables of the same name, and what one means by a row another does \
             not. Nothing was taken over.",
        )
        .help("name the tool that made the table"),
    )
}
