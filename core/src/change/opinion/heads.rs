//! How the commonest statements of MySQL and MariaDB go on behind their first words, where both
//! leave no choice. What is not listed here is let through.

use super::super::SyntaxError;
use super::super::cursor::Cursor;
use crate::lex::TokenKind;

type Told = Result<(), SyntaxError>;

/// Refuses a statement that goes on as none of its kind does.
pub(super) fn check(mut cursor: Cursor<'_, '_>) -> Told {
    if cursor.eat("ALTER TABLE") {
        return alter_table(cursor);
    }
    if cursor.eat("CREATE TABLE") {
        exists(&mut cursor, "IF NOT EXISTS")?;
        return name(&mut cursor, "the name of the table");
    }
    if cursor.eat("DROP TABLE") {
        return drop_table(cursor);
    }
    if cursor.eat("CREATE INDEX") || cursor.eat("CREATE UNIQUE INDEX") {
        return create_index(cursor);
    }
    if cursor.eat("DROP INDEX") {
        exists(&mut cursor, "IF EXISTS")?;
        name(&mut cursor, "the name of the index")?;
        return table_behind_on(&mut cursor);
    }
    if cursor.eat("INSERT INTO") {
        return insert(cursor);
    }
    if cursor.eat("TABLE") {
        name(&mut cursor, "the name of the table")?;
        let ends = [
            "ORDER",
            "LIMIT",
            "INTO",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "FOR",
        ];
        return goes_on(&cursor, &ends, &[]);
    }
    for (head, needed) in [("UPDATE", "SET"), ("DELETE", "FROM")] {
        if cursor.eat(head) {
            cursor.until(|cursor| cursor.sees(needed));
            return match cursor.is_end() {
                true => refuse(&cursor, &format!("expected `{needed}`")),
                false => Ok(()),
            };
        }
    }
    Ok(())
}

/// What may follow the name in `ALTER TABLE`: actions, options of tables and of partitions.
const ACTIONS: &[&str] = &[
    "ADD",
    "ALGORITHM",
    "ALTER",
    "ANALYZE",
    "AUTOEXTEND_SIZE",
    "AUTO_INCREMENT",
    "AVG_ROW_LENGTH",
    "CHANGE",
    "CHARACTER",
    "CHARSET",
    "CHECK",
    "CHECKSUM",
    "COALESCE",
    "COLLATE",
    "COMMENT",
    "COMPRESSION",
    "CONNECTION",
    "CONVERT",
    "DATA",
    "DEFAULT",
    "DELAY_KEY_WRITE",
    "DISABLE",
    "DISCARD",
    "DROP",
    "ENABLE",
    "ENCRYPTION",
    "ENGINE",
    "ENGINE_ATTRIBUTE",
    "EXCHANGE",
    "FORCE",
    "IETF_QUOTES",
    "IMPORT",
    "INDEX",
    "INSERT_METHOD",
    "KEY_BLOCK_SIZE",
    "LOCK",
    "MAX_ROWS",
    "MIN_ROWS",
    "MODIFY",
    "NOWAIT",
    "OPTIMIZE",
    "ORDER",
    "PACK_KEYS",
    "PAGE_CHECKSUM",
    "PARTITION",
    "PASSWORD",
    "READ",
    "REBUILD",
    "REMOVE",
    "RENAME",
    "REORGANIZE",
    "REPAIR",
    "ROW_FORMAT",
    "SECONDARY_ENGINE",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "SECONDARY_LOAD",
    "SECONDARY_UNLOAD",
    "SEQUENCE",
    "SET",
    "START",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "STORAGE",
    "TABLESPACE",
    "TABLE_CHECKSUM",
    "TRANSACTIONAL",
    "TRUNCATE",
    "TYPE",
    "UNION",
    "UPGRADE",
    "VALIDATE",
    "WAIT",
    "WITH",
    "WITHOUT",
];

