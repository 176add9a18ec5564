//! The model of a schema: what a database looks like after the migrations that were replayed.
//!
//! Objects are kept whole and shared. Whoever changes one puts a new value in its place, and the
//! [`journal`](Schema::mark) keeps the old one; so a migration costs what it touches, and can be
//! taken back. How statements change objects is [`replay`](crate::replay)'s business.

mod journal;
pub(crate) mod print;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use journal::{Entry, Mark};

use crate::change::{Fragment, Name, TableOption};
use crate::dialect::Dialect;

/// Which object: its kind of name, its schema, its table where it is named within one, its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which names it must not collide with.
    pub class: Class,
    /// Its schema; empty for what stands in none.
    pub schema: Name,
    /// The table within which it is named, if it is; the types of its arguments for a routine.
    pub within: Option<Name>,
    /// Its name.
    pub name: Name,
}

/// Objects of one class must have different names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Schemas.
    Schema,
    /// Extensions.
    Extension,
    /// Tables, views and sequences, and indexes where those share names with tables.
    Relation,
    /// Indexes, where they are named within their table.
    Index,
    /// Enums, domains and other types.
    Type,
    /// Functions, procedures and aggregates.
    Routine,
    /// Triggers.
    Trigger,
    /// Policies.
    Policy,
    /// Rewrite rules.
    Rule,
    /// Grants that are not about one object, default privileges: named by their text.
    Privilege,
    /// Anything else, by the words of its statement.
    Other(&'static str),
    /// Names that the model is not sure about since something opaque mentioned them; the name `*`
    /// stands for all.
    Doubt,
}

/// An object and what every object has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub body: Body,
    /// `COMMENT ON`, as a literal.
    pub comment: Option<Arc<str>>,
    /// `OWNER TO`, where it was said.
    pub owner: Option<Name>,
    /// Who may do what, where it was said: role and privilege, and whether it may be passed on.
    pub grants: BTreeMap<(Name, Arc<str>), bool>,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A table.
    Table(Table),
    /// A view.
    View(View),
    /// An index.
    Index(Index),
    /// A sequence.
    Sequence(Sequence),
    /// An enum.
    Enum(Vec<Arc<str>>),
    /// A composite type.
    Composite(Vec<(Name, Arc<str>)>),
    /// A domain.
    Domain(Domain),
    /// A function, procedure or aggregate.
    Routine(Routine),
    /// A trigger.
    Trigger(Trigger),
    /// Anything of which only the definition is kept: policies, rules, ranges, publications.
    Other(Other),
    /// A schema.
    Schema,
    /// An extension.
    Extension(Extension),
    /// Why the model is not sure about this name.
    Doubt,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In their order.
    pub columns: Vec<Column>,
    /// By name. Where the engine gives none, the model makes one up that begins with a blank.
    pub constraints: BTreeMap<Name, Constraint>,
    /// Storage, row level security, engine, `without rowid`: name and value.
    pub options: BTreeMap<Arc<str>, Arc<str>>,
    /// `PARTITION BY`
    pub partition_by: Option<Fragment>,
    /// The table that it is a part of, and its bounds.
    pub partition_of: Option<(Key, Fragment)>,
    /// `INHERITS`
    pub inherits: Vec<Key>,
    /// `FOREIGN`, `VIRTUAL`, `UNLOGGED`: words before `TABLE`, in upper case.
    pub nature: Vec<&'static str>,
    /// Whether it may have more than the model knows: it was made outside of the migrations, or
    /// something opaque touched it.
    pub open: bool,
    /// Whether it is temporary and so no part of what is compared.
    pub temporary: bool,
    /// Whether migrations put rows into it, so that rules for rows may fail already.
    pub filled: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Name,
    /// Its type in the engine's spelling; empty where SQLite does without.
    pub data_type: Arc<str>,
    /// Whether it forbids NULL.
    pub not_null: bool,
    /// The type, where the migrations made it.
    pub user_type: Option<Key>,
    /// The sequence that its default draws from.
    pub draws_from: Option<Key>,
    /// Its default.
    pub default: Option<Fragment>,
    /// How it is generated: the expression, and whether it is stored.
    pub generated: Option<(Fragment, bool)>,
    /// `GENERATED AS IDENTITY`: whether always.
    pub identity: Option<bool>,
    /// `AUTO_INCREMENT`, `AUTOINCREMENT`
    pub auto_increment: bool,
    /// Its collation where it is not that of its type.
    pub collation: Option<Fragment>,
    /// `ON UPDATE`
    pub on_update: Option<Fragment>,
    /// Its comment, as a literal.
    pub comment: Option<Arc<str>>,
    /// Who may do what with it.
    pub grants: BTreeMap<(Name, Arc<str>), bool>,
    /// Storage, statistics, character set, visibility: name and value.
    pub options: BTreeMap<Arc<str>, Arc<str>>,
}

