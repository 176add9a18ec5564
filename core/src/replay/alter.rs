//! `ALTER TABLE`, action by action.

use super::column::set_type;
use super::{Done, Finding, Replay};
use crate::change::{
    Action, AlterTable, Behavior, ColumnChange, ColumnDef, Fragment, Ident, IfExists, IfMissing,
    Kind, Name, Position, Rename, SetSchema, Target, Verb,
};
use crate::dialect::Family;
use crate::schema::{Body, Class, Key, Object, PartOf, Rule};

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
        for action in actions {
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
                    key = self.new_key(Class::Relation, to);
                }
                _ => self.action(&key, alter, action)?,
            }
        }
        self.settle(&key);
        Some(())
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

    fn drop_column(
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
            return match self.may_have_more(key) {
                true => self.give_up(
                    column.span,
                    format!(
                        "whether `{}` had the column `{}` is not known",
                        key.name, column.name
                    ),
                ),
                false => Some(()),
            };
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
    fn nothing_needs(&mut self, key: &Key, column: &Ident, behavior: Behavior) -> Done {
        let name = &column.name;
        if self.modelling.family == Family::Sqlite {
            return self.sqlite_column_is_free(key, column);
        }
        for dependant in self.schema.dependants(key).cloned().collect::<Vec<_>>() {
            let Some(object) = self.schema.get(&dependant).cloned() else {
                continue;
            };
            match &object.body {
                Body::View(view) if view.columns_used.contains(&(key.clone(), name.clone())) => {
                    if behavior == Behavior::Cascade {
                        self.drop_relation(&dependant);
                        continue;
                    }
                    return self.blocked(
                        column.span,
                        &dependant,
                        format!("view `{}` reads the column `{name}`", dependant.name),
                        format!(
                            "Drop the view first, and make it again after:\nDROP VIEW {};",
                            dependant.name
                        ),
                    );
                }
                Body::View(view)
                    if self.modelling.tracks_dependants
                        && view.query.mentions(name, self.schema.dialect()) =>
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
                }
                Body::Table(table) => {
                    let referring: Vec<_> = table
                        .constraints
                        .iter()
                        .filter(|(_, constraint)| match &constraint.rule {
                            Rule::Foreign(foreign) => {
                                foreign.table == *key && foreign.referenced.contains(name)
                            }
                            _ => false,
                        })
                        .map(|(name, _)| name.clone())
                        .collect();
                    if let Some(foreign) = referring.first()
                        && dependant != *key
                    {
                        if behavior == Behavior::Cascade {
                            for foreign in &referring {
                                self.remove_constraint(&dependant, foreign);
                            }
                            continue;
                        }
                        return self.blocked(
                            column.span,
                            &dependant,
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
                }
                Body::Trigger(trigger) if trigger.columns.contains(name) => {
                    if behavior == Behavior::Cascade {
                        self.schema.put(dependant, None);
                        continue;
                    }
                    return self.blocked(
                        column.span,
                        &dependant,
                        format!("trigger `{}` watches the column `{name}`", dependant.name),
                        format!(
                            "Drop it first:\nDROP TRIGGER {} ON {};",
                            dependant.name, key.name
                        ),
                    );
                }
                Body::Trigger(trigger)
                    if self.modelling.tracks_dependants
                        && trigger.definition.mentions(name, self.schema.dialect()) =>
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
                }
                Body::Other(other) if other.definition.mentions(name, self.schema.dialect()) => {
                    if behavior == Behavior::Cascade {
                        self.schema.put(dependant, None);
                        continue;
                    }
                    self.unknown(
                        column.span,
                        format!("whether `{}` needs `{name}` is not known", dependant.name),
                    );
                }
                _ => {}
            }
        }
        let generated = self.table(key).and_then(|table| {
            table
                .columns
                .iter()
                .find(|other| {
                    other.name != *name
                        && other
                            .generated
                            .as_ref()
                            .is_some_and(|(e, _)| e.mentions(name, self.schema.dialect()))
                })
                .map(|other| other.name.clone())
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

    fn sqlite_column_is_free(&mut self, key: &Key, column: &Ident) -> Done {
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
    pub(super) fn take_column(&mut self, key: &Key, column: &Ident) {
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
    fn remove_own_checks(&mut self, key: &Key, column: &Name) {
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
    fn shrink_indexes(&mut self, key: &Key, column: &Ident) {
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

    fn alter_column(&mut self, key: &Key, column: &Ident, change: &ColumnChange) -> Done {
        if matches!(
            self.schema.get(key).map(|o| &o.body),
            Some(Body::View(_) | Body::Index(_))
        ) {
            return self.give_up(column.span, "columns of views and indexes are not modelled");
        }
        self.known_column(key, column)?;
        let name = column.name.clone();
        match change {
            ColumnChange::Type {
                data_type,
                collation,
                using,
            } => {
                self.type_is_free(key, column)?;
                self.labels_fit(key, column, data_type)?;
                self.converts(key, column, data_type, using.as_ref())?;
                let text = data_type.text.clone();
                let collation = collation.clone();
                let default = self
                    .table(key)
                    .and_then(|table| table.column(&name))
                    .and_then(|column| column.default.clone());
                let default = default.and_then(|default| self.default_of(&default, &text));
                let user_type = self.user_type(&text);
                self.expressions_follow(key, column, &text);
                self.update_column(key, &name, |column| {
                    column.data_type = text.clone();
                    column.user_type = user_type;
                    column.collation = collation;
                    column.default = default;
                });
                for sequence in self.sequences_of(key, &name) {
                    self.schema.update(&sequence, |object| {
                        if let Body::Sequence(sequence) = &mut object.body
                            && sequence.identity
                        {
                            set_type(sequence, &text);
                        }
                    });
                }
            }
            ColumnChange::SetNotNull => {
                self.rows_may_refuse(key, column, "may hold NULL");
                self.update_column(key, &name, |column| column.not_null = true);
            }
            ColumnChange::DropNotNull => {
                let primary = self.table(key).and_then(|table| table.primary_key());
                if primary.is_some_and(|(_, parts)| super::index::columns_of(parts).contains(&name))
                {
                    return self.refuse(Finding {
                        code: "unsupported-by-engine",
                        span: column.span,
                        message: format!("column `{name}` is in the primary key"),
                        why: "The columns of a primary key forbid NULL.".to_owned(),
                        help: "Drop the primary key first, or delete the statement.".to_owned(),
                        missing: None,
                    });
                }
                self.update_column(key, &name, |column| column.not_null = false);
            }
            ColumnChange::SetDefault(value) => {
                let data_type = self
                    .table(key)
                    .and_then(|table| table.column(&name))
                    .map(|column| column.data_type.clone())
                    .unwrap_or_default();
                let default = self.default_of(value, &data_type);
                let draws_from = self.sequence_in(default.as_ref());
                self.update_column(key, &name, |column| {
                    column.default = default;
                    column.draws_from = draws_from;
                });
            }
            ColumnChange::DropDefault => {
                self.update_column(key, &name, |column| {
                    column.default = None;
                    column.draws_from = None;
                });
            }
            ColumnChange::AddIdentity(identity) => {
                let definition = ColumnDef {
                    name: column.clone(),
                    data_type: None,
                    options: vec![crate::change::ColumnOption::Identity(identity.clone())],
                    span: column.span,
                };
                let (_, _, sequence) = self.column_of(key, &definition);
                let data_type = self
                    .table(key)
                    .and_then(|table| table.column(&name))
                    .map(|column| column.data_type.clone())
                    .unwrap_or_default();
                let always = identity.always;
                self.update_column(key, &name, |column| column.identity = Some(always));
                if let Some(mut sequence) = sequence {
                    set_type(&mut sequence, &data_type);
                    self.own_sequence(key, &name, sequence);
                }
            }
            ColumnChange::SetIdentity { always, options } => {
                if let Some(always) = always {
                    self.update_column(key, &name, |column| column.identity = Some(*always));
                }
                for place in self.sequences_of(key, &name) {
                    self.set_sequence(&place, options);
                }
            }
            ColumnChange::DropIdentity(_) => {
                self.update_column(key, &name, |column| column.identity = None);
                for place in self.sequences_of(key, &name) {
                    let identity = matches!(
                        self.schema.get(&place).map(|object| &object.body),
                        Some(Body::Sequence(sequence)) if sequence.identity
                    );
                    if identity {
                        self.schema.put(place, None);
                    }
                }
            }
            ColumnChange::DropExpression(_) => {
                self.update_column(key, &name, |column| column.generated = None);
            }
            ColumnChange::SetExpression(expression) => {
                let expression = expression.clone();
                self.update_column(key, &name, |column| {
                    if let Some((old, _)) = &mut column.generated {
                        *old = expression;
                    }
                });
            }
            ColumnChange::SetOption(option) => {
                self.update_column(key, &name, |column| {
                    let usual = option.value.is_empty()
                        || &*option.value == "-1"
                        || &*option.value == "default";
                    match usual {
                        true => column.options.remove(&option.name),
                        false => column
                            .options
                            .insert(option.name.clone(), option.value.clone()),
                    };
                });
            }
        }
        Some(())
    }

    /// Rows that migrations put into the table may forbid what the statement demands.
    fn rows_may_refuse(&mut self, key: &Key, column: &Ident, why: &str) {
        if self.table(key).is_some_and(|table| table.filled) {
            self.unknown(
                column.span,
                format!("rows of `{}` {why} in `{}`", key.name, column.name),
            );
        }
    }

    /// Refuses a change of type for which the engine knows no conversion by itself.
    fn converts(
        &mut self,
        key: &Key,
        column: &Ident,
        data_type: &crate::change::Type,
        using: Option<&crate::change::Fragment>,
    ) -> Done {
        if self.modelling.family != Family::Postgres {
            return Some(());
        }
        let old = self
            .table(key)
            .and_then(|table| table.column(&column.name))?;
        if let Some(using) = using {
            let dialect = self.schema.dialect();
            let strange = using.columns(dialect).into_iter().find(|name| {
                *name != key.name
                    && self
                        .table(key)
                        .is_some_and(|table| table.column(name).is_none())
            });
            if let Some(name) = strange {
                let span = using.span;
                return self.column(key, &Ident { name, span });
            }
            return Some(());
        }
        let (old, new) = (family_of(&old.data_type), family_of(&data_type.text));
        let automatic = match (old, new) {
            (Some(old), Some(new)) => {
                old == new || new == "text" || (old == "date" && new == "date")
            }
            _ => true,
        };
        if automatic {
            return Some(());
        }
        self.refuse(Finding {
            code: "unsupported-by-engine",
            span: column.span,
            message: format!(
                "column `{}` cannot be cast to {} automatically",
                column.name, data_type.text
            ),
            why: "The engine converts by itself only between types of one kind.".to_owned(),
            help: format!("Say how:\nUSING {}::{}", column.name, data_type.text),
            missing: None,
        })
    }

    /// Labels of an enum in defaults and conditions stay those of the old type, which the engine
    /// neither casts nor compares with those of another.
    fn labels_fit(&mut self, key: &Key, column: &Ident, data_type: &crate::change::Type) -> Done {
        let dialect = self.schema.dialect();
        let is_enum = |key: &Key| {
            matches!(
                self.schema.get(key).map(|object| &object.body),
                Some(Body::Enum(_))
            )
        };
        let Some(table) = self.table(key) else {
            return Some(());
        };
        let Some(old) = table.column(&column.name) else {
            return Some(());
        };
        let (Some(from), Some(to)) = (&old.user_type, self.user_type(&data_type.text)) else {
            return Some(());
        };
        if *from == to || !is_enum(from) || !is_enum(&to) || self.may_have_more(key) {
            return Some(());
        }
        let literal = old
            .default
            .as_ref()
            .is_some_and(|default| default.text.starts_with('\''));
        let compares = |text: &Fragment| text.compares_with_text(&column.name, dialect);
        let checked = table
            .constraints
            .iter()
            .find(|(_, constraint)| matches!(&constraint.rule, Rule::Check(text) if compares(text)))
            .map(|(name, _)| format!("check `{name}`"));
        let indexed = self.indexes_of(key).into_iter().find(|place| {
            matches!(
                self.schema.get(place).map(|object| &object.body),
                Some(Body::Index(index)) if index.condition.as_ref().is_some_and(&compares)
            )
        });
        let holder = match (literal, checked, indexed) {
            (true, ..) => "its default".to_owned(),
            (_, Some(check), _) => check,
            (_, _, Some(index)) => format!("index `{}`", index.name),
            _ => return Some(()),
        };
        self.refuse(Finding {
            code: "unsupported-by-engine",
            span: column.span,
            message: format!(
                "column `{}` cannot become {}: {holder} names a label of `{}`",
                column.name, data_type.text, from.name
            ),
            why: "A label in a default or a condition belongs to the old type.".to_owned(),
            help: "Drop it before, and make it again after.".to_owned(),
            missing: None,
        })
    }

    /// Expressions over a column are read again when its type changes, with casts where the engine
    /// needs them; [`follow`](super::follow) knows which of them stay when the type comes back.
    fn expressions_follow(&mut self, key: &Key, column: &Ident, data_type: &str) {
        if self.modelling.family != Family::Postgres {
            return;
        }
        let dialect = self.schema.dialect();
        let Some(table) = self.table(key).cloned() else {
            return;
        };
        let Some(old) = table.column(&column.name).map(|old| old.data_type.clone()) else {
            return;
        };
        let columns: Vec<Name> = table
            .columns
            .iter()
            .map(|other| other.name.clone())
            .collect();
        let change = super::follow::Retyped {
            column: &column.name,
            columns: &columns,
            before: &old,
            after: data_type,
            dialect,
        };
        let mut followed = true;
        let mut rewritten = Vec::new();
        for (name, constraint) in &table.constraints {
            match &constraint.rule {
                Rule::Check(text) => match change.read_again(text) {
                    Some(text) => rewritten.push((name.clone(), text)),
                    None => followed = false,
                },
                Rule::Exclude(text) => followed &= !text.mentions(&column.name, dialect),
                _ => {}
            }
        }
        self.update_table(key, |table| {
            for (name, text) in rewritten {
                if let Some(constraint) = table.constraints.get_mut(&name) {
                    constraint.rule = Rule::Check(text);
                }
            }
        });
        followed &= !table.columns.iter().any(|other| {
            other
                .generated
                .as_ref()
                .is_some_and(|(text, _)| text.mentions(&column.name, dialect))
        });
        for place in self.indexes_of(key) {
            self.schema.update(&place, |object| {
                let Body::Index(index) = &mut object.body else {
                    return;
                };
                let expressions = index
                    .parts
                    .iter_mut()
                    .filter_map(|part| match &mut part.what {
                        PartOf::Expression(text) => Some(text),
                        PartOf::Column(_) => None,
                    });
                for text in expressions.chain(&mut index.condition) {
                    match change.read_again(text) {
                        Some(again) => *text = again,
                        None => {
                            index.open = true;
                            followed = false;
                        }
                    }
                }
            });
        }
        if !followed {
            self.unknown(
                column.span,
                format!(
                    "how expressions over `{}` follow its type is not modelled",
                    column.name
                ),
            );
        }
    }

    pub(super) fn update_column(
        &mut self,
        key: &Key,
        name: &crate::change::Name,
        change: impl FnOnce(&mut crate::schema::Column),
    ) {
        self.update_table(key, |table| {
            if let Some(column) = table.column_mut(name) {
                change(column);
            }
        });
    }

    /// Refuses to change the type of a column that a view surely reads.
    fn type_is_free(&mut self, key: &Key, column: &Ident) -> Done {
        if !self.modelling.tracks_dependants {
            return Some(());
        }
        for dependant in self.schema.dependants(key).cloned().collect::<Vec<_>>() {
            let Some(object) = self.schema.get(&dependant) else {
                continue;
            };
            let Body::View(view) = &object.body else {
                continue;
            };
            if view
                .columns_used
                .contains(&(key.clone(), column.name.clone()))
            {
                return self.blocked(
                    column.span,
                    &dependant,
                    format!(
                        "view `{}` reads the column `{}`",
                        dependant.name, column.name
                    ),
                    format!(
                        "Drop the view first, and make it again after:\nDROP VIEW {};",
                        dependant.name
                    ),
                );
            }
            if view.query.mentions(&column.name, self.schema.dialect()) {
                self.unknown(
                    column.span,
                    format!(
                        "whether the view `{}` reads `{}` is not known",
                        dependant.name, column.name
                    ),
                );
            }
        }
        Some(())
    }

    fn redefine(
        &mut self,
        key: &Key,
        column: &Ident,
        definition: &ColumnDef,
        position: Option<&Position>,
    ) -> Done {
        self.known_column(key, column)?;
        if column.name != definition.name.name {
            self.rename_column(key, &column.name, &definition.name.name);
        }
        let (new, constraints, _) = self.column_of(key, definition);
        let name = new.name.clone();
        self.update_table(key, |table| {
            let Some(at) = table.columns.iter().position(|old| old.name == name) else {
                return;
            };
            let mut new = new;
            new.grants = table.columns[at].grants.clone();
            table.columns.remove(at);
            let at = match position {
                None => at,
                Some(Position::First) => 0,
                Some(Position::After(other)) => table
                    .columns
                    .iter()
                    .position(|old| old.name == other.name)
                    .map_or(table.columns.len(), |at| at + 1),
            };
            table.columns.insert(at, new);
        });
        for constraint in &constraints {
            self.add_constraint(key, constraint)?;
        }
        Some(())
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

/// Types between which Postgres converts by itself.
fn family_of(data_type: &str) -> Option<&'static str> {
    let base = data_type.split('(').next().unwrap_or(data_type);
    if base.ends_with("[]") {
        return None;
    }
    Some(match base {
        "text" | "character varying" | "character" | "citext" | "name" => "text",
        "integer" | "bigint" | "smallint" | "numeric" | "real" | "double precision" => "number",
        "boolean" => "boolean",
        "json" | "jsonb" => "json",
        "uuid" => "uuid",
        "bytea" => "bytea",
        "date" | "timestamp without time zone" | "timestamp with time zone" => "date",
        _ => return None,
    })
}
