//! Steps of a migration that are written in Rust.

use std::error::Error as StdError;
use std::sync::Arc;

use backstitch_core::Diagnostic;
use backstitch_core::diagnostic::did_you_mean;
use futures_util::future::BoxFuture;
use sqlx::Database;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::execute::Job;
use crate::migrations::Migrations;

/// What goes wrong in a step.
pub(crate) type StepError = Box<dyn StdError + Send + Sync>;

/// A step, ready to run.
pub(crate) type Step<DB> = Arc<
    dyn for<'c> Fn(&'c mut <DB as Database>::Connection) -> BoxFuture<'c, Result<(), StepError>>
        + Send
        + Sync,
>;

/// A function that can be a step: `async fn(&mut Connection) -> Result<(), E>`.
pub trait StepFn<'c, DB: Engine>: Send + Sync {
    /// Runs it.
    #[doc(hidden)]
    fn run(&self, connection: &'c mut DB::Connection) -> BoxFuture<'c, Result<(), StepError>>;
}

impl<'c, DB, F, Fut, E> StepFn<'c, DB> for F
where
    DB: Engine,
    F: Fn(&'c mut DB::Connection) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), E>> + Send + 'c,
    E: Into<StepError>,
    DB::Connection: 'c,
{
    fn run(&self, connection: &'c mut DB::Connection) -> BoxFuture<'c, Result<(), StepError>> {
        let future = self(connection);
        Box::pin(async move { future.await.map_err(Into::into) })
    }
}

pub(crate) fn boxed<DB: Engine>(step: impl for<'c> StepFn<'c, DB> + 'static) -> Step<DB> {
    Arc::new(move |connection| step.run(connection))
}

/// Makes sure that each step has its function and each function its step.
///
/// # Errors
/// All that do not.
pub(crate) fn complete<DB: Engine>(migrations: &Migrations<DB>) -> Result<(), Error> {
    let mut missing = Vec::new();
    for migration in migrations {
        let Some(step) = &migration.step else {
            continue;
        };
        if migrations.step(step).is_none() {
            let mut diagnostic = Diagnostic::error(
                "step-missing",
                format!(
                    "there is no function for the step `{step}` of `{}`",
                    migration.id
                ),
            )
            .why(
                "Its file says `@step`, so a function of the program runs with it. This program \
                 gives none of that name.",
            )
            .help(format!(
                "give it where the migrations are made:\n\
                 migrations!(…).with_step(\"{step}\", function)"
            ));
            diagnostic.migration = Some(migration.id.clone());
            missing.push(diagnostic);
        }
    }
    let steps = || migrations.iter().filter_map(|one| one.step.as_deref());
    for name in migrations.step_names() {
        if !steps().any(|step| step == name) {
            let near = did_you_mean(name, steps());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("leave it out, or write into the header of its file:\n-- @step: {name}")
                }
            };
            let message = format!("no migration has the step `{name}`");
            missing.push(Diagnostic::error("step-unknown", message).help(help));
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::of(ErrorKind::Usage, missing)),
    }
}

/// A step failed; what it says is the cause.
pub(crate) fn failed(job: &Job<'_>, step: &str, error: StepError) -> Error {
    let mut diagnostic = Diagnostic::error(
        "step-failed",
        format!("the step `{step}` of `{}` failed: {error}", job.id),
    )
    .why(format!("Nothing of `{}` stays in the database.", job.id))
    .help(
        "see to what the function says, then run it again; what it did outside of the database \
         is not taken back",
    );
    diagnostic.migration = Some(job.id.to_owned());
    Error::new(ErrorKind::Step, diagnostic).caused_by(Caused(error))
}

/// A step has ended the transaction of a rehearsal, or left it broken.
pub(crate) fn ended_transaction(job: &Job<'_>, step: &str, words: &str) -> Error {
    let mut diagnostic = Diagnostic::error(
        "step-ended-transaction",
        format!(
            "the step `{step}` of `{}` did not leave the transaction as it found it: {words}",
            job.id
        ),
    )
    .why(
        "A function that runs COMMIT or ROLLBACK ends the transaction it stands in, and one that \
         passes over an error of the server may leave it broken. After a COMMIT what was rehearsed \
         until then stays in the database, and the history does not know of it.",
    )
    .help(
        "leave COMMIT and ROLLBACK out of the function, and hand on what the server refuses; then \
         look whether anything of these migrations is in the database, and take it back by their \
         DOWN",
    );
    diagnostic.migration = Some(job.id.to_owned());
    Error::new(ErrorKind::Step, diagnostic)
}

/// An error behind a pointer as an error.
#[derive(Debug)]
struct Caused(StepError);

impl std::fmt::Display for Caused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Caused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
