//! Questions of a block to the catalogue of Postgres, answered by the model.
//!
//! "No" is said when the model is sure that there is no such object, whatever else is asked for.
//! "Yes" only when every condition was understood. Anything else is not known.

use std::collections::BTreeMap;

use super::Replay;
use super::value::Value;
use crate::change::{Condition, Lookup, Name, ObjectName};
use crate::schema::{Body, Class, Key, Object, Rule};
use crate::source::Span;

/// What a row of a catalogue stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Schema,
    Extension,
    Relation(Only),
    Type,
    Routine,
    Constraint,
    Trigger,
    Policy,
    Column,
    Label,
}

/// Which relations a catalogue lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Only {
    All,
    Tables,
    TablesAndViews,
    Views,
    MaterializedViews,
    Indexes,
    Sequences,
}

/// What a column of a catalogue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    /// The name of the subject.
    Name,
    Schema,
    /// The table of the subject, by its name or as `regclass`.
    Table,
    /// The type of a label, by its name or as `regtype`.
    Type,
    DataType,
    Nullable,
}

type Columns = &'static [(&'static str, Field)];

/// Catalogues, what their rows stand for, and what their columns say.
const CATALOGUES: &[(&str, Subject, Columns)] = &[
    ("pg_namespace", Subject::Schema, &[("nspname", Field::Name)]),
    ("schemata", Subject::Schema, &[("schema_name", Field::Name)]),
    (
        "pg_extension",
        Subject::Extension,
        &[("extname", Field::Name)],
    ),
    (
        "pg_class",
        Subject::Relation(Only::All),
        &[("relname", Field::Name)],
    ),
    (
        "pg_tables",
        Subject::Relation(Only::Tables),
        &[("tablename", Field::Name), ("schemaname", Field::Schema)],
    ),
    (
        "tables",
        Subject::Relation(Only::TablesAndViews),
        &[("table_name", Field::Name), ("table_schema", Field::Schema)],
    ),
    (
        "pg_views",
        Subject::Relation(Only::Views),
        &[("viewname", Field::Name), ("schemaname", Field::Schema)],
    ),
    (
        "views",
        Subject::Relation(Only::Views),
        &[("table_name", Field::Name), ("table_schema", Field::Schema)],
    ),
    (
        "pg_matviews",
        Subject::Relation(Only::MaterializedViews),
        &[("matviewname", Field::Name), ("schemaname", Field::Schema)],
    ),
    (
        "pg_indexes",
        Subject::Relation(Only::Indexes),
        &[
            ("indexname", Field::Name),
            ("schemaname", Field::Schema),
            ("tablename", Field::Table),
        ],
    ),
    (
        "pg_sequences",
        Subject::Relation(Only::Sequences),
        &[("sequencename", Field::Name), ("schemaname", Field::Schema)],
    ),
    (
        "sequences",
        Subject::Relation(Only::Sequences),
        &[
            ("sequence_name", Field::Name),
            ("sequence_schema", Field::Schema),
        ],
    ),
    ("pg_type", Subject::Type, &[("typname", Field::Name)]),
    ("pg_proc", Subject::Routine, &[("proname", Field::Name)]),
    (
        "routines",
        Subject::Routine,
        &[
            ("routine_name", Field::Name),
            ("routine_schema", Field::Schema),
        ],
    ),
    (
        "pg_constraint",
        Subject::Constraint,
        &[("conname", Field::Name), ("conrelid", Field::Table)],
    ),
    (
        "table_constraints",
        Subject::Constraint,
        &[
            ("constraint_name", Field::Name),
            ("table_name", Field::Table),
            ("table_schema", Field::Schema),
            ("constraint_schema", Field::Schema),
            ("constraint_type", Field::DataType),
        ],
    ),
    (
        "pg_trigger",
        Subject::Trigger,
        &[("tgname", Field::Name), ("tgrelid", Field::Table)],
    ),
    (
        "triggers",
        Subject::Trigger,
        &[
            ("trigger_name", Field::Name),
            ("event_object_table", Field::Table),
        ],
    ),
    (
        "pg_policies",
        Subject::Policy,
        &[
            ("policyname", Field::Name),
            ("tablename", Field::Table),
            ("schemaname", Field::Schema),
        ],
    ),
    (
        "pg_policy",
        Subject::Policy,
        &[("polname", Field::Name), ("polrelid", Field::Table)],
    ),
    (
        "columns",
        Subject::Column,
        &[
            ("column_name", Field::Name),
            ("table_name", Field::Table),
            ("table_schema", Field::Schema),
            ("data_type", Field::DataType),
            ("is_nullable", Field::Nullable),
        ],
    ),
    (
        "pg_attribute",
        Subject::Column,
        &[("attname", Field::Name), ("attrelid", Field::Table)],
    ),
    (
        "pg_enum",
        Subject::Label,
        &[("enumlabel", Field::Name), ("enumtypid", Field::Type)],
    ),
];

