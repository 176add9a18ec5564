//! Expressions of PL/pgSQL as far as a model of the schema can tell their value: texts that are put
//! together, comparisons, and questions to the catalogue of the engine.
//!
//! What stands beyond that is [`Expression::Unknown`], which is an answer too.

use std::sync::Arc;

use super::cursor::{Cursor, string_value};
use super::{Call, Ident, Name, ObjectName};
use crate::lex::TokenKind;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// It cannot be told.
    Unknown,
    /// `NULL`
    Null,
    /// `TRUE`, `FALSE`
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// A string.
    Text(Arc<str>),
    /// A variable, or the n-th argument by `$n`.
    Variable(Name),
    /// A function, by the last part of its name, with its arguments.
    Call(Name, Vec<Expression>),
    /// `ARRAY[…]` or the values behind `IN`.
    List(Vec<Expression>),
    /// Two operands with an operator between.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `NOT …`
    Not(Box<Expression>),
    /// `… IS NULL`
    IsNull(Box<Expression>),
    /// `… IN (…)`
    In(Box<Expression>, Vec<Expression>),
    /// `EXISTS (SELECT …)`
    Exists(Box<Lookup>),
    /// `(SELECT …)`
    Select(Box<Lookup>),
}

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `||`
    Join,
    /// `=`
    Equal,
    /// `<>`
    Unequal,
    /// `<`
    Less,
    /// `>`
    More,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `AND`
    And,
    /// `OR`
    Or,
}

/// A simple query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// What it asks for.
    pub output: Output,
    /// What it reads, with the names under which it knows them.
    pub relations: Vec<(ObjectName, Name)>,
    /// What must hold for a row: all of them.
    pub conditions: Vec<Condition>,
    /// Whether there is more to it, such as `GROUP BY` or `UNION`.
    pub more: bool,
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// `count(*)`
    Count,
    /// One column.
    Column(Name),
    /// An expression over no relation: `SELECT EXISTS (…)`.
    Value(Expression),
    /// Anything else.
    Other,
}

/// What must hold for a row of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The column of that relation, where one is named, has that value.
    Equal(Option<Name>, Name, Expression),
    /// Two relations belong together: `c.oid = i.indrelid`.
    Link,
    /// Anything else.
    Other,
}

/// How deep expressions may stand in one another.
const DEEPEST: usize = 32;

/// Reads all that is left as one expression.
pub(super) fn read(cursor: &Cursor<'_, '_>) -> Expression {
    let mut cursor = *cursor;
    match or(&mut cursor, 0) {
        Some(expression) if cursor.is_end() => expression,
        _ => Expression::Unknown,
    }
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression::Binary(operator, Box::new(left), Box::new(right))
}

fn or(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let mut left = and(cursor, depth)?;
    while cursor.eat("OR") {
        left = binary(Operator::Or, left, and(cursor, depth)?);
    }
    Some(left)
}

fn and(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let mut left = not(cursor, depth)?;
    while cursor.eat("AND") {
        left = binary(Operator::And, left, not(cursor, depth)?);
    }
    Some(left)
}

fn not(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    if depth > DEEPEST {
        return None;
    }
    match cursor.eat("NOT") {
        true => Some(Expression::Not(Box::new(not(cursor, depth + 1)?))),
        false => comparison(cursor, depth),
    }
}

const COMPARISONS: &[(&str, Operator)] = &[
    ("=", Operator::Equal),
    ("<>", Operator::Unequal),
    ("!=", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::More),
];

fn comparison(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let left = joined(cursor, depth)?;
    for (sign, operator) in COMPARISONS {
        if cursor.eat_sign(sign) {
            let right = joined(cursor, depth)?;
            return Some(binary(*operator, left, right));
        }
    }
    if cursor.eat("IS") {
        let negated = cursor.eat("NOT");
        cursor.expect("NULL")?;
        let test = Expression::IsNull(Box::new(left));
        return Some(match negated {
            true => Expression::Not(Box::new(test)),
            false => test,
        });
    }
    let negated = cursor.sees("NOT IN");
    if cursor.eat("NOT IN") || cursor.eat("IN") {
        let mut values = Vec::new();
        for part in cursor.group()?.by_comma() {
            values.push(nested(&part, depth)?);
        }
        let test = Expression::In(Box::new(left), values);
        return Some(match negated {
            true => Expression::Not(Box::new(test)),
            false => test,
        });
    }
    Some(left)
}

fn joined(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let mut left = cast(cursor, depth)?;
    while cursor.eat_sign("||") {
        left = binary(Operator::Join, left, cast(cursor, depth)?);
    }
    Some(left)
}

/// Types between which a text or a name stays what it is.
const TEXTS: &[&str] = &[
    "text",
    "name",
    "varchar",
    "regclass",
    "regtype",
    "regnamespace",
    "regproc",
    "sql_identifier",
    "bool",
    "boolean",
];

