//! Statements about the session and about comments, and those that leave no trace in the schema.

use super::cursor::Cursor;
use super::fragment::unquote;
use super::{Change, Comment, Name, drop};
use crate::dialect::Family;
use crate::lex::TokenKind;

/// First words of statements that change nothing that outlives the session or shows in the schema.
const HARMLESS: &[(&str, &[Family])] = &[
    (
        "ANALYZE",
        &[Family::Postgres, Family::Sqlite, Family::MySql],
    ),
    ("VACUUM", &[Family::Postgres, Family::Sqlite]),
    ("REINDEX", &[Family::Postgres, Family::Sqlite]),
    ("CLUSTER", &[Family::Postgres]),
    ("CHECKPOINT", &[Family::Postgres]),
    ("RESET", &[Family::Postgres]),
    ("NOTIFY", &[Family::Postgres]),
    ("LISTEN", &[Family::Postgres]),
    ("UNLISTEN", &[Family::Postgres]),
    ("LOCK", &[Family::Postgres, Family::MySql]),
    ("UNLOCK", &[Family::MySql]),
    ("DISCARD", &[Family::Postgres]),
    ("DEALLOCATE", &[Family::Postgres, Family::MySql]),
    ("BEGIN", &[Family::Postgres, Family::Sqlite, Family::MySql]),
    ("START TRANSACTION", &[Family::Postgres, Family::MySql]),
    ("COMMIT", &[Family::Postgres, Family::Sqlite, Family::MySql]),
    ("END", &[Family::Postgres, Family::Sqlite]),
    (
        "ROLLBACK",
        &[Family::Postgres, Family::Sqlite, Family::MySql],
    ),
    ("ABORT", &[Family::Postgres]),
    (
        "SAVEPOINT",
        &[Family::Postgres, Family::Sqlite, Family::MySql],
    ),
    (
        "RELEASE",
        &[Family::Postgres, Family::Sqlite, Family::MySql],
    ),
    ("SHOW", &[Family::Postgres, Family::MySql]),
    ("DETACH", &[Family::Sqlite]),
    ("OPTIMIZE", &[Family::MySql]),
    ("REPAIR", &[Family::MySql]),
    ("CHECK TABLE", &[Family::MySql]),
    ("FLUSH", &[Family::MySql]),
    ("KILL", &[Family::MySql]),
    ("REASSIGN OWNED", &[Family::Postgres]),
    ("SECURITY LABEL", &[Family::Postgres]),
    ("ALTER SYSTEM", &[Family::Postgres]),
    ("ALTER USER", &[Family::Postgres, Family::MySql]),
    ("ALTER ROLE", &[Family::Postgres, Family::MySql]),
    ("CREATE USER", &[Family::Postgres, Family::MySql]),
    ("CREATE ROLE", &[Family::Postgres, Family::MySql]),
    ("DROP USER", &[Family::Postgres, Family::MySql]),
    ("DROP ROLE", &[Family::Postgres, Family::MySql]),
];

/// Reads a statement of that kind.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let family = cursor.family();
    if cursor.eat("SET") {
        return set(cursor);
    }
    if family == Family::Sqlite && cursor.eat("PRAGMA") {
        return pragma(cursor);
    }
    if family == Family::Postgres && cursor.eat("REFRESH MATERIALIZED VIEW") {
        let concurrently = cursor.eat("CONCURRENTLY");
        let name = cursor.object_name()?;
        cursor.eat_any(&["WITH DATA", "WITH NO DATA"]);
        cursor.end()?;
        return Some(Change::Refresh { name, concurrently });
    }
    let listed = HARMLESS
        .iter()
        .any(|(words, families)| families.contains(&family) && cursor.sees(words));
    listed.then_some(Change::Harmless)
}

fn set(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    cursor.eat_any(&["LOCAL", "SESSION"]);
    if cursor.family() == Family::Postgres && cursor.eat("SEARCH_PATH") {
        if !cursor.eat("TO") && !cursor.eat_sign("=") {
            return None;
        }
        let mut path = Vec::new();
        for mut part in cursor.by_comma() {
            let lexeme = part.next()?;
            let text = match lexeme.kind {
                TokenKind::String => unquote(lexeme.text),
                TokenKind::QuotedName => unquote(lexeme.text),
                _ if lexeme.is("DEFAULT") => cursor.dialect.modelling().default_schema.to_owned(),
                _ => lexeme.text.to_lowercase(),
            };
            path.push(Name::new(&text, cursor.dialect));
        }
        return Some(Change::SearchPath(path));
    }
    if cursor.family() == Family::Postgres && cursor.eat("SCHEMA") {
        let name = unquote(cursor.string()?);
        return Some(Change::SearchPath(vec![Name::new(&name, cursor.dialect)]));
    }
    if cursor.family() == Family::MySql
        && cursor
            .rest()
            .first()
            .is_some_and(|name| name.text.to_lowercase().ends_with("foreign_key_checks"))
    {
        let value = cursor.rest().last()?;
        return Some(Change::ForeignKeyChecks(
            !(value.text == "0" || value.is("OFF") || value.is("FALSE")),
        ));
    }
    Some(Change::Harmless)
}

/// `PRAGMA writable_schema` opens the door to anything, and two numbers are kept with the database
/// and not modelled; no other one shows.
fn pragma(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let name = cursor.object_name()?;
    match name.name.key() {
        "writable_schema" => None,
        "user_version" | "application_id" => cursor.is_end().then_some(Change::Harmless),
        _ => Some(Change::Harmless),
    }
}

/// `COMMENT ON`, after these words.
pub(super) fn comment(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    if cursor.sees_any(&["DATABASE", "ROLE", "LARGE OBJECT", "TABLESPACE"]) {
        return Some(Change::Harmless);
    }
    let kind = drop::kind(cursor)?;
    let target = drop::target(cursor, kind)?;
    cursor.expect("IS")?;
    let text = match cursor.eat("NULL") {
        true => None,
        false => Some(cursor.string()?),
    };
    cursor.end()?;
    // An empty comment is none.
    let text = text.filter(|text| !matches!(*text, "''"));
    Some(Change::Comment(Comment {
        target,
        text: text.map(|text| comment_literal(text).into()),
    }))
}

fn comment_literal(text: &str) -> String {
    let value = super::cursor::string_value(text);
    match text.starts_with(['\'', '$']) {
        true => format!("'{}'", value.replace('\'', "''")),
        false => text.to_owned(),
    }
}
