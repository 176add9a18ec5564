//! `DROP …`, and which object a statement names.

use super::cursor::Cursor;
use super::{Change, Drop, Ident, IfMissing, Kind, ObjectName, Target, data_type};
use crate::dialect::Family;

/// Objects that are only made, dropped, renamed and commented on.
const OTHERS: &[&str] = &[
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "FOREIGN DATA WRAPPER",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "EVENT TRIGGER",
    "ACCESS METHOD",
    "USER MAPPING",
    "PUBLICATION",
    "SUBSCRIPTION",
    "STATISTICS",
    "COLLATION",
    "CONVERSION",
    "SERVER",
    "LANGUAGE",
    "TABLESPACE",
    "EVENT",
    "CAST",
    "OPERATOR",
    "TRANSFORM",
    "ROLE",
    "USER",
    "GROUP",
];

/// Reads the words that name a kind of object.
pub(super) fn kind(cursor: &mut Cursor<'_, '_>) -> Option<Kind> {
    const KINDS: &[(&str, Kind)] = &[
        ("FOREIGN TABLE", Kind::ForeignTable),
        ("TABLE", Kind::Table),
        ("TABLES", Kind::Table),
        ("MATERIALIZED VIEW", Kind::MaterializedView),
        ("VIEW", Kind::View),
        ("INDEX", Kind::Index),
        ("SEQUENCE", Kind::Sequence),
        ("TYPE", Kind::Type),
        ("DOMAIN", Kind::Domain),
        ("FUNCTION", Kind::Function),
        ("PROCEDURE", Kind::Procedure),
        ("AGGREGATE", Kind::Aggregate),
        ("ROUTINE", Kind::Routine),
        ("TRIGGER", Kind::Trigger),
        ("POLICY", Kind::Policy),
        ("RULE", Kind::Rule),
        ("COLUMN", Kind::Column),
        ("CONSTRAINT", Kind::Constraint),
        ("SCHEMA", Kind::Schema),
        ("DATABASE", Kind::Schema),
        ("EXTENSION", Kind::Extension),
    ];
    // `EVENT TRIGGER` and the like begin with words of their own.
    if let Some(words) = OTHERS.iter().copied().find(|words| cursor.eat(words)) {
        return Some(match words {
            "USER" | "GROUP" => Kind::Other("ROLE"),
            words => Kind::Other(words),
        });
    }
    let (_, kind) = KINDS.iter().find(|(words, _)| cursor.eat(words))?;
    if *kind == Kind::Constraint && cursor.family() != Family::Postgres {
        return None;
    }
    Some(*kind)
}

/// Words that are no names to SQLite without quotes, whatever stands around them.
const RESERVED: &[&str] = &[
    "TABLE",
    "INDEX",
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "CREATE",
    "DROP",
    "INSERT",
    "UPDATE",
    "DELETE",
    "VALUES",
    "SET",
    "JOIN",
    "ON",
    "IN",
    "IS",
    "NOT",
    "NULL",
    "AND",
    "OR",
    "TO",
    "AS",
    "UNIQUE",
    "PRIMARY",
    "CHECK",
    "DEFAULT",
    "REFERENCES",
    "TRANSACTION",
    "UNION",
];

/// `DROP`, after this word.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    if cursor.eat("OWNED BY") {
        return None;
    }
    let temporary = cursor.eat("TEMPORARY");
    let kind = kind(cursor)?;
    if kind == Kind::Other("ROLE") || kind == Kind::Other("USER MAPPING") {
        return Some(Change::Harmless);
    }
    let concurrently = cursor.eat("CONCURRENTLY");
    let if_missing = cursor.if_exists();
    if cursor.family() == Family::MySql && kind == Kind::Index {
        return mysql_index(cursor, if_missing);
    }
    if cursor.family() == Family::Sqlite && cursor.sees_any(RESERVED) {
        return None;
    }
    let mut targets = vec![target(cursor, kind)?];
    while cursor.eat_sign(",") {
        targets.push(target(cursor, kind)?);
    }
    let behavior = cursor.behavior();
    cursor.end()?;
    Some(Change::Drop(Drop {
        targets,
        if_missing,
        behavior,
        concurrently,
        temporary,
    }))
}

fn mysql_index(cursor: &mut Cursor<'_, '_>, if_missing: IfMissing) -> Option<Change> {
    let name = cursor.object_name()?;
    cursor.expect("ON")?;
    let table = cursor.object_name()?;
    while super::index::skip_algorithm(cursor) {}
    cursor.end()?;
    Some(Change::Drop(Drop {
        targets: vec![Target {
            kind: Kind::Index,
            name,
            owner: Some(table),
            arguments: None,
        }],
        if_missing,
        behavior: super::Behavior::Restrict,
        concurrently: false,
        temporary: false,
    }))
}

/// Reads the name of an object of that kind, with its table or arguments.
pub(super) fn target(cursor: &mut Cursor<'_, '_>, kind: Kind) -> Option<Target> {
    if kind == Kind::Column {
        return column(cursor);
    }
    let name = match kind {
        Kind::Other("CAST" | "OPERATOR" | "TRANSFORM") => wording(cursor)?,
        _ => cursor.object_name()?,
    };
    let mut target = Target {
        kind,
        name,
        owner: None,
        arguments: None,
    };
    match kind {
        Kind::Function | Kind::Procedure | Kind::Aggregate | Kind::Routine => {
            if let Some(inner) = cursor.group() {
                target.arguments = Some(data_type::arguments(&inner)?);
            }
        }
        Kind::Trigger | Kind::Policy | Kind::Rule | Kind::Constraint if cursor.eat("ON") => {
            if cursor.eat("DOMAIN") {
                target.kind = Kind::DomainConstraint;
            }
            target.owner = Some(cursor.object_name()?);
        }
        Kind::Policy | Kind::Rule => return None,
        Kind::Other("OPERATOR CLASS" | "OPERATOR FAMILY") => {
            cursor.expect("USING")?;
            cursor.ident()?;
        }
        _ => {}
    }
    Some(target)
}

fn column(cursor: &mut Cursor<'_, '_>) -> Option<Target> {
    let start = *cursor;
    let mut parts: Vec<Ident> = vec![cursor.ident()?];
    while cursor.eat_sign(".") {
        parts.push(cursor.ident()?);
    }
    let column = parts.pop()?;
    let table = parts.pop()?;
    let span = cursor.span_since(start);
    Some(Target {
        kind: Kind::Column,
        name: ObjectName {
            schema: None,
            name: column.name,
            span: column.span,
        },
        owner: Some(ObjectName {
            schema: parts.pop().map(|schema| schema.name),
            name: table.name,
            span,
        }),
        arguments: None,
    })
}

/// Casts and operators have no name but what stands in the statement.
fn wording(cursor: &mut Cursor<'_, '_>) -> Option<ObjectName> {
    let start = *cursor;
    while !cursor.is_end() && !cursor.sees_any(&["CASCADE", "RESTRICT", "IS", "OWNER", "SET"]) {
        let group = cursor.group();
        if group.is_some() {
            break;
        }
        cursor.next()?;
    }
    let words = cursor.read_since(start);
    let text = super::Fragment::of(words, cursor.dialect).text;
    Some(ObjectName {
        schema: None,
        name: super::Name::new(&text, cursor.dialect),
        span: cursor.span_since(start),
    })
}
