//! What a database holds, as a plain value that can be compared.
//!
//! An engine's file reads a [`Catalogue`]; nothing in here asks a database. The objects have names
//! and their properties are texts, so that [`diff`] and what people read need not know the engine.

mod difference;

pub use self::difference::{Difference, diff};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The objects of a database, without the history of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// In order of kind and name.
    pub objects: BTreeMap<ObjectName, Attributes>,
}

/// The properties of an object by their names. What is as usual is left out.
pub type Attributes = BTreeMap<String, String>;

/// What an object is and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// What it is.
    pub kind: Kind,
    /// The schema; `None` is the one that unqualified names go to.
    pub schema: Option<String>,
    /// The table, view or domain that it is part of, in the same schema.
    pub parent: Option<String>,
    /// Its own name. Functions carry the types of their arguments.
    pub name: String,
}

/// What an object is, in the order in which differences are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The database itself: its defaults.
    Database,
    /// Something that is set for the database.
    Setting,
    /// An extension. What belongs to one is not in the catalogue.
    Extension,
    /// A schema.
    Schema,
    /// An enum, a composite type, a range.
    Type,
    /// A domain.
    Domain,
    /// A sequence.
    Sequence,
    /// A table.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A column of a table or view.
    Column,
    /// A key, a foreign key, a check of a table or domain.
    Constraint,
    /// An index that is not part of a constraint.
    Index,
    /// A trigger.
    Trigger,
    /// A row security policy.
    Policy,
    /// A rewrite rule.
    Rule,
    /// Extended statistics.
    Statistics,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// An aggregate.
    Aggregate,
    /// An operator.
    Operator,
    /// An operator class.
    OperatorClass,
    /// A cast.
    Cast,
    /// A collation.
    Collation,
    /// A text search configuration.
    TextSearchConfiguration,
    /// A text search dictionary.
    TextSearchDictionary,
    /// A foreign server.
    Server,
    /// A publication.
    Publication,
    /// A trigger on events of the database.
    EventTrigger,
    /// A job of the server's scheduler.
    Event,
    /// Privileges that new objects get.
    DefaultPrivileges,
    /// Privileges that are kept apart from what they are for.
    Grant,
}

/// The attribute that says where a column stands. Only the order counts, not the number.
pub(super) const POSITION: &str = "position";

/// The attribute that says which column a sequence belongs to.
pub(super) const OWNED_BY: &str = "owned by";

impl Catalogue {
    /// Adds an object, or attributes to one that is there.
    pub(super) fn add(&mut self, object: ObjectName, attributes: Attributes) {
        self.objects.entry(object).or_default().extend(attributes);
    }

    /// What others can be part of: the names of tables, views and domains.
    fn parents(&self) -> BTreeSet<(Option<&str>, &str)> {
        let parents = self.objects.keys().filter(|object| {
            matches!(
                object.kind,
                Kind::Table | Kind::View | Kind::MaterializedView | Kind::Domain
            )
        });
        parents
            .map(|object| (object.schema.as_deref(), object.name.as_str()))
            .collect()
    }

    fn has_schema(&self, name: &str) -> bool {
        self.objects
            .keys()
            .any(|object| object.kind == Kind::Schema && object.name == name)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema.as_deref();
        let dot = if schema.is_some() { "." } else { "" };
        let schema = schema.unwrap_or_default();
        let (kind, name) = (self.kind.name(), &self.name);
        match &self.parent {
            Some(parent) if self.kind == Kind::Column => {
                write!(f, "{kind} {schema}{dot}{parent}.{name}")
            }
            Some(parent) => write!(f, "{kind} {name} on {schema}{dot}{parent}"),
            None => write!(f, "{kind} {schema}{dot}{name}"),
        }
    }
}

