//! Proof, on a real server, that every migration can be taken back.
//!
//! [`prove`] makes a database of its own on the server that the URL leads to, and drops it at the
//! end, whatever happens. There each migration in turn goes up, down and up again, by the same
//! code that a service runs, and what the database holds is compared: after the DOWN with what it
//! held before the UP, after the second UP with what it held after the first. This sees what no
//! compiler can: functions that run, SQL in strings, what the server does by itself.
//!
//! The test of a service, in full:
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # mod service {
//! use backstitch::{Migrations, migrations};
//! use sqlx::Postgres;
//!
//! # macro_rules! migrations { ($dir:literal) => { Migrations::__invalid() } }
//! static MIGRATIONS: Migrations<Postgres> = migrations!("migrations");
//!
//! #[cfg(test)]
//! mod tests {
//!     #[tokio::test]
//!     async fn every_migration_can_be_taken_back() {
//!         let url = std::env::var("DATABASE_URL").expect("a server to prove on");
//!         backstitch::testing::prove(&crate::MIGRATIONS, &url).await.unwrap();
//!     }
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! The user of the URL must be allowed to create databases; the database that the URL names is not
//! touched. On SQLite the URL can be `sqlite::memory:`: the proof uses a temporary file.
//!
//! When a rollback is wrong, the test shows what is wrong with it, and where:
//!
//! ```text
//! error[rollback-incomplete]: the DOWN of `0003_user_email` does not give back the schema
//!   --> migrations/0003_user_email.sql:9:1
//!    |
//!  9 | -- DOWN MIGRATION
//!    | ^^^^^^^^^^^^^^^^^ after this it is not what it was before the UP
//!    |
//!    = why: left over: index users_email_idx on users (btree (email))
//!           missing: column users.nick (text, not null, default ''::text)
//!    = help: Undo each of these in the DOWN, or write in its place:
//!            -- @irreversible: <why there is no way back>
//! ```
//!
//! What is not compared: rows, statistics, positions of sequences, and what belongs to the whole
//! server, such as roles. A role that an UP makes stays on the server like any other.
//!
//! [`Catalogue`] is what a database holds as a plain value, [`diff`] compares two of them.

mod catalogue;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod proof;
pub(crate) mod sandbox;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Instant;

use backstitch_core::{Diagnostic, Migration};
use futures_util::future::BoxFuture;

pub use self::catalogue::{Attributes, Catalogue, Difference, Kind, ObjectName, diff};
pub use self::proof::{Proof, Proven, Unproven, Verdict};
#[doc(hidden)]
pub use self::sandbox::Provable;

use self::sandbox::Sandbox;
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history::Names;
use crate::migrations::Migrations;
use crate::plan::Down;
use crate::report::Report;

/// Takes every migration up, down and up again, in a database of its own on the server of `url`.
///
/// See the [module](self) for the test to write.
///
/// # Errors
/// [`Unproven::Broken`] with the whole proof when a migration cannot be taken back as it should,
/// [`Unproven::Failed`] when the server cannot be reached or makes no database.
pub fn prove<'a, DB: Engine>(
    migrations: &'a Migrations<DB>,
    url: &'a str,
) -> BoxFuture<'a, Result<Proof, Unproven>> {
    Box::pin(async move {
        let mut course = Course::begin(migrations, url).await?;
        let run = course.run().await;
        let Course { sandbox, proof, .. } = course;
        sandbox.close().await;
        run?;
        match proof.is_ok() {
            true => Ok(proof),
            false => Err(Unproven::Broken(proof)),
        }
    })
}

/// What a database holds, without the history of migrations.
///
/// # Errors
/// When it cannot be reached, or what it holds cannot be read.
pub fn catalogue<'a, 'c: 'a, DB: Engine>(
    database: impl Connect<'c, DB> + 'a,
) -> BoxFuture<'a, Result<Catalogue, Error>> {
    Box::pin(async move {
        let mut held = database.open().await?;
        let names = Names::default();
        let without = names.all_tables();
        let without = without.each_ref().map(String::as_str);
        let catalogue = DB::snapshot(held.connection(), &without).await;
        held.close().await;
        catalogue.map_err(sandbox::unreadable::<DB>)
    })
}

/// How the facts of a schema of the model differ from what a catalogue holds: what
/// [`verify`](crate::Migrator::verify) tells drift by.
#[cfg(feature = "drift")]
pub fn disagreements(
    claims: &backstitch_core::facts::Facts,
    catalogue: &Catalogue,
    dialect: backstitch_core::Dialect,
) -> Vec<backstitch_core::facts::Disagreement> {
    crate::verify::disagreements(claims, catalogue, dialect)
}

/// A proof under way.
struct Course<'m, DB: Engine> {
    migrations: &'m Migrations<DB>,
    url: &'m str,
    sandbox: Sandbox<DB>,
    /// What the database holds before the next migration.
    before: Catalogue,
    proof: Proof,
}

impl<'m, DB: Engine> Course<'m, DB> {
    async fn begin(migrations: &'m Migrations<DB>, url: &'m str) -> Result<Self, Error> {
        let mut course = Course {
            migrations,
            url,
            sandbox: Sandbox::open(url).await?,
            before: Catalogue::default(),
            proof: Proof::of(migrations.set(), DB::PRODUCT),
        };
        match course.look_around().await {
            Ok(()) => Ok(course),
            Err(error) => {
                course.sandbox.close().await;
                Err(error)
            }
        }
    }

    async fn look_around(&mut self) -> Result<(), Error> {
        let database = Held::Borrowed(self.sandbox.connection());
        self.proof.server = self.migrations.status(database).await?.server;
        self.before = self.snapshot().await?;
        Ok(())
    }