/// What is asked for.
struct Asked {
    subject: Subject,
    fields: BTreeMap<Field, String>,
    /// Whether there is a condition that the model does not understand.
    more: bool,
}

/// What the model knows of what is asked for.
enum Found {
    /// There is none.
    None,
    /// There is one: the object, and the column or label in it.
    One(Key, Option<Name>),
    /// It cannot be told.
    Unknown,
}

impl Replay<'_> {
    /// Whether a query gives a row.
    pub(super) fn has_row(
        &self,
        lookup: &Lookup,
        variables: &BTreeMap<Name, Value>,
    ) -> Option<bool> {
        let asked = self.asked(lookup, variables)?;
        match self.found(&asked) {
            Found::None => Some(false),
            Found::One(key, part) => {
                let fits = self.fits(&asked, &key, part.as_ref());
                match fits {
                    Some(false) => Some(false),
                    Some(true) if !asked.more && !lookup.more => Some(true),
                    _ => None,
                }
            }
            Found::Unknown => None,
        }
    }

    /// The value of a column in the one row of a query.
    pub(super) fn cell(
        &self,
        lookup: &Lookup,
        column: &Name,
        variables: &BTreeMap<Name, Value>,
    ) -> Value {
        let Some(asked) = self.asked(lookup, variables) else {
            return Value::Unknown;
        };
        if asked.more || lookup.more {
            return Value::Unknown;
        }
        match self.found(&asked) {
            Found::None => Value::Null,
            Found::One(key, Some(name)) if asked.subject == Subject::Column => {
                let Some(known) = self.table(&key).and_then(|table| table.column(&name)) else {
                    return Value::Unknown;
                };
                match column.key() {
                    "data_type" => shown_type(&known.data_type).map_or(Value::Unknown, Value::Text),
                    "is_nullable" => {
                        let text = if known.not_null { "NO" } else { "YES" };
                        Value::Text(text.to_owned())
                    }
                    _ => Value::Unknown,
                }
            }
            Found::One(..) | Found::Unknown => Value::Unknown,
        }
    }

    /// What a query asks the catalogue for; `None` when it asks for something else.
    fn asked(&self, lookup: &Lookup, variables: &BTreeMap<Name, Value>) -> Option<Asked> {
        let catalogue = |name: &ObjectName| {
            let is_own = name
                .schema
                .as_ref()
                .is_none_or(|s| matches!(s.key(), "pg_catalog" | "information_schema"));
            // Views of the information schema are not on the path.
            let listed = |entry: &&(&str, Subject, Columns)| {
                entry.0 == name.name.key() && (name.schema.is_some() || entry.0.starts_with("pg_"))
            };
            CATALOGUES.iter().find(listed).filter(|_| is_own)
        };
        let known: Vec<_> = lookup
            .relations
            .iter()
            .map(|(name, alias)| (alias, catalogue(name)))
            .collect();
        let subject = known
            .iter()
            .filter_map(|(_, entry)| *entry)
            .map(|e| e.1)
            .max()?;
        let mut asked = Asked {
            subject,
            fields: BTreeMap::new(),
            more: known.iter().any(|(_, entry)| entry.is_none()),
        };
        for condition in &lookup.conditions {
            let (qualifier, column, value) = match condition {
                Condition::Equal(qualifier, column, value) => (qualifier, column, value),
                Condition::Link => continue,
                Condition::Other => {
                    asked.more = true;
                    continue;
                }
            };
            let place = known
                .iter()
                .filter(|(alias, _)| qualifier.as_ref().is_none_or(|q| q == *alias))
                .filter_map(|(_, entry)| *entry)
                .find_map(|(_, of, columns)| {
                    let field = columns.iter().find(|(name, _)| *name == column.key())?;
                    Some((*of, field.1))
                });
            let field = place.and_then(|(of, field)| field_of(subject, of, field));
            match (field, self.value(value, variables)) {
                (Some(field), Value::Text(text)) => {
                    asked.fields.insert(field, text);
                }
                _ => asked.more = true,
            }
        }
        Some(asked)
    }

    fn found(&self, asked: &Asked) -> Found {
        let Some(name) = asked.fields.get(&Field::Name) else {
            return self.only_primary_key(asked);
        };
        let name = self.name(name);
        let schema = asked
            .fields
            .get(&Field::Schema)
            .map(|schema| self.name(schema));
        match asked.subject {
            Subject::Schema | Subject::Extension => {
                let class = match asked.subject {
                    Subject::Schema => Class::Schema,
                    _ => Class::Extension,
                };
                let key = Key::new(class, self.name(""), name.clone());
                match self.schema.has(&key) {
                    true => Found::One(key, None),
                    // Others make schemas and extensions, and so did who set up the database.
                    false => Found::Unknown,
                }
            }
            Subject::Relation(_) => self.known(Class::Relation, schema, name),
            Subject::Type => match self.known(Class::Type, schema.clone(), name.clone()) {
                // Every relation has a type of its name.
                Found::None => match self.known(Class::Relation, schema, name) {
                    Found::None => Found::None,
                    _ => Found::Unknown,
                },
                found => found,
            },
            Subject::Routine => {
                let place = self.new_key(Class::Routine, &object(schema, name.clone()));
                let mut same = self
                    .schema
                    .in_schema(Class::Routine, &place.schema)
                    .filter(|(key, _)| key.name == name);
                match same.next() {
                    Some((key, _)) => Found::One(key.clone(), None),
                    None => Found::Unknown,
                }
            }
            Subject::Constraint | Subject::Column | Subject::Trigger | Subject::Policy => {
                let table = asked
                    .fields
                    .get(&Field::Table)
                    .map(|t| self.written_name(t));
                match table {
                    Some(mut table) => {
                        table.schema = table.schema.or(schema);
                        self.part_named(asked.subject, &table, name)
                    }
                    None if asked.subject == Subject::Constraint => self.constraint_named(&name),
                    None => Found::Unknown,
                }
            }
            Subject::Label => {
                let Some(of) = asked.fields.get(&Field::Type) else {
                    return Found::Unknown;
                };
                let of = self.written_name(of);
                let Some(key) = self.find(Class::Type, &of) else {
                    return Found::Unknown;
                };
                match self.schema.get(&key).map(|object| &object.body) {
                    Some(Body::Enum(labels)) if self.is_sure(&of) => {
                        match labels.iter().any(|label| **label == *name.as_str()) {
                            true => Found::One(key, Some(name)),
                            false => Found::None,
                        }
                    }
                    _ => Found::Unknown,
                }
            }
        }
    }

    fn known(&self, class: Class, schema: Option<Name>, name: Name) -> Found {
        let name = object(schema, name);
        match self.find(class, &name) {
            Some(key) if self.schema.get(&key).is_some_and(|object| object.is_open()) => {
                Found::Unknown
            }
            Some(_) if self.was_doubted(&name) => Found::Unknown,
            Some(key) => Found::One(key, None),
            None if self.is_sure(&name) => Found::None,
            None => Found::Unknown,
        }
    }

    /// A part of a table.
    fn part_named(&self, subject: Subject, table: &ObjectName, name: Name) -> Found {
        let Some(key) = self.find(Class::Relation, table) else {
            return Found::Unknown;
        };
        let Some(known) = self.table(&key) else {
            return Found::Unknown;
        };
        let there = match subject {
            Subject::Column => known.column(&name).is_some(),
            Subject::Constraint => known.constraints.contains_key(&name),
            Subject::Trigger => {
                let part = Key::within(Class::Trigger, &key, name.clone());
                self.schema.has(&part)
            }
            _ => {
                let part = Key::within(Class::Policy, &key, name.clone());
                self.schema.has(&part)
            }
        };
        let sure = !self.may_have_more(&key)
            && (!self.doubted_name(&name) || self.is_fresh(&key))
            && known.inherits.is_empty();
        match (there, sure) {
            (true, true) => Found::One(key, Some(name)),
            (false, true) => Found::None,
            (_, false) => Found::Unknown,
        }
    }

    /// The primary key of a table, where nothing else is asked for: a table has one at most.
    fn only_primary_key(&self, asked: &Asked) -> Found {
        let kind = asked.fields.get(&Field::DataType);
        let (Subject::Constraint, Some("PRIMARY KEY"), Some(table)) = (
            asked.subject,
            kind.map(String::as_str),
            asked.fields.get(&Field::Table),
        ) else {
            return Found::Unknown;
        };
        let mut table = self.written_name(table);
        let schema = asked.fields.get(&Field::Schema);
        table.schema = schema.map(|schema| self.name(schema));
        let same = |(key, _): &(&Key, &std::sync::Arc<Object>)| {
            key.class == Class::Relation && key.name == table.name
        };
        let is_only = table.schema.is_some() || self.schema.objects().filter(same).count() == 1;
        let Some(key) = self.find(Class::Relation, &table).filter(|_| is_only) else {
            return Found::Unknown;
        };
        let Some(known) = self.table(&key) else {
            return Found::Unknown;
        };
        if self.may_have_more(&key) || self.was_doubted(&table) || !known.inherits.is_empty() {
            return Found::Unknown;
        }
        match known.primary_key() {
            Some((name, _)) => Found::One(key.clone(), Some(name.clone())),
            None => Found::None,
        }
    }

    /// A constraint, on whatever table.
    fn constraint_named(&self, name: &Name) -> Found {
        let is_it = |(_, object): &(&Key, &std::sync::Arc<Object>)| {
            object
                .table()
                .is_some_and(|table| table.constraints.contains_key(name))
        };
        if self.doubted_name(name) || self.lost_sight() {
            return Found::Unknown;
        }
        match self.schema.objects().find(is_it) {
            Some((key, object)) if !object.is_open() => Found::One(key.clone(), Some(name.clone())),
            Some(_) => Found::Unknown,
            None if self.schema.objects().any(|(_, object)| object.is_open()) => Found::Unknown,
            None => Found::None,
        }
    }

    /// Whether what was found is what was asked for in every respect that the model understands.
    fn fits(&self, asked: &Asked, key: &Key, part: Option<&Name>) -> Option<bool> {
        let object = self.schema.get(key)?;
        let mut fits = true;
        if let Subject::Relation(only) = asked.subject {
            fits &= is_listed(only, object);
            if let Some(table) = asked.fields.get(&Field::Table) {
                fits &= match &object.body {
                    Body::Index(index) => index.table.name == self.written_name(table).name,
                    _ => false,
                };
            }
        }
        if let Some(schema) = asked.fields.get(&Field::Schema) {
            fits &= key.schema == self.name(schema);
        }
        let table = object.table();
        let column = part.and_then(|name| table?.column(name));
        if let (Some(data_type), Some(column)) = (asked.fields.get(&Field::DataType), column) {
            fits &= shown_type(&column.data_type)? == *data_type;
        }
        if let (Some(nullable), Some(column)) = (asked.fields.get(&Field::Nullable), column) {
            fits &= (nullable == "YES") != column.not_null;
        }
        if asked.subject == Subject::Constraint
            && let Some(kind) = asked.fields.get(&Field::DataType)
        {
            let constraint = part.and_then(|name| table?.constraints.get(name))?;
            fits &= kind
                == match &constraint.rule {
                    Rule::PrimaryKey(..) => "PRIMARY KEY",
                    Rule::Unique(..) => "UNIQUE",
                    Rule::Foreign(_) => "FOREIGN KEY",
                    Rule::Check(_) => "CHECK",
                    Rule::Exclude(_) | Rule::NotNull(_) => return None,
                };
        }
        Some(fits)
    }

    /// The schema in which things are made that are named without one.
    pub(super) fn first_schema(&self) -> Name {
        let name = object(None, self.name(""));
        self.new_key(Class::Relation, &name).schema
    }
}

