//! `ADD COLUMN` that writes every row; see the page.

use super::finding::{Finding, Work};
use super::situation::{Alteration, Situation};
use super::volatile::{type_name, volatile_call};
use super::{Group, Rule};
use crate::change::{ColumnDef, ColumnOption};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Body, Class};

pub(super) const RULE: Rule = Rule {
    code: "add-column-rewrites",
    group: Group::Locking,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::MySql],
    check,
    page: include_str!("add_column_rewrites.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let because = match situation.dialect().modelling().family {
        Family::MySql => because_mysql,
        Family::Postgres | Family::Sqlite => because_postgres,
    };
    situation
        .added_columns()
        .filter_map(|(one, column)| {
            let because = because(&one, column)?;
            Some(finding(&one, column, &because))
        })
        .collect()
}

fn because_postgres(alteration: &Alteration<'_>, column: &ColumnDef) -> Option<String> {
    let moment = alteration.act.before();
    let data_type = column.data_type.as_ref()?;
    if data_type.text.ends_with("serial") {
        return Some(format!("`{}` counts a number for each row", data_type.text));
    }
    let by_option = column.options.iter().find_map(|option| match option {
        ColumnOption::Default(value) => volatile_call(value, moment)
            .map(|name| format!("`{name}()` has another value for each row")),
        ColumnOption::Identity(_) => Some("an identity counts a number for each row".to_owned()),
        ColumnOption::Generated(generated) if generated.stored => {
            Some("a stored column is computed for each row".to_owned())
        }
        _ => None,
    });
    by_option.or_else(|| {
        let name = type_name(&data_type.text, alteration.act.situation.dialect());
        let domain = moment.get(&moment.named(Class::Type, &name)?)?;
        match &domain.body {
            Body::Domain(domain) if domain.not_null || !domain.checks.is_empty() => Some(format!(
                "the conditions of the domain `{name}` are checked for each row"
            )),
            _ => None,
        }
    })
}

fn because_mysql(_: &Alteration<'_>, column: &ColumnDef) -> Option<String> {
    column.options.iter().find_map(|option| match option {
        // `DEFAULT (uuid())`: literals and the present time stand without parentheses.
        ColumnOption::Default(value) if is_expression(&value.text) => {
            Some("a default that is an expression is computed for each row".to_owned())
        }
        ColumnOption::Generated(generated) if generated.stored => {
            Some("a stored column is computed for each row".to_owned())
        }
        ColumnOption::AutoIncrement => Some("it counts a number for each row".to_owned()),
        _ => None,
    })
}

fn is_expression(default: &str) -> bool {
    let is_time = default.starts_with("current_timestamp") || default.starts_with("now(");
    default.contains('(') && !default.starts_with('\'') && !is_time
}

fn finding(alteration: &Alteration<'_>, column: &ColumnDef, because: &str) -> Finding {
    let (table, name) = (alteration.name, &column.name.name);
    let data_type = column.data_type.as_ref().map_or("", |found| &found.text);
    alteration
        .find(format!("adding `{name}` writes every row of `{table}`"))
        .label(because)
        .why(
            "The table and all of its indexes are written anew while nobody can use it, for as \
             long as that takes.",
        )
        .help(format!(
            "Add it empty, let new rows have a value, and fill the old ones in batches, each in a \
             migration of its own:\n\
             ALTER TABLE {table} ADD COLUMN {name} {data_type};"
        ))
        .blocks(alteration.key, Work::Rewrite)
}
