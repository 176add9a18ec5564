//! What `ALTER TABLE` does.

use std::sync::Arc;

use crate::change::{
    Behavior, ColumnDef, Constraint, CreateIndex, Fragment, Ident, Identity, IfExists, IfMissing,
    Kind, Name, ObjectName, SequenceOption, TableOption, Type,
};
use crate::source::Span;

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
