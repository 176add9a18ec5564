//! `wait`: the start of a replica that must not migrate by itself.

use std::time::{Duration, Instant};

use backstitch_core::Diagnostic;
use futures_util::future::BoxFuture;

use super::{Migrator, Standing};
use crate::connect::{Connect, Held};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history::{Row, State};
use crate::lock::jittered;
use crate::plan::Plan;
use crate::report::Report;

impl<DB: Engine> Migrator<'_, DB> {
    /// Waits until someone else has applied everything. Takes no lock and writes nothing.
    ///
    /// # Errors
    /// When that does not happen within [`lock_wait`](Migrator::lock_wait): what is missing.
    pub fn wait<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Report, Error>> {
        Box::pin(async move {
            let began = Instant::now();
            let mut held = self.open(database).await?;
            let mut report = Report::default();
            let result = self.wait_on(&mut held, &mut report, began).await;
            held.close().await;
            report.waited = began.elapsed();
            let report = self.report(report, began);
            match result {
                Ok(()) => Ok(report),
                Err(error) => Err(error.with_report(report)),
            }
        })
    }

    async fn wait_on(
        &self,
        held: &mut Held<'_, DB>,
        report: &mut Report,
        began: Instant,
    ) -> Result<(), Error> {
        const LONGEST_PAUSE: Duration = Duration::from_secs(1);
        let mut pause = Duration::from_millis(50);
        loop {
            if self.standing(held).await? == Standing::UpToDate {
                report.remaining = self.beyond_target();
                return Ok(());
            }
            // The digests differ too when somebody has applied more than this program knows.
            let mut session = self.look_around(held).await?;
            let verdict = self.plan_up(&mut session);
            if let Ok(plan) = &verdict {
                report.remaining = plan.steps.iter().map(|step| step.id.clone()).collect();
                report.remaining.extend(plan.remaining.iter().cloned());
                if plan.is_empty() {
                    return Ok(());
                }
            }
            if began.elapsed() >= self.lock_wait {
                let error = not_migrated(verdict, &session.rows, began.elapsed());
                return Err(match session.place.note_elsewhere() {
                    Some(note) if !session.has_history => error.note(&note),
                    Some(_) | None => error,
                });
            }
            tokio::time::sleep(jittered(pause).min(self.lock_wait)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn not_migrated(verdict: Result<Plan, Error>, rows: &[Row], waited: Duration) -> Error {
    let plan = match verdict {
        Err(error) => return error,
        Ok(plan) => plan,
    };
    let missing: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let mut why = format!("Still pending: {}.", missing.join(", "));
    for row in rows.iter().filter(|row| row.state == State::Failed) {
        let error = row.error.as_deref().unwrap_or_default();
        why += &format!(
            "\n`{}` failed at {}, by {}: {error}",
            row.id, row.applied_at, row.applied_by
        );
    }
    Error::new(
        ErrorKind::NotMigrated,
        Diagnostic::error(
            "not-migrated",
            format!("nobody has migrated within {:.1} s", waited.as_secs_f64()),
        )
        .why(why)
        .help("start the program that migrates, or call `up` here"),
    )
}
