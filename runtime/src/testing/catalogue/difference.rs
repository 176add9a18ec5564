//! In what two catalogues differ, and how people read that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Attributes, Catalogue, Kind, OWNED_BY, ObjectName, POSITION};

/// One way in which two catalogues differ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It was there before and is not now.
    Missing {
        /// The object.
        object: ObjectName,
        /// What it was like, in a few words; may be empty.
        was: String,
    },
    /// It was not there before and is now.
    LeftOver {
        /// The object.
        object: ObjectName,
        /// What it is like, in a few words; may be empty.
        is: String,
    },
    /// One property is not what it was.
    Changed {
        /// The object.
        object: ObjectName,
        /// The name of the property.
        attribute: String,
        /// What it was; `None` where it was as usual.
        before: Option<String>,
        /// What it is; `None` where it is as usual.
        after: Option<String>,
    },
    /// The columns stand in another order.
    Reordered {
        /// The table.
        table: ObjectName,
        /// The columns that are in both, as they stood.
        before: Vec<String>,
        /// The same, as they stand.
        after: Vec<String>,
    },
}

/// What has become of `before`. Parts of something that is missing or left over are not told one
/// by one. Differences of one table stand together.
pub fn diff(before: &Catalogue, after: &Catalogue) -> Vec<Difference> {
    let mut differences = Vec::new();
    let (missing, left_over) = (absent(before, after), absent(after, before));
    for (object, was) in missing {
        differences.push(Difference::Missing { object, was });
    }
    for (object, is) in left_over {
        differences.push(Difference::LeftOver { object, is });
    }
    for (object, was) in &before.objects {
        if let Some(is) = after.objects.get(object) {
            changes(object, was, is, &mut differences);
        }
    }
    reorderings(before, after, &mut differences);
    differences.sort_by_cached_key(|difference| {
        let object = difference.object();
        let table = object.parent.clone().unwrap_or(object.name.clone());
        (object.schema.clone(), table, object.clone())
    });
    differences
}

/// The objects of `of` that are not in `in_other`, each with a few words about it.
fn absent(of: &Catalogue, in_other: &Catalogue) -> Vec<(ObjectName, String)> {
    let (parents, others) = (of.parents(), in_other.parents());
    let absent_parents: BTreeSet<_> = parents.difference(&others).copied().collect();
    let is_part_of_absent = |object: &ObjectName, attributes: &Attributes| {
        let schema = object.schema.as_deref();
        let without_schema =
            schema.is_some_and(|schema| of.has_schema(schema) && !in_other.has_schema(schema));
        let parent = object.parent.as_deref();
        let without_parent =
            parent.is_some_and(|parent| absent_parents.contains(&(schema, parent)));
        let owner = attributes.get(OWNED_BY).and_then(|by| by.rsplit_once('.'));
        let without_owner = owner.is_some_and(|(table, _)| match table.split_once('.') {
            Some((schema, table)) => absent_parents.contains(&(Some(schema), table)),
            None => absent_parents.contains(&(None, table)),
        });
        without_schema || without_parent || without_owner
    };
    let absent = of
        .objects
        .iter()
        .filter(|(object, _)| !in_other.objects.contains_key(object));
    absent
        .filter(|(object, attributes)| !is_part_of_absent(object, attributes))
        .map(|(object, attributes)| (object.clone(), describe(of, object, attributes)))
        .collect()
}

fn changes(
    object: &ObjectName,
    was: &Attributes,
    is: &Attributes,
    differences: &mut Vec<Difference>,
) {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| *name != POSITION && was.get(*name) != is.get(*name));
    differences.extend(changed.map(|name| Difference::Changed {
        object: object.clone(),
        attribute: name.clone(),
        before: was.get(name).cloned(),
        after: is.get(name).cloned(),
    }));
}

fn reorderings(before: &Catalogue, after: &Catalogue, differences: &mut Vec<Difference>) {
    let (before, mut after) = (columns(before, after), columns(after, before));
    for (table, was) in before {
        let is = after.remove(&table).unwrap_or_default();
        if was != is {
            differences.push(Difference::Reordered {
                table,
                before: was,
                after: is,
            });
        }
    }
}

/// The columns of `of` that `in_other` has too, by table, in their order.
pub(super) fn columns(of: &Catalogue, in_other: &Catalogue) -> BTreeMap<ObjectName, Vec<String>> {
    let mut tables: BTreeMap<ObjectName, Vec<(usize, String)>> = BTreeMap::new();
    for (column, attributes) in &of.objects {
        let position = attributes.get(POSITION).and_then(|at| at.parse().ok());
        let table = column.parent.clone();
        if let (Some(position), Some(table), true) =
            (position, table, in_other.objects.contains_key(column))
        {
            let table = ObjectName {
                kind: Kind::Table,
                schema: column.schema.clone(),
                parent: None,
                name: table,
            };
            let columns = tables.entry(table).or_default();
            columns.push((position, column.name.clone()));
        }
    }
    let in_order = tables.into_iter().map(|(table, mut columns)| {
        columns.sort();
        (table, columns.into_iter().map(|(_, name)| name).collect())
    });
    in_order.collect()
}

