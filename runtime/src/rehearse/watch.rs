//! What a statement did besides its work: locks and rewrites, where the engine tells.

use std::collections::{BTreeMap, BTreeSet};

use super::{Blocks, TableLock, about_session};
use crate::engine::Engine;
use crate::error::Error;
use crate::message::{Message, Piece};

/// What was so before the next statement.
pub(super) struct Watch {
    /// The tables that were there at the beginning: what is born in a rehearsal is of no interest.
    names: BTreeMap<String, String>,
    /// Their files, as far as they are still there.
    files: BTreeMap<String, String>,
    /// The locks that are held, as number and mode.
    locks: BTreeSet<(String, String)>,
}

/// What the last statement did.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) locks: Vec<TableLock>,
    pub(super) rewrites: Vec<String>,
}

impl Watch {
    pub(super) async fn begin<DB: Engine>(connection: &mut DB::Connection) -> Result<Watch, Error> {
        let (storage, locks) = ask::<DB>(connection).await?;
        let names = storage
            .iter()
            .map(|(number, name, _)| (number.clone(), name.clone()));
        Ok(Watch {
            names: names.collect(),
            files: files(storage),
            locks,
        })
    }

    pub(super) async fn look<DB: Engine>(
        &mut self,
        connection: &mut DB::Connection,
    ) -> Result<Seen, Error> {
        let (storage, locks) = ask::<DB>(connection).await?;
        let (files, mut seen) = (files(storage), Seen::default());
        for (number, name) in &self.names {
            let changed = match (self.files.get(number), files.get(number)) {
                (Some(before), Some(after)) => before != after,
                _ => false,
            };
            if changed {
                seen.rewrites.push(name.clone());
            }
        }
        for (number, mode) in locks.difference(&self.locks) {
            if let Some(table) = self.names.get(number) {
                seen.locks.push(TableLock {
                    table: table.clone(),
                    mode: mode.clone(),
                    blocks: blocks(mode),
                });
            }
        }
        seen.locks.sort();
        self.files = files;
        self.locks.extend(locks);
        Ok(seen)
    }
}

type Storage = Vec<(String, String, String)>;

async fn ask<DB: Engine>(
    connection: &mut DB::Connection,
) -> Result<(Storage, BTreeSet<(String, String)>), Error> {
    let (Some(storage), Some(locks)) = (DB::ask_storage(), DB::ask_locks()) else {
        return Ok(Default::default());
    };
    // The locks first: looking at the tables takes some too, though only on catalogues.
    let message = Message::of([Piece::query(locks), Piece::query(storage)]);
    let answers = DB::send(connection, &message).await;
    let answers = answers.map_err(|refused| about_session::<DB>(refused.error))?;
    let mut answers = answers.into_iter().map(|answer| answer.rows);
    let (locks, storage) = (
        answers.next().unwrap_or_default(),
        answers.next().unwrap_or_default(),
    );
    let locks = locks
        .into_iter()
        .filter_map(|row| match <[_; 2]>::try_from(row) {
            Ok([Some(number), Some(mode)]) => Some((number, mode)),
            _ => None,
        });
    let storage = storage
        .into_iter()
        .filter_map(|row| match <[_; 3]>::try_from(row) {
            Ok([Some(number), Some(name), Some(file)]) => Some((number, name, file)),
            _ => None,
        });
    Ok((storage.collect(), locks.collect()))
}

fn files(storage: Storage) -> BTreeMap<String, String> {
    let files = storage.into_iter().map(|(number, _, file)| (number, file));
    files.collect()
}

fn blocks(mode: &str) -> Blocks {
    match mode {
        "AccessExclusiveLock" => Blocks::Everything,
        "ExclusiveLock" | "ShareRowExclusiveLock" | "ShareLock" => Blocks::Writes,
        "ShareUpdateExclusiveLock" => Blocks::SchemaChanges,
        _ => Blocks::Nobody,
    }
}
