//! Indexes.

mod serving;

use super::{Done, Replay, constraint, word};
use crate::change::{CreateIndex, Ident, IfExists, IfMissing, Kind, Name, ObjectName};
use crate::dialect::Family;
use crate::schema::print;
use crate::schema::{Body, Class, Constraint, Index, Key, Object, Part, PartOf, Rule, Table};

impl Replay<'_> {
    /// `CREATE INDEX`
    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Done {
        let table = create.table.as_ref()?;
        let key = self.relation(table, Kind::Table)?;
        self.add_index(&key, create)
    }

    /// `CREATE INDEX`, or an index inside of a statement about its table.
    pub(super) fn add_index(&mut self, key: &Key, create: &CreateIndex) -> Done {
        let parts = self.parts(key, &create.key)?;
        if self.modelling.family == Family::MySql {
            self.drop_automatic_indexes(key, &parts);
        }
        let name = match &create.name {
            Some(name) => name.name.clone(),
            None => {
                let table = self.table(key).cloned().unwrap_or_default();
                self.index_name(key, &table, &parts)
            }
        };
        let place = self.index_key(key, name.clone());
        if self.schema.has(&place) {
            if create.if_exists == IfExists::Keep {
                return Some(());
            }
            let span = create.name.as_ref().map_or(self.span, |name| name.span);
            let name = ObjectName {
                schema: None,
                name: name.clone(),
                span,
            };
            if create.if_exists != IfExists::Replace {
                self.is_free(&place, &name, Kind::Index)?;
            }
        } else if (create.if_exists == IfExists::Keep || self.guarded) && self.doubted_name(&name) {
            self.unknown(self.span, "whether the index was there is not known");
        }
        let temporary = self
            .schema
            .get(key)
            .is_some_and(|object| object.is_temporary());
        if temporary {
            return Some(());
        }
        // Whichever way it is said, MySQL makes the same of it.
        if create.unique && self.modelling.family == Family::MySql {
            let constraint = Constraint {
                rule: Rule::Unique(parts, "".into()),
                traits: constraint::traits_of(&create.key),
                comment: None,
            };
            self.put_constraint(key, name, constraint);
            return Some(());
        }
        let index = Index {
            table: key.clone(),
            unique: create.unique,
            method: match &*create.method {
                "btree" => "".into(),
                _ => create.method.clone(),
            },
            parts,
            include: create
                .key
                .include
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            condition: create.condition.clone(),
            options: constraint::options(&create.key),
            constraint: None,
            part_of: None,
            automatic: false,
            open: false,
        };
        if !create.only {
            self.index_partitions(key, &place, &index);
        }
        self.schema
            .put(place, Some(Object::new(Body::Index(index))));
        Some(())
    }

    /// An index of a partitioned table has one on each partition: one that is there, or a new one.
    fn index_partitions(&mut self, table: &Key, parent: &Key, index: &Index) {
        let is_part = |table: &Table, of: &Key| {
            table
                .partition_of
                .as_ref()
                .is_some_and(|(parent, _)| parent == of)
        };
        let parts: Vec<Key> = self
            .schema
            .dependants(table)
            .filter(|key| self.table(key).is_some_and(|part| is_part(part, table)))
            .cloned()
            .collect();
        for part in parts {
            let like = |other: &Index| {
                other.part_of.is_none()
                    && other.parts == index.parts
                    && other.unique == index.unique
                    && other.method == index.method
                    && other.condition == index.condition
            };
            let there = self.indexes_of(&part).into_iter().find(|place| {
                matches!(self.schema.get(place).map(|o| &o.body), Some(Body::Index(other)) if like(other))
            });
            let place = match there {
                Some(place) => place,
                None => {
                    let own = self.table(&part).cloned().unwrap_or_default();
                    self.index_key(&part, self.index_name(&part, &own, &index.parts))
                }
            };
            let mut own = index.clone();
            own.table = part.clone();
            own.part_of = Some(parent.clone());
            self.index_partitions(&part, &place, &own);
            self.schema.put(place, Some(Object::new(Body::Index(own))));
        }
    }

    /// Whether something opaque mentioned the name.
    pub(super) fn doubted_name(&self, name: &Name) -> bool {
        let doubted = |name| self.schema.has(&super::doubt_key(self.schema, name));
        doubted(name.clone())
    }

    /// `DROP INDEX`; the table is known where indexes belong to tables.
    pub(super) fn drop_index(
        &mut self,
        table: Option<&Key>,
        name: &ObjectName,
        if_missing: IfMissing,
        cascade: bool,
    ) -> Done {
        let found = match table {
            Some(table) => {
                let key = Key::within(Class::Index, table, name.name.clone());
                self.schema.has(&key).then_some(key)
            }
            None => self.find(Class::Relation, name),
        };
        let Some(key) = found else {
            if if_missing == IfMissing::Skip && table.is_none() && self.is_elsewhere(name) {
                return Some(());
            }
            let open = table.is_some_and(|table| self.may_have_more(table));
            if open || !self.is_sure(name) || self.has_open_tables(name) {
                return self.give_up(name.span, format!("the index `{name}` is not known"));
            }
            return match (if_missing, table) {
                (IfMissing::Skip, _) => Some(()),
                (IfMissing::Fail, None) => self.missing(name, Kind::Index),
                (IfMissing::Fail, Some(table)) => {
                    let key = Key::within(Class::Index, table, name.name.clone());
                    let there = self.schema.within(Class::Index, table).into_iter();
                    let near: Vec<_> = there.map(|key| key.name.to_string()).collect();
                    self.missing_among(name, Kind::Index, key, &near)
                }
            };
        };
        let object = self.schema.get(&key).cloned()?;
        let Body::Index(index) = &object.body else {
            if self.passes_over(if_missing) {
                return Some(());
            }
            return self.wrong_kind(name, Kind::Index, &object);
        };
        if let Some(constraint) = &index.constraint {
            if self.modelling.family == Family::MySql {
                let (table, constraint) = (index.table.clone(), constraint.clone());
                self.remove_constraint(&table, &constraint);
                return Some(());
            }
            let message = format!("index `{name}` serves the constraint `{constraint}`");
            let help = format!(
                "Drop the constraint, the index goes with it:\nALTER TABLE {} DROP CONSTRAINT {constraint};",
                index.table.name
            );
            return self.blocked(name.span, &index.table.clone(), message, help);
        }
        let parts: Vec<Key> = self.schema.dependants(&key).cloned().collect();
        for part in parts {
            self.schema.put(part, None);
        }
        if index.unique && self.modelling.tracks_dependants {
            self.key_is_free(&index.clone(), name, cascade)?;
        }
        self.schema.put(key, None);
        Some(())
    }

    /// A foreign key may lean on a unique index.
    fn key_is_free(&mut self, index: &Index, name: &ObjectName, cascade: bool) -> Done {
        let key = Constraint {
            rule: Rule::Unique(index.parts.clone(), "".into()),
            traits: Vec::new(),
            comment: None,
        };
        for (table, foreign) in self.referring(&index.table, &key) {
            if !cascade {
                return self.blocked(
                    name.span,
                    &table,
                    format!(
                        "foreign key `{foreign}` of `{}` needs the index `{name}`",
                        table.name
                    ),
                    format!(
                        "Drop it first:\nALTER TABLE {} DROP CONSTRAINT {foreign};",
                        table.name
                    ),
                );
            }
            self.remove_constraint(&table, &foreign);
        }
        Some(())
    }

    /// Whether a table of that schema may have an index of that name that the model does not know:
    /// one that was made outside has any, another has some that the engine named after it.
    fn has_open_tables(&self, name: &ObjectName) -> bool {
        let key = self.new_key(Class::Relation, name);
        let may_have = |(table, object): (&Key, &std::sync::Arc<Object>)| match &object.body {
            Body::Table(body) if body.open && !body.columns.is_empty() => {
                let beginning = crate::change::cut(table.name.key(), 20);
                name.name.key().starts_with(beginning)
            }
            _ => object.is_open(),
        };
        self.schema
            .in_schema(Class::Relation, &key.schema)
            .any(may_have)
    }

    pub(super) fn wrong_kind(&mut self, name: &ObjectName, kind: Kind, object: &Object) -> Done {
        if object.is_open() {
            return self.give_up(name.span, format!("what `{name}` is is not known"));
        }
        self.refuse(super::Finding {
            code: "unknown-object",
            span: name.span,
            message: format!("`{name}` is not a {}", word(kind)),
            why: "The engine refuses the statement for objects of another kind.".to_owned(),
            help: format!("Name the kind that it is: {}.", print::word(&object.body)),
            missing: None,
        })
    }

    pub(super) fn blocked(
        &mut self,
        span: crate::source::Span,
        by: &Key,
        message: String,
        help: String,
    ) -> Done {
        if self.lost_sight() && !self.is_fresh(by) {
            return self.give_up(span, message);
        }
        self.refuse(super::Finding {
            code: "dependent-object-blocks",
            span,
            message,
            why: "The engine refuses to drop what others depend on.".to_owned(),
            help,
            missing: None,
        })
    }

    /// What a part of a table becomes when an index on it is renamed.
    pub(super) fn rename_index(&mut self, table: &Key, from: &Ident, to: &Ident) -> Done {
        let place = Key::within(Class::Index, table, from.name.clone());
        let Some(object) = self.schema.get(&place).cloned() else {
            return self.give_up(from.span, format!("the index `{}` is not known", from.name));
        };
        let mut object = Object::clone(&object);
        if let Body::Index(index) = &mut object.body {
            index.automatic = false;
            if index.constraint.is_some() {
                index.constraint = Some(to.name.clone());
                self.rename_constraint(table, &from.name, &to.name);
            }
        }
        self.schema.put(place, None);
        let place = Key::within(Class::Index, table, to.name.clone());
        self.schema.put(place, Some(object));
        Some(())
    }

    pub(super) fn rename_constraint(&mut self, table: &Key, from: &Name, to: &Name) {
        self.update_table(table, |table: &mut Table| {
            if let Some(constraint) = table.constraints.remove(from) {
                table.constraints.insert(to.clone(), constraint);
            }
        });
    }
}

/// The columns of parts, expressions left out.
pub(super) fn columns_of(parts: &[Part]) -> Vec<Name> {
    parts
        .iter()
        .filter_map(|part| match &part.what {
            PartOf::Column(name) => Some(name.clone()),
            PartOf::Expression(_) => None,
        })
        .collect()
}
