//! What a user does not see is not missing: some servers show only what one has a right to.

use super::drift::{Drift, Drifted, NotCompared, Told};
use crate::engine::Engine;
use crate::message::{Message, Piece};
use crate::session::Session;
use crate::testing::{Difference, Kind, ObjectName};

/// Leaves out what may be there unseen, and names it.
pub(super) async fn leave_out_unseen<DB: Engine>(
    session: &mut Session<'_, DB>,
    mut told: Told,
) -> Told {
    if !told.drift.differences().iter().any(may_be_unseen) || sees_all(session).await {
        return told;
    }
    let found = told.drift.differences().iter().cloned();
    let (unseen, seen): (Vec<_>, Vec<_>) = found.partition(may_be_unseen);
    let name = |one: &Drifted| object_of(&one.difference).to_string();
    told.not_compared.extend(unseen.iter().map(|one| {
        NotCompared {
            what: name(one),
            because:
                "this user may have no right to see it; ask as one who has all on the database"
                    .to_owned(),
        }
    }));
    told.drift = Drift::of(seen);
    told
}

/// Also the text of a view, a routine or a trigger is for whoever has the right.
fn may_be_unseen(one: &Drifted) -> bool {
    match &one.difference {
        Difference::Missing { .. } => true,
        Difference::LeftOver { .. } | Difference::Reordered { .. } => false,
        Difference::Changed { object, .. } => matches!(
            object.kind,
            Kind::View | Kind::Trigger | Kind::Function | Kind::Procedure
        ),
    }
}

fn object_of(difference: &Difference) -> &ObjectName {
    match difference {
        Difference::Missing { object, .. }
        | Difference::LeftOver { object, .. }
        | Difference::Reordered { table: object, .. }
        | Difference::Changed { object, .. } => object,
    }
}

async fn sees_all<DB: Engine>(session: &mut Session<'_, DB>) -> bool {
    let Some(query) = DB::ask_rights() else {
        return true;
    };
    let message = Message::of([Piece::query(query)]);
    let Ok(answers) = DB::send(session.connection, &message).await else {
        return true;
    };
    let rows = answers.into_iter().flat_map(|answer| answer.rows);
    let rights: Vec<String> = rows.flatten().flatten().collect();
    let database = session.facts.schema.as_deref().unwrap_or_default();
    DB::sees_all(&rights, database)
}
