//! Functions, procedures, aggregates and triggers.

use std::sync::Arc;

use super::cursor::{Cursor, string_value};
use super::fragment::{Fragment, name_of};
use super::{Change, CreateRoutine, CreateTrigger, IfExists, Kind, Name, TableOption, data_type};
use crate::dialect::{Dialect, Family};
use crate::lex::{self, TokenKind};

/// `CREATE FUNCTION` or `CREATE PROCEDURE`, after these words.
pub(super) fn create(
    cursor: &mut Cursor<'_, '_>,
    kind: Kind,
    or_replace: IfExists,
) -> Option<Change> {
    let if_exists = match cursor.if_not_exists() {
        IfExists::Fail => or_replace,
        other => other,
    };
    let name = cursor.object_name()?;
    let mut inner = cursor.group()?;
    let arguments = match cursor.family() {
        Family::Postgres if kind == Kind::Aggregate && is_old_form(&inner) => base_type(&inner)?,
        Family::Postgres => data_type::arguments(&inner)?,
        Family::Sqlite | Family::MySql => Vec::new(),
    };
    let signature = inner.fragment();
    let mut routine = CreateRoutine {
        kind,
        name,
        if_exists,
        arguments,
        signature,
        returns: None,
        options: Vec::new(),
        body: "".into(),
        mentions: Vec::new(),
    };
    match cursor.family() {
        Family::Postgres if kind == Kind::Aggregate => aggregate(cursor, &mut routine)?,
        Family::Postgres => postgres(cursor, &mut routine)?,
        Family::Sqlite | Family::MySql => {
            let body = cursor.fragment();
            routine.mentions = body.names(cursor.dialect);
            routine.body = body.text;
        }
    }
    Some(Change::CreateRoutine(routine))
}

/// Whether everything about an aggregate stands in its first parentheses, as it did once:
/// `(basetype = integer, sfunc = f, stype = integer)`.
fn is_old_form(inner: &Cursor<'_, '_>) -> bool {
    inner.by_comma().into_iter().any(|mut part| {
        let mut names = ["SFUNC", "SFUNC1", "STYPE", "STYPE1", "BASETYPE"].into_iter();
        names.any(|name| part.eat(name)) && part.sees_sign("=")
    })
}

/// The one argument of an aggregate in the old form; `"any"` stands for none.
fn base_type(inner: &Cursor<'_, '_>) -> Option<Vec<super::Type>> {
    for mut part in inner.by_comma() {
        if part.eat("BASETYPE") && part.eat_sign("=") {
            let data_type = data_type::read(&mut part)?;
            let is_none = matches!(&*data_type.text, "any" | "\"any\"");
            return Some(if is_none { Vec::new() } else { vec![data_type] });
        }
    }
    Some(Vec::new())
}

fn aggregate(cursor: &mut Cursor<'_, '_>, routine: &mut CreateRoutine) -> Option<()> {
    let definition = cursor.fragment();
    routine.mentions = definition.names(cursor.dialect);
    routine.body = definition.text;
    Some(())
}

const OPTION_HEADS: &[&str] = &[
    "LANGUAGE",
    "IMMUTABLE",
    "STABLE",
    "VOLATILE",
    "LEAKPROOF",
    "NOT LEAKPROOF",
    "STRICT",
    "CALLED ON",
    "RETURNS NULL ON",
    "SECURITY",
    "EXTERNAL SECURITY",
    "PARALLEL",
    "COST",
    "ROWS",
    "SUPPORT",
    "SET",
    "RESET",
    "AS",
    "WINDOW",
    "TRANSFORM",
    "BEGIN ATOMIC",
    "RETURN",
];

