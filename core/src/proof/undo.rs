//! What to write so that a leftover is undone.
//!
//! One statement or two for each difference, in terms of what was before the UP. Where the model
//! does not know enough to write them, nothing is suggested.

use std::sync::Arc;

use super::Difference;
use super::compare::{Unlike, rule_word};
use super::run::{Case, differences};
use crate::change::{self, quoted};
use crate::dialect::{Dialect, Family};
use crate::replay::{self, Session};
use crate::schema::print;
use crate::schema::{Body, Class, Key, Object, Table};
use crate::source::Span;

/// The statements that undo a difference; none where they are not known.
pub(super) fn statements(case: &Case<'_>, key: &Key, unlike: &Unlike) -> Vec<String> {
    let dialect = case.schema.dialect();
    let touched = case.schema.touched(case.start);
    let before = match touched.get(key) {
        Some(before) => before.clone(),
        None => case.schema.get(key).cloned(),
    };
    let after = case.schema.get(key).cloned();
    let writer = Writer { dialect, key };
    let statement = match &unlike.difference {
        Difference::NotUndone => after.and_then(|after| writer.undo(&after, &unlike.part)),
        Difference::NotRestored => before.and_then(|before| writer.restore(&before, &unlike.part)),
        Difference::Restored { attribute, .. } => {
            before.and_then(|before| writer.reset(&before, &unlike.part, attribute))
        }
    };
    statement.into_iter().collect()
}

struct Writer<'k> {
    dialect: Dialect,
    key: &'k Key,
}

impl Writer<'_> {
    fn name(&self, name: &str) -> String {
        quoted(name, self.dialect)
    }

    fn full_name(&self) -> String {
        print::full_name(self.key, self.dialect)
    }

    /// Takes away what the UP made.
    fn undo(&self, object: &Arc<Object>, part: &str) -> Option<String> {
        let table = self.full_name();
        if let Some(column) = part.strip_prefix("column ") {
            return Some(format!(
                "ALTER TABLE {table} DROP COLUMN {};",
                self.name(column)
            ));
        }
        if let Body::Table(owner) = &object.body
            && let Some(name) = constraint_named(owner, part)
        {
            let name = self.name(&name);
            return match (self.dialect.modelling().family, part) {
                (Family::Sqlite, _) => None,
                (Family::MySql, part) if part.starts_with("foreign key") => {
                    Some(format!("ALTER TABLE {table} DROP FOREIGN KEY {name};"))
                }
                _ => Some(format!("ALTER TABLE {table} DROP CONSTRAINT {name};")),
            };
        }
        if !part.is_empty() {
            return None;
        }
        print::drop(self.key, object, self.dialect)
    }

    /// Makes again what the UP took away.
    fn restore(&self, object: &Arc<Object>, part: &str) -> Option<String> {
        let table = self.full_name();
        if let Some(name) = part.strip_prefix("column ") {
            let column = object
                .table()?
                .columns
                .iter()
                .find(|column| column.name.as_str() == name)?;
            let definition = print::column(column, self.dialect);
            return Some(format!("ALTER TABLE {table} ADD COLUMN {definition};"));
        }
        if let Body::Table(owner) = &object.body
            && let Some(name) = constraint_named(owner, part)
        {
            let (name, constraint) = owner
                .constraints
                .iter()
                .find(|(other, _)| other.as_str() == name)?;
            if self.dialect.modelling().family == Family::Sqlite {
                return None;
            }
            let definition = print::constraint(name, constraint, self.dialect);
            return Some(format!("ALTER TABLE {table} ADD {definition};"));
        }
        match part.is_empty() {
            true => print::create(self.key, object, self.dialect),
            false => None,
        }
    }

    /// Gives an attribute of a column back its value.
    fn reset(&self, object: &Arc<Object>, part: &str, attribute: &str) -> Option<String> {
        let name = part.strip_prefix("column ")?;
        let column = object
            .table()?
            .columns
            .iter()
            .find(|column| column.name.as_str() == name)?;
        let table = self.full_name();
        let name = self.name(name);
        let change = match (self.dialect.modelling().family, attribute) {
            (Family::Sqlite, _) => return None,
            (Family::MySql, _) => {
                let definition = print::column(column, self.dialect);
                return Some(format!("ALTER TABLE {table} MODIFY COLUMN {definition};"));
            }
            (Family::Postgres, "type") => {
                format!("TYPE {0} USING {name}::{0}", column.data_type)
            }
            (Family::Postgres, "nullability") if column.not_null => "SET NOT NULL".to_owned(),
            (Family::Postgres, "nullability") => "DROP NOT NULL".to_owned(),
            (Family::Postgres, "default") => match &column.default {
                Some(default) => format!("SET DEFAULT {}", default.text),
                None => "DROP DEFAULT".to_owned(),
            },
            (Family::Postgres, "comment") => {
                let text = column.comment.as_deref().unwrap_or("NULL");
                return Some(format!("COMMENT ON COLUMN {table}.{name} IS {text};"));
            }
            _ => return None,
        };
        Some(format!("ALTER TABLE {table} ALTER COLUMN {name} {change};"))
    }
}

