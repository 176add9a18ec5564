//! Rows, calls and what cannot be read.

use std::sync::Arc;

use crate::change::{Expression, Ident, Name, ObjectName, Uses};

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
    /// Names that can only be columns of the one relation that it reads.
    pub plain: Vec<Ident>,
    /// How many values it gives for a row, where they can be counted.
    pub values: Option<usize>,
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
