//! Objects of the model as the statements that make and drop them.
//!
//! Only what is written here is suggested to people; an object that needs more than one statement,
//! or that the model knows in part, is none.

use std::fmt::Write;

use super::{Body, Class, Column, Constraint, Index, Key, Object, Part, PartOf, Rule, Table};
use crate::change::{Kind, Name, quoted};
use crate::dialect::{Dialect, Family};

/// The word for what an object is.
pub(crate) fn word(body: &Body) -> &'static str {
    match body {
        Body::Table(_) => "table",
        Body::View(view) if view.materialized => "materialised view",
        Body::View(_) => "view",
        Body::Index(_) => "index",
        Body::Sequence(_) => "sequence",
        Body::Enum(_) => "enum",
        Body::Composite(_) => "composite type",
        Body::Domain(_) => "domain",
        Body::Routine(routine) => match routine.kind {
            Kind::Procedure => "procedure",
            Kind::Aggregate => "aggregate",
            _ => "function",
        },
        Body::Trigger(_) => "trigger",
        Body::Other(other) => match other.words {
            "POLICY" => "policy",
            "RULE" => "rule",
            "TYPE" => "type",
            "PRIVILEGE" => "privilege",
            _ => "object",
        },
        Body::Schema => "schema",
        Body::Extension(_) => "extension",
        Body::Doubt => "object",
    }
}

/// The name of an object as one has to write it.
pub(crate) fn full_name(key: &Key, dialect: Dialect) -> String {
    let name = quoted(key.name.as_str(), dialect);
    let modelling = dialect.modelling();
    match key.schema.as_str() {
        "" => name,
        schema if schema == modelling.default_schema => name,
        schema => format!("{}.{name}", quoted(schema, dialect)),
    }
}

/// The statement that drops an object.
pub(crate) fn drop(key: &Key, object: &Object, dialect: Dialect) -> Option<String> {
    let name = full_name(key, dialect);
    let on = |table: &Key| format!("{name} ON {}", full_name(table, dialect));
    let in_own = quoted(key.name.as_str(), dialect);
    Some(match &object.body {
        Body::Table(table) if table.nature.contains(&"FOREIGN") => {
            format!("DROP FOREIGN TABLE {name};")
        }
        Body::Table(_) => format!("DROP TABLE {name};"),
        Body::View(view) if view.materialized => format!("DROP MATERIALIZED VIEW {name};"),
        Body::View(_) => format!("DROP VIEW {name};"),
        Body::Index(index) if key.class == Class::Index => {
            format!(
                "DROP INDEX {in_own} ON {};",
                full_name(&index.table, dialect)
            )
        }
        Body::Index(_) => format!("DROP INDEX {name};"),
        Body::Sequence(_) => format!("DROP SEQUENCE {name};"),
        Body::Enum(_) | Body::Composite(_) => format!("DROP TYPE {name};"),
        Body::Domain(_) => format!("DROP DOMAIN {name};"),
        Body::Routine(routine) => {
            let word = match routine.kind {
                Kind::Procedure => "PROCEDURE",
                Kind::Aggregate => "AGGREGATE",
                _ => "FUNCTION",
            };
            match (dialect.modelling().family, &key.within) {
                (Family::Postgres, Some(arguments)) => {
                    let arguments = arguments.as_str().replace(',', ", ");
                    format!("DROP {word} {name}({arguments});")
                }
                _ => format!("DROP {word} {name};"),
            }
        }
        Body::Trigger(trigger) if dialect.modelling().triggers_belong_to_tables => {
            let table = full_name(&trigger.table, dialect);
            format!("DROP TRIGGER {in_own} ON {table};")
        }
        Body::Trigger(_) => format!("DROP TRIGGER {name};"),
        Body::Other(other) => match &other.table {
            Some(table) => format!(
                "DROP {} {};",
                other.words,
                on(table).replacen(&name, &in_own, 1)
            ),
            None if other.words == "PRIVILEGE" || other.words == "CAST" => return None,
            None => format!("DROP {} {name};", other.words),
        },
        Body::Schema => format!("DROP SCHEMA {name};"),
        Body::Extension(_) => format!("DROP EXTENSION {name};"),
        Body::Doubt => return None,
    })
}

