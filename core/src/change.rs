//! What one statement does to the schema, in our own small vocabulary.
//!
//! [`read`] is the way from tokens to a [`Change`]. Whether the objects exist that a change names
//! is not asked here: that is [`replay`](crate::replay)'s business. Only this module and the files
//! beside it see a parser that others wrote.
//!
//! A statement is read by our recogniser, which keeps every attribute that the engine keeps. What
//! that does not know is judged by a second opinion, a full grammar where there is one: legal is
//! [`Change::Opaque`], illegal a [`SyntaxError`].

mod alter;
mod block;
mod constraint;
mod create;
mod cursor;
mod data;
mod data_type;
mod drop;
mod expression;
mod extension;
mod fragment;
mod grant;
mod index;
mod name;
mod opaque;
mod opinion;
mod query;
mod routine;
mod sequence;
mod session;
mod table;

use std::sync::Arc;

pub use block::{Block, Deed, Handler, Scope, Step};
pub(crate) use data_type::normal as type_text;
pub use expression::{Condition, Expression, Lookup, Operator, Output};
pub(crate) use fragment::quoted;
pub use fragment::{Fragment, Likeness};
pub(crate) use name::cut;
pub use name::{Ident, Name, ObjectName};

use crate::dialect::Dialect;
use crate::source::Span;

/// What a statement does.
#[allow(clippy::large_enum_variant)] // One at a time is alive, and its place is the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `CREATE TABLE`
    CreateTable(CreateTable),
    /// `ALTER TABLE`, and `ALTER VIEW`, `ALTER INDEX` and the like with actions of tables.
    AlterTable(AlterTable),
    /// `CREATE INDEX`
    CreateIndex(CreateIndex),
    /// `CREATE [MATERIALIZED] VIEW`
    CreateView(CreateView),
    /// `CREATE SEQUENCE`
    CreateSequence(CreateSequence),
    /// `ALTER SEQUENCE` with options.
    AlterSequence(AlterSequence),
    /// `CREATE TYPE`
    CreateType(CreateType),
    /// `ALTER TYPE` on the labels or attributes of a type.
    AlterType(AlterType),
    /// `CREATE DOMAIN`
    CreateDomain(CreateDomain),
    /// `ALTER DOMAIN` on its default or constraints.
    AlterDomain(AlterDomain),
    /// `CREATE FUNCTION`, `PROCEDURE` and `AGGREGATE`.
    CreateRoutine(CreateRoutine),
    /// `CREATE TRIGGER`
    CreateTrigger(CreateTrigger),
    /// `CREATE POLICY`, `CREATE RULE`, and objects that are only made, dropped, renamed and
    /// commented on.
    CreateOther(CreateOther),
    /// `CREATE SCHEMA`
    CreateSchema(CreateSchema),
    /// `CREATE EXTENSION`
    CreateExtension(CreateExtension),
    /// `DROP …`
    Drop(Drop),
    /// `… RENAME TO …`, `RENAME COLUMN` and the like included.
    Rename(Rename),
    /// `… SET SCHEMA …`
    SetSchema(SetSchema),
    /// `… OWNER TO …`
    Owner(Owner),
    /// `COMMENT ON …`
    Comment(Comment),
    /// An attribute of an object that is kept as it is written: `ALTER FUNCTION f() STABLE`.
    Attribute(Attribute),
    /// `GRANT` and `REVOKE`.
    Grant(Grant),
    /// `INSERT`, `UPDATE`, `DELETE`, `TRUNCATE` and the like: rows, not the schema.
    Data(Data),
    /// `DO`: steps, some of which depend on what is there.
    Block(Block),
    /// `SET search_path = …`
    SearchPath(Vec<Name>),
    /// `SET foreign_key_checks = …`: whether foreign keys are looked at.
    ForeignKeyChecks(bool),
    /// It changes nothing that outlives the session or shows in the schema: `SET`, `ANALYZE`.
    Harmless,
    /// It is legal and not modelled.
    Opaque(Opaque),
}

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A table.
    Table,
    /// A foreign table.
    ForeignTable,
    /// A view.
    View,
    /// A materialised view.
    MaterializedView,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A type that is none of the others: enum, composite, range.
    Type,
    /// A domain.
    Domain,
    /// A function.
    Function,
    /// A procedure.
    Procedure,
    /// An aggregate.
    Aggregate,
    /// A function, procedure or aggregate; the statement does not say which.
    Routine,
    /// A trigger.
    Trigger,
    /// A policy of row level security.
    Policy,
    /// A rewrite rule.
    Rule,
    /// A column of a table or an attribute of a type.
    Column,
    /// A constraint of a table.
    Constraint,
    /// A constraint of a domain.
    DomainConstraint,
    /// A label of an enum.
    Label,
    /// A schema, or what MySQL calls a database.
    Schema,
    /// An extension.
    Extension,
    /// Any other, by the words of its statement: `PUBLICATION`, `TEXT SEARCH CONFIGURATION`.
    Other(&'static str),
}

