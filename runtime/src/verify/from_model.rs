//! Compares what is there with what the model says that the migrations make.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_core::facts::{self, About, Disagreement, Facts, Object};

use super::expected::{Expected, expected};
use super::of_catalogue::{Held, of_catalogue};
use super::{Drifted, NotCompared};
use crate::testing::{Catalogue, Difference, Kind, ObjectName};
use backstitch_core::{Dialect, Set};

/// What came of it.
pub(super) struct Compared {
    pub(super) drifted: Vec<Drifted>,
    pub(super) not_compared: Vec<NotCompared>,
}

/// The migrations that are applied, in the order in which they were.
pub(super) struct Applied {
    pub(super) set: Set,
    /// The ids of those that stopped half-way.
    pub(super) partly: BTreeSet<String>,
}

/// Compares a catalogue, which lacks the tables `without`, with what these migrations make. `home`
/// is the schema that names without one go to.
pub(super) fn compare(
    applied: &Applied,
    external: &[String],
    catalogue: &Catalogue,
    without: &[&str],
    home: Option<&str>,
) -> Compared {
    let dialect = applied.set.dialect;
    let expected = expected(&applied.set, external, &applied.partly);
    let mut held = of_catalogue(catalogue, dialect);
    let mut not_compared = Vec::new();
    if let Some(home) = home.filter(|home| *home != PUBLIC) {
        leave_out_strangers(&mut held, &expected, home, &mut not_compared);
    }
    let found = facts::disagreements(&expected.facts, &held.facts, dialect);
    not_compared.extend(expected.not_compared(&held.facts));
    let mut drifted = Vec::new();
    let missing = missing_columns(&found);
    for one in &found {
        if goes_along(one, &missing, &expected.facts) {
            continue;
        }
        if without.iter().any(|name| one.object.is_of(name)) {
            continue;
        }
        let is_elsewhere = || {
            let elsewhere = Object {
                schema: PUBLIC.to_owned(),
                ..one.object.clone()
            };
            one.object.schema.is_empty() && held.facts.objects.contains_key(&elsewhere)
        };
        match (&one.about, one.object.kind) {
            (_, "schema") if [Some(PUBLIC), home].contains(&Some(one.object.name.as_str())) => {}
            // Those who run the server make them.
            (About::Unknown, "extension") => not_compared.push(NotCompared {
                what: one.object.to_string(),
                because: "no migration makes it".to_owned(),
            }),
            (About::Missing, _) if is_elsewhere() => {}
            (About::Unknown, _) if one.object.table.is_none() && expected.may_be_others() => {}
            _ => drifted.push(told(one, &expected, &held)),
        }
    }
    without_parts(&mut drifted);
    Compared {
        drifted,
        not_compared,
    }
}

const PUBLIC: &str = "public";

/// Leaves out what is in schemas that no migration makes: others may live there.
fn leave_out_strangers(
    held: &mut Held,
    expected: &Expected,
    home: &str,
    not_compared: &mut Vec<NotCompared>,
) {
    let own: BTreeSet<&str> = expected
        .facts
        .objects
        .keys()
        .map(|object| match object.kind {
            "schema" => object.name.as_str(),
            _ => object.schema.as_str(),
        })
        .filter(|schema| *schema != PUBLIC)
        .chain([home, ""])
        .collect();
    let mut others = BTreeSet::new();
    held.facts.objects.retain(|object, _| {
        let schema = match object.kind {
            "schema" => object.name.as_str(),
            _ => object.schema.as_str(),
        };
        let is_own = own.contains(schema);
        if !is_own {
            others.insert(schema.to_owned());
        }
        is_own
    });
    for schema in others {
        not_compared.push(NotCompared {
            what: format!("schema {schema}"),
            because: format!("names without a schema go to `{home}`, and no migration makes it"),
        });
    }
}

fn told(one: &Disagreement, expected: &Expected, held: &Held) -> Drifted {
    let name = name_of(&one.object, held);
    let difference = match &one.about {
        About::Missing => Difference::Missing {
            object: name,
            was: described(&one.object, &expected.facts),
        },
        About::Unknown => Difference::LeftOver {
            object: name,
            is: described(&one.object, &held.facts),
        },
        About::Property {
            name: "columns",
            model,
            engine,
        } => Difference::Reordered {
            table: name,
            before: list(model),
            after: list(engine),
        },
        About::Property {
            name: property,
            model,
            engine,
        } => changed(name, property, model, engine),
    };
    Drifted {
        made_by: expected.made.by(&one.object).map(str::to_owned),
        remedy: facts::remedy(&expected.schema, &one.object, &one.about),
        difference,
    }
}

fn changed(object: ObjectName, property: &str, model: &str, engine: &str) -> Difference {
    let (model, engine) = match property {
        "body" => (facts::body_lines(model), facts::body_lines(engine)),
        _ => (model.to_owned(), engine.to_owned()),
    };
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    Difference::Changed {
        object,
        attribute: property.to_owned(),
        before: some(model),
        after: some(engine),
    }
}

