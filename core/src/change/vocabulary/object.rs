//! Indexes, views, sequences, types, routines and whatever else has a name.

use std::sync::Arc;

use crate::change::{
    Behavior, ColumnDef, ColumnOption, Constraint, Fragment, Ident, IfExists, IfMissing, Key, Kind,
    Name, ObjectName, TableOption, Target, Type,
};

/// `CREATE INDEX`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// Its name, where it has one.
    pub name: Option<Ident>,
    /// The table; `None` inside of a statement about that table.
    pub table: Option<ObjectName>,
    /// When it is there already.
    pub if_exists: IfExists,
    /// `UNIQUE`
    pub unique: bool,
    /// `CONCURRENTLY`
    pub concurrently: bool,
    /// `ON ONLY`
    pub only: bool,
    /// `btree`, `gin`, `fulltext`; empty where nothing is said.
    pub method: Arc<str>,
    /// What is indexed.
    pub key: Key,
    /// `WHERE …`
    pub condition: Option<Fragment>,
}

/// A query and what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its text.
    pub text: Fragment,
    /// What it reads.
    pub uses: Uses,
}

/// The objects that a query or expression reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Tables and views, with the names under which the query knows them.
    pub relations: Vec<Used>,
    /// Columns: the name before the dot, where there is one, and the column.
    pub columns: Vec<(Option<Name>, Ident)>,
    /// Functions that are called.
    pub functions: Vec<ObjectName>,
    /// The names of the columns of the result, where they can be counted; an empty name where it
    /// cannot be told.
    pub output: Option<Vec<Name>>,
    /// A call of one of the engine's own functions with another number of arguments than it takes.
    pub miscounted: Option<(ObjectName, usize)>,
    /// Whether a star stands for columns.
    pub star: bool,
    /// Whether nothing was overlooked. If not, the lists hold what was found.
    pub complete: bool,
}

/// A relation that a query reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Its name.
    pub name: ObjectName,
    /// The name that the query gives it.
    pub alias: Option<Name>,
}

/// `CREATE [MATERIALIZED] VIEW`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateView {
    /// Its name.
    pub name: ObjectName,
    /// Whether it is materialised.
    pub materialized: bool,
    /// When it is there already.
    pub if_exists: IfExists,
    /// A temporary view is gone with the session and no part of the schema.
    pub temporary: bool,
    /// The names of its columns, where they are given.
    pub columns: Vec<Ident>,
    /// `WITH (…)`, `WITH CHECK OPTION`, `SQL SECURITY …`, `WITH NO DATA`.
    pub options: Vec<TableOption>,
    /// What it shows.
    pub query: Query,
}

/// `CREATE SEQUENCE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSequence {
    /// Its name.
    pub name: ObjectName,
    /// When it is there already.
    pub if_exists: IfExists,
    /// A temporary one is no part of the schema.
    pub temporary: bool,
    /// In order.
    pub options: Vec<SequenceOption>,
}

/// `ALTER SEQUENCE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterSequence {
    /// Its name.
    pub name: ObjectName,
    /// When it is missing.
    pub if_missing: IfMissing,
    /// In order.
    pub options: Vec<SequenceOption>,
}

/// An option of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SequenceOption {
    /// `OWNED BY t.c`; `None` for `OWNED BY NONE`.
    OwnedBy(Option<(ObjectName, Ident)>),
    /// `AS bigint`
    As(Type),
    /// `RESTART`: where it stands, which is no part of the schema.
    Restart,
    /// Any other, as name and value: `start`, `increment`, `minvalue`, `maxvalue`, `cache`,
    /// `cycle`. An empty value is the engine's own.
    Set(TableOption),
}

/// `CREATE TYPE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateType {
    /// Its name.
    pub name: ObjectName,
    /// What it is.
    pub definition: TypeDefinition,
}

/// What a type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeDefinition {
    /// `AS ENUM (…)`: the labels, without quotes.
    Enum(Vec<Arc<str>>),
    /// `AS (a int, …)`
    Composite(Vec<ColumnDef>),
    /// `AS RANGE (…)`, a base type, a shell.
    Other(Fragment),
}

/// `ALTER TYPE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterType {
    /// Its name.
    pub name: ObjectName,
    /// In order.
    pub actions: Vec<TypeAction>,
}

/// An action of `ALTER TYPE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeAction {
    /// `ADD VALUE`
    AddValue {
        /// The label, without quotes.
        label: Arc<str>,
        /// When it is there already.
        if_exists: IfExists,
        /// The label that it comes before (`true`) or after (`false`).
        place: Option<(bool, Arc<str>)>,
    },
    /// `RENAME VALUE`
    RenameValue {
        /// The label so far.
        from: Arc<str>,
        /// The new label.
        to: Arc<str>,
    },
    /// `ADD ATTRIBUTE`
    AddAttribute(ColumnDef),
    /// `DROP ATTRIBUTE`
    DropAttribute {
        /// Its name.
        name: Ident,
        /// When it is missing.
        if_missing: IfMissing,
        /// What happens to dependants.
        behavior: Behavior,
    },
    /// `ALTER ATTRIBUTE … TYPE …`
    AlterAttribute {
        /// Its name.
        name: Ident,
        /// Its new type.
        data_type: Type,
    },
    /// `RENAME ATTRIBUTE`
    RenameAttribute {
        /// Its name so far.
        from: Ident,
        /// Its new name.
        to: Ident,
    },
}

