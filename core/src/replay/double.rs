//! Keys of one `CREATE TABLE` that say the same.

use crate::change::{Constraint, ConstraintRule, Ident, Key, KeyExpr, Name};

/// Postgres makes one index of keys of one table that say the same. The first of them takes the
/// name of another where it has none.
pub(super) fn without_doubles(constraints: Vec<Constraint>) -> Vec<Constraint> {
    let mut kept: Vec<Constraint> = Vec::new();
    for constraint in constraints {
        let first = kept
            .iter_mut()
            .find(|first| says_the_same(first, &constraint));
        match first {
            Some(first) => first.name = first.name.take().or(constraint.name),
            None => kept.push(constraint),
        }
    }
    kept
}

fn says_the_same(one: &Constraint, other: &Constraint) -> bool {
    fn key(constraint: &Constraint) -> Option<&Key> {
        match &constraint.rule {
            ConstraintRule::PrimaryKey(key) | ConstraintRule::Unique(key) => Some(key),
            _ => None,
        }
    }
    fn names(idents: &[Ident]) -> impl Iterator<Item = &Name> {
        idents.iter().map(|ident| &ident.name)
    }
    fn columns(key: &Key) -> Option<Vec<(&Name, &str)>> {
        let parts = key.parts.iter();
        let columns = parts.map(|part| match &part.what {
            KeyExpr::Column(column) => Some((&column.name, &*part.order)),
            KeyExpr::Expression(_) => None,
        });
        columns.collect()
    }
    let (Some(key), Some(other_key)) = (key(one), key(other)) else {
        return false;
    };
    columns(key).is_some_and(|columns| !columns.is_empty())
        && columns(key) == columns(other_key)
        && names(&key.include).eq(names(&other_key.include))
        && one.traits == other.traits
}
