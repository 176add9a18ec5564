//! What the stars of a query stand for, and which columns it gives: it is followed from part to
//! part, with the columns of each relation that it reads.
//!
//! An engine writes a star out when it makes a view, so that the view keeps the columns of that
//! moment. What is not understood gives columns that are not known, never wrong ones.

mod walk;

use self::walk::{Scope, Walk};
use super::cursor::Cursor;
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

/// The columns with other names for the first of them.
pub(crate) fn renamed(columns: Columns, names: impl ExactSizeIterator<Item = Name>) -> Columns {
    let columns = columns?;
    let rest = columns.get(names.len()..)?.to_vec();
    Some(names.chain(rest).collect())
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
