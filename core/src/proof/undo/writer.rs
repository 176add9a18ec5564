//! One difference at a time, as the statements that take it back.
//!
//! What is written here need not be right: it is replayed before anybody sees it.

mod body;
mod column;
mod said;

use std::sync::Arc;

use crate::change::{Name, quoted};
use crate::dialect::{Dialect, Family};
use crate::proof::Difference;
use crate::proof::compare::{Unlike, compare, rule_word};
use crate::schema::print;
use crate::schema::{Body, Key, Object, Table};

/// Who may do what: by role and privilege, and whether it may be passed on.
type Grants = std::collections::BTreeMap<(Name, Arc<str>), bool>;

/// What brings an object back.
pub(super) struct Changes {
    /// What is taken away first: constraints, for which an index may be needed.
    pub(super) freed: Vec<String>,
    /// The rest, in order.
    pub(super) changed: Vec<String>,
}

/// How views and functions get their old definition back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacing {
    /// By `OR REPLACE`, where that may do.
    InPlace,
    /// They are dropped and made again.
    Anew,
}

/// Writes statements about one object.
pub(super) struct Writer<'k> {
    pub(super) dialect: Dialect,
    pub(super) key: &'k Key,
    pub(super) replacing: Replacing,
    /// The statement that made an object, where one is found that makes it as it was.
    pub(super) original: &'k dyn Fn(&Key) -> Option<String>,
}

