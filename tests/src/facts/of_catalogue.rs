//! What an engine's catalogue holds.

use backstitch::testing::{Attributes, Catalogue, Kind, ObjectName};
use backstitch_core::Dialect;

use super::{Facts, Object, Properties, data_type, key};

/// The facts of a catalogue.
pub fn of_catalogue(catalogue: &Catalogue, dialect: Dialect) -> Facts {
    let mut facts = Facts {
        knows_all: true,
        ..Facts::default()
    };
    let views: Vec<&ObjectName> = catalogue
        .objects
        .keys()
        .filter(|name| matches!(name.kind, Kind::View | Kind::MaterializedView))
        .collect();
    let mut columns: Vec<(Object, usize, String)> = Vec::new();
    for (name, attributes) in &catalogue.objects {
        let of_view = name.kind == Kind::Column
            && views
                .iter()
                .any(|view| Some(&view.name) == name.parent.as_ref() && view.schema == name.schema);
        if of_view {
            continue;
        }
        let Some((object, properties)) = fact(name, attributes, dialect) else {
            continue;
        };
        if name.kind == Kind::Column {
            let table = Object {
                kind: "table",
                table: None,
                name: object.table.clone().unwrap_or_default(),
                ..object.clone()
            };
            let position = attributes.get("position").and_then(|at| at.parse().ok());
            columns.push((table, position.unwrap_or_default(), object.name.clone()));
        }
        facts.objects.insert(object, properties);
    }
    documents(&mut facts, catalogue);
    columns.sort();
    for (table, _, name) in columns {
        if let Some(properties) = facts.objects.get_mut(&table) {
            let list = properties.entry("columns").or_default();
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(&name);
        }
    }
    facts
}

/// MariaDB keeps documents as texts with a check of its own.
fn documents(facts: &mut Facts, catalogue: &Catalogue) {
    for (name, attributes) in &catalogue.objects {
        let definition = attributes.get("definition").map_or("", String::as_str);
        if name.kind != Kind::Constraint || !definition.starts_with("check (json_valid(") {
            continue;
        }
        let mut object = Object {
            kind: "constraint",
            schema: String::new(),
            table: name.parent.as_ref().map(|table| table.to_lowercase()),
            name: name.name.to_lowercase(),
        };
        facts.objects.remove(&object);
        object.kind = "column";
        if let Some(properties) = facts.objects.get_mut(&object) {
            properties.insert("type", "json".to_owned());
        }
    }
}

fn fact(
    name: &ObjectName,
    attributes: &Attributes,
    dialect: Dialect,
) -> Option<(Object, Properties)> {
    let text = |attribute: &str| attributes.get(attribute).map_or("", String::as_str);
    let has = |attribute: &str| yes(attributes.contains_key(attribute));
    let mut properties = Properties::new();
    let mut own_name = name.name.clone();
    let kind = match name.kind {
        Kind::Extension => "extension",
        Kind::Schema => "schema",
        Kind::Type => match text("form") {
            "enum" => {
                properties.insert("labels", text("values").to_owned());
                "enum"
            }
            "composite" => "composite type",
            _ => return None,
        },
        Kind::Domain => {
            properties.insert("type", data_type(text("type"), dialect));
            "domain"
        }
        Kind::Sequence => {
            let owner = text("owned by").replace('"', "").to_lowercase();
            let owner: Vec<&str> = owner.rsplit('.').take(2).collect();
            let owner: Vec<&str> = owner.into_iter().rev().collect();
            properties.insert("owned by", owner.join("."));
            "sequence"
        }
        Kind::Table => "table",
        Kind::View => "view",
        Kind::MaterializedView => "materialized view",
        Kind::Column => {
            properties.insert("type", data_type(text("type"), dialect));
            properties.insert("not null", has("not null"));
            let generated = attributes.get("generated").is_some();
            // Postgres keeps a NULL that it had to cast.
            let defaulted = attributes.get("default").is_some_and(|value| {
                let value = value.to_lowercase();
                value != "null" && !value.starts_with("null::")
            });
            properties.insert("default", yes(defaulted && !generated));
            properties.insert("generated", yes(generated));
            properties.insert("identity", text("identity").to_owned());
            "column"
        }
        Kind::Constraint => {
            // Without a name it goes by what it says.
            let definition = match text("definition") {
                "" => name.name.as_str(),
                definition => definition,
            };
            let definition = key(definition, dialect);
            if dialect == Dialect::Sqlite {
                if definition == "check" {
                    return None;
                }
                own_name.clone_from(&definition);
            }
            properties.insert("definition", definition);
            "constraint"
        }
        Kind::Index => {
            properties.insert("unique", has("unique"));
            properties.insert("parts", parts(text("definition")).to_string());
            "index"
        }
        Kind::Trigger => "trigger",
        Kind::Policy => "policy",
        Kind::Rule => "rule",
        Kind::Function | Kind::Procedure | Kind::Aggregate => {
            let (routine, arguments) = own_name.split_once('(').unwrap_or((&own_name, ")"));
            let arguments = arguments.trim_end_matches(')');
            own_name = match dialect {
                Dialect::Postgres => {
                    let all = format!("({arguments})");
                    let count = match arguments.is_empty() {
                        true => 0,
                        // What comes out is no part of what it is known by.
                        false => {
                            parts(&all)
                                - all.matches("(OUT ").count()
                                - all.matches(", OUT ").count()
                        }
                    };
                    format!("{routine}/{count}")
                }
                _ => routine.to_owned(),
            };
            "routine"
        }
        _ => return None,
    };
    Some((
        Object {
            kind,
            schema: name.schema.clone().unwrap_or_default(),
            table: name.parent.clone(),
            name: own_name.replace('"', ""),
        }
        .folded(dialect),
        properties,
    ))
}

impl Object {
    /// With names as they are compared.
    pub(super) fn folded(mut self, dialect: Dialect) -> Object {
        if dialect != Dialect::Postgres {
            self.name = self.name.to_lowercase();
            self.table = self.table.map(|table| table.to_lowercase());
        }
        self
    }
}

pub(super) fn yes(is: bool) -> String {
    match is {
        true => "yes",
        false => "no",
    }
    .to_owned()
}

/// How many parts stand in the first parentheses.
fn parts(definition: &str) -> usize {
    let mut depth = 0;
    let mut count = 0;
    let mut quote = None;
    for letter in definition.chars() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') => {
                depth += 1;
                count = count.max(1);
            }
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            (None, ',') if depth == 1 => count += 1,
            _ => {}
        }
    }
    count
}