/// The name of the constraint that a part speaks of: `foreign key users_org_fkey`.
fn constraint_named(table: &Table, part: &str) -> Option<String> {
    table
        .constraints
        .iter()
        .find(|(name, constraint)| part == format!("{} {name}", rule_word(&constraint.rule)))
        .map(|(name, _)| name.as_str().to_owned())
}

/// The statements that take back what the UP of a case did, last first; `None` when the model does
/// not know all of them.
pub(super) fn everything(case: &Case<'_>) -> Option<Vec<String>> {
    let dialect = case.schema.dialect();
    let touched = case.schema.touched(case.start);
    let mut order: Vec<&Key> = Vec::new();
    let entries = case.schema.between(case.start, case.middle);
    for entry in entries {
        if !order.contains(&&entry.key) {
            order.push(&entry.key);
        }
    }
    let mut statements = Vec::new();
    for key in order.into_iter().rev() {
        let before = touched.get(key)?.clone();
        let after = case.schema.get(key).cloned();
        if key.class == Class::Doubt {
            return None;
        }
        let writer = Writer { dialect, key };
        let came_with = |object: &Object| goes_with(object, &touched);
        match (&before, &after) {
            (None, None) => {}
            (None, Some(after)) if came_with(after) => {}
            (None, Some(after)) => statements.push(writer.undo(after, "")?),
            (Some(_), None) => return None,
            (Some(before), Some(after)) => {
                let unlike = super::compare::compare(key, Some(after), Some(before), dialect);
                for unlike in unlike.iter().rev() {
                    // Seen from behind: what is there after the UP and was not before.
                    statements.push(match &unlike.difference {
                        Difference::NotRestored => writer.undo(after, &unlike.part)?,
                        Difference::NotUndone => writer.restore(before, &unlike.part)?,
                        Difference::Restored { attribute, .. } => {
                            writer.reset(before, &unlike.part, attribute)?
                        }
                    });
                }
            }
        }
    }
    statements.dedup();
    (!statements.is_empty()).then_some(statements)
}

/// Whether an object goes with its table or column by itself.
fn goes_with(
    object: &Object,
    touched: &std::collections::BTreeMap<Key, Option<Arc<Object>>>,
) -> bool {
    let is_new = |key: &Key| touched.get(key).is_some_and(|before| before.is_none());
    let is_new_column = |key: &Key, column: &crate::change::Name| {
        is_new(key)
            || touched
                .get(key)
                .and_then(|before| before.as_ref())
                .is_some_and(|before| {
                    before
                        .table()
                        .is_some_and(|table| table.column(column).is_none())
                })
    };
    match &object.body {
        Body::Index(index) => index.constraint.is_some() || is_new(&index.table),
        Body::Sequence(sequence) => sequence
            .owned_by
            .as_ref()
            .is_some_and(|(table, column)| is_new_column(table, column)),
        Body::Trigger(trigger) => is_new(&trigger.table),
        Body::Other(other) => other.table.as_ref().is_some_and(is_new),
        _ => false,
    }
}

/// The whole DOWN as it should be, when it is known and proven on the model.
pub(super) fn whole_down(case: &Case<'_>) -> Option<String> {
    let statements = everything(case)?;
    let mut schema = case.schema.clone();
    let mut session = Session::default();
    for text in &statements {
        let span = Span::new(0..text.trim_end_matches(';').len());
        let change = change::read(text, span, schema.dialect()).ok()?;
        let outcome = replay::apply(&mut schema, &mut session, &change, span);
        if !outcome.findings.is_empty() || !outcome.unknowns.is_empty() {
            return None;
        }
    }
    differences(&schema, case.start)
        .is_empty()
        .then(|| statements.join("\n"))
}
