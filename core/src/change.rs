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
mod mend;
mod name;
mod opaque;
mod opinion;
mod query;
mod routine;
mod sequence;
mod session;
mod star;
mod table;
mod vocabulary;

use std::sync::Arc;

pub use block::{Block, Deed, Handler, Scope, Step};
pub(crate) use data_type::normal as type_text;
pub use expression::{Condition, Expression, Lookup, Operator, Output};
pub(crate) use fragment::quoted;
pub use fragment::{Fragment, Likeness};
pub use mend::{Mend, mend};
pub(crate) use name::cut;
pub use name::{Ident, Name, ObjectName};
pub(crate) use star::{Columns, expand, extract, renamed};
pub use vocabulary::*;

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
    /// `REFRESH MATERIALIZED VIEW`
    Refresh {
        /// The view.
        name: ObjectName,
        /// Whether others may read it meanwhile.
        concurrently: bool,
    },
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