fn postgres(cursor: &mut Cursor<'_, '_>, routine: &mut CreateRoutine) -> Option<()> {
    if cursor.eat("RETURNS TABLE") {
        let inner = cursor.group()?.fragment();
        let text = format!("table ({})", inner.text).into();
        routine.returns = Some(Fragment { text, ..inner });
    } else if cursor.eat("RETURNS") {
        let data_type = data_type::read(cursor)?;
        routine.returns = Some(Fragment {
            text: data_type.text,
            span: data_type.span,
        });
        if cursor.eat_sign("%") {
            cursor.expect("TYPE")?;
        }
    }
    while !cursor.is_end() {
        if cursor.eat("AS") {
            let body = cursor.string()?;
            routine.body = string_value(body).into();
            while cursor.eat_sign(",") {
                routine.body = format!("{}, {}", routine.body, cursor.string()?).into();
            }
        } else if cursor.sees_any(&["BEGIN ATOMIC", "RETURN"]) {
            let body = cursor.fragment();
            routine.body = body.text;
        } else {
            routine.options.extend(option(cursor)?);
        }
    }
    routine.mentions = words(&routine.body, cursor.dialect);
    Some(())
}

/// The words of a body that may be names.
fn words(body: &str, dialect: Dialect) -> Vec<Name> {
    let tokens = lex::lex(body, dialect).tokens;
    let mut names: Vec<Name> = tokens
        .iter()
        .filter_map(|token| name_of(token.kind, token.span.of(body), dialect))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What `ALTER FUNCTION` may set.
pub(super) fn attributes(cursor: &mut Cursor<'_, '_>) -> Option<Vec<TableOption>> {
    let mut attributes = Vec::new();
    while !cursor.is_end() {
        if cursor.eat_any(&["RESTRICT"]).is_some() {
            continue;
        }
        if cursor.eat("RESET") {
            let name = cursor.next()?.text.to_lowercase();
            attributes.push(value(&format!("set {name}"), ""));
            continue;
        }
        match option(cursor)? {
            Some(option) => attributes.push(option),
            None => attributes.push(value(last_default(cursor)?, "")),
        }
    }
    Some(attributes)
}

/// Which option was just put back to the engine's own choice.
fn last_default(cursor: &Cursor<'_, '_>) -> Option<&'static str> {
    cursor.word_before().map(|word| match word {
        "volatile" => "volatility",
        "invoker" => "security",
        "unsafe" => "parallel",
        _ => "strict",
    })
}

/// One option; `Some(None)` when it is what the engine does anyway.
fn option(cursor: &mut Cursor<'_, '_>) -> Option<Option<TableOption>> {
    let word = cursor.eat_any(&[
        "LANGUAGE",
        "IMMUTABLE",
        "STABLE",
        "VOLATILE",
        "LEAKPROOF",
        "NOT LEAKPROOF",
        "STRICT",
        "CALLED ON NULL INPUT",
        "RETURNS NULL ON NULL INPUT",
        "SECURITY DEFINER",
        "SECURITY INVOKER",
        "EXTERNAL SECURITY DEFINER",
        "EXTERNAL SECURITY INVOKER",
        "PARALLEL",
        "COST",
        "ROWS",
        "SUPPORT",
        "SET",
        "WINDOW",
        "TRANSFORM",
    ])?;
    Some(match word {
        "LANGUAGE" => {
            let lexeme = cursor.next()?;
            let name = match lexeme.kind {
                TokenKind::String => string_value(lexeme.text).to_lowercase(),
                TokenKind::QuotedName => super::fragment::unquote(lexeme.text).to_lowercase(),
                _ => lexeme.text.to_lowercase(),
            };
            Some(value("language", &name))
        }
        "IMMUTABLE" | "STABLE" => Some(value("volatility", &word.to_lowercase())),
        "VOLATILE"
        | "CALLED ON NULL INPUT"
        | "SECURITY INVOKER"
        | "EXTERNAL SECURITY INVOKER"
        | "NOT LEAKPROOF" => None,
        "LEAKPROOF" | "WINDOW" => Some(value(&word.to_lowercase(), "on")),
        "STRICT" | "RETURNS NULL ON NULL INPUT" => Some(value("strict", "on")),
        "SECURITY DEFINER" | "EXTERNAL SECURITY DEFINER" => Some(value("security", "definer")),
        "SET" => {
            let name = cursor.next()?.text.to_lowercase();
            let words = cursor.until(|cursor| cursor.sees_any(OPTION_HEADS));
            let words = match words {
                [to, rest @ ..] if to.is("TO") || to.is_operator("=") => rest,
                words => words,
            };
            Some(value(
                &format!("set {name}"),
                &Fragment::of(words, cursor.dialect).text,
            ))
        }
        _ => {
            let words = cursor.until(|cursor| cursor.sees_any(OPTION_HEADS));
            let text = Fragment::of(words, cursor.dialect).text;
            let usual = matches!((word, &*text), ("PARALLEL", "unsafe") | ("COST", "100"));
            (!usual).then(|| value(&word.to_lowercase(), &text))
        }
    })
}

