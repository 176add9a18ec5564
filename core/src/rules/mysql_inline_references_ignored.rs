//! References that MySQL reads and forgets; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, ColumnDef, ColumnOption, ConstraintRule, TableElement, Verb};
use crate::dialect::Family;
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "mysql-inline-references-ignored",
    group: Group::Compatibility,
    level: Level::Warn,
    engines: &[Family::MySql],
    check,
    page: include_str!("mysql_inline_references_ignored.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    // MariaDB makes them, and so does MySQL from version 9 on.
    if situation.dialect().guards_parts_of_tables() || situation.server_is(9, 0) {
        return Vec::new();
    }
    let found = situation.up().flat_map(|act| match &act.step.change {
        Change::CreateTable(create) => {
            let columns = create.elements.iter().filter_map(|element| match element {
                TableElement::Column(column) => Some(column),
                _ => None,
            });
            columns
                .filter_map(|column| ignored(act, column))
                .collect::<Vec<_>>()
        }
        _ => act
            .siblings()
            .filter_map(|action| match &action.verb {
                Verb::AddColumn { column, .. } => ignored(act, column),
                _ => None,
            })
            .collect(),
    });
    found.collect()
}

fn ignored(act: Act<'_>, column: &ColumnDef) -> Option<Finding> {
    column.options.iter().find_map(|option| match option {
        ColumnOption::Constraint(constraint) => match &constraint.rule {
            ConstraintRule::Foreign(foreign) => {
                let name = &column.name.name;
                let finding = act
                    .find(constraint.span, format!("`{name}` refers to nothing"))
                    .label("read and forgotten")
                    .why("MySQL before version 9 reads REFERENCES on a column and makes no foreign key.")
                    .help(format!(
                        "Write it as a constraint of the table:\nFOREIGN KEY ({name}) REFERENCES {} (id)",
                        foreign.table
                    ));
                Some(finding)
            }
            _ => None,
        },
        _ => None,
    })
}
