//! An object of another kind than a table that is to be what it was, and the settings of tables.

use std::sync::Arc;

use super::{Replacing, Writer, one};
use crate::dialect::Family;
use crate::schema::print;
use crate::schema::{Body, Object, Table, Trigger};

impl Writer<'_> {
    pub(super) fn body(&self, before: &Arc<Object>, after: &Arc<Object>) -> Option<Vec<String>> {
        let name = self.full_name();
        match (&before.body, &after.body) {
            (Body::Table(was), Body::Table(is)) => {
                let mut statements = self.options(was, is)?;
                match (&was.partition_of, &is.partition_of) {
                    (None, Some((parent, _))) => {
                        let parent = print::full_name(parent, self.dialect);
                        statements.push(format!("ALTER TABLE {parent} DETACH PARTITION {name};"));
                    }
                    (Some((parent, bound)), None) => {
                        let parent = print::full_name(parent, self.dialect);
                        let bound = &bound.text;
                        statements.push(format!(
                            "ALTER TABLE {parent} ATTACH PARTITION {name} {bound};"
                        ));
                    }
                    _ => {}
                }
                Some(statements)
            }
            (Body::View(_), Body::View(_)) | (Body::Routine(_), Body::Routine(_)) => {
                let made = (self.original)(self.key).or_else(|| {
                    print::create(self.key, &Object::new(before.body.clone()), self.dialect)
                })?;
                if self.replacing == Replacing::InPlace
                    && let Some(replacing) = or_replace(&made)
                    && self.may_replace(before, after)
                {
                    return one(replacing);
                }
                self.remade(before)
            }
            (Body::Sequence(was), Body::Sequence(is)) => {
                let mut parts = Vec::new();
                for (option, value) in &was.options {
                    if is.options.get(option) != Some(value) {
                        parts.push(sequence_option(option, Some(value))?);
                    }
                }
                for option in is.options.keys() {
                    if !was.options.contains_key(option) {
                        parts.push(sequence_option(option, None)?);
                    }
                }
                if was.owned_by != is.owned_by {
                    parts.push(match &was.owned_by {
                        None => "OWNED BY NONE".to_owned(),
                        Some((table, column)) => format!(
                            "OWNED BY {}.{}",
                            print::full_name(table, self.dialect),
                            self.name(column.as_str())
                        ),
                    });
                }
                one(format!("ALTER SEQUENCE {name} {};", parts.join(" ")))
            }
            (Body::Composite(was), Body::Composite(is)) => {
                let mut actions = Vec::new();
                for (attribute, data_type) in is {
                    let shown = self.name(attribute.as_str());
                    match was.iter().find(|(other, _)| other == attribute) {
                        None => actions.push(format!("DROP ATTRIBUTE {shown}")),
                        Some((_, old)) if old != data_type => {
                            actions.push(format!("ALTER ATTRIBUTE {shown} TYPE {old}"));
                        }
                        Some(_) => {}
                    }
                }
                for (attribute, data_type) in was {
                    if !is.iter().any(|(other, _)| other == attribute) {
                        let shown = self.name(attribute.as_str());
                        actions.push(format!("ADD ATTRIBUTE {shown} {data_type}"));
                    }
                }
                one(format!("ALTER TYPE {name} {};", actions.join(", ")))
            }
            (Body::Domain(was), Body::Domain(is)) => {
                let mut statements = Vec::new();
                let mut alter =
                    |action: String| statements.push(format!("ALTER DOMAIN {name} {action};"));
                for (check, value) in &is.checks {
                    if was.checks.get(check) != Some(value) {
                        alter(format!("DROP CONSTRAINT {}", self.name(check.as_str())));
                    }
                }
                for (check, value) in &was.checks {
                    if is.checks.get(check) != Some(value) {
                        let not_valid = if value.1 { " NOT VALID" } else { "" };
                        let shown = self.name(check.as_str());
                        alter(format!(
                            "ADD CONSTRAINT {shown} CHECK ({}){not_valid}",
                            value.0.text
                        ));
                    }
                }
                if was.not_null != is.not_null {
                    alter(
                        if was.not_null {
                            "SET NOT NULL"
                        } else {
                            "DROP NOT NULL"
                        }
                        .to_owned(),
                    );
                }
                if was.default != is.default {
                    alter(match &was.default {
                        Some(default) => format!("SET DEFAULT {}", default.text),
                        None => "DROP DEFAULT".to_owned(),
                    });
                }
                Some(statements)
            }
            (Body::Trigger(was), Body::Trigger(is)) => self.trigger(before, after, was, is),
            (Body::Index(_), Body::Index(_)) | (Body::Other(_), Body::Other(_)) => {
                let mut statements = self.undo(after, "")?;
                statements.extend(self.remake(before)?);
                Some(statements)
            }
            // Labels of enums and whatever else has no way back.
            _ => None,
        }
    }

    fn trigger(
        &self,
        before: &Arc<Object>,
        after: &Arc<Object>,
        was: &Trigger,
        is: &Trigger,
    ) -> Option<Vec<String>> {
        if was.definition != is.definition || was.table != is.table {
            let mut statements = self.undo(after, "")?;
            statements.extend(self.remake(before)?);
            return Some(statements);
        }
        let state = match &*was.state {
            "" => "ENABLE".to_owned(),
            state => state.to_uppercase(),
        };
        let words = match state.split_once(' ') {
            Some((word, rest)) => format!("{word} {rest} TRIGGER"),
            None => format!("{state} TRIGGER"),
        };
        let table = print::full_name(&was.table, self.dialect);
        let name = self.name(self.key.name.as_str());
        one(format!("ALTER TABLE {table} {words} {name};"))
    }

    /// Whether `OR REPLACE` can make the one of the other.
    fn may_replace(&self, before: &Object, after: &Object) -> bool {
        match (&before.body, &after.body) {
            (Body::View(was), Body::View(is)) => {
                !was.materialized
                    && !is.materialized
                    && was.output.is_some()
                    && was.output == is.output
            }
            (Body::Routine(was), Body::Routine(is)) => {
                self.family() == Family::Postgres
                    && was.kind == is.kind
                    && was.returns == is.returns
                    && was.signature == is.signature
            }
            _ => false,
        }
    }

    pub(super) fn options(&self, was: &Table, is: &Table) -> Option<Vec<String>> {
        let table = self.full_name();
        let mut statements = Vec::new();
        let mut alter = |action: String| statements.push(format!("ALTER TABLE {table} {action};"));
        let gone = is
            .options
            .keys()
            .filter(|name| !was.options.contains_key(*name));
        let changed = was
            .options
            .iter()
            .filter(|(name, value)| is.options.get(*name) != Some(value));
        let gone = gone.map(|name| (name, None));
        let changed = changed.map(|(name, value)| (name, Some(value)));
        for (name, value) in gone.chain(changed) {
            alter(match (self.family(), &**name, value) {
                (Family::Sqlite, ..) => return None,
                (Family::MySql, "comment", None) => "COMMENT ''".to_owned(),
                (Family::MySql, _, None) => return None,
                (Family::MySql, name, Some(value)) => format!("{name}={value}"),
                (Family::Postgres, "row level security", None) => {
                    "DISABLE ROW LEVEL SECURITY".to_owned()
                }
                (Family::Postgres, "row level security", Some(_)) => {
                    "ENABLE ROW LEVEL SECURITY".to_owned()
                }
                (Family::Postgres, "force row level security", None) => {
                    "NO FORCE ROW LEVEL SECURITY".to_owned()
                }
                (Family::Postgres, "force row level security", Some(_)) => {
                    "FORCE ROW LEVEL SECURITY".to_owned()
                }
                (Family::Postgres, "replica identity", None) => {
                    "REPLICA IDENTITY DEFAULT".to_owned()
                }
                (Family::Postgres, "replica identity", Some(value)) => {
                    format!("REPLICA IDENTITY {}", value.to_uppercase())
                }
                (Family::Postgres, "cluster", None) => "SET WITHOUT CLUSTER".to_owned(),
                (Family::Postgres, name, _) if name.contains(' ') || name == "tablespace" => {
                    return None;
                }
                (Family::Postgres, name, None) => format!("RESET ({name})"),
                (Family::Postgres, name, Some(value)) => format!("SET ({name} = {value})"),
            });
        }
        let is_unlogged = |table: &Table| table.nature.contains(&"UNLOGGED");
        match (is_unlogged(was), is_unlogged(is)) {
            (false, true) => alter("SET LOGGED".to_owned()),
            (true, false) => alter("SET UNLOGGED".to_owned()),
            _ => {}
        }
        Some(statements)
    }
}