fn alter_table(mut cursor: Cursor<'_, '_>) -> Told {
    exists(&mut cursor, "IF EXISTS")?;
    name(&mut cursor, "the name of the table")?;
    // An engine may have options of its own: `name = value`.
    let is_option = cursor.peek_at(1).is_some_and(|next| next.text == "=");
    match is_option || cursor.sees_any(ACTIONS) {
        true => Ok(()),
        false => goes_on(&cursor, &[], &[","]),
    }?;
    for word in ["PRIMARY", "FOREIGN"] {
        let mut ahead = cursor;
        ahead.until(|cursor| cursor.sees(word));
        if ahead.eat(word) && !ahead.sees("KEY") {
            return refuse(&ahead, "expected `KEY`");
        }
    }
    for mut action in cursor.by_comma() {
        let named = [
            "ADD COLUMN",
            "DROP COLUMN",
            "MODIFY COLUMN",
            "CHANGE COLUMN",
            "RENAME COLUMN",
        ];
        if action.eat_any(&named).is_none() {
            continue;
        }
        if action.eat("IF") {
            action.eat("NOT");
            action.eat("EXISTS");
        }
        if !action.sees_sign("(") {
            name(&mut action, "the name of the column")?;
        }
    }
    Ok(())
}

fn drop_table(mut cursor: Cursor<'_, '_>) -> Told {
    exists(&mut cursor, "IF EXISTS")?;
    loop {
        name(&mut cursor, "the name of the table")?;
        if !cursor.eat_sign(",") {
            return goes_on(&cursor, &["RESTRICT", "CASCADE", "WAIT", "NOWAIT"], &[]);
        }
    }
}

fn create_index(mut cursor: Cursor<'_, '_>) -> Told {
    exists(&mut cursor, "IF NOT EXISTS")?;
    name(&mut cursor, "the name of the index")?;
    if cursor.sees_any(&["USING", "TYPE"]) {
        return Ok(());
    }
    table_behind_on(&mut cursor)?;
    match cursor.sees_any(&["WAIT", "NOWAIT"]) || cursor.sees_sign("(") {
        true => Ok(()),
        false => refuse(&cursor, "expected the columns of the index"),
    }
}

fn table_behind_on(cursor: &mut Cursor<'_, '_>) -> Told {
    if !cursor.eat("ON") {
        return refuse(cursor, "expected `ON` and the table of the index");
    }
    name(cursor, "the name of the table")
}

fn insert(mut cursor: Cursor<'_, '_>) -> Told {
    name(&mut cursor, "the name of the table")?;
    if cursor.sees("PARTITION") {
        return Ok(());
    }
    const ROWS: &[&str] = &["VALUES", "VALUE", "SELECT", "WITH", "TABLE"];
    if cursor.sees_sign("(") {
        let mut ahead = cursor;
        let Some(list) = ahead.group() else {
            return Ok(());
        };
        if list.sees_any(ROWS) || list.sees_sign("(") {
            return Ok(());
        }
        if !list.is_end() {
            for mut column in list.by_comma() {
                name(&mut column, "the name of a column")?;
                goes_on(&column, &[], &[])?;
            }
        }
        cursor = ahead;
        if !cursor.sees_any(ROWS) && !cursor.sees_sign("(") {
            return refuse(&cursor, "expected `VALUES` or a query");
        }
    } else if !cursor.sees_any(ROWS) && !cursor.sees("SET") {
        return refuse(&cursor, "expected columns, `VALUES` or a query");
    }
    if cursor.eat_any(&["VALUES", "VALUE"]).is_none() {
        return Ok(());
    }
    loop {
        cursor.eat("ROW");
        if cursor.group().is_none() {
            return refuse(&cursor, "expected a row in parentheses");
        }
        if !cursor.eat_sign(",") {
            return goes_on(&cursor, &["ON", "AS", "RETURNING"], &[]);
        }
    }
}

/// `IF [NOT] EXISTS`, whole or not at all.
fn exists(cursor: &mut Cursor<'_, '_>, words: &str) -> Told {
    match cursor.eat(words) || !cursor.sees("IF") {
        true => Ok(()),
        false => refuse(cursor, &format!("expected `{words}`")),
    }
}

/// Reads a name, which no reserved word can be.
fn name(cursor: &mut Cursor<'_, '_>, what: &str) -> Told {
    let is_reserved = cursor.sees_any(RESERVED);
    if is_reserved
        || cursor.peek().is_none_or(|next| {
            !matches!(
                next.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::String | TokenKind::Number
            )
        })
    {
        return refuse(cursor, &format!("expected {what}"));
    }
    // Names that begin with a digit or hold one in another place than the lexer thinks.
    if cursor.object_name().is_none() {
        cursor.next();
    }
    Ok(())
}

/// Words that are reserved in every version of both.
const RESERVED: &[&str] = &[
    "ADD",
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASCADE",
    "CHANGE",
    "CHECK",
    "COLLATE",
    "COLUMN",
    "CONSTRAINT",
    "CONVERT",
    "CREATE",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DROP",
    "EXISTS",
    "FOREIGN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INSERT",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "PRIMARY",
    "REFERENCES",
    "RENAME",
    "SELECT",
    "SET",
    "TABLE",
    "TO",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "VALUES",
    "WHERE",
    "WITH",
];