/// `CREATE DOMAIN`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDomain {
    /// Its name.
    pub name: ObjectName,
    /// The type beneath.
    pub data_type: Type,
    /// What follows: default, `NOT NULL`, checks, collation.
    pub options: Vec<ColumnOption>,
}

/// `ALTER DOMAIN`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterDomain {
    /// Its name.
    pub name: ObjectName,
    /// What becomes of it.
    pub action: DomainAction,
}

/// An action of `ALTER DOMAIN`.
#[allow(clippy::large_enum_variant)] // Few are alive at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainAction {
    /// `SET DEFAULT`, `DROP DEFAULT`
    Default(Option<Fragment>),
    /// `SET NOT NULL`, `DROP NOT NULL`
    NotNull(bool),
    /// `ADD CONSTRAINT`
    AddConstraint(Constraint),
    /// `DROP CONSTRAINT`
    DropConstraint {
        /// Its name.
        name: Ident,
        /// When it is missing.
        if_missing: IfMissing,
    },
    /// `VALIDATE CONSTRAINT`
    ValidateConstraint(Ident),
}

/// `CREATE FUNCTION`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRoutine {
    /// [`Kind::Function`], [`Kind::Procedure`] or [`Kind::Aggregate`].
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
    /// When it is there already.
    pub if_exists: IfExists,
    /// The types of the arguments by which it is known, in order.
    pub arguments: Vec<Type>,
    /// Arguments with their names, modes and defaults, as they are written.
    pub signature: Fragment,
    /// `RETURNS …`
    pub returns: Option<Fragment>,
    /// Everything but the body, part by part: `language`, `volatility`, `security`. What is the
    /// engine's own choice is left out.
    pub options: Vec<TableOption>,
    /// The body, byte for byte.
    pub body: Arc<str>,
    /// Words in the body that may be names of objects.
    pub mentions: Vec<Name>,
}

/// `CREATE TRIGGER`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTrigger {
    /// Its name.
    pub name: ObjectName,
    /// The table or view.
    pub table: ObjectName,
    /// When it is there already.
    pub if_exists: IfExists,
    /// The function that it calls (Postgres).
    pub function: Option<ObjectName>,
    /// Columns after `UPDATE OF`.
    pub columns: Vec<Ident>,
    /// All but its name and its table: when, for each what, under which condition, doing what.
    pub definition: Fragment,
    /// A temporary one is no part of the schema.
    pub temporary: bool,
}

/// An object of which only the definition is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOther {
    /// Which object.
    pub target: Target,
    /// When it is there already.
    pub if_exists: IfExists,
    /// All but its kind, its name and its table.
    pub definition: Fragment,
}

/// `CREATE SCHEMA`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateSchema {
    /// Its name.
    pub name: Ident,
    /// When it is there already.
    pub if_exists: IfExists,
    /// What follows its name.
    pub options: Fragment,
}

/// `CREATE EXTENSION`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateExtension {
    /// Its name.
    pub name: Ident,
    /// When it is there already.
    pub if_exists: IfExists,
    /// `SCHEMA x`
    pub schema: Option<Name>,
}

/// `DROP …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drop {
    /// In order; all of one kind.
    pub targets: Vec<Target>,
    /// When one is missing.
    pub if_missing: IfMissing,
    /// What happens to dependants.
    pub behavior: Behavior,
    /// `CONCURRENTLY`
    pub concurrently: bool,
    /// Whether only what is temporary is meant (MySQL).
    pub temporary: bool,
}

/// `… RENAME TO …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Which object.
    pub target: Target,
    /// Its new name. A schema stands here where the engine moves it at the same time (MySQL).
    pub to: ObjectName,
    /// When it is missing.
    pub if_missing: IfMissing,
}

/// `… SET SCHEMA …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSchema {
    /// Which object.
    pub target: Target,
    /// Its new schema.
    pub schema: Ident,
    /// When it is missing.
    pub if_missing: IfMissing,
}

/// `… OWNER TO …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Which object.
    pub target: Target,
    /// Whose it becomes.
    pub owner: Name,
}

/// `COMMENT ON …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Which object.
    pub target: Target,
    /// The text as a literal of the engine; `None` takes the comment away.
    pub text: Option<Arc<str>>,
}

/// An attribute of an object that is kept as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Which object.
    pub target: Target,
    /// Name and value; an empty value takes it away.
    pub attributes: Vec<TableOption>,
    /// When it is missing.
    pub if_missing: IfMissing,
}

/// `GRANT` and `REVOKE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whether it gives or takes.
    pub gives: bool,
    /// What: `select`, `update (a)`, `all`, or a role.
    pub privileges: Vec<Arc<str>>,
    /// On which objects.
    pub on: GrantOn,
    /// To or from whom.
    pub roles: Vec<Name>,
    /// `WITH GRANT OPTION`, `GRANT OPTION FOR`
    pub option: bool,
}

/// What a privilege is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantOn {
    /// These objects.
    Targets(Vec<Target>),
    /// Something that is kept as it is written: `ALL TABLES IN SCHEMA x`, default privileges.
    Text(Fragment),
    /// Nothing: roles are given to roles.
    Roles,
}
