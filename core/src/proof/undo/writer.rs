//! One difference at a time, as the statements that take it back.
//!
//! What is written here need not be right: it is replayed before anybody sees it.

use std::sync::Arc;

use crate::change::{Name, quoted};
use crate::dialect::{Dialect, Family};
use crate::proof::Difference;
use crate::proof::compare::{Unlike, compare, rule_word};
use crate::schema::print;
use crate::schema::{Body, Column, Key, Object, Table, Trigger};

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

    /// Comment, owner and privileges.
    fn said(&self, before: &Object, after: &Object) -> Option<Vec<String>> {
        let mut statements = Vec::new();
        if before.comment != after.comment {
            statements.push(self.comment(before)?);
        }
        if let Some(owner) = &before.owner
            && before.owner != after.owner
        {
            let (word, name) = self.addressed(before)?;
            statements.push(format!(
                "ALTER {word} {name} OWNER TO {};",
                role(owner, self)
            ));
        }
        if before.grants != after.grants {
            let (word, name) = self.addressed(before)?;
            let word = match &before.body {
                Body::Table(_) | Body::View(_) => "TABLE",
                Body::Enum(_) | Body::Composite(_) | Body::Domain(_) => "TYPE",
                _ => &*word,
            };
            statements.extend(self.grants(
                &before.grants,
                &after.grants,
                &format!("{word} {name}"),
            ));
        }
        Some(statements)
    }

    fn grants(&self, before: &Grants, after: &Grants, on: &str) -> Vec<String> {
        let mut statements = Vec::new();
        for ((who, what), _) in after
            .iter()
            .filter(|(place, _)| !before.contains_key(place))
        {
            statements.push(match what.strip_prefix("no ") {
                Some(what) => format!(
                    "GRANT {} ON {on} TO {};",
                    what.to_uppercase(),
                    role(who, self)
                ),
                None => format!(
                    "REVOKE {} ON {on} FROM {};",
                    privilege(what),
                    role(who, self)
                ),
            });
        }
        for ((who, what), option) in before {
            if after.get(&(who.clone(), what.clone())) == Some(option) {
                continue;
            }
            let with = if *option { " WITH GRANT OPTION" } else { "" };
            statements.push(match what.strip_prefix("no ") {
                Some(what) => format!(
                    "REVOKE {} ON {on} FROM {};",
                    what.to_uppercase(),
                    role(who, self)
                ),
                None => format!(
                    "GRANT {} ON {on} TO {}{with};",
                    privilege(what),
                    role(who, self)
                ),
            });
        }
        statements
    }

    fn comment(&self, object: &Object) -> Option<String> {
        let text = object.comment.as_deref().unwrap_or("NULL");
        if self.family() != Family::Postgres {
            return None;
        }
        let (word, name) = self.addressed(object)?;
        Some(format!("COMMENT ON {word} {name} IS {text};"))
    }

    /// The words with which a statement speaks of an object: `FUNCTION f(integer)`.
    fn addressed(&self, object: &Object) -> Option<(String, String)> {
        let drop = print::drop(self.key, object, self.dialect)?;
        let words = drop.strip_prefix("DROP ")?.strip_suffix(';')?;
        let kinds = [
            "FOREIGN TABLE",
            "MATERIALIZED VIEW",
            "TEXT SEARCH CONFIGURATION",
            "TEXT SEARCH DICTIONARY",
        ];
        let length = match kinds.iter().find(|kind| words.starts_with(**kind)) {
            Some(kind) => kind.len(),
            None => words.find(' ')?,
        };
        Some((words[..length].to_owned(), words[length + 1..].to_owned()))
    }

    fn words_of_column(&self, column: &Column) -> Vec<String> {
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
    pub(super) fn reset(
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

    fn body(&self, before: &Arc<Object>, after: &Arc<Object>) -> Option<Vec<String>> {
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

    fn options(&self, was: &Table, is: &Table) -> Option<Vec<String>> {
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

    fn column(&self, was: &Column, is: &Column, attributes: &[&str]) -> Option<Vec<String>> {
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

fn one(statement: String) -> Option<Vec<String>> {
    Some(vec![statement])
}

fn role(name: &Name, writer: &Writer<'_>) -> String {
    match name.as_str() {
        "public" => "PUBLIC".to_owned(),
        name => writer.name(name),
    }
}

/// `select (a, b)` with its word in upper case.
fn privilege(text: &str) -> String {
    match text.split_once(' ') {
        Some((word, rest)) if rest.starts_with('(') => format!("{} {rest}", word.to_uppercase()),
        _ => text.to_uppercase(),
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

/// The name of the constraint that a part speaks of: `foreign key users_org_fkey`.
fn constraint_named(table: &Table, part: &str) -> Option<String> {
    table
        .constraints
        .iter()
        .find(|(name, constraint)| part == format!("{} {name}", rule_word(&constraint.rule)))
        .map(|(name, _)| name.as_str().to_owned())
}
