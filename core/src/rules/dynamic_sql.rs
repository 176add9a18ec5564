//! SQL that a function puts together from what it is given; see the page.

use super::finding::Finding;
use super::situation::Situation;
use super::{Group, Rule};
use crate::change::{Change, Fragment, Name};
use crate::dialect::{Dialect, Family};
use crate::lex::{self, Lexeme, TokenKind};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "dynamic-sql",
    group: Group::Security,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("dynamic_sql.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let dialect = situation.dialect();
    let found =
        situation.up().filter_map(|act| {
            let Change::CreateRoutine(create) = &act.step.change else {
                return None;
            };
            let is_program = create.options.iter().any(|option| {
                &*option.name == "language" && option.value.trim_matches('\'') == "plpgsql"
            });
            // Only what it is given can come from somebody else.
            if !is_program || create.arguments.is_empty() {
                return None;
            }
            let given = harmful(&create.signature, dialect);
            let tokens = lex::lex(&create.body, dialect).tokens;
            let lexemes = lex::lexemes(&create.body, &tokens);
            let is_given =
                |one: &Lexeme<'_>| act.named(one).is_some_and(|name| given.contains(&name));
            let argument = executed(&lexemes)
                .into_iter()
                .find_map(|expression| glued(expression, &is_given))?;
            let name = &create.name;
            let finding = act
            .find(name.span, format!("`{name}` runs SQL with `{}` put into it", argument.text))
            .label("whoever may call it may say what runs")
            .why(
                "What is glued into a statement becomes part of it: a quote in the value ends the \
                 text, and the rest is run with the rights of the function.",
            )
            .help(
                "Hand values over, and have names quoted:\n\
                 EXECUTE format('SELECT … FROM %I WHERE a = $1', name) USING value;",
            );
            Some(finding)
        });
    found.collect()
}

/// The arguments that can hold any text, and some words that are none.
fn harmful(signature: &Fragment, dialect: Dialect) -> Vec<Name> {
    const HARMLESS: [&str; 9] = [
        "bigint", "boolean", "date", "int", "integer", "numeric", "regclass", "smallint", "uuid",
    ];
    let names = signature.names(dialect);
    let is_harmless = |name: &Name| HARMLESS.contains(&name.key());
    let mut pairs: Vec<Name> = names
        .windows(2)
        .filter(|two| !is_harmless(&two[1]))
        .map(|two| two[0].clone())
        .collect();
    pairs.retain(|name| !is_harmless(name));
    pairs
}

/// The expressions behind `EXECUTE`.
fn executed<'l, 't>(lexemes: &'l [Lexeme<'t>]) -> Vec<&'l [Lexeme<'t>]> {
    let places = lexemes
        .iter()
        .enumerate()
        .filter(|(_, one)| one.is("EXECUTE"));
    let expressions = places.map(|(at, _)| {
        let rest = &lexemes[at + 1..];
        let ends = |one: &Lexeme<'_>| {
            one.kind == TokenKind::Semicolon
                || ["INTO", "USING", "LOOP"].iter().any(|word| one.is(word))
        };
        &rest[..rest.iter().position(ends).unwrap_or(rest.len())]
    });
    expressions.collect()
}

/// The argument that is joined to the text as it is: `'…' || a`, `format('… %s', a)`.
fn glued<'l, 't>(
    expression: &'l [Lexeme<'t>],
    is_given: &impl Fn(&Lexeme<'_>) -> bool,
) -> Option<&'l Lexeme<'t>> {
    let joined = expression.windows(2).find_map(|two| {
        let is_joined = two[0].text == "||" && is_given(&two[1]);
        is_joined.then_some(&two[1])
    });
    let [format, open, text, ..] = expression else {
        return joined;
    };
    let is_format = format.is("FORMAT") && open.text == "(" && text.kind == TokenKind::String;
    if joined.is_some() || !is_format {
        return joined;
    }
    // The n-th argument goes where the n-th `%` stands.
    let kinds = text.text.replace("%%", "");
    let kinds = kinds.split('%').skip(1).map(|rest| rest.bytes().next());
    let arguments = expression[3..].split(|one| one.text == ",").skip(1);
    kinds.zip(arguments).find_map(|(kind, argument)| {
        let argument = argument.first()?;
        (kind == Some(b's') && is_given(argument)).then_some(argument)
    })
}