fn cast(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let mut value = primary(cursor, depth)?;
    while cursor.eat_sign("::") {
        let to = cursor.object_name()?;
        let lists = cursor.eat_sign("[");
        if lists {
            cursor.eat_sign("]");
        }
        if !TEXTS.contains(&to.name.key()) {
            value = Expression::Unknown;
        }
    }
    Some(value)
}

/// What stands in a group of its own.
fn nested(inner: &Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let mut inner = *inner;
    if inner.sees("SELECT") {
        return Some(Expression::Select(Box::new(lookup(&mut inner, depth + 1)?)));
    }
    let value = or(&mut inner, depth + 1)?;
    inner.end()?;
    Some(value)
}

fn primary(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    let lexeme = cursor.peek()?;
    if depth > DEEPEST {
        return None;
    }
    match lexeme.kind {
        TokenKind::String => {
            cursor.next();
            return Some(Expression::Text(string_value(lexeme.text).into()));
        }
        TokenKind::Number => {
            cursor.next();
            return Some(match lexeme.text.parse() {
                Ok(number) => Expression::Number(number),
                Err(_) => Expression::Unknown,
            });
        }
        TokenKind::Parameter => {
            cursor.next();
            return Some(Expression::Variable(Name::new(lexeme.text, cursor.dialect)));
        }
        TokenKind::Open => return nested(&cursor.group()?, depth),
        TokenKind::Word | TokenKind::QuotedName => {}
        _ => return None,
    }
    for (word, value) in [
        ("NULL", Expression::Null),
        ("TRUE", Expression::Bool(true)),
        ("FALSE", Expression::Bool(false)),
    ] {
        if cursor.eat(word) {
            return Some(value);
        }
    }
    if cursor.eat("EXISTS") {
        let mut inner = cursor.group()?;
        return Some(Expression::Exists(Box::new(lookup(&mut inner, depth + 1)?)));
    }
    if cursor.eat("ARRAY") {
        return array(cursor, depth);
    }
    if cursor.sees_any(&["CASE", "SELECT", "CAST", "INTERVAL", "ROW"]) {
        return None;
    }
    let name = cursor.object_name()?;
    if cursor.sees_sign("(") {
        let inner = cursor.group()?;
        let mut arguments = Vec::new();
        if !inner.is_end() {
            for mut part in inner.by_comma() {
                part.eat("VARIADIC");
                arguments.push(nested(&part, depth).unwrap_or(Expression::Unknown));
            }
        }
        return Some(Expression::Call(name.name, arguments));
    }
    Some(match name.schema {
        // A field of a record.
        Some(_) => Expression::Unknown,
        None => Expression::Variable(name.name),
    })
}

