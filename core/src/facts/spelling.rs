//! Types, keys and bodies as both sides would write them.

use crate::change::{Fragment, Name};
use crate::dialect::{Dialect, Family};
use crate::lex::{self, Lexeme, TokenKind};

/// `yes` or `no`.
pub fn yes(is: bool) -> String {
    match is {
        true => "yes",
        false => "no",
    }
    .to_owned()
}

/// A type.
pub fn data_type(text: &str, dialect: Dialect) -> String {
    let text = text.to_lowercase();
    match dialect.modelling().family {
        Family::Postgres => text.replace('"', "").replace("public.", ""),
        Family::Sqlite => {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ").replace(", ", ",")
        }
        // How wide an integer is shown is nothing that it holds.
        Family::MySql => match text.split_once("int(") {
            Some((size, rest)) if size.len() <= 6 => {
                let (_, rest) = rest.split_once(')').unwrap_or_default();
                format!("{size}int{rest}")
            }
            _ => text,
        },
    }
}

/// The definition of a constraint: `foreign key (a) to t (b), on delete cascade`; of checks and
/// exclusions their kind alone.
pub fn constraint(definition: &str, dialect: Dialect) -> String {
    let tokens = lex::lex(definition, dialect).tokens;
    let words = lex::lexemes(definition, &tokens);
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.kind {
            TokenKind::QuotedName => word
                .text
                .get(1..word.text.len().saturating_sub(1))
                .unwrap_or_default()
                .to_owned(),
            _ => word.text.to_lowercase(),
        })
        .collect();
    let list = |from: usize| {
        let open = words[from..].iter().position(|word| word == "(")? + from;
        let close = words[open..].iter().position(|word| word == ")")? + open;
        let parts = words[open + 1..close].split(|word| word == ",");
        // What follows a column says how it is sorted.
        let names: Vec<&str> = parts
            .filter_map(|part| part.first().map(String::as_str))
            .collect();
        Some((names.join(", ").to_lowercase(), close))
    };
    let at = |word: &str| words.iter().position(|one| one == word);
    match words.first().map_or("", String::as_str) {
        "primary" => format!("primary key ({})", list(0).unwrap_or_default().0),
        "unique" => format!("unique ({})", list(0).unwrap_or_default().0),
        "foreign" => {
            let (columns, _) = list(0).unwrap_or_default();
            let to = at("references").unwrap_or_default();
            let open = words[to..].iter().position(|word| word == "(");
            let table = match open {
                Some(open) => words[to + open - 1].clone(),
                None => words.get(to + 1).cloned().unwrap_or_default(),
            };
            let referenced = list(to).unwrap_or_default().0;
            let action = |event: &str| {
                let at = words
                    .windows(2)
                    .position(|pair| pair[0] == "on" && pair[1] == event);
                let words = at.map_or(&[][..], |at| &words[at + 2..]);
                match words {
                    [set, what, ..] if set == "set" => format!("set {what}"),
                    [cascade, ..] if cascade == "cascade" => "cascade".to_owned(),
                    [restrict, ..] if restrict == "restrict" => "restrict".to_owned(),
                    _ => "no action".to_owned(),
                }
            };
            let (on_delete, on_update) = (action("delete"), action("update"));
            foreign_key(
                &columns,
                &table,
                &referenced,
                [&on_delete, &on_update],
                dialect,
            )
        }
        "check" => "check".to_owned(),
        "exclude" => "exclude".to_owned(),
        other => other.to_owned(),
    }
}

/// A foreign key; the actions are those on delete and on update.
pub(super) fn foreign_key(
    columns: &str,
    table: &str,
    referenced: &str,
    actions: [&str; 2],
    dialect: Dialect,
) -> String {
    // InnoDB keeps the two apart in name alone.
    let [on_delete, on_update] = actions.map(|action| match (action, dialect.modelling().family) {
        ("restrict", Family::MySql) => "no action",
        (action, _) => action,
    });
    format!(
        "foreign key ({columns}) to {} ({referenced}), on delete {on_delete}, on update {on_update}",
        table.to_lowercase(),
    )
}

/// What stands for a part of an index that is no column.
pub(super) const EXPRESSION: &str = "an expression";

