//! The way through the parts of a query, which tells what their stars stand for.

use super::{Columns, Expansion, renamed};
use crate::change::cursor::Cursor;
use crate::change::query::{NO_ALIAS, column_name};
use crate::change::{Name, ObjectName};

/// Parts of a query deeper than this are not followed.
const DEEPEST: usize = 24;

/// The way through a query.
pub(super) struct Walk<'r> {
    pub(super) relation: &'r mut dyn FnMut(&ObjectName) -> Columns,
    pub(super) found: Expansion,
    pub(super) depth: usize,
}

/// Names that a part of a query may use.
#[derive(Clone, Default)]
pub(super) struct Scope {
    /// Those of `WITH`.
    with: Vec<(Name, Columns)>,
    /// Those of the parts around it.
    outer: Vec<Source>,
}

/// What stands behind `FROM`.
#[derive(Clone)]
struct Source {
    alias: Name,
    columns: Columns,
    /// The relation, where it is one.
    of: Option<ObjectName>,
}

const AFTER_ITEMS: &[&str] = &[
    "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR",
    "INTO",
];

const JOINS: &[&str] = &["NATURAL", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "JOIN"];

impl Walk<'_> {
    pub(super) fn query(&mut self, mut cursor: Cursor<'_, '_>, scope: &Scope) -> Columns {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let columns = self.with(&mut cursor, scope.clone()).and_then(|scope| {
            let columns = self.arm(&mut cursor, &scope);
            while !cursor.is_end() {
                cursor.next();
                cursor.eat_any(&["ALL", "DISTINCT"]);
                self.arm(&mut cursor, &scope);
            }
            columns
        });
        self.depth -= 1;
        columns
    }

    /// `WITH name (columns) AS (…), …`; none where it is of another form.
    fn with(&mut self, cursor: &mut Cursor<'_, '_>, mut scope: Scope) -> Option<Scope> {
        if !cursor.eat("WITH") {
            return Some(scope);
        }
        let recursive = cursor.eat("RECURSIVE");
        loop {
            let name = cursor.ident()?.name;
            let named = match cursor.sees_sign("(") {
                true => cursor.columns()?,
                false => Vec::new(),
            };
            cursor.expect("AS")?;
            cursor.eat("NOT");
            cursor.eat("MATERIALIZED");
            let inner = cursor.group()?;
            if recursive {
                scope.with.push((name.clone(), None));
            }
            let columns = self.query(inner, &scope);
            if recursive {
                scope.with.pop();
            }
            let named = named.into_iter().map(|ident| ident.name);
            scope.with.push((name, renamed(columns, named)));
            if !cursor.eat_sign(",") {
                return Some(scope);
            }
        }
    }

    /// One `SELECT` up to the next `UNION` and the like.
    fn arm(&mut self, cursor: &mut Cursor<'_, '_>, scope: &Scope) -> Columns {
        let arm = cursor.until(|cursor| cursor.sees_any(&["UNION", "INTERSECT", "EXCEPT"]));
        let mut arm = Cursor::new(arm, cursor.dialect);
        if let Some(inner) = arm.group() {
            let columns = self.query(inner, scope);
            self.subqueries(arm, scope);
            return columns;
        }
        if !arm.eat("SELECT") {
            self.subqueries(arm, scope);
            return None;
        }
        arm.eat("ALL");
        if arm.eat("DISTINCT") && arm.eat("ON") {
            self.subqueries(arm.group()?, scope);
        }
        let start = arm;
        loop {
            arm.until(|cursor| cursor.sees_any(AFTER_ITEMS));
            // `a IS DISTINCT FROM b`, `WITHIN GROUP (ORDER BY a)`
            let goes_on = match arm.read_since(start) {
                [.., is, distinct] if distinct.is("DISTINCT") => is.is("IS") || is.is("NOT"),
                [.., within] => within.is("WITHIN"),
                [] => false,
            };
            if !goes_on {
                break;
            }
            arm.next();
        }
        let items = Cursor::new(arm.read_since(start), arm.dialect);
        let mut sources = Vec::new();
        let mut all = None;
        if arm.eat("FROM") {
            let from = arm.until(|cursor| cursor.sees_any(&AFTER_ITEMS[1..]));
            let from = Cursor::new(from, arm.dialect);
            all = self.from(from, &mut sources, scope);
        }
        let mut inner = scope.clone();
        inner.outer.splice(0..0, sources.iter().cloned());
        self.subqueries(items, &inner);
        self.subqueries(arm, &inner);
        self.items(items, &sources, all, scope)
    }

    fn items(
        &mut self,
        items: Cursor<'_, '_>,
        sources: &[Source],
        all: Columns,
        scope: &Scope,
    ) -> Columns {
        let mut columns = Some(Vec::new());
        for item in items.by_comma() {
            let dialect = item.dialect;
            let more = match item.rest() {
                [star] if star.text == "*" => {
                    self.found
                        .whole
                        .extend(sources.iter().filter_map(|source| source.of.clone()));
                    self.star(all.clone())
                }
                [.., name, dot, star] if star.text == "*" && dot.text == "." => {
                    let alias = crate::change::fragment::name_of(name.kind, name.text, dialect);
                    let source = alias.and_then(|alias| find(&alias, sources, &scope.outer));
                    self.found
                        .whole
                        .extend(source.as_ref().and_then(|source| source.of.clone()));
                    self.star(source.and_then(|source| source.columns))
                }
                [.., dot, star] if star.text == "*" && dot.text == "." => self.star(None),
                other => column_name(other, dialect).map(|name| vec![name]),
            };
            columns = appended(columns, more);
        }
        columns
    }

    fn star(&mut self, columns: Columns) -> Columns {
        self.found.stars.push(columns.clone());
        columns
    }

    /// What stands between `FROM` and `WHERE`; gives what a star alone stands for.
    fn from(&mut self, from: Cursor<'_, '_>, sources: &mut Vec<Source>, scope: &Scope) -> Columns {
        let mut all = Some(Vec::new());
        for part in from.by_comma() {
            let columns = self.joined(part, sources, scope);
            all = appended(all, columns);
        }
        all
    }

    fn joined(
        &mut self,
        mut cursor: Cursor<'_, '_>,
        sources: &mut Vec<Source>,
        scope: &Scope,
    ) -> Columns {
        let mut left = self.source(&mut cursor, sources, scope)?;
        while !cursor.is_end() {
            let natural = cursor.eat("NATURAL");
            cursor.eat_any(&["INNER", "LEFT", "RIGHT", "FULL", "CROSS"]);
            cursor.eat("OUTER");
            cursor.expect("JOIN")?;
            let right = self.source(&mut cursor, sources, scope)?;
            let shared = match (&left, &right) {
                _ if cursor.eat("USING") => {
                    let columns = cursor.columns()?;
                    Some(columns.into_iter().map(|ident| ident.name).collect())
                }
                (Some(left), Some(right)) if natural => Some(
                    left.iter()
                        .filter(|name| right.contains(name))
                        .cloned()
                        .collect(),
                ),
                _ if natural => None,
                _ => Some(Vec::new()),
            };
            left = merged(left, right, shared);
            if cursor.eat("ON") {
                let condition = cursor.until(|cursor| {
                    let is_call = cursor.peek_at(1).is_some_and(|next| next.text == "(");
                    cursor.sees_any(JOINS) && (!is_call || cursor.sees("JOIN"))
                });
                let mut inner = scope.clone();
                inner.outer.splice(0..0, sources.iter().cloned());
                self.subqueries(Cursor::new(condition, cursor.dialect), &inner);
            }
        }
        left
    }

    /// A table, a query in parentheses or a join in parentheses; none where it is of another form.
    fn source(
        &mut self,
        cursor: &mut Cursor<'_, '_>,
        sources: &mut Vec<Source>,
        scope: &Scope,
    ) -> Option<Columns> {
        cursor.eat_any(&["ONLY", "LATERAL"]);
        let (columns, own, of, is_call);
        if let Some(inner) = cursor.group() {
            if !begins_query(&inner) {
                // The query of a join in parentheses, behind which no other name may stand.
                let columns = match inner.sees_sign("(") || self.depth == DEEPEST {
                    true => None,
                    false => {
                        self.depth += 1;
                        let columns = self.joined(inner, sources, scope);
                        self.depth -= 1;
                        columns
                    }
                };
                return (cursor.is_end() || cursor.sees_any(JOINS)).then_some(columns);
            }
            let mut inside = scope.clone();
            inside.outer.splice(0..0, sources.iter().cloned());
            (columns, own, of, is_call) = (self.query(inner, &inside), None, None, false);
        } else {
            let name = cursor.object_name()?;
            if let Some(arguments) = cursor.group() {
                self.subqueries(arguments, scope);
                cursor.eat("WITH ORDINALITY");
                (columns, own, of, is_call) = (None, Some(name.name), None, true);
            } else {
                cursor.eat_sign("*");
                let part = name.schema.is_none().then(|| {
                    let mut with = scope.with.iter().rev();
                    with.find(|(with, _)| *with == name.name)
                });
                (columns, own, of, is_call) = match part.flatten() {
                    Some((_, columns)) => (columns.clone(), Some(name.name), None, false),
                    None => (
                        (self.relation)(&name),
                        Some(name.name.clone()),
                        Some(name),
                        false,
                    ),
                };
            }
        }
        let mut alias = own;
        let is_named = cursor.eat("AS") || (!cursor.is_end() && !cursor.sees_any(NO_ALIAS));
        if is_named && !cursor.sees_sign("(") {
            alias = Some(cursor.ident()?.name);
        }
        let mut columns = columns;
        if let Some(list) = cursor.group() {
            let names: Option<Vec<Name>> = list
                .by_comma()
                .into_iter()
                .map(|mut part| part.ident().map(|ident| ident.name))
                .collect();
            columns = renamed(columns, names?.into_iter());
        }
        if cursor.eat("TABLESAMPLE") {
            cursor.ident()?;
            cursor.group()?;
            if cursor.eat("REPEATABLE") {
                cursor.group()?;
            }
        }
        // What a function gives is not followed.
        let columns = columns.filter(|_| !is_call);
        sources.push(Source {
            alias: alias.unwrap_or_else(|| Name::new("", cursor.dialect)),
            columns: columns.clone(),
            of,
        });
        Some(columns)
    }

    /// Follows the queries in parentheses within an expression.
    fn subqueries(&mut self, mut cursor: Cursor<'_, '_>, scope: &Scope) {
        if self.depth == DEEPEST {
            return;
        }
        self.depth += 1;
        while !cursor.is_end() {
            match cursor.group() {
                Some(inner) if begins_query(&inner) => {
                    self.query(inner, scope);
                }
                Some(inner) => self.subqueries(inner, scope),
                None => {
                    cursor.next();
                }
            }
        }
        self.depth -= 1;
    }
}

fn begins_query(cursor: &Cursor<'_, '_>) -> bool {
    cursor.sees_any(&["SELECT", "WITH", "VALUES"])
}

/// The one source of that name; none where there are several.
fn find(alias: &Name, sources: &[Source], outer: &[Source]) -> Option<Source> {
    let mut near = sources.iter().filter(|source| source.alias == *alias);
    match (near.next(), near.next()) {
        (Some(only), None) => Some(only.clone()),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let mut far = outer.iter().filter(|source| source.alias == *alias);
            far.next().filter(|_| far.next().is_none()).cloned()
        }
    }
}

fn appended(columns: Columns, more: Columns) -> Columns {
    let mut columns = columns?;
    columns.extend(more?);
    Some(columns)
}

/// The columns of a join: those that both sides share come first and once.
fn merged(left: Columns, right: Columns, shared: Columns) -> Columns {
    let (left, right, shared) = (left?, right?, shared?);
    let own = |columns: Vec<Name>| -> Vec<Name> {
        columns
            .into_iter()
            .filter(|name| !shared.contains(name))
            .collect()
    };
    let (left, right) = (own(left), own(right));
    Some(shared.into_iter().chain(left).chain(right).collect())
}