impl Writer<'_> {
    fn name(&self, name: &str) -> String {
        quoted(name, self.dialect)
    }

    fn full_name(&self) -> String {
        print::full_name(self.key, self.dialect)
    }

    fn family(&self) -> Family {
        self.dialect.modelling().family
    }

    /// What makes of the object `after` the one `before`.
    pub(super) fn change(&self, before: &Arc<Object>, after: &Arc<Object>) -> Option<Changes> {
        // Seen from behind: what is there now and was not before is not restored.
        let unlike = compare(self.key, Some(after), Some(before), self.dialect);
        let (mut freed, mut statements) = (Vec::new(), Vec::new());
        let (changed, others): (Vec<&Unlike>, Vec<&Unlike>) = unlike
            .iter()
            .partition(|one| matches!(one.difference, Difference::Restored { .. }));
        // Names are free before they are given again, and columns there before they are named.
        let is_column = |one: &Unlike| one.part.starts_with("column ");
        let gone = |one: &&&Unlike| one.difference == Difference::NotRestored;
        for one in others.iter().filter(gone).filter(|one| !is_column(one)) {
            freed.extend(self.undo(after, &one.part)?);
        }
        for one in others.iter().filter(gone).filter(|one| is_column(one)) {
            statements.extend(self.undo(after, &one.part)?);
        }
        let mut parts: Vec<&str> = changed.iter().map(|one| &*one.part).collect();
        parts.dedup();
        let come = |one: &&&Unlike| one.difference == Difference::NotUndone;
        for one in others.iter().filter(come).filter(|one| is_column(one)) {
            statements.extend(self.restore(before, &one.part)?);
        }
        for part in parts {
            let attributes = changed.iter().filter(|one| one.part == part);
            let attributes: Vec<&str> = attributes
                .filter_map(|one| match &one.difference {
                    Difference::Restored { attribute, .. } => Some(*attribute),
                    Difference::NotUndone | Difference::NotRestored => None,
                })
                .collect();
            statements.extend(self.reset(before, after, part, &attributes)?);
        }
        for one in others.iter().filter(come).filter(|one| !is_column(one)) {
            statements.extend(self.restore(before, &one.part)?);
        }
        Some(Changes {
            freed,
            changed: statements,
        })
    }

    /// Takes away what the UP made.
    pub(super) fn undo(&self, object: &Arc<Object>, part: &str) -> Option<Vec<String>> {
        let table = self.full_name();
        if let Some(column) = part.strip_prefix("column ") {
            return one(format!(
                "ALTER TABLE {table} DROP COLUMN {};",
                self.name(column)
            ));
        }
        if let Body::Table(owner) = &object.body
            && let Some(name) = constraint_named(owner, part)
        {
            let name = self.name(&name);
            return match (self.family(), part) {
                (Family::Sqlite, _) => None,
                (Family::MySql, part) if part.starts_with("foreign key") => {
                    one(format!("ALTER TABLE {table} DROP FOREIGN KEY {name};"))
                }
                (Family::MySql, part) if part.starts_with("primary key") => {
                    one(format!("ALTER TABLE {table} DROP PRIMARY KEY;"))
                }
                (Family::MySql, part) if part.starts_with("unique") => {
                    one(format!("ALTER TABLE {table} DROP INDEX {name};"))
                }
                _ => one(format!("ALTER TABLE {table} DROP CONSTRAINT {name};")),
            };
        }
        if !part.is_empty() {
            return None;
        }
        one(print::drop(self.key, object, self.dialect)?)
    }

    /// Makes again what the UP took away.
    pub(super) fn restore(&self, object: &Arc<Object>, part: &str) -> Option<Vec<String>> {
        let table = self.full_name();
        if let Some(name) = part.strip_prefix("column ") {
            let owner = object.table()?;
            let at = owner
                .columns
                .iter()
                .position(|column| column.name.as_str() == name)?;
            let column = &owner.columns[at];
            // Such a column has to be a key at once.
            if column.auto_increment && self.family() == Family::MySql {
                return None;
            }
            let definition = print::column_of(self.key, column, self.dialect);
            let place = match (self.family(), at) {
                (Family::MySql, 0) => " FIRST".to_owned(),
                (Family::MySql, _) if at + 1 < owner.columns.len() => {
                    format!(" AFTER {}", self.name(owner.columns[at - 1].name.as_str()))
                }
                _ => String::new(),
            };
            let mut statements = vec![format!(
                "ALTER TABLE {table} ADD COLUMN {definition}{place};"
            )];
            statements.extend(self.words_of_column(column));
            return Some(statements);
        }
        if let Body::Table(owner) = &object.body
            && let Some(name) = constraint_named(owner, part)
        {
            let found = owner.constraints.iter();
            let (name, constraint) = found
                .into_iter()
                .find(|(other, _)| other.as_str() == name)?;
            if self.family() == Family::Sqlite {
                return None;
            }
            let definition = print::constraint(name, constraint, self.dialect);
            let mut statements = vec![format!("ALTER TABLE {table} ADD {definition};")];
            if let Some(comment) = &constraint.comment {
                let name = self.name(name.as_str());
                statements.push(format!(
                    "COMMENT ON CONSTRAINT {name} ON {table} IS {comment};"
                ));
            }
            return Some(statements);
        }
        match part.is_empty() {
            true => self.remake(object),
            false => None,
        }
    }

    /// The object with everything that was said about it later.
    fn remake(&self, object: &Arc<Object>) -> Option<Vec<String>> {
        let bare = Object::new(object.body.clone());
        let is_written = matches!(
            object.body,
            Body::Table(_) | Body::Index(_) | Body::Sequence(_) | Body::Enum(_)
        );
        let printed = || print::create(self.key, &bare, self.dialect);
        let original = || (self.original)(self.key);
        let made = match is_written {
            true => printed().or_else(original),
            false => original().or_else(printed),
        };
        let mut statements = vec![made?];
        if let (Body::Table(table), Family::Postgres) = (&object.body, self.family()) {
            for column in &table.columns {
                statements.extend(self.words_of_column(column));
            }
            statements.extend(self.options(table, &Table::default())?);
        }
        statements.extend(self.said(object, &Object::new(Body::Doubt))?);
        Some(statements)
    }

    /// The object, dropped and made again.
    pub(super) fn remade(&self, object: &Arc<Object>) -> Option<Vec<String>> {
        match &object.body {
            Body::Index(_)
            | Body::View(_)
            | Body::Routine(_)
            | Body::Trigger(_)
            | Body::Other(_) => {
                let mut statements = self.undo(object, "")?;
                statements.extend(self.remake(object)?);
                Some(statements)
            }
            _ => None,
        }
    }
}

fn one(statement: String) -> Option<Vec<String>> {
    Some(vec![statement])
}

/// The name of the constraint that a part speaks of: `foreign key users_org_fkey`.
fn constraint_named(table: &Table, part: &str) -> Option<String> {
    table
        .constraints
        .iter()
        .find(|(name, constraint)| part == format!("{} {name}", rule_word(&constraint.rule)))
        .map(|(name, _)| name.as_str().to_owned())
}
