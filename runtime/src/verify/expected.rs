//! What the applied migrations should have made, by the model of the schema.
//!
//! The UPs are replayed in the order in which they were applied. What the model does not follow is
//! put aside with the reason, so that nothing is said about it.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_core::Set;
use backstitch_core::facts::{self, Facts, Object, Properties};
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Extent, Stage};
use backstitch_core::schema::{Class, Key, Schema};

use super::NotCompared;

/// The model of what should be there.
pub(crate) struct Expected {
    pub(crate) schema: Schema,
    pub(crate) facts: Facts,
    pub(crate) made: Made,
    /// Names of which the model is not sure, and why.
    doubts: BTreeMap<String, Because>,
    /// Since when there may be objects that it knows nothing about.
    anything: Option<Because>,
}

/// Which migration has made what.
#[derive(Default)]
pub(crate) struct Made {
    by: BTreeMap<Object, (Properties, String)>,
}

#[derive(Clone)]
struct Because {
    migration: String,
    why: String,
}

/// Replays the migrations of `set` in its order; of those whose ids are in `partly` not all has run.
pub(crate) fn expected(set: &Set, external: &[String], partly: &BTreeSet<String>) -> Expected {
    let options = Options {
        external: external.to_vec(),
        ..Options::default()
    };
    let mut following = Following::default();
    let extent = |migration: &backstitch_core::Migration| match partly.contains(&migration.id) {
        true => Extent::Partly,
        false => Extent::Whole,
    };
    let schema = proof::forward(set, &options, extent, |stage| following.stage(&stage));
    let mut facts = facts::of_schema(&schema);
    for (key, because) in &following.lost {
        let name = key.name.as_str().to_lowercase();
        let doubt = following.doubts.entry(name.clone());
        doubt.or_insert_with(|| because.clone());
    }
    facts.unsure.extend(following.doubts.keys().cloned());
    // What is not known beyond that is told by `may_be_others`.
    facts.knows_all = true;
    Expected {
        schema,
        facts,
        made: following.made,
        doubts: following.doubts,
        anything: following.anything,
    }
}

#[derive(Default)]
struct Following {
    made: Made,
    doubts: BTreeMap<String, Because>,
    anything: Option<Because>,
    /// What was there when a migration may have changed anything, and has not been made anew.
    lost: BTreeMap<Key, Because>,
}

impl Following {
    fn stage(&mut self, stage: &Stage<'_>) {
        let because = Because {
            migration: stage.migration.id.clone(),
            why: match stage.because.first() {
                Some(why) => why.clone(),
                None => "the model does not follow it".to_owned(),
            },
        };
        for key in &stage.touched {
            if !stage.known.contains(key) {
                self.lost.remove(key);
            }
            let facts = facts::of_object(key, stage.schema);
            for name in facts.unsure {
                self.doubts.entry(name).or_insert_with(|| because.clone());
            }
            for (object, properties) in facts.objects {
                self.made.note(object, properties, &stage.migration.id);
            }
        }
        let lost_sight = self.anything.is_none() && self.doubts.contains_key("*");
        if stage.anything || lost_sight {
            for (key, _) in stage.schema.objects() {
                let counts = !matches!(key.class, Class::Doubt | Class::Schema | Class::Extension);
                if counts && !self.lost.contains_key(key) {
                    self.lost.insert(key.clone(), because.clone());
                }
            }
            self.anything.get_or_insert(because.clone());
        }
        for name in &stage.doubts {
            let doubt = self.doubts.entry(name.clone());
            doubt.or_insert_with(|| because.clone());
        }
    }
}

impl Made {
    fn note(&mut self, object: Object, properties: Properties, migration: &str) {
        let is_new = self
            .by
            .get(&object)
            .is_none_or(|(before, _)| *before != properties);
        if is_new {
            self.by.insert(object, (properties, migration.to_owned()));
        }
    }

    /// The migration that made the object as it should be.
    pub(crate) fn by(&self, object: &Object) -> Option<&str> {
        self.by.get(object).map(|(_, migration)| migration.as_str())
    }
}

impl Expected {
    /// Whether there may be objects that the model knows nothing about.
    pub(crate) fn may_be_others(&self) -> bool {
        self.anything.is_some()
    }

    /// What is left out of the comparison with what is there, each with the reason.
    pub(crate) fn not_compared(&self, held: &Facts) -> Vec<NotCompared> {
        let mut told = BTreeMap::new();
        let objects = self.facts.objects.keys().chain(held.objects.keys());
        for object in objects.filter(|object| !self.facts.is_sure_of(object)) {
            let owner = object.table.as_deref().unwrap_or(&object.name);
            let by_owner = self.doubts.iter().find(|(name, _)| {
                owner.to_lowercase() == **name || object.table.is_none() && object.is_of(name)
            });
            let (what, because) = match by_owner {
                // The table as a whole, and not each of its parts.
                Some((name, because)) if object.table.is_some() => {
                    (format!("table {}", named(object, name)), because)
                }
                Some((_, because)) => (object.to_string(), because),
                None => match self.doubts.iter().find(|(name, _)| object.is_of(name)) {
                    Some((_, because)) => (object.to_string(), because),
                    None => continue,
                },
            };
            told.entry(what).or_insert(because);
        }
        let mut list: Vec<NotCompared> = told
            .into_iter()
            .map(|(what, because)| NotCompared {
                what,
                because: because.to_string(),
            })
            .collect();
        if let Some(because) = &self.anything {
            list.push(NotCompared {
                what: "objects that no migration names".to_owned(),
                because: because.to_string(),
            });
        }
        list
    }
}

/// The table of a part, with its schema.
fn named(object: &Object, table: &str) -> String {
    let table = object.table.as_deref().unwrap_or(table);
    match object.schema.as_str() {
        "" => table.to_owned(),
        schema => format!("{schema}.{table}"),
    }
}

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.migration, self.why)
    }
}
