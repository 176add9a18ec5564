//! What a database holds, as a plain value that can be compared.
//!
//! An engine's file reads a [`Catalogue`]; nothing in here asks a database. The objects have names
//! and their properties are texts, so that [`diff`] and what people read need not know the engine.

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

/// One way in which two catalogues differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It was there before and is not now.
    Missing {
        /// The object.
        object: ObjectName,
        /// What it was like, in a few words; may be empty.
        was: String,
    },
    /// It was not there before and is now.
    LeftOver {
        /// The object.
        object: ObjectName,
        /// What it is like, in a few words; may be empty.
        is: String,
    },
    /// One property is not what it was.
    Changed {
        /// The object.
        object: ObjectName,
        /// The name of the property.
        attribute: String,
        /// What it was; `None` where it was as usual.
        before: Option<String>,
        /// What it is; `None` where it is as usual.
        after: Option<String>,
    },
    /// The columns stand in another order.
    Reordered {
        /// The table.
        table: ObjectName,
        /// The columns that are in both, as they stood.
        before: Vec<String>,
        /// The same, as they stand.
        after: Vec<String>,
    },
}

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

/// What has become of `before`. Parts of something that is missing or left over are not told one
/// by one. Differences of one table stand together.
pub fn diff(before: &Catalogue, after: &Catalogue) -> Vec<Difference> {
    let mut differences = Vec::new();
    let (missing, left_over) = (absent(before, after), absent(after, before));
    for (object, was) in missing {
        differences.push(Difference::Missing { object, was });
    }
    for (object, is) in left_over {
        differences.push(Difference::LeftOver { object, is });
    }
    for (object, was) in &before.objects {
        if let Some(is) = after.objects.get(object) {
            changes(object, was, is, &mut differences);
        }
    }
    reorderings(before, after, &mut differences);
    differences.sort_by_cached_key(|difference| {
        let object = difference.object();
        let table = object.parent.clone().unwrap_or(object.name.clone());
        (object.schema.clone(), table, object.clone())
    });
    differences
}

/// The objects of `of` that are not in `in_other`, each with a few words about it.
fn absent(of: &Catalogue, in_other: &Catalogue) -> Vec<(ObjectName, String)> {
    let (parents, others) = (of.parents(), in_other.parents());
    let absent_parents: BTreeSet<_> = parents.difference(&others).copied().collect();
    let is_part_of_absent = |object: &ObjectName, attributes: &Attributes| {
        let schema = object.schema.as_deref();
        let without_schema =
            schema.is_some_and(|schema| of.has_schema(schema) && !in_other.has_schema(schema));
        let parent = object.parent.as_deref();
        let without_parent =
            parent.is_some_and(|parent| absent_parents.contains(&(schema, parent)));
        let owner = attributes.get(OWNED_BY).and_then(|by| by.rsplit_once('.'));
        let without_owner = owner.is_some_and(|(table, _)| match table.split_once('.') {
            Some((schema, table)) => absent_parents.contains(&(Some(schema), table)),
            None => absent_parents.contains(&(None, table)),
        });
        without_schema || without_parent || without_owner
    };
    let absent = of
        .objects
        .iter()
        .filter(|(object, _)| !in_other.objects.contains_key(object));
    absent
        .filter(|(object, attributes)| !is_part_of_absent(object, attributes))
        .map(|(object, attributes)| (object.clone(), describe(of, object, attributes)))
        .collect()
}

fn changes(
    object: &ObjectName,
    was: &Attributes,
    is: &Attributes,
    differences: &mut Vec<Difference>,
) {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| *name != POSITION && was.get(*name) != is.get(*name));
    differences.extend(changed.map(|name| Difference::Changed {
        object: object.clone(),
        attribute: name.clone(),
        before: was.get(name).cloned(),
        after: is.get(name).cloned(),
    }));
}

fn reorderings(before: &Catalogue, after: &Catalogue, differences: &mut Vec<Difference>) {
    let (before, mut after) = (columns(before, after), columns(after, before));
    for (table, was) in before {
        let is = after.remove(&table).unwrap_or_default();
        if was != is {
            differences.push(Difference::Reordered {
                table,
                before: was,
                after: is,
            });
        }
    }
}

/// The columns of `of` that `in_other` has too, by table, in their order.
fn columns(of: &Catalogue, in_other: &Catalogue) -> BTreeMap<ObjectName, Vec<String>> {
    let mut tables: BTreeMap<ObjectName, Vec<(usize, String)>> = BTreeMap::new();
    for (column, attributes) in &of.objects {
        let position = attributes.get(POSITION).and_then(|at| at.parse().ok());
        let table = column.parent.clone();
        if let (Some(position), Some(table), true) =
            (position, table, in_other.objects.contains_key(column))
        {
            let table = ObjectName {
                kind: Kind::Table,
                schema: column.schema.clone(),
                parent: None,
                name: table,
            };
            let columns = tables.entry(table).or_default();
            columns.push((position, column.name.clone()));
        }
    }
    let in_order = tables.into_iter().map(|(table, mut columns)| {
        columns.sort();
        (table, columns.into_iter().map(|(_, name)| name).collect())
    });
    in_order.collect()
}