/// Which object a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is said to be.
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
    /// The table of a column, constraint, trigger, policy, or of an index where those belong to
    /// tables; the type of an attribute or label.
    pub owner: Option<ObjectName>,
    /// The types of the arguments of a routine, where they are given.
    pub arguments: Option<Vec<Type>>,
}

/// A type as the engine keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    /// In the engine's own spelling: `character varying(20)`.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// What happens when the object is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfExists {
    /// The statement fails.
    #[default]
    Fail,
    /// `IF NOT EXISTS`: nothing happens.
    Keep,
    /// `OR REPLACE`: the new one takes its place.
    Replace,
}

/// Whether missing objects are passed over: `IF EXISTS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfMissing {
    /// The statement fails.
    #[default]
    Fail,
    /// Nothing happens.
    Skip,
}

/// What happens to dependants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// They forbid it, where the engine looks.
    #[default]
    Restrict,
    /// They go along.
    Cascade,
}

/// `CREATE TABLE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTable {
    /// Its name.
    pub name: ObjectName,
    /// When it is there already.
    pub if_exists: IfExists,
    /// A temporary table is gone with the session and no part of the schema.
    pub temporary: bool,
    /// `FOREIGN TABLE`, `VIRTUAL TABLE`, `UNLOGGED`: words before `TABLE`, in upper case.
    pub nature: Vec<&'static str>,
    /// What stands in the parentheses.
    pub elements: Vec<TableElement>,
    /// Where the rest comes from.
    pub origin: TableOrigin,
    /// What follows, part by part: `engine=InnoDB`, `without rowid`, `tablespace x`.
    pub options: Vec<TableOption>,
    /// `PARTITION BY …`
    pub partition_by: Option<Fragment>,
    /// `INHERITS (…)`
    pub inherits: Vec<ObjectName>,
}

/// Where a table gets columns from that are not written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableOrigin {
    /// Nowhere.
    Elements,
    /// `AS SELECT …`
    Query(Query),
    /// `PARTITION OF parent FOR VALUES …`
    PartitionOf {
        /// The table that it is a part of.
        parent: ObjectName,
        /// `FOR VALUES …` or `DEFAULT`
        bound: Fragment,
    },
    /// `OF type`
    OfType(ObjectName),
    /// `USING module(…)`: a virtual table of SQLite.
    Module(Fragment),
}

/// One entry in the parentheses of `CREATE TABLE`.
#[allow(clippy::large_enum_variant)] // Most are the large one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableElement {
    /// A column.
    Column(ColumnDef),
    /// A constraint.
    Constraint(Constraint),
    /// An index (MySQL).
    Index(CreateIndex),
    /// `LIKE other INCLUDING …`
    Like {
        /// The table that is copied.
        table: ObjectName,
        /// `INCLUDING INDEXES`, `EXCLUDING COMMENTS`: the words after the two, with whether they
        /// are included, in order.
        including: Vec<(bool, String)>,
    },
}

/// One option of a table, an index or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOption {
    /// Its name, in lower case: `engine`, `without rowid`.
    pub name: Arc<str>,
    /// Its value; empty where it has none.
    pub value: Arc<str>,
}

/// A column as a statement defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name.
    pub name: Ident,
    /// Its type; SQLite does without.
    pub data_type: Option<Type>,
    /// What follows the type, in order.
    pub options: Vec<ColumnOption>,
    /// All of it.
    pub span: Span,
}

