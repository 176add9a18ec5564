//! `ALTER TABLE`, action by action.

mod change_column;
mod drop_column;

use super::lookup::Strictness;
use super::{Done, Finding, Replay};
use crate::change::{
    Action, AlterTable, ColumnChange, ColumnDef, Ident, IfExists, IfMissing, Kind, Position,
    Rename, SetSchema, Target, Verb,
};
use crate::dialect::Family;
use crate::schema::{Body, Class, Key};
use crate::source::Span;

/// Where SQLite has to read all that names anything anew.
fn names_change(actions: &[&Action]) -> Option<Span> {
    let rewrites = |action: &&&Action| {
        matches!(
            action.verb,
            Verb::RenameTo(_) | Verb::RenamePart { .. } | Verb::DropColumn { .. }
        )
    };
    actions.iter().find(rewrites).map(|action| action.span)
}

impl Replay<'_> {
    pub(super) fn alter_table(&mut self, alter: &AlterTable) -> Done {
        let key = match self.find(Class::Relation, &alter.name) {
            Some(key) => key,
            None if alter.if_missing == IfMissing::Skip && self.is_sure(&alter.name) => {
                return Some(());
            }
            None => self.relation(&alter.name, alter.kind)?,
        };
        let mut key = key;
        let mut actions: Vec<&Action> = alter.actions.iter().collect();
        if self.modelling.family == Family::Postgres {
            actions.sort_by_key(|action| pass(&action.verb));
        }
        // A foreign key stands on what columns are when all is done.
        let redefines = |action: &&Action| matches!(action.verb, Verb::Redefine { .. });
        if self.modelling.family == Family::MySql && actions.iter().any(redefines) {
            actions.sort_by_key(|action| match &action.verb {
                Verb::AddConstraint { constraint, .. } => {
                    matches!(constraint.rule, crate::change::ConstraintRule::Foreign(_))
                }
                _ => false,
            });
        }
        let drops = actions.iter().find_map(|action| match &action.verb {
            Verb::DropIndex { name, .. } | Verb::DropConstraint { name, .. } => Some(name.span),
            _ => None,
        });
        if let Some(dropped) = drops
            && self.modelling.family == Family::MySql
        {
            let table = key.clone();
            self.keeping_foreign_keys(&table, dropped, |replay| {
                replay.actions(&mut key, alter, actions)
            })?;
        } else {
            self.actions(&mut key, alter, actions)?;
        }
        self.settle(&key);
        Some(())
    }

    /// One action after the other; with the last of them the table may have another name.
    fn actions(&mut self, key: &mut Key, alter: &AlterTable, actions: Vec<&Action>) -> Done {
        if let Some(span) = names_change(&actions) {
            self.no_view_dangles(span);
        }
        for action in actions {
            self.is_for_it(key, alter, action)?;
            match &action.verb {
                Verb::RenameTo(to) => {
                    let target = Target {
                        kind: alter.kind,
                        name: alter.name.clone(),
                        owner: None,
                        arguments: None,
                    };
                    self.rename(&Rename {
                        target,
                        to: to.clone(),
                        if_missing: IfMissing::Fail,
                    })?;
                    *key = self.new_key(Class::Relation, to);
                }
                _ => self.action(key, alter, action)?,
            }
        }
        Some(())
    }

    /// Views and indexes have options of their own.
    fn is_for_it(&mut self, key: &Key, alter: &AlterTable, action: &Action) -> Done {
        if matches!(action.verb, Verb::RenameTo(_) | Verb::RenamePart { .. })
            || alter.kind == Kind::Table
        {
            return Some(());
        }
        let target = Target {
            kind: alter.kind,
            name: alter.name.clone(),
            owner: None,
            arguments: None,
        };
        self.is_named_right(key, &target, Strictness::Exact)
    }

    fn action(&mut self, key: &Key, alter: &AlterTable, action: &Action) -> Done {
        match &action.verb {
            Verb::AddColumn {
                column,
                if_exists,
                position,
            } => self.add_column(key, column, *if_exists, position.as_ref()),
            Verb::DropColumn {
                column,
                if_missing,
                behavior,
            } => self.drop_column(key, column, *if_missing, *behavior),
            Verb::AlterColumn { column, change } => self.alter_column(key, column, change),
            Verb::Redefine {
                column,
                definition,
                position,
                ..
            } => self.redefine(key, column, definition, position.as_ref()),
            Verb::AddConstraint {
                constraint,
                if_exists,
            } => {
                let there = constraint.name.as_ref().is_some_and(|name| {
                    self.table(key)
                        .is_some_and(|table| table.constraints.contains_key(&name.name))
                });
                match there && *if_exists == IfExists::Keep {
                    true => Some(()),
                    false => self.add_constraint(key, constraint),
                }
            }
            Verb::DropConstraint {
                name,
                which,
                if_missing,
                behavior,
            } => self.drop_constraint(key, name, *which, *if_missing, *behavior),
            Verb::ValidateConstraint(name) => self.constraint_traits(key, name, |traits| {
                traits.retain(|text| &**text != "not valid");
            }),
            Verb::AlterConstraint { name, traits } => {
                let traits = traits.clone();
                self.constraint_traits(key, name, |old| {
                    old.retain(|text| !text.contains("deferr"));
                    old.extend(traits);
                    old.sort();
                })
            }
            Verb::AddIndex(index) => self.add_index(key, index),
            Verb::DropIndex { name, if_missing } => {
                let name = crate::change::ObjectName {
                    schema: None,
                    name: name.name.clone(),
                    span: name.span,
                };
                self.drop_index(Some(key), &name, *if_missing, false)
            }
            Verb::RenamePart {
                kind,
                from,
                to,
                if_missing,
            } => self.rename_part(key, *kind, from, to, *if_missing),
            Verb::RenameTo(_) => Some(()),
            Verb::SetOption(option) => {
                self.set_relation_option(key, &option.name, &option.value);
                Some(())
            }
            Verb::ResetOption(name) => {
                self.set_relation_option(key, name, "");
                Some(())
            }
            Verb::TriggerState { trigger, state } => {
                self.trigger_state(key, trigger.as_ref(), state)
            }
            Verb::Owner(owner) => {
                let owner = owner.clone();
                self.schema.update(key, |object| object.owner = Some(owner));
                Some(())
            }
            Verb::SetSchema(schema) => self.set_schema(&SetSchema {
                target: Target {
                    kind: alter.kind,
                    name: alter.name.clone(),
                    owner: None,
                    arguments: None,
                },
                schema: schema.clone(),
                if_missing: IfMissing::Fail,
            }),
            Verb::AttachPartition { part, bound } => {
                let part = self.relation(part, Kind::Table)?;
                let parent = key.clone();
                let bound = bound.clone();
                if self.table(&part).is_none() {
                    return self.give_up(action.span, "partitioned indexes are not modelled");
                }
                self.unknown(
                    action.span,
                    "what attaching a partition adds to it is not modelled",
                );
                self.update_table(&part, |table| table.partition_of = Some((parent, bound)));
                Some(())
            }
            Verb::DetachPartition(part) => {
                let part = self.relation(part, Kind::Table)?;
                self.update_table(&part, |table| table.partition_of = None);
                Some(())
            }
            Verb::Inherit { parent, inherit } => {
                let parent = self.relation(parent, Kind::Table)?;
                let inherit = *inherit;
                let does = self
                    .table(key)
                    .is_some_and(|table| table.inherits.contains(&parent));
                if does == inherit {
                    return self.give_up(
                        action.span,
                        format!(
                            "whether `{}` inherits `{}` is not known",
                            key.name, parent.name
                        ),
                    );
                }
                self.update_table(key, |table| match inherit {
                    true => table.inherits.push(parent),
                    false => table.inherits.retain(|other| *other != parent),
                });
                Some(())
            }
            Verb::Nothing => Some(()),
            Verb::Other(words) => {
                self.update_table(key, |table| table.open = true);
                let words: String = words.text.chars().take(40).collect();
                self.unknown(action.span, format!("`{words}` is not modelled"));
                Some(())
            }
        }
    }

    /// An option of a relation; an empty value is the engine's own choice.
    fn set_relation_option(&mut self, key: &Key, name: &str, value: &str) {
        if name == "auto_increment" {
            return;
        }
        self.schema.update(key, |object| {
            let options = match &mut object.body {
                Body::Table(table) => &mut table.options,
                Body::View(view) => &mut view.options,
                Body::Index(index) => &mut index.options,
                _ => return,
            };
            match value.is_empty() {
                true => options.remove(name),
                false => options.insert(name.into(), value.into()),
            };
        });
        if name == "unlogged" {
            self.update_table(key, |table| {
                table.nature.retain(|word| *word != "UNLOGGED");
                if !value.is_empty() {
                    table.nature.push("UNLOGGED");
                    table.options.remove("unlogged");
                }
            });
        }
    }

    fn add_column(
        &mut self,
        key: &Key,
        column: &ColumnDef,
        if_exists: IfExists,
        position: Option<&Position>,
    ) -> Done {
        let name = &column.name;
        let (there, open) = match self.table(key) {
            Some(table) => (table.column(&name.name).is_some(), table.open),
            None => {
                return self.give_up(
                    name.span,
                    format!("`{}` is not known to be a table", key.name),
                );
            }
        };
        if there {
            if if_exists == IfExists::Keep {
                return Some(());
            }
            return self.refuse(Finding {
                code: "duplicate-object",
                span: name.span,
                message: format!("table `{}` has a column `{}` already", key.name, name.name),
                why: "The engine refuses a second one of that name.".to_owned(),
                help: "Choose another name, or delete the statement.".to_owned(),
                missing: None,
            });
        }
        if open && (if_exists == IfExists::Keep || self.guarded) {
            self.unknown(
                name.span,
                format!(
                    "whether `{}` had the column `{}` is not known",
                    key.name, name.name
                ),
            );
        }
        let demands = column
            .options
            .iter()
            .any(|option| matches!(option, crate::change::ColumnOption::NotNull));
        let gives = column.options.iter().any(|option| {
            matches!(
                option,
                crate::change::ColumnOption::Default(_)
                    | crate::change::ColumnOption::Identity(_)
                    | crate::change::ColumnOption::Generated(_)
            )
        });
        if demands && !gives && self.modelling.family != Family::MySql {
            self.rows_may_refuse(key, name, "would hold NULL");
        }
        let mut constraints = self.define_column(key, column, position)?;
        constraints.sort_by_key(|constraint| {
            matches!(constraint.rule, crate::change::ConstraintRule::Foreign(_))
        });
        for constraint in &constraints {
            self.add_constraint(key, constraint)?;
        }
        self.children(key, |replay, child| {
            replay.define_column(child, column, None);
        });
        Some(())
    }

    /// Does the same to every partition and every table that inherits.
    fn children(&mut self, key: &Key, mut change: impl FnMut(&mut Self, &Key)) {
        let child = |table: &crate::schema::Table| {
            table.inherits.contains(key)
                || table
                    .partition_of
                    .as_ref()
                    .is_some_and(|(parent, _)| parent == key)
        };
        let children: Vec<Key> = self
            .schema
            .dependants(key)
            .filter(|dependant| self.table(dependant).is_some_and(child))
            .cloned()
            .collect();
        for key in children {
            change(self, &key);
        }
    }

    fn constraint_traits(
        &mut self,
        key: &Key,
        name: &Ident,
        change: impl FnOnce(&mut Vec<std::sync::Arc<str>>),
    ) -> Done {
        let there = self
            .table(key)
            .is_some_and(|table| table.constraints.contains_key(&name.name));
        if !there {
            return self.give_up(
                name.span,
                format!("the constraint `{}` is not known", name.name),
            );
        }
        self.update_table(key, |table| {
            if let Some(constraint) = table.constraints.get_mut(&name.name) {
                change(&mut constraint.traits);
            }
        });
        Some(())
    }

    fn trigger_state(&mut self, key: &Key, trigger: Option<&Ident>, state: &str) -> Done {
        let triggers = match trigger {
            Some(trigger) => vec![Key::within(Class::Trigger, key, trigger.name.clone())],
            None => self.schema.within(Class::Trigger, key),
        };
        for place in triggers {
            if !self.schema.has(&place) {
                return self.give_up(
                    self.span,
                    format!("the trigger `{}` is not known", place.name),
                );
            }
            let state = if state == "enable" { "" } else { state };
            self.schema.update(&place, |object| {
                if let Body::Trigger(trigger) = &mut object.body {
                    trigger.state = state.into();
                }
            });
        }
        if trigger.is_none() {
            // The triggers of foreign keys are among them.
            self.unknown(
                self.span,
                "all triggers of a table are more than the model knows",
            );
        }
        Some(())
    }
}

/// In which pass over the table Postgres does an action, whatever the order in the statement.
fn pass(verb: &Verb) -> u8 {
    match verb {
        Verb::DropColumn { .. } | Verb::DropConstraint { .. } => 0,
        Verb::AlterColumn {
            change:
                ColumnChange::DropDefault
                | ColumnChange::DropNotNull
                | ColumnChange::DropIdentity(_)
                | ColumnChange::DropExpression(_),
            ..
        } => 0,
        Verb::AlterColumn {
            change: ColumnChange::Type { .. },
            ..
        } => 1,
        Verb::AddColumn { .. } => 2,
        Verb::AlterColumn { .. } => 3,
        Verb::AddConstraint { .. } => 4,
        _ => 5,
    }
}