/// The columns of an index by the parentheses of its definition.
pub fn parts(definition: &str, dialect: Dialect) -> String {
    let tokens = lex::lex(definition, dialect).tokens;
    let lexemes = lex::lexemes(definition, &tokens);
    let Some(open) = lexemes.iter().position(|one| one.text == "(") else {
        return String::new();
    };
    let mut depth = 0;
    let mut parts: Vec<Vec<&Lexeme<'_>>> = vec![Vec::new()];
    for lexeme in &lexemes[open..] {
        match lexeme.text {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        match (depth, lexeme.text) {
            (0, _) => break,
            (1, ",") => parts.push(Vec::new()),
            (1, "(")
                if parts.len() == 1 && parts[0].is_empty() && lexeme.span == lexemes[open].span => {
            }
            _ => {
                if let Some(part) = parts.last_mut() {
                    part.push(lexeme);
                }
            }
        }
    }
    let names: Vec<String> = parts.iter().map(|part| part_name(part, dialect)).collect();
    names.join(", ")
}

fn part_name(part: &[&Lexeme<'_>], dialect: Dialect) -> String {
    let column = part
        .first()
        .and_then(|first| Fragment::parse(first.text, dialect).names(dialect).pop());
    let is_plain = match part.get(1..).unwrap_or_default() {
        // How many signs of it count.
        [open, number, ..] if open.text == "(" => number.kind == TokenKind::Number,
        [next, ..] => !matches!(
            next.kind,
            TokenKind::Open | TokenKind::Operator | TokenKind::String
        ),
        [] => true,
    };
    match column.filter(|_| is_plain) {
        Some(column) => column.key().to_owned(),
        None => EXPRESSION.to_owned(),
    }
}

/// When a trigger is called, by the words before the `ON` of its table.
pub fn moments(definition: &str, dialect: Dialect) -> String {
    const MOMENTS: [&str; 7] = [
        "before", "after", "instead", "insert", "delete", "update", "truncate",
    ];
    let tokens = lex::lex(definition, dialect).tokens;
    let lexemes = lex::lexemes(definition, &tokens);
    let head = lexemes.iter().take_while(|one| !one.is("ON"));
    let head: Vec<&Lexeme<'_>> = head.collect();
    let found = MOMENTS
        .into_iter()
        .filter(|moment| head.iter().any(|one| one.is(moment)));
    let found: Vec<&str> = found.collect();
    found.join(" ")
}

/// The function that a trigger calls.
pub fn called(definition: &str, dialect: Dialect) -> String {
    let tokens = lex::lex(definition, dialect).tokens;
    let lexemes = lex::lexemes(definition, &tokens);
    let Some(execute) = lexemes.iter().rposition(|one| one.is("EXECUTE")) else {
        return String::new();
    };
    let behind = lexemes[execute..].iter();
    let names = behind.take_while(|one| one.text != "(").last();
    let name = names.and_then(|last| Fragment::parse(last.text, dialect).names(dialect).pop());
    name.map_or(String::new(), |name| name.as_str().to_owned())
}

/// Names in their order.
pub(super) fn names(names: &[Name]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| name.as_str().to_lowercase())
        .collect();
    names.join(", ")
}

/// The body of a routine, a line for each statement, whatever blanks it was written with.
pub fn body_lines(body: &str) -> String {
    let mut text = String::with_capacity(body.len());
    for word in body.split_whitespace() {
        text.push_str(word);
        let ends = word.ends_with(';')
            || ["begin", "then", "loop", "else"]
                .iter()
                .any(|end| word.eq_ignore_ascii_case(end));
        text.push(if ends { '\n' } else { ' ' });
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_index_are_columns_or_expressions() {
        let check = |definition: &str, dialect, expected: &str| {
            assert_eq!(parts(definition, dialect), expected, "{definition}");
        };
        let postgres = Dialect::Postgres;
        check("btree (a, \"B c\" DESC) WHERE (x > 1)", postgres, "a, B c");
        check(
            "gin (lower(a), b gin_trgm_ops)",
            postgres,
            "an expression, b",
        );
        check("btree (((a)::text)) INCLUDE (c)", postgres, "an expression");
        check("(a, b(10) desc)", Dialect::MySql, "a, b");
        check("((a + 1))", Dialect::MySql, "an expression");
    }

    #[test]
    fn triggers_are_told_by_when_they_are_called_and_what_they_call() {
        let definition =
            "BEFORE INSERT OR UPDATE OF a ON public.t FOR EACH ROW EXECUTE FUNCTION app.\"F\"('x')";
        let postgres = Dialect::Postgres;
        assert_eq!(moments(definition, postgres), "before insert update");
        assert_eq!(called(definition, postgres), "F");
        let written = "after delete on for each statement execute function f()";
        assert_eq!(moments(written, postgres), "after delete");
        assert_eq!(called(written, postgres), "f");
    }

    #[test]
    fn bodies_are_written_a_line_for_each_statement() {
        assert_eq!(
            body_lines(" BEGIN\n  a;   b := 1; END "),
            "BEGIN\na;\nb := 1;\nEND"
        );
    }
}
