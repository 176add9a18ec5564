//! What the model says that there is.

use std::collections::BTreeSet;

use super::spelling::{EXPRESSION, data_type, foreign_key, names, yes};
use super::{Claim, Facts, Object, Properties};
use crate::change::{Fragment, Kind, Name};
use crate::dialect::{Dialect, Family};
use crate::schema::{
    Body, Class, Constraint, Index, Key, Part, PartOf, Routine, Rule, Schema, Table, Trigger, View,
};

/// The facts of the model.
pub fn of_schema(schema: &Schema) -> Facts {
    let mut facts = Facts {
        knows_all: true,
        ..Facts::default()
    };
    for (key, _) in schema.objects() {
        add(&mut facts, key, schema);
    }
    facts
}

/// The facts of one object of the model.
pub fn of_object(key: &Key, schema: &Schema) -> Facts {
    let mut facts = Facts {
        knows_all: true,
        ..Facts::default()
    };
    add(&mut facts, key, schema);
    facts
}

fn add(facts: &mut Facts, key: &Key, schema: &Schema) {
    let Some(object) = schema.get(key) else {
        return;
    };
    if key.class == Class::Doubt {
        facts.knows_all &= key.name.as_str() != "*";
        facts.unsure.insert(key.name.as_str().to_lowercase());
    } else if object.is_temporary() || object.is_open() || is_beyond(key, &object.body, schema) {
        facts.unsure.insert(key.name.as_str().to_lowercase());
    } else {
        let mut writer = Writer { facts, key, schema };
        writer.object(&object.body);
    }
}

/// What the model keeps in mind and makes no claim about.
fn is_beyond(key: &Key, body: &Body, schema: &Schema) -> bool {
    let doubted = |name: &Name| {
        let doubt = Key::new(Class::Doubt, Name::new("", schema.dialect()), name.clone());
        schema.has(&doubt)
    };
    match body {
        // Its keys, indexes and attributes come from the table that it is a part of.
        Body::Table(table) => table.partition_of.is_some(),
        Body::Index(index) => index.part_of.is_some(),
        // It goes with a table that something may have happened to.
        Body::Sequence(sequence) => {
            let owner = sequence.owned_by.as_ref().map(|(table, _)| table);
            owner.is_some_and(|table| {
                doubted(&table.name) || schema.get(table).is_none_or(|table| table.is_open())
            })
        }
        Body::Routine(_) => key.schema.as_str() == "pg_temp",
        _ => false,
    }
}

/// Writes down one object.
struct Writer<'w> {
    facts: &'w mut Facts,
    key: &'w Key,
    schema: &'w Schema,
}

fn exact(text: impl Into<String>) -> Claim {
    Claim::Exact(text.into())
}

/// What the engine keeps in its own words, where the names are those of columns.
fn words(fragment: Option<&Fragment>, names: &BTreeSet<String>) -> Claim {
    Claim::Words {
        text: fragment.map_or(String::new(), |fragment| fragment.text.to_string()),
        names: names.clone(),
        surely: BTreeSet::new(),
    }
}

/// SQL of Postgres' own that it keeps as a tree and not as a text.
fn is_kept_as_text(body: &str) -> bool {
    let body = body.trim_start().to_lowercase();
    !body.starts_with("begin atomic") && !body.starts_with("return ")
}

fn column_names(table: &Table) -> BTreeSet<String> {
    let columns = table.columns.iter();
    columns.map(|column| column.name.key().to_owned()).collect()
}