    async fn run(&mut self) -> Result<(), Error> {
        let mut migrations = self.migrations.iter().peekable();
        while let Some(migration) = migrations.next() {
            let began = Instant::now();
            let mut trial = self.trial(migration).await?;
            if trial.is_on_course {
                self.before = trial.after;
            } else if migrations.peek().is_some() {
                trial.is_on_course = self.start_afresh(migration, &mut trial.remarks).await?;
            }
            let goes_on = trial.is_on_course && !matches!(trial.verdict, Verdict::UpFails(_));
            self.proof.add(Proven {
                id: migration.id.clone(),
                verdict: trial.verdict,
                remarks: trial.remarks,
                elapsed: began.elapsed(),
            });
            if !goes_on {
                break;
            }
        }
        for migration in migrations {
            self.proof.add(Proven::not_reached(migration));
        }
        Ok(())
    }

    /// Takes one migration up, down and up again.
    async fn trial(&mut self, migration: &Migration) -> Result<Trial, Error> {
        if let Err(error) = self.up(migration).await {
            let verdict = Verdict::UpFails(found(migration, error)?);
            return Ok(Trial::on_course(verdict, Catalogue::default()));
        }
        let after = self.snapshot().await?;
        if migration.down.is_none() {
            let verdict = Verdict::Irreversible(migration.irreversible.clone());
            return Ok(Trial::on_course(verdict, after));
        }
        if let Err(error) = self.down().await {
            let verdict = Verdict::DownFails(found(migration, error)?);
            // Without transactions a DOWN can stop in the middle.
            let is_on_course = self.is_whole().await? && self.snapshot().await? == after;
            return Ok(Trial {
                is_on_course,
                ..Trial::on_course(verdict, after)
            });
        }
        let reverted = self.snapshot().await?;
        let differences = diff(&self.before, &reverted);
        let leaves = differences.iter().any(|one| !one.is_order());
        if let Err(error) = self.up(migration).await {
            let headline = error.headline();
            let found = found(migration, error)?;
            let (verdict, remarks) = match leaves {
                true => {
                    let remark = format!("after this the UP cannot run again: {headline}");
                    (Verdict::Leaves(differences), vec![remark])
                }
                false => (Verdict::UpAgainFails(found), Vec::new()),
            };
            return Ok(Trial {
                verdict,
                remarks,
                after,
                is_on_course: false,
            });
        }
        let again = self.snapshot().await?;
        let differs: Vec<Difference> = diff(&after, &again)
            .into_iter()
            .filter(|one| !one.is_order())
            .collect();
        Ok(Trial {
            is_on_course: differs.is_empty(),
            verdict: if leaves {
                Verdict::Leaves(differences)
            } else if !differs.is_empty() {
                Verdict::UpAgainDiffers(differs)
            } else if !differences.is_empty() {
                Verdict::Reorders(differences)
            } else {
                Verdict::Reverts
            },
            remarks: Vec::new(),
            after: again,
        })
    }

    async fn up(&mut self, migration: &Migration) -> Result<Report, Error> {
        let migrator = self.migrations.migrator().target(&migration.id)?;
        let database = Held::Borrowed(self.sandbox.connection());
        let report = migrator.up(database).await;
        self.sandbox.end_transaction().await;
        report
    }

    async fn down(&mut self) -> Result<Report, Error> {
        let migrator = self.migrations.migrator().force();
        let database = Held::Borrowed(self.sandbox.connection());
        let report = migrator.down(database, Down::Steps(1)).await;
        self.sandbox.end_transaction().await;
        report
    }

    /// Whether the history says that nothing stopped half-way.
    async fn is_whole(&mut self) -> Result<bool, Error> {
        let database = Held::Borrowed(self.sandbox.connection());
        let status = self.migrations.status(database).await?;
        Ok(status.trouble.is_none())
    }

    async fn snapshot(&mut self) -> Result<Catalogue, Error> {
        let names = Names::default();
        let without = names.all_tables();
        let without = without.each_ref().map(String::as_str);
        self.sandbox.snapshot(&without).await
    }

    /// Makes another database and goes straight up to where this migration has run. Whether that
    /// was possible.
    async fn start_afresh(
        &mut self,
        migration: &Migration,
        remarks: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let fresh = Sandbox::open(self.url).await?;
        std::mem::replace(&mut self.sandbox, fresh).close().await;
        if let Err(error) = self.up(migration).await {
            remarks.push(format!(
                "what comes next is not reached, because the way there fails in a second \
                 database: {}",
                error.headline()
            ));
            return Ok(false);
        }
        self.before = self.snapshot().await?;
        Ok(true)
    }
}

/// What became of one migration.
struct Trial {
    verdict: Verdict,
    remarks: Vec<String>,
    /// What the database held after the UP.
    after: Catalogue,
    /// Whether it still does, so that the next migration can begin there.
    is_on_course: bool,
}

impl Trial {
    fn on_course(verdict: Verdict, after: Catalogue) -> Trial {
        Trial {
            verdict,
            remarks: Vec::new(),
            after,
            is_on_course: true,
        }
    }
}

/// What is wrong with the migration.
///
/// # Errors
/// When it is not the migration that failed.
fn found(migration: &Migration, error: Error) -> Result<Vec<Diagnostic>, Error> {
    match error.kind() {
        ErrorKind::Connection | ErrorKind::Locked => Err(error),
        _ => {
            let found = error.diagnostics().iter();
            Ok(found
                .map(|one| proof::in_its_file(one, migration))
                .collect())
        }
    }
}