fn sequence_option(name: &str, value: Option<&Arc<str>>) -> Option<String> {
    Some(match (name, value) {
        ("increment", None) => "INCREMENT BY 1".to_owned(),
        ("increment", Some(value)) => format!("INCREMENT BY {value}"),
        ("minvalue" | "maxvalue", None) => format!("NO {}", name.to_uppercase()),
        ("cycle", None) => "NO CYCLE".to_owned(),
        ("cycle", Some(_)) => "CYCLE".to_owned(),
        ("cache", None) => "CACHE 1".to_owned(),
        ("as", None) => "AS bigint".to_owned(),
        ("start", Some(value)) => format!("START WITH {value}"),
        ("minvalue" | "maxvalue" | "cache" | "as", Some(value)) => {
            format!("{} {value}", name.to_uppercase())
        }
        _ => return None,
    })
}

/// The statement with `OR REPLACE` in it.
fn or_replace(statement: &str) -> Option<String> {
    let words = statement.trim_start();
    let rest = words
        .get(6..)
        .filter(|_| words[..6].eq_ignore_ascii_case("create"))?;
    let next = rest.trim_start();
    match next
        .get(..3)
        .is_some_and(|word| word.eq_ignore_ascii_case("or "))
    {
        true => Some(statement.to_owned()),
        false => Some(format!("CREATE OR REPLACE {next}")),
    }
}
