//! Renaming back.
//!
//! A name that changes looks like an object that goes and another that comes; what stands in it
//! would be lost. So it is the statement that is turned round, not its effect.

use super::Touched;
use crate::change::{
    AlterTable, Change, Kind, Name, ObjectName, Rename, SetSchema, TypeAction, Verb, quoted,
};
use crate::dialect::{Dialect, Family};
use crate::schema::{Key, print};

/// The statements that take back one that only renames; `None` if it does anything else.
pub(super) fn back(
    change: &Change,
    touched: &Touched,
    after: &Touched,
    dialect: Dialect,
) -> Option<Vec<String>> {
    let one = |text: String| Some(vec![text]);
    match change {
        Change::Rename(rename) => one(renamed(rename, dialect)?),
        Change::SetSchema(set) => one(moved(set, touched, dialect)?),
        Change::AlterTable(alter) => table(alter, touched, after, dialect),
        Change::AlterType(alter) => {
            let name = full(&alter.name, dialect);
            let actions = alter.actions.iter().rev().map(|action| match action {
                TypeAction::RenameValue { from, to } => {
                    let quoted = |label: &str| format!("'{}'", label.replace('\'', "''"));
                    Some(format!(
                        "ALTER TYPE {name} RENAME VALUE {} TO {};",
                        quoted(to),
                        quoted(from)
                    ))
                }
                TypeAction::RenameAttribute { from, to } => Some(format!(
                    "ALTER TYPE {name} RENAME ATTRIBUTE {} TO {};",
                    shown(&to.name, dialect),
                    shown(&from.name, dialect)
                )),
                TypeAction::AddValue { .. }
                | TypeAction::AddAttribute(_)
                | TypeAction::DropAttribute { .. }
                | TypeAction::AlterAttribute { .. } => None,
            });
            actions.collect()
        }
        _ => None,
    }
}

fn shown(name: &Name, dialect: Dialect) -> String {
    quoted(name.as_str(), dialect)
}

fn full(name: &ObjectName, dialect: Dialect) -> String {
    named(name.schema.as_ref(), &name.name, dialect)
}

fn named(schema: Option<&Name>, name: &Name, dialect: Dialect) -> String {
    match schema {
        Some(schema) => format!("{}.{}", shown(schema, dialect), shown(name, dialect)),
        None => shown(name, dialect),
    }
}

/// The words for a kind in `ALTER …`.
fn words(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Table => "TABLE",
        Kind::ForeignTable => "FOREIGN TABLE",
        Kind::View => "VIEW",
        Kind::MaterializedView => "MATERIALIZED VIEW",
        Kind::Index => "INDEX",
        Kind::Sequence => "SEQUENCE",
        Kind::Type => "TYPE",
        Kind::Domain => "DOMAIN",
        Kind::Function => "FUNCTION",
        Kind::Procedure => "PROCEDURE",
        Kind::Aggregate => "AGGREGATE",
        Kind::Routine => "ROUTINE",
        Kind::Trigger => "TRIGGER",
        Kind::Policy => "POLICY",
        Kind::Rule => "RULE",
        Kind::Schema => "SCHEMA",
        Kind::Extension => "EXTENSION",
        Kind::Other(words) => words,
        Kind::Column | Kind::Constraint | Kind::DomainConstraint | Kind::Label => return None,
    })
}