/// Refuses whatever follows but these words and signs, and the end.
fn goes_on(cursor: &Cursor<'_, '_>, words: &[&str], signs: &[&str]) -> Told {
    let fits = cursor.is_end()
        || cursor.sees_any(words)
        || signs.iter().any(|sign| cursor.sees_sign(sign));
    match fits {
        true => Ok(()),
        false => refuse(cursor, "the statement cannot go on so"),
    }
}

fn refuse(cursor: &Cursor<'_, '_>, message: &str) -> Told {
    Err(SyntaxError {
        span: cursor.here(),
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::lex;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let tokens = lex::lex(text, Dialect::MySql).tokens;
        let lexemes = lex::lexemes(text, &tokens);
        let found = super::check(Cursor::new(&lexemes, Dialect::MySql)).err();
        let found = found.map(|error| format!("{}: {}", error.span.of(text), error.message));
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn heads_leave_no_choice() {
        check(
            "ALTER TABLE ADD x int",
            Some("ADD: expected the name of the table"),
        );
        check(
            "ALTER TABLE a a ADD x int",
            Some("a: the statement cannot go on so"),
        );
        check("ALTER TABLE a ADD FOREIGN (x)", Some("(: expected `KEY`"));
        check(
            "ALTER TABLE a DROP COLUMN",
            Some("COLUMN: expected the name of the column"),
        );
        check(
            "CREATE TABLE IF EXISTS a (x int)",
            Some("IF: expected `IF NOT EXISTS`"),
        );
        check("DROP TABLE a b", Some("b: the statement cannot go on so"));
        check("DROP TABLE IF a", Some("IF: expected `IF EXISTS`"));
        check(
            "CREATE INDEX i ON (x)",
            Some("(: expected the name of the table"),
        );
        check(
            "CREATE INDEX i a (x)",
            Some("a: expected `ON` and the table of the index"),
        );
        check(
            "DROP INDEX i",
            Some("i: expected `ON` and the table of the index"),
        );
        check(
            "INSERT INTO a (x y) VALUES (1)",
            Some("y: the statement cannot go on so"),
        );
        check("INSERT INTO a (x) (1) VALUES", None);
        check(
            "INSERT INTO a VALUES (1) (2)",
            Some("(: the statement cannot go on so"),
        );
        check(
            "INSERT INTO a VALUES 1",
            Some("1: expected a row in parentheses"),
        );
        check(
            "TABLE a DROP COLUMN x",
            Some("DROP: the statement cannot go on so"),
        );
        check("UPDATE a x = 1", Some("1: expected `SET`"));
        check("DELETE a WHERE x", Some("x: expected `FROM`"));
    }

    #[test]
    fn what_is_legal_goes_through() {
        for text in [
            "ALTER TABLE a",
            "ALTER TABLE `b`.`a` MODIFY COLUMN IF EXISTS x int, DROP y, ENGINE = InnoDB",
            "ALTER TABLE a `own` = 1",
            "ALTER TABLE a ADD COLUMN (x int, y int), ADD PRIMARY KEY (x)",
            "ALTER TABLE a WAIT 5 DROP COLUMN IF EXISTS x",
            "DROP TABLE IF EXISTS a, b.c CASCADE",
            "CREATE UNIQUE INDEX i USING BTREE ON a (x)",
            "CREATE INDEX IF NOT EXISTS i ON a (x) COMMENT 'x'",
            "DROP INDEX IF EXISTS i ON a ALGORITHM = INPLACE",
            "DROP INDEX `PRIMARY` ON a",
            "INSERT INTO a SET x = 1",
            "INSERT INTO a (x) (SELECT 1)",
            "INSERT INTO a (SELECT 1) ON DUPLICATE KEY UPDATE x = 1",
            "INSERT INTO a () VALUES (), ROW(1) AS n ON DUPLICATE KEY UPDATE x = n.x",
            "INSERT INTO a.b (`x`, b.y) VALUES (1, 2) RETURNING x",
            "TABLE a ORDER BY x LIMIT 1",
            "UPDATE (a) JOIN b USING (x) SET y = 1",
            "DELETE a FROM a JOIN b",
        ] {
            check(text, None);
        }
    }
}