fn array(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Expression> {
    if !cursor.eat_sign("[") {
        return None;
    }
    let mut values = Vec::new();
    while !cursor.eat_sign("]") {
        values.push(or(cursor, depth + 1)?);
        if !cursor.eat_sign(",") && !cursor.sees_sign("]") {
            return None;
        }
    }
    Some(Expression::List(values))
}

/// Words that end a list of conditions.
const AFTER_WHERE: &[&str] = &[
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FOR",
    "UNION",
    "INTERSECT",
    "EXCEPT",
];

/// Reads a query, from its `SELECT` on.
pub(super) fn lookup(cursor: &mut Cursor<'_, '_>, depth: usize) -> Option<Lookup> {
    if depth > DEEPEST {
        return None;
    }
    cursor.expect("SELECT")?;
    let list = cursor.until(|c| c.sees("FROM") || c.sees_any(AFTER_WHERE));
    let list = Cursor::new(list, cursor.dialect);
    let mut lookup = Lookup {
        output: Output::Other,
        relations: Vec::new(),
        conditions: Vec::new(),
        more: false,
    };
    let reads = cursor.eat("FROM");
    lookup.output = output(list, reads, depth);
    if reads {
        relations(cursor, &mut lookup, depth)?;
        if cursor.eat("WHERE") {
            conditions(cursor, &mut lookup, AFTER_WHERE, depth);
        }
    }
    // An order and a limit do not change whether there is a row.
    let rest = cursor.rest();
    lookup.more = rest.iter().any(|lexeme| {
        ["GROUP", "HAVING", "UNION", "INTERSECT", "EXCEPT", "OFFSET"]
            .iter()
            .any(|word| lexeme.is(word))
    });
    Some(lookup)
}

fn output(mut list: Cursor<'_, '_>, reads: bool, depth: usize) -> Output {
    list.eat("DISTINCT");
    if list.sees("COUNT") {
        return Output::Count;
    }
    if !reads {
        return match nested(&list, depth) {
            Some(value) => Output::Value(value),
            None => Output::Other,
        };
    }
    match list.object_name() {
        Some(name) if list.is_end() => Output::Column(name.name),
        _ => Output::Other,
    }
}

/// What stands between `FROM` and `WHERE`.
fn relations(cursor: &mut Cursor<'_, '_>, lookup: &mut Lookup, depth: usize) -> Option<()> {
    loop {
        let name = cursor.object_name()?;
        let mut alias = name.name.clone();
        let follows = ["JOIN", "INNER", "LEFT", "CROSS", "WHERE", "ON"];
        if cursor.eat("AS")
            || cursor.peek().is_some_and(|lexeme| {
                matches!(lexeme.kind, TokenKind::Word | TokenKind::QuotedName)
                    && !follows.iter().any(|word| lexeme.is(word))
                    && !AFTER_WHERE.iter().any(|word| lexeme.is(word))
            })
        {
            alias = cursor.ident()?.name;
        }
        lookup.relations.push((name, alias));
        if cursor.eat("ON") {
            let stop = &["JOIN", "INNER", "WHERE", "LEFT", "CROSS"];
            conditions(cursor, lookup, stop, depth);
        }
        if cursor.eat("JOIN") || cursor.eat("INNER JOIN") || cursor.eat_sign(",") {
            continue;
        }
        return match cursor.is_end() || cursor.sees("WHERE") || cursor.sees_any(AFTER_WHERE) {
            true => Some(()),
            false => None,
        };
    }
}

fn conditions(cursor: &mut Cursor<'_, '_>, lookup: &mut Lookup, stop: &[&str], depth: usize) {
    let all = cursor.until(|c| c.sees_any(stop) || c.sees_any(AFTER_WHERE));
    let mut all = Cursor::new(all, cursor.dialect);
    if all.rest().iter().any(|lexeme| lexeme.is("BETWEEN")) {
        lookup.conditions.push(Condition::Other);
        return;
    }
    loop {
        let one = all.until(|c| c.sees("AND") || c.sees("OR"));
        let one = Cursor::new(one, all.dialect);
        if all.sees("OR") {
            lookup.conditions = vec![Condition::Other];
            lookup.more = true;
            return;
        }
        lookup.conditions.push(condition(one, depth));
        if !all.eat("AND") {
            return;
        }
    }
}

fn condition(one: Cursor<'_, '_>, depth: usize) -> Condition {
    let sides = || -> Option<Condition> {
        let mut cursor = one;
        // `lower(column) = 'x'` says less than the model needs, but never the opposite.
        let (qualifier, column) = column(&mut cursor)?;
        cursor.eat_sign("=").then_some(())?;
        let mut ahead = cursor;
        if let Some((Some(_), _)) = self::column(&mut ahead)
            && ahead.is_end()
        {
            return Some(Condition::Link);
        }
        let mut value = cursor;
        let value = joined(&mut value, depth + 1).filter(|_| value.is_end());
        Some(Condition::Equal(
            qualifier,
            column,
            value.unwrap_or(Expression::Unknown),
        ))
    };
    sides().unwrap_or(Condition::Other)
}

/// A column, with the relation before the dot.
fn column(cursor: &mut Cursor<'_, '_>) -> Option<(Option<Name>, Name)> {
    let name: ObjectName = cursor.object_name()?;
    if cursor.sees_sign("(") {
        return None;
    }
    while cursor.eat_sign("::") {
        cursor.object_name()?;
    }
    Some((name.schema, name.name))
}

/// The arguments of calls that are all there is to a query: `SELECT f('a'), g(1)`.
pub(super) fn calls(cursor: &Cursor<'_, '_>) -> Vec<Call> {
    let read = || {
        let mut cursor = *cursor;
        cursor.expect("SELECT")?;
        let mut calls = Vec::new();
        for mut part in cursor.by_comma() {
            let name = part.object_name()?;
            let inner = part.group()?;
            if part.eat("AS") {
                part.ident()?;
            }
            part.end()?;
            let mut arguments = Vec::new();
            if !inner.is_end() {
                for argument in inner.by_comma() {
                    arguments.push(argument_of(argument));
                }
            }
            calls.push(Call {
                function: name,
                arguments,
            });
        }
        Some(calls)
    };
    read().unwrap_or_default()
}

/// An argument and its name, where it is given by name.
fn argument_of(mut argument: Cursor<'_, '_>) -> (Option<Name>, Expression) {
    let mut ahead = argument;
    let named = ahead.ident().map(|Ident { name, .. }| name);
    if let Some(name) = named
        && (ahead.eat_sign("=>") || ahead.eat_sign(":="))
    {
        argument = ahead;
        return (Some(name), read(&argument));
    }
    (None, read(&argument))
}
