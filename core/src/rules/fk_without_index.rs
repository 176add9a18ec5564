//! Foreign keys whose columns no index begins with; see the page.

use super::finding::Finding;
use super::moment::foreign;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::Name;
use crate::dialect::Family;
use crate::options::Level;
use crate::schema::{self, Body, Foreign, Key, Part, PartOf, Schema, Table};

pub(super) const RULE: Rule = Rule {
    code: "fk-without-index",
    group: Group::Style,
    level: Level::Warn,
    engines: &[Family::Postgres, Family::Sqlite],
    check,
    page: include_str!("fk_without_index.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let middle = situation.middle();
    let tables = situation
        .touched()
        .filter_map(|key| Some((key, middle.table(key)?)));
    let found = tables
        .filter(|(_, table)| !table.temporary)
        .flat_map(|(key, table)| {
            let old = situation.origin_of(key, middle.writes);
            let old = old.and_then(|old| situation.start().table(&old));
            let is_new = move |new: &&Foreign| old.is_none_or(|old| !has(old, new));
            let foreign = table
                .constraints
                .values()
                .filter_map(foreign)
                .filter(is_new);
            foreign.filter_map(move |foreign| {
                let act = maker(situation, foreign)?;
                let indexes = middle.indexes(key).into_iter().map(|(_, index)| index);
                is_bare(&foreign.columns, table, indexes).then(|| finding(act, key, foreign))
            })
        });
    found.collect()
}

fn has(table: &Table, wanted: &Foreign) -> bool {
    let mut kept = table.constraints.values().filter_map(foreign);
    kept.any(|kept| kept.columns == wanted.columns)
}

/// The last statement that makes such a foreign key.
fn maker<'s>(situation: &'s Situation<'s>, wanted: &Foreign) -> Option<Act<'s>> {
    situation.up().rev().find(|act| {
        act.written().any(|key| {
            let has_it = |table: Option<&Table>| table.is_some_and(|table| has(table, wanted));
            has_it(act.after().table(key)) && !has_it(act.before().table(key))
        })
    })
}

/// Whether no key and no whole index begins with these columns, in whatever order.
fn is_bare<'s>(
    columns: &[Name],
    table: &Table,
    mut indexes: impl Iterator<Item = &'s schema::Index>,
) -> bool {
    let begins = |parts: &[Part]| {
        let first: Vec<&Name> = parts
            .iter()
            .take(columns.len())
            .filter_map(|part| match &part.what {
                PartOf::Column(name) => Some(name),
                PartOf::Expression(_) => None,
            })
            .collect();
        first.len() == columns.len() && columns.iter().all(|column| first.contains(&column))
    };
    let by_key = table
        .constraints
        .values()
        .any(|constraint| match &constraint.rule {
            schema::Rule::PrimaryKey(parts, _) | schema::Rule::Unique(parts, _) => begins(parts),
            _ => false,
        });
    let by_index = indexes.any(|index| index.condition.is_none() && begins(&index.parts));
    !by_key && !by_index && !table.open
}

/// Whether it is so at the end of all migrations.
fn still_bare(schema: &Schema, key: &Key, columns: &[Name]) -> bool {
    let Some(table) = schema.get(key).and_then(|object| object.table()) else {
        return false;
    };
    let dependants = schema.dependants(key).filter_map(|key| schema.get(key));
    let indexes = dependants.filter_map(|object| match &object.body {
        Body::Index(index) if index.table == *key => Some(index),
        _ => None,
    });
    let mut kept = table.constraints.values().filter_map(foreign);
    kept.any(|kept| kept.columns == columns) && is_bare(columns, table, indexes)
}

fn finding(act: Act<'_>, key: &Key, foreign: &Foreign) -> Finding {
    let columns: Vec<&str> = foreign.columns.iter().map(Name::as_str).collect();
    let (table, columns) = (&key.name, columns.join(", "));
    let parent = &foreign.table.name;
    act.find_whole(format!("no index of `{table}` begins with `{columns}`"))
        .label(format!(
            "each DELETE from `{parent}` reads all of `{table}`"
        ))
        .why(
            "The engine looks for rows that refer to the one that goes, or gets another key, and \
             without an index it reads the whole table for each.",
        )
        .help(format!(
            "CREATE INDEX {table}_{}_idx ON {table} ({columns});",
            columns.replace(", ", "_")
        ))
        .if_still(still_bare, key, foreign.columns.clone())
}
