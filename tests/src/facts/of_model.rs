//! What the model says that there is.

use backstitch_core::Dialect;
use backstitch_core::change::{Kind, Name};
use backstitch_core::schema::{Body, Class, Constraint, Key, Part, PartOf, Rule, Schema, Table};

use super::of_catalogue::yes;
use super::{Facts, Object, Properties, data_type, foreign_key};

/// The facts of the model.
pub fn of_model(schema: &Schema) -> Facts {
    let mut facts = Facts {
        knows_all: true,
        ..Facts::default()
    };
    for (key, object) in schema.objects() {
        if key.class == Class::Doubt {
            facts.knows_all &= key.name.as_str() != "*";
            facts.unsure.insert(key.name.as_str().to_lowercase());
        } else if object.is_temporary() || object.is_open() || is_beyond(key, &object.body, schema)
        {
            facts.unsure.insert(key.name.as_str().to_lowercase());
        } else {
            add(&mut facts, key, &object.body, schema);
        }
    }
    facts
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

fn add(facts: &mut Facts, key: &Key, body: &Body, schema: &Schema) {
    let dialect = schema.dialect();
    let mut properties = Properties::new();
    let mut own = key.name.as_str().to_owned();
    let mut table = None;
    let kind = match body {
        Body::Table(table) => {
            self::table(facts, key, table, dialect);
            return;
        }
        Body::View(view) if view.materialized => "materialized view",
        Body::View(_) => "view",
        Body::Index(index) if index.constraint.is_some() && dialect == Dialect::Postgres => return,
        Body::Index(index) => {
            let open = schema.get(&index.table).is_none_or(|table| table.is_open());
            if open {
                return;
            }
            table = Some(&index.table);
            properties.insert("unique", yes(index.unique));
            properties.insert("parts", index.parts.len().to_string());
            "index"
        }
        Body::Sequence(sequence) => {
            let owner = sequence.owned_by.as_ref();
            let owner = owner.map(|(table, column)| format!("{}.{column}", table.name));
            properties.insert("owned by", owner.unwrap_or_default().to_lowercase());
            "sequence"
        }
        Body::Enum(labels) => {
            let labels: Vec<String> = labels
                .iter()
                .map(|label| format!("'{}'", label.replace('\'', "''")))
                .collect();
            properties.insert("labels", labels.join(", "));
            "enum"
        }
        Body::Composite(_) => "composite type",
        Body::Domain(domain) => {
            for name in domain.checks.keys() {
                let check = Object {
                    kind: "constraint",
                    schema: schema_of(key, dialect),
                    table: Some(own.clone()),
                    name: name.as_str().to_owned(),
                };
                let properties = Properties::from([("definition", "check".to_owned())]);
                facts.objects.insert(check, properties);
            }
            properties.insert("type", data_type(&domain.data_type, dialect));
            "domain"
        }
        Body::Routine(routine) => {
            if dialect == Dialect::Postgres {
                let arguments = key.within.as_ref().map_or("", |within| within.as_str());
                let count = match (routine.kind, arguments) {
                    (_, "") => 0,
                    (Kind::Aggregate, "*") => 0,
                    _ => arguments_of(arguments),
                };
                own = format!("{own}/{count}");
            }
            "routine"
        }
        Body::Trigger(trigger) => {
            table = Some(&trigger.table);
            "trigger"
        }
        Body::Other(other) => match (other.words, &other.table) {
            ("POLICY", Some(on)) => {
                table = Some(on);
                "policy"
            }
            ("RULE", Some(on)) => {
                table = Some(on);
                "rule"
            }
            _ => return,
        },
        Body::Schema => "schema",
        Body::Extension(_) => "extension",
        Body::Doubt => return,
    };
    let object = Object {
        kind,
        schema: schema_of(key, dialect),
        table: table.map(|table| table.name.as_str().to_owned()),
        name: own,
    };
    facts.objects.insert(object.folded(dialect), properties);
}

fn schema_of(key: &Key, dialect: Dialect) -> String {
    match key.schema.as_str() {
        "public" => String::new(),
        schema if dialect == Dialect::Postgres => schema.to_owned(),
        _ => String::new(),
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

fn table(facts: &mut Facts, key: &Key, table: &Table, dialect: Dialect) {
    let name = key.name.as_str().to_owned();
    let part = |kind: &'static str, name: &str| {
        Object {
            kind,
            schema: schema_of(key, dialect),
            table: Some(key.name.as_str().to_owned()),
            name: name.to_owned(),
        }
        .folded(dialect)
    };
    let mut properties = Properties::new();
    let is_virtual = table.nature.contains(&"VIRTUAL");
    if is_virtual {
        facts.modules.insert(name.to_lowercase());
    } else {
        let names: Vec<String> = table
            .columns
            .iter()
            .map(|column| part("column", column.name.as_str()).name)
            .collect();
        properties.insert("columns", names.join(", "));
    }
    let object = Object {
        kind: "table",
        schema: schema_of(key, dialect),
        table: None,
        name,
    };
    facts.objects.insert(object.folded(dialect), properties);
    for column in table.columns.iter().filter(|_| !is_virtual) {
        let mut properties = Properties::new();
        properties.insert("type", data_type(&column.data_type, dialect));
        properties.insert("not null", yes(column.not_null));
        let defaulted = column.default.as_ref();
        let defaulted = defaulted.is_some_and(|value| &*value.text != "null");
        properties.insert("default", yes(defaulted));
        properties.insert("generated", yes(column.generated.is_some()));
        let identity = match column.identity {
            Some(true) => "always",
            Some(false) => "by default",
            None => "",
        };
        properties.insert("identity", identity.to_owned());
        let object = part("column", column.name.as_str());
        facts.objects.insert(object, properties);
    }
    for (name, constraint) in &table.constraints {
        let definition = definition(constraint, dialect);
        // MySQL keeps keys as indexes.
        let is_key = definition.starts_with("primary") || definition.starts_with("unique");
        let is_mysql = matches!(dialect, Dialect::MySql | Dialect::MariaDb);
        // To SQLite the name of a constraint is nothing but words.
        let is_unnamed = dialect == Dialect::Sqlite;
        if definition == "not null" || (is_key && is_mysql) || (is_unnamed && definition == "check")
        {
            continue;
        }
        let shown = match is_unnamed {
            true => &definition,
            false => name.as_str(),
        };
        let object = part("constraint", shown);
        let properties = Properties::from([("definition", definition)]);
        facts.objects.insert(object, properties);
    }
}

fn definition(constraint: &Constraint, dialect: Dialect) -> String {
    match &constraint.rule {
        Rule::PrimaryKey(key, _) => format!("primary key ({})", columns(key)),
        Rule::Unique(key, _) => format!("unique ({})", columns(key)),
        Rule::Foreign(foreign) => foreign_key(
            &names(&foreign.columns),
            foreign.table.name.as_str(),
            &names(&foreign.referenced),
            &foreign.on_delete,
            &foreign.on_update,
            dialect,
        ),
        Rule::Check(_) => "check".to_owned(),
        Rule::Exclude(_) => "exclude".to_owned(),
        Rule::NotNull(_) => "not null".to_owned(),
    }
}

fn names(names: &[Name]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| name.as_str().to_lowercase())
        .collect();
    names.join(", ")
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
