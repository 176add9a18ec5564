//! Indexes that another one makes needless; see the page.

use super::finding::Finding;
use super::situation::{Act, Situation};
use super::{Group, Rule};
use crate::change::{Change, Name};
use crate::options::Level;
use crate::schema::{self, Body, Class, Index, Key, Part, Schema, Table};

pub(super) const RULE: Rule = Rule {
    code: "redundant-index",
    group: Group::Style,
    level: Level::Warn,
    engines: &[],
    check,
    page: include_str!("redundant_index.md"),
};

fn check(situation: &Situation<'_>) -> Vec<Finding> {
    let found = situation.up().filter_map(|act| {
        let Change::CreateIndex(_) = &act.step.change else {
            return None;
        };
        let middle = situation.middle();
        let (key, index) = act.written().find_map(|key| match &middle.get(key)?.body {
            Body::Index(index) if act.before().get(key).is_none() => Some((key, index)),
            _ => None,
        })?;
        let table = middle.table(&index.table)?;
        let others = middle.indexes(&index.table).into_iter();
        let others: Vec<_> = others.filter(|(other, _)| *other != key).collect();
        let other = better(index, table, &others)?;
        Some(finding(act, key, index, &other))
    });
    found.collect()
}

/// The key or index that serves whatever this one serves.
fn better(index: &Index, table: &Table, others: &[(&Key, &Index)]) -> Option<Name> {
    let is_plain = index.condition.is_none() && index.include.is_empty() && !index.unique;
    let begins = |parts: &[Part]| is_plain && parts.starts_with(&index.parts);
    let is_tree = matches!(&*index.method, "" | "btree");
    let by_key = table
        .constraints
        .iter()
        .find(|(_, constraint)| match &constraint.rule {
            schema::Rule::PrimaryKey(parts, _) | schema::Rule::Unique(parts, _) => {
                is_tree && begins(parts)
            }
            _ => false,
        });
    let by_index = || {
        let mut others = others.iter();
        others.find(|(_, other)| {
            let is_whole = other.condition.is_none() && other.method == index.method;
            // Of two alike the one that was first stands.
            is_whole && begins(&other.parts)
        })
    };
    by_key
        .map(|(name, _)| name.clone())
        .or_else(|| by_index().map(|(key, _)| key.name.clone()))
}

/// Whether both are there at the end of all migrations.
fn still_two(schema: &Schema, table: &Key, names: &[Name]) -> bool {
    let Some(kept) = schema.get(table).and_then(|object| object.table()) else {
        return false;
    };
    names.iter().all(|name| {
        let named = [
            Key::new(Class::Relation, table.schema.clone(), name.clone()),
            Key::within(Class::Index, table, name.clone()),
        ];
        kept.constraints.contains_key(name) || named.iter().any(|key| schema.has(key))
    })
}

fn finding(act: Act<'_>, key: &Key, index: &Index, other: &Name) -> Finding {
    act.find_whole(format!(
        "`{other}` serves every query that `{}` serves",
        key.name
    ))
    .label("costs each write and helps no read")
    .why("An index serves every query on the columns that it begins with.")
    .help("Leave it out.")
    .if_still(
        still_two,
        &index.table,
        vec![key.name.clone(), other.clone()],
    )
}