fn list(names: &str) -> Vec<String> {
    let names = names.split(", ").filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The object as the catalogue calls it, or would.
fn name_of(object: &Object, held: &Held) -> ObjectName {
    if let Some(name) = held.names.get(object) {
        return name.clone();
    }
    let kind = match object.kind {
        "extension" => Kind::Extension,
        "schema" => Kind::Schema,
        "enum" | "composite type" => Kind::Type,
        "domain" => Kind::Domain,
        "sequence" => Kind::Sequence,
        "view" => Kind::View,
        "materialized view" => Kind::MaterializedView,
        "column" => Kind::Column,
        "constraint" => Kind::Constraint,
        "index" => Kind::Index,
        "trigger" => Kind::Trigger,
        "policy" => Kind::Policy,
        "rule" => Kind::Rule,
        "routine" => Kind::Function,
        _ => Kind::Table,
    };
    let name = match (kind, object.name.rsplit_once('/')) {
        (Kind::Function, Some((name, count))) => match count {
            "1" => format!("{name} with 1 argument"),
            count => format!("{name} with {count} arguments"),
        },
        _ => object.name.clone(),
    };
    ObjectName {
        kind,
        schema: Some(object.schema.clone()).filter(|schema| !schema.is_empty()),
        parent: object.table.clone(),
        name,
    }
}

/// What an object is like, in a few words.
fn described(object: &Object, facts: &Facts) -> String {
    const SAID: [&str; 7] = [
        "type",
        "labels",
        "unique",
        "parts",
        "definition",
        "not null",
        "default",
    ];
    let Some(properties) = facts.objects.get(object) else {
        return String::new();
    };
    let words = SAID.iter().filter_map(|name| {
        let text = properties.get(name)?.text();
        match (*name, text) {
            (_, "" | "no") => None,
            (name, "yes") => Some(name.to_owned()),
            ("parts", parts) => Some(format!("on {parts}")),
            ("default", value) => Some(format!("default {value}")),
            (_, text) => Some(text.to_owned()),
        }
    });
    let words: Vec<String> = words.collect();
    let words = words.join(", ");
    match words.len() <= 100 && !words.contains('\n') {
        true => words,
        false => String::new(),
    }
}

/// The columns that are not there, by their tables.
fn missing_columns(found: &[Disagreement]) -> BTreeSet<(&str, &str, &str)> {
    let missing = found
        .iter()
        .filter(|one| one.about == About::Missing && one.object.kind == "column");
    let places = missing.filter_map(|one| {
        let table = one.object.table.as_deref()?;
        Some((one.object.schema.as_str(), table, one.object.name.as_str()))
    });
    places.collect()
}

/// Whether it is a key, a check or an index of a column that is not there: it went with that.
fn goes_along(
    one: &Disagreement,
    missing: &BTreeSet<(&str, &str, &str)>,
    expected: &Facts,
) -> bool {
    let (Some(table), About::Missing) = (one.object.table.as_deref(), &one.about) else {
        return false;
    };
    let Some(claims) = expected.objects.get(&one.object) else {
        return false;
    };
    let has_word = |text: &str, word: &str| {
        let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        words.any(|one| one == word)
    };
    one.object.kind != "column"
        && missing.iter().any(|(schema, of, column)| {
            *schema == one.object.schema
                && *of == table
                && claims.values().any(|claim| has_word(claim.text(), column))
        })
}

/// Columns that are missing or too much are not told once more by their order.
fn without_parts(drifted: &mut Vec<Drifted>) {
    let mut columns: BTreeMap<(Option<String>, String), BTreeSet<String>> = BTreeMap::new();
    for one in drifted.iter() {
        let object = one.difference.object();
        let is_absent = !matches!(one.difference, Difference::Changed { .. });
        if let (Kind::Column, Some(table), true) = (object.kind, &object.parent, is_absent) {
            let table = (object.schema.clone(), table.clone());
            columns
                .entry(table)
                .or_default()
                .insert(object.name.clone());
        }
    }
    drifted.retain(|one| {
        let Difference::Reordered {
            table,
            before,
            after,
        } = &one.difference
        else {
            return true;
        };
        let gone = columns.get(&(table.schema.clone(), table.name.clone()));
        let stays = |name: &&String| gone.is_none_or(|gone| !gone.contains(*name));
        !before.iter().filter(stays).eq(after.iter().filter(stays))
    });
}

/// Says of a schema of the model what [`compare`] compares it by, for tests.
pub(crate) fn disagreements(
    claims: &Facts,
    catalogue: &Catalogue,
    dialect: Dialect,
) -> Vec<Disagreement> {
    facts::disagreements(claims, &of_catalogue(catalogue, dialect).facts, dialect)
}
