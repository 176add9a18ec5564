//! `CREATE INDEX`, and keys in parentheses.

use std::sync::Arc;

use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{Change, CreateIndex, IfExists, Key, KeyExpr, KeyPart, TableOption};
use crate::dialect::Family;
use crate::lex::TokenKind;

/// `CREATE [UNIQUE] INDEX`, after these words.
pub(super) fn create(
    cursor: &mut Cursor<'_, '_>,
    unique: bool,
    method: &'static str,
    or_replace: IfExists,
) -> Option<Change> {
    let concurrently = cursor.eat("CONCURRENTLY");
    let if_exists = match cursor.if_not_exists() {
        IfExists::Fail => or_replace,
        other => other,
    };
    let name = match cursor.sees("ON") && !cursor.peek_at(1)?.is("ON") {
        true => None,
        false => {
            // SQLite names the schema of an index before it.
            let name = cursor.object_name()?;
            Some(super::Ident {
                name: name.name,
                span: name.span,
            })
        }
    };
    let mut method: Arc<str> = method.into();
    if cursor.family() == Family::MySql && cursor.eat("USING") {
        method = cursor.next()?.text.to_lowercase().into();
    }
    cursor.expect("ON")?;
    let only = cursor.eat("ONLY");
    let table = cursor.object_name()?;
    if cursor.eat("USING") {
        method = cursor.ident()?.name.key().into();
    }
    let parts = parts(cursor)?;
    let mut key = Key {
        parts,
        include: Vec::new(),
        options: Vec::new(),
        index_name: None,
    };
    let mut condition = None;
    while !cursor.is_end() {
        if cursor.eat("INCLUDE") {
            key.include = cursor.columns()?;
        } else if cursor.eat("NULLS NOT DISTINCT") {
            key.options.push(option("nulls not distinct", ""));
        } else if cursor.eat("NULLS DISTINCT") {
        } else if cursor.eat("WITH") && cursor.sees_sign("(") {
            key.options.extend(cursor.option_list()?);
        } else if cursor.eat("TABLESPACE") {
            let name = cursor.ident()?;
            key.options.push(option("tablespace", name.name.as_str()));
        } else if cursor.eat("WHERE") {
            condition = Some(cursor.fragment());
        } else {
            let found = key_options(cursor)?;
            if found.is_empty() && !skip_algorithm(cursor) {
                return None;
            }
            key.options.extend(found);
        }
    }
    take_method(&mut key, &mut method);
    Some(Change::CreateIndex(CreateIndex {
        name,
        table: Some(table),
        if_exists,
        unique,
        concurrently,
        only,
        method,
        key,
        condition,
    }))
}

/// `ALGORITHM = INPLACE`, `LOCK = NONE`: how, not what.
pub(super) fn skip_algorithm(cursor: &mut Cursor<'_, '_>) -> bool {
    if cursor.family() != Family::MySql || cursor.eat_any(&["ALGORITHM", "LOCK"]).is_none() {
        return false;
    }
    cursor.eat_sign("=");
    cursor.next().is_some()
}

fn option(name: &str, value: &str) -> TableOption {
    TableOption {
        name: name.into(),
        value: value.into(),
    }
}

/// A `USING` behind the parentheses is the method.
fn take_method(key: &mut Key, method: &mut Arc<str>) {
    key.options.retain(|option| {
        let is_method = &*option.name == "using";
        if is_method {
            *method = option.value.clone();
        }
        !is_method
    });
}

/// Whether an index definition comes next inside of `CREATE TABLE` (MySQL).
pub(super) fn begins_in_table(cursor: &Cursor<'_, '_>) -> bool {
    cursor.sees_any(&["FULLTEXT", "SPATIAL"])
        || (cursor.sees_any(&["INDEX", "KEY"]) && !is_typed(cursor))
}

/// Whether the word next is the name of a column, since a type follows.
fn is_typed(cursor: &Cursor<'_, '_>) -> bool {
    cursor.peek_at(1).is_some_and(|next| {
        next.kind == TokenKind::Word
            && cursor
                .peek_at(2)
                .is_none_or(|after| after.text != "(" && !after.is("USING"))
    })
}

/// An index definition inside of `CREATE TABLE` or behind `ADD` (MySQL).
pub(super) fn in_table(cursor: &mut Cursor<'_, '_>) -> Option<CreateIndex> {
    let mut method: Arc<str> = match cursor.eat_any(&["FULLTEXT", "SPATIAL"]) {
        Some("FULLTEXT") => "fulltext".into(),
        Some(_) => "spatial".into(),
        None => "".into(),
    };
    cursor.eat_any(&["INDEX", "KEY"]);
    let if_exists = cursor.if_not_exists();
    let mut key = key(cursor)?;
    take_method(&mut key, &mut method);
    Some(CreateIndex {
        name: key.index_name.take(),
        table: None,
        if_exists,
        unique: false,
        concurrently: false,
        only: false,
        method,
        key,
        condition: None,
    })
}