/// What an object is like, in a few words.
fn describe(of: &Catalogue, object: &ObjectName, attributes: &Attributes) -> String {
    const LONGEST: usize = 100;
    let words: Vec<String> = match object.kind {
        Kind::Schema | Kind::Table | Kind::View | Kind::MaterializedView => parts(of, object),
        _ => SAID
            .iter()
            .filter_map(|(name, said)| {
                let value = attributes.get(*name)?;
                Some(match said {
                    Said::Value => value.clone(),
                    Said::Name => (*name).to_owned(),
                    Said::Both => format!("{name} {value}"),
                })
            })
            .collect(),
    };
    let words = words.join(", ");
    match words.len() <= LONGEST && !words.contains('\n') {
        true => words,
        false => String::new(),
    }
}

/// How an attribute is told in passing.
enum Said {
    Value,
    Name,
    Both,
}

/// The attributes that are told about what is missing or left over.
const SAID: [(&str, Said); 9] = [
    ("type", Said::Value),
    ("values", Said::Value),
    ("unique", Said::Name),
    ("definition", Said::Value),
    ("not null", Said::Name),
    ("default", Said::Both),
    ("generated", Said::Both),
    ("identity", Said::Both),
    ("version", Said::Both),
];

/// `3 columns, 1 index`: what goes along with an object.
fn parts(of: &Catalogue, object: &ObjectName) -> Vec<String> {
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for part in of.objects.keys() {
        let belongs = match object.kind {
            Kind::Schema => part.schema.as_ref() == Some(&object.name) && part.parent.is_none(),
            _ => part.schema == object.schema && part.parent.as_ref() == Some(&object.name),
        };
        if belongs {
            *counts.entry(part.kind).or_default() += 1;
        }
    }
    let counts = counts.into_iter().map(|(kind, count)| match count {
        1 => format!("1 {}", kind.name()),
        _ => format!("{count} {}", kind.plural()),
    });
    counts.collect()
}

impl Difference {
    /// What it is about.
    pub fn object(&self) -> &ObjectName {
        match self {
            Difference::Missing { object, .. }
            | Difference::LeftOver { object, .. }
            | Difference::Changed { object, .. } => object,
            Difference::Reordered { table, .. } => table,
        }
    }

    /// Whether it is only about the order in which columns stand.
    pub fn is_order(&self) -> bool {
        matches!(self, Difference::Reordered { .. })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_brackets = |words: &str| match words {
            "" => String::new(),
            words => format!(" ({words})"),
        };
        match self {
            Difference::Missing { object, was } => {
                write!(f, "missing: {object}{}", in_brackets(was))
            }
            Difference::LeftOver { object, is } => {
                write!(f, "left over: {object}{}", in_brackets(is))
            }
            Difference::Changed {
                object,
                attribute,
                before,
                after,
            } => {
                write!(f, "changed: {object} {attribute}:")?;
                write_change(f, before.as_deref(), after.as_deref())
            }
            Difference::Reordered {
                table,
                before,
                after,
            } => write!(
                f,
                "reordered: columns of {table}: {} → {}",
                before.join(", "),
                after.join(", ")
            ),
        }
    }
}

/// ` integer → bigint`, or the lines that differ below each other where that is too long.
fn write_change(
    f: &mut fmt::Formatter<'_>,
    before: Option<&str>,
    after: Option<&str>,
) -> fmt::Result {
    const LONGEST: usize = 100;
    let (was, is) = (before.unwrap_or("none"), after.unwrap_or("none"));
    if was.len() + is.len() <= LONGEST && !was.contains('\n') && !is.contains('\n') {
        return write!(f, " {was} → {is}");
    }
    let was: Vec<&str> = before.unwrap_or_default().lines().collect();
    let is: Vec<&str> = after.unwrap_or_default().lines().collect();
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = was.iter().zip(&is).take_while(same).count();
    let (was, is) = (&was[head..], &is[head..]);
    let tail = was
        .iter()
        .rev()
        .zip(is.iter().rev())
        .take_while(same)
        .count();
    for line in &was[..was.len() - tail] {
        write!(f, "\n    - {line}")?;
    }
    for line in &is[..is.len() - tail] {
        write!(f, "\n    + {line}")?;
    }
    Ok(())
}