/// The statement that makes an object, where one is enough.
pub(crate) fn create(key: &Key, object: &Object, dialect: Dialect) -> Option<String> {
    let name = full_name(key, dialect);
    let plain = object.comment.is_none() && object.grants.is_empty() && object.owner.is_none();
    if !plain || object.is_open() {
        return None;
    }
    match &object.body {
        Body::Table(table) => create_table(key, table, dialect),
        Body::Index(index) => Some(create_index(key, index, dialect)),
        Body::View(view) if view.options.is_empty() && view.columns.is_none() => {
            let kind = if view.materialized {
                "MATERIALIZED VIEW"
            } else {
                "VIEW"
            };
            Some(format!("CREATE {kind} {name} AS {};", view.query.text))
        }
        Body::Enum(labels) => {
            let labels: Vec<String> = labels
                .iter()
                .map(|label| format!("'{}'", label.replace('\'', "''")))
                .collect();
            Some(format!(
                "CREATE TYPE {name} AS ENUM ({});",
                labels.join(", ")
            ))
        }
        Body::Sequence(sequence) if sequence.owned_by.is_none() && sequence.options.is_empty() => {
            Some(format!("CREATE SEQUENCE {name};"))
        }
        Body::Schema => Some(format!("CREATE SCHEMA {name};")),
        Body::Extension(extension) if extension.schema.is_none() => {
            Some(format!("CREATE EXTENSION {name};"))
        }
        _ => None,
    }
}

fn create_table(key: &Key, table: &Table, dialect: Dialect) -> Option<String> {
    let name = full_name(key, dialect);
    let plain = table.partition_by.is_none()
        && table.partition_of.is_none()
        && table.inherits.is_empty()
        && table.nature.is_empty()
        && (table.options.is_empty() || dialect.modelling().family != Family::Postgres);
    if !plain {
        return None;
    }
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| column_of(key, column, dialect))
        .collect();
    let constraints = table.constraints.iter();
    lines.extend(constraints.map(|(name, constraint)| self::constraint(name, constraint, dialect)));
    let options = table.options.iter();
    let options = options.map(|(name, value)| match value.is_empty() {
        true => name.to_uppercase(),
        false => format!("{name}={value}"),
    });
    let options: Vec<String> = options.collect();
    let options = match (options.is_empty(), dialect.modelling().family) {
        (true, _) => String::new(),
        (false, Family::Sqlite) => format!(" {}", options.join(", ")),
        (false, _) => format!(" {}", options.join(" ")),
    };
    Some(format!(
        "CREATE TABLE {name} (\n    {}\n){options};",
        lines.join(",\n    ")
    ))
}

fn create_index(key: &Key, index: &Index, dialect: Dialect) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let name = quoted(key.name.as_str(), dialect);
    let method = match index.method.is_empty() {
        true => String::new(),
        false => format!(" USING {}", index.method),
    };
    let mut text = format!(
        "CREATE {unique}INDEX {name} ON {}{method} ({})",
        full_name(&index.table, dialect),
        parts(&index.parts, dialect)
    );
    if !index.include.is_empty() {
        let _ = write!(text, " INCLUDE ({})", names(&index.include, dialect));
    }
    if let Some(condition) = &index.condition {
        let _ = write!(text, " WHERE {}", condition.text);
    }
    text.push(';');
    text
}

/// A column of the table of that key as it stands in `CREATE TABLE`.
pub(crate) fn column_of(table: &Key, column: &Column, dialect: Dialect) -> String {
    let serial = match &*column.data_type {
        "smallint" => "smallserial",
        "integer" => "serial",
        "bigint" => "bigserial",
        _ => "",
    };
    let own = format!("{}_{}_seq", table.name, column.name);
    let draws = column.draws_from.as_ref();
    let is_own = draws.is_some_and(|from| from.name.as_str() == own && from.schema == table.schema);
    match is_own && !serial.is_empty() && column.not_null {
        true => format!(
            "{} {serial} NOT NULL",
            quoted(column.name.as_str(), dialect)
        ),
        false => self::column(column, dialect),
    }
}

