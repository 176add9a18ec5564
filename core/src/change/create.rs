//! `CREATE …`: which object, and the ones that are simple.

use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{
    Change, CreateExtension, CreateOther, CreateSchema, CreateView, IfExists, Kind, Query,
    TableOption, Target, data_type, drop, index, query, routine, sequence, table,
};
use crate::dialect::Family;

/// `CREATE`, after this word.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let mut if_exists = match cursor.eat("OR REPLACE") {
        true => IfExists::Replace,
        false => IfExists::Fail,
    };
    let prefix = match cursor.family() {
        Family::MySql => mysql_prefix(cursor)?,
        Family::Postgres | Family::Sqlite => Vec::new(),
    };
    cursor.eat_any(&["GLOBAL", "LOCAL"]);
    let temporary = cursor.eat_any(&["TEMPORARY", "TEMP"]).is_some();
    if cursor.eat("UNLOGGED TABLE") {
        return table::create(cursor, if_exists, temporary, vec!["UNLOGGED"]);
    }
    if cursor.eat("FOREIGN TABLE") {
        return table::create(cursor, if_exists, temporary, vec!["FOREIGN"]);
    }
    if cursor.eat("VIRTUAL TABLE") {
        return table::create(cursor, if_exists, temporary, vec!["VIRTUAL"]);
    }
    if cursor.eat("TABLE") {
        return table::create(cursor, if_exists, temporary, Vec::new());
    }
    let unique = cursor.eat("UNIQUE");
    if let Some(words) = cursor.eat_any(&["INDEX", "FULLTEXT INDEX", "SPATIAL INDEX"]) {
        let method = match words {
            "FULLTEXT INDEX" => "fulltext",
            "SPATIAL INDEX" => "spatial",
            _ => "",
        };
        return index::create(cursor, unique, method, if_exists);
    }
    let materialized = cursor.eat("MATERIALIZED VIEW");
    if materialized || cursor.eat("VIEW") || cursor.eat("RECURSIVE VIEW") {
        let mut view = view(cursor, materialized, if_exists, temporary)?;
        view.options.extend(prefix);
        return Some(Change::CreateView(view));
    }
    let constraint = cursor.eat("CONSTRAINT TRIGGER");
    if constraint || cursor.eat("TRIGGER") {
        return routine::trigger(cursor, if_exists, temporary, constraint);
    }
    for (words, kind) in [
        ("FUNCTION", Kind::Function),
        ("PROCEDURE", Kind::Procedure),
        ("AGGREGATE", Kind::Aggregate),
    ] {
        if cursor.eat(words) {
            return routine::create(cursor, kind, if_exists);
        }
    }
    if cursor.eat("SEQUENCE") {
        return sequence::create(cursor, if_exists, temporary);
    }
    if cursor.eat("TYPE") {
        return data_type::create(cursor);
    }
    if cursor.eat("DOMAIN") {
        return data_type::create_domain(cursor);
    }
    if cursor.eat("SCHEMA") || (cursor.family() == Family::MySql && cursor.eat("DATABASE")) {
        return schema(cursor, if_exists);
    }
    if cursor.eat("EXTENSION") {
        return extension(cursor);
    }
    cursor.eat("TRUSTED");
    cursor.eat("PROCEDURAL");
    let kind = drop::kind(cursor)?;
    if kind == Kind::Other("ROLE") || kind == Kind::Other("USER MAPPING") {
        return Some(Change::Harmless);
    }
    if cursor.eat("IF NOT EXISTS") {
        if_exists = IfExists::Keep;
    }
    other(cursor, kind, if_exists)
}

/// `DEFINER = 'a'@'b'`, `ALGORITHM = MERGE`, `SQL SECURITY INVOKER` before the kind.
/// What of it is another than usual shows in views.
fn mysql_prefix(cursor: &mut Cursor<'_, '_>) -> Option<Vec<TableOption>> {
    let mut options = Vec::new();
    let mut say = |name: &str, value: &str, usual: &str| {
        if !value.eq_ignore_ascii_case(usual) {
            options.push(TableOption {
                name: name.into(),
                value: value.to_lowercase().into(),
            });
        }
    };
    loop {
        if cursor.eat("ALGORITHM") {
            cursor.eat_sign("=");
            say("algorithm", cursor.next()?.text, "undefined");
        } else if cursor.eat("DEFINER") {
            cursor.eat_sign("=");
            cursor.next()?;
            while cursor
                .peek()
                .is_some_and(|lexeme| lexeme.text.starts_with('@'))
            {
                cursor.next();
            }
            cursor.group();
        } else if cursor.eat("SQL SECURITY") {
            say("sql security", cursor.next()?.text, "definer");
        } else {
            return Some(options);
        }
    }
}

