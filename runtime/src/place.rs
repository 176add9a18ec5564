//! Where the history is, and what keeps this user from seeing it.
//!
//! PostgreSQL says of a table in a schema that a role may not look into that there is none. A run
//! that believed it would take the database for a fresh one, so the catalogue is asked beside the
//! first look. What a missing right is told by names the statements that grant it.

use backstitch_core::Diagnostic;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history::Names;
use crate::message::{Answer, Message, Piece};

/// What a right is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To look at the history, which is enough where nothing is pending.
    Read,
    /// To write to it, and to make it.
    Write,
}

/// Where a history without a schema of its own is, by the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The schema in which its name is found.
    pub(crate) found: Option<String>,
    /// Schemas on the search path that have one, and that this user may not look into.
    hidden: Vec<String>,
    /// Some of the schemas beside the search path that have one.
    pub(crate) elsewhere: Vec<String>,
}

impl Place {
    /// Reads the answer to [`ask_place`](crate::probe::Probe::ask_place).
    pub(crate) fn read(answer: &Answer) -> Place {
        let mut place = Place::default();
        for row in &answer.rows {
            let [Some(what), Some(schema)] = row.as_slice() else {
                continue;
            };
            match what.as_str() {
                "found" => place.found = Some(schema.clone()),
                "hidden" => place.hidden.push(schema.clone()),
                _ => place.elsewhere.push(schema.clone()),
            }
        }
        place
    }

    /// Makes sure that a history that was not found is not only hidden.
    ///
    /// # Errors
    /// When one is: where, and what to grant.
    pub(crate) async fn is_not_hidden<DB: Engine>(
        &self,
        connection: &mut DB::Connection,
        names: &Names,
    ) -> Result<(), Error> {
        let Some(schema) = self.hidden.first() else {
            return Ok(());
        };
        let schema = schema.escape_debug();
        let grants = grants::<DB>(connection, names, Need::Read).await;
        let help = format!(
            "{}Where another history is meant, say by `.schema(..)` in which schema it is",
            granting("the owner of the schema", &grants)
        );
        let diagnostic = Diagnostic::error(
            "history-hidden",
            format!("the history is in the schema `{schema}`, which this user may not look into"),
        )
        .why(
            "Without the right to use a schema the server says that its tables are not there. Taken \
             at its word, everything would be pending, and run again.",
        );
        Err(Error::new(ErrorKind::Database, diagnostic.help(help)))
    }

    /// That there is a history beside the search path.
    pub(crate) fn note_elsewhere(&self) -> Option<String> {
        let quoted = self
            .elsewhere
            .iter()
            .map(|schema| format!("`{}`", schema.escape_debug()));
        let schemas: Vec<_> = quoted.collect();
        (!schemas.is_empty()).then(|| {
            format!(
                "There is no history where unqualified names lead to, but one in the schema {}.",
                schemas.join(", and one in ")
            )
        })
    }
}

/// An error, with what is to be granted where a right to the history is missing.
pub(crate) async fn told<DB: Engine>(
    connection: &mut DB::Connection,
    names: &Names,
    need: Need,
    error: Error,
) -> Error {
    if error.is_about_statement() || !error.is_of_database(DB::is_denied) {
        return error;
    }
    let grants = grants::<DB>(connection, names, need).await;
    match grants.as_slice() {
        [] => error,
        some => error.help(&granting("the owner of the history", some)),
    }
}

fn granting(owner: &str, grants: &[String]) -> String {
    let lines: String = grants.iter().map(|sql| format!("\n{sql};")).collect();
    format!("let {owner}, or an administrator, grant that, then run it again:{lines}\n")
}

/// What this user lacks, as statements; nothing where the server does not tell.
async fn grants<DB: Engine>(
    connection: &mut DB::Connection,
    names: &Names,
    need: Need,
) -> Vec<String> {
    let Some(ask) = DB::ask_grants(names, need) else {
        return Vec::new();
    };
    let answers = DB::send(connection, &Message::of([Piece::query(ask)])).await;
    let Ok(answers) = answers else {
        return Vec::new();
    };
    let rows = answers.into_iter().flat_map(|answer| answer.rows);
    rows.filter_map(|row| row.into_iter().next().flatten())
        .collect()
}