/// What may follow the type of a column.
#[allow(clippy::large_enum_variant)] // A few stand in each statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnOption {
    /// `NOT NULL`
    NotNull,
    /// `NULL`
    Null,
    /// `DEFAULT …`
    Default(Fragment),
    /// `PRIMARY KEY`, `UNIQUE`, `CHECK`, `REFERENCES`; its columns are those of this one.
    Constraint(Constraint),
    /// `GENERATED ALWAYS AS (…)`
    Generated(Generated),
    /// `GENERATED … AS IDENTITY`
    Identity(Identity),
    /// `COLLATE …`
    Collate(Fragment),
    /// `AUTO_INCREMENT`, `AUTOINCREMENT`
    AutoIncrement,
    /// `ON UPDATE …`
    OnUpdate(Fragment),
    /// `COMMENT '…'`
    Comment(Arc<str>),
    /// Anything else, as name and value: `character set`, `storage`, `compression`, `invisible`.
    Other(TableOption),
}

/// `GENERATED ALWAYS AS (…) STORED`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The expression.
    pub expression: Fragment,
    /// Whether its value is stored.
    pub stored: bool,
}

/// `GENERATED ALWAYS AS IDENTITY (…)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `ALWAYS` rather than `BY DEFAULT`.
    pub always: bool,
    /// Options of its sequence.
    pub options: Vec<SequenceOption>,
}

/// A constraint as a statement defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Its name, where it has one.
    pub name: Option<Ident>,
    /// What it demands.
    pub rule: ConstraintRule,
    /// When and how it is enforced: `deferrable`, `initially deferred`, `not valid`, `no inherit`,
    /// `nulls not distinct`, `on conflict ignore`, in the engine's order and in lower case.
    pub traits: Vec<Arc<str>>,
    /// All of it.
    pub span: Span,
}

/// What a constraint demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstraintRule {
    /// `PRIMARY KEY (…)`
    PrimaryKey(Key),
    /// `UNIQUE (…)`
    Unique(Key),
    /// `FOREIGN KEY (…) REFERENCES … (…)`
    Foreign(ForeignKey),
    /// `CHECK (…)`
    Check(Fragment),
    /// `EXCLUDE USING … (…)`
    Exclude(Fragment),
    /// `NOT NULL column` as a constraint.
    NotNull(Ident),
    /// `PRIMARY KEY USING INDEX …` or `UNIQUE USING INDEX …`
    UsingIndex {
        /// Whether it becomes the primary key.
        primary: bool,
        /// The index that becomes a constraint.
        index: Ident,
    },
}

/// The columns of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its parts; empty on a column, whose own name it is.
    pub parts: Vec<KeyPart>,
    /// `INCLUDE (…)`
    pub include: Vec<Ident>,
    /// `WITH (…)`, `USING BTREE`, `COMMENT '…'` and the like.
    pub options: Vec<TableOption>,
    /// The name that MySQL lets one write before the parentheses.
    pub index_name: Option<Ident>,
}

/// One part of a key or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// What is indexed.
    pub what: KeyExpr,
    /// `desc`, `nulls first`, `collate x`, an operator class, a length: what the engine keeps, in
    /// lower case.
    pub order: Arc<str>,
}

/// What a part of a key is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyExpr {
    /// A column.
    Column(Ident),
    /// An expression.
    Expression(Fragment),
}

/// `REFERENCES …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns that refer; empty on a column, whose own name it is.
    pub columns: Vec<Ident>,
    /// The table that is referred to.
    pub table: ObjectName,
    /// The columns there; empty means its primary key.
    pub referenced: Vec<Ident>,
    /// `ON DELETE …`, in lower case; `no action` where nothing is said.
    pub on_delete: Arc<str>,
    /// `ON UPDATE …`, likewise.
    pub on_update: Arc<str>,
    /// `MATCH …`; `simple` where nothing is said.
    pub matching: Arc<str>,
}

/// `ALTER TABLE`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterTable {
    /// What it is said to be: a table, view, index, sequence.
    pub kind: Kind,
    /// Its name.
    pub name: ObjectName,
    /// When it is missing.
    pub if_missing: IfMissing,
    /// In order.
    pub actions: Vec<Action>,
}

/// One action of an `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it does.
    pub verb: Verb,
    /// The words that say it.
    pub span: Span,
}

