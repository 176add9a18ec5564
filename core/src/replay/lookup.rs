//! Which object a name stands for, and how sure the model is when there is none.

use super::{Done, Finding, Missing, Replay, doubt_key, word};
use crate::change::{Ident, Kind, Name, ObjectName, Target};
use crate::diagnostic::did_you_mean;
use crate::dialect::Family;
use crate::schema::{Body, Class, Key, Object, Table};
use crate::source::Span;

/// Tables that other tools keep for themselves.
const BOOKKEEPING: &[&str] = &[
    "migrations",
    "schema_migrations",
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "refinery_schema_history",
    "goose_db_version",
    "gorp_migrations",
    "flyway_schema_history",
    "alembic_version",
    "schema_version",
    "knex_migrations",
    "django_migrations",
];

/// The tables of our own history, which the runner makes.
pub(crate) const HISTORY: [&str; 3] = [
    "__migrations__",
    "__migration_rollbacks__",
    "__migration_repairs__",
];

impl Replay<'_> {
    /// The schemas in which a name without one is looked up.
    fn path(&self) -> Vec<Name> {
        match &self.session.search_path {
            Some(path) => path.clone(),
            None => vec![self.name(self.modelling.default_schema)],
        }
    }

    /// Where an object of that name would be made.
    pub(super) fn new_key(&self, class: Class, name: &ObjectName) -> Key {
        let schema = match &name.schema {
            Some(schema) => self.own_schema(schema),
            None => self
                .path()
                .into_iter()
                .next()
                .unwrap_or_else(|| self.name(self.modelling.default_schema)),
        };
        Key::new(class, schema, name.name.clone())
    }

    /// `temp` and `main` of SQLite are one place to the model, and so is a database of MySQL.
    fn own_schema(&self, schema: &Name) -> Name {
        let attached =
            self.modelling.family == Family::Sqlite && !["main", "temp"].contains(&schema.key());
        match self.modelling.has_search_path || attached {
            true => schema.clone(),
            false => self.name(self.modelling.default_schema),
        }
    }

    /// The key of the object of that name, if the model knows one.
    pub(super) fn find(&self, class: Class, name: &ObjectName) -> Option<Key> {
        if name.schema.is_some() {
            let key = self.new_key(class, name);
            return self.schema.has(&key).then_some(key);
        }
        self.path()
            .into_iter()
            .map(|schema| Key::new(class, schema, name.name.clone()))
            .find(|key| self.schema.has(key))
    }

    /// Whether the model is sure that there is no object of that name.
    pub(super) fn is_sure(&self, name: &ObjectName) -> bool {
        let doubted = |name: Name| self.schema.has(&doubt_key(self.schema, name));
        let text = name.name.key();
        let system = |prefix: &&str| text.starts_with(*prefix);
        if doubted(name.name.clone())
            || doubted(self.name("*"))
            || self.modelling.system_prefixes.iter().any(system)
            || BOOKKEEPING.contains(&text)
            || HISTORY.contains(&text)
        {
            return false;
        }
        let any = self.name("*");
        let mut beginnings = self.schema.in_schema(Class::Doubt, &any);
        if beginnings.any(|(key, _)| text.starts_with(key.name.key())) {
            return false;
        }
        let schemas = match &name.schema {
            Some(schema) => vec![self.own_schema(schema)],
            None => self.path(),
        };
        if schemas.iter().any(|schema| self.is_shadow(schema, text)) {
            return false;
        }
        let is_known = |schema: &Name| {
            let anything = Key::new(Class::Doubt, schema.clone(), self.name("*"));
            self.is_own(schema) && !self.schema.has(&anything)
        };
        schemas.iter().all(is_known)
    }

    /// Whether a virtual table may keep that table for itself.
    fn is_shadow(&self, schema: &Name, name: &str) -> bool {
        let keeps = |key: &Key, object: &Object| {
            let is_virtual = object
                .table()
                .is_some_and(|table| table.nature.contains(&"VIRTUAL"));
            let rest = name.strip_prefix(key.name.key());
            is_virtual && rest.is_some_and(|rest| rest.starts_with('_'))
        };
        self.modelling.family == Family::Sqlite
            && self
                .schema
                .in_schema(Class::Relation, schema)
                .any(|(key, object)| keeps(key, object))
    }

    /// Whether the migrations make the tables of that schema themselves.
    fn is_own(&self, schema: &Name) -> bool {
        if self.modelling.system_schemas.contains(&schema.key()) {
            return false;
        }
        let made = Key::new(Class::Schema, self.name(""), schema.clone());
        self.schema.has(&made)
            || self
                .schema
                .in_schema(Class::Relation, schema)
                .any(|(_, object)| !object.is_open())
    }

    /// Whether the name is one in a schema of which no migration ever spoke: what is dropped there
    /// if it exists is nothing that migrations made.
    pub(super) fn is_elsewhere(&self, name: &ObjectName) -> bool {
        let Some(schema) = &name.schema else {
            return false;
        };
        let schema = self.own_schema(schema);
        let empty = [Class::Relation, Class::Type, Class::Routine]
            .into_iter()
            .all(|class| self.schema.in_schema(class, &schema).next().is_none());
        self.modelling.family != Family::MySql
            && empty
            && !self.is_own(&schema)
            && !self.modelling.system_schemas.contains(&schema.key())
            && !self.lost_sight()
            && !self.was_doubted(name)
    }

    /// The relation of that name. One that the model does not know and is not sure about is
    /// taken to be there.
    pub(super) fn relation(&mut self, name: &ObjectName, kind: Kind) -> Option<Key> {
        if let Some(key) = self.find(Class::Relation, name) {
            return Some(key);
        }
        if self.is_sure(name) {
            self.missing(name, kind);
            return None;
        }
        let key = self.new_key(Class::Relation, name);
        self.schema.adopt(
            key.clone(),
            Object::new(Body::Table(Table {
                open: true,
                ..Table::default()
            })),
        );
        Some(key)
    }

    /// Whether a target is called what it is: `None` ends the statement.
    pub(super) fn is_named_right(
        &mut self,
        key: &Key,
        target: &Target,
        strictness: Strictness,
    ) -> Done {
        let Some(object) = self.schema.get(key).cloned() else {
            return Some(());
        };
        if self.modelling.family != Family::Postgres
            || is_the_word(target.kind, &object.body, strictness)
        {
            return Some(());
        }
        if self.lost_sight() && !self.is_fresh(key) {
            return self.give_up(
                target.name.span,
                format!("what `{}` is is not known", key.name),
            );
        }
        self.wrong_kind(&target.name, target.kind, &object)
    }

    /// Refuses a name that stands for nothing.
    pub(super) fn missing(&mut self, name: &ObjectName, kind: Kind) -> Done {
        let class = class_of(kind);
        let key = self.new_key(class, name);
        let near: Vec<String> = self
            .schema
            .in_schema(class, &key.schema)
            .filter(|(_, object)| may_be(kind, object))
            .map(|(key, _)| key.name.as_str().to_owned())
            .collect();
        self.missing_among(name, kind, key, &near)
    }

    /// Refuses a name that is none of these.
    pub(super) fn missing_among(
        &mut self,
        name: &ObjectName,
        kind: Kind,
        key: Key,
        near: &[String],
    ) -> Done {
        let help = match did_you_mean(name.name.as_str(), near.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Make the {} first, or name one that is there.", word(kind)),
        };
        self.refuse(Finding {
            code: match kind {
                Kind::Table | Kind::ForeignTable => "unknown-table",
                _ => "unknown-object",
            },
            span: name.span,
            message: format!("there is no {} `{name}`", word(kind)),
            why: "Nothing up to here makes it, so the engine refuses the statement.".to_owned(),
            help,
            missing: Some(Missing::Object(key)),
        })
    }

    /// The table behind a key, if it is one.
    pub(super) fn table(&self, key: &Key) -> Option<&Table> {
        self.schema.get(key).and_then(|object| object.table())
    }

    /// Changes the table of that key.
    pub(super) fn update_table(&mut self, key: &Key, change: impl FnOnce(&mut Table)) {
        self.schema.update(key, |object| {
            if let Body::Table(table) = &mut object.body {
                change(table);
            }
        });
    }

    /// Whether the table has that column. `None` ends the statement: there is none, or nobody
    /// knows.
    pub(super) fn column(&mut self, key: &Key, column: &Ident) -> Done {
        let Some(table) = self.table(key) else {
            return self.give_up(
                column.span,
                format!("`{}` is not known to be a table", key.name),
            );
        };
        if table.column(&column.name).is_some() {
            return Some(());
        }
        if self.may_have_more(key) || !self.modelling_knows_columns(key) {
            return self.give_up(
                column.span,
                format!(
                    "the column `{}` of `{}` is not known",
                    column.name, key.name
                ),
            );
        }
        self.missing_column(key, column)
    }

    /// Whether the migration that is replayed wrote the object itself.
    pub(super) fn is_fresh(&self, key: &Key) -> bool {
        self.session.began.is_some_and(|began| {
            self.schema
                .since(began)
                .iter()
                .any(|entry| entry.key == *key)
        })
    }

    /// Whether something opaque may have touched anything.
    pub(super) fn lost_sight(&self) -> bool {
        self.schema.has(&doubt_key(self.schema, self.name("*")))
    }

    /// Whether a relation may have more than the model knows.
    pub(super) fn may_have_more(&self, key: &Key) -> bool {
        (self.lost_sight() && !self.is_fresh(key))
            || self.schema.get(key).is_none_or(|object| object.is_open())
    }

    fn modelling_knows_columns(&self, key: &Key) -> bool {
        self.table(key)
            .is_some_and(|table| table.inherits.is_empty() && !table.nature.contains(&"VIRTUAL"))
    }

    pub(super) fn missing_column(&mut self, key: &Key, column: &Ident) -> Done {
        let doubt = Key {
            within: Some(key.name.clone()),
            ..doubt_key(self.schema, column.name.clone())
        };
        if self.schema.has(&doubt) {
            let why = format!("others make the column `{}` of `{}`", column.name, key.name);
            return self.give_up(column.span, why);
        }
        let names: Vec<&str> = match self.table(key) {
            Some(table) => table.columns.iter().map(|c| c.name.as_str()).collect(),
            None => Vec::new(),
        };
        let help = match did_you_mean(column.name.as_str(), names.iter().copied()) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("The table has: {}.", names.join(", ")),
        };
        self.refuse(Finding {
            code: "unknown-column",
            span: column.span,
            message: format!("table `{}` has no column `{}`", key.name, column.name),
            why: "Nothing up to here adds it, so the engine refuses the statement.".to_owned(),
            help,
            missing: Some(Missing::Column(key.clone(), column.name.clone())),
        })
    }

    /// What is temporary hides what is there under that name: `None` ends the statement.
    pub(super) fn hides(&mut self, temporary: bool, key: &Key, name: &ObjectName) -> Done {
        let there = self.schema.get(key);
        if there.is_none_or(|object| object.is_open() || object.is_temporary() == temporary) {
            return Some(());
        }
        super::doubt(self.schema, [name.name.clone()]);
        self.give_up(
            name.span,
            format!("`{name}` hides what is there under that name"),
        )
    }

    /// A view that reads what is not there, which SQLite refuses to go by when it rewrites names.
    pub(super) fn no_view_dangles(&mut self, span: Span) {
        if self.modelling.family != Family::Sqlite {
            return;
        }
        let schema = self.name(self.modelling.default_schema);
        let dangles = |object: &Object| match &object.body {
            Body::View(view) => view.uses.iter().any(|used| !self.schema.has(used)),
            _ => false,
        };
        let found = self
            .schema
            .in_schema(Class::Relation, &schema)
            .find(|(_, object)| dangles(object))
            .map(|(key, _)| key.name.clone());
        if let Some(view) = found {
            self.unknown(span, format!("the view `{view}` reads what is not there"));
        }
    }

    /// Whether another object may have that name: `None` ends the statement.
    pub(super) fn is_free(&mut self, key: &Key, name: &ObjectName, kind: Kind) -> Done {
        let Some(object) = self.schema.get(key) else {
            return Some(());
        };
        if object.is_open() || object.is_temporary() {
            return Some(());
        }
        // What is not followed may have taken it away.
        if !self.is_fresh(key) && (self.lost_sight() || self.was_doubted(name)) {
            self.unknown(
                name.span,
                format!("whether the {} `{name}` is there is not known", word(kind)),
            );
            return Some(());
        }
        self.duplicate(word(kind), name)
    }
}

