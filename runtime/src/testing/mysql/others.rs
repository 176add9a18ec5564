//! Views, triggers, routines and what else there is beside tables.

use std::collections::BTreeMap;

use sqlx::MySql;

use super::{Reader, Row, Rows};
use crate::engine::Driver;
use crate::message::Answer;
use crate::testing::catalogue::Kind;

impl Reader<'_> {
    pub(super) fn views(&mut self, views: &Rows) {
        let qualified = format!("{}.", MySql::quote_name(&self.database));
        for row in views.iter() {
            let mut attributes = row.attributes(&[
                ("CHECK_OPTION", "check option", "NONE"),
                ("DEFINER", "definer", ""),
                ("SECURITY_TYPE", "security", "DEFINER"),
                ("ALGORITHM", "algorithm", "UNDEFINED"),
            ]);
            let definition = row.text("VIEW_DEFINITION").replace(&qualified, "");
            attributes.insert("definition".to_owned(), definition);
            self.add(Kind::View, None, row.text("TABLE_NAME"), attributes);
        }
    }

    pub(super) fn triggers(&mut self, triggers: &Rows) {
        for row in triggers.iter() {
            let mut attributes = row.attributes(&[
                ("ACTION_ORDER", "order", "1"),
                ("SQL_MODE", "sql mode", ""),
                ("DEFINER", "definer", ""),
            ]);
            let definition = format!(
                "{} {} {}",
                row.text("ACTION_TIMING"),
                row.text("EVENT_MANIPULATION"),
                row.text("ACTION_STATEMENT")
            );
            attributes.insert("definition".to_owned(), definition);
            let table = row.get("EVENT_OBJECT_TABLE");
            self.add(Kind::Trigger, table, row.text("TRIGGER_NAME"), attributes);
        }
    }

    pub(super) fn routines(&mut self, routines: &Rows, parameters: &Rows) {
        for row in routines.iter() {
            let kind = match row.get("ROUTINE_TYPE") {
                Some("FUNCTION") => Kind::Function,
                _ => Kind::Procedure,
            };
            let mut attributes = row.attributes(&[
                ("ROUTINE_TYPE", "form", kind.name().to_uppercase().as_str()),
                ("DTD_IDENTIFIER", "returns", ""),
                ("ROUTINE_DEFINITION", "definition", ""),
                ("IS_DETERMINISTIC", "deterministic", "NO"),
                ("SQL_DATA_ACCESS", "data access", "CONTAINS SQL"),
                ("SECURITY_TYPE", "security", "DEFINER"),
                ("SQL_MODE", "sql mode", ""),
                ("DEFINER", "definer", ""),
                ("ROUTINE_COMMENT", "comment", ""),
            ]);
            let is_its = |parameter: &Row<'_>| {
                parameter.get("SPECIFIC_NAME") == row.get("SPECIFIC_NAME")
                    && parameter.get("ROUTINE_TYPE") == row.get("ROUTINE_TYPE")
            };
            let words = ["PARAMETER_MODE", "PARAMETER_NAME", "DTD_IDENTIFIER"];
            let parameters = parameters.iter().filter(is_its).map(|parameter| {
                let words: Vec<_> = words.iter().filter_map(|one| parameter.get(one)).collect();
                words.join(" ")
            });
            let parameters: Vec<String> = parameters.collect();
            let parameters = format!("({})", parameters.join(", "));
            attributes.insert("parameters".to_owned(), parameters);
            self.add(kind, None, row.text("ROUTINE_NAME"), attributes);
        }
    }

    /// Without the moments at which they start and end: where the statement names none, they come
    /// from the clock.
    pub(super) fn events(&mut self, events: &Rows) {
        for row in events.iter() {
            let mut attributes = row.attributes(&[
                ("EVENT_DEFINITION", "definition", ""),
                ("STATUS", "status", "ENABLED"),
                ("ON_COMPLETION", "on completion", "NOT PRESERVE"),
                ("SQL_MODE", "sql mode", ""),
                ("DEFINER", "definer", ""),
                ("EVENT_COMMENT", "comment", ""),
            ]);
            let every = match (row.get("INTERVAL_VALUE"), row.get("INTERVAL_FIELD")) {
                (Some(value), Some(field)) => format!("every {value} {}", field.to_lowercase()),
                _ => "once".to_owned(),
            };
            attributes.insert("schedule".to_owned(), every);
            self.add(Kind::Event, None, row.text("EVENT_NAME"), attributes);
        }
    }

    /// Privileges stay when what they are for is dropped, so they are objects of their own.
    pub(super) fn grants(&mut self, grants: &Rows) {
        let mut privileges: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in grants.iter() {
            let column = row.get("COLUMN_NAME").map(|column| format!(".{column}"));
            let place = format!(
                "on {}{} to {}",
                row.text("TABLE_NAME"),
                column.unwrap_or_default(),
                row.text("GRANTEE")
            );
            let option = match row.get("IS_GRANTABLE") {
                Some("YES") => " with grant option",
                _ => "",
            };
            let privilege = format!("{}{option}", row.text("PRIVILEGE_TYPE"));
            privileges.entry(place).or_default().push(privilege);
        }
        for (place, privileges) in privileges {
            let attributes = [("definition".to_owned(), privileges.join(", "))];
            self.add(Kind::Grant, None, place, attributes.into());
        }
    }

    /// ``CREATE SEQUENCE `name` start with 1 …``
    pub(super) fn sequence(&mut self, name: String, answers: Vec<Answer>) {
        let row = answers
            .into_iter()
            .next()
            .and_then(|answer| answer.rows.into_iter().next());
        let statement = row
            .and_then(|row| row.into_iter().nth(1)?)
            .unwrap_or_default();
        let quoted = MySql::quote_name(&name);
        let definition = statement
            .split_once(&quoted)
            .map_or("", |(_, rest)| rest.trim());
        let attributes = [("definition".to_owned(), definition.to_owned())];
        self.add(Kind::Sequence, None, name, attributes.into());
    }
}
