//! Statements about rows.

use std::sync::Arc;

use super::cursor::{Cursor, string_value};
use super::fragment::name_of;
use super::{Change, Data, DataVerb, Ident, ObjectName, Uses, expression, opaque, query};
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};

/// Reads a statement that begins with a word of that kind.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let all = *cursor;
    let verb = verb(cursor)?;
    let uses = query::uses(cursor);
    let filtered = cursor
        .rest()
        .iter()
        .any(|lexeme| lexeme.is("WHERE") || lexeme.is("LIMIT"));
    let (targets, columns) = match verb {
        DataVerb::Query => (Vec::new(), Vec::new()),
        _ => written(cursor, verb).unwrap_or_default(),
    };
    let mentions = match verb {
        DataVerb::Query if !uses.functions.is_empty() => {
            opaque::read(all.rest(), all.dialect).mentions
        }
        _ => Vec::new(),
    };
    Some(Change::Data(Data {
        verb,
        targets,
        columns,
        filtered,
        plain: plain(&all, verb, &uses),
        values: values(&all, verb, &uses),
        uses,
        lenient: all.rest().iter().any(|lexeme| {
            ["CONFLICT", "IGNORE", "REPLACE", "DUPLICATE", "EXISTS"]
                .iter()
                .any(|word| lexeme.is(word))
        }),
        may_be_null: verb == DataVerb::Insert && selects_subquery(all.rest()),
        worded: worded(&all),
        single: has_single_subquery(all.rest()),
        mentions,
        calls: expression::calls(&all),
    }))
}

/// Names that stand where only a column can stand, when one relation is read and nothing gives
/// names of its own: alone between the commas behind `SELECT`, or before a comparison.
fn plain(cursor: &Cursor<'_, '_>, verb: DataVerb, uses: &Uses) -> Vec<Ident> {
    let lexemes = cursor.rest();
    let count = |word: &str| lexemes.iter().filter(|lexeme| lexeme.is(word)).count();
    let reads = match verb {
        DataVerb::Insert => count("SELECT") == 1 && count("FROM") == 1,
        DataVerb::Query => cursor.sees("SELECT") && count("SELECT") == 1 && count("FROM") == 1,
        DataVerb::Update | DataVerb::Delete => {
            count("SELECT") == 0 && count("FROM") == usize::from(verb == DataVerb::Delete)
        }
        DataVerb::Truncate | DataVerb::Merge => false,
    };
    let relations =
        uses.relations.len() - usize::from(verb == DataVerb::Insert).min(uses.relations.len());
    const OTHERS: &[&str] = &[
        "WITH",
        "JOIN",
        "USING",
        "RETURNING",
        "CONFLICT",
        "DUPLICATE",
        "LATERAL",
    ];
    let alone = relations == 1 && uses.complete && !OTHERS.iter().any(|word| count(word) > 0);
    if !(reads && alone) {
        return Vec::new();
    }
    let ends = |lexeme: Option<&Lexeme<'_>>| {
        lexeme.is_some_and(|lexeme| lexeme.text == "," || lexeme.is("FROM"))
    };
    let compares = |lexeme: Option<&Lexeme<'_>>| {
        lexeme.is_some_and(|lexeme| {
            ["=", "<>", "!=", "<", ">", "<=", ">="].contains(&lexeme.text) || lexeme.is("IS")
        })
    };
    let from = lexemes.iter().position(|lexeme| lexeme.is("FROM"));
    let select = lexemes.iter().position(|lexeme| lexeme.is("SELECT"));
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for at in 1..lexemes.len() {
        let (before, lexeme) = (&lexemes[at - 1], &lexemes[at]);
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            TokenKind::Word => {}
            _ => continue,
        }
        let next = lexemes.get(at + 1);
        let listed = select.is_some_and(|select| select < at) && from.is_some_and(|from| at < from);
        let is_item =
            listed && depth == 0 && (before.is("SELECT") || before.text == ",") && ends(next);
        let is_compared =
            (before.is("WHERE") || before.is("AND") || before.is("OR")) && compares(next);
        let is_name = lexeme.kind == TokenKind::Word && !is_value(lexeme.text);
        if is_name
            && (is_item || is_compared)
            && let Some(name) = name_of(lexeme.kind, lexeme.text, cursor.dialect)
        {
            let span = lexeme.span;
            found.push(Ident { name, span });
        }
    }
    found
}

