//! The statement that makes an object what the model says it is.

use super::{About, Object};
use crate::change::{Name, quoted};
use crate::dialect::Family;
use crate::schema::{Body, Class, Key, Object as Whole, Schema, Table, print};

/// The statement, where one is enough and it is known.
pub fn remedy(schema: &Schema, object: &Object, about: &About) -> Option<String> {
    match about {
        About::Missing => bring_back(schema, object),
        About::Unknown => take_away(schema, object),
        About::Property { name, .. } => change_back(schema, object, name),
    }
}

fn bring_back(schema: &Schema, object: &Object) -> Option<String> {
    let dialect = schema.dialect();
    match (object.kind, &object.table) {
        ("column", Some(_)) => {
            let (key, table) = table_of(schema, object)?;
            let column = table.column(&name(schema, &object.name))?;
            Some(format!(
                "ALTER TABLE {} ADD COLUMN {};",
                print::full_name(key, dialect),
                print::column(column, dialect)
            ))
        }
        ("constraint", Some(_)) => {
            let (key, table) = table_of(schema, object)?;
            let name = name(schema, &object.name);
            let constraint = table.constraints.get(&name)?;
            Some(format!(
                "ALTER TABLE {} ADD {};",
                print::full_name(key, dialect),
                print::constraint(&name, constraint, dialect)
            ))
        }
        _ => {
            let (key, whole) = find(schema, object)?;
            print::create(key, whole, dialect).filter(|text| !text.contains('\n'))
        }
    }
}

fn take_away(schema: &Schema, object: &Object) -> Option<String> {
    let dialect = schema.dialect();
    let own = quoted(&object.name, dialect);
    let full = |name: &str| match object.schema.as_str() {
        "" => quoted(name, dialect),
        schema => format!("{}.{}", quoted(schema, dialect), quoted(name, dialect)),
    };
    let on_table = dialect.modelling().indexes_belong_to_tables;
    Some(match (object.kind, &object.table) {
        ("column", Some(table)) => format!("ALTER TABLE {} DROP COLUMN {own};", full(table)),
        ("constraint", Some(table)) => {
            format!("ALTER TABLE {} DROP CONSTRAINT {own};", full(table))
        }
        ("index", Some(table)) if on_table => format!("DROP INDEX {own} ON {};", full(table)),
        ("index", _) => format!("DROP INDEX {};", full(&object.name)),
        ("table" | "view" | "materialized view" | "sequence" | "domain", None) => {
            let kind = object.kind.to_uppercase();
            format!("DROP {kind} {};", full(&object.name))
        }
        ("enum" | "composite type", None) => format!("DROP TYPE {};", full(&object.name)),
        _ => return None,
    })
}

fn change_back(schema: &Schema, object: &Object, property: &str) -> Option<String> {
    let dialect = schema.dialect();
    if object.kind != "column" {
        return None;
    }
    let (key, table) = table_of(schema, object)?;
    let column = table.column(&name(schema, &object.name))?;
    let table = print::full_name(key, dialect);
    let own = quoted(column.name.as_str(), dialect);
    if dialect.modelling().family == Family::MySql {
        let column = print::column(column, dialect);
        return Some(format!("ALTER TABLE {table} MODIFY COLUMN {column};"));
    }
    let action = match property {
        "type" => format!("TYPE {}", column.data_type),
        "not null" if column.not_null => "SET NOT NULL".to_owned(),
        "not null" => "DROP NOT NULL".to_owned(),
        "default" => match &column.default {
            Some(default) => format!("SET DEFAULT {}", default.text),
            None => "DROP DEFAULT".to_owned(),
        },
        _ => return None,
    };
    Some(format!("ALTER TABLE {table} ALTER COLUMN {own} {action};"))
}

fn name(schema: &Schema, text: &str) -> Name {
    Name::new(text, schema.dialect())
}

/// The object of the model that is meant.
fn find<'s>(schema: &'s Schema, object: &Object) -> Option<(&'s Key, &'s Whole)> {
    let wanted = name(schema, &object.name);
    let found = schema.objects().find(|(key, whole)| {
        key.name == wanted
            && key.class != Class::Doubt
            && is_in(schema, key, object)
            && is_of_kind(&whole.body, object.kind)
    });
    found.map(|(key, whole)| (key, whole.as_ref()))
}

fn is_in(schema: &Schema, key: &Key, object: &Object) -> bool {
    let usual = schema.dialect().modelling().default_schema;
    match key.schema.as_str() {
        own if own == usual => object.schema.is_empty(),
        own => own == object.schema,
    }
}

fn is_of_kind(body: &Body, kind: &str) -> bool {
    match body {
        Body::Table(_) => kind == "table",
        Body::View(view) if view.materialized => kind == "materialized view",
        Body::View(_) => kind == "view",
        Body::Index(_) => kind == "index",
        Body::Sequence(_) => kind == "sequence",
        Body::Enum(_) => kind == "enum",
        Body::Schema => kind == "schema",
        Body::Extension(_) => kind == "extension",
        Body::Composite(_)
        | Body::Domain(_)
        | Body::Routine(_)
        | Body::Trigger(_)
        | Body::Other(_)
        | Body::Doubt => false,
    }
}

fn table_of<'s>(schema: &'s Schema, object: &Object) -> Option<(&'s Key, &'s Table)> {
    let table = Object {
        kind: "table",
        table: None,
        name: object.table.clone()?,
        ..object.clone()
    };
    let (key, whole) = find(schema, &table)?;
    whole.table().map(|table| (key, table))
}
