//! Names in double quotes that SQLite takes for texts; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, DataVerb, KeyExpr, Name};
use crate::dialect::Family;
use crate::lex::{Lexeme, TokenKind};
use crate::options::Level;
use crate::schema::{Body, Object};

pub(super) const RULE: Rule = Rule {
    code: "sqlite-dqs-literal",
    group: Group::Format,
    level: Level::Warn,
    engines: &[Family::Sqlite],
    check,
    page: include_str!("sqlite_dqs_literal.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let quoting = situation.up().filter(|act| {
        let is_read = match &act.step.change {
            Change::CreateTable(_)
            | Change::AlterTable(_)
            | Change::CreateIndex(_)
            | Change::CreateView(_)
            | Change::CreateTrigger(_) => true,
            Change::Data(data) => data.verb != DataVerb::Query,
            _ => false,
        };
        is_read && act.text().contains('"')
    });
    quoting.filter_map(judge).collect()
}

fn judge(act: Act<'_>) -> Option<Finding> {
    let lexemes = act.lexemes();
    let candidates: Vec<_> = (0..lexemes.len())
        .filter(|at| lexemes[*at].text.starts_with('"') && is_value(&lexemes, *at))
        .chain(indexed(act, &lexemes))
        .collect();
    let at = *candidates.iter().find(|at| {
        let name = act.named(&lexemes[**at]);
        name.is_some_and(|name| is_text(act, &lexemes, &candidates, &name))
    })?;
    let lexeme = &lexemes[at];
    let inner = lexeme.text.trim_matches('"');
    let finding = act
        .find(lexeme.span, format!("{} is no column, so it is taken for a text", lexeme.text))
        .label("double quotes are for names")
        .why(
            "SQLite reads a name in double quotes that it does not find as a text, without a word. A \
             slip in the name of a column goes unnoticed, and builds without that leniency refuse \
             the statement.",
        )
        .help(format!(
            "If a text is meant, write:\n'{}'\nOtherwise put the name of the column right.",
            inner.replace('\'', "''")
        ));
    Some(finding)
}

/// Words behind which a value stands.
const BEFORE_VALUES: &[&str] = &["DEFAULT", "LIKE", "GLOB", "IS", "THEN", "ELSE", "WHEN"];

/// Whether a value stands there, rather than the name of something that is made or taken.
fn is_value(lexemes: &[Lexeme<'_>], at: usize) -> bool {
    let next = lexemes.get(at + 1);
    let before = at.checked_sub(1).map(|at| &lexemes[at]);
    let is_part = next.is_some_and(|next| matches!(next.text, "." | "("));
    let compares = |one: Option<&Lexeme<'_>>| one.is_some_and(is_comparison);
    let follows = before.is_some_and(|before| BEFORE_VALUES.iter().any(|word| before.is(word)));
    !is_part && (compares(before) || compares(next) || follows || is_listed(lexemes, at))
}

fn is_comparison(sign: &Lexeme<'_>) -> bool {
    let signs = ["=", "==", "<>", "!=", "<", ">", "<=", ">=", "||"];
    sign.kind == TokenKind::Operator && signs.contains(&sign.text)
}

/// `IN ("a", "b")`, `VALUES ("a", 1)`
fn is_listed(lexemes: &[Lexeme<'_>], at: usize) -> bool {
    let ends = lexemes
        .get(at + 1)
        .is_some_and(|next| matches!(next.text, "," | ")"));
    let mut depth = 0_usize;
    for (at, lexeme) in lexemes[..at].iter().enumerate().rev() {
        match lexeme.text {
            ")" => depth += 1,
            "(" if depth > 0 => depth -= 1,
            "(" => {
                let opener = at.checked_sub(1).map(|at| &lexemes[at]);
                let is_row = opener.is_some_and(|word| word.is("VALUES") || word.is("IN"));
                let is_further_row = opener.is_some_and(|sign| sign.text == ",")
                    && lexemes[..at].iter().any(|word| word.is("VALUES"));
                return ends && (is_row || is_further_row);
            }
            _ => {}
        }
    }
    false
}

/// The columns of an index that are written in double quotes.
fn indexed(act: Act<'_>, lexemes: &[Lexeme<'_>]) -> Vec<usize> {
    let Change::CreateIndex(create) = &act.step.change else {
        return Vec::new();
    };
    let columns = create.key.parts.iter().filter_map(|part| match &part.what {
        KeyExpr::Column(column) => Some(column.span),
        KeyExpr::Expression(_) => None,
    });
    let place = |span| lexemes.iter().position(|one| one.span == span);
    columns
        .filter_map(place)
        .filter(|at| lexemes[*at].text.starts_with('"'))
        .collect()
}

/// Whether nothing has that name, as far as the statement can see.
fn is_text(act: Act<'_>, lexemes: &[Lexeme<'_>], values: &[usize], name: &Name) -> bool {
    let known = ["rowid", "oid", "_rowid_"];
    // It may be given that name further on: `SELECT a AS "b" … WHERE "b" = 1`.
    let mut others = lexemes.iter().enumerate();
    let is_given =
        others.any(|(at, one)| !values.contains(&at) && act.named(one).as_ref() == Some(name));
    !is_given && !known.contains(&name.key()) && !is_name_of_something(act, lexemes, name)
}

fn is_name_of_something(act: Act<'_>, lexemes: &[Lexeme<'_>], name: &Name) -> bool {
    let mentioned: Vec<Name> = lexemes.iter().filter_map(|one| act.named(one)).collect();
    let keys = act.situation.schema.objects().map(|(key, _)| key);
    let mut keys = keys.chain(act.situation.touched());
    keys.any(|key| {
        let of = |object: &Object| {
            let is_mentioned = || mentioned.contains(&key.name);
            match &object.body {
                Body::Table(table) => {
                    let is_unclear = table.open || !table.nature.is_empty();
                    table.column(name).is_some() || (is_unclear && is_mentioned())
                }
                Body::View(view) => match &view.columns {
                    Some(columns) if !view.open => columns.contains(name),
                    _ => is_mentioned(),
                },
                Body::Doubt => is_mentioned() || key.name.as_str() == "*",
                _ => false,
            }
        };
        let moments = [act.before().get(key), act.after().get(key)];
        key.name == *name || moments.into_iter().flatten().any(|object| of(object))
    })
}