impl Kind {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Database => "database",
            Kind::Setting => "setting",
            Kind::Extension => "extension",
            Kind::Schema => "schema",
            Kind::Type => "type",
            Kind::Domain => "domain",
            Kind::Sequence => "sequence",
            Kind::Table => "table",
            Kind::View => "view",
            Kind::MaterializedView => "materialized view",
            Kind::Column => "column",
            Kind::Constraint => "constraint",
            Kind::Index => "index",
            Kind::Trigger => "trigger",
            Kind::Policy => "policy",
            Kind::Rule => "rule",
            Kind::Statistics => "statistics",
            Kind::Function => "function",
            Kind::Procedure => "procedure",
            Kind::Aggregate => "aggregate",
            Kind::Operator => "operator",
            Kind::OperatorClass => "operator class",
            Kind::Cast => "cast",
            Kind::Collation => "collation",
            Kind::TextSearchConfiguration => "text search configuration",
            Kind::TextSearchDictionary => "text search dictionary",
            Kind::Server => "server",
            Kind::Publication => "publication",
            Kind::EventTrigger => "event trigger",
            Kind::Event => "event",
            Kind::DefaultPrivileges => "default privileges",
            Kind::Grant => "grant",
        }
    }

    fn plural(self) -> String {
        match self {
            Kind::Index => "indexes".to_owned(),
            Kind::Policy => "policies".to_owned(),
            Kind::OperatorClass => "operator classes".to_owned(),
            Kind::TextSearchDictionary => "text search dictionaries".to_owned(),
            Kind::Statistics | Kind::DefaultPrivileges => self.name().to_owned(),
            _ => format!("{}s", self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kind parent name attribute=value attribute=value`, one object a line; `-` is no parent.
    fn catalogue(lines: &[&str]) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for line in lines {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("a word");
            let kind = match word() {
                "table" => Kind::Table,
                "column" => Kind::Column,
                "index" => Kind::Index,
                "sequence" => Kind::Sequence,
                "schema" => Kind::Schema,
                "function" => Kind::Function,
                other => panic!("no kind {other}"),
            };
            let parent = Some(word()).filter(|parent| *parent != "-");
            let name = word();
            let (schema, name) = match name.split_once('.') {
                Some((schema, name)) => (Some(schema.to_owned()), name),
                None => (None, name),
            };
            let attributes = words.map(|word| {
                let (name, value) = word.split_once('=').expect("name=value");
                (name.replace('_', " "), value.replace("\\n", "\n"))
            });
            let object = ObjectName {
                kind,
                schema,
                parent: parent.map(str::to_owned),
                name: name.to_owned(),
            };
            catalogue.add(object, attributes.collect());
        }
        catalogue
    }

    fn check(before: &[&str], after: &[&str], expected: &[&str]) {
        let differences = diff(&catalogue(before), &catalogue(after));
        let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn differences_name_objects() {
        let users = [
            "table - users",
            "column users id type=integer not_null=yes",
            "index users users_id definition=btree(id)",
        ];
        check(&users, &users, &[]);
        check(
            &users,
            &users[..1],
            &[
                "missing: column users.id (integer, not null)",
                "missing: index users_id on users (btree(id))",
            ],
        );
        check(
            &users[..2],
            &["table - users", "column users id type=bigint default=0"],
            &[
                "changed: column users.id default: none → 0",
                "changed: column users.id not null: yes → none",
                "changed: column users.id type: integer → bigint",
            ],
        );
    }

    #[test]
    fn parts_go_along() {
        let all = [
            "table - users",
            "column users id type=integer",
            "column users nick type=text",
            "index users users_id",
            "sequence - users_id_seq owned_by=users.id",
        ];
        check(&[], &all, &["left over: table users (2 columns, 1 index)"]);
        check(&all, &[], &["missing: table users (2 columns, 1 index)"]);
        check(&all, &all[..4], &["missing: sequence users_id_seq"]);
        let schema = ["schema - s", "table - s.t", "function - s.f()"];
        check(&[], &schema, &["left over: schema s (1 table, 1 function)"]);
        check(&schema, &schema[..2], &["missing: function s.f()"]);
        // What it is part of is an extension's, so that it is not in the catalogue at all.
        let alone = ["table - ext.t", "index theirs i"];
        check(
            &alone,
            &[],
            &["missing: index i on theirs", "missing: table ext.t"],
        );
    }

    #[test]
    fn the_order_of_columns_is_told_apart() {
        let abc = [
            "table - t",
            "column t a position=1",
            "column t b position=2",
            "column t c position=3",
        ];
        check(
            &abc,
            &[
                "table - t",
                "column t a position=1",
                "column t c position=3",
            ],
            &["missing: column t.b"],
        );
        let acb = [
            "table - t",
            "column t a position=1",
            "column t c position=2",
            "column t b position=4",
        ];
        check(
            &abc,
            &acb,
            &["reordered: columns of table t: a, b, c → a, c, b"],
        );
        let differences = diff(&catalogue(&abc), &catalogue(&acb));
        assert!(differences.iter().all(Difference::is_order));
    }

    #[test]
    fn long_texts_show_the_lines_that_differ() {
        check(
            &["function - f() definition=BEGIN\\na\\nb\\nEND"],
            &["function - f() definition=BEGIN\\na\\nc\\nd\\nEND"],
            &["changed: function f() definition:\n    - b\n    + c\n    + d"],
        );
    }
}