/// `[name] [USING x] (…)` and what follows.
pub(super) fn key(cursor: &mut Cursor<'_, '_>) -> Option<Key> {
    let mut index_name = None;
    let mut options = Vec::new();
    if cursor.family() == Family::MySql {
        if !cursor.sees_sign("(") && !cursor.sees("USING") {
            index_name = Some(cursor.ident()?);
        }
        options.extend(key_options(cursor)?);
    }
    let parts = parts(cursor)?;
    let mut include = Vec::new();
    if cursor.eat("INCLUDE") {
        include = cursor.columns()?;
    }
    options.extend(key_options(cursor)?);
    if cursor.eat("USING INDEX TABLESPACE") {
        let name = cursor.ident()?;
        options.push(option("tablespace", name.name.as_str()));
    }
    Some(Key {
        parts,
        include,
        options,
        index_name,
    })
}

/// `WITH (…)`, `USING BTREE`, `COMMENT 'x'`, `KEY_BLOCK_SIZE = 1` behind a key.
pub(super) fn key_options(cursor: &mut Cursor<'_, '_>) -> Option<Vec<TableOption>> {
    let mut options = Vec::new();
    loop {
        if cursor.sees("WITH") && cursor.peek_at(1).is_some_and(|next| next.text == "(") {
            cursor.next();
            options.extend(cursor.option_list()?);
        } else if cursor.family() == Family::MySql
            && let Some(name) =
                cursor.eat_any(&["USING", "COMMENT", "KEY_BLOCK_SIZE", "WITH PARSER"])
        {
            cursor.eat_sign("=");
            let value = cursor.next()?;
            let value = match value.kind {
                TokenKind::Word => value.text.to_lowercase(),
                _ => value.text.to_owned(),
            };
            options.push(option(&name.to_lowercase(), &value));
        } else if cursor.family() == Family::MySql
            && let Some(name) = cursor.eat_any(&["VISIBLE", "INVISIBLE", "IGNORED", "NOT IGNORED"])
        {
            options.push(option(&name.to_lowercase(), ""));
        } else {
            return Some(options);
        }
    }
}

fn parts(cursor: &mut Cursor<'_, '_>) -> Option<Vec<KeyPart>> {
    let inner = cursor.group()?;
    inner.by_comma().iter_mut().map(part).collect()
}

fn part(cursor: &mut Cursor<'_, '_>) -> Option<KeyPart> {
    let first = cursor.peek()?;
    let next = cursor.peek_at(1);
    let is_name = matches!(
        first.kind,
        TokenKind::Word | TokenKind::QuotedName | TokenKind::String
    );
    let ends = match next {
        None => true,
        Some(next) => {
            matches!(next.kind, TokenKind::Word | TokenKind::QuotedName)
                || (next.text == "("
                    && cursor.family() == Family::MySql
                    && cursor
                        .peek_at(2)
                        .is_some_and(|len| len.kind == TokenKind::Number)
                    && cursor.peek_at(3).is_some_and(|close| close.text == ")"))
        }
    };
    let what =
        if is_name && ends && !first.is("CASE") && !first.is("CAST") && !operator_follows(cursor) {
            KeyExpr::Column(cursor.ident()?)
        } else if first.text == "(" {
            KeyExpr::Expression(expression(cursor))
        } else {
            let words = cursor.until(|cursor| {
                cursor.sees_any(&["ASC", "DESC", "NULLS", "COLLATE"]) || follows_call(cursor)
            });
            KeyExpr::Expression(Fragment::of(words, cursor.dialect))
        };
    let mut order = cursor.fragment().text.to_string();
    if cursor.family() != Family::Sqlite {
        order = order.trim_start_matches("asc").trim().to_owned();
    }
    if order == "nulls last" {
        order.clear();
    }
    if order == "desc nulls first" {
        order = "desc".to_owned();
    }
    Some(KeyPart {
        what,
        order: order.into(),
    })
}

/// SQLite indexes expressions without parentheses: `a COLLATE NOCASE` is none, `a AND b` is.
fn operator_follows(cursor: &Cursor<'_, '_>) -> bool {
    cursor.peek_at(1).is_some_and(|next| {
        ["AND", "OR", "IS", "IN", "LIKE", "NOT", "BETWEEN"]
            .iter()
            .any(|word| next.is(word))
    })
}

fn expression(cursor: &mut Cursor<'_, '_>) -> Fragment {
    let words = cursor.until(|cursor| {
        cursor.sees_any(&["ASC", "DESC", "NULLS", "COLLATE"])
            || cursor.peek().is_some_and(|lexeme| {
                matches!(lexeme.kind, TokenKind::Word | TokenKind::QuotedName)
            })
    });
    Fragment::of(words, cursor.dialect)
}

/// Whether an operator class follows: a word behind the closing parenthesis of a call.
fn follows_call(cursor: &Cursor<'_, '_>) -> bool {
    let mut before = *cursor;
    let Some(lexeme) = before.next() else {
        return false;
    };
    matches!(lexeme.kind, TokenKind::Word | TokenKind::QuotedName) && cursor.is_behind_close()
}
