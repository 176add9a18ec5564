//! What is made and is no table: views, sequences, types, routines, triggers and the rest.

use std::collections::BTreeSet;

use super::column::set_type;
use super::lookup::class_of;
use super::{Done, Replay};
use crate::change::{
    AlterSequence, Columns, CreateExtension, CreateOther, CreateRoutine, CreateSchema,
    CreateSequence, CreateTrigger, CreateType, CreateView, IfExists, IfMissing, Kind, Name,
    ObjectName, SequenceOption, Type, TypeDefinition, Uses, expand, renamed,
};
use crate::dialect::Family;
use crate::schema::{
    Body, Class, Extension, Key, Object, Other, Routine, Sequence, Trigger, View, by_name,
};

/// The option of a view under which the model keeps what a star stood for.
pub(crate) const STAR: &str = "*";

/// Relations and routines that a query reads, and the columns that it surely reads.
type Reads = (BTreeSet<Key>, BTreeSet<(Key, Name)>);

/// What the options of a view begin with that are comments on its columns.
pub(super) const COMMENT_ON: &str = "comment on ";

/// The types of arguments as the key of a routine holds them.
pub(super) fn arguments_text(arguments: &[Type]) -> String {
    let texts: Vec<&str> = arguments
        .iter()
        .map(|argument| argument.text.split('(').next().unwrap_or_default())
        .collect();
    texts.join(",")
}