impl Writer<'_> {
    fn dialect(&self) -> Dialect {
        self.schema.dialect()
    }

    fn family(&self) -> Family {
        self.dialect().modelling().family
    }

    fn schema_name(&self) -> &str {
        match self.key.schema.as_str() {
            "public" => "",
            schema if self.family() == Family::Postgres => schema,
            _ => "",
        }
    }

    fn put(&mut self, kind: &'static str, name: &str, properties: Properties) {
        let object = Object::new(kind, self.schema_name(), name, self.dialect());
        self.facts.objects.insert(object, properties);
    }

    fn put_on(&mut self, table: &str, kind: &'static str, name: &str, properties: Properties) {
        let object = Object::new(kind, self.schema_name(), name, self.dialect());
        let object = object.on(table, self.dialect());
        self.facts.objects.insert(object, properties);
    }

    fn object(&mut self, body: &Body) {
        let own = self.key.name.as_str();
        let none = Properties::new();
        match body {
            Body::Table(table) => self.table(table),
            Body::View(view) => self.view(view),
            Body::Index(index) => self.index(index),
            Body::Sequence(sequence) => {
                let owner = sequence.owned_by.as_ref();
                let owner = owner.map(|(table, column)| format!("{}.{column}", table.name));
                let owner = exact(owner.unwrap_or_default().to_lowercase());
                self.put("sequence", own, Properties::from([("owned by", owner)]));
            }
            Body::Enum(labels) => {
                let labels: Vec<String> = labels
                    .iter()
                    .map(|label| format!("'{}'", label.replace('\'', "''")))
                    .collect();
                let labels = exact(labels.join(", "));
                self.put("enum", own, Properties::from([("labels", labels)]));
            }
            Body::Composite(_) => self.put("composite type", own, none),
            Body::Domain(domain) => {
                for (name, (check, _)) in &domain.checks {
                    let properties = Properties::from([
                        ("definition", exact("check")),
                        ("condition", words(Some(check), &BTreeSet::new())),
                    ]);
                    self.put_on(own, "constraint", name.as_str(), properties);
                }
                let data_type = data_type(&domain.data_type, self.dialect());
                self.put(
                    "domain",
                    own,
                    Properties::from([("type", exact(data_type))]),
                );
            }
            Body::Routine(routine) => self.routine(routine),
            Body::Trigger(trigger) => self.trigger(trigger),
            Body::Other(other) => match (other.words, &other.table) {
                ("POLICY", Some(on)) => self.put_on(on.name.as_str(), "policy", own, none),
                ("RULE", Some(on)) => self.put_on(on.name.as_str(), "rule", own, none),
                _ => {}
            },
            Body::Schema => self.put("schema", own, none),
            Body::Extension(_) => self.put("extension", own, none),
            Body::Doubt => {}
        }
    }

    fn view(&mut self, view: &View) {
        let kind = match view.materialized {
            true => "materialized view",
            false => "view",
        };
        let text = &view.query.text;
        let used = |(_, name): &(Key, Name)| name.key().to_owned();
        let mut surely: BTreeSet<String> = view.columns_used.iter().map(used).collect();
        surely.extend(view.uses.iter().map(|key| key.name.key().to_owned()));
        // `*` and the like are written out.
        let is_short = text.contains(".*")
            || text
                .split(['(', ' ', ','])
                .any(|word| word.starts_with('*'))
            || text.contains("natural ");
        let tables = view.uses.iter().filter_map(|key| self.schema.get(key));
        let tables = tables.filter_map(|object| object.table());
        let names = match is_short {
            true => BTreeSet::new(),
            false => tables.flat_map(column_names).collect(),
        };
        let query = Claim::Words {
            text: text.to_string(),
            names,
            surely,
        };
        let own = self.key.name.as_str();
        self.put(kind, own, Properties::from([("query", query)]));
    }

    fn index(&mut self, index: &Index) {
        let is_constraint = index.constraint.is_some() && self.family() == Family::Postgres;
        let Some(table) = self.schema.get(&index.table) else {
            return;
        };
        if is_constraint || table.is_open() {
            return;
        }
        let columns = table.table().map(column_names).unwrap_or_default();
        let is_partitioned = table
            .table()
            .is_some_and(|table| table.partition_by.is_some());
        let mut properties = Properties::from([
            ("unique", exact(yes(index.unique))),
            ("parts", exact(parts(&index.parts))),
        ]);
        if self.family() == Family::Postgres {
            properties.insert("condition", words(index.condition.as_ref(), &columns));
            if !is_partitioned {
                properties.insert("valid", exact("yes"));
            }
        }
        let own = self.key.name.as_str();
        let on = index.table.name.as_str();
        // `SERIAL PRIMARY KEY` is one key to MariaDB and two to MySQL.
        let doubles_key = table.table().is_some_and(|table| {
            let counts = table.columns.iter().find(|column| column.auto_increment);
            let is_key = |name: &Name| {
                let key = table.primary_key().map(|(_, parts)| parts);
                key.is_some_and(|key| key == index.parts.as_slice() && parts(key) == name.key())
            };
            index.unique && counts.is_some_and(|column| is_key(&column.name)) && own != "PRIMARY"
        });
        if self.family() == Family::MySql && doubles_key {
            let object = Object::new("index", self.schema_name(), own, self.dialect());
            let object = object.on(on, self.dialect());
            self.facts.optional.insert(object);
            return;
        }
        self.put_on(on, "index", own, properties);
    }

    fn routine(&mut self, routine: &Routine) {
        let own = self.key.name.as_str();
        let mut properties = Properties::new();
        let own = match self.family() {
            Family::Postgres => {
                let arguments = self
                    .key
                    .within
                    .as_ref()
                    .map_or("", |within| within.as_str());
                let count = match (routine.kind, arguments) {
                    (_, "") => 0,
                    (Kind::Aggregate, "*") => 0,
                    _ => arguments_of(arguments),
                };
                let language = routine.options.get("language");
                let language = language.map_or("", |language| language.trim_matches('\''));
                let is_kept = matches!(language, "plpgsql" | "sql");
                let is_kept = is_kept && is_kept_as_text(&routine.body);
                if is_kept && routine.kind != Kind::Aggregate {
                    properties.insert("body", Claim::Body(routine.body.to_string()));
                }
                format!("{own}/{count}")
            }
            Family::Sqlite | Family::MySql => {
                properties.insert("body", Claim::Body(routine.body.to_string()));
                own.to_owned()
            }
        };
        self.put("routine", &own, properties);
    }

    fn trigger(&mut self, trigger: &Trigger) {
        let mut properties = Properties::new();
        if self.family() != Family::Sqlite {
            let when = super::moments(&trigger.definition.text, self.dialect());
            properties.insert("when", exact(when));
        }
        if self.family() == Family::Postgres {
            let state = match &*trigger.state {
                "" | "enable" => "yes",
                _ => "no",
            };
            properties.insert("enabled", exact(state));
        }
        if let Some(function) = &trigger.function {
            properties.insert("function", exact(function.name.as_str()));
        }
        if self.family() == Family::MySql {
            let body = Claim::Body(trigger.definition.text.to_string());
            properties.insert("body", body);
        }
        let table = trigger.table.name.as_str();
        self.put_on(table, "trigger", self.key.name.as_str(), properties);
    }

    fn table(&mut self, table: &Table) {
        let dialect = self.dialect();
        let own = self.key.name.as_str();
        let mut properties = Properties::new();
        let is_virtual = table.nature.contains(&"VIRTUAL");
        if is_virtual {
            self.facts.modules.insert(own.to_lowercase());
        } else {
            let names: Vec<String> = table
                .columns
                .iter()
                .map(|column| Object::new("column", "", column.name.as_str(), dialect).name)
                .collect();
            properties.insert("columns", exact(names.join(", ")));
        }
        self.put("table", own, properties);
        let columns = column_names(table);
        for column in table.columns.iter().filter(|_| !is_virtual) {
            let mut properties = Properties::new();
            properties.insert("type", exact(data_type(&column.data_type, dialect)));
            properties.insert("not null", exact(yes(column.not_null)));
            let default = column.default.as_ref();
            let default = default.filter(|value| &*value.text != "null");
            properties.insert("default", words(default, &BTreeSet::new()));
            let generated = column.generated.as_ref();
            let generated = generated.map(|(expression, _)| expression);
            properties.insert("generated", words(generated, &columns));
            let identity = match column.identity {
                Some(true) => "always",
                Some(false) => "by default",
                None => "",
            };
            properties.insert("identity", exact(identity));
            if self.family() == Family::MySql {
                let counts = exact(yes(column.auto_increment));
                properties.insert("auto_increment", counts);
            }
            self.put_on(own, "column", column.name.as_str(), properties);
        }
        for (name, constraint) in &table.constraints {
            self.constraint(name, constraint, &columns);
        }
    }

    fn constraint(&mut self, name: &Name, constraint: &Constraint, columns: &BTreeSet<String>) {
        let definition = definition(constraint, self.dialect());
        // MySQL keeps keys as indexes.
        let is_key = definition.starts_with("primary") || definition.starts_with("unique");
        let is_mysql = self.family() == Family::MySql;
        // To SQLite the name of a constraint is nothing but words.
        let is_unnamed = self.family() == Family::Sqlite;
        if definition == "not null" || (is_key && is_mysql) || (is_unnamed && definition == "check")
        {
            return;
        }
        let own = self.key.name.as_str();
        let is_automatic = name
            .key()
            .starts_with(&format!("{}_chk_", own.to_lowercase()));
        if is_mysql && definition == "check" && is_automatic {
            self.facts.unnamed_checks.insert(own.to_lowercase());
            return;
        }
        let shown = match is_unnamed {
            true => definition.clone(),
            false => name.as_str().to_owned(),
        };
        let mut properties = Properties::from([("definition", exact(definition))]);
        if !is_unnamed && let Rule::Check(check) = &constraint.rule {
            properties.insert("condition", words(Some(check), columns));
        }
        if self.family() == Family::Postgres {
            let is_valid = !constraint.traits.iter().any(|one| &**one == "not valid");
            properties.insert("valid", exact(yes(is_valid)));
        }
        let table = self.key.name.as_str();
        self.put_on(table, "constraint", &shown, properties);
    }
}

