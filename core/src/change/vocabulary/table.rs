//! Tables, their columns and their constraints.

use std::sync::Arc;

use crate::change::{
    CreateIndex, Fragment, Ident, IfExists, ObjectName, Query, SequenceOption, Type,
};
use crate::source::Span;

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
    /// Names for the columns of the query, where they are given.
    pub names: Vec<Ident>,
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
    /// Whether it stands on a column.
    pub on_column: bool,
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
