//! Reading and writing objects, with a journal of what they were before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Class, Key, Object, Schema};
use crate::change::Name;
use crate::dialect::Dialect;

/// A place in the journal to which one can go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    writes: usize,
    adopted: usize,
}

impl Mark {
    /// How many writes lie between the two.
    pub fn behind(self, earlier: Mark) -> usize {
        self.writes.saturating_sub(earlier.writes)
    }
}

/// One write: which object, and what it was before.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The object.
    pub key: Key,
    /// Its value before; `None` when it was not there.
    pub before: Option<Arc<Object>>,
}

impl Schema {
    /// A schema without objects.
    pub fn new(dialect: Dialect) -> Schema {
        Schema {
            dialect,
            objects: BTreeMap::new(),
            dependants: BTreeMap::new(),
            constraints: BTreeMap::new(),
            journal: Vec::new(),
            adopted: Vec::new(),
        }
    }

    /// The SQL of the migrations that made it.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The object of that key.
    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// Whether there is an object of that key.
    pub fn has(&self, key: &Key) -> bool {
        self.objects.contains_key(key)
    }

    /// Every object in the order of the keys.
    pub fn objects(&self) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.objects.iter()
    }

    /// The objects of a class in a schema.
    pub fn in_schema<'s>(
        &'s self,
        class: Class,
        schema: &Name,
    ) -> impl Iterator<Item = (&'s Key, &'s Arc<Object>)> {
        let first = Key {
            class,
            schema: schema.clone(),
            within: None,
            name: Name::new("", self.dialect),
        };
        let schema = schema.clone();
        self.objects
            .range(first..)
            .take_while(move |(key, _)| key.class == class && key.schema == schema)
    }

    /// The objects of a class that are named within `owner`.
    pub fn within(&self, class: Class, owner: &Key) -> Vec<Key> {
        let first = Key::within(class, owner, Name::new("", self.dialect));
        self.objects
            .range(first.clone()..)
            .map(|(key, _)| key)
            .take_while(|key| {
                key.class == class && key.schema == first.schema && key.within == first.within
            })
            .cloned()
            .collect()
    }

    /// The objects that name the one of that key.
    pub fn dependants(&self, key: &Key) -> impl Iterator<Item = &Key> {
        self.dependants.get(key).into_iter().flatten()
    }

    /// Puts an object in its place, or takes it away.
    pub fn put(&mut self, key: Key, object: Option<Object>) {
        self.replace(key, object.map(Arc::new), true);
    }

    /// Changes the object of that key, if it is there.
    pub fn update(&mut self, key: &Key, change: impl FnOnce(&mut Object)) {
        if let Some(before) = self.get(key) {
            let mut after = Object::clone(before);
            change(&mut after);
            if after != **before {
                self.put(key.clone(), Some(after));
            }
        }
    }

    /// Puts an object in its place that was there all along: that is no change. It goes when what
    /// told of it is taken back.
    pub fn adopt(&mut self, key: Key, object: Object) {
        self.adopted.push((self.journal.len(), key.clone()));
        self.replace(key, Some(Arc::new(object)), false);
    }

    /// Whether a constraint of that name stands in the schema.
    pub fn has_constraint(&self, schema: &Name, name: &Name) -> bool {
        self.constraints
            .contains_key(&(schema.clone(), name.clone()))
    }

    /// Where the journal stands now.
    pub fn mark(&self) -> Mark {
        Mark {
            writes: self.journal.len(),
            adopted: self.adopted.len(),
        }
    }

    /// What was written since `mark`, oldest first.
    pub fn since(&self, mark: Mark) -> &[Entry] {
        &self.journal[mark.writes..]
    }

    /// What was written between two marks, oldest first.
    pub fn between(&self, from: Mark, to: Mark) -> &[Entry] {
        &self.journal[from.writes..to.writes]
    }

    /// The objects written since `mark`, each with its value at that time.
    pub fn touched(&self, mark: Mark) -> BTreeMap<Key, Option<Arc<Object>>> {
        let mut touched = BTreeMap::new();
        for entry in self.since(mark) {
            touched
                .entry(entry.key.clone())
                .or_insert_with(|| entry.before.clone());
        }
        touched
    }

    /// Takes back everything since `mark`.
    pub fn undo(&mut self, mark: Mark) {
        loop {
            while self.adopted.len() > mark.adopted
                && let Some((_, key)) = self
                    .adopted
                    .pop_if(|(writes, _)| *writes >= self.journal.len())
            {
                self.replace(key, None, false);
            }
            if self.journal.len() == mark.writes {
                break;
            }
            let Some(entry) = self.journal.pop() else {
                break;
            };
            self.replace(entry.key, entry.before, false);
        }
    }

    /// Forgets the journal: nothing before can be taken back any more.
    pub fn forget(&mut self) {
        self.journal.clear();
        self.adopted.clear();
    }

    fn replace(&mut self, key: Key, object: Option<Arc<Object>>, keep: bool) {
        let names = object.as_ref().map(|object| object.names());
        let before = match object {
            Some(object) => self.objects.insert(key.clone(), object),
            None => self.objects.remove(&key),
        };
        let names_before = before.as_ref().map(|before| before.names());
        if names_before != names {
            self.relink(
                &key,
                names_before.unwrap_or_default(),
                names.unwrap_or_default(),
            );
        }
        let after = self.objects.get(&key).cloned();
        self.recount(&key, before.as_deref(), after.as_deref());
        if keep {
            self.journal.push(Entry { key, before });
        }
    }

    fn recount(&mut self, key: &Key, before: Option<&Object>, after: Option<&Object>) {
        let (before, after) = match (
            before.and_then(Object::table),
            after.and_then(Object::table),
        ) {
            (None, None) => return,
            (b, a) => (b.map(|t| &t.constraints), a.map(|t| &t.constraints)),
        };
        for name in before.into_iter().flat_map(BTreeMap::keys) {
            if after.is_some_and(|after| after.contains_key(name)) {
                continue;
            }
            let place = (key.schema.clone(), name.clone());
            if let Some(count) = self.constraints.get_mut(&place) {
                *count -= 1;
                if *count == 0 {
                    self.constraints.remove(&place);
                }
            }
        }
        for name in after.into_iter().flat_map(BTreeMap::keys) {
            if before.is_some_and(|before| before.contains_key(name)) {
                continue;
            }
            *self
                .constraints
                .entry((key.schema.clone(), name.clone()))
                .or_default() += 1;
        }
    }

    fn relink(&mut self, key: &Key, before: BTreeSet<Key>, after: BTreeSet<Key>) {
        for gone in before.difference(&after) {
            if let Some(dependants) = self.dependants.get_mut(gone) {
                dependants.remove(key);
                if dependants.is_empty() {
                    self.dependants.remove(gone);
                }
            }
        }
        for come in after.difference(&before) {
            self.dependants
                .entry(come.clone())
                .or_default()
                .insert(key.clone());
        }
    }
}
