//! Sequences and their options.

use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{
    AlterSequence, Change, CreateSequence, IfExists, Kind, Owner, Rename, SequenceOption,
    SetSchema, TableOption, Target, data_type,
};
use crate::lex::TokenKind;

/// `CREATE SEQUENCE`, after these words.
pub(super) fn create(
    cursor: &mut Cursor<'_, '_>,
    or_replace: IfExists,
    temporary: bool,
) -> Option<Change> {
    let if_exists = match cursor.if_not_exists() {
        IfExists::Fail => or_replace,
        other => other,
    };
    let name = cursor.object_name()?;
    let options = options(cursor)?;
    Some(Change::CreateSequence(CreateSequence {
        name,
        if_exists,
        temporary,
        options,
    }))
}

/// `ALTER SEQUENCE`, after these words.
pub(super) fn alter(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let if_missing = cursor.if_exists();
    let name = cursor.object_name()?;
    let target = Target {
        kind: Kind::Sequence,
        name: name.clone(),
        owner: None,
        arguments: None,
    };
    if cursor.eat("RENAME TO") {
        let to = cursor.object_name()?;
        cursor.end()?;
        return Some(Change::Rename(Rename {
            target,
            to,
            if_missing,
        }));
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
    if cursor.eat("OWNER TO") {
        let owner = cursor.ident()?.name;
        cursor.end()?;
        return Some(Change::Owner(Owner { target, owner }));
    }
    let options = options(cursor)?;
    Some(Change::AlterSequence(AlterSequence {
        name,
        if_missing,
        options,
    }))
}

/// Options up to the end.
pub(super) fn options(cursor: &mut Cursor<'_, '_>) -> Option<Vec<SequenceOption>> {
    let mut options = Vec::new();
    while !cursor.is_end() {
        options.push(option(cursor)?);
    }
    Some(options)
}

/// One option.
pub(super) fn option(cursor: &mut Cursor<'_, '_>) -> Option<SequenceOption> {
    if cursor.eat("OWNED BY") {
        if cursor.eat("NONE") {
            return Some(SequenceOption::OwnedBy(None));
        }
        return owned_by(cursor);
    }
    if cursor.eat("AS") {
        return Some(SequenceOption::As(data_type::read(cursor)?));
    }
    if cursor.eat("RESTART") {
        cursor.eat("WITH");
        number(cursor);
        return Some(SequenceOption::Restart);
    }
    for (words, name) in [
        ("NO MINVALUE", "minvalue"),
        ("NO MAXVALUE", "maxvalue"),
        ("NO CYCLE", "cycle"),
    ] {
        if cursor.eat(words) {
            return Some(set(name, ""));
        }
    }
    if cursor.eat("CYCLE") {
        return Some(set("cycle", "on"));
    }
    if cursor.eat("SEQUENCE NAME") {
        let name = cursor.object_name()?;
        return Some(set("sequence name", &name.to_string()));
    }
    for (word, filler, name, usual) in [
        ("INCREMENT", "BY", "increment", "1"),
        ("START", "WITH", "start", "1"),
        ("MINVALUE", "", "minvalue", "1"),
        ("MAXVALUE", "", "maxvalue", "9223372036854775807"),
        ("CACHE", "", "cache", "1"),
    ] {
        if cursor.eat(word) {
            if !filler.is_empty() {
                cursor.eat(filler);
            }
            let value = number(cursor)?;
            let value = if value == usual { "" } else { &value };
            return Some(set(name, value));
        }
    }
    None
}

fn owned_by(cursor: &mut Cursor<'_, '_>) -> Option<SequenceOption> {
    let start = *cursor;
    let mut parts = vec![cursor.ident()?];
    while cursor.eat_sign(".") {
        parts.push(cursor.ident()?);
    }
    let column = parts.pop()?;
    let table = parts.pop()?;
    let table = super::ObjectName {
        schema: parts.pop().map(|schema| schema.name),
        name: table.name,
        span: cursor.span_since(start),
    };
    Some(SequenceOption::OwnedBy(Some((table, column))))
}

fn number(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let start = *cursor;
    if !cursor.eat_sign("-") {
        cursor.eat_sign("+");
    }
    let lexeme = cursor.peek()?;
    if lexeme.kind != TokenKind::Number {
        *cursor = start;
        return None;
    }
    cursor.next();
    Some(
        Fragment::of(cursor.read_since(start), cursor.dialect)
            .text
            .replace(' ', ""),
    )
}

fn set(name: &str, value: &str) -> SequenceOption {
    SequenceOption::Set(TableOption {
        name: name.into(),
        value: value.into(),
    })
}
