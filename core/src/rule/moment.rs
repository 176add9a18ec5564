//! The model as it was at one moment of a migration.

use std::sync::Arc;

use super::situation::Situation;
use crate::change::{Fragment, Name, ObjectName};
use crate::dialect::Dialect;
use crate::dialect::phrase::parentheses;
use crate::lex::{self, Lexeme, TokenKind};
use crate::schema::{Body, Class, Constraint, Foreign, Index, Key, Object, Rule, Table};

/// The model before or after a statement.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'s> {
    pub(crate) situation: &'s Situation<'s>,
    /// How many writes the model had seen since the migration began.
    pub(crate) writes: usize,
}

impl<'s> Moment<'s> {
    /// The object of that key.
    pub(crate) fn get(self, key: &Key) -> Option<&'s Arc<Object>> {
        self.situation.object_at(key, self.writes)
    }

    /// The table of that key.
    pub(crate) fn table(self, key: &Key) -> Option<&'s Table> {
        self.get(key)?.table()
    }

    /// The relation of that name.
    pub(crate) fn relation(self, name: &ObjectName) -> Option<Key> {
        self.named(Class::Relation, name)
    }

    /// The object of that name.
    pub(crate) fn named(self, class: Class, name: &ObjectName) -> Option<Key> {
        let key = |schema: &Name| Key::new(class, schema.clone(), name.name.clone());
        match &name.schema {
            Some(schema) => Some(key(schema)).filter(|key| self.get(key).is_some()),
            None => {
                let path = self.situation.search_path(self.writes).iter();
                path.map(key).find(|key| self.get(key).is_some())
            }
        }
    }

    /// The objects that name the one of that key.
    pub(crate) fn dependants(self, key: &Key) -> Vec<(&'s Key, &'s Arc<Object>)> {
        let now = self.situation.schema.dependants(key);
        let mut keys: Vec<&Key> = now.chain(self.situation.touched()).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter()
            .filter_map(|dependant| Some((dependant, self.get(dependant)?)))
            .filter(|(_, object)| object.names().contains(key))
            .collect()
    }

    /// The indexes of a table, those of constraints included.
    pub(crate) fn indexes(self, table: &Key) -> Vec<(&'s Key, &'s Index)> {
        let dependants = self.dependants(table).into_iter();
        dependants
            .filter_map(|(key, object)| match &object.body {
                Body::Index(index) if index.table == *table => Some((key, index)),
                _ => None,
            })
            .collect()
    }

    /// The foreign keys that refer to a table: whose they are, their names, and what they say.
    pub(crate) fn children(self, table: &Key) -> Vec<(&'s Key, &'s Name, &'s Foreign)> {
        let dependants = self.dependants(table).into_iter();
        let tables = dependants.filter_map(|(key, object)| Some((key, object.table()?)));
        tables
            .flat_map(|(key, child)| {
                child.constraints.iter().filter_map(move |(name, found)| {
                    let foreign = foreign(found)?;
                    (foreign.table == *table).then_some((key, name, foreign))
                })
            })
            .collect()
    }
}

/// The foreign key that a constraint is, if it is one.
pub(crate) fn foreign(constraint: &Constraint) -> Option<&Foreign> {
    match &constraint.rule {
        Rule::Foreign(foreign) => Some(foreign),
        _ => None,
    }
}

/// The conditions that all have to hold so that `check` does, each as its words.
pub(crate) fn conjuncts(check: &Fragment, dialect: Dialect) -> Vec<Vec<String>> {
    let tokens = lex::lex(&check.text, dialect).tokens;
    let lexemes = lex::lexemes(&check.text, &tokens);
    split_by_and(&lexemes)
}

fn split_by_and(lexemes: &[Lexeme<'_>]) -> Vec<Vec<String>> {
    let lexemes = bare(lexemes);
    let mut depth = 0;
    let mut parts = vec![Vec::new()];
    for lexeme in lexemes {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth -= 1,
            // Either side of an `OR` may hold alone, and the `AND` of a `BETWEEN` joins no conditions.
            TokenKind::Word if depth == 0 && (lexeme.is("OR") || lexeme.is("BETWEEN")) => {
                return Vec::new();
            }
            TokenKind::Word if depth == 0 && lexeme.is("AND") => {
                parts.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(*lexeme);
        }
    }
    if let [_] = parts.as_slice() {
        return vec![
            lexemes
                .iter()
                .map(|lexeme| lexeme.text.to_lowercase())
                .collect(),
        ];
    }
    parts.iter().flat_map(|part| split_by_and(part)).collect()
}

/// Without parentheses around all of them.
fn bare<'l, 't>(lexemes: &'l [Lexeme<'t>]) -> &'l [Lexeme<'t>] {
    match lexemes {
        [first, inner @ .., last]
            if first.text == "(" && last.text == ")" && parentheses(lexemes) == lexemes.len() =>
        {
            bare(inner)
        }
        _ => lexemes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_hold_comes_apart() {
        let dialect = Dialect::Postgres;
        let count = |text| conjuncts(&Fragment::parse(text, dialect), dialect).len();
        assert_eq!(count("a IS NOT NULL"), 1);
        assert_eq!(count("(a IS NOT NULL) AND (a <> '' AND b > 0)"), 3);
        assert_eq!(count("a IS NOT NULL OR b"), 0);
        assert_eq!(count("a BETWEEN 1 AND 2"), 0);
    }
}
