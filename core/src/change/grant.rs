//! Privileges: who may do what.

use std::sync::Arc;

use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{Change, Grant, GrantOn, Kind, Name, Target, drop};
use crate::dialect::Family;

/// `GRANT` or `REVOKE`, after this word.
pub(super) fn read(cursor: &mut Cursor<'_, '_>, gives: bool) -> Option<Change> {
    if cursor.family() != Family::Postgres {
        // Accounts and their privileges are no part of a schema there.
        return Some(Change::Harmless);
    }
    let mut option = cursor.eat("GRANT OPTION FOR");
    cursor.eat("ADMIN OPTION FOR");
    let words = cursor.until(|cursor| cursor.sees_any(&["ON", "TO", "FROM"]));
    let privileges = privileges(words, cursor)?;
    let on = match cursor.eat("ON") {
        true => objects(cursor)?,
        false => GrantOn::Roles,
    };
    cursor.eat_any(&["TO", "FROM"])?;
    let roles = roles(cursor)?;
    if cursor.eat("WITH GRANT OPTION") || cursor.eat("WITH ADMIN OPTION") {
        option = true;
    }
    if cursor.eat("GRANTED BY") {
        cursor.next();
    }
    cursor.behavior();
    cursor.end()?;
    if on == GrantOn::Roles {
        return Some(Change::Harmless);
    }
    Some(Change::Grant(Grant {
        gives,
        privileges,
        on,
        roles,
        option,
    }))
}

fn privileges<'l, 't>(
    words: &'l [crate::lex::Lexeme<'t>],
    cursor: &Cursor<'l, 't>,
) -> Option<Vec<Arc<str>>> {
    let mut privileges = Vec::new();
    for mut part in Cursor::new(words, cursor.dialect).by_comma() {
        let text = part.fragment().text;
        privileges.push(match &*text {
            "all privileges" => "all".into(),
            _ => text,
        });
    }
    Some(privileges)
}

fn roles(cursor: &mut Cursor<'_, '_>) -> Option<Vec<Name>> {
    let mut roles = Vec::new();
    loop {
        cursor.eat("GROUP");
        roles.push(cursor.ident()?.name);
        if !cursor.eat_sign(",") {
            return Some(roles);
        }
    }
}

fn objects(cursor: &mut Cursor<'_, '_>) -> Option<GrantOn> {
    if cursor.sees("ALL") {
        let words = cursor.until(|cursor| cursor.sees_any(&["TO", "FROM"]));
        return Some(GrantOn::Text(Fragment::of(words, cursor.dialect)));
    }
    let start = *cursor;
    let kind = match drop::kind(cursor) {
        // A table may be called like a kind.
        Some(_) if cursor.is_end() || cursor.sees_any(&["TO", "FROM"]) => {
            *cursor = start;
            Kind::Table
        }
        Some(kind) => kind,
        None => Kind::Table,
    };
    if start.sees("DATABASE") || matches!(kind, Kind::Other(_)) {
        let words = cursor.until(|cursor| cursor.sees_any(&["TO", "FROM"]));
        let mut fragment = Fragment::of(words, cursor.dialect);
        fragment.text = format!("database {}", fragment.text).into();
        return Some(GrantOn::Text(fragment));
    }
    let mut targets: Vec<Target> = vec![drop::target(cursor, kind)?];
    while cursor.eat_sign(",") {
        targets.push(drop::target(cursor, kind)?);
    }
    Some(GrantOn::Targets(targets))
}

/// `ALTER DEFAULT PRIVILEGES`
pub(super) fn default_privileges(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let start = *cursor;
    let words = cursor.until(|cursor| cursor.sees_any(&["GRANT", "REVOKE"]));
    let prefix = Fragment::of(words, cursor.dialect);
    let gives = cursor.eat_any(&["GRANT", "REVOKE"])? == "GRANT";
    let mut option = cursor.eat("GRANT OPTION FOR");
    let words = cursor.until(|cursor| cursor.sees("ON"));
    let privileges = privileges(words, cursor)?;
    cursor.expect("ON")?;
    let kind = cursor.next()?.text.to_lowercase();
    cursor.eat_any(&["TO", "FROM"])?;
    let roles = roles(cursor)?;
    option |= cursor.eat("WITH GRANT OPTION");
    cursor.behavior();
    cursor.end()?;
    Some(Change::Grant(Grant {
        gives,
        privileges,
        on: GrantOn::Text(Fragment {
            text: format!("{} on {kind}", prefix.text).into(),
            span: start.here(),
        }),
        roles,
        option,
    }))
}
