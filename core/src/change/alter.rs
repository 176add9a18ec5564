//! `ALTER …`, and the forms of it that every object has: rename, move, give away.

mod column;
mod options;

use self::column::{alter_part, position, redefine};
use self::options::{mysql, set_options};
use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{
    Action, AlterTable, Attribute, Behavior, Change, ConstraintKind, IfExists, Kind, ObjectName,
    Owner, Rename, SetSchema, TableOption, Target, Verb, constraint, data_type, drop, index,
    sequence, table,
};
use crate::dialect::Family;

/// `ALTER`, after this word.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    if cursor.eat("FOREIGN TABLE") {
        return relation(cursor, Kind::ForeignTable);
    }
    if cursor.family() == Family::MySql {
        cursor.eat_any(&["ONLINE", "OFFLINE", "IGNORE"]);
    }
    if cursor.eat("TABLE") {
        return relation(cursor, Kind::Table);
    }
    if cursor.sees("DEFAULT PRIVILEGES") {
        return super::grant::default_privileges(cursor);
    }
    if cursor.family() == Family::MySql && cursor.eat_any(&["DATABASE", "SCHEMA"]).is_some() {
        return database(cursor);
    }
    let kind = drop::kind(cursor)?;
    match kind {
        Kind::View | Kind::MaterializedView | Kind::Index => relation(cursor, kind),
        Kind::Sequence => sequence::alter(cursor),
        _ => object(cursor, kind),
    }
}

/// `ALTER DATABASE … CHARACTER SET …` is no part of what is modelled of a schema, but legal.
fn database(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let start = *cursor;
    let name = cursor
        .object_name()
        .filter(|_| !start.sees_any(&["CHARACTER", "CHARSET", "COLLATE", "DEFAULT"]));
    if name.is_none() {
        *cursor = start;
    }
    let mut attributes = Vec::new();
    while !cursor.is_end() {
        let option = table::mysql_option(cursor)?;
        attributes.push(TableOption {
            name: format!("database {}", option.name).into(),
            value: option.value,
        });
    }
    let here = start.here();
    let name = name.unwrap_or(ObjectName {
        schema: None,
        name: super::Name::new("", cursor.dialect),
        span: here,
    });
    Some(Change::Attribute(Attribute {
        target: target(Kind::Schema, name),
        attributes,
        if_missing: super::IfMissing::Skip,
    }))
}

fn target(kind: Kind, name: ObjectName) -> Target {
    Target {
        kind,
        name,
        owner: None,
        arguments: None,
    }
}

/// What is no table: data_type, routines, schemas, triggers, policies and the rest.
fn object(cursor: &mut Cursor<'_, '_>, kind: Kind) -> Option<Change> {
    let if_missing = cursor.if_exists();
    let target = drop::target(cursor, kind)?;
    if cursor.eat("RENAME TO") {
        let to = cursor.object_name()?;
        cursor.end()?;
        return Some(Change::Rename(Rename {
            target,
            to,
            if_missing,
        }));
    }
    if cursor.eat("OWNER TO") {
        return owner(cursor, target);
    }
    if cursor.eat("SET SCHEMA") {
        let schema = cursor.ident()?;
        cursor.end()?;
        return Some(Change::SetSchema(SetSchema {
            target,
            schema,
            if_missing,
        }));
    }
    if kind == Kind::Domain && cursor.eat("RENAME CONSTRAINT") {
        let from = cursor.object_name()?;
        cursor.expect("TO")?;
        let to = cursor.object_name()?;
        cursor.end()?;
        return Some(Change::Rename(Rename {
            target: Target {
                kind: Kind::DomainConstraint,
                name: from,
                owner: Some(target.name),
                arguments: None,
            },
            to,
            if_missing,
        }));
    }
    match kind {
        Kind::Type => data_type::alter(target.name, cursor),
        Kind::Domain => data_type::alter_domain(target.name, cursor),
        Kind::Function | Kind::Procedure | Kind::Routine => {
            let attributes = super::routine::attributes(cursor)?;
            Some(Change::Attribute(Attribute {
                target,
                attributes,
                if_missing,
            }))
        }
        Kind::Policy => {
            let attributes = policy(cursor)?;
            Some(Change::Attribute(Attribute {
                target,
                attributes,
                if_missing,
            }))
        }
        Kind::Extension if cursor.eat("UPDATE") => Some(Change::Harmless),
        Kind::Other("ROLE") => Some(Change::Harmless),
        _ => None,
    }
}