/// A constraint of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// What it demands.
    pub rule: Rule,
    /// As in [`change::Constraint`](crate::change::Constraint::traits).
    pub traits: Vec<Arc<str>>,
    /// Its comment, as a literal.
    pub comment: Option<Arc<str>>,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `PRIMARY KEY`
    PrimaryKey(Vec<Part>, Arc<str>),
    /// `UNIQUE`; the second is what follows the columns: `include (a)`.
    Unique(Vec<Part>, Arc<str>),
    /// `FOREIGN KEY`
    Foreign(Foreign),
    /// `CHECK`
    Check(Fragment),
    /// `EXCLUDE`
    Exclude(Fragment),
    /// `NOT NULL` with a name of its own.
    NotNull(Name),
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The columns that refer.
    pub columns: Vec<Name>,
    /// The table that is referred to.
    pub table: Key,
    /// The columns there.
    pub referenced: Vec<Name>,
    /// `no action`, `cascade`, …
    pub on_delete: Arc<str>,
    /// Likewise.
    pub on_update: Arc<str>,
    /// `simple`, `full`
    pub matching: Arc<str>,
}

/// One part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What is indexed.
    pub what: PartOf,
    /// `desc`, an operator class, a length.
    pub order: Arc<str>,
}

/// What a part of a key is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartOf {
    /// A column.
    Column(Name),
    /// An expression.
    Expression(Fragment),
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The table or materialised view.
    pub table: Key,
    /// `UNIQUE`
    pub unique: bool,
    /// `btree`, `gin`, `fulltext`
    pub method: Arc<str>,
    /// What is indexed.
    pub parts: Vec<Part>,
    /// `INCLUDE`
    pub include: Vec<Name>,
    /// `WHERE`
    pub condition: Option<Fragment>,
    /// `WITH (…)` and the like.
    pub options: BTreeMap<Arc<str>, Arc<str>>,
    /// The constraint of its table that it serves. Such an index comes and goes with it.
    pub constraint: Option<Name>,
    /// The index of the partitioned table that it is a part of.
    pub part_of: Option<Key>,
    /// Whether the engine made it for a foreign key and takes it away when it can (MySQL).
    pub automatic: bool,
    /// Whether it may be another than the model knows.
    pub open: bool,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Whether it is materialised.
    pub materialized: bool,
    /// The names of its columns, where they are given or can be told.
    pub columns: Option<Vec<Name>>,
    /// The names of its columns as far as the query tells; an empty one where it does not.
    pub output: Option<Vec<Name>>,
    /// What each star of its query stood for when it was made, where that is known.
    pub stars: Vec<Option<Vec<Name>>>,
    /// The query.
    pub query: Fragment,
    /// What the query reads, as far as it is known.
    pub uses: BTreeSet<Key>,
    /// The columns that it surely reads.
    pub columns_used: BTreeSet<(Key, Name)>,
    /// `WITH (…)` and the like.
    pub options: BTreeMap<Arc<str>, Arc<str>>,
    /// Whether it may be another than the model knows.
    pub open: bool,
    /// Whether it is temporary.
    pub temporary: bool,
}

