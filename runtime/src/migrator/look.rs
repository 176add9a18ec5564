//! The verbs that only look.

use futures_util::future::BoxFuture;

use super::Migrator;
use crate::connect::Connect;
use crate::engine::Engine;
use crate::error::Error;
use crate::plan::{self, Action, Down, Plan};
use crate::report::Status;
use crate::session::Session;

impl<DB: Engine> Migrator<'_, DB> {
    /// What [`up`](Migrator::up) would do now: the very plan that it would execute. Writes nothing
    /// and takes no lock.
    ///
    /// # Errors
    /// When what is applied is not what this program holds, when a pending migration comes too
    /// late, when an earlier run stopped half-way.
    pub fn plan<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Plan, Error>> {
        Box::pin(async move { self.deciding(database, |_, plan| plan).await })
    }

    /// What [`down`](Migrator::down) would do now. Writes nothing and takes no lock.
    ///
    /// # Errors
    /// As for [`down`](Migrator::down), as far as the history tells.
    pub fn plan_down<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
        down: Down,
    ) -> BoxFuture<'a, Result<Plan, Error>> {
        Box::pin(async move {
            let mut held = self.open(database).await?;
            let result = match self.look_around(&mut held).await {
                Ok(session) => plan::down(self.set(), &session.rows, &down, self.policy),
                Err(error) => Err(error),
            };
            held.close().await;
            result
        })
    }

    /// What is applied, what is pending, and whether something is wrong. Writes nothing and takes
    /// no lock; a role that may only read is enough.
    ///
    /// # Errors
    /// When the database does not answer, or the history is not ours.
    pub fn status<'a, 'c: 'a>(
        &'a self,
        database: impl Connect<'c, DB> + 'a,
    ) -> BoxFuture<'a, Result<Status, Error>> {
        Box::pin(async move {
            self.deciding(database, |session, plan| {
                let (plan, trouble) = match plan {
                    Ok(plan) => (plan, None),
                    Err(error) => (Plan::default(), Some(error.to_string())),
                };
                let applies = plan
                    .steps
                    .into_iter()
                    .filter(|step| matches!(step.action, Action::Apply | Action::Resume));
                Ok(Status {
                    pending: applies.map(|step| step.id).chain(plan.remaining).collect(),
                    history: std::mem::take(&mut session.rows),
                    trouble,
                    server: session.facts.server.clone(),
                    elsewhere: match session.has_history {
                        true => Vec::new(),
                        false => std::mem::take(&mut session.place.elsewhere),
                    },
                })
            })
            .await
        })
    }

    /// Looks at what `up` would do, and at what it was decided by.
    async fn deciding<'c, T>(
        &self,
        database: impl Connect<'c, DB>,
        look: impl FnOnce(&mut Session<'_, DB>, Result<Plan, Error>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut held = self.open(database).await?;
        let result = match self.look_around(&mut held).await {
            Ok(mut session) => {
                let plan = self.decide(&mut session).await;
                look(&mut session, plan)
            }
            Err(error) => Err(error),
        };
        held.close().await;
        result
    }
}
