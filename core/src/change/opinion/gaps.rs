//! Where the grammar for Postgres and the engine's own part.
//!
//! It is a grammar for tools that also read half-written text, so it forgives what is left out. A
//! gap is looked for among the tokens, and only where the engine's own grammar leaves no doubt.
//! The few statements of which it knows less than the engine are not shown to it.

use super::super::cursor::Cursor;
use super::super::{SyntaxError, drop};
use crate::dialect::Dialect;
use crate::lex::{Lexeme, TokenKind};
use crate::source::Span;

/// Whether one of the gaps is there.
pub(super) fn check(
    text: &str,
    lexemes: &[Lexeme<'_>],
    dialect: Dialect,
) -> Result<(), SyntaxError> {
    let cursor = Cursor::new(lexemes, dialect);
    let gap = [
        begins_with_from(lexemes),
        drops_nothing(cursor),
        strings_in_a_row(text, lexemes),
        nothing_to_compare(lexemes),
        default_of_nothing(cursor),
        column_without_type(cursor),
    ];
    match gap.into_iter().flatten().next() {
        Some((span, message)) => Err(SyntaxError {
            span,
            message: message.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Whether the engine takes forms of this statement that the grammar refuses.
pub(super) fn is_too_strict_for(lexemes: &[Lexeme<'_>], dialect: Dialect) -> bool {
    const HEADS: &[&str] = &[
        "DECLARE",
        "RESET",
        "DEALLOCATE",
        "ROLLBACK",
        "RELEASE",
        "SET ROLE",
        "SET SESSION",
        "REINDEX",
        "CREATE STATISTICS",
    ];
    // A common table expression may be called so.
    let is_name = |three: &[Lexeme<'_>]| {
        three[0].is("WITH")
            && three[1].is("RECURSIVE")
            && (three[2].is("AS") || three[2].kind == TokenKind::Open)
    };
    Cursor::new(lexemes, dialect).sees_any(HEADS) || lexemes.windows(3).any(is_name)
}

/// What is shown to the grammar: it knows not every option of `EXPLAIN (…)`.
pub(super) fn shown(span: Span, lexemes: &[Lexeme<'_>], dialect: Dialect) -> Span {
    let mut cursor = Cursor::new(lexemes, dialect);
    let has_options = cursor.eat("EXPLAIN") && cursor.group().is_some() && !cursor.is_end();
    match has_options {
        true => Span {
            start: cursor.here().start,
            ..span
        },
        false => span,
    }
}

/// `DO`, after this word: the body and the language in any order. The grammar takes but one of each
/// although the engine finds that out when it runs the block.
pub(super) fn block(mut cursor: Cursor<'_, '_>) -> Result<(), SyntaxError> {
    let mut parts = 0;
    loop {
        let language = cursor.eat("LANGUAGE");
        let is_part = match language {
            true => cursor.next().is_some(),
            false => cursor.string().is_some(),
        };
        parts += usize::from(is_part);
        if !is_part {
            return match cursor.is_end() && !language && parts > 0 {
                true => Ok(()),
                false => Err(SyntaxError {
                    span: cursor.here(),
                    message: "expected the body of the block, or its language".to_owned(),
                }),
            };
        }
    }
}

type Gap = Option<(Span, &'static str)>;

/// Some databases let a query begin with `FROM`.
fn begins_with_from(lexemes: &[Lexeme<'_>]) -> Gap {
    let first = lexemes.first().filter(|first| first.is("FROM"))?;
    Some((first.span, "no statement begins with FROM"))
}

/// `DROP TABLE IF EXISTS` and the end.
fn drops_nothing(mut cursor: Cursor<'_, '_>) -> Gap {
    cursor.expect("DROP")?;
    drop::kind(&mut cursor)?;
    cursor.eat("CONCURRENTLY");
    cursor.eat("IF EXISTS");
    cursor
        .is_end()
        .then(|| (cursor.here(), "expected the name of what to drop"))
}

/// `'a' 'b'` is one string when a line ends in between, and none otherwise.
fn strings_in_a_row(text: &str, lexemes: &[Lexeme<'_>]) -> Gap {
    lexemes.windows(2).find_map(|pair| {
        let [first, second] = pair else { return None };
        if first.kind != TokenKind::String || second.kind != TokenKind::String {
            return None;
        }
        let between = &text[first.span.end as usize..second.span.start as usize];
        let goes_on = between.contains(['\n', '\r']);
        (!goes_on).then_some((second.span, "something is missing between two strings"))
    })
}

/// `WHERE = 1`, `a = = 1`: these operators stand between two values. Others may stand before one.
fn nothing_to_compare(lexemes: &[Lexeme<'_>]) -> Gap {
    const COMPARING: &[&str] = &["=", "<>", "!=", "<", ">", "<=", ">="];
    // Reserved words, which are names only behind a dot.
    const BEFORE_A_VALUE: &[&str] = &[
        "WHERE", "AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "HAVING", "ON",
    ];
    let compares = |lexeme: &Lexeme<'_>| {
        lexeme.kind == TokenKind::Operator && COMPARING.contains(&lexeme.text)
    };
    // Where operators are made and named they stand alone.
    let names_operators = |lexeme: &Lexeme<'_>| lexeme.is("OPERATOR") || lexeme.is("AGGREGATE");
    if lexemes.iter().any(names_operators) {
        return None;
    }
    lexemes.windows(2).enumerate().find_map(|(at, pair)| {
        let [before, sign] = pair else { return None };
        let is_name = at > 0 && lexemes[at - 1].text == ".";
        let lacks = before.kind == TokenKind::Open
            || before.text == ","
            || compares(before)
            || (!is_name && BEFORE_A_VALUE.iter().any(|word| before.is(word)));
        (compares(sign) && lacks).then_some((sign.span, "a value is missing before this sign"))
    })
}

/// `a int DEFAULT NOT NULL`: the default of a column cannot begin with `NOT`, nor can anything be
/// `NOT NOT NULL`.
fn default_of_nothing(cursor: Cursor<'_, '_>) -> Gap {
    let lexemes = cursor.rest();
    let defines_columns = cursor.sees("CREATE") || cursor.sees("ALTER");
    let has_arguments = ["FUNCTION", "PROCEDURE", "AGGREGATE"];
    let has_arguments = |lexeme: &Lexeme<'_>| has_arguments.iter().any(|word| lexeme.is(word));
    if !defines_columns || lexemes.iter().any(has_arguments) {
        return None;
    }
    lexemes.windows(3).find_map(|three| {
        let [before, word, not] = three else {
            return None;
        };
        if !not.is("NOT") {
            return None;
        }
        let of_column = word.is("DEFAULT") && !before.is("SET") && before.text != ".";
        let twice = before.is("IS") && word.is("NOT");
        match (of_column, twice) {
            (true, _) => Some((not.span, "expected the value of the default")),
            (_, true) => Some((not.span, "expected what it is not")),
            _ => None,
        }
    })
}

/// `CREATE TABLE t (a, b NOT NULL)`
fn column_without_type(mut cursor: Cursor<'_, '_>) -> Gap {
    // Reserved, so they name no type.
    const NO_TYPE: &[&str] = &[
        "NOT",
        "NULL",
        "PRIMARY",
        "REFERENCES",
        "UNIQUE",
        "CHECK",
        "DEFAULT",
        "CONSTRAINT",
        "COLLATE",
    ];
    const NO_COLUMN: &[&str] = &[
        "LIKE",
        "CONSTRAINT",
        "CHECK",
        "UNIQUE",
        "PRIMARY",
        "FOREIGN",
        "EXCLUDE",
    ];
    cursor.expect("CREATE")?;
    cursor.eat_any(&["GLOBAL", "LOCAL"]);
    cursor.eat_any(&["TEMPORARY", "TEMP", "UNLOGGED", "FOREIGN"]);
    cursor.expect("TABLE")?;
    cursor.eat("IF NOT EXISTS");
    cursor.object_name()?;
    let columns = cursor.group()?;
    // The columns of a query have their types from there.
    if columns.is_end() || cursor.rest().iter().any(|lexeme| lexeme.is("AS")) {
        return None;
    }
    columns.by_comma().into_iter().find_map(|mut column| {
        if column.sees_any(NO_COLUMN) {
            return None;
        }
        let name = column.ident()?;
        (column.is_end() || column.sees_any(NO_TYPE))
            .then_some((name.span, "a column needs a name and a type"))
    })
}

#[cfg(test)]
mod tests {
    use crate::change;
    use crate::dialect::Dialect;
    use crate::source::Span;

    /// Reads a statement; `^` in it stands where it is refused.
    #[track_caller]
    fn check(marked: &str) {
        let text = marked.replace('^', "");
        let expected = marked.find('^');
        let found = change::read(&text, Span::new(0..text.len()), Dialect::Postgres);
        let found = found.err().map(|error| error.span.start as usize);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn something_is_left_out() {
        check("^FROM a SELECT b");
        check("DROP TABLE IF ^EXISTS");
        check("DELETE FROM a WHERE ^= 1");
        check("UPDATE a SET b = ^= 1");
        check("UPDATE a SET b = 1 WHERE (^< 2)");
        check("SELECT f('a' ^'b')");
        check("SELECT $$a$$^\n 'b'");
        check("CREATE TABLE a (b int DEFAULT ^NOT NULL)");
        check("ALTER TABLE a ADD CHECK (b IS NOT ^NOT NULL)");
        check("CREATE TABLE a (^b NOT NULL)");
        check("CREATE TABLE IF NOT EXISTS a (b int, ^c)");
        check("EXPLAIN (costs off) SELECT 1^ 1");
        check("DO ^LANGUAGE");
        check("DO $$ BEGIN END $$ ^a");
    }

    #[test]
    fn nothing_is_left_out() {
        check("DROP TABLE IF EXISTS a");
        check("UPDATE a SET b = - 1, c = d @ e WHERE a.and = 1 AND NOT a.where = 2");
        check("SELECT 'a'\n 'b', 'c' -- d\n 'e'");
        check("CREATE OPERATOR = (LEFTARG = a, PROCEDURE = f, COMMUTATOR = =)");
        check("CREATE AGGREGATE a (b) (SFUNC = f, STYPE = c, SORTOP = <)");
        check("ALTER TABLE a ADD EXCLUDE USING gist (b WITH =, c WITH &&)");
        check("CREATE TABLE a (b int DEFAULT 1 NOT NULL, c d, \"e\" \"f\", LIKE g)");
        check("ALTER TABLE a ALTER b SET DEFAULT NOT true");
        check("CREATE FUNCTION f(a bool DEFAULT NOT true) RETURNS int LANGUAGE sql AS 'SELECT 1'");
        check("CREATE TABLE a (b, c) AS SELECT 1, 2");
        check("CREATE TABLE a PARTITION OF b (c NOT NULL) DEFAULT");
        check("CREATE TABLE a OF b (c WITH OPTIONS NOT NULL)");
        check(
            "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c ON DELETE SET DEFAULT NOT DEFERRABLE",
        );
        check("DO LANGUAGE plpgsql $$ BEGIN END $$");
        check("DO $$ BEGIN END $$");
        check("SET ROLE TO DEFAULT");
        check("EXPLAIN (off) SELECT 1");
        check("WITH recursive AS (SELECT 1) SELECT * FROM recursive");
    }
}