/// What an action of `ALTER TABLE` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `ADD COLUMN`
    AddColumn {
        /// The column.
        column: ColumnDef,
        /// When it is there already.
        if_exists: IfExists,
        /// `FIRST` or `AFTER x` (MySQL).
        position: Option<Position>,
    },
    /// `DROP COLUMN`
    DropColumn {
        /// Its name.
        column: Ident,
        /// When it is missing.
        if_missing: IfMissing,
        /// What happens to dependants.
        behavior: Behavior,
    },
    /// `ALTER COLUMN …`
    AlterColumn {
        /// Its name.
        column: Ident,
        /// What becomes of it.
        change: ColumnChange,
    },
    /// `MODIFY x …` and `CHANGE x y …` (MySQL): the column is defined anew.
    Redefine {
        /// Its name so far.
        column: Ident,
        /// The whole new definition.
        definition: ColumnDef,
        /// `FIRST` or `AFTER x`.
        position: Option<Position>,
        /// When it is missing.
        if_missing: IfMissing,
    },
    /// `ADD CONSTRAINT`
    AddConstraint {
        /// The constraint.
        constraint: Constraint,
        /// When one of that name is there already (MariaDB).
        if_exists: IfExists,
    },
    /// `DROP CONSTRAINT`, and `DROP PRIMARY KEY`, `DROP FOREIGN KEY` of MySQL.
    DropConstraint {
        /// Its name; the primary key has none in MySQL.
        name: Ident,
        /// What it must be.
        which: ConstraintKind,
        /// When it is missing.
        if_missing: IfMissing,
        /// What happens to dependants.
        behavior: Behavior,
    },
    /// `VALIDATE CONSTRAINT`
    ValidateConstraint(Ident),
    /// `ALTER CONSTRAINT x DEFERRABLE …`: the traits that it gets.
    AlterConstraint {
        /// Its name.
        name: Ident,
        /// As in [`Constraint::traits`].
        traits: Vec<Arc<str>>,
    },
    /// `ADD INDEX` (MySQL)
    AddIndex(CreateIndex),
    /// `DROP INDEX` (MySQL)
    DropIndex {
        /// Its name.
        name: Ident,
        /// When it is missing.
        if_missing: IfMissing,
    },
    /// `RENAME COLUMN`, `RENAME CONSTRAINT`, `RENAME INDEX` as one of several actions.
    RenamePart {
        /// [`Kind::Column`], [`Kind::Constraint`] or [`Kind::Index`].
        kind: Kind,
        /// Its name so far.
        from: Ident,
        /// Its new name.
        to: Ident,
        /// When it is missing.
        if_missing: IfMissing,
    },
    /// `RENAME TO` as one of several actions.
    RenameTo(ObjectName),
    /// `ENABLE ROW LEVEL SECURITY` and its opposites: name and value of a [`TableOption`].
    SetOption(TableOption),
    /// `RESET (…)`
    ResetOption(Arc<str>),
    /// `ENABLE TRIGGER x`: the state it gets, in lower case. `ALL` and `USER` are written so.
    TriggerState {
        /// Its name; `None` for all.
        trigger: Option<Ident>,
        /// `enable`, `disable`, `enable always`, `enable replica`.
        state: Arc<str>,
    },
    /// `OWNER TO`
    Owner(Name),
    /// `SET SCHEMA`
    SetSchema(Ident),
    /// `ATTACH PARTITION x FOR VALUES …`
    AttachPartition {
        /// The table or index that becomes a part.
        part: ObjectName,
        /// `FOR VALUES …`; empty for an index.
        bound: Fragment,
    },
    /// `DETACH PARTITION x`
    DetachPartition(ObjectName),
    /// `INHERIT x` and `NO INHERIT x`
    Inherit {
        /// The parent.
        parent: ObjectName,
        /// Whether it becomes one or ceases to be one.
        inherit: bool,
    },
    /// It shows nowhere in the schema: `ALGORITHM=…`, `FORCE`.
    Nothing,
    /// It is legal and not modelled.
    Other(Fragment),
}

/// Where MySQL puts a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// `FIRST`
    First,
    /// `AFTER x`
    After(Ident),
}

