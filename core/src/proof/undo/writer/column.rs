//! A column that is to be what it was.

use std::sync::Arc;

use super::{Grants, Writer, constraint_named, one};
use crate::dialect::Family;
use crate::schema::print;
use crate::schema::{Body, Column, Object};

impl Writer<'_> {
    pub(super) fn words_of_column(&self, column: &Column) -> Vec<String> {
        if self.family() != Family::Postgres {
            return Vec::new();
        }
        let (table, name) = (self.full_name(), self.name(column.name.as_str()));
        let comment = column.comment.iter();
        let comment = comment.map(|text| format!("COMMENT ON COLUMN {table}.{name} IS {text};"));
        let grants = self.grants(&column.grants, &Grants::new(), &table);
        comment.chain(grants).collect()
    }

    /// Gives attributes of an object, or of a part of it, their values back.
    pub(in crate::proof::undo) fn reset(
        &self,
        before: &Arc<Object>,
        after: &Arc<Object>,
        part: &str,
        attributes: &[&str],
    ) -> Option<Vec<String>> {
        if let Some(name) = part.strip_prefix("column ") {
            let find = |object: &Arc<Object>| {
                let columns = object.table()?.columns.iter();
                let mut columns = columns.filter(|column| column.name.as_str() == name);
                columns.next().cloned()
            };
            let was = find(before)?;
            let is = find(after).unwrap_or_else(|| Column {
                default: None,
                ..was.clone()
            });
            return self.column(&was, &is, attributes);
        }
        if !part.is_empty() {
            let (Body::Table(was), Body::Table(_)) = (&before.body, &after.body) else {
                return None;
            };
            constraint_named(was, part)?;
            let mut statements = self.undo(before, part)?;
            statements.extend(self.restore(before, part)?);
            return Some(statements);
        }
        let mut statements = Vec::new();
        let general = ["comment", "owner", "privileges"];
        if attributes
            .iter()
            .any(|attribute| general.contains(attribute))
        {
            statements.extend(self.said(before, after)?);
        }
        if attributes
            .iter()
            .all(|attribute| general.contains(attribute))
        {
            return Some(statements);
        }
        statements.extend(self.body(before, after)?);
        Some(statements)
    }

    pub(super) fn column(
        &self,
        was: &Column,
        is: &Column,
        attributes: &[&str],
    ) -> Option<Vec<String>> {
        let table = self.full_name();
        let name = self.name(was.name.as_str());
        match self.family() {
            Family::Sqlite => return None,
            Family::MySql => {
                let definition = print::column(was, self.dialect);
                return one(format!("ALTER TABLE {table} MODIFY COLUMN {definition};"));
            }
            Family::Postgres => {}
        }
        let mut statements = Vec::new();
        let mut alter = |action: String| {
            statements.push(format!("ALTER TABLE {table} ALTER COLUMN {name} {action};"));
        };
        let has = |attribute: &str| attributes.contains(&attribute);
        match (&was.generated, &is.generated) {
            (None, Some(_)) => alter("DROP EXPRESSION".to_owned()),
            (None, None) => {}
            (was, is) if was == is => {}
            _ => return None,
        }
        if was.identity.is_none() && is.identity.is_some() {
            alter("DROP IDENTITY".to_owned());
        }
        let is_retyped = has("type") || has("collation");
        if is_retyped {
            // A default is of the old type.
            if is.default.is_some() {
                alter("DROP DEFAULT".to_owned());
            }
            let data_type = &was.data_type;
            let collation = match &was.collation {
                Some(collation) => format!(" COLLATE {}", collation.text),
                None => String::new(),
            };
            let using = match has("type") {
                true => format!(" USING {name}::{data_type}"),
                false => String::new(),
            };
            alter(format!("TYPE {data_type}{collation}{using}"));
        }
        match &was.default {
            Some(default) if has("default") || is_retyped => {
                alter(format!("SET DEFAULT {}", default.text));
            }
            None if has("default") && !is_retyped => alter("DROP DEFAULT".to_owned()),
            _ => {}
        }
        if has("nullability") {
            alter(
                if was.not_null {
                    "SET NOT NULL"
                } else {
                    "DROP NOT NULL"
                }
                .to_owned(),
            );
        }
        let kind = |always: bool| if always { "ALWAYS" } else { "BY DEFAULT" };
        match (was.identity, is.identity) {
            (Some(always), None) => alter(format!("ADD GENERATED {} AS IDENTITY", kind(always))),
            (Some(always), Some(other)) if always != other => {
                alter(format!("SET GENERATED {}", kind(always)));
            }
            _ => {}
        }
        for option in was.options.keys().chain(is.options.keys()) {
            let value = was.options.get(option);
            if value == is.options.get(option) {
                continue;
            }
            alter(match (&**option, value) {
                ("statistics", None) => "SET STATISTICS -1".to_owned(),
                ("compression", None) => "SET COMPRESSION DEFAULT".to_owned(),
                ("statistics" | "compression" | "storage", Some(value)) => {
                    format!("SET {} {value}", option.to_uppercase())
                }
                _ => return None,
            });
        }
        if has("comment") {
            let text = was.comment.as_deref().unwrap_or("NULL");
            statements.push(format!("COMMENT ON COLUMN {table}.{name} IS {text};"));
        }
        if has("privileges") {
            statements.extend(self.grants(&was.grants, &is.grants, &table));
        }
        statements.dedup();
        Some(statements)
    }
}