/// What an object is like, in a few words.
fn describe(of: &Catalogue, object: &ObjectName, attributes: &Attributes) -> String {
    const LONGEST: usize = 100;
    let words: Vec<String> = match object.kind {
        Kind::Schema | Kind::Table | Kind::View | Kind::MaterializedView => parts(of, object),
        _ => SAID
            .iter()
            .filter_map(|(name, said)| {
                let value = attributes.get(*name)?;
                Some(match said {
                    Said::Value => value.clone(),
                    Said::Name => (*name).to_owned(),
                    Said::Both => format!("{name} {value}"),
                })
            })
            .collect(),
    };
    let words = words.join(", ");
    match words.len() <= LONGEST && !words.contains('\n') {
        true => words,
        false => String::new(),
    }
}

/// How an attribute is told in passing.
enum Said {
    Value,
    Name,
    Both,
}

/// The attributes that are told about what is missing or left over.
const SAID: [(&str, Said); 9] = [
    ("type", Said::Value),
    ("values", Said::Value),
    ("unique", Said::Name),
    ("definition", Said::Value),
    ("not null", Said::Name),
    ("default", Said::Both),
    ("generated", Said::Both),
    ("identity", Said::Both),
    ("version", Said::Both),
];

/// `3 columns, 1 index`: what goes along with an object.
fn parts(of: &Catalogue, object: &ObjectName) -> Vec<String> {
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for part in of.objects.keys() {
        let belongs = match object.kind {
            Kind::Schema => part.schema.as_ref() == Some(&object.name) && part.parent.is_none(),
            _ => part.schema == object.schema && part.parent.as_ref() == Some(&object.name),
        };
        if belongs {
            *counts.entry(part.kind).or_default() += 1;
        }
    }
    let counts = counts.into_iter().map(|(kind, count)| match count {
        1 => format!("1 {}", kind.name()),
        _ => format!("{count} {}", kind.plural()),
    });
    counts.collect()
}

impl Difference {
    /// What it is about.
    pub fn object(&self) -> &ObjectName {
        match self {
            Difference::Missing { object, .. }
            | Difference::LeftOver { object, .. }
            | Difference::Changed { object, .. } => object,
            Difference::Reordered { table, .. } => table,
        }
    }

    /// Whether it is only about the order in which columns stand.
    pub fn is_order(&self) -> bool {
        matches!(self, Difference::Reordered { .. })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_brackets = |words: &str| match words {
            "" => String::new(),
            words => format!(" ({words})"),
        };
        match self {
            Difference::Missing { object, was } => {
                write!(f, "missing: {object}{}", in_brackets(was))
            }
            Difference::LeftOver { object, is } => {
                write!(f, "left over: {object}{}", in_brackets(is))
            }
            Difference::Changed {
                object,
                attribute,
                before,
                after,
            } => {
                write!(f, "changed: {object} {attribute}:")?;
                write_change(f, before.as_deref(), after.as_deref())
            }
            Difference::Reordered {
                table,
                before,
                after,
            } => write!(
                f,
                "reordered: columns of {table}: {} → {}",
                before.join(", "),
                after.join(", ")
            ),
        }
    }
}

/// ` integer → bigint`, or the lines that differ below each other where that is too long.
fn write_change(
    f: &mut fmt::Formatter<'_>,
    before: Option<&str>,
    after: Option<&str>,
) -> fmt::Result {
    const LONGEST: usize = 100;
    let (was, is) = (before.unwrap_or("none"), after.unwrap_or("none"));
    if was.len() + is.len() <= LONGEST && !was.contains('\n') && !is.contains('\n') {
        return write!(f, " {was} → {is}");
    }
    let was: Vec<&str> = before.unwrap_or_default().lines().collect();
    let is: Vec<&str> = after.unwrap_or_default().lines().collect();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = was.iter().zip(&is).take_while(same).count();
    let (was, is) = (&was[head..], &is[head..]);
    let tail = was
        .iter()
        .rev()
        .zip(is.iter().rev())
        .take_while(same)
        .count();
    for line in &was[..was.len() - tail] {
        write!(f, "\n    - {line}")?;
    }
    for line in &is[..is.len() - tail] {
        write!(f, "\n    + {line}")?;
    }
    Ok(())
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