/// What a constraint must be so that it may be dropped by this statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    /// Any.
    Any,
    /// The primary key.
    PrimaryKey,
    /// A foreign key.
    Foreign,
    /// A check.
    Check,
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnChange {
    /// `TYPE x COLLATE y USING z`
    Type {
        /// The new type.
        data_type: Type,
        /// Its collation, where one is named.
        collation: Option<Fragment>,
        /// How old values become new ones.
        using: Option<Fragment>,
    },
    /// `SET NOT NULL`
    SetNotNull,
    /// `DROP NOT NULL`
    DropNotNull,
    /// `SET DEFAULT`
    SetDefault(Fragment),
    /// `DROP DEFAULT`
    DropDefault,
    /// `ADD GENERATED … AS IDENTITY`
    AddIdentity(Identity),
    /// `SET GENERATED ALWAYS`, with options of its sequence.
    SetIdentity {
        /// `ALWAYS` rather than `BY DEFAULT`, where it is said.
        always: Option<bool>,
        /// Options of its sequence.
        options: Vec<SequenceOption>,
    },
    /// `DROP IDENTITY`
    DropIdentity(IfMissing),
    /// `DROP EXPRESSION`
    DropExpression(IfMissing),
    /// `SET EXPRESSION AS (…)`
    SetExpression(Fragment),
    /// `SET STATISTICS 100`, `SET STORAGE x`, `SET (n_distinct = 1)`.
    SetOption(TableOption),
}

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

/// A statement about rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What it does to them.
    pub verb: DataVerb,
    /// The tables whose rows it changes.
    pub targets: Vec<ObjectName>,
    /// The columns that it writes, where they are named.
    pub columns: Vec<Ident>,
    /// Whether a condition or a limit says which rows.
    pub filtered: bool,
    /// What it reads.
    pub uses: Uses,
    /// Whether a subquery in it must find one row at most.
    pub single: bool,
    /// Whether rows that are there already are passed over or replaced.
    pub lenient: bool,
    /// Whether a value to be put there comes from a subquery, which gives NULL when it finds no row.
    pub may_be_null: bool,
    /// Columns that are compared with, or set to, a text that is no number.
    pub worded: Vec<(Ident, Arc<str>)>,
    /// The names that a query mentions that calls functions, strings included.
    pub mentions: Vec<Name>,
    /// The calls of a query that does nothing else: `SELECT f('a', 1)`.
    pub calls: Vec<Call>,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub function: ObjectName,
    /// Its arguments, each with the name by which it is given, where there is one.
    pub arguments: Vec<(Option<Name>, Expression)>,
}

/// What a statement does to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataVerb {
    /// `INSERT`, `REPLACE`, `COPY … FROM`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
    /// `TRUNCATE`
    Truncate,
    /// `MERGE`
    Merge,
    /// A query, which changes none unless a function does.
    Query,
}

/// A legal statement that is not modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Why it is not modelled, to be read after "because": `a DO block can do anything`.
    pub why: &'static str,
    /// The names that it mentions.
    pub mentions: Vec<Name>,
    /// Whether it may touch objects that it does not mention.
    pub anything: bool,
    /// Whether it may change the columns of a table that it mentions, by its words.
    pub reshapes: bool,
}

/// Why a text is no statement of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where it is first seen.
    pub span: Span,
    /// What was expected there, or what is wrong.
    pub message: String,
}

/// Reads the statement at `span` of `text`.
///
/// # Errors
/// When no reader knows it and the second opinion says that the engine refuses it.
pub fn read(text: &str, span: Span, dialect: Dialect) -> Result<Change, SyntaxError> {
    opinion::read(text, span, dialect)
}

/// The statement at `span` as one that is not modelled, for this reason.
pub fn unread(text: &str, span: Span, dialect: Dialect, why: &'static str) -> Opaque {
    let tokens = crate::lex::lex_within(text, span, dialect);
    let lexemes = crate::lex::lexemes(text, &tokens);
    Opaque {
        why,
        ..opaque::read(&lexemes, dialect)
    }
}

/// Whether the body of a routine may change the columns of a table, by its words.
pub(crate) fn changes_columns(body: &str, dialect: Dialect) -> bool {
    let tokens = crate::lex::lex(body, dialect).tokens;
    opaque::changes_columns(&crate::lex::lexemes(body, &tokens))
}

/// The extensions that the statement at `span` needs, each with the word that shows it.
pub(crate) fn extensions(
    text: &str,
    span: Span,
    dialect: Dialect,
) -> Vec<(Name, &'static str, Span)> {
    extension::needed(text, span, dialect)
}

/// The body of a function in PL/pgSQL; `None` where it is written in a way that is not followed.
pub(crate) fn block(body: &str, dialect: Dialect) -> Option<Block> {
    block::of(body, None, dialect)
}

/// The body of a function in SQL.
pub(crate) fn statements(body: &str, dialect: Dialect) -> Block {
    block::statements(body, dialect)
}
