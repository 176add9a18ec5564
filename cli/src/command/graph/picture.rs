//! What is drawn, whatever the format: boxes with lines of text, and arrows between them.

use backstitch_core::Set;
use backstitch_core::schema::{Body, Key, PartOf, Rule, Schema, Table};

/// Boxes and arrows.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) kind: Kind,
    pub(super) boxes: Vec<Box>,
    pub(super) arrows: Vec<Arrow>,
}

/// What it is a picture of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Schema,
    Dependencies,
}

/// A table, or a migration.
#[derive(Debug)]
pub(super) struct Box {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// A column; for a migration, its name.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) about: String,
    /// `PK`, `FK`, `UK`, in this order.
    pub(super) keys: Vec<&'static str>,
    pub(super) not_null: bool,
}

/// From one box to another, by their positions.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) from: usize,
    /// The line of that box that it starts from.
    pub(super) line: usize,
    pub(super) to: usize,
    pub(super) label: String,
    /// Whether what it starts from can stand alone.
    pub(super) is_optional: bool,
}

pub(super) fn of_dependencies(set: &Set) -> Picture {
    let boxes = set.migrations.iter().map(|migration| Box {
        title: migration.id.clone(),
        lines: vec![Line {
            name: migration.name.clone(),
            about: String::new(),
            keys: Vec::new(),
            not_null: false,
        }],
    });
    let position = |id: &String| set.migrations.iter().position(|one| one.id == *id);
    let arrows = set
        .migrations
        .iter()
        .enumerate()
        .flat_map(|(from, migration)| {
            let to = migration.dependencies.iter().filter_map(position);
            to.map(move |to| Arrow {
                from,
                line: 0,
                to,
                label: String::new(),
                is_optional: false,
            })
        });
    Picture {
        kind: Kind::Dependencies,
        boxes: boxes.collect(),
        arrows: arrows.collect(),
    }
}

pub(super) fn of_schema(schema: &Schema) -> Picture {
    let tables: Vec<(&Key, &Table)> = schema
        .objects()
        .filter_map(|(key, object)| match &object.body {
            Body::Table(table) if !table.temporary => Some((key, table)),
            _ => None,
        })
        .collect();
    // Where all stand in one schema, its name says nothing.
    let first = tables.first().map(|(key, _)| key.schema.clone());
    let is_alone = tables
        .iter()
        .all(|(key, _)| Some(&key.schema) == first.as_ref());
    let title = |key: &Key| match is_alone || key.schema.as_str().is_empty() {
        true => key.name.as_str().to_owned(),
        false => format!("{}.{}", key.schema.as_str(), key.name.as_str()),
    };
    let boxes = tables.iter().map(|(key, table)| Box {
        title: title(key),
        lines: lines(table),
    });
    let mut arrows = Vec::new();
    for (from, (_, table)) in tables.iter().enumerate() {
        for constraint in table.constraints.values() {
            let Rule::Foreign(foreign) = &constraint.rule else {
                continue;
            };
            let to = tables.iter().position(|(key, _)| **key == foreign.table);
            let names = foreign.columns.iter().map(|name| name.as_str());
            let columns: Vec<&str> = names.collect();
            let may_be_null = |name: &&str| {
                let column = table
                    .columns
                    .iter()
                    .find(|column| column.name.as_str() == *name);
                column.is_some_and(|column| !column.not_null)
            };
            let first = |name: &&str| {
                let mut all = table.columns.iter();
                all.position(|column| column.name.as_str() == *name)
            };
            let line = columns.first().and_then(first).unwrap_or_default();
            arrows.extend(to.map(|to| Arrow {
                from,
                line,
                to,
                label: columns.join(", "),
                is_optional: columns.iter().any(may_be_null),
            }));
        }
    }
    Picture {
        kind: Kind::Schema,
        boxes: boxes.collect(),
        arrows,
    }
}

fn lines(table: &Table) -> Vec<Line> {
    let keys = |name: &str| {
        let mut keys = Vec::new();
        let holds = |parts: &[backstitch_core::schema::Part]| {
            parts.iter().any(|part| match &part.what {
                PartOf::Column(column) => column.as_str() == name,
                PartOf::Expression(_) => false,
            })
        };
        for constraint in table.constraints.values() {
            keys.extend(match &constraint.rule {
                Rule::PrimaryKey(parts, _) if holds(parts) => Some("PK"),
                Rule::Unique(parts, _) if holds(parts) => Some("UK"),
                Rule::Foreign(foreign)
                    if foreign.columns.iter().any(|column| column.as_str() == name) =>
                {
                    Some("FK")
                }
                _ => None,
            });
        }
        keys.sort_unstable_by_key(|key| ["PK", "FK", "UK"].iter().position(|one| one == key));
        keys.dedup();
        keys
    };
    let columns = table.columns.iter();
    columns
        .map(|column| Line {
            name: column.name.as_str().to_owned(),
            about: column.data_type.to_string(),
            keys: keys(column.name.as_str()),
            not_null: column.not_null,
        })
        .collect()
}
