//! A table that is built anew under its name, as SQLite wants it for most changes:
//! create, copy, drop, rename. Together they are one change of one table.

use super::situation::{Act, Situation};
use crate::change::{Change, DataVerb, Ident, Kind, TableOrigin};
use crate::dialect::Family;
use crate::schema::{Key, Table};

/// One rebuild in a section.
pub(crate) struct Rebuild<'s> {
    /// The name that the table has before and after.
    pub(crate) table: Key,
    pub(crate) create: Act<'s>,
    /// The statements that copy rows; none for `CREATE TABLE … AS`.
    pub(crate) copies: Vec<Act<'s>>,
    pub(crate) drop: Act<'s>,
    pub(crate) rename: Act<'s>,
}

/// In which order a rebuild gives up the old name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The new table is made under another name and takes the old one's.
    DropFirst,
    /// The old table is given another name before the new one is made.
    RenameFirst,
}

impl<'s> Rebuild<'s> {
    /// In which order it gives up the old name.
    pub(crate) fn order(&self) -> Order {
        match self.rename.place.index < self.create.place.index {
            true => Order::RenameFirst,
            false => Order::DropFirst,
        }
    }

    /// The table as it was.
    pub(crate) fn before(&self) -> Option<&'s Table> {
        let first = match self.order() {
            Order::DropFirst => self.create,
            Order::RenameFirst => self.rename,
        };
        first.before().table(&self.table)
    }

    /// The table as it becomes.
    pub(crate) fn after(&self) -> Option<&'s Table> {
        let last = match self.order() {
            Order::DropFirst => self.rename,
            Order::RenameFirst => self.drop,
        };
        last.after().table(&self.table)
    }

    /// Whether a statement is a part of it.
    pub(crate) fn has(&self, act: Act<'_>) -> bool {
        let parts = [self.create, self.drop, self.rename];
        let mut parts = parts.iter().chain(&self.copies);
        parts.any(|part| part.place == act.place)
    }

    /// The columns that the copies name as theirs to fill; none where they name none.
    pub(crate) fn filled(&self) -> Vec<&'s Ident> {
        let named = self.copies.iter().filter_map(|copy| copy.data());
        named.flat_map(|data| &data.columns).collect()
    }
}

impl<'s> Situation<'s> {
    /// The rebuilds of the UP.
    pub(crate) fn rebuilds(&'s self) -> Vec<Rebuild<'s>> {
        rebuilds(self.up().collect(), self)
    }

    /// Whether a statement of the UP is a part of a rebuild.
    pub(crate) fn is_rebuilding(&'s self, act: Act<'_>) -> bool {
        let parts = self.rebuilding.get_or_init(|| {
            let rebuilds = self.rebuilds();
            let acts = self
                .up()
                .filter(|act| rebuilds.iter().any(|rebuild| rebuild.has(*act)));
            acts.map(|act| act.place.index).collect()
        });
        parts.contains(&act.place.index)
    }
}

fn rebuilds<'s>(acts: Vec<Act<'s>>, situation: &Situation<'_>) -> Vec<Rebuild<'s>> {
    if situation.dialect().modelling().family != Family::Sqlite {
        return Vec::new();
    }
    let drops = acts.iter().filter_map(|act| Some((*act, dropped(*act)?)));
    drops
        .filter_map(|(drop, old)| {
            let (before, behind) = acts.split_at(drop.place.index);
            let renamed_later = || {
                let renames = behind.iter().filter_map(|act| Some((*act, act.renames()?)));
                let mut renames = renames.filter(|(_, (_, to))| *to == old);
                renames.next().map(|(rename, (new, to))| (rename, new, to))
            };
            let renamed_before = || {
                let renames = before.iter().filter_map(|act| Some((*act, act.renames()?)));
                let mut renames = renames.filter(|(_, (_, to))| *to == old);
                renames
                    .next()
                    .map(|(rename, (new, _))| (rename, new.clone(), new))
            };
            let (rename, new, table) = renamed_later().or_else(renamed_before)?;
            let create = *before
                .iter()
                .find(|act| created(**act).as_ref() == Some(&new))?;
            let is_copy = |act: &&Act<'_>| {
                let is_insert = act.data().is_some_and(|data| data.verb == DataVerb::Insert);
                is_insert && act.writes_to(&new) && act.reads(&old)
            };
            let copies: Vec<Act<'_>> = before.iter().filter(is_copy).copied().collect();
            let is_copied = !copies.is_empty() || create.reads(&old);
            is_copied.then_some(Rebuild {
                table,
                create,
                copies,
                drop,
                rename,
            })
        })
        .collect()
}

fn dropped(act: Act<'_>) -> Option<Key> {
    match &act.step.change {
        Change::Drop(drop) => match drop.targets.as_slice() {
            [one] if one.kind == Kind::Table => act.before().relation(&one.name),
            _ => None,
        },
        _ => None,
    }
}

fn created(act: Act<'_>) -> Option<Key> {
    match &act.step.change {
        Change::CreateTable(create) => match create.origin {
            TableOrigin::Elements | TableOrigin::Query(_) => act.after().relation(&create.name),
            _ => None,
        },
        _ => None,
    }
}
