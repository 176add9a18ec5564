//! What a schema holds, in words that the model and the engines have in common.
//!
//! [`of_schema`] writes down what the model claims to know, whoever reads the catalogue of an
//! engine writes down the same of that, and [`disagreements`] compares the two. Of what the model
//! is not sure nothing is said. What an engine keeps in its own words, such as the query of a view,
//! differs only where no spelling could make the two one: see [`Claim::Words`].

mod kept;
mod of_schema;
mod remedy;
mod spelling;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::change::Fragment;
use crate::dialect::{Dialect, Family};

pub use of_schema::{of_object, of_schema};
pub use remedy::remedy;
pub use spelling::{body_lines, called, constraint, data_type, moments, parts, yes};

/// What an object is and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// In a word: `table`, `column`, `index`.
    pub kind: &'static str,
    /// Its schema; empty for the one of names without.
    pub schema: String,
    /// The table that it is part of.
    pub table: Option<String>,
    /// Its own name; routines are told apart by how many arguments they have.
    pub name: String,
}

/// What is said about a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is this text.
    Exact(String),
    /// It is SQL that the engine keeps in its own words.
    Words {
        /// As it was written.
        text: String,
        /// Names that stand in it wherever they stand in the words of the engine, or the other way
        /// round: those of columns.
        names: BTreeSet<String>,
        /// Names that stand in the words of the engine in any case.
        surely: BTreeSet<String>,
    },
    /// It is the body of a routine or trigger, of which the engine keeps every sign.
    Body(String),
}

/// Its properties.
pub type Properties = BTreeMap<&'static str, Claim>;

/// The objects of a schema.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By what they are.
    pub objects: BTreeMap<Object, Properties>,
    /// Names that the model is not sure of: what is said about them is not compared.
    pub unsure: BTreeSet<String>,
    /// The virtual tables.
    pub modules: BTreeSet<String>,
    /// Tables with checks that have no name of their own, where products of one family choose them
    /// in different ways.
    pub unnamed_checks: BTreeSet<String>,
    /// What one product of a family has and another has not.
    pub optional: BTreeSet<Object>,
    /// Whether it is sure of everything that it does not name.
    pub knows_all: bool,
}

/// One way in which the model and the engine differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// About which object.
    pub object: Object,
    /// About what.
    pub about: About,
}

/// About what the model and the engine differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The model has the object, the engine has not.
    Missing,
    /// The engine has the object, the model has not.
    Unknown,
    /// A property.
    Property {
        /// Which.
        name: &'static str,
        /// What the model says.
        model: String,
        /// What the engine says.
        engine: String,
    },
}

impl Object {
    /// An object that stands by itself.
    pub fn new(kind: &'static str, schema: &str, name: &str, dialect: Dialect) -> Object {
        Object {
            kind,
            schema: schema.to_owned(),
            table: None,
            name: name.to_owned(),
        }
        .folded(dialect)
    }

    /// A part of a table.
    #[must_use]
    pub fn on(self, table: &str, dialect: Dialect) -> Object {
        Object {
            table: Some(table.to_owned()),
            ..self
        }
        .folded(dialect)
    }

    /// With names as they are compared.
    fn folded(mut self, dialect: Dialect) -> Object {
        if dialect.modelling().family != Family::Postgres {
            self.name = self.name.to_lowercase();
            self.table = self.table.map(|table| table.to_lowercase());
        }
        self
    }

    /// Whether it is the object of that name, or a part of it.
    pub fn is_of(&self, name: &str) -> bool {
        let names = [Some(&self.name), self.table.as_ref()];
        let mut names = names.into_iter().flatten();
        names.any(|own| own.to_lowercase() == name || plain(own).to_lowercase() == name)
    }
}

/// The name of a routine without the number of its arguments.
fn plain(name: &str) -> &str {
    match name.rsplit_once('/') {
        Some((name, count)) if count.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    }
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
        let object = &self.object;
        match &self.about {
            About::Missing => write!(f, "{object}: model there, engine not there"),
            About::Unknown => write!(f, "{object}: model not there, engine there"),
            About::Property {
                name,
                model,
                engine,
            } => write!(f, "{object}: {name}: model {model}, engine {engine}"),
        }
    }
}

impl Claim {
    /// The text as it was written.
    pub fn text(&self) -> &str {
        match self {
            Claim::Exact(text) | Claim::Words { text, .. } | Claim::Body(text) => text,
        }
    }

