//! What the stars of a query stand for, and which columns it gives: it is followed from part to
//! part, with the columns of each relation that it reads.
//!
//! An engine writes a star out when it makes a view, so that the view keeps the columns of that
//! moment. What is not understood gives columns that are not known, never wrong ones.

use super::cursor::Cursor;
use super::query::{NO_ALIAS, column_name};
use super::{Fragment, Name, ObjectName};
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};

/// Names of columns, where they are known; an empty name where one cannot be told.
pub(crate) type Columns = Option<Vec<Name>>;

/// What a query gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// The columns of the result.
    pub(crate) output: Columns,
    /// What each star stands for, in an order that only the text decides.
    pub(crate) stars: Vec<Columns>,
    /// Relations of which a star reads every column.
    pub(crate) whole: Vec<ObjectName>,
}

/// Parts of a query deeper than this are not followed.
const DEEPEST: usize = 24;

/// Follows a query; `relation` says which columns a table or view has.
pub(crate) fn expand(
    query: &Fragment,
    dialect: Dialect,
    relation: &mut dyn FnMut(&ObjectName) -> Columns,
) -> Expansion {
    let tokens = lex::lex(&query.text, dialect).tokens;
    let lexemes = lex::lexemes(&query.text, &tokens);
    let mut walk = Walk {
        relation,
        found: Expansion::default(),
        depth: 0,
    };
    let scope = Scope::default();
    walk.found.output = walk.query(Cursor::new(&lexemes, dialect), &scope);
    // A star at a place that was not followed stands for nobody knows what.
    if walk.found.stars.len()
        != (0..lexemes.len())
            .filter(|at| is_star(*at, &lexemes))
            .count()
    {
        walk.found.stars.push(None);
    }
    walk.found
}

/// Columns of one relation that a query gives as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extract {
    /// The relation.
    pub(crate) from: ObjectName,
    /// Each column and its name in the result; all of them where none is named.
    pub(crate) columns: Vec<(Name, Name)>,
}

/// Reads `TABLE a` and `SELECT … FROM a …` where nothing but columns stands behind `SELECT`.
pub(crate) fn extract(query: &Fragment, dialect: Dialect) -> Option<Extract> {
    let tokens = lex::lex(&query.text, dialect).tokens;
    let lexemes = lex::lexemes(&query.text, &tokens);
    let mut cursor = Cursor::new(&lexemes, dialect);
    let ends = |cursor: &Cursor<'_, '_>| {
        cursor.is_end()
            || cursor.sees_any(&["WHERE", "ORDER", "LIMIT", "WITH NO DATA", "WITH DATA"])
    };
    let is_plain = |lexeme: &Lexeme<'_>| {
        !lexeme.is("UNION") && !lexeme.is("INTERSECT") && !lexeme.is("EXCEPT")
    };
    if !lexemes.iter().all(is_plain) {
        return None;
    }
    if cursor.eat("TABLE") {
        let from = cursor.object_name()?;
        return ends(&cursor).then_some(Extract {
            from,
            columns: Vec::new(),
        });
    }
    cursor.expect("SELECT")?;
    let items = cursor.until(|cursor| cursor.sees("FROM"));
    cursor.expect("FROM")?;
    let from = cursor.object_name()?;
    let mut alias = from.name.clone();
    if !ends(&cursor) {
        cursor.eat("AS");
        alias = cursor.ident()?.name;
    }
    if !ends(&cursor) {
        return None;
    }
    let mut columns = Vec::new();
    if let [star] = items
        && star.text == "*"
    {
        return Some(Extract { from, columns });
    }
    for mut item in Cursor::new(items, dialect).by_comma() {
        let is_value = super::fragment::VALUES.iter().any(|word| item.sees(word));
        let mut name = item.ident().filter(|_| !is_value)?.name;
        if item.eat_sign(".") {
            (name == alias).then_some(())?;
            name = item.ident()?.name;
        }
        let own = match item.eat("AS") {
            true => item.ident()?.name,
            false => name.clone(),
        };
        item.end()?;
        columns.push((name, own));
    }
    Some(Extract { from, columns })
}

/// Whether a sign stands for columns: it neither multiplies nor stands for rows in a call.
fn is_star(at: usize, lexemes: &[Lexeme<'_>]) -> bool {
    let before = at.checked_sub(1).map(|at| &lexemes[at]);
    lexemes[at].kind == TokenKind::Operator
        && lexemes[at].text == "*"
        && before.is_none_or(|before| {
            before.is("SELECT")
                || before.is("DISTINCT")
                || before.is("ALL")
                || matches!(before.text, "," | ".")
        })
}

struct Walk<'r> {
    relation: &'r mut dyn FnMut(&ObjectName) -> Columns,
    found: Expansion,
    depth: usize,
}