fn value(name: &str, value: &str) -> TableOption {
    TableOption {
        name: name.into(),
        value: value.into(),
    }
}

/// `CREATE TRIGGER`, after these words.
pub(super) fn trigger(
    cursor: &mut Cursor<'_, '_>,
    or_replace: IfExists,
    temporary: bool,
    constraint: bool,
) -> Option<Change> {
    let if_exists = match cursor.if_not_exists() {
        IfExists::Fail => or_replace,
        other => other,
    };
    let name = cursor.object_name()?;
    let mut columns = Vec::new();
    let when = *cursor;
    let mut before_table = *cursor;
    while !cursor.is_end() && !cursor.sees("ON") {
        if cursor.eat("UPDATE OF") {
            columns.push(cursor.ident()?);
            while cursor.eat_sign(",") {
                columns.push(cursor.ident()?);
            }
        } else {
            cursor.next()?;
        }
        before_table = *cursor;
    }
    let timing = Fragment::of(before_table.read_since(when), cursor.dialect);
    cursor.expect("ON")?;
    let table = cursor.object_name()?;
    let rest = cursor.rest();
    let mut function = None;
    if cursor.family() == Family::Postgres {
        cursor.until(|cursor| cursor.sees("EXECUTE"));
        cursor.expect("EXECUTE")?;
        cursor.eat_any(&["FUNCTION", "PROCEDURE"])?;
        function = Some(cursor.object_name()?);
    }
    let body = Fragment::of(rest, cursor.dialect);
    let text: Arc<str> = format!(
        "{}{} on {}",
        if constraint { "constraint " } else { "" },
        timing_of(&timing.text, &columns),
        match cursor.family() {
            Family::Postgres => trigger_body(&body.text),
            Family::Sqlite | Family::MySql => body.text.to_string(),
        }
    )
    .into();
    Some(Change::CreateTrigger(CreateTrigger {
        name,
        table,
        if_exists,
        function,
        columns,
        definition: Fragment {
            text,
            span: timing.span.to(body.span),
        },
        temporary,
    }))
}

/// Events in one order, since the engine keeps a set of them.
fn timing_of(timing: &str, columns: &[super::Ident]) -> String {
    let of = match columns.is_empty() {
        true => String::new(),
        false => {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            format!(" of {}", names.join(", "))
        }
    };
    let event = |word: &str| timing.split([' ', ',']).any(|part| part == word);
    let when = ["before", "after", "instead of"]
        .into_iter()
        .find(|word| timing.starts_with(word))
        .unwrap_or_default();
    let mut events = Vec::new();
    for word in ["insert", "delete", "update", "truncate"] {
        if event(word) {
            events.push(match word {
                "update" => format!("update{of}"),
                word => word.to_owned(),
            });
        }
    }
    format!("{when} {}", events.join(" or "))
}

/// `EXECUTE PROCEDURE` and `FOR EACH` are written in one way.
fn trigger_body(text: &str) -> String {
    let text = text.replace("execute procedure ", "execute function ");
    match text.contains("for each ") || text.contains("for row") || text.contains("for statement") {
        true => text
            .replace("for row ", "for each row ")
            .replace("for statement ", ""),
        false => text,
    }
    .replace("for each statement ", "")
}