fn policy(cursor: &mut Cursor<'_, '_>) -> Option<Vec<TableOption>> {
    let mut attributes = Vec::new();
    while let Some(name) = cursor.eat_any(&["TO", "USING", "WITH CHECK"]) {
        let value = cursor.until(|cursor| cursor.sees_any(&["TO", "USING", "WITH CHECK"]));
        attributes.push(TableOption {
            name: name.to_lowercase().into(),
            value: Fragment::of(value, cursor.dialect).text,
        });
    }
    cursor.end()?;
    Some(attributes)
}

fn owner(cursor: &mut Cursor<'_, '_>, target: Target) -> Option<Change> {
    let owner = cursor.ident()?.name;
    cursor.end()?;
    Some(Change::Owner(Owner { target, owner }))
}

/// `ALTER TABLE` and what is like it.
fn relation(cursor: &mut Cursor<'_, '_>, kind: Kind) -> Option<Change> {
    let if_missing = cursor.if_exists();
    cursor.eat("ONLY");
    let name = cursor.object_name()?;
    cursor.eat_sign("*");
    if cursor.family() == Family::MySql && cursor.eat_any(&["WAIT", "NOWAIT"]) == Some("WAIT") {
        cursor.next();
    }
    // Alone, these are about the object as a whole.
    let mut ahead = *cursor;
    if ahead.eat("RENAME TO") || (ahead.family() == Family::MySql && ahead.eat("RENAME AS")) {
        let to = ahead.object_name()?;
        if ahead.is_end() {
            return Some(Change::Rename(Rename {
                target: target(kind, name),
                to,
                if_missing,
            }));
        }
    }
    let mut ahead = *cursor;
    if ahead.eat("SET SCHEMA") {
        let schema = ahead.ident()?;
        ahead.end()?;
        return Some(Change::SetSchema(SetSchema {
            target: target(kind, name),
            schema,
            if_missing,
        }));
    }
    let mut actions = Vec::new();
    loop {
        let start = *cursor;
        let verbs = self::verbs(cursor)?;
        let span = cursor.span_since(start);
        actions.extend(verbs.into_iter().map(|verb| Action { verb, span }));
        if !cursor.eat_sign(",") {
            // SQLite and MySQL put table options behind one another with blanks.
            if cursor.is_end() || cursor.family() != Family::MySql {
                break;
            }
        }
    }
    cursor.end()?;
    Some(Change::AlterTable(AlterTable {
        kind,
        name,
        if_missing,
        actions,
    }))
}

fn verbs(cursor: &mut Cursor<'_, '_>) -> Option<Vec<Verb>> {
    if cursor.eat("ADD") {
        return add(cursor);
    }
    let verb = if cursor.eat("DROP") {
        drop_part(cursor)?
    } else if cursor.eat("ALTER") {
        alter_part(cursor)?
    } else if cursor.eat("RENAME") {
        rename_part(cursor)?
    } else if cursor.family() == Family::MySql && cursor.sees_any(&["MODIFY", "CHANGE"]) {
        redefine(cursor)?
    } else if cursor.eat("VALIDATE CONSTRAINT") {
        Verb::ValidateConstraint(cursor.ident()?)
    } else if cursor.eat("OWNER TO") {
        Verb::Owner(cursor.ident()?.name)
    } else if cursor.eat("SET SCHEMA") {
        Verb::SetSchema(cursor.ident()?)
    } else if let Some(options) = set_options(cursor)? {
        return Some(options);
    } else if cursor.eat("ATTACH PARTITION") {
        let part = cursor.object_name()?;
        let bound = cursor.fragment();
        Verb::AttachPartition { part, bound }
    } else if cursor.eat("DETACH PARTITION") {
        let part = cursor.object_name()?;
        cursor.eat_any(&["CONCURRENTLY", "FINALIZE"]);
        Verb::DetachPartition(part)
    } else if cursor.eat("NO INHERIT") {
        let parent = cursor.object_name()?;
        Verb::Inherit {
            parent,
            inherit: false,
        }
    } else if cursor.eat("INHERIT") {
        let parent = cursor.object_name()?;
        Verb::Inherit {
            parent,
            inherit: true,
        }
    } else if cursor.family() == Family::MySql {
        mysql(cursor)?
    } else {
        return None;
    };
    Some(vec![verb])
}