fn view(
    cursor: &mut Cursor<'_, '_>,
    materialized: bool,
    or_replace: IfExists,
    temporary: bool,
) -> Option<CreateView> {
    let if_exists = match cursor.if_not_exists() {
        IfExists::Fail => or_replace,
        other => other,
    };
    let name = cursor.object_name()?;
    let columns = match cursor.sees_sign("(") {
        true => cursor.columns()?,
        false => Vec::new(),
    };
    let mut options = Vec::new();
    while !cursor.is_end() && !cursor.sees("AS") {
        if cursor.eat("WITH") {
            options.extend(cursor.option_list()?);
        } else if let Some(word) = cursor.eat_any(&["USING", "TABLESPACE"]) {
            options.push(TableOption {
                name: word.to_lowercase().into(),
                value: cursor.ident()?.name.key().into(),
            });
        } else {
            return None;
        }
    }
    cursor.expect("AS")?;
    let query = view_query(cursor, &mut options);
    Some(CreateView {
        name,
        materialized,
        if_exists,
        temporary,
        columns,
        options,
        query,
    })
}

/// The query, without what may follow it in a view.
fn view_query(cursor: &mut Cursor<'_, '_>, options: &mut Vec<TableOption>) -> Query {
    const TAILS: &[(&str, &str, &str)] = &[
        ("WITH NO DATA", "with no data", ""),
        ("WITH DATA", "", ""),
        ("WITH LOCAL CHECK OPTION", "check option", "local"),
        ("WITH CASCADED CHECK OPTION", "check option", "cascaded"),
        ("WITH CHECK OPTION", "check option", "cascaded"),
    ];
    let all = cursor.rest();
    for (words, name, value) in TAILS {
        let count = words.split(' ').count();
        let Some(at) = all.len().checked_sub(count) else {
            continue;
        };
        if Cursor::new(&all[at..], cursor.dialect).sees(words) {
            if !name.is_empty() {
                options.push(TableOption {
                    name: (*name).into(),
                    value: (*value).into(),
                });
            }
            return query::read(&mut Cursor::new(&all[..at], cursor.dialect));
        }
    }
    query::read(cursor)
}

fn schema(cursor: &mut Cursor<'_, '_>, or_replace: IfExists) -> Option<Change> {
    let if_exists = match cursor.if_not_exists() {
        IfExists::Fail => or_replace,
        other => other,
    };
    if cursor.eat("AUTHORIZATION") {
        let name = cursor.ident()?;
        cursor.end()?;
        let options = Fragment::empty(name.span);
        return Some(Change::CreateSchema(CreateSchema {
            name,
            if_exists,
            options,
        }));
    }
    let name = cursor.ident()?;
    // Objects may be made in the same statement: that is not read.
    if cursor.family() == Family::Postgres && !cursor.is_end() && !cursor.sees("AUTHORIZATION") {
        return None;
    }
    let options = cursor.fragment();
    Some(Change::CreateSchema(CreateSchema {
        name,
        if_exists,
        options,
    }))
}

fn extension(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let if_exists = cursor.if_not_exists();
    let name = cursor.ident()?;
    let mut schema = None;
    cursor.eat("WITH");
    while !cursor.is_end() {
        if cursor.eat("SCHEMA") {
            schema = Some(cursor.ident()?.name);
        } else if cursor.eat("VERSION") || cursor.eat("FROM") {
            cursor.next()?;
        } else {
            cursor.expect("CASCADE")?;
        }
    }
    Some(Change::CreateExtension(CreateExtension {
        name,
        if_exists,
        schema,
    }))
}

/// Policies, rules, publications and the rest: a name and a definition.
fn other(cursor: &mut Cursor<'_, '_>, kind: Kind, if_exists: IfExists) -> Option<Change> {
    let mut target = match kind {
        Kind::Rule => Target {
            kind,
            name: cursor.object_name()?,
            owner: None,
            arguments: None,
        },
        _ => drop::target(cursor, kind)?,
    };
    let definition = match kind {
        // The table stands inside: `ON INSERT TO t DO …`.
        Kind::Rule => {
            let start = *cursor;
            cursor.until(|cursor| cursor.sees("TO"));
            cursor.expect("TO")?;
            target.owner = Some(cursor.object_name()?);
            let _ = start;
            Fragment::of(start.rest(), cursor.dialect)
        }
        Kind::Policy | Kind::Other(_) => cursor.fragment(),
        _ => return None,
    };
    Some(Change::CreateOther(CreateOther {
        target,
        if_exists,
        definition,
    }))
}
