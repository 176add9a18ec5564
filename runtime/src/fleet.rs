//! The same migrations for many tenants, each with a database or a schema of its own.
//!
//! Tenants are dealt with side by side, a few at a time. One that fails does not hold up the
//! others, and going on is running again: a tenant that has everything costs one query.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use crate::connect::{self, Held};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::message::{Message, Piece};
use crate::migrations::Migrations;
use crate::migrator::Migrator;
use crate::plan::{Down, Plan};
use crate::report::{Report, Status};
use crate::verify::{Verification, Verify};

/// The tenants of a service, and how they are migrated. Made by [`Migrations::fleet`] or
/// [`Migrator::fleet`].
///
/// ```no_run
/// # #[cfg(feature = "postgres")]
/// # async fn f(migrations: &backstitch::Migrations<sqlx::Postgres>, url: &str) {
/// let report = migrations
///     .fleet()
///     .schema("acme", url, "tenant_acme")
///     .schema("bolt", url, "tenant_bolt")
///     .at_once(8)
///     .up()
///     .await;
/// println!("{report}");
/// # }
/// ```
#[must_use = "it does nothing before one of its verbs is called"]
pub struct Fleet<'m, DB> {
    migrator: Migrator<'m, DB>,
    tenants: Vec<Tenant>,
    at_once: usize,
    stop_after: Option<usize>,
}

/// Somebody with a database or schema of their own.
#[derive(Clone)]
struct Tenant {
    name: String,
    url: String,
    schema: Option<String>,
}

/// What became of the tenants.
#[derive(Debug)]
#[non_exhaustive]
pub struct FleetReport<T = Report> {
    /// In the order in which they were named.
    pub tenants: Vec<TenantReport<T>>,
    /// How long it took in all.
    pub elapsed: Duration,
}

/// What became of one tenant.
#[derive(Debug)]
#[non_exhaustive]
pub struct TenantReport<T = Report> {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome<T>,
}

/// What became of one tenant.
#[derive(Debug)]
pub enum Outcome<T = Report> {
    /// It went well.
    Done(T),
    /// It did not. What was done before is in [`Error::report`].
    Failed(Error),
    /// It was not begun, because too many had failed.
    Skipped,
}

impl<DB: Engine> Migrations<DB> {
    /// The same migrations for many tenants, with the defaults.
    pub fn fleet(&self) -> Fleet<'_, DB> {
        self.migrator().fleet()
    }
}

impl<'m, DB: Engine> Migrator<'m, DB> {
    /// The same migrations for many tenants, as it is set here.
    pub fn fleet(self) -> Fleet<'m, DB> {
        Fleet {
            migrator: self,
            tenants: Vec::new(),
            at_once: 4,
            stop_after: None,
        }
    }
}