    /// Whether `fact`, as an engine shows it, is surely something else.
    fn denies(&self, fact: &str, dialect: Dialect) -> bool {
        match self {
            Claim::Exact(text) => text != fact,
            Claim::Words {
                text,
                names,
                surely,
            } => kept::is_another(text, fact, names, surely, dialect),
            Claim::Body(text) => {
                let signs = |text: &str| text.split_whitespace().collect::<String>();
                match dialect.modelling().family {
                    Family::Postgres | Family::Sqlite => signs(text) != signs(fact),
                    // What stands before the body is kept apart, and MySQL keeps what ends it.
                    Family::MySql => {
                        let fact = Fragment::parse(fact, dialect);
                        let (said, kept) = (signs(text), signs(&fact.text));
                        let [said, kept] = [&said, &kept].map(|one| one.trim_end_matches(';'));
                        !said.ends_with(kept)
                    }
                }
            }
        }
    }
}

/// Where what the model says is not what the engine says.
pub fn disagreements(model: &Facts, engine: &Facts, dialect: Dialect) -> Vec<Disagreement> {
    let mut found = Vec::new();
    let mut add = |object: &Object, about| {
        found.push(Disagreement {
            object: object.clone(),
            about,
        });
    };
    for (object, claimed) in &model.objects {
        if !model.is_sure_of(object) || model.leans_on_doubt(claimed) {
            continue;
        }
        let Some(properties) = engine.objects.get(object) else {
            if engine.has_table_of(object) {
                add(object, About::Missing);
            }
            continue;
        };
        for (name, claim) in claimed {
            let fact = properties.get(name).map_or("", Claim::text);
            if *name == "type" && model.unsure.contains(bare(claim.text())) {
                continue;
            }
            if claim.denies(fact, dialect) {
                add(
                    object,
                    About::Property {
                        name,
                        model: claim.text().to_owned(),
                        engine: fact.to_owned(),
                    },
                );
            }
        }
    }
    let unknown = engine.objects.keys().filter(|object| {
        model.knows_all
            && !model.objects.contains_key(object)
            && model.is_sure_of(object)
            && model.has_table_of(object)
            && !model.is_of_module(object)
            && !model.optional.contains(*object)
            && !model.names_itself(object, &engine.objects[*object])
    });
    for object in unknown {
        add(object, About::Unknown);
    }
    found
}

/// A type without its schema, its length and its brackets.
fn bare(data_type: &str) -> &str {
    let own = data_type.split(['(', '[']).next().unwrap_or(data_type);
    own.rsplit('.').next().unwrap_or(own)
}

impl Facts {
    /// Whether the model says something about the object.
    pub fn is_sure_of(&self, object: &Object) -> bool {
        // Nobody changes a column without naming its table.
        let own = match object.kind {
            "column" => None,
            _ => Some(object.name.as_str()),
        };
        let names = [own, own.map(plain), object.table.as_deref()];
        !names
            .into_iter()
            .flatten()
            .any(|name| self.unsure.contains(&name.to_lowercase()))
    }

    /// Whether the object goes with another that the model is not sure of: a foreign key with the
    /// table that it leads to, a view with what it reads.
    fn leans_on_doubt(&self, claimed: &Properties) -> bool {
        claimed.values().any(|claim| match claim {
            Claim::Exact(text) => {
                let to = text
                    .strip_prefix("foreign key (")
                    .and_then(|rest| rest.split_once(") to "))
                    .and_then(|(_, rest)| rest.split_once(" ("));
                to.is_some_and(|(table, _)| self.unsure.contains(table))
            }
            Claim::Words { surely, .. } => {
                let mut surely = surely.iter();
                surely.any(|name| self.unsure.contains(&name.to_lowercase()))
            }
            Claim::Body(_) => false,
        })
    }

    /// Whether it is a check to which the engine itself may have given its name.
    fn names_itself(&self, object: &Object, properties: &Properties) -> bool {
        let is_check = properties
            .get("definition")
            .is_some_and(|definition| definition.text() == "check");
        let table = object.table.as_ref();
        is_check && table.is_some_and(|table| self.unnamed_checks.contains(table))
    }

    /// Whether a virtual table keeps its rows there, as modules do behind everybody's back.
    fn is_of_module(&self, object: &Object) -> bool {
        let name = object.table.as_ref().unwrap_or(&object.name);
        self.modules.iter().any(|module| {
            let rest = name.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest.starts_with('_'))
        })
    }

    /// Whether the table is there that an object is part of: one word about that is enough.
    fn has_table_of(&self, object: &Object) -> bool {
        let Some(table) = &object.table else {
            return true;
        };
        const OWNERS: [&str; 4] = ["table", "view", "materialized view", "domain"];
        OWNERS.iter().any(|kind| {
            let owner = Object {
                kind,
                schema: object.schema.clone(),
                table: None,
                name: table.clone(),
            };
            self.objects.contains_key(&owner)
        })
    }
}

/// Whether constraints have names to the engine.
pub fn names_constraints(dialect: Dialect) -> bool {
    dialect.modelling().family != Family::Sqlite
}

/// Whether there can be several routines of one name, told apart by their arguments.
pub fn overloads_routines(dialect: Dialect) -> bool {
    dialect.modelling().family == Family::Postgres
}