/// What a column of one catalogue says about the subject of another that it is joined to.
fn field_of(subject: Subject, of: Subject, field: Field) -> Option<Field> {
    if subject == of {
        return Some(field);
    }
    match (of, field) {
        (Subject::Schema, Field::Name) => Some(Field::Schema),
        (Subject::Relation(_), Field::Name) => matches!(
            subject,
            Subject::Constraint | Subject::Trigger | Subject::Policy | Subject::Column
        )
        .then_some(Field::Table),
        (Subject::Type, Field::Name) => (subject == Subject::Label).then_some(Field::Type),
        _ => None,
    }
}

fn object(schema: Option<Name>, name: Name) -> ObjectName {
    ObjectName {
        schema,
        name,
        span: Span::default(),
    }
}

fn is_listed(only: Only, object: &Object) -> bool {
    match only {
        Only::All => true,
        Only::Tables => matches!(object.body, Body::Table(_)),
        Only::TablesAndViews => match &object.body {
            Body::View(view) => !view.materialized,
            body => matches!(body, Body::Table(_)),
        },
        Only::Views => matches!(&object.body, Body::View(view) if !view.materialized),
        Only::MaterializedViews => matches!(&object.body, Body::View(view) if view.materialized),
        Only::Indexes => matches!(object.body, Body::Index(_)),
        Only::Sequences => matches!(object.body, Body::Sequence(_)),
    }
}

/// A type as the information schema shows it, where that is one of the engine's own.
fn shown_type(data_type: &str) -> Option<String> {
    const OWN: &[&str] = &[
        "bigint",
        "integer",
        "smallint",
        "text",
        "boolean",
        "uuid",
        "json",
        "jsonb",
        "bytea",
        "numeric",
        "real",
        "double precision",
        "date",
        "character varying",
        "character",
        "timestamp without time zone",
        "timestamp with time zone",
    ];
    let base = data_type.split('(').next()?.trim();
    if data_type.ends_with("[]") {
        return Some("ARRAY".to_owned());
    }
    OWN.contains(&base).then(|| base.to_owned())
}
