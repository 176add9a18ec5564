//! What no statement looks like, whatever else an engine takes: for engines of which nobody here has
//! a whole grammar.
//!
//! Each of these was tried on the engines; what might be legal somewhere is let through.

use super::super::SyntaxError;
use crate::lex::{Lexeme, TokenKind};

/// Refuses parentheses that do not fit and commas with nothing behind or before them.
pub(super) fn signs(lexemes: &[Lexeme<'_>]) -> Result<(), SyntaxError> {
    let mut open: Vec<&Lexeme<'_>> = Vec::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        match is_sign(lexeme).then_some(lexeme.text) {
            Some("(") => open.push(lexeme),
            Some(")") if open.pop().is_none() => {
                return refuse(lexeme, "no parenthesis is open here");
            }
            Some(",") => {
                let after = lexemes.get(at + 1);
                if at == 0 || (is_sign(&lexemes[at - 1]) && lexemes[at - 1].text == "(") {
                    return refuse(lexeme, "nothing stands before this comma");
                }
                if after.is_none_or(|after| is_sign(after) && matches!(after.text, ")" | "," | ";"))
                {
                    return refuse(lexeme, "nothing stands behind this comma");
                }
            }
            _ => {}
        }
    }
    match open.first() {
        Some(open) => refuse(open, "this parenthesis is never closed"),
        None => Ok(()),
    }
}

