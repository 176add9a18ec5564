//! The indexes of MySQL on which foreign keys stand.
//!
//! InnoDB wants one in the table of a foreign key and one in the table that it refers to, see
//! <https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html>.

use crate::change::Name;
use crate::dialect::Family;
use crate::replay::{Done, Replay};
use crate::schema::{Body, Class, Index, Key, Object, Part, PartOf, Rule};
use crate::source::Span;

/// A foreign key and the columns of a table by which it finds rows there.
struct Lean {
    holder: Key,
    foreign: Name,
    columns: Vec<Name>,
    /// Whether the table is the one that is referred to.
    is_parent: bool,
}

impl Replay<'_> {
    /// MySQL makes an index for a foreign key unless one begins with its columns. It has the name
    /// that the foreign key was given, or that of any index without one.
    pub(in crate::replay) fn index_for_foreign_key(
        &mut self,
        key: &Key,
        given: Option<&Name>,
        columns: &[Name],
    ) {
        // One that it made by itself for the same columns gives way to the new one.
        let serves = |index: &Index| {
            begins_with(&index.parts, columns)
                && !(index.automatic && index.parts.len() == columns.len())
        };
        let served = self.indexes_of(key).iter().any(|index| {
            matches!(self.schema.get(index).map(|o| &o.body), Some(Body::Index(index)) if serves(index))
        });
        if served {
            return;
        }
        let parts: Vec<Part> = columns
            .iter()
            .map(|column| Part {
                what: PartOf::Column(column.clone()),
                order: "".into(),
            })
            .collect();
        let wanted = given.or(columns.first());
        let renames = self.indexes_of(key).iter().any(|place| {
            Some(&place.name) != wanted
                && matches!(
                    self.schema.get(place).map(|object| &object.body),
                    Some(Body::Index(index)) if index.automatic && index.parts == parts
                )
        });
        if renames {
            self.unknown(
                self.span,
                "whether the index of a foreign key takes the new name is not known",
            );
        }
        self.drop_automatic_indexes(key, &parts);
        let name = match given {
            Some(name) => name.clone(),
            None => self.mysql_index(key, &parts),
        };
        let place = Key::within(Class::Index, key, name);
        let index = Index {
            table: key.clone(),
            unique: false,
            method: "".into(),
            parts,
            include: Vec::new(),
            condition: None,
            options: Default::default(),
            constraint: None,
            part_of: None,
            automatic: true,
            open: false,
        };
        self.session.automatic.insert(place.clone());
        self.schema
            .put(place, Some(Object::new(Body::Index(index))));
    }

    /// An index that MySQL made by itself goes when another can serve. A dump does not tell which
    /// these are, so one that the UP has made may be one that stays when the DOWN runs.
    pub(in crate::replay) fn drop_automatic_indexes(&mut self, key: &Key, parts: &[Part]) {
        for place in self.indexes_of(key) {
            let gone = match self.schema.get(&place).map(|object| &object.body) {
                Some(Body::Index(index)) if index.automatic => {
                    let columns: Vec<Name> = super::columns_of(&index.parts);
                    begins_with(parts, &columns)
                }
                _ => false,
            };
            if !gone {
                continue;
            }
            if self.is_fresh(&place) && !self.session.automatic.contains(&place) {
                self.unknown(
                    self.span,
                    format!(
                        "whether `{}`, which the UP lets the server make for a foreign key, gives \
                         way is not known: in a database that came from a dump it stays",
                        place.name
                    ),
                );
            }
            self.schema.put(place, None);
        }
    }

    /// Does what may drop indexes of a table, and refuses it where a foreign key is left without.
    /// `named` is where an index is dropped.
    pub(in crate::replay) fn keeping_foreign_keys(
        &mut self,
        table: &Key,
        named: Span,
        work: impl FnOnce(&mut Self) -> Done,
    ) -> Done {
        if self.modelling.family != Family::MySql || self.session.unchecked {
            return work(self);
        }
        let any = |replay: &Self, serves: &dyn Fn(&Index) -> bool| {
            let indexes = replay.indexes_of(table).into_iter();
            indexes
                .filter_map(|place| match &replay.schema.get(&place)?.body {
                    Body::Index(index) => Some(index),
                    _ => None,
                })
                .any(serves)
        };
        let served = |replay: &Self, lean: &Lean| {
            any(replay, &|index| begins_with(&index.parts, &lean.columns))
        };
        // MySQL may want the columns that are referred to as a key of their own.
        let is_key = |replay: &Self, lean: &Lean| {
            any(replay, &|index| {
                index.unique
                    && index.parts.len() == lean.columns.len()
                    && begins_with(&index.parts, &lean.columns)
            })
        };
        let mut before = self.leaning_on(table);
        before.retain(|lean| served(self, lean));
        let mut keys = self.leaning_on(table);
        keys.retain(|lean| lean.is_parent && is_key(self, lean));
        work(self)?;
        let was = |lean: &Lean| {
            let same = |other: &&Lean| {
                (&other.holder, &other.foreign, other.is_parent)
                    == (&lean.holder, &lean.foreign, lean.is_parent)
            };
            before.iter().find(same)
        };
        let after = self.leaning_on(table);
        let served_before = || after.iter().filter(|lean| was(lean).is_some());
        let lost = served_before().find(|lean| !served(self, lean));
        if lost.is_none() && keys.iter().any(|lean| !is_key(self, lean)) {
            self.unknown(
                named,
                "whether an index that is no key serves those who refer to it is not known",
            );
        }
        let Some(lost) = lost else {
            if served_before().any(|lean| was(lean).is_some_and(|was| was.columns != lean.columns))
            {
                self.unknown(
                    named,
                    "whether a new index serves a column that gets another name is not known",
                );
            }
            return Some(());
        };
        let columns: Vec<&str> = lost.columns.iter().map(Name::as_str).collect();
        let columns = columns.join(", ");
        let message = format!(
            "foreign key `{}` of `{}` needs an index that begins with `{columns}`",
            lost.foreign, lost.holder.name
        );
        if self.may_have_more(table) {
            self.unknown(named, message);
            return Some(());
        }
        self.blocked(
            named,
            &lost.holder,
            message,
            format!(
                "Put another in its place in the same statement:\nALTER TABLE {} DROP INDEX …, ADD \
                 INDEX ({columns});\nOr drop the foreign key first:\nALTER TABLE {} DROP FOREIGN KEY {};",
                table.name, lost.holder.name, lost.foreign
            ),
        )
    }

    /// The foreign keys of a table, and those that refer to it.
    fn leaning_on(&self, table: &Key) -> Vec<Lean> {
        let mut found = Vec::new();
        let holders = self.schema.dependants(table).chain([table]);
        for holder in holders {
            let Some(body) = self.table(holder) else {
                continue;
            };
            for (name, constraint) in &body.constraints {
                let Rule::Foreign(foreign) = &constraint.rule else {
                    continue;
                };
                let mut lean = |columns: &[Name], is_parent| {
                    found.push(Lean {
                        holder: holder.clone(),
                        foreign: name.clone(),
                        columns: columns.to_vec(),
                        is_parent,
                    });
                };
                if holder == table {
                    lean(&foreign.columns, false);
                }
                if foreign.table == *table {
                    lean(&foreign.referenced, true);
                }
            }
        }
        found
    }
}

fn begins_with(parts: &[Part], columns: &[Name]) -> bool {
    parts.len() >= columns.len()
        && parts.iter().zip(columns).all(|(part, column)| {
            matches!(&part.what, PartOf::Column(name) if name == column)
                && !part.order.starts_with('(')
        })
}