/// A sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Start, increment, type, where they are not the engine's own choice.
    pub options: BTreeMap<Arc<str>, Arc<str>>,
    /// The column with which it goes.
    pub owned_by: Option<(Key, Name)>,
    /// Whether it belongs to an identity column and cannot be dropped alone.
    pub identity: bool,
    /// Whether it is temporary.
    pub temporary: bool,
    /// Whether it may be another than the model knows.
    pub open: bool,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The type beneath.
    pub data_type: Arc<str>,
    /// `NOT NULL`
    pub not_null: bool,
    /// `DEFAULT`
    pub default: Option<Fragment>,
    /// `COLLATE`
    pub collation: Option<Fragment>,
    /// Checks by name, and whether they are not validated.
    pub checks: BTreeMap<Name, (Fragment, bool)>,
}

/// A function, procedure or aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routine {
    /// Which of these.
    pub kind: crate::change::Kind,
    /// Arguments as they are written.
    pub signature: Fragment,
    /// `RETURNS`
    pub returns: Option<Fragment>,
    /// Language, volatility, security and the like.
    pub options: BTreeMap<Arc<str>, Arc<str>>,
    /// Byte for byte.
    pub body: Arc<str>,
    /// Whether it may be another than the model knows.
    pub open: bool,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The table or view.
    pub table: Key,
    /// The function that it calls.
    pub function: Option<Key>,
    /// The columns after `UPDATE OF`.
    pub columns: Vec<Name>,
    /// All but its name and its table.
    pub definition: Fragment,
    /// `enable`, `disable`, …; empty as long as nobody changed it.
    pub state: Arc<str>,
}

/// An object of which only the definition is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The words of its statement: `POLICY`, `TYPE`, `PUBLICATION`.
    pub words: &'static str,
    /// The table it stands on, where it stands on one.
    pub table: Option<Key>,
    /// All but its name and its table.
    pub definition: Fragment,
    /// What was said about it later: name and value.
    pub attributes: BTreeMap<Arc<str>, Arc<str>>,
}

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// `SCHEMA x`
    pub schema: Option<Name>,
}

/// What a database looks like.
#[derive(Clone, Debug)]
pub struct Schema {
    dialect: Dialect,
    /// Every object. Only [`put`](Schema::put) writes here, so that `dependants` and `journal` fit.
    objects: BTreeMap<Key, Arc<Object>>,
    /// For each object those that name it.
    dependants: BTreeMap<Key, BTreeSet<Key>>,
    /// How often a name is that of a constraint in a schema.
    constraints: BTreeMap<(Name, Name), usize>,
    journal: Vec<Entry>,
    /// What was found to be there all along, each with the writes before.
    adopted: Vec<(usize, Key)>,
}

impl Key {
    /// The key of an object that is named within its schema.
    pub fn new(class: Class, schema: Name, name: Name) -> Key {
        Key {
            class,
            schema,
            within: None,
            name,
        }
    }

    /// The key of an object that is named within the object `owner`.
    pub fn within(class: Class, owner: &Key, name: Name) -> Key {
        Key {
            class,
            schema: owner.schema.clone(),
            within: Some(owner.name.clone()),
            name,
        }
    }
}

impl Object {
    /// An object without comment, owner and grants.
    pub fn new(body: Body) -> Object {
        Object {
            body,
            comment: None,
            owner: None,
            grants: BTreeMap::new(),
        }
    }

