//! What the database holds between two migrations, and what of it the next one may touch.
//!
//! SQLite reads its whole schema again for most changes of it, so a thousand migrations on one
//! database would take minutes. Each migration is played on a small database instead, with the
//! objects that it names and those that SQLite looks at for their sake.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rusqlite::types::Value;

use super::words::{Act, Line, name};
use crate::dialect::Dialect;
use crate::lex;

/// A kind of object that SQLite keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A table, virtual ones included.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

/// The name of an object, in lower case. Triggers have a space of names of their own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    is_trigger: bool,
    pub(super) name: String,
}

/// An object as SQLite keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The table or view that it belongs to, in lower case; of a table its own name.
    pub(super) table: String,
    /// The statement that makes it.
    pub(super) sql: Arc<str>,
    pub(super) is_virtual: bool,
}

/// Objects by their names.
pub(super) type Objects = BTreeMap<Key, Object>;

/// The rows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) values: Vec<Vec<Value>>,
}

/// What a migration needs to be played.
pub(super) struct Load<'c> {
    /// Tables before the indexes, views and triggers that belong to them.
    pub(super) objects: Vec<(&'c Key, &'c Object)>,
    pub(super) rows: Vec<(&'c str, &'c Rows)>,
    /// Tables that are there without their rows: nothing asks for those.
    pub(super) hollow: BTreeSet<String>,
}

/// What the database holds.
pub(super) struct Catalogue {
    dialect: Dialect,
    pub(super) objects: Objects,
    /// How many objects have a name. Few words of a statement are one.
    names: HashMap<String, u32>,
    rows: HashMap<String, Rows>,
    /// The names that an object is found by, read off its statement.
    links: HashMap<Key, Vec<(Link, String)>>,
    /// Indexes and triggers of a table or view.
    belongings: HashMap<String, BTreeSet<Key>>,
    /// The tables that refer to a table by a foreign key.
    children: HashMap<String, BTreeSet<Key>>,
    /// The views and triggers whose text holds a name.
    users: HashMap<String, BTreeSet<Key>>,
    /// Views and triggers that SQLite finds broken when it looks at all of them.
    broken: BTreeSet<Key>,
}

/// How much of an object is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// That it is there.
    Shape,
    /// Its rows too.
    Rows,
    /// Its indexes and triggers too.
    Whole,
    /// What happens when its rows change, too.
    Full,
}

impl Kind {
    /// The kind of the word in `sqlite_schema`.
    pub(super) fn from_name(name: &str) -> Option<Kind> {
        [Kind::Table, Kind::Index, Kind::View, Kind::Trigger]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Table => "table",
            Kind::Index => "index",
            Kind::View => "view",
            Kind::Trigger => "trigger",
        }
    }

    /// The word behind `CREATE` and `DROP`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::Table => "TABLE",
            Kind::Index => "INDEX",
            Kind::View => "VIEW",
            Kind::Trigger => "TRIGGER",
        }
    }
}

impl Key {
    pub(super) fn of(kind: Kind, name: &str) -> Key {
        Key {
            is_trigger: kind == Kind::Trigger,
            name: name.to_ascii_lowercase(),
        }
    }

    /// Whether it is the table, view or index of this name.
    pub(super) fn is(&self, name: &str) -> bool {
        !self.is_trigger && self.name == name
    }
}

impl Object {
    pub(super) fn new(kind: Kind, name: String, mut table: String, sql: String) -> Object {
        let is_virtual = sql
            .get(.."CREATE VIRTUAL".len())
            .is_some_and(|head| head.eq_ignore_ascii_case("CREATE VIRTUAL"));
        table.make_ascii_lowercase();
        Object {
            kind,
            name,
            table,
            sql: sql.into(),
            is_virtual,
        }
    }

    pub(super) fn key(&self) -> Key {
        Key::of(self.kind, &self.name)
    }
}

impl Catalogue {
    pub(super) fn new(dialect: Dialect) -> Catalogue {
        Catalogue {
            dialect,
            objects: Objects::new(),
            names: HashMap::new(),
            rows: HashMap::new(),
            links: HashMap::new(),
            belongings: HashMap::new(),
            children: HashMap::new(),
            users: HashMap::new(),
            broken: BTreeSet::new(),
        }
    }

    /// The object that SQLite would find under this name, in lower case.
    pub(super) fn relation(&self, name: &str) -> Option<&Object> {
        self.objects.get(&Key {
            is_trigger: false,
            name: name.to_owned(),
        })
    }

    /// Whether there is an object of this name, in lower case.
    fn is_taken(&self, name: &str) -> bool {
        self.names.get(name).is_some_and(|count| *count > 0)
    }

