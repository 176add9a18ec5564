//! A column goes, and what stands on it goes along or is in the way.

use super::super::{Done, Replay};
use crate::change::{Behavior, Fragment, Ident, IfMissing, Name};
use crate::dialect::Family;
use crate::schema::{Body, Key, Object, PartOf, Rule};

impl Replay<'_> {
    pub(super) fn drop_column(
        &mut self,
        key: &Key,
        column: &Ident,
        if_missing: IfMissing,
        behavior: Behavior,
    ) -> Done {
        let there = self
            .table(key)
            .is_some_and(|table| table.column(&column.name).is_some());
        if !there && if_missing == IfMissing::Skip {
            // It is gone in any case.
            if self.may_have_more(key) {
                self.unknown(
                    column.span,
                    format!(
                        "whether `{}` had the column `{}` is not known",
                        key.name, column.name
                    ),
                );
            }
            return Some(());
        }
        self.column(key, column)?;
        self.nothing_needs(key, column, behavior)?;
        self.take_column(key, column);
        self.children(key, |replay, child| {
            if replay
                .table(child)
                .is_some_and(|t| t.column(&column.name).is_some())
            {
                replay.take_column(child, column);
            }
        });
        Some(())
    }

    /// Refuses to drop a column that something else needs, or takes that along.
    pub(super) fn nothing_needs(&mut self, key: &Key, column: &Ident, behavior: Behavior) -> Done {
        if self.modelling.family == Family::Sqlite {
            return self.sqlite_column_is_free(key, column);
        }
        for dependant in self.schema.dependants(key).cloned().collect::<Vec<_>>() {
            self.dependant_is_free(&dependant, key, column, behavior)?;
        }
        self.generated_are_free(key, column, behavior)
    }

    fn dependant_is_free(
        &mut self,
        dependant: &Key,
        key: &Key,
        column: &Ident,
        behavior: Behavior,
    ) -> Done {
        let name = &column.name;
        let dialect = self.schema.dialect();
        let Some(object) = self.schema.get(dependant).cloned() else {
            return Some(());
        };
        let cascades = behavior == Behavior::Cascade;
        match &object.body {
            Body::View(view) if view.columns_used.contains(&(key.clone(), name.clone())) => {
                if cascades {
                    self.drop_relation(dependant);
                    return Some(());
                }
                self.blocked(
                    column.span,
                    dependant,
                    format!("view `{}` reads the column `{name}`", dependant.name),
                    format!(
                        "Drop the view first, and make it again after:\nDROP VIEW {};",
                        dependant.name
                    ),
                )
            }
            Body::View(view)
                if self.modelling.tracks_dependants && view.query.mentions(name, dialect) =>
            {
                let why = format!(
                    "whether the view `{}` reads `{name}` is not known",
                    dependant.name
                );
                match behavior {
                    // It is gone if it does.
                    Behavior::Cascade => {
                        self.opaque(&why, std::slice::from_ref(&dependant.name), false, true);
                    }
                    Behavior::Restrict => self.unknown(column.span, why),
                }
                Some(())
            }
            Body::Table(table) if dependant != key => {
                let refers = |rule: &Rule| match rule {
                    Rule::Foreign(foreign) => {
                        foreign.table == *key && foreign.referenced.contains(name)
                    }
                    _ => false,
                };
                let referring = table.constraints.iter();
                let referring = referring.filter(|(_, constraint)| refers(&constraint.rule));
                for (foreign, _) in referring {
                    if !cascades {
                        return self.blocked(
                            column.span,
                            dependant,
                            format!(
                                "foreign key `{foreign}` of `{}` refers to `{name}`",
                                dependant.name
                            ),
                            format!(
                                "Drop it first:\nALTER TABLE {} DROP CONSTRAINT {foreign};",
                                dependant.name
                            ),
                        );
                    }
                    self.remove_constraint(dependant, foreign);
                }
                Some(())
            }
            Body::Trigger(trigger) if trigger.columns.contains(name) => {
                if cascades {
                    self.schema.put(dependant.clone(), None);
                    return Some(());
                }
                self.blocked(
                    column.span,
                    dependant,
                    format!("trigger `{}` watches the column `{name}`", dependant.name),
                    format!(
                        "Drop it first:\nDROP TRIGGER {} ON {};",
                        dependant.name, key.name
                    ),
                )
            }
            Body::Trigger(trigger)
                if self.modelling.tracks_dependants
                    && trigger.definition.mentions(name, dialect) =>
            {
                let why = format!(
                    "whether the trigger `{}` needs `{name}` is not known",
                    dependant.name
                );
                match behavior {
                    Behavior::Cascade => {
                        self.opaque(&why, std::slice::from_ref(&dependant.name), false, false);
                    }
                    Behavior::Restrict => self.unknown(column.span, why),
                }
                Some(())
            }
            Body::Other(other) if other.definition.mentions(name, dialect) => {
                match behavior {
                    Behavior::Cascade => self.schema.put(dependant.clone(), None),
                    Behavior::Restrict => self.unknown(
                        column.span,
                        format!("whether `{}` needs `{name}` is not known", dependant.name),
                    ),
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    /// Columns that are generated from the column.
    fn generated_are_free(&mut self, key: &Key, column: &Ident, behavior: Behavior) -> Done {
        let name = &column.name;
        let dialect = self.schema.dialect();
        let generated = self.table(key).and_then(|table| {
            let from_it = table.columns.iter().find(|other| {
                let generated = other.generated.as_ref();
                other.name != *name && generated.is_some_and(|(e, _)| e.mentions(name, dialect))
            });
            from_it.map(|other| other.name.clone())
        });
        match generated {
            Some(generated) if behavior == Behavior::Restrict => self.blocked(
                column.span,
                key,
                format!("the column `{generated}` is generated from `{name}`"),
                format!(
                    "Drop it first:\nALTER TABLE {} DROP COLUMN {generated};",
                    key.name
                ),
            ),
            Some(generated) => {
                self.take_column(
                    key,
                    &Ident {
                        name: generated,
                        span: column.span,
                    },
                );
                Some(())
            }
            None => Some(()),
        }
    }

    pub(super) fn sqlite_column_is_free(&mut self, key: &Key, column: &Ident) -> Done {
        let name = &column.name;
        for place in self.indexes_of(key) {
            let Some(Body::Index(index)) = self.schema.get(&place).map(|object| &object.body)
            else {
                continue;
            };
            let dialect = self.schema.dialect();
            let mentions = index.parts.iter().any(|part| match &part.what {
                PartOf::Column(part) => part == name,
                PartOf::Expression(expression) => expression.mentions(name, dialect),
            }) || index
                .condition
                .as_ref()
                .is_some_and(|c| c.mentions(name, dialect));
            if mentions {
                return self.blocked(
                    column.span,
                    &place,
                    format!("index `{}` is over the column `{name}`", place.name),
                    format!("Drop it first:\nDROP INDEX {};", place.name),
                );
            }
        }
        let held = self.table(key).and_then(|table| {
            table
                .constraints
                .values()
                .find_map(|constraint| match &constraint.rule {
                    Rule::PrimaryKey(..) if constraint.rule.columns().contains(name) => {
                        Some("the primary key")
                    }
                    Rule::Unique(..) if constraint.rule.columns().contains(name) => {
                        Some("a UNIQUE constraint")
                    }
                    _ => None,
                })
        });
        if let Some(what) = held {
            return self.blocked(
                column.span,
                key,
                format!("the column `{name}` is part of {what}"),
                "SQLite needs the table to be built anew: create, copy, drop, rename.".to_owned(),
            );
        }
        Some(())
    }

    /// Takes a column away, and what goes with it.
    pub(in crate::replay) fn take_column(&mut self, key: &Key, column: &Ident) {
        let name = &column.name;
        let dialect = self.schema.dialect();
        for sequence in self.sequences_of(key, name) {
            self.schema.put(sequence, None);
        }
        let gone: Vec<_> = match self.table(key) {
            Some(table) => table
                .constraints
                .iter()
                .filter(|(_, constraint)| match &constraint.rule {
                    Rule::Check(text) | Rule::Exclude(text) => text.mentions(name, dialect),
                    rule => rule.columns().contains(name),
                })
                .map(|(name, _)| name.clone())
                .collect(),
            None => Vec::new(),
        };
        if self.modelling.family == Family::MySql {
            self.shrink_indexes(key, column);
            self.remove_own_checks(key, name);
        } else {
            for constraint in gone {
                self.remove_constraint(key, &constraint);
            }
            for place in self.indexes_of(key) {
                let Some(Body::Index(index)) = self.schema.get(&place).map(|o| &o.body) else {
                    continue;
                };
                let mentions = index.parts.iter().any(|part| match &part.what {
                    PartOf::Column(part) => part == name,
                    PartOf::Expression(expression) => expression.mentions(name, dialect),
                }) || index.include.contains(name)
                    || index
                        .condition
                        .as_ref()
                        .is_some_and(|c| c.mentions(name, dialect));
                if mentions {
                    self.schema.put(place, None);
                }
            }
        }
        self.update_table(key, |table| {
            table.columns.retain(|other| other.name != *name)
        });
    }

    /// MySQL drops a check along with the only column that it is about. A check of several columns
    /// forbids the drop.
    pub(super) fn remove_own_checks(&mut self, key: &Key, column: &Name) {
        let dialect = self.schema.dialect();
        let Some(table) = self.table(key) else { return };
        let mentions_another = |check: &Fragment| {
            let mut others = table.columns.iter().filter(|other| other.name != *column);
            others.any(|other| check.mentions(&other.name, dialect))
        };
        let own = table
            .constraints
            .iter()
            .filter(|(_, constraint)| match &constraint.rule {
                Rule::Check(check) => check.mentions(column, dialect) && !mentions_another(check),
                _ => false,
            });
        let own: Vec<_> = own.map(|(name, _)| name.clone()).collect();
        for check in own {
            self.remove_constraint(key, &check);
        }
    }

    /// MySQL takes the column out of every index.
    pub(super) fn shrink_indexes(&mut self, key: &Key, column: &Ident) {
        for place in self.indexes_of(key) {
            let Some(object) = self.schema.get(&place).cloned() else {
                continue;
            };
            let mut object = Object::clone(&object);
            let Body::Index(index) = &mut object.body else {
                continue;
            };
            let is_it = |part: &crate::schema::Part| matches!(&part.what, PartOf::Column(name) if *name == column.name);
            if !index.parts.iter().any(is_it) {
                continue;
            }
            index.parts.retain(|part| !is_it(part));
            let (parts, constraint) = (index.parts.clone(), index.constraint.clone());
            if parts.is_empty() {
                match constraint {
                    Some(constraint) => self.remove_constraint(key, &constraint),
                    None => self.schema.put(place, None),
                }
                continue;
            }
            if let Some(constraint) = constraint {
                self.update_table(key, |table| {
                    if let Some(constraint) = table.constraints.get_mut(&constraint)
                        && let Rule::Unique(old, _) | Rule::PrimaryKey(old, _) =
                            &mut constraint.rule
                    {
                        *old = parts;
                    }
                });
            }
            self.schema.put(place, Some(object));
        }
    }
}