/// Refuses words that cannot stand next to each other, or at the end, in MySQL and MariaDB.
pub(super) fn words(lexemes: &[Lexeme<'_>]) -> Result<(), SyntaxError> {
    for (at, pair) in lexemes.windows(2).enumerate() {
        let [first, second] = pair else { continue };
        // Behind a dot any word is a name.
        let is_name = at > 0 && lexemes[at - 1].text == ".";
        let are = |kind| first.kind == kind && second.kind == kind;
        let is_apart = first.span.end < second.span.start;
        if are(TokenKind::Number) && is_apart {
            return refuse(second, "two numbers stand side by side");
        }
        if is_sign(first) && is_sign(second) && first.text == "=" && second.text == "=" {
            return refuse(second, "two signs of equality stand side by side");
        }
        if first.text.eq_ignore_ascii_case(second.text)
            && is_one_of(first, ONCE)
            && is_apart
            && !is_name
        {
            return refuse(second, "this word stands twice");
        }
        let makes = is_one_of(first, &["CREATE", "ALTER", "DROP"]);
        if makes && at == 0 && !matches!(second.kind, TokenKind::Word) {
            return refuse(second, "expected a word that says what");
        }
    }
    if let [.., before, last] = lexemes
        && is_one_of(last, UNFINISHED)
        && before.text != "."
        && !before.text.starts_with('@')
    {
        return refuse(last, "the statement ends too soon");
    }
    columns(lexemes)
}

/// Refuses a column of `CREATE TABLE` without a type, where its name is in quotes and so no keyword.
fn columns(lexemes: &[Lexeme<'_>]) -> Result<(), SyntaxError> {
    let [create, table, name, open, rest @ ..] = lexemes else {
        return Ok(());
    };
    let is_table = create.is("CREATE") && table.is("TABLE") && open.text == "(";
    if !is_table || !matches!(name.kind, TokenKind::Word | TokenKind::QuotedName) {
        return Ok(());
    }
    let mut depth = 0_usize;
    let mut begins = true;
    for (at, lexeme) in rest.iter().enumerate() {
        let column = begins && depth == 0 && lexeme.kind == TokenKind::QuotedName;
        if column && let Some(next) = rest.get(at + 1) {
            // What is in an executable comment is not looked into.
            let may_be = matches!(next.kind, TokenKind::Word | TokenKind::ExecutableComment);
            let is_none = !may_be
                || is_one_of(
                    next,
                    &["NOT", "NULL", "DEFAULT", "PRIMARY", "UNIQUE", "COMMENT"],
                );
            if is_none {
                return refuse(next, "expected the type of the column");
            }
        }
        begins = depth == 0 && is_sign(lexeme) && lexeme.text == ",";
        match lexeme.text {
            "(" if is_sign(lexeme) => depth += 1,
            ")" if is_sign(lexeme) && depth == 0 => break,
            ")" if is_sign(lexeme) => depth -= 1,
            _ => {}
        }
    }
    Ok(())
}

/// Reserved words that cannot stand twice in a row.
const ONCE: &[&str] = &[
    "ADD",
    "ALTER",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "CASCADE",
    "COLUMN",
    "CREATE",
    "DELETE",
    "DROP",
    "EXISTS",
    "FOREIGN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INNER",
    "INTO",
    "IS",
    "JOIN",
    "LIKE",
    "LIMIT",
    "OR",
    "ORDER",
    "PRIMARY",
    "REFERENCES",
    "RENAME",
    "SELECT",
    "SET",
    "TABLE",
    "TO",
    "UPDATE",
    "VARCHAR",
    "WHERE",
];

/// Reserved words behind which something has to come.
const UNFINISHED: &[&str] = &[
    "ADD",
    "AND",
    "AS",
    "BETWEEN",
    "BY",
    "COLUMN",
    "DISTINCT",
    "DROP",
    "EXISTS",
    "FOREIGN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "INDEX",
    "INTO",
    "IS",
    "JOIN",
    "LIKE",
    "NOT",
    "OR",
    "ORDER",
    "PRIMARY",
    "REFERENCES",
    "SELECT",
    "TABLE",
    "TO",
    "VALUES",
    "WHERE",
];

fn is_sign(lexeme: &Lexeme<'_>) -> bool {
    matches!(
        lexeme.kind,
        TokenKind::Open | TokenKind::Close | TokenKind::Operator
    )
}

fn is_one_of(lexeme: &Lexeme<'_>, words: &[&str]) -> bool {
    words.iter().any(|word| lexeme.is(word))
}

fn refuse(lexeme: &Lexeme<'_>, message: &str) -> Result<(), SyntaxError> {
    Err(SyntaxError {
        span: lexeme.span,
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
        let found = signs(&lexemes).and_then(|()| words(&lexemes)).err();
        let found = found.map(|error| format!("{}: {}", error.span.of(text), error.message));
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn signs_have_to_fit() {
        check(
            "CREATE TABLE a (x int",
            Some("(: this parenthesis is never closed"),
        );
        check(
            "CREATE TABLE a (x int))",
            Some("): no parenthesis is open here"),
        );
        check(
            "CREATE TABLE a (x int,)",
            Some(",: nothing stands behind this comma"),
        );
        check(
            "CREATE TABLE a (x int,, y int)",
            Some(",: nothing stands behind this comma"),
        );
        check(
            "INSERT INTO a VALUES (, 1)",
            Some(",: nothing stands before this comma"),
        );
        check(
            "INSERT INTO a VALUES (1),",
            Some(",: nothing stands behind this comma"),
        );
        check(
            "INSERT INTO a VALUES ('(', ',', \",)\"), (1, `,`.`)`)",
            None,
        );
        check("INSERT INTO a VALUES ()", None);
    }

    #[test]
    fn words_have_to_fit() {
        check(
            "ALTER TABLE a ADD ADD x int",
            Some("ADD: this word stands twice"),
        );
        check("SELECT 1 2", Some("2: two numbers stand side by side"));
        check(
            "SELECT 1 FROM a WHERE x = = 2",
            Some("=: two signs of equality stand side by side"),
        );
        check(
            "SELECT 1 FROM a WHERE",
            Some("WHERE: the statement ends too soon"),
        );
        check("DROP (a)", Some("(: expected a word that says what"));
        check(
            "CREATE TABLE a (`x` NOT NULL)",
            Some("NOT: expected the type of the column"),
        );
        check(
            "CREATE TABLE a (`x`, `y` int)",
            Some(",: expected the type of the column"),
        );
        check("SELECT a.from FROM a a WHERE NOT NOT a.where", None);
        check(
            "CREATE TABLE a (x int PRIMARY KEY KEY, y char char SET latin1)",
            None,
        );
        check("CREATE TABLE a (`x` SET('a'), KEY `k` (`x`))", None);
        check("CREATE TABLE a (`x` /*!50000 int */, y int)", None);
        check("SET @a = 'x' 'y', sql_log_bin = ON", None);
        check("UPDATE `a` SET `set` = 1", None);
    }
}
