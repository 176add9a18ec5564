//! What a query reads: tables, columns, functions.
//!
//! It is read off the tokens, since that finds the tables of every subquery in every engine's
//! dialect alike. What it does not find it does not need: the lists are for saying what is used,
//! not what is not.

use super::cursor::Cursor;
use super::{Ident, Name, ObjectName, Query, Used, Uses};
use crate::lex::{Lexeme, TokenKind};

/// Reads all that is left as a query.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Query {
    let uses = uses(cursor);
    Query {
        text: cursor.fragment(),
        uses,
    }
}

/// What the tokens that are left read.
pub(super) fn uses(cursor: &Cursor<'_, '_>) -> Uses {
    let mut reader = Reader {
        uses: Uses {
            complete: true,
            ..Uses::default()
        },
        local: local_names(cursor.rest(), cursor),
        calls: Vec::new(),
    };
    reader.run(*cursor);
    reader.uses.output = output(*cursor);
    reader.uses
}

struct Reader<'t> {
    uses: Uses,
    /// Names that the query gives to parts of itself.
    local: Vec<Name>,
    /// For each open parenthesis the word before it.
    calls: Vec<Option<&'t str>>,
}

/// Words behind which the name of a relation stands.
const RELATION_HEADS: &[&str] = &["FROM", "JOIN", "INTO", "UPDATE", "USING", "TABLE"];

/// Functions with a `FROM` of their own.
const CALLS_WITH_FROM: &[&str] = &[
    "EXTRACT",
    "SUBSTRING",
    "TRIM",
    "OVERLAY",
    "POSITION",
    "SUBSTR",
];

/// Words that follow a relation and are no alias of it.
pub(super) const NO_ALIAS: &[&str] = &[
    "AS",
    "ON",
    "USING",
    "WHERE",
    "JOIN",
    "LEFT",
    "RIGHT",
    "INNER",
    "OUTER",
    "FULL",
    "CROSS",
    "NATURAL",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "SET",
    "VALUES",
    "SELECT",
    "DEFAULT",
    "WITH",
    "WINDOW",
    "FOR",
    "TABLESAMPLE",
    "RETURNING",
    "STRAIGHT_JOIN",
    "OVERRIDING",
    "INDEXED",
    "NOT",
    "USE",
    "FORCE",
    "IGNORE",
    "LATERAL",
    "DO",
];

impl<'t> Reader<'t> {
    fn run(&mut self, mut cursor: Cursor<'_, 't>) {
        let mut before: Option<&Lexeme<'t>> = None;
        while let Some(lexeme) = cursor.peek() {
            match lexeme.kind {
                TokenKind::Open => {
                    let call = before.filter(|before| before.kind == TokenKind::Word);
                    self.calls.push(call.map(|call| call.text));
                }
                TokenKind::Close => {
                    self.calls.pop();
                }
                TokenKind::Operator if lexeme.text == "*" => {
                    self.uses.star |= before.is_none_or(|before| {
                        before.is("SELECT")
                            || before.is("DISTINCT")
                            || before.text == ","
                            || before.text == "."
                    });
                }
                TokenKind::Word if self.begins_relation(lexeme, before) => {
                    before = cursor.next();
                    self.relations(&mut cursor, lexeme);
                    continue;
                }
                TokenKind::Word | TokenKind::QuotedName => {
                    let start = cursor;
                    if let Some(name) = cursor.object_name() {
                        self.name(&cursor, name, start);
                        before = cursor.read_since(start).last();
                        continue;
                    }
                }
                _ => {}
            }
            before = cursor.next();
        }
    }

    fn begins_relation(&self, lexeme: &Lexeme<'_>, before: Option<&Lexeme<'_>>) -> bool {
        if !RELATION_HEADS.iter().any(|head| lexeme.is(head)) {
            return false;
        }
        let call = self.calls.last().copied().flatten();
        let own = call.is_some_and(|call| {
            CALLS_WITH_FROM
                .iter()
                .any(|name| name.eq_ignore_ascii_case(call))
        });
        let distinct = lexeme.is("FROM") && before.is_some_and(|before| before.is("DISTINCT"));
        // `FOR UPDATE`, `ON UPDATE`, `DO UPDATE`, `JOIN … USING (…)` read nothing.
        let other = lexeme.is("UPDATE")
            && before.is_some_and(|before| {
                before.is("FOR") || before.is("ON") || before.is("DO") || before.is("KEY")
            });
        !own && !distinct && !other
    }