/// Whether a word is a value by itself, or stands for a row.
fn is_value(word: &str) -> bool {
    const VALUES: &[&str] = &[
        "null",
        "true",
        "false",
        "default",
        "user",
        "rowid",
        "oid",
        "_rowid_",
        "ctid",
        "xmin",
        "tableoid",
        "localtime",
        "localtimestamp",
        "excluded",
        "new",
        "old",
        "rownum",
        "rank",
        "session_user",
        "value",
        "row",
        "distinct",
        "all",
        "not",
        "exists",
        "case",
        "sysdate",
    ];
    let word = word.to_lowercase();
    VALUES.contains(&&*word) || word.starts_with("current_") || word.starts_with("utc_")
}

/// How many values an `INSERT` without a list of columns gives for a row.
fn values(cursor: &Cursor<'_, '_>, verb: DataVerb, uses: &Uses) -> Option<usize> {
    let mut cursor = *cursor;
    if verb != DataVerb::Insert || cursor.sees_any(&["WITH", "COPY", "LOAD"]) {
        return None;
    }
    cursor.until(|cursor| cursor.sees("INTO"));
    cursor.eat("INTO");
    cursor.object_name()?;
    if cursor.sees("SELECT") {
        return uses.output.as_ref().map(Vec::len);
    }
    cursor.expect("VALUES")?;
    let row = cursor.group()?;
    Some(row.by_comma().len()).filter(|_| !row.is_end())
}

