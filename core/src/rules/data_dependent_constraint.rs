//! Constraints that rows which are there may break; see the page.

use super::finding::Finding;
use super::situation::{Act, Alteration, Situation};
use super::{Group, Rule};
use crate::change::{Change, ColumnChange, ConstraintRule, Ident, KeyExpr, KeyPart, Verb};
use crate::options::Level;

pub(super) const RULE: Rule = Rule {
    code: "data-dependent-constraint",
    group: Group::Compatibility,
    level: Level::Info,
    engines: &[],
    check,
    page: include_str!("data_dependent_constraint.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    // Who has written a check has thought of it.
    if !situation.migration.checks_before.is_empty() {
        return Vec::new();
    }
    let altered = situation.alterations().filter_map(|one| {
        let offenders = offenders(&one)?;
        Some(explain(
            one.find(format!("rows of `{}` may stand in the way", one.name)),
            &offenders,
        ))
    });
    altered.chain(situation.up().filter_map(indexed)).collect()
}

/// What must hold, and the query for the rows for which it does not.
struct Offenders {
    title: String,
    query: String,
}

fn offenders(one: &Alteration<'_>) -> Option<Offenders> {
    let table = one.name;
    let is_old = |column: &Ident| one.old_column(&column.name).is_some();
    match &one.action.verb {
        Verb::AlterColumn {
            column,
            change: ColumnChange::SetNotNull,
        } => {
            let nullable = one
                .old_column(&column.name)
                .is_some_and(|old| !old.not_null);
            let name = &column.name;
            nullable.then(|| Offenders {
                title: format!("no row is without {name}"),
                query: format!("SELECT * FROM {table} WHERE {name} IS NULL;"),
            })
        }
        Verb::AddConstraint { constraint, .. } => {
            let is_later = constraint.traits.iter().any(|text| &**text == "not valid");
            match &constraint.rule {
                _ if is_later => None,
                ConstraintRule::PrimaryKey(key) | ConstraintRule::Unique(key) => {
                    let columns = columns(&key.parts)?;
                    let old = columns.iter().all(|column| is_old(column));
                    old.then(|| unique(&table.to_string(), &columns))
                }
                ConstraintRule::Check(check) => Some(Offenders {
                    title: "every row meets the condition".to_owned(),
                    query: format!("SELECT * FROM {table} WHERE NOT ({});", check.text),
                }),
                ConstraintRule::Foreign(foreign) => {
                    let ([column], [referenced]) =
                        (foreign.columns.as_slice(), foreign.referenced.as_slice())
                    else {
                        return None;
                    };
                    let (ours, theirs) = (&column.name, &referenced.name);
                    is_old(column).then(|| Offenders {
                        title: format!("every {ours} is there"),
                        query: format!(
                            "SELECT {ours} FROM {table} WHERE {ours} IS NOT NULL AND NOT EXISTS \
                             (SELECT 1 FROM {parent} AS parent WHERE parent.{theirs} = {table}.{ours});",
                            parent = foreign.table,
                        ),
                    })
                }
                ConstraintRule::NotNull(_)
                | ConstraintRule::Exclude(_)
                | ConstraintRule::UsingIndex { .. } => None,
            }
        }
        _ => None,
    }
}

fn columns(parts: &[KeyPart]) -> Option<Vec<&Ident>> {
    let columns = parts.iter().map(|part| match &part.what {
        KeyExpr::Column(column) => Some(column),
        KeyExpr::Expression(_) => None,
    });
    columns.collect()
}

fn unique(table: &str, columns: &[&Ident]) -> Offenders {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let known: Vec<String> = names
        .iter()
        .map(|name| format!("{name} IS NOT NULL"))
        .collect();
    let (names, known) = (names.join(", "), known.join(" AND "));
    Offenders {
        title: format!("no two rows have the same {names}"),
        query: format!(
            "SELECT {names} FROM {table} WHERE {known} GROUP BY {names} HAVING count(*) > 1;"
        ),
    }
}

fn indexed(act: Act<'_>) -> Option<Finding> {
    let Change::CreateIndex(create) = &act.step.change else {
        return None;
    };
    let is_whole = create.unique && create.condition.is_none();
    let name = create.table.as_ref().filter(|_| is_whole)?;
    let (_, table) = act.old_table(name)?;
    let columns = columns(&create.key.parts)?;
    let is_old = columns
        .iter()
        .all(|column| table.column(&column.name).is_some());
    is_old.then(|| {
        let offenders = unique(&name.to_string(), &columns);
        let found = act.find_whole(format!("rows of `{name}` may stand in the way"));
        explain(found, &offenders)
    })
}

fn explain(finding: Finding, offenders: &Offenders) -> Finding {
    finding
        .label("fails on the first row that breaks it")
        .why(
            "What holds for the rows of a test need not hold in production. A check beforehand stops \
             the run with nothing changed, and shows the rows.",
        )
        .help(format!(
            "Have it checked, above the UP:\n-- CHECK BEFORE: {}\n{}",
            offenders.title, offenders.query
        ))
}