impl<DB: Engine> Fleet<'_, DB> {
    /// A tenant with a database of its own.
    pub fn database(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.tenants.push(Tenant {
            name: name.into(),
            url: url.into(),
            schema: None,
        });
        self
    }

    /// A tenant with a schema of its own (on MySQL: a database behind the same URL), which is there
    /// already. Unqualified names go there and nowhere else, and so does its history; what is shared,
    /// such as the types of extensions, the migrations name with its schema.
    pub fn schema(
        mut self,
        name: impl Into<String>,
        url: impl Into<String>,
        schema: impl Into<String>,
    ) -> Self {
        self.tenants.push(Tenant {
            name: name.into(),
            url: url.into(),
            schema: Some(schema.into()),
        });
        self
    }

    /// Leaves out all tenants but those of these names, such as the ones that
    /// [failed](FleetReport::failed) before.
    pub fn only(mut self, names: &[impl AsRef<str>]) -> Self {
        self.tenants
            .retain(|tenant| names.iter().any(|name| name.as_ref() == tenant.name));
        self
    }

    /// How many tenants are dealt with at the same time, each on one connection. Four unless set.
    pub fn at_once(mut self, tenants: usize) -> Self {
        self.at_once = tenants.max(1);
        self
    }

    /// Begins no further tenant once so many have failed. All are tried unless set.
    pub fn stop_after(mut self, failures: usize) -> Self {
        self.stop_after = Some(failures.max(1));
        self
    }

    /// Applies what is pending, for each tenant. What went wrong is part of the report.
    pub fn up(&self) -> BoxFuture<'_, FleetReport> {
        Box::pin(self.each(|migrator, held| migrator.up(held)))
    }

    /// Takes migrations back, for each tenant: so many steps of each, to the same migration, or what
    /// the last run of each has applied. What it would lose is judged by each tenant's own rows.
    pub fn down(&self, down: Down) -> BoxFuture<'_, FleetReport> {
        Box::pin(self.each(move |migrator, held| migrator.down(held, down.clone())))
    }

    /// What [`up`](Fleet::up) would do for each tenant. Writes nothing.
    pub fn plan(&self) -> BoxFuture<'_, FleetReport<Plan>> {
        Box::pin(self.each(|migrator, held| migrator.plan(held)))
    }

    /// How things stand with each tenant. Writes nothing.
    pub fn status(&self) -> BoxFuture<'_, FleetReport<Status>> {
        Box::pin(self.each(|migrator, held| migrator.status(held)))
    }

    /// Compares the database of each tenant with what the migrations make. What does not fit is in
    /// what was found of the tenant, see [`differing`](FleetReport::differing).
    pub fn verify(&self, verify: Verify) -> BoxFuture<'_, FleetReport<Verification>> {
        Box::pin(self.each(move |migrator, held| migrator.verify(held, verify.clone())))
    }

    async fn each<T, V>(&self, verb: V) -> FleetReport<T>
    where
        T: Send,
        V: for<'a> Fn(&'a Migrator<'_, DB>, Held<'static, DB>) -> Course<'a, T> + Send + Sync,
    {
        let began = Instant::now();
        let failures = AtomicUsize::new(0);
        let mut waiting = Vec::with_capacity(self.tenants.len());
        for (at, tenant) in self.tenants.iter().enumerate() {
            waiting.push(self.one(at, tenant, &verb, &failures));
        }
        let under_way = futures_util::stream::iter(waiting).buffer_unordered(self.at_once);
        let mut done: Vec<_> = under_way.collect().await;
        done.sort_by_key(|(at, _)| *at);
        FleetReport {
            tenants: done.into_iter().map(|(_, tenant)| tenant).collect(),
            elapsed: began.elapsed(),
        }
    }

    fn one<'a, T, V>(
        &'a self,
        at: usize,
        tenant: &'a Tenant,
        verb: &'a V,
        failures: &'a AtomicUsize,
    ) -> BoxFuture<'a, (usize, TenantReport<T>)>
    where
        T: Send + 'a,
        V: for<'b> Fn(&'b Migrator<'_, DB>, Held<'static, DB>) -> Course<'b, T> + Send + Sync,
    {
        Box::pin(async move {
            let failed = failures.load(Ordering::Relaxed);
            let outcome = if self.stop_after.is_some_and(|bound| failed >= bound) {
                Outcome::Skipped
            } else {
                let result = match open::<DB>(tenant).await {
                    Ok(held) => verb(&self.migrator, held).await,
                    Err(error) => Err(error),
                };
                match result {
                    Ok(done) => Outcome::Done(done),
                    Err(error) => {
                        failures.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(tenant = tenant.name, %error, "a tenant failed");
                        Outcome::Failed(error)
                    }
                }
            };
            let name = tenant.name.clone();
            (at, TenantReport { name, outcome })
        })
    }
}

/// What is done for a tenant, on a connection of its own.
type Course<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// A connection on which unqualified names go where the tenant wants them.
async fn open<DB: Engine>(tenant: &Tenant) -> Result<Held<'static, DB>, Error> {
    let (mut connection, options) = connect::to_url::<DB>(&tenant.url).await?;
    if let Some(schema) = &tenant.schema {
        enter::<DB>(&mut connection, schema).await?;
    }
    Ok(Held::Own(connection, options))
}

