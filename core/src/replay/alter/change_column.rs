//! A column gets another type, default, nullability or identity, and what stands on it follows.

use super::super::column::set_type;
use super::super::index::columns_of;
use super::super::{Done, Finding, Replay};
use crate::change::{
    ColumnChange, ColumnDef, ColumnOption, Fragment, Ident, Identity, IfMissing, Name, Position,
    Type,
};
use crate::dialect::Family;
use crate::schema::{Body, Key, PartOf, Rule};

impl Replay<'_> {
    pub(super) fn alter_column(
        &mut self,
        key: &Key,
        column: &Ident,
        change: &ColumnChange,
    ) -> Done {
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
            } => self.retype(key, column, data_type, collation.as_ref(), using.as_ref())?,
            ColumnChange::SetNotNull => {
                self.rows_may_refuse(key, column, "may hold NULL");
                self.update_column(key, &name, |column| column.not_null = true);
            }
            ColumnChange::DropNotNull => self.allow_null(key, column)?,
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
            ColumnChange::AddIdentity(identity) => self.add_identity(key, column, identity),
            ColumnChange::SetIdentity { always, options } => {
                self.is_identity(key, column)?;
                if let Some(always) = always {
                    self.update_column(key, &name, |column| column.identity = Some(*always));
                }
                for place in self.sequences_of(key, &name) {
                    self.set_sequence(&place, options);
                }
            }
            ColumnChange::DropIdentity(if_missing) => {
                if *if_missing == IfMissing::Fail {
                    self.is_identity(key, column)?;
                }
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
            ColumnChange::DropExpression(if_missing) => {
                let generated = self.table(key).and_then(|table| table.column(&name));
                let generated = generated.is_some_and(|column| column.generated.is_some());
                if !generated && *if_missing == IfMissing::Fail {
                    return self.give_up(
                        column.span,
                        format!("the column `{name}` is not known to be a generated one"),
                    );
                }
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
                        || &*option.value == "default"
                        || (&*option.name == "storage"
                            && Some(&*option.value) == usual_storage(&column.data_type));
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

    fn retype(
        &mut self,
        key: &Key,
        column: &Ident,
        data_type: &Type,
        collation: Option<&Fragment>,
        using: Option<&Fragment>,
    ) -> Done {
        self.type_is_free(key, column)?;
        self.labels_fit(key, column, data_type)?;
        self.converts(key, column, data_type, using)?;
        let name = &column.name;
        let text = data_type.text.clone();
        let default = self
            .table(key)
            .and_then(|table| table.column(name))
            .and_then(|column| column.default.clone());
        let default = default.and_then(|default| self.default_of(&default, &text));
        let user_type = self.user_type(&text);
        self.expressions_follow(key, column, &text);
        self.update_column(key, name, |column| {
            column.data_type = text.clone();
            column.user_type = user_type;
            column.collation = collation.cloned();
            column.default = default;
        });
        for sequence in self.sequences_of(key, name) {
            self.schema.update(&sequence, |object| {
                if let Body::Sequence(sequence) = &mut object.body
                    && sequence.identity
                {
                    set_type(sequence, &text);
                }
            });
        }
        Some(())
    }

    fn allow_null(&mut self, key: &Key, column: &Ident) -> Done {
        let name = &column.name;
        let primary = self.table(key).and_then(|table| table.primary_key());
        if primary.is_some_and(|(_, parts)| columns_of(parts).contains(name)) {
            return self.refuse(Finding {
                code: "unsupported-by-engine",
                span: column.span,
                message: format!("column `{name}` is in the primary key"),
                why: "The columns of a primary key forbid NULL.".to_owned(),
                help: "Drop the primary key first, or delete the statement.".to_owned(),
                missing: None,
            });
        }
        self.update_column(key, name, |column| column.not_null = false);
        Some(())
    }

    fn add_identity(&mut self, key: &Key, column: &Ident, identity: &Identity) {
        let name = &column.name;
        let definition = ColumnDef {
            name: column.clone(),
            data_type: None,
            options: vec![ColumnOption::Identity(identity.clone())],
            span: column.span,
        };
        let (_, _, sequence) = self.column_of(key, &definition);
        let data_type = self
            .table(key)
            .and_then(|table| table.column(name))
            .map(|column| column.data_type.clone())
            .unwrap_or_default();
        let always = identity.always;
        self.update_column(key, name, |column| column.identity = Some(always));
        if let Some(mut sequence) = sequence {
            set_type(&mut sequence, &data_type);
            self.own_sequence(key, name, sequence);
        }
    }

    /// Whether a column counts by itself: `None` ends the statement.
    fn is_identity(&mut self, key: &Key, column: &Ident) -> Done {
        let found = self.table(key).and_then(|table| table.column(&column.name));
        match found.is_some_and(|column| column.identity.is_some()) {
            true => Some(()),
            false => self.give_up(
                column.span,
                format!(
                    "the column `{}` is not known to be an identity",
                    column.name
                ),
            ),
        }
    }

    /// Rows that migrations put into the table may forbid what the statement demands.
    pub(super) fn rows_may_refuse(&mut self, key: &Key, column: &Ident, why: &str) {
        if self.table(key).is_some_and(|table| table.filled) {
            self.unknown(
                column.span,
                format!("rows of `{}` {why} in `{}`", key.name, column.name),
            );
        }
    }

    /// Refuses a change of type for which the engine knows no conversion by itself.
    pub(super) fn converts(
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
    pub(super) fn labels_fit(
        &mut self,
        key: &Key,
        column: &Ident,
        data_type: &crate::change::Type,
    ) -> Done {
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
    pub(super) fn expressions_follow(&mut self, key: &Key, column: &Ident, data_type: &str) {
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
        let change = super::super::follow::Retyped {
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

    pub(in crate::replay) fn update_column(
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
    pub(super) fn type_is_free(&mut self, key: &Key, column: &Ident) -> Done {
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

    pub(super) fn redefine(
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
        self.checks_of_column(key, column);
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
}

/// How Postgres stores values of that type, where nobody says otherwise.
fn usual_storage(data_type: &str) -> Option<&'static str> {
    let base = data_type.split('(').next().unwrap_or_default().trim();
    if base.ends_with("[]") {
        return Some("extended");
    }
    Some(match base {
        "text" | "character varying" | "character" | "bytea" | "json" | "jsonb" | "xml"
        | "tsvector" | "bit" | "bit varying" => "extended",
        "numeric" | "inet" | "cidr" => "main",
        "smallint" | "integer" | "bigint" | "real" | "double precision" | "boolean" | "uuid"
        | "date" | "oid" | "interval" => "plain",
        _ if base.starts_with("time") => "plain",
        _ => return None,
    })
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
