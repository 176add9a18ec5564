//! What a schema holds, in words that the model and the engines have in common.
//!
//! Only what the model claims to know is written down here. What an engine keeps beyond that is
//! the business of `testing::prove`.

mod of_catalogue;
mod of_model;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use backstitch_core::Dialect;
use backstitch_core::lex::{self, TokenKind};

pub use of_catalogue::of_catalogue;
pub use of_model::of_model;

/// What an object is and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// In a word: `table`, `column`, `index`.
    pub kind: &'static str,
    /// Its schema; empty for the one of names without.
    pub schema: String,
    /// The table that it is part of.
    pub table: Option<String>,
    /// Its own name.
    pub name: String,
}

/// Its properties.
pub type Properties = BTreeMap<&'static str, String>;

/// The objects of a schema.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By what they are.
    pub objects: BTreeMap<Object, Properties>,
    /// Names that the model is not sure of: what is said about them is not compared.
    pub unsure: BTreeSet<String>,
    /// The virtual tables.
    pub modules: BTreeSet<String>,
    /// Whether it is not sure of anything that it does not name.
    pub knows_all: bool,
}

/// One way in which the model and the engine differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// About which object.
    pub object: Object,
    /// About which property; empty for the object itself.
    pub property: &'static str,
    /// What the model says.
    pub model: String,
    /// What the engine says.
    pub engine: String,
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        for part in [Some(&self.schema), self.table.as_ref()]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
        {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Disagreement {
            object,
            property,
            model,
            engine,
        } = self;
        match property.is_empty() {
            true => write!(f, "{object}: model {model}, engine {engine}"),
            false => write!(f, "{object}: {property}: model {model}, engine {engine}"),
        }
    }
}

impl Disagreement {
    /// What kind of difference it is, without names.
    pub fn cause(&self) -> String {
        match self.property {
            "" => format!(
                "{}: model {}, engine {}",
                self.object.kind, self.model, self.engine
            ),
            "columns" | "labels" | "type" | "definition" | "arguments" => {
                format!("{}: {}", self.object.kind, self.property)
            }
            property => format!(
                "{}: {property}: model {}, engine {}",
                self.object.kind, self.model, self.engine
            ),
        }
    }
}

/// Where what the model says is not what the engine says.
pub fn disagreements(model: &Facts, engine: &Facts) -> Vec<Disagreement> {
    let mut found = Vec::new();
    let is_known = |object: &Object| {
        let names = [Some(&object.name), object.table.as_ref()];
        !names
            .into_iter()
            .flatten()
            .any(|name| model.unsure.contains(&name.to_lowercase()))
    };
    for (object, claimed) in &model.objects {
        match engine.objects.get(object) {
            None if is_known(object) && has_table(engine, object) => {
                found.push(Disagreement {
                    object: object.clone(),
                    property: "",
                    model: "there".to_owned(),
                    engine: "not there".to_owned(),
                });
            }
            None => {}
            Some(_) if !is_known(object) => {}
            Some(properties) => {
                for (property, claim) in claimed {
                    let fact = properties.get(property).map_or("", String::as_str);
                    if claim != fact {
                        found.push(Disagreement {
                            object: object.clone(),
                            property,
                            model: claim.clone(),
                            engine: fact.to_owned(),
                        });
                    }
                }
            }
        }
    }
    let unknown = engine
        .objects
        .keys()
        .filter(|object| !model.objects.contains_key(object));
    found.extend(
        unknown
            .filter(|object| model.knows_all && is_known(object) && has_table(model, object))
            .filter(|object| !is_of_module(model, object))
            .map(|object| Disagreement {
                object: object.clone(),
                property: "",
                model: "not there".to_owned(),
                engine: "there".to_owned(),
            }),
    );
    found
}

/// Whether a virtual table keeps its rows there, as modules do behind everybody's back.
fn is_of_module(model: &Facts, object: &Object) -> bool {
    let name = object.table.as_ref().unwrap_or(&object.name);
    model.modules.iter().any(|module| {
        let rest = name.strip_prefix(module.as_str());
        rest.is_some_and(|rest| rest.starts_with('_'))
    })
}