/// A column as it stands in `CREATE TABLE`.
pub(crate) fn column(column: &Column, dialect: Dialect) -> String {
    let mut text = quoted(column.name.as_str(), dialect);
    if !column.data_type.is_empty() {
        let _ = write!(text, " {}", column.data_type);
    }
    if let Some(charset) = column.options.get("charset") {
        let _ = write!(text, " CHARACTER SET {charset}");
    }
    if let Some(collation) = &column.collation {
        let _ = write!(text, " COLLATE {}", collation.text);
    }
    if let Some((expression, stored)) = &column.generated {
        let kind = if *stored { "STORED" } else { "VIRTUAL" };
        let _ = write!(text, " GENERATED ALWAYS AS ({}) {kind}", expression.text);
    }
    if column.not_null {
        text.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        let _ = write!(text, " DEFAULT {}", default.text);
    }
    if let Some(always) = column.identity {
        let kind = if always { "ALWAYS" } else { "BY DEFAULT" };
        let _ = write!(text, " GENERATED {kind} AS IDENTITY");
    }
    if column.auto_increment {
        let word = match dialect.modelling().family {
            Family::Sqlite => " PRIMARY KEY AUTOINCREMENT",
            Family::Postgres | Family::MySql => " AUTO_INCREMENT",
        };
        text.push_str(word);
    }
    if let Some(on_update) = &column.on_update {
        let _ = write!(text, " ON UPDATE {}", on_update.text);
    }
    if let Some(comment) = &column.comment
        && dialect.modelling().family == Family::MySql
    {
        let _ = write!(text, " COMMENT {comment}");
    }
    text
}

/// A constraint as it stands in `CREATE TABLE`, with its name where it has one.
pub(crate) fn constraint(name: &Name, constraint: &Constraint, dialect: Dialect) -> String {
    // The name of a primary key is no choice to MySQL, and MariaDB refuses it in this place.
    let is_fixed = matches!(constraint.rule, Rule::PrimaryKey(..))
        && dialect.modelling().family == Family::MySql;
    let mut text = match name.as_str().starts_with(' ') || is_fixed {
        true => String::new(),
        false => format!("CONSTRAINT {} ", quoted(name.as_str(), dialect)),
    };
    match &constraint.rule {
        Rule::PrimaryKey(key, rest) => {
            let _ = write!(text, "PRIMARY KEY ({})", parts(key, dialect));
            push_rest(&mut text, rest);
        }
        Rule::Unique(key, rest) => {
            let nulls = constraint
                .traits
                .iter()
                .any(|text| &**text == "nulls not distinct");
            let nulls = if nulls { " NULLS NOT DISTINCT" } else { "" };
            let _ = write!(text, "UNIQUE{nulls} ({})", parts(key, dialect));
            push_rest(&mut text, rest);
        }
        Rule::Foreign(foreign) => {
            let _ = write!(
                text,
                "FOREIGN KEY ({}) REFERENCES {}",
                names(&foreign.columns, dialect),
                full_name(&foreign.table, dialect)
            );
            if !foreign.referenced.is_empty() {
                let _ = write!(text, " ({})", names(&foreign.referenced, dialect));
            }
            if &*foreign.on_delete != "no action" {
                let _ = write!(text, " ON DELETE {}", foreign.on_delete.to_uppercase());
            }
            if &*foreign.on_update != "no action" {
                let _ = write!(text, " ON UPDATE {}", foreign.on_update.to_uppercase());
            }
        }
        Rule::Check(check) => {
            let _ = write!(text, "CHECK ({})", check.text);
        }
        Rule::Exclude(exclude) => {
            let _ = write!(text, "EXCLUDE {}", exclude.text);
        }
        Rule::NotNull(column) => {
            let _ = write!(text, "NOT NULL {}", quoted(column.as_str(), dialect));
        }
    }
    for word in &constraint.traits {
        if &**word != "nulls not distinct" {
            let _ = write!(text, " {}", word.to_uppercase());
        }
    }
    text
}

fn push_rest(text: &mut String, rest: &str) {
    if !rest.is_empty() {
        let _ = write!(text, " {rest}");
    }
}

fn names(names: &[Name], dialect: Dialect) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| quoted(name.as_str(), dialect))
        .collect();
    names.join(", ")
}

/// Whether an expression is one call, which needs no parentheses around it and which SQLite keeps
/// as it is written.
fn is_call(text: &str) -> bool {
    let Some((name, rest)) = text.split_once('(') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let inner = rest.strip_suffix(')');
    let simple = inner.is_some_and(|inner| !inner.contains(['(', ')', '\'', '"', '`', '[']));
    let name = name.trim_end();
    !name.is_empty() && name.chars().all(plain) && simple
}

fn parts(parts: &[Part], dialect: Dialect) -> String {
    let texts: Vec<String> = parts
        .iter()
        .map(|part| {
            let what = match &part.what {
                PartOf::Column(name) => quoted(name.as_str(), dialect),
                PartOf::Expression(text)
                    if dialect.modelling().family == Family::Sqlite && is_call(&text.text) =>
                {
                    text.text.to_string()
                }
                PartOf::Expression(text) => format!("({})", text.text),
            };
            match part.order.is_empty() {
                true => what,
                false => format!("{what} {}", part.order),
            }
        })
        .collect();
    texts.join(", ")
}
