//! Keys that run out of numbers; see the page.

use super::finding::{Finding, Strength};
use super::moment::foreign;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Name};
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{Key, Rule as Kept, Table};

pub(super) const RULE: Rule = Rule {
    code: "small-integer-key",
    group: Group::Style,
    level: Level::Warn,
    engines: &[Family::Postgres],
    check,
    page: include_str!("small_integer_key.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let makers = situation.up().filter(|act| {
        matches!(
            act.step.change,
            Change::CreateTable(_) | Change::AlterTable(_)
        )
    });
    makers.flat_map(judge).collect()
}

/// What the statement adds to a table.
fn judge(act: Act<'_>) -> Vec<Finding> {
    let name = match &act.step.change {
        Change::CreateTable(create) => &create.name,
        Change::AlterTable(alter) => &alter.name,
        _ => return Vec::new(),
    };
    let moment = act.after();
    let Some(key) = moment.relation(name) else {
        return Vec::new();
    };
    let Some(table) = moment.table(&key).filter(|table| !table.temporary) else {
        return Vec::new();
    };
    let before = act.before().table(&key);
    let is_new = |name: &Name| before.is_none_or(|before| !before.constraints.contains_key(name));
    let new = table.constraints.iter().filter(|(name, _)| is_new(name));
    let found = new.filter_map(|(_, constraint)| match &constraint.rule {
        Kept::PrimaryKey(..) => primary(act, &key, table, constraint.rule.columns().as_slice()),
        Kept::Foreign(_) => {
            let foreign = foreign(constraint)?;
            let parent = moment.table(&foreign.table)?;
            let mut pairs = foreign.columns.iter().zip(&foreign.referenced);
            let (column, whole) = pairs.find_map(|(child, referenced)| {
                let (bits, whole) = (bits(table, child)?, bits(parent, referenced)?);
                (bits < whole).then_some((child, referenced))
            })?;
            Some(narrow(act, column, &foreign.table, whole))
        }
        Kept::Unique(..) | Kept::Check(_) | Kept::Exclude(_) | Kept::NotNull(_) => None,
    });
    found.collect()
}

/// How wide the integers of a column are.
fn bits(table: &Table, column: &Name) -> Option<u32> {
    match &*table.column(column)?.data_type {
        "smallint" => Some(16),
        "integer" => Some(32),
        "bigint" => Some(64),
        _ => None,
    }
}

fn primary(act: Act<'_>, key: &Key, table: &Table, columns: &[Name]) -> Option<Finding> {
    let [only] = columns else {
        return None;
    };
    let column = table.column(only)?;
    let is_counted = column.draws_from.is_some() || column.identity.is_some();
    let bits = bits(table, only).filter(|bits| is_counted && *bits < 64)?;
    let most = (1_u64 << (bits - 1)) - 1;
    let finding = act
        .find_whole(format!("the keys of `{}` end at {most}", key.name))
        .strength(Strength::Remark)
        .label(format!("`{only}` is counted up"))
        .why("A sequence leaves gaps and never goes back. To widen a key later writes the table anew.")
        .help(format!("Begin with `bigint` for `{only}`."));
    Some(finding)
}

fn narrow(act: Act<'_>, column: &Name, parent: &Key, referenced: &Name) -> Finding {
    act.find_whole(format!(
        "`{column}` cannot hold every key of `{}`",
        parent.name
    ))
    .label(format!("`{referenced}` is wider"))
    .why(
        "It works until the keys that it refers to have grown beyond it. Then no row can refer \
             to a new one, and widening the column writes the table anew.",
    )
    .help(format!("Give `{column}` the type of `{referenced}`."))
}