    /// Relations behind such a word, with commas between them.
    fn relations(&mut self, cursor: &mut Cursor<'_, 't>, head: &Lexeme<'_>) {
        loop {
            cursor.eat_any(&["ONLY", "LATERAL"]);
            let start = *cursor;
            if cursor.sees("SELECT") || cursor.sees("VALUES") {
                return;
            }
            let Some(name) = cursor.object_name() else {
                return;
            };
            if cursor.sees_sign("(") && !head.is("INTO") {
                self.uses.functions.push(name);
                let _ = start;
                return;
            }
            let mut alias = None;
            if cursor.eat("AS") || !cursor.sees_any(NO_ALIAS) {
                alias = cursor
                    .peek()
                    .filter(|next| matches!(next.kind, TokenKind::Word | TokenKind::QuotedName))
                    .and_then(|_| cursor.ident())
                    .map(|alias| alias.name);
            }
            let local = name.schema.is_none() && self.local.contains(&name.name);
            if !local {
                self.uses.relations.push(Used { name, alias });
            }
            if !head.is("FROM") || !cursor.eat_sign(",") {
                return;
            }
        }
    }

    fn name(&mut self, cursor: &Cursor<'_, '_>, name: ObjectName, start: Cursor<'_, '_>) {
        if cursor.sees_sign("(") {
            if name.schema.is_none()
                && name.name.key() == "replace"
                && let Some(arguments) = count_arguments(cursor.rest())
                && arguments != 3
            {
                self.uses.miscounted = Some((name.clone(), arguments));
            }
            self.uses.functions.push(name);
            return;
        }
        let last = cursor.read_since_span(start);
        if let Some(qualifier) = name.schema {
            self.uses.columns.push((
                Some(qualifier),
                Ident {
                    name: name.name,
                    span: last,
                },
            ));
        }
    }
}

/// How many arguments stand in the parentheses at the beginning, where that is soon told.
fn count_arguments(lexemes: &[Lexeme<'_>]) -> Option<usize> {
    const SOON: usize = 200;
    let mut depth = 0_usize;
    let mut commas = 0;
    for (at, lexeme) in lexemes.iter().take(SOON).enumerate() {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth -= 1,
            TokenKind::Operator if lexeme.text == "," && depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            return Some(if at == 1 { 0 } else { commas + 1 });
        }
    }
    None
}

/// The names of the columns that a query gives.
fn output(mut cursor: Cursor<'_, '_>) -> Option<Vec<Name>> {
    cursor.until(|cursor| cursor.sees("SELECT"));
    cursor.next()?;
    if cursor.eat("DISTINCT") && cursor.eat("ON") {
        cursor.group()?;
    }
    cursor.eat("ALL");
    let list = cursor.until(|cursor| {
        cursor.sees_any(&[
            "FROM",
            "WHERE",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "ORDER",
            "LIMIT",
            "GROUP",
        ])
    });
    let items = Cursor::new(list, cursor.dialect).by_comma();
    items
        .iter()
        .map(|item| column_name(item.rest(), cursor.dialect))
        .collect()
}

/// The name of one column of a query; none when it stands for several.
pub(super) fn column_name(item: &[Lexeme<'_>], dialect: crate::dialect::Dialect) -> Option<Name> {
    let name = |lexeme: &Lexeme<'_>| super::fragment::name_of(lexeme.kind, lexeme.text, dialect);
    let unknown = Some(Name::new("", dialect));
    match item {
        [] => None,
        [.., star] if star.text == "*" => None,
        [.., as_word, alias] if as_word.is("AS") => name(alias).or(unknown),
        [only] if super::fragment::VALUES.iter().any(|word| only.is(word)) => unknown,
        [only] => name(only).or(unknown),
        [.., dot, last] if dot.text == "." => name(last).or(unknown),
        [.., before, last]
            if last.kind == TokenKind::QuotedName
                && matches!(
                    before.kind,
                    TokenKind::Word | TokenKind::QuotedName | TokenKind::Close
                ) =>
        {
            name(last)
        }
        _ => unknown,
    }
}

/// How many tokens the list of columns of a part of a query may have.
const MOST_COLUMNS: usize = 4_000;

/// The names of `WITH name AS (…)`.
fn local_names(lexemes: &[Lexeme<'_>], cursor: &Cursor<'_, '_>) -> Vec<Name> {
    let mut names = Vec::new();
    for at in 1..lexemes.len() {
        let before = &lexemes[at - 1];
        if !(before.is("WITH") || before.is("RECURSIVE") || before.text == ",") {
            continue;
        }
        let mut ahead = Cursor::new(&lexemes[at..], cursor.dialect);
        let Some(name) = ahead.ident() else { continue };
        // The columns of a part have no parentheses of their own.
        if ahead.eat_sign("(") {
            let parentheses = |one: &Lexeme<'_>| one.text == "(" || one.text == ")";
            let close = ahead.rest().iter().take(MOST_COLUMNS).position(parentheses);
            let close = close.filter(|close| ahead.rest()[*close].text == ")");
            let Some(close) = close else { continue };
            ahead = Cursor::new(&ahead.rest()[close + 1..], cursor.dialect);
        }
        if ahead.eat("AS") {
            ahead.eat("NOT");
            ahead.eat("MATERIALIZED");
            if ahead.sees_sign("(") {
                names.push(name.name);
            }
        }
    }
    names
}