fn arguments_of(types: &str) -> usize {
    let mut depth = 0;
    let commas = types.chars().filter(|letter| {
        depth += i32::from(*letter == '(') - i32::from(*letter == ')');
        *letter == ',' && depth == 0
    });
    commas.count() + 1
}

fn definition(constraint: &Constraint, dialect: Dialect) -> String {
    match &constraint.rule {
        Rule::PrimaryKey(key, _) => format!("primary key ({})", columns(key)),
        Rule::Unique(key, _) => format!("unique ({})", columns(key)),
        Rule::Foreign(foreign) => foreign_key(
            &names(&foreign.columns),
            foreign.table.name.as_str(),
            &names(&foreign.referenced),
            [&foreign.on_delete, &foreign.on_update],
            dialect,
        ),
        Rule::Check(_) => "check".to_owned(),
        Rule::Exclude(_) => "exclude".to_owned(),
        Rule::NotNull(_) => "not null".to_owned(),
    }
}

fn columns(key: &[Part]) -> String {
    let names: Vec<String> = key
        .iter()
        .map(|part| match &part.what {
            PartOf::Column(name) => name.as_str().to_lowercase(),
            PartOf::Expression(text) => text.text.to_string(),
        })
        .collect();
    names.join(", ")
}

fn parts(key: &[Part]) -> String {
    let names: Vec<&str> = key
        .iter()
        .map(|part| match &part.what {
            PartOf::Column(name) => name.key(),
            PartOf::Expression(_) => EXPRESSION,
        })
        .collect();
    names.join(", ")
}