/// Whether the table is there that an object is part of: one word about that is enough.
fn has_table(facts: &Facts, object: &Object) -> bool {
    object.table.as_ref().is_none_or(|table| {
        facts.objects.keys().any(|other| {
            other.table.is_none() && other.name == *table && other.schema == object.schema
        })
    })
}

/// A definition of a key as both sides would write it: `foreign key (a) to t (b), on delete
/// cascade`; of the others their kind alone.
fn key(definition: &str, dialect: Dialect) -> String {
    let tokens = lex::lex(definition, dialect).tokens;
    let words = lex::lexemes(definition, &tokens);
    let words: Vec<String> = words
        .iter()
        .map(|word| match word.kind {
            TokenKind::QuotedName => word.text[1..word.text.len() - 1].to_owned(),
            _ => word.text.to_lowercase(),
        })
        .collect();
    let list = |from: usize| {
        let open = words[from..].iter().position(|word| word == "(")? + from;
        let close = words[open..].iter().position(|word| word == ")")? + open;
        let parts = words[open + 1..close].split(|word| word == ",");
        // What follows a column says how it is sorted.
        let names: Vec<&str> = parts
            .filter_map(|part| part.first().map(String::as_str))
            .collect();
        Some((names.join(", ").to_lowercase(), close))
    };
    let at = |word: &str| words.iter().position(|one| one == word);
    match words.first().map_or("", String::as_str) {
        "primary" => format!("primary key ({})", list(0).unwrap_or_default().0),
        "unique" => format!("unique ({})", list(0).unwrap_or_default().0),
        "foreign" => {
            let (columns, _) = list(0).unwrap_or_default();
            let to = at("references").unwrap_or_default();
            let open = words[to..].iter().position(|word| word == "(");
            let table = match open {
                Some(open) => words[to + open - 1].clone(),
                None => words.get(to + 1).cloned().unwrap_or_default(),
            };
            let referenced = list(to).unwrap_or_default().0;
            let action = |event: &str| {
                let at = words
                    .windows(2)
                    .position(|pair| pair[0] == "on" && pair[1] == event);
                let words = at.map_or(&[][..], |at| &words[at + 2..]);
                match words {
                    [set, what, ..] if set == "set" => format!("set {what}"),
                    [cascade, ..] if cascade == "cascade" => "cascade".to_owned(),
                    [restrict, ..] if restrict == "restrict" => "restrict".to_owned(),
                    _ => "no action".to_owned(),
                }
            };
            foreign_key(
                &columns,
                &table,
                &referenced,
                &action("delete"),
                &action("update"),
                dialect,
            )
        }
        "check" => "check".to_owned(),
        "exclude" => "exclude".to_owned(),
        other => other.to_owned(),
    }
}

fn foreign_key(
    columns: &str,
    table: &str,
    referenced: &str,
    on_delete: &str,
    on_update: &str,
    dialect: Dialect,
) -> String {
    // InnoDB keeps the two apart in name alone.
    let action = |action: &str| match (action, dialect) {
        ("restrict", Dialect::MySql | Dialect::MariaDb) => "no action".to_owned(),
        (action, _) => action.to_owned(),
    };
    format!(
        "foreign key ({columns}) to {} ({referenced}), on delete {}, on update {}",
        table.to_lowercase(),
        action(on_delete),
        action(on_update)
    )
}

/// A type as both sides would write it.
fn data_type(text: &str, dialect: Dialect) -> String {
    let text = text.to_lowercase();
    match dialect {
        Dialect::Postgres => text.replace('"', "").replace("public.", ""),
        Dialect::Sqlite => {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ").replace(", ", ",")
        }
        // How wide an integer is shown is nothing that it holds.
        Dialect::MySql | Dialect::MariaDb => match text.split_once("int(") {
            Some((size, rest)) if size.len() <= 6 => {
                let (_, rest) = rest.split_once(')').unwrap_or_default();
                format!("{size}int{rest}")
            }
            _ => text,
        },
    }
}