fn renamed(rename: &Rename, dialect: Dialect) -> Option<String> {
    let target = &rename.target;
    let schema = target.name.schema.as_ref();
    let (from, to) = (
        shown(&target.name.name, dialect),
        shown(&rename.to.name, dialect),
    );
    let family = dialect.modelling().family;
    let owner = target.owner.as_ref().map(|owner| full(owner, dialect));
    Some(match (target.kind, owner) {
        (Kind::Column, Some(owner)) => format!("ALTER TABLE {owner} RENAME COLUMN {to} TO {from};"),
        (Kind::Constraint, Some(owner)) => {
            format!("ALTER TABLE {owner} RENAME CONSTRAINT {to} TO {from};")
        }
        (Kind::DomainConstraint, Some(owner)) => {
            format!("ALTER DOMAIN {owner} RENAME CONSTRAINT {to} TO {from};")
        }
        (Kind::Index, Some(owner)) => format!("ALTER TABLE {owner} RENAME INDEX {to} TO {from};"),
        (kind @ (Kind::Trigger | Kind::Policy | Kind::Rule), Some(owner)) => {
            format!("ALTER {} {to} ON {owner} RENAME TO {from};", words(kind)?)
        }
        (_, Some(_)) => return None,
        (Kind::Table | Kind::View, None) if family == Family::MySql => {
            let home = rename.to.schema.as_ref();
            format!(
                "RENAME TABLE {} TO {};",
                named(home, &rename.to.name, dialect),
                full(&target.name, dialect)
            )
        }
        (kind, None) => {
            let to = named(schema, &rename.to.name, dialect);
            let arguments = match &target.arguments {
                Some(arguments) => {
                    let types: Vec<&str> = arguments.iter().map(|one| &*one.text).collect();
                    format!("({})", types.join(", "))
                }
                None => String::new(),
            };
            format!("ALTER {} {to}{arguments} RENAME TO {from};", words(kind)?)
        }
    })
}

fn moved(set: &SetSchema, touched: &Touched, dialect: Dialect) -> Option<String> {
    let name = &set.target.name.name;
    let gone = |key: &&Key| {
        let was_there = touched.get(*key).is_some_and(|before| before.is_some());
        key.name == *name && key.schema != set.schema.name && was_there
    };
    let from = touched.keys().find(gone)?;
    let arguments = match &set.target.arguments {
        Some(arguments) => {
            let types: Vec<&str> = arguments.iter().map(|one| &*one.text).collect();
            format!("({})", types.join(", "))
        }
        None => String::new(),
    };
    Some(format!(
        "ALTER {} {}{arguments} SET SCHEMA {};",
        words(set.target.kind)?,
        named(Some(&set.schema.name), name, dialect),
        shown(&from.schema, dialect)
    ))
}

/// An `ALTER TABLE` of which every action renames, or defines a column anew under another name.
fn table(
    alter: &AlterTable,
    touched: &Touched,
    after: &Touched,
    dialect: Dialect,
) -> Option<Vec<String>> {
    let mut name = full(&alter.name, dialect);
    let mut statements = Vec::new();
    for action in alter.actions.iter().rev() {
        match &action.verb {
            Verb::RenameTo(to) => {
                let now = named(
                    to.schema.as_ref().or(alter.name.schema.as_ref()),
                    &to.name,
                    dialect,
                );
                let back = match dialect.modelling().family {
                    Family::MySql => full(&alter.name, dialect),
                    _ => shown(&alter.name.name, dialect),
                };
                statements.push(format!("ALTER TABLE {now} RENAME TO {back};"));
            }
            Verb::RenamePart { kind, from, to, .. } => {
                let word = match kind {
                    Kind::Column => "COLUMN",
                    Kind::Constraint => "CONSTRAINT",
                    Kind::Index => "INDEX",
                    _ => return None,
                };
                statements.push(format!(
                    "ALTER TABLE {name} RENAME {word} {} TO {};",
                    shown(&to.name, dialect),
                    shown(&from.name, dialect)
                ));
            }
            Verb::Redefine {
                column, definition, ..
            } if column.name != definition.name.name => {
                let now = &definition.name.name;
                let key = touched.keys().find(|key| {
                    let table = after.get(*key).and_then(Option::as_ref);
                    let table = table.and_then(|object| object.table());
                    table.is_some_and(|table| table.column(now).is_some())
                })?;
                name = print::full_name(key, dialect);
                let before = touched.get(key)?.as_ref()?.table()?.column(&column.name)?;
                statements.push(format!(
                    "ALTER TABLE {name} CHANGE COLUMN {} {};",
                    shown(now, dialect),
                    print::column(before, dialect)
                ));
            }
            _ => return None,
        }
    }
    // The name that the other actions knew it by comes back first.
    statements.sort_by_key(|text| !text.contains(" RENAME TO "));
    Some(statements)
}