impl Replay<'_> {
    pub(super) fn create_view(&mut self, create: &CreateView) -> Done {
        let key = self.new_key(Class::Relation, &create.name);
        let (uses, mut columns_used) = self.used_by(&create.query.uses);
        let (output, stars) = self.view_columns(create, &mut columns_used);
        let before = self.schema.get(&key).cloned();
        self.hides(create.temporary, &key, &create.name)?;
        if let Some(before) = &before {
            match create.if_exists {
                IfExists::Keep => return Some(()),
                IfExists::Replace if matches!(before.body, Body::View(_)) || before.is_open() => {}
                _ => self.is_free(&key, &create.name, Kind::View)?,
            }
        } else {
            self.may_be_there(create.if_exists, &create.name, "view");
        }
        let mut view = View {
            materialized: create.materialized,
            columns: match create.columns.is_empty() {
                true => None,
                false => Some(
                    create
                        .columns
                        .iter()
                        .map(|column| column.name.clone())
                        .collect(),
                ),
            },
            output,
            stars,
            query: create.query.text.clone(),
            uses,
            columns_used,
            options: self.view_options(create),
            open: false,
            temporary: create.temporary,
        };
        if let Some(before) = &before
            && let Body::View(old) = &before.body
        {
            self.replaces(&key, create, old, &view)?;
            // Its columns stay what they are.
            let comments = old.options.iter();
            let comments = comments.filter(|(name, _)| name.starts_with(COMMENT_ON));
            let comments = comments.map(|(name, text)| (name.clone(), text.clone()));
            view.options.extend(comments);
        }
        let mut object = match &before {
            Some(before) => Object::clone(before),
            None => Object::new(Body::Doubt),
        };
        object.body = Body::View(view);
        self.schema.put(key, Some(object));
        Some(())
    }

    /// The columns of a view, and what each star in its query stands for.
    fn view_columns(
        &self,
        create: &CreateView,
        used: &mut BTreeSet<(Key, Name)>,
    ) -> (Columns, Vec<Columns>) {
        let names = create.columns.iter().map(|column| column.name.clone());
        if !create.query.uses.star || !self.modelling.tracks_dependants {
            let output = match create.columns.is_empty() {
                true => create.query.uses.output.clone(),
                false => Some(names.collect()),
            };
            return (output, Vec::new());
        }
        let mut columns_of = |name: &ObjectName| self.columns_of(name).map(|(_, names)| names);
        let found = expand(&create.query.text, self.schema.dialect(), &mut columns_of);
        for (key, columns) in found.whole.iter().filter_map(|name| self.columns_of(name)) {
            used.extend(columns.into_iter().map(|column| (key.clone(), column)));
        }
        (renamed(found.output, names), found.stars)
    }

    /// The columns of a table or view, where nothing but what the model knows can be there.
    pub(super) fn columns_of(&self, name: &ObjectName) -> Option<(Key, Vec<Name>)> {
        let key = self.find(Class::Relation, name)?;
        if self.may_have_more(&key) || self.was_doubted(name) {
            return None;
        }
        let columns = match &self.schema.get(&key)?.body {
            Body::Table(table) if table.inherits.is_empty() => {
                let names = table.columns.iter().map(|column| column.name.clone());
                names.collect()
            }
            Body::View(view) => view.output.clone()?,
            _ => return None,
        };
        let is_known = columns.iter().all(|column| !column.as_str().is_empty());
        is_known.then_some((key, columns))
    }

    /// The options of a view, and what a star in its query stood for when it was made.
    fn view_options(
        &self,
        create: &CreateView,
    ) -> std::collections::BTreeMap<std::sync::Arc<str>, std::sync::Arc<str>> {
        let mut options = by_name(&create.options);
        if create.query.uses.star && self.modelling.tracks_dependants {
            let mut columns = Vec::new();
            for used in &create.query.uses.relations {
                if let Some(table) = self
                    .find(Class::Relation, &used.name)
                    .and_then(|key| self.table(&key).cloned())
                {
                    columns.extend(
                        table
                            .columns
                            .into_iter()
                            .map(|column| column.name.as_str().to_owned()),
                    );
                }
            }
            options.insert(STAR.into(), columns.join(", ").into());
        }
        options
    }

    /// Refuses a view in place of another that has columns which it has not.
    fn replaces(&mut self, key: &Key, create: &CreateView, old: &View, new: &View) -> Done {
        let is_same = old.query == new.query && old.output == new.output && old.stars == new.stars;
        if self.modelling.family != Family::Postgres || is_same {
            return Some(());
        }
        if self.was_remade(key) && old.query != new.query {
            // What was made anew under that name may have columns of other types.
            self.unknown(
                create.name.span,
                "whether the types of its columns allow to replace the view is not known",
            );
        }
        let (Some(before), Some(after)) = (&old.output, &new.output) else {
            self.unknown(
                create.name.span,
                "whether the columns of the view allow to replace it is not known",
            );
            return Some(());
        };
        let renamed = before
            .iter()
            .zip(after)
            .find(|(old, new)| old != new && !old.as_str().is_empty() && !new.as_str().is_empty());
        let message = match renamed {
            Some((old, new)) => format!(
                "the column `{old}` of view `{}` would become `{new}`",
                create.name
            ),
            None if after.len() < before.len() => {
                format!(
                    "view `{}` would lose {} of its columns",
                    create.name,
                    before.len() - after.len()
                )
            }
            None => return Some(()),
        };
        if old.open {
            return self.give_up(create.name.span, message);
        }
        self.refuse(super::Finding {
            code: "replace-incompatible",
            span: create.name.span,
            message,
            why: "OR REPLACE keeps the columns of a view, and only adds some at the end."
                .to_owned(),
            help: format!("Drop it first:\nDROP VIEW {};", create.name),
            missing: None,
        })
    }

    /// Whether the migration that is replayed has dropped an object and made it anew.
    fn was_remade(&self, key: &Key) -> bool {
        let Some(began) = self.session.began else {
            return false;
        };
        let mut entries = self
            .schema
            .since(began)
            .iter()
            .filter(|entry| entry.key == *key);
        let was_there = entries.next().is_some_and(|first| first.before.is_some());
        was_there && entries.any(|entry| entry.before.is_none())
    }

    /// Notes that a function in SQL may give back other columns than those of the table that it
    /// says, where they can be counted.
    fn gives_rows(&mut self, create: &CreateRoutine) {
        let in_sql = create
            .options
            .iter()
            .any(|option| &*option.name == "language" && option.value.trim_matches('\'') == "sql");
        let Some(returns) = create.returns.as_ref().filter(|_| in_sql) else {
            return;
        };
        let text = returns.text.strip_prefix("setof ").unwrap_or(&returns.text);
        let name = self.written_name(text);
        let Some(table) = self
            .find(Class::Relation, &name)
            .and_then(|key| self.table(&key))
        else {
            return;
        };
        let columns = table.columns.len();
        let dialect = self.schema.dialect();
        let block = crate::change::statements(&create.body, dialect);
        let Some(last) = block.scope.steps.last() else {
            return;
        };
        let last = crate::change::read(&create.body, last.span, dialect);
        if let Ok(crate::change::Change::Data(data)) = last
            && let Some(output) = &data.uses.output
            && !table.open
            && output.len() != columns
        {
            self.unknown(
                create.name.span,
                format!(
                    "the function gives {} columns and `{text}` has {columns}",
                    output.len()
                ),
            );
        }
    }

    /// The relations that a query reads, and the columns that it surely reads.
    fn used_by(&mut self, uses: &Uses) -> Reads {
        let mut keys = BTreeSet::new();
        let mut columns = BTreeSet::new();
        for used in &uses.relations {
            let Some(key) = self.find(Class::Relation, &used.name) else {
                // A view may stand there before what it reads, and is in the way of others then.
                if self.modelling.family == Family::Sqlite
                    && uses.complete
                    && self.is_sure(&used.name)
                {
                    keys.insert(self.new_key(Class::Relation, &used.name));
                }
                continue;
            };
            let alias = used.alias.clone().unwrap_or_else(|| key.name.clone());
            // The same name twice may stand for two tables.
            let twice = uses
                .relations
                .iter()
                .filter(|other| other.alias.as_ref().unwrap_or(&other.name.name) == &alias)
                .count();
            if let Some(table) = self.table(&key)
                && twice == 1
            {
                for (qualifier, column) in &uses.columns {
                    if qualifier.as_ref() == Some(&alias) && table.column(&column.name).is_some() {
                        columns.insert((key.clone(), column.name.clone()));
                    }
                }
            }
            keys.insert(key);
        }
        for function in &uses.functions {
            let place = self.new_key(Class::Routine, function);
            let routines: Vec<Key> = self
                .schema
                .in_schema(Class::Routine, &place.schema)
                .filter(|(key, _)| key.name == place.name)
                .map(|(key, _)| key.clone())
                .collect();
            if routines.len() == 1 {
                keys.extend(routines);
            }
        }
        (keys, columns)
    }

    pub(super) fn create_sequence(&mut self, create: &CreateSequence) -> Done {
        let key = self.new_key(Class::Relation, &create.name);
        if self.schema.has(&key) {
            if create.if_exists == IfExists::Keep {
                return Some(());
            }
            self.is_free(&key, &create.name, Kind::Sequence)?;
        } else {
            self.may_be_there(create.if_exists, &create.name, "sequence");
        }
        let sequence = Sequence {
            temporary: create.temporary,
            ..Sequence::default()
        };
        self.schema
            .put(key.clone(), Some(Object::new(Body::Sequence(sequence))));
        self.set_sequence(&key, &create.options);
        Some(())
    }

    pub(super) fn alter_sequence(&mut self, alter: &AlterSequence) -> Done {
        let found = self.find(Class::Relation, &alter.name);
        let Some(key) = found else {
            if alter.if_missing == IfMissing::Skip && self.is_sure(&alter.name) {
                return Some(());
            }
            if self.is_sure(&alter.name) {
                return self.missing(&alter.name, Kind::Sequence);
            }
            return self.give_up(
                alter.name.span,
                format!("the sequence `{}` is not known", alter.name),
            );
        };
        if let Some(object) = self.schema.get(&key).cloned()
            && !matches!(object.body, Body::Sequence(_))
        {
            return self.wrong_kind(&alter.name, Kind::Sequence, &object);
        }
        self.set_sequence(&key, &alter.options);
        Some(())
    }

    /// Applies options to a sequence.
    pub(super) fn set_sequence(&mut self, key: &Key, options: &[SequenceOption]) {
        for option in options {
            let owner = match option {
                SequenceOption::OwnedBy(Some((table, column))) => {
                    let Some(table) = self.find(Class::Relation, table) else {
                        self.unknown(self.span, format!("the table `{table}` is not known"));
                        continue;
                    };
                    Some(Some((table, column.name.clone())))
                }
                SequenceOption::OwnedBy(None) => Some(None),
                _ => None,
            };
            let Some(object) = self.schema.get(key).cloned() else {
                return;
            };
            let mut object = Object::clone(&object);
            if let Body::Sequence(sequence) = &mut object.body {
                match (option, owner) {
                    (_, Some(owner)) => sequence.owned_by = owner,
                    (SequenceOption::As(data_type), _) => set_type(sequence, &data_type.text),
                    (option, None) => self.set_sequence_option(sequence, option),
                }
                // Limits that are those of the type are the engine's own choice.
                if sequence
                    .options
                    .get("maxvalue")
                    .is_some_and(|max| &**max == "2147483647")
                    && sequence
                        .options
                        .get("as")
                        .is_some_and(|t| &**t == "integer")
                {
                    sequence.options.remove("maxvalue");
                }
            }
            self.schema.put(key.clone(), Some(object));
        }
    }

    pub(super) fn create_type(&mut self, create: &CreateType) -> Done {
        let key = self.new_key(Class::Type, &create.name);
        self.is_free(&key, &create.name, Kind::Type)?;
        self.may_be_there(IfExists::Fail, &create.name, "type");
        let body = match &create.definition {
            TypeDefinition::Enum(labels) => Body::Enum(labels.clone()),
            TypeDefinition::Composite(attributes) => Body::Composite(
                attributes
                    .iter()
                    .map(|attribute| {
                        let data_type = attribute.data_type.as_ref();
                        (
                            attribute.name.name.clone(),
                            data_type.map_or_else(|| "".into(), |t| t.text.clone()),
                        )
                    })
                    .collect(),
            ),
            TypeDefinition::Other(definition) => Body::Other(Other {
                words: "TYPE",
                table: None,
                definition: definition.clone(),
                attributes: Default::default(),
            }),
        };
        self.schema.put(key, Some(Object::new(body)));
        Some(())
    }

    pub(super) fn create_routine(&mut self, create: &CreateRoutine) -> Done {
        let mut key = self.new_key(Class::Routine, &create.name);
        let arguments = arguments_text(&create.arguments);
        key.within = Some(Name::uncut(&arguments, self.schema.dialect()));
        let before = self.schema.get(&key).cloned();
        if before.is_some() {
            match create.if_exists {
                IfExists::Keep => return Some(()),
                IfExists::Replace => {
                    if let Some(Body::Routine(old)) = before.as_deref().map(|object| &object.body) {
                        self.replaces_function(create, old)?;
                    }
                }
                IfExists::Fail => self.is_free(&key, &create.name, create.kind)?,
            }
        } else {
            self.may_be_there(create.if_exists, &create.name, "function");
        }
        self.gives_rows(create);
        let routine = Routine {
            kind: create.kind,
            signature: create.signature.clone(),
            returns: create.returns.clone(),
            options: by_name(&create.options),
            body: create.body.clone(),
            open: false,
        };
        let mut object = match &before {
            Some(before) => Object::clone(before),
            None => Object::new(Body::Doubt),
        };
        object.body = Body::Routine(routine);
        self.schema.put(key, Some(object));
        Some(())
    }

    pub(super) fn create_trigger(&mut self, create: &CreateTrigger) -> Done {
        let table = self.relation(&create.table, Kind::Table)?;
        let key = match self.modelling.triggers_belong_to_tables {
            true => Key::within(Class::Trigger, &table, create.name.name.clone()),
            false => self.new_key(Class::Trigger, &create.name),
        };
        if create.temporary {
            return Some(());
        }
        if self.schema.has(&key) {
            match create.if_exists {
                IfExists::Keep => return Some(()),
                IfExists::Replace => {}
                IfExists::Fail => self.is_free(&key, &create.name, Kind::Trigger)?,
            }
        }
        self.may_be_there(IfExists::Fail, &create.name, "trigger");
        let function = create.function.as_ref().and_then(|function| {
            let mut key = self.new_key(Class::Routine, function);
            key.within = Some(self.name(""));
            self.schema.has(&key).then_some(key)
        });
        let trigger = Trigger {
            table,
            function,
            columns: create
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            definition: create.definition.clone(),
            state: "".into(),
        };
        self.schema
            .put(key, Some(Object::new(Body::Trigger(trigger))));
        Some(())
    }

    pub(super) fn create_other(&mut self, create: &CreateOther) -> Done {
        let class = class_of(create.target.kind);
        let (key, table) = match &create.target.owner {
            Some(owner) => {
                let table = self.relation(owner, Kind::Table)?;
                let key = Key::within(class, &table, create.target.name.name.clone());
                (key, Some(table))
            }
            None => (self.new_key(class, &create.target.name), None),
        };
        if self.schema.has(&key) {
            match create.if_exists {
                IfExists::Keep => return Some(()),
                IfExists::Replace => {}
                IfExists::Fail => self.is_free(&key, &create.target.name, create.target.kind)?,
            }
        }
        self.may_be_there(IfExists::Fail, &create.target.name, "object");
        let words = match create.target.kind {
            Kind::Policy => "POLICY",
            Kind::Rule => "RULE",
            Kind::Other(words) => words,
            _ => "",
        };
        let other = Other {
            words,
            table,
            definition: create.definition.clone(),
            attributes: Default::default(),
        };
        self.schema.put(key, Some(Object::new(Body::Other(other))));
        Some(())
    }

    pub(super) fn create_schema(&mut self, create: &CreateSchema) -> Done {
        if self.modelling.family == Family::MySql {
            return Some(());
        }
        let key = Key::new(Class::Schema, self.name(""), create.name.name.clone());
        if self.schema.has(&key) {
            if create.if_exists == IfExists::Keep {
                return Some(());
            }
            let name = crate::change::ObjectName {
                schema: None,
                name: create.name.name.clone(),
                span: create.name.span,
            };
            return self.duplicate("schema", &name);
        }
        self.schema.put(key, Some(Object::new(Body::Schema)));
        Some(())
    }

    pub(super) fn create_extension(&mut self, create: &CreateExtension) -> Done {
        let key = Key::new(Class::Extension, self.name(""), create.name.name.clone());
        if self.schema.has(&key) {
            if create.if_exists == IfExists::Keep {
                return Some(());
            }
            let name = crate::change::ObjectName {
                schema: None,
                name: create.name.name.clone(),
                span: create.name.span,
            };
            return self.duplicate("extension", &name);
        }
        let extension = Extension {
            schema: create.schema.clone(),
        };
        self.schema
            .put(key, Some(Object::new(Body::Extension(extension))));
        Some(())
    }
}