fn add(cursor: &mut Cursor<'_, '_>) -> Option<Vec<Verb>> {
    let mysql = cursor.family() == Family::MySql;
    if constraint::begins(cursor) {
        let mut ahead = *cursor;
        let if_exists = match ahead.eat("CONSTRAINT") && ahead.sees("IF NOT EXISTS") {
            true => IfExists::Keep,
            false => IfExists::Fail,
        };
        let constraint = constraint::of_table(cursor)?;
        return Some(vec![Verb::AddConstraint {
            constraint,
            if_exists,
        }]);
    }
    if mysql && index::begins_in_table(cursor) {
        return Some(vec![Verb::AddIndex(index::in_table(cursor)?)]);
    }
    if mysql && cursor.sees_any(&["PARTITION", "SYSTEM VERSIONING", "PERIOD FOR"]) {
        return Some(vec![Verb::Other(cursor.fragment())]);
    }
    cursor.eat("COLUMN");
    let if_exists = cursor.if_not_exists();
    if mysql && cursor.sees_sign("(") {
        let mut verbs = Vec::new();
        for mut part in cursor.group()?.by_comma() {
            let column = table::column(&mut part)?;
            part.end()?;
            verbs.push(Verb::AddColumn {
                column,
                if_exists,
                position: None,
            });
        }
        return Some(verbs);
    }
    let column = table::column(cursor)?;
    let position = position(cursor)?;
    Some(vec![Verb::AddColumn {
        column,
        if_exists,
        position,
    }])
}

fn drop_part(cursor: &mut Cursor<'_, '_>) -> Option<Verb> {
    let mysql = cursor.family() == Family::MySql;
    if mysql && cursor.sees("PRIMARY KEY") {
        let start = *cursor;
        cursor.eat("PRIMARY KEY");
        return Some(Verb::DropConstraint {
            name: super::Ident {
                name: super::Name::new("PRIMARY", cursor.dialect),
                span: cursor.span_since(start),
            },
            which: ConstraintKind::PrimaryKey,
            if_missing: super::IfMissing::Fail,
            behavior: Behavior::Restrict,
        });
    }
    if mysql && cursor.eat_any(&["INDEX", "KEY"]).is_some() {
        let if_missing = cursor.if_exists();
        let name = cursor.ident()?;
        return Some(Verb::DropIndex { name, if_missing });
    }
    if mysql && cursor.sees_any(&["PARTITION", "SYSTEM VERSIONING", "PERIOD FOR"]) {
        return Some(Verb::Other(cursor.fragment()));
    }
    let which = match cursor.eat_any(&["CONSTRAINT", "FOREIGN KEY", "CHECK"]) {
        Some("CONSTRAINT") => Some(ConstraintKind::Any),
        Some("FOREIGN KEY") if mysql => Some(ConstraintKind::Foreign),
        Some("CHECK") if mysql => Some(ConstraintKind::Check),
        Some(_) => return None,
        None => None,
    };
    if which.is_none() {
        cursor.eat("COLUMN");
    }
    let if_missing = cursor.if_exists();
    let name = cursor.ident()?;
    let behavior = cursor.behavior();
    Some(match which {
        Some(which) => Verb::DropConstraint {
            name,
            which,
            if_missing,
            behavior,
        },
        None => Verb::DropColumn {
            column: name,
            if_missing,
            behavior,
        },
    })
}

fn rename_part(cursor: &mut Cursor<'_, '_>) -> Option<Verb> {
    let mysql = cursor.family() == Family::MySql;
    if cursor.eat("TO") || (mysql && (cursor.eat("AS") || cursor.eat_sign("="))) {
        return Some(Verb::RenameTo(cursor.object_name()?));
    }
    let kind = match cursor.eat_any(&["CONSTRAINT", "COLUMN", "INDEX", "KEY"]) {
        Some("CONSTRAINT") => Kind::Constraint,
        Some("INDEX" | "KEY") if mysql => Kind::Index,
        Some("COLUMN") | None => Kind::Column,
        Some(_) => return None,
    };
    let if_missing = cursor.if_exists();
    let start = *cursor;
    let from = cursor.ident()?;
    if mysql && kind == Kind::Column && !cursor.sees("TO") {
        *cursor = start;
        return Some(Verb::RenameTo(cursor.object_name()?));
    }
    cursor.expect("TO")?;
    let to = cursor.ident()?;
    Some(Verb::RenamePart {
        kind,
        from,
        to,
        if_missing,
    })
}