/// How closely the word for an object must fit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// `ALTER TABLE` and `ALTER INDEX` take other relations too.
    Loose,
    /// `COMMENT ON` takes the very kind.
    Exact,
}

/// Whether Postgres takes that word for the object. What is not told apart here fits.
fn is_the_word(kind: Kind, body: &Body, strictness: Strictness) -> bool {
    let loose = strictness == Strictness::Loose;
    match (kind, body) {
        (Kind::View, Body::View(view)) => !view.materialized,
        (Kind::MaterializedView, Body::View(view)) => view.materialized,
        (Kind::Table, body) => loose || matches!(body, Body::Table(_)),
        (Kind::Index, body) => loose || matches!(body, Body::Index(_)),
        (Kind::Sequence, body) => matches!(body, Body::Sequence(_)),
        (Kind::View | Kind::MaterializedView, _) => false,
        (Kind::Domain, body) => matches!(body, Body::Domain(_)),
        (Kind::Function, Body::Routine(routine)) => routine.kind != Kind::Procedure,
        (Kind::Procedure, Body::Routine(routine)) => routine.kind == Kind::Procedure,
        _ => true,
    }
}

/// Whether an object can be meant by who names one of that kind.
fn may_be(kind: Kind, object: &Object) -> bool {
    match (kind, &object.body) {
        (Kind::Index, body) => matches!(body, Body::Index(_)),
        (Kind::Sequence, body) => matches!(body, Body::Sequence(_)),
        (Kind::View | Kind::MaterializedView, body) => matches!(body, Body::View(_)),
        (Kind::Table | Kind::ForeignTable, body) => matches!(body, Body::Table(_) | Body::View(_)),
        (Kind::Domain, body) => matches!(body, Body::Domain(_)),
        _ => true,
    }
}

/// Which names an object of that kind must not collide with.
pub(super) fn class_of(kind: Kind) -> Class {
    match kind {
        Kind::Table
        | Kind::ForeignTable
        | Kind::View
        | Kind::MaterializedView
        | Kind::Index
        | Kind::Sequence
        | Kind::Column
        | Kind::Constraint => Class::Relation,
        Kind::Type | Kind::Domain | Kind::DomainConstraint | Kind::Label => Class::Type,
        Kind::Function | Kind::Procedure | Kind::Aggregate | Kind::Routine => Class::Routine,
        Kind::Trigger => Class::Trigger,
        Kind::Policy => Class::Policy,
        Kind::Rule => Class::Rule,
        Kind::Schema => Class::Schema,
        Kind::Extension => Class::Extension,
        Kind::Other(words) => Class::Other(words),
    }
}