async fn enter<DB: Engine>(connection: &mut DB::Connection, schema: &str) -> Result<(), Error> {
    let Some(enter) = DB::enter_schema(schema) else {
        return Err(crate::plan::usage(
            format!("{} has no schemas", DB::PRODUCT),
            "give each tenant a database of its own, by `.database(name, url)`",
        ));
    };
    let message = Message::of([Piece::query(enter)]);
    match DB::send(connection, &message).await {
        Ok(answers)
            if DB::BATCH_IS_TRANSACTION && answers.iter().all(|one| one.rows.is_empty()) =>
        {
            Err(no_schema(schema))
        }
        Ok(_) => Ok(()),
        Err(refused) if DB::is_missing_table(&refused.error) => {
            Err(no_schema(schema).caused_by(refused.error))
        }
        Err(refused) => {
            let doing = format!("cannot enter the schema `{}`", schema.escape_debug());
            Err(Error::database::<DB>(&doing, refused.error))
        }
    }
}

fn no_schema(schema: &str) -> Error {
    Error::new(
        ErrorKind::Usage,
        Diagnostic::error(
            "schema-missing",
            format!("there is no schema `{}`", schema.escape_debug()),
        )
        .why("A tenant's schema is made when the tenant is, not by a run.")
        .help("make it (CREATE SCHEMA) and run the fleet again, or leave the tenant out"),
    )
}

impl FleetReport<Verification> {
    /// The names of those whose database is not as the migrations make it.
    pub fn differing(&self) -> Vec<&str> {
        let differs = |tenant: &&TenantReport<Verification>| matches!(&tenant.outcome, Outcome::Done(found) if !found.is_ok());
        let differing = self.tenants.iter().filter(differs);
        differing.map(|tenant| tenant.name.as_str()).collect()
    }
}

impl<T> FleetReport<T> {
    /// Whether it went well for all of them.
    pub fn is_ok(&self) -> bool {
        let is_done = |tenant: &TenantReport<T>| matches!(tenant.outcome, Outcome::Done(_));
        self.tenants.iter().all(is_done)
    }

    /// The names of those that failed or were skipped.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.tenants.iter();
        let failed = failed.filter(|tenant| !matches!(tenant.outcome, Outcome::Done(_)));
        failed.map(|tenant| tenant.name.as_str()).collect()
    }

    /// What became of the tenant of this name.
    pub fn get(&self, name: &str) -> Option<&Outcome<T>> {
        let mut tenants = self.tenants.iter();
        let found = tenants.find(|tenant| tenant.name == name);
        found.map(|tenant| &tenant.outcome)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, done: impl Fn(&T) -> String) -> fmt::Result {
        let (mut well, mut failed, mut skipped) = (0, 0, 0);
        for tenant in &self.tenants {
            *match tenant.outcome {
                Outcome::Done(_) => &mut well,
                Outcome::Failed(_) => &mut failed,
                Outcome::Skipped => &mut skipped,
            } += 1;
        }
        let all = self.tenants.len();
        write!(f, "{well} of {all} tenants done")?;
        for (count, what) in [(failed, "failed"), (skipped, "skipped")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        write!(f, " in {:.1} ms", self.elapsed.as_secs_f64() * 1000.0)?;
        let width = self.tenants.iter().map(|tenant| tenant.name.len()).max();
        let width = width.unwrap_or(0);
        for TenantReport { name, outcome } in &self.tenants {
            write!(f, "\n  {name:width$}  ")?;
            match outcome {
                Outcome::Done(report) => f.write_str(&done(report))?,
                Outcome::Skipped => f.write_str("skipped, because others had failed")?,
                Outcome::Failed(error) => {
                    f.write_str("failed")?;
                    for line in error.to_string().lines() {
                        write!(f, "\n      {line}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for FleetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Report::to_string)
    }
}

impl fmt::Display for FleetReport<Status> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |status| match (&status.trouble, status.pending.len()) {
            (Some(trouble), _) => trouble.lines().next().unwrap_or_default().to_owned(),
            (None, 0) => format!("up to date ({} applied)", status.history.len()),
            (None, pending) => format!("{pending} pending"),
        })
    }
}

impl fmt::Display for FleetReport<Plan> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |plan| {
            let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            match ids.len() {
                0 => "nothing to do".to_owned(),
                1 => format!("1 step: {}", ids[0]),
                n => format!("{n} steps: {}", ids.join(", ")),
            }
        })
    }
}

impl fmt::Display for FleetReport<Verification> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |found| {
            let text = found.to_string();
            let mut lines = text.trim_end().lines();
            let first = lines.next().unwrap_or_default().to_owned();
            lines.fold(first, |text, line| format!("{text}\n      {line}"))
        })
    }
}
