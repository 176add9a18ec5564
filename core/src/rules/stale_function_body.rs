//! Functions that name what is dropped or renamed; see the page.

use super::finding::Finding;
use super::moment::Moment;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Kind, Name, Verb};
use crate::dialect::Family;
use crate::lex::{self, Lexeme};
use crate::options::Level;
use crate::schema::{Body, Class, Key, Routine};
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "stale-function-body",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("stale_function_body.md"),
};

/// What is no longer there under its name.
struct Gone<'s> {
    act: Act<'s>,
    span: Span,
    table: Key,
    /// `None` for the table itself.
    column: Option<&'s Name>,
}

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let gone: Vec<Gone<'_>> = situation
        .up()
        .flat_map(gone)
        .filter(|one| is_missed(situation.middle(), one))
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let routines = routines(situation);
    let found = gone.iter().filter_map(|one| {
        let mut naming = routines
            .iter()
            .filter(|(key, routine)| names(situation, key, routine, one));
        naming.next().map(|(key, _)| finding(one, key))
    });
    found.collect()
}

/// The columns and tables that a statement drops or renames, of those that were there before.
fn gone<'s>(act: Act<'s>) -> Vec<Gone<'s>> {
    let of_table = |table: &Key, span| Gone {
        act,
        span,
        table: table.clone(),
        column: None,
    };
    match &act.step.change {
        Change::AlterTable(alter) => {
            let Some((table, _)) = act.old_table(&alter.name) else {
                return Vec::new();
            };
            let actions = alter.actions.iter().filter_map(|action| {
                let column = match &action.verb {
                    Verb::DropColumn { column, .. } => Some(column),
                    Verb::RenamePart {
                        kind: Kind::Column,
                        from,
                        ..
                    } => Some(from),
                    Verb::RenameTo(_) => None,
                    _ => return None,
                };
                Some(Gone {
                    act,
                    span: action.span,
                    table: table.clone(),
                    column: column.map(|column| &column.name),
                })
            });
            actions.collect()
        }
        Change::Rename(rename) => {
            let target = &rename.target;
            let span = act.statement.span;
            match (target.kind, &target.owner) {
                (Kind::Column, Some(owner)) => act.old_table(owner).map(|(table, _)| Gone {
                    act,
                    span,
                    table,
                    column: Some(&target.name.name),
                }),
                (Kind::Table, _) => {
                    let table = act.old_table(&target.name);
                    table.map(|(table, _)| of_table(&table, span))
                }
                _ => None,
            }
            .into_iter()
            .collect()
        }
        Change::Drop(drop) => {
            let tables = drop.targets.iter().filter(|one| one.kind == Kind::Table);
            let old = tables.filter_map(|one| Some((act.old_table(&one.name)?.0, one.name.span)));
            old.map(|(table, span)| of_table(&table, span)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether nothing has that name when the UP is done.
fn is_missed(end: Moment<'_>, gone: &Gone<'_>) -> bool {
    match (gone.column, end.get(&gone.table)) {
        (None, now) => now.is_none(),
        (Some(column), Some(now)) => now
            .table()
            .is_some_and(|table| !table.open && table.column(column).is_none()),
        // The table is gone too, which is told.
        (Some(_), None) => false,
    }
}

/// The functions that are there when the UP is done, and were before it.
fn routines<'s>(situation: &'s Situation<'s>) -> Vec<(&'s Key, &'s Routine)> {
    let keys = situation.schema.objects().map(|(key, _)| key);
    let mut keys: Vec<&Key> = keys
        .chain(situation.touched())
        .filter(|key| key.class == Class::Routine)
        .collect();
    keys.sort();
    keys.dedup();
    let kept = keys.into_iter().filter_map(|key| {
        let Body::Routine(routine) = &situation.middle().get(key)?.body else {
            return None;
        };
        let language = routine.options.get("language");
        let is_text = language.is_some_and(|name| {
            ["sql", "plpgsql"].contains(&name.trim_matches('\'').to_lowercase().as_str())
        });
        let is_old = situation.start().get(key).is_some();
        (is_text && is_old && !routine.open).then_some((key, routine))
    });
    kept.collect()
}

/// Whether the body of a function surely means what is gone.
fn names(situation: &Situation<'_>, key: &Key, routine: &Routine, gone: &Gone<'_>) -> bool {
    let dialect = situation.dialect();
    // Bodies that are read when they are made follow what they name.
    if routine
        .body
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("begin atomic")
    {
        return false;
    }
    let tokens = lex::lex(&routine.body, dialect).tokens;
    let lexemes = lex::lexemes(&routine.body, &tokens);
    let is = |lexeme: &Lexeme<'_>, name: &Name| gone.act.named(lexeme).as_ref() == Some(name);
    let table = &gone.table.name;
    let reads_table = lexemes.windows(2).any(|two| {
        let heads = ["FROM", "JOIN", "INTO", "UPDATE", "ONLY"];
        let is_head = heads.iter().any(|head| two[0].is(head)) || two[0].text == ".";
        is_head && is(&two[1], table)
    });
    let Some(column) = gone.column else {
        return reads_table;
    };
    // Of a row that a trigger is about.
    let of_row = lexemes.windows(3).any(|three| {
        let is_row = three[0].is("NEW") || three[0].is("OLD");
        is_row && three[1].text == "." && is(&three[2], column)
    });
    if of_row && is_only_trigger_of(situation, key, &gone.table) {
        return true;
    }
    // Another table of the body may have a column of that name.
    let others = situation.middle();
    let has_other = lexemes.iter().any(|lexeme| {
        let Some(name) = gone.act.named(lexeme).filter(|name| name != table) else {
            return false;
        };
        let other = Key::new(gone.table.class, gone.table.schema.clone(), name);
        let other = others.get(&other);
        other.is_some_and(|object| match object.table() {
            Some(other) => other.column(column).is_some(),
            None => true,
        })
    });
    let declares = lexemes.iter().any(|one| one.is("DECLARE"));
    let argument = routine.signature.names(dialect).contains(column);
    let is_named = lexemes.iter().any(|lexeme| is(lexeme, column));
    reads_table && is_named && !has_other && !declares && !argument
}

/// Whether the function is called by triggers on that table alone.
fn is_only_trigger_of(situation: &Situation<'_>, function: &Key, table: &Key) -> bool {
    let callers = situation.middle().dependants(function).into_iter();
    let mut tables = callers.filter_map(|(_, object)| match &object.body {
        Body::Trigger(trigger) => Some(&trigger.table),
        _ => None,
    });
    let first = tables.next();
    first == Some(table) && tables.all(|other| other == table)
}

fn finding(gone: &Gone<'_>, routine: &Key) -> Finding {
    let what = match gone.column {
        Some(column) => format!("`{column}` of `{}`", gone.table.name),
        None => format!("`{}`", gone.table.name),
    };
    gone.act
        .find(gone.span, format!("function `{}` still names {what}", routine.name))
        .label("not there any more when it is called")
        .why(
            "The body of a function is a text: nobody looks whether what it names is there, and it does \
             not follow a new name, before it is called. Then it fails.",
        )
        .help(format!(
            "Put it right in the same migration:\nCREATE OR REPLACE FUNCTION {} …",
            routine.name
        ))
}