    /// Takes over what a migration made of the objects that were loaded for it.
    pub(super) fn update(&mut self, before: &Objects, after: &Objects) {
        for (key, object) in before {
            if after.get(key).is_none_or(|now| now != object) {
                self.remove(key);
            }
        }
        for (key, object) in after {
            if before.get(key).is_none_or(|was| was != object) {
                self.insert(key.clone(), object.clone());
            }
        }
    }

    /// Takes over the rows of a table.
    pub(super) fn set_rows(&mut self, table: &str, rows: Rows) {
        if rows.values.is_empty() {
            self.rows.remove(table);
        } else {
            self.rows.insert(table.to_owned(), rows);
        }
    }

    /// Takes over which of the loaded views and triggers are broken.
    pub(super) fn set_broken(&mut self, loaded: &Objects, broken: Vec<Key>) {
        self.broken.retain(|key| !loaded.contains_key(key));
        self.broken.extend(broken);
    }

    fn insert(&mut self, key: Key, object: Object) {
        let links = links(&object, self.dialect);
        for (link, name) in &links {
            self.register(*link)
                .entry(name.clone())
                .or_default()
                .insert(key.clone());
        }
        self.links.insert(key.clone(), links);
        *self.names.entry(key.name.clone()).or_default() += 1;
        self.objects.insert(key, object);
    }

    fn remove(&mut self, key: &Key) {
        let Some(object) = self.objects.remove(key) else {
            return;
        };
        if let Some(count) = self.names.get_mut(&key.name) {
            *count -= 1;
        }
        for (link, name) in self.links.remove(key).unwrap_or_default() {
            if let Some(keys) = self.register(link).get_mut(&name) {
                keys.remove(key);
            }
        }
        if object.kind == Kind::Table {
            self.rows.remove(&object.table);
        }
        self.broken.remove(key);
    }

    fn register(&mut self, link: Link) -> &mut HashMap<String, BTreeSet<Key>> {
        match link {
            Link::Belonging => &mut self.belongings,
            Link::Child => &mut self.children,
            Link::User => &mut self.users,
        }
    }

    /// What these statements may touch.
    pub(super) fn load<'c>(&'c self, lines: &[&Line<'_>]) -> Load<'c> {
        let mut wanted = Wanted {
            catalogue: self,
            has_writes: lines.iter().any(|line| line.writes()),
            depths: BTreeMap::new(),
            open: Vec::new(),
        };
        // Who asks SQLite for its own tables may learn of everything.
        if lines
            .iter()
            .any(|line| line.names().any(|name| asks_for_all(&name)))
        {
            for key in self.objects.keys() {
                wanted.ask(key, Depth::Full);
            }
        }
        for line in lines {
            wanted.ask_for(line);
        }
        wanted.follow();
        wanted.load()
    }
}

fn asks_for_all(name: &str) -> bool {
    name.starts_with("sqlite_") || name.starts_with("pragma_")
}

/// One of the ways to find an object by the name of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// It is an index or trigger of the other.
    Belonging,
    /// It refers to the other by a foreign key.
    Child,
    /// It is a view or trigger, and the name stands in its text.
    User,
}

fn links(object: &Object, dialect: Dialect) -> Vec<(Link, String)> {
    let belonging = || (Link::Belonging, object.table.clone());
    let users = || {
        names(&object.sql, dialect)
            .into_iter()
            .map(|name| (Link::User, name))
    };
    match object.kind {
        Kind::Table => {
            let parents = parents(&object.sql, dialect);
            parents
                .into_iter()
                .map(|name| (Link::Child, name))
                .collect()
        }
        Kind::Index => vec![belonging()],
        Kind::View => users().collect(),
        Kind::Trigger => users().chain([belonging()]).collect(),
    }
}

struct Wanted<'c> {
    catalogue: &'c Catalogue,
    /// Whether rows may change.
    has_writes: bool,
    depths: BTreeMap<&'c Key, Depth>,
    /// What has been asked for and not been followed yet.
    open: Vec<(&'c Key, Depth)>,
}

impl<'c> Wanted<'c> {
    fn ask(&mut self, key: &Key, depth: Depth) {
        let Some((key, _)) = self.catalogue.objects.get_key_value(key) else {
            return;
        };
        if self.depths.get(key).is_none_or(|known| *known < depth) {
            self.depths.insert(key, depth);
            self.open.push((key, depth));
        }
    }

    fn ask_name(&mut self, name: &str, depth: Depth) {
        if !self.catalogue.is_taken(name) {
            return;
        }
        let mut key = Key {
            is_trigger: false,
            name: name.to_owned(),
        };
        self.ask(&key, depth);
        key.is_trigger = true;
        self.ask(&key, depth);
    }