    /// The table, if it is one.
    pub fn table(&self) -> Option<&Table> {
        match &self.body {
            Body::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether it is gone with the session and no part of what is compared.
    pub fn is_temporary(&self) -> bool {
        match &self.body {
            Body::Table(table) => table.temporary,
            Body::View(view) => view.temporary,
            Body::Sequence(sequence) => sequence.temporary,
            _ => false,
        }
    }

    /// Whether it may be another than the model knows.
    pub fn is_open(&self) -> bool {
        match &self.body {
            Body::Table(table) => table.open,
            Body::View(view) => view.open,
            Body::Sequence(sequence) => sequence.open,
            Body::Routine(routine) => routine.open,
            Body::Index(index) => index.open,
            _ => false,
        }
    }

    /// The objects that it names, so that they cannot go or change their name without it.
    pub fn names(&self) -> BTreeSet<Key> {
        let mut names = BTreeSet::new();
        match &self.body {
            Body::Table(table) => {
                for constraint in table.constraints.values() {
                    if let Rule::Foreign(foreign) = &constraint.rule {
                        names.insert(foreign.table.clone());
                    }
                }
                names.extend(table.partition_of.iter().map(|(parent, _)| parent.clone()));
                for column in &table.columns {
                    names.extend(column.user_type.clone());
                    names.extend(column.draws_from.clone());
                }
                names.extend(table.inherits.iter().cloned());
            }
            Body::View(view) => names.extend(view.uses.iter().cloned()),
            Body::Index(index) => {
                names.insert(index.table.clone());
                names.extend(index.part_of.iter().cloned());
            }
            Body::Sequence(sequence) => {
                names.extend(sequence.owned_by.iter().map(|(table, _)| table.clone()));
            }
            Body::Trigger(trigger) => {
                names.insert(trigger.table.clone());
                names.extend(trigger.function.iter().cloned());
            }
            Body::Other(other) => names.extend(other.table.iter().cloned()),
            Body::Enum(_)
            | Body::Composite(_)
            | Body::Domain(_)
            | Body::Routine(_)
            | Body::Schema
            | Body::Extension(_)
            | Body::Doubt => {}
        }
        names
    }
}

impl Table {
    /// The column of that name.
    pub fn column(&self, name: &Name) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// The column of that name, to change it.
    pub fn column_mut(&mut self, name: &Name) -> Option<&mut Column> {
        self.columns.iter_mut().find(|column| column.name == *name)
    }

    /// The name and the columns of the primary key.
    pub fn primary_key(&self) -> Option<(&Name, &[Part])> {
        self.constraints
            .iter()
            .find_map(|(name, constraint)| match &constraint.rule {
                Rule::PrimaryKey(parts, _) => Some((name, parts.as_slice())),
                _ => None,
            })
    }
}

impl Column {
    /// A column of that name and type without further attributes.
    pub fn new(name: Name, data_type: Arc<str>) -> Column {
        Column {
            name,
            data_type,
            not_null: false,
            user_type: None,
            draws_from: None,
            default: None,
            generated: None,
            identity: None,
            auto_increment: false,
            collation: None,
            on_update: None,
            comment: None,
            grants: BTreeMap::new(),
            options: BTreeMap::new(),
        }
    }
}

impl Rule {
    /// The columns of its own table that it names outside of expressions.
    pub fn columns(&self) -> Vec<Name> {
        match self {
            Rule::PrimaryKey(parts, _) | Rule::Unique(parts, _) => parts
                .iter()
                .filter_map(|part| match &part.what {
                    PartOf::Column(name) => Some(name.clone()),
                    PartOf::Expression(_) => None,
                })
                .collect(),
            Rule::Foreign(foreign) => foreign.columns.clone(),
            Rule::NotNull(name) => vec![name.clone()],
            Rule::Check(_) | Rule::Exclude(_) => Vec::new(),
        }
    }
}

/// Options by their name.
/// Positions that count up by themselves are no part of the schema.
pub(crate) fn by_name(options: &[TableOption]) -> BTreeMap<Arc<str>, Arc<str>> {
    options
        .iter()
        .filter(|option| &*option.name != "auto_increment")
        .map(|option| (option.name.clone(), option.value.clone()))
        .collect()
}
