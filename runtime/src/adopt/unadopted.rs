//! Before the first run: whether another tool has applied these very migrations already.
//!
//! A project that has moved here, and whose database was not adopted, would run everything once
//! more. A `CREATE TABLE` stops that by itself; what changes rows, or takes care to be repeatable,
//! does not.

use std::collections::{BTreeSet, HashSet};

use backstitch_core::{Diagnostic, Migration, Set};

use super::judge::{versions, width_of};
use super::text::basis;
use super::tool::{TheirRow, Theirs, Tool};
use super::{Adopt, read};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::history;
use crate::message::{Message, Piece};
use crate::migrator::Migrator;
use crate::plan::Plan;
use crate::session::Session;

/// How many ids a message names.
const NAMED: usize = 3;

impl<DB: Engine> Migrator<'_, DB> {
    /// What `up` does: [`plan_up`](Migrator::plan_up), and where nothing was ever applied here, a
    /// look at the tables of other tools.
    pub(crate) async fn decide(&self, session: &mut Session<'_, DB>) -> Result<Plan, Error> {
        let plan = self.plan_up(session)?;
        self.refuse_unadopted(session).await?;
        Ok(plan)
    }

    /// A query for the tables of other tools, where they count.
    pub(crate) fn ask_other_tools(&self) -> Option<String> {
        let tables: BTreeSet<&str> = Tool::ALL.into_iter().map(Tool::table).collect();
        let ask = || DB::ask_tables(&tables.into_iter().collect::<Vec<_>>());
        (!self.allows_other_tool()).then(ask)
    }

    /// Makes sure that no other tool has applied these migrations. It is asked for while the history
    /// is empty, by one query, or by none where the look around has asked that.
    ///
    /// # Errors
    /// When one has.
    pub(crate) async fn refuse_unadopted(
        &self,
        session: &mut Session<'_, DB>,
    ) -> Result<(), Error> {
        let Some(query) = self.ask_other_tools().filter(|_| session.rows.is_empty()) else {
            return Ok(());
        };
        let Some(found) = find(session, query, self.set()).await else {
            return Ok(());
        };
        // Somebody may have adopted meanwhile; and what was adopted and taken back is pending.
        session.look_again().await?;
        match session.rows.is_empty() && !has_gone_back(session).await {
            true => Err(refusal(&found)),
            false => Ok(()),
        }
    }
}

/// The history of another tool that has migrations of ours.
struct Found {
    tool: Tool,
    rows: usize,
    /// Of ours.
    ids: Vec<String>,
}

async fn find<DB: Engine>(
    session: &mut Session<'_, DB>,
    query: String,
    set: &Set,
) -> Option<Found> {
    let answer = match session.also.take() {
        Some(answer) => answer,
        None => {
            let message = Message::of([Piece::query(query)]);
            let answers = DB::send(session.connection, &message).await.ok()?;
            answers.into_iter().next()?
        }
    };
    let there: HashSet<String> = answer.rows.into_iter().flatten().flatten().collect();
    for tool in Tool::ALL {
        if !there.contains(tool.table()) {
            continue;
        }
        // What cannot be read, by this role or by what this tool does, tells nothing.
        let Ok(theirs) = read::<DB>(session.connection, &Adopt::new(tool)).await else {
            continue;
        };
        let ids = ours_among(set, tool, &theirs);
        if !ids.is_empty() {
            let rows = theirs.rows.len();
            return Some(Found { tool, rows, ids });
        }
    }
    None
}

/// The ids of our migrations that the tool has applied, or has begun to.
fn ours_among(set: &Set, tool: Tool, theirs: &Theirs) -> Vec<String> {
    let width = width_of(set);
    let newest_of = |row: &TheirRow| {
        let same = |version| set.migrations.iter().find(|one| one.version == version);
        let found = versions(&row.version, width).into_iter().find_map(same);
        found.filter(|migration| is_same(tool, row, migration))
    };
    let newest: Vec<u64> = theirs
        .rows
        .iter()
        .filter_map(newest_of)
        .map(|migration| migration.version)
        .collect();
    let is_applied = |migration: &&Migration| match theirs.is_only_newest {
        true => newest.iter().any(|newest| migration.version <= *newest),
        false => newest.contains(&migration.version),
    };
    let ours = set.migrations.iter().filter(is_applied);
    ours.map(|migration| migration.id.clone()).collect()
}

/// Two tools that share a database on purpose may well count from one: where theirs keeps names, a
/// migration of another name is another, unless its text is the same.
fn is_same(tool: Tool, row: &TheirRow, migration: &Migration) -> bool {
    let plain = |name: &str| {
        let words = name.split(|sign: char| !sign.is_ascii_alphanumeric());
        let words = words.filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("_").to_ascii_lowercase()
    };
    let slug = migration.id.split_once('_').map_or("", |(_, slug)| slug);
    match row.name.as_deref().filter(|name| !name.is_empty()) {
        None => true,
        Some(name) => plain(name) == slug || basis(tool, row, migration).is_some(),
    }
}

/// Whether something was taken back here, so that the history was not always empty.
async fn has_gone_back<DB: Engine>(session: &mut Session<'_, DB>) -> bool {
    let sql = history::select_a_rollback::<DB>(&session.names);
    let message = Message::of([Piece::query(sql)]);
    let answers = DB::send(session.connection, &message).await;
    answers.is_ok_and(|answers| answers.iter().any(|answer| !answer.rows.is_empty()))
}

fn refusal(found: &Found) -> Error {
    let Found { tool, rows, ids } = found;
    let (table, count) = (tool.table(), ids.len());
    let these = match count {
        1 => "one of these migrations".to_owned(),
        _ => format!("{count} of these migrations"),
    };
    let mut named = ids
        .iter()
        .take(NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = count.checked_sub(NAMED).filter(|more| *more > 0) {
        named += &format!(" and {more} more");
    }
    let function = tool.name().replace('-', "_");
    let rows = match rows {
        1 => "1 row".to_owned(),
        _ => format!("{rows} rows"),
    };
    Error::new(
        ErrorKind::NotAdopted,
        Diagnostic::error(
            "not-adopted",
            format!("{tool} has applied {these} to this database"),
        )
        .why(format!(
            "Its table `{table}` has {rows}, and they name {named}; the history here is empty. \
             What has run would run once more."
        ))
        .help(format!(
            "take its history over, which runs nothing: `.adopt(&pool, Adopt::{function}())`, or\n\
             backstitch adopt --from {tool}\n\
             or, where both are to migrate this database: `.other_tool(OtherTool::Allow)`"
        )),
    )
}
