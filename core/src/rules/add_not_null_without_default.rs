//! `ADD COLUMN … NOT NULL` without a default; see the page.

use super::finding::Finding;
use super::situation::{Alteration, Situation};
use super::{Group, Rule};
use crate::change::{ColumnDef, ColumnOption, ConstraintRule};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "add-not-null-without-default",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("add_not_null_without_default.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    situation
        .added_columns()
        .filter(|(_, column)| must_be_given(column))
        .map(|(alteration, column)| finding(&alteration, column))
        .collect()
}

/// Whether it forbids NULL, and nothing says what else it holds.
pub(super) fn must_be_given(column: &ColumnDef) -> bool {
    let has = |wanted: fn(&ColumnOption) -> bool| column.options.iter().any(wanted);
    let is_serial = column
        .data_type
        .as_ref()
        .is_some_and(|t| t.text.ends_with("serial"));
    has(|option| matches!(option, ColumnOption::NotNull)) && !is_serial && !has(gives_a_value)
}

fn gives_a_value(option: &ColumnOption) -> bool {
    match option {
        ColumnOption::Default(value) => &*value.text != "null",
        ColumnOption::Generated(_) | ColumnOption::Identity(_) | ColumnOption::AutoIncrement => {
            true
        }
        // Whether that can be added at all is another question.
        ColumnOption::Constraint(constraint) => {
            matches!(constraint.rule, ConstraintRule::PrimaryKey(_))
        }
        _ => false,
    }
}

fn finding(alteration: &Alteration<'_>, column: &ColumnDef) -> Finding {
    let (table, name) = (alteration.name, &column.name.name);
    let happens = match alteration.act.situation.dialect().fills_missing_values() {
        true => {
            "The rows there are silently get an empty or zero value, and writers of the release before, who do not name the column, start to fail."
        }
        false => {
            "On an empty table this works; as soon as there is a row the engine refuses it, since the row would hold NULL."
        }
    };
    let data_type = column.data_type.as_ref().map_or("", |t| &t.text);
    alteration
        .find(format!(
            "`{name}` has no value for the rows that `{table}` holds"
        ))
        .label("NOT NULL without a default")
        .why(happens)
        .help(format!(
            "Give it a default, or add it without NOT NULL, fill it, and forbid NULL later:\n\
             ALTER TABLE {table} ADD COLUMN {name} {data_type};"
        ))
}
