//! What an engine's catalogue holds, in the words that it has in common with the model.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_core::Dialect;
use backstitch_core::facts::{self, Claim, Facts, Object, Properties, data_type, parts, yes};
use backstitch_core::lex::{self, TokenKind};

use crate::testing::{Attributes, Catalogue, Kind, ObjectName};

/// The facts of a catalogue, and what each object is called there.
pub(crate) struct Held {
    pub(crate) facts: Facts,
    pub(crate) names: BTreeMap<Object, ObjectName>,
}

/// Reads a catalogue.
pub(crate) fn of_catalogue(catalogue: &Catalogue, dialect: Dialect) -> Held {
    let mut held = Held {
        facts: Facts {
            knows_all: true,
            ..Facts::default()
        },
        names: BTreeMap::new(),
    };
    let views: BTreeSet<(&Option<String>, &str)> = catalogue
        .objects
        .keys()
        .filter(|name| matches!(name.kind, Kind::View | Kind::MaterializedView))
        .map(|name| (&name.schema, name.name.as_str()))
        .collect();
    let mut columns: Vec<(Object, usize, String)> = Vec::new();
    for (name, attributes) in &catalogue.objects {
        let parent = name.parent.as_deref();
        let of_view = parent.is_some_and(|parent| views.contains(&(&name.schema, parent)));
        if of_view && name.kind == Kind::Column {
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
        held.names.insert(object.clone(), name.clone());
        held.facts.objects.insert(object, properties);
    }
    documents(&mut held.facts, catalogue, dialect);
    columns.sort();
    let mut lists: BTreeMap<Object, Vec<String>> = BTreeMap::new();
    for (table, _, name) in columns {
        lists.entry(table).or_default().push(name);
    }
    for (table, names) in lists {
        if let Some(properties) = held.facts.objects.get_mut(&table) {
            properties.insert("columns", Claim::Exact(names.join(", ")));
        }
    }
    held
}

/// MariaDB keeps documents as texts with a check of its own.
fn documents(facts: &mut Facts, catalogue: &Catalogue, dialect: Dialect) {
    for (name, attributes) in &catalogue.objects {
        let definition = attributes.get("definition").map_or("", String::as_str);
        let (Kind::Constraint, Some(table)) = (name.kind, &name.parent) else {
            continue;
        };
        if !definition.starts_with("check (json_valid(") {
            continue;
        }
        let part = |kind| Object::new(kind, "", &name.name, dialect).on(table, dialect);
        facts.objects.remove(&part("constraint"));
        if let Some(properties) = facts.objects.get_mut(&part("column")) {
            properties.insert("type", Claim::Exact("json".to_owned()));
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
    let mut properties: Vec<(&'static str, String)> = Vec::new();
    let mut own_name = name.name.clone();
    let kind = match name.kind {
        Kind::Extension => "extension",
        Kind::Schema => "schema",
        Kind::Type => match text("form") {
            "enum" => {
                properties.push(("labels", text("values").to_owned()));
                "enum"
            }
            "composite" => "composite type",
            _ => return None,
        },
        Kind::Domain => {
            properties.push(("type", data_type(text("type"), dialect)));
            "domain"
        }
        Kind::Sequence => {
            let owner = text("owned by").replace('"', "").to_lowercase();
            let mut owner: Vec<&str> = owner.rsplit('.').take(2).collect();
            owner.reverse();
            properties.push(("owned by", owner.join(".")));
            "sequence"
        }
        Kind::Table => "table",
        Kind::View | Kind::MaterializedView => {
            properties.push(("query", text("definition").to_owned()));
            match name.kind {
                Kind::View => "view",
                _ => "materialized view",
            }
        }
        Kind::Column => {
            properties.push(("type", data_type(text("type"), dialect)));
            properties.push(("not null", has("not null")));
            let is_generated = attributes.contains_key("generated");
            let default = text("default");
            // Postgres keeps a NULL that it had to cast.
            let is_null = default.eq_ignore_ascii_case("null")
                || default.to_lowercase().starts_with("null::");
            let default = if is_null || is_generated { "" } else { default };
            properties.push(("default", default.to_owned()));
            let generated = text("generated");
            let generated = generated.trim_end_matches(" stored");
            properties.push((
                "generated",
                generated.trim_end_matches(" virtual").to_owned(),
            ));
            properties.push(("identity", text("identity").to_owned()));
            let counts = text("extra").contains("auto_increment");
            properties.push(("auto_increment", yes(counts)));
            "column"
        }
        Kind::Constraint => {
            // Without a name it goes by what it says.
            let definition = match text("definition") {
                "" => name.name.as_str(),
                definition => definition,
            };
            let (condition, is_valid) = match definition.strip_suffix(" NOT VALID") {
                Some(definition) => (definition, false),
                None => (definition, true),
            };
            let condition = condition.trim_end_matches(" NO INHERIT");
            let definition = facts::constraint(definition, dialect);
            if !facts::names_constraints(dialect) {
                if definition == "check" {
                    return None;
                }
                own_name.clone_from(&definition);
            }
            if definition == "check" {
                let condition = condition.get("check".len()..).unwrap_or_default();
                properties.push(("condition", condition.trim().to_owned()));
            }
            properties.push(("valid", yes(is_valid)));
            properties.push(("definition", definition));
            "constraint"
        }
        Kind::Index => {
            let definition = text("definition");
            properties.push(("unique", has("unique")));
            properties.push(("parts", parts(definition, dialect)));
            properties.push(("condition", condition_of(definition, dialect).to_owned()));
            properties.push(("valid", yes(text("valid") != "no")));
            "index"
        }
        Kind::Trigger => {
            let definition = text("definition");
            let mut words = definition.splitn(3, ' ');
            let head: Vec<&str> = words.by_ref().take(2).collect();
            let when = match behind_name(definition, dialect) {
                Some(rest) => rest.to_owned(),
                None => head.join(" "),
            };
            properties.push(("when", facts::moments(&when, dialect)));
            properties.push(("function", facts::called(definition, dialect)));
            properties.push(("body", words.next().unwrap_or_default().to_owned()));
            properties.push(("enabled", yes(text("enabled") != "no")));
            "trigger"
        }
        Kind::Policy => "policy",
        Kind::Rule => "rule",
        Kind::Function | Kind::Procedure | Kind::Aggregate => {
            let (routine, arguments) = own_name.split_once('(').unwrap_or((&own_name, ")"));
            let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
            own_name = match facts::overloads_routines(dialect) {
                true => format!("{routine}/{}", arguments_in(arguments)),
                false => routine.to_owned(),
            };
            properties.push(("body", body_of(text("definition"), dialect).to_owned()));
            "routine"
        }
        _ => return None,
    };
    let schema = name.schema.as_deref().unwrap_or_default();
    let mut object = Object::new(kind, schema, &own_name.replace('"', ""), dialect);
    if let Some(table) = &name.parent {
        object = object.on(table, dialect);
    }
    let properties = properties.into_iter();
    let properties = properties.map(|(name, text)| (name, Claim::Exact(text)));
    Some((object, properties.collect()))
}

/// How many arguments there are that come in.
fn arguments_in(arguments: &str) -> usize {
    let (mut depth, mut count, mut quoted) = (0_usize, 0, false);
    let mut one = String::new();
    for letter in arguments.chars().chain([',']) {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                let argument = one.trim();
                // What comes out is no part of what it is known by.
                count += usize::from(!argument.is_empty() && !argument.starts_with("OUT "));
                one.clear();
                continue;
            }
            _ => {}
        }
        one.push(letter);
    }
    count
}

/// What stands behind `CREATE TRIGGER` and a name.
fn behind_name(definition: &str, dialect: Dialect) -> Option<&str> {
    let tokens = lex::lex(definition, dialect).tokens;
    let lexemes = lex::lexemes(definition, &tokens);
    lexemes.first().filter(|first| first.is("CREATE"))?;
    let trigger = lexemes.iter().position(|one| one.is("TRIGGER"))?;
    let name = lexemes.get(trigger + 1)?;
    definition.get(name.span.range().end..)
}

/// What stands behind `WHERE`.
fn condition_of(definition: &str, dialect: Dialect) -> &str {
    let tokens = lex::lex(definition, dialect).tokens;
    let lexemes = lex::lexemes(definition, &tokens);
    let condition = lexemes.iter().rfind(|one| one.is("WHERE"));
    condition.map_or("", |one| definition[one.span.range().end..].trim())
}

/// The last string with dollars, or all of it.
fn body_of(definition: &str, dialect: Dialect) -> &str {
    let tokens = lex::lex(definition, dialect).tokens;
    let body = tokens.iter().rev().find(|token| {
        token.kind == TokenKind::String && token.span.of(definition).starts_with('$')
    });
    let Some(body) = body.map(|token| token.span.of(definition)) else {
        return definition;
    };
    let tag = body[1..].find('$').map_or(0, |end| end + 2);
    body.get(tag..body.len() - tag).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_that_come_in_count() {
        for (arguments, expected) in [
            ("", 0),
            ("a integer", 1),
            ("a integer, OUT b text, INOUT c numeric(10,2)", 2),
            ("\"a, b\" integer, text", 2),
        ] {
            assert_eq!(arguments_in(arguments), expected, "{arguments}");
        }
    }
}