    /// Whether it is an index that foreign keys can refer to.
    fn is_unique(&self, key: &Key) -> bool {
        let object = &self.catalogue.objects[key];
        let head = object.sql.get(.."CREATE UNIQUE".len()).unwrap_or_default();
        head.eq_ignore_ascii_case("CREATE UNIQUE")
    }

    /// Asks for the objects whose names an object is found by in this way.
    fn ask_linked(&mut self, key: &Key, link: Link, depth: Depth) {
        let links = self.catalogue.links.get(key).into_iter().flatten();
        for (_, name) in links.filter(|(found, _)| *found == link) {
            self.ask_name(name, depth);
        }
    }

    fn ask_all(&mut self, keys: Option<&'c BTreeSet<Key>>, depth: Depth) {
        for key in keys.into_iter().flatten() {
            self.ask(key, depth);
        }
    }

    fn ask_for(&mut self, line: &Line<'_>) {
        let catalogue = self.catalogue;
        let depth = match line.act {
            // What is inserted into a new table has to find its other end.
            Act::Define if self.has_writes => Depth::Rows,
            Act::Define | Act::Attach | Act::Vacuum | Act::Control | Act::Pragma => Depth::Shape,
            Act::Alter if line.begins(&["ALTER"]) => Depth::Whole,
            Act::Alter | Act::Data => Depth::Full,
        };
        let takes_rows = line.act == Act::Data
            && ["DELETE", "UPDATE", "REPLACE"]
                .iter()
                .any(|word| line.has(word));
        let named = line.names().filter(|name| catalogue.is_taken(name));
        for name in named {
            self.ask_name(&name, depth);
            if line.act == Act::Alter {
                self.ask_all(catalogue.users.get(&name), Depth::Shape);
            }
            if line.act == Act::Alter || takes_rows {
                self.ask_all(catalogue.children.get(&name), Depth::Full);
            }
        }
        if line.act == Act::Alter {
            self.ask_all(Some(&catalogue.broken), Depth::Shape);
        }
    }

    fn follow(&mut self) {
        let catalogue = self.catalogue;
        while let Some((key, depth)) = self.open.pop() {
            let object = &catalogue.objects[key];
            let belongings = catalogue.belongings.get(&object.table);
            match object.kind {
                Kind::Table => {
                    for belonging in belongings.into_iter().flatten() {
                        if depth >= Depth::Whole || self.is_unique(belonging) {
                            self.ask(belonging, depth);
                        }
                    }
                    if depth == Depth::Full {
                        self.ask_linked(key, Link::Child, Depth::Rows);
                    }
                }
                Kind::Index => self.ask_name(&object.table, Depth::Shape),
                Kind::View | Kind::Trigger => {
                    if depth >= Depth::Whole {
                        self.ask_all(belongings, depth);
                    }
                    self.ask_name(&object.table, depth);
                    self.ask_linked(key, Link::User, depth);
                }
            }
        }
    }

    fn load(self) -> Load<'c> {
        let catalogue = self.catalogue;
        let keys = self.depths.keys();
        let mut objects: Vec<_> = keys.map(|key| (*key, &catalogue.objects[*key])).collect();
        objects.sort_by_key(|(_, object)| object.kind);
        let mut load = Load {
            objects,
            rows: Vec::new(),
            hollow: BTreeSet::new(),
        };
        for (key, object) in load
            .objects
            .iter()
            .filter(|(_, object)| object.kind == Kind::Table)
        {
            let Some((table, rows)) = catalogue.rows.get_key_value(&object.table) else {
                continue;
            };
            match self.depths[*key] {
                Depth::Shape => {
                    load.hollow.insert(table.clone());
                }
                Depth::Rows | Depth::Whole | Depth::Full => load.rows.push((table, rows)),
            }
        }
        load
    }
}

/// Every name in a text, in lower case, each once.
fn names(sql: &str, dialect: Dialect) -> BTreeSet<String> {
    let tokens = lex::lex(sql, dialect).tokens;
    lex::lexemes(sql, &tokens).iter().filter_map(name).collect()
}

/// The tables that a table refers to.
pub(super) fn parents(sql: &str, dialect: Dialect) -> Vec<String> {
    // Most tables need not be read token by token.
    if !sql.to_ascii_lowercase().contains("references") {
        return Vec::new();
    }
    let tokens = lex::lex(sql, dialect).tokens;
    let lexemes = lex::lexemes(sql, &tokens);
    lexemes
        .windows(2)
        .filter(|two| two[0].is("REFERENCES"))
        .filter_map(|two| name(&two[1]))
        .collect()
}