/// Names that a part of a query may use.
#[derive(Clone, Default)]
struct Scope {
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
    fn query(&mut self, mut cursor: Cursor<'_, '_>, scope: &Scope) -> Columns {
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
                    let alias = super::fragment::name_of(name.kind, name.text, dialect);
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

/// The columns with other names for the first of them.
pub(crate) fn renamed(columns: Columns, names: impl ExactSizeIterator<Item = Name>) -> Columns {
    let columns = columns?;
    let rest = columns.get(names.len()..)?.to_vec();
    Some(names.chain(rest).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of the result, and what the stars stand for.
    #[track_caller]
    fn check(query: &str, output: &str, stars: &[&str]) {
        let dialect = Dialect::Postgres;
        let names = |text: &str| -> Columns {
            let names = text.split(' ').filter(|name| !name.is_empty());
            Some(names.map(|name| Name::new(name, dialect)).collect())
        };
        let mut relation = |name: &ObjectName| match name.name.as_str() {
            "a" => names("id x"),
            "b" => names("id y"),
            _ => None,
        };
        let shown = |columns: &Columns| match columns {
            Some(columns) => {
                let columns: Vec<&str> = columns.iter().map(Name::as_str).collect();
                columns.join(" ")
            }
            None => "?".to_owned(),
        };
        let found = expand(&Fragment::parse(query, dialect), dialect, &mut relation);
        let given: Vec<String> = found.stars.iter().map(shown).collect();
        assert_eq!(shown(&found.output), output, "{query}");
        assert_eq!(given, stars, "{query}");
    }

    #[test]
    fn stars_stand_for_columns() {
        check("SELECT * FROM a", "id x", &["id x"]);
        check("SELECT a.*, b.y FROM a, b", "id x y", &["id x"]);
        check("SELECT q.*, 1 AS n FROM s.a q", "id x n", &["id x"]);
        check(
            "SELECT * FROM a JOIN b ON a.id = b.id",
            "id x id y",
            &["id x id y"],
        );
        check(
            "SELECT * FROM a LEFT JOIN b USING (id)",
            "id x y",
            &["id x y"],
        );
        check(
            "SELECT * FROM b NATURAL JOIN a WHERE y > 0",
            "id y x",
            &["id y x"],
        );
        check(
            "SELECT * FROM (a JOIN b ON true)",
            "id x id y",
            &["id x id y"],
        );
        check("SELECT * FROM a AS q (n)", "n x", &["n x"]);
        check(
            "SELECT * FROM a UNION ALL SELECT * FROM b",
            "id x",
            &["id x", "id y"],
        );
        check("(SELECT * FROM a) ORDER BY 1", "id x", &["id x"]);
    }

    #[test]
    fn columns_that_are_copied() {
        let check = |query: &str, expected: Option<&str>| {
            let dialect = Dialect::Postgres;
            let found = extract(&Fragment::parse(query, dialect), dialect).map(|found| {
                let pairs = found.columns.iter();
                let pairs: Vec<String> = pairs.map(|(from, to)| format!("{from}>{to}")).collect();
                format!("{}: {}", found.from, pairs.join(" "))
            });
            assert_eq!(found.as_deref(), expected, "{query}");
        };
        check("TABLE s.a", Some("s.a: "));
        check("SELECT * FROM a WHERE id > 1 WITH NO DATA", Some("a: "));
        check("SELECT q.id, x AS y FROM a q", Some("a: id>id x>y"));
        check("SELECT id + 1 FROM a", None);
        check("SELECT DISTINCT id FROM a", None);
        check("SELECT now() AS id FROM a", None);
        check("SELECT null FROM a", None);
        check("SELECT * FROM a, b", None);
        check("SELECT * FROM a JOIN b USING (id)", None);
        check("SELECT id FROM a UNION SELECT 'x'", None);
        check("SELECT id FROM f(1)", None);
    }

    #[test]
    fn parts_are_followed() {
        check(
            "WITH q AS (SELECT * FROM a) SELECT q.*, b.y FROM q JOIN b ON true",
            "id x y",
            &["id x", "id x"],
        );
        check(
            "WITH q (n) AS (SELECT * FROM a) SELECT * FROM q",
            "n x",
            &["id x", "n x"],
        );
        check("SELECT s.* FROM (SELECT x FROM a) s", "x", &["x"]);
        check(
            "SELECT id FROM a WHERE EXISTS (SELECT * FROM b)",
            "id",
            &["id y"],
        );
        check(
            "SELECT id, (SELECT row_to_json(r) FROM (SELECT q.*, b.y FROM b) r) AS j FROM a q",
            "id j",
            &["id x"],
        );
        check("SELECT x IS DISTINCT FROM id AS z FROM a", "z", &[]);
    }

    #[test]
    fn what_is_not_known_stays_so() {
        check("SELECT * FROM c", "?", &["?"]);
        check("SELECT a.* FROM a, c", "id x", &["id x"]);
        check("SELECT * FROM a, c", "?", &["?"]);
        check("SELECT * FROM f(1)", "?", &["?"]);
        check("SELECT (r).* FROM a", "?", &["?"]);
        check("SELECT q.* FROM a q, b q", "?", &["?"]);
        check("SELECT count(*), 2 * x FROM a", " ", &[]);
        check("SELECT row(q.*) AS r FROM a q", "r", &["?"]);
        check(
            "WITH RECURSIVE q AS (SELECT 1 AS n UNION SELECT * FROM q) SELECT * FROM q",
            "n",
            &["?", "n"],
        );
        check(
            "SELECT * FROM ((SELECT * FROM a) UNION SELECT 1) s",
            "?",
            &["?", "?"],
        );
        check(
            &format!("SELECT * FROM {}a{}", "(".repeat(90), ")".repeat(90)),
            "?",
            &["?"],
        );
    }
}
