//! Statements that are read without complaint and refused by the engine when they run; see the page.

use super::finding::{Finding, Strength};
use super::situation::{Act, Alteration, Situation};
use super::{Group, Rule};
use crate::change::{
    Change, ColumnDef, ColumnOption, Constraint, ConstraintRule, CreateIndex, Fragment, IfExists,
    IfMissing, KeyExpr, Name, TableElement, Verb,
};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::Table;
use crate::source::Span;

pub(super) const RULE: Rule = Rule {
    code: "unsupported-by-engine",
    group: Group::Format,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("unsupported_by_engine.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let family = situation.dialect().modelling().family;
    match family {
        Family::Sqlite => sqlite(situation),
        Family::MySql => mysql(situation),
        Family::Postgres => postgres(situation),
    }
}

/// What no server does, or none so old as one that must work.
fn never(act: Act<'_>, span: Span, message: impl Into<String>, help: &str) -> Finding {
    act.find(span, message)
        .strength(Strength::Certain)
        .label("refused when it runs")
        .why("The statement is well formed, so nothing shows before the migration stops at it.")
        .help(help)
}

/// What works as long as the table is empty.
fn with_rows(alteration: &Alteration<'_>, message: String, help: String) -> Finding {
    alteration
        .find(message)
        .label("refused as soon as the table holds a row")
        .why(
            "The engine looks whether there are rows: on the empty tables of a test it works, in \
             production it does not.",
        )
        .help(help)
}

fn sqlite(situation: &Situation<'_>) -> Vec<Finding> {
    let added = situation
        .added_columns()
        .filter_map(|(one, column)| sqlite_column(&one, column));
    let older = |major, minor| {
        let server = situation.options.server;
        server.is_some() && !situation.server_is(major, minor)
    };
    let by_version = situation.up().chain(situation.down()).flat_map(|act| {
        act.siblings().filter_map(move |action| {
            let (what, since) = match &action.verb {
                Verb::DropColumn { .. } if older(3, 35) => ("DROP COLUMN", "3.35"),
                Verb::RenamePart { .. } if older(3, 25) => ("RENAME COLUMN", "3.25"),
                _ => return None,
            };
            let message = format!("`{what}` came with SQLite {since}");
            Some(never(
                act,
                action.span,
                message,
                "Build the table anew: create, copy, drop, rename.",
            ))
        })
    });
    added.chain(by_version).collect()
}

fn sqlite_column(alteration: &Alteration<'_>, column: &ColumnDef) -> Option<Finding> {
    let (table, name) = (alteration.name, &column.name.name);
    let default = column.options.iter().find_map(|option| match option {
        ColumnOption::Default(value) if &*value.text != "null" => Some(value),
        _ => None,
    });
    let data_type = column.data_type.as_ref().map_or("", |found| &found.text);
    let plain =
        format!("Add it plainly, and fill it:\nALTER TABLE {table} ADD COLUMN {name} {data_type};");
    for option in &column.options {
        match option {
            ColumnOption::Default(value) if is_moving(value, alteration) => {
                let message = format!("the default of `{name}` is no constant");
                return Some(with_rows(alteration, message, plain));
            }
            ColumnOption::Generated(generated) if generated.stored => {
                let message =
                    format!("`{name}` would have to be computed for the rows that are there");
                let help = "Add it as VIRTUAL, or build the table anew.".to_owned();
                return Some(with_rows(alteration, message, help));
            }
            ColumnOption::Constraint(constraint) => match constraint.rule {
                ConstraintRule::Foreign(_) if default.is_some() => {
                    let message = format!("`{name}` refers to another table and has a default");
                    return Some(with_rows(alteration, message, plain));
                }
                ConstraintRule::Unique(_) | ConstraintRule::PrimaryKey(_) => {
                    let message = format!("`{name}` cannot be added with a key");
                    let help = "Add the column alone, and make a unique index for it.";
                    return Some(never(alteration.act, constraint.span, message, help));
                }
                _ => {}
            },
            _ => {}
        }
    }
    None
}

/// Whether the default was written in parentheses or moves with the time.
fn is_moving(value: &Fragment, alteration: &Alteration<'_>) -> bool {
    let source = alteration
        .act
        .situation
        .source(alteration.act.place.section);
    let is_time = matches!(
        &*value.text,
        "current_timestamp" | "current_time" | "current_date"
    );
    is_time || value.span.of(source.text()).starts_with('(')
}

fn mysql(situation: &Situation<'_>) -> Vec<Finding> {
    if situation.dialect().guards_parts_of_tables() {
        return Vec::new();
    }
    let acts = situation.up().chain(situation.down());
    let found = acts.flat_map(|act| {
        let guarded = act.siblings().filter_map(move |action| {
            let is_guarded = match &action.verb {
                Verb::AddColumn { if_exists, .. } | Verb::AddConstraint { if_exists, .. } => {
                    *if_exists == IfExists::Keep
                }
                Verb::DropColumn { if_missing, .. }
                | Verb::DropConstraint { if_missing, .. }
                | Verb::DropIndex { if_missing, .. }
                | Verb::RenamePart { if_missing, .. }
                | Verb::Redefine { if_missing, .. } => *if_missing == IfMissing::Skip,
                _ => false,
            };
            is_guarded.then(|| {
                let message = "MySQL knows no `IF [NOT] EXISTS` for parts of a table";
                never(
                    act,
                    action.span,
                    message,
                    "Leave it out; each migration runs once.",
                )
            })
        });
        guarded.chain(mysql_statement(act)).collect::<Vec<_>>()
    });
    found.collect()
}

fn mysql_statement(act: Act<'_>) -> Option<Finding> {
    let message = match &act.step.change {
        Change::CreateTable(create) if create.if_exists == IfExists::Replace => {
            "MySQL knows no `CREATE OR REPLACE TABLE`"
        }
        Change::CreateIndex(create) if create.if_exists != IfExists::Fail => {
            "MySQL knows no `IF NOT EXISTS` for an index"
        }
        Change::CreateIndex(create) if create.condition.is_some() => "MySQL knows no partial index",
        _ => return None,
    };
    Some(never(
        act,
        act.statement.span,
        message,
        "Leave it out; each migration runs once.",
    ))
}

fn postgres(situation: &Situation<'_>) -> Vec<Finding> {
    let altered = situation.up().flat_map(|act| {
        act.siblings().filter_map(move |action| match &action.verb {
            Verb::AddConstraint { constraint, .. } => {
                let Change::AlterTable(alter) = &act.step.change else {
                    return None;
                };
                let key = act.before().relation(&alter.name)?;
                on_partitioned(act, act.before().table(&key)?, constraint)
            }
            Verb::AddColumn { column, .. } => asks_in_default(act, column),
            _ => None,
        })
    });
    let made = situation.up().flat_map(|act| match &act.step.change {
        Change::CreateTable(create) => {
            let made = act
                .after()
                .relation(&create.name)
                .and_then(|key| act.after().table(&key));
            let elements = create.elements.iter().filter_map(|element| match element {
                TableElement::Column(column) => asks_in_default(act, column),
                TableElement::Constraint(constraint) => on_partitioned(act, made?, constraint),
                TableElement::Index(_) | TableElement::Like { .. } => None,
            });
            elements.collect()
        }
        Change::CreateIndex(create) => concurrent_on_partitioned(act, create).into_iter().collect(),
        _ => Vec::new(),
    });
    altered.chain(made).collect()
}

fn asks_in_default(act: Act<'_>, column: &ColumnDef) -> Option<Finding> {
    column.options.iter().find_map(|option| match option {
        ColumnOption::Default(value) if value.text.starts_with("select ") => {
            let message = format!("the default of `{}` is a query", column.name.name);
            Some(never(
                act,
                value.span,
                message,
                "Put the query into a function, or into a trigger.",
            ))
        }
        _ => None,
    })
}

fn on_partitioned(act: Act<'_>, table: &Table, constraint: &Constraint) -> Option<Finding> {
    let by = table.partition_by.as_ref()?;
    let is_unvalidated = constraint.traits.iter().any(|text| &**text == "not valid");
    match &constraint.rule {
        // Which servers take it is known only when the oldest is named.
        ConstraintRule::Foreign(_)
            if is_unvalidated
                && act.situation.options.server.is_some()
                && !act.situation.server_is(18, 0) =>
        {
            let message =
                "before version 18 a partitioned table takes no foreign key that is NOT VALID";
            Some(never(
                act,
                constraint.span,
                message,
                "Add it to each partition NOT VALID, validate it there, then add it here.",
            ))
        }
        ConstraintRule::PrimaryKey(key) | ConstraintRule::Unique(key) => {
            let has = |name: &Name| {
                key.parts.iter().any(|part| match &part.what {
                    KeyExpr::Column(column) => column.name == *name,
                    KeyExpr::Expression(_) => false,
                })
            };
            let missing = partition_columns(act, table, by)
                .into_iter()
                .find(|name| !has(name))?;
            let message = format!("the key lacks `{missing}`, by which the table is partitioned");
            let help =
                format!("Add `{missing}` to the key; each partition can only be sure of itself.");
            Some(never(act, constraint.span, message, &help))
        }
        _ => None,
    }
}

/// The columns by which the table is partitioned, where it is by nothing but columns.
fn partition_columns(act: Act<'_>, table: &Table, by: &Fragment) -> Vec<Name> {
    let names = by.names(act.situation.dialect());
    let columns: Vec<Name> = names
        .into_iter()
        .filter(|name| table.column(name).is_some())
        .collect();
    let is_plain =
        by.text.matches('(').count() == 1 && by.text.matches(',').count() + 1 == columns.len();
    if is_plain { columns } else { Vec::new() }
}

fn concurrent_on_partitioned(act: Act<'_>, create: &CreateIndex) -> Option<Finding> {
    let key = act.before().relation(create.table.as_ref()?)?;
    let is_partitioned = act.before().table(&key)?.partition_by.is_some();
    (create.concurrently && is_partitioned && !create.only).then(|| {
        let message = "an index on a partitioned table cannot be built concurrently";
        let help = "Make it ON ONLY the table, build one on each partition concurrently, and attach those.";
        never(act, act.statement.span, message, help)
    })
}