/// Whether one of the values that a query gives is that of a subquery.
fn selects_subquery(lexemes: &[Lexeme<'_>]) -> bool {
    lexemes.windows(3).any(|three| {
        (three[0].is("SELECT") || three[0].text == ",")
            && three[1].text == "("
            && three[2].is("SELECT")
    })
}

/// Columns beside a text that is no number: `a = 'x'`.
fn worded(cursor: &Cursor<'_, '_>) -> Vec<(Ident, Arc<str>)> {
    if cursor.family() != Family::Postgres {
        return Vec::new();
    }
    let lexemes = cursor.rest();
    let mut found = Vec::new();
    for (at, three) in lexemes.windows(3).enumerate() {
        let [column, sign, text] = three else {
            continue;
        };
        let qualified = at > 0 && lexemes[at - 1].text == ".";
        if qualified || text.kind != TokenKind::String || !matches!(sign.text, "=" | "<>" | "!=") {
            continue;
        }
        // A cast or an operator behind it makes another value of the text.
        if let Some(next) = lexemes.get(at + 3)
            && next.kind == TokenKind::Operator
            && next.text != ","
        {
            continue;
        }
        let value = string_value(text.text);
        let worded = value.starts_with(|c: char| c.is_ascii_alphabetic());
        if let Some(name) = name_of(column.kind, column.text, cursor.dialect)
            && worded
        {
            let span = column.span;
            found.push((Ident { name, span }, value.into()));
        }
    }
    found
}

/// How many tokens of a subquery are looked at.
const LONGEST: usize = 1_000;

/// Whether a subquery stands where one value must: `= (SELECT …)` without a limit or an aggregate.
fn has_single_subquery(lexemes: &[Lexeme<'_>]) -> bool {
    lexemes.windows(3).enumerate().any(|(at, three)| {
        let [sign, open, select] = three else {
            return false;
        };
        if !(sign.is_operator("=") && open.text == "(" && select.is("SELECT")) {
            return false;
        }
        // A subquery in a subquery in a subquery is not looked through again each time.
        let rest = &lexemes[at + 1..lexemes.len().min(at + 1 + LONGEST)];
        let len = crate::dialect::phrase::parentheses(rest);
        let inner = &rest[..len];
        !inner.iter().any(|lexeme| {
            ["LIMIT", "MAX", "MIN", "COUNT", "SUM", "FIRST"]
                .iter()
                .any(|word| lexeme.is(word))
        })
    })
}

/// What is done, by the first word that says so outside of parentheses.
fn verb(cursor: &Cursor<'_, '_>) -> Option<DataVerb> {
    const VERBS: &[(&str, DataVerb)] = &[
        ("INSERT", DataVerb::Insert),
        ("REPLACE", DataVerb::Insert),
        ("UPDATE", DataVerb::Update),
        ("DELETE", DataVerb::Delete),
        ("TRUNCATE", DataVerb::Truncate),
        ("MERGE", DataVerb::Merge),
        ("SELECT", DataVerb::Query),
        ("VALUES", DataVerb::Query),
        ("TABLE", DataVerb::Query),
        ("EXPLAIN", DataVerb::Query),
        ("COPY", DataVerb::Insert),
        ("LOAD", DataVerb::Insert),
    ];
    let of = |cursor: &Cursor<'_, '_>| {
        VERBS
            .iter()
            .find(|(word, _)| cursor.sees(word))
            .map(|(_, verb)| *verb)
    };
    if cursor.family() == Family::Sqlite && cursor.sees_any(&["TABLE", "TRUNCATE", "COPY", "LOAD"])
    {
        return None;
    }
    if cursor.peek()?.kind == TokenKind::Open {
        return Some(DataVerb::Query);
    }
    if !cursor.sees("WITH") {
        return of(cursor);
    }
    let mut rest = *cursor;
    rest.until(|cursor| {
        !matches!(of(cursor), None | Some(DataVerb::Insert)) || cursor.sees("INSERT")
    });
    of(&rest)
}

/// The tables that are written, and the columns where they are named.
fn written(cursor: &mut Cursor<'_, '_>, verb: DataVerb) -> Option<(Vec<ObjectName>, Vec<Ident>)> {
    cursor.until(|cursor| {
        cursor.sees_any(&[
            "INSERT", "REPLACE", "UPDATE", "DELETE", "TRUNCATE", "MERGE", "COPY", "LOAD",
        ])
    });
    cursor.next()?;
    match verb {
        DataVerb::Insert | DataVerb::Merge => {
            if cursor.rest().iter().take(4).any(|lexeme| lexeme.is("INTO")) {
                cursor.until(|cursor| cursor.sees("INTO"));
                cursor.eat("INTO");
            }
            let table = cursor.object_name()?;
            let columns = match cursor.sees_sign("(") {
                true => cursor.columns().unwrap_or_default(),
                false => Vec::new(),
            };
            Some((vec![table], columns))
        }
        DataVerb::Update => {
            cursor.eat("ONLY");
            cursor.eat("OR");
            cursor.eat_any(&["ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE"]);
            let table = cursor.object_name()?;
            Some((vec![table], assigned(cursor)))
        }
        DataVerb::Delete => {
            cursor.until(|cursor| cursor.sees("FROM"));
            cursor.eat("FROM");
            cursor.eat("ONLY");
            Some((vec![cursor.object_name()?], Vec::new()))
        }
        DataVerb::Truncate => {
            cursor.eat("TABLE");
            cursor.eat("ONLY");
            Some((cursor.object_names()?, Vec::new()))
        }
        DataVerb::Query => None,
    }
}

/// The columns behind `SET`.
fn assigned(cursor: &mut Cursor<'_, '_>) -> Vec<Ident> {
    cursor.until(|cursor| cursor.sees("SET"));
    cursor.eat("SET");
    let mut columns = Vec::new();
    loop {
        if cursor.sees_sign("(") {
            columns.extend(cursor.columns().unwrap_or_default());
        } else if let Some(name) = cursor.object_name() {
            columns.push(Ident {
                name: name.name,
                span: name.span,
            });
        }
        cursor.until(|cursor| cursor.sees_sign(",") || cursor.sees_any(&["FROM", "WHERE"]));
        if !cursor.eat_sign(",") {
            return columns;
        }
    }
}
