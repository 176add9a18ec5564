//! Types in the spelling of the engine, and statements that make and change them.

use super::cursor::Cursor;
use super::fragment::quoted;
use super::{
    AlterDomain, AlterType, Change, CreateDomain, CreateType, DomainAction, Type, TypeAction,
    TypeDefinition, constraint, table,
};
use crate::dialect::Family;
use crate::lex::TokenKind;

/// Words after which another word still belongs to the type.
const POSTGRES_PAIRS: &[(&str, &[&str])] = &[
    ("double", &["precision"]),
    ("character", &["varying"]),
    ("char", &["varying"]),
    ("national", &["character", "char"]),
    ("nchar", &["varying"]),
    ("bit", &["varying"]),
];

/// Reads a type.
pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Option<Type> {
    let start = *cursor;
    let text = match cursor.family() {
        Family::Postgres => postgres(cursor)?,
        Family::Sqlite => sqlite(cursor)?,
        Family::MySql => mysql(cursor)?,
    };
    Some(Type {
        text: text.into(),
        span: cursor.span_since(start),
    })
}

fn postgres(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let set = cursor.eat("SETOF");
    let first = cursor.peek()?;
    let quoted_name = first.kind == TokenKind::QuotedName;
    let name = cursor.object_name()?;
    let mut word = name.name.as_str().to_owned();
    let plain = !quoted_name && name.schema.is_none();
    let mut qualified = match &name.schema {
        Some(schema) if !matches!(schema.as_str(), "pg_catalog" | "public") => {
            Some(quoted(schema.as_str(), cursor.dialect))
        }
        _ => None,
    };
    if plain {
        while let Some((_, next)) = POSTGRES_PAIRS
            .iter()
            .find(|(last, _)| word.rsplit(' ').next() == Some(last))
            && let Some(found) = next.iter().find(|next| cursor.sees(&next.to_uppercase()))
        {
            cursor.next();
            word = format!("{word} {found}");
        }
    }
    let builtin = plain
        || name
            .schema
            .as_ref()
            .is_some_and(|s| s.as_str() == "pg_catalog");
    let mut fields = String::new();
    if builtin && word == "interval" {
        fields = interval_fields(cursor);
    }
    let modifier = cursor.group().map(|mut inner| inner.fragment().text);
    let mut zone = "";
    if builtin && matches!(word.as_str(), "timestamp" | "time") {
        if cursor.eat("WITH TIME ZONE") {
            zone = " with time zone";
        } else {
            cursor.eat("WITHOUT TIME ZONE");
            zone = " without time zone";
        }
    }
    let array = array(cursor);
    let modifier = modifier.map(|text| text.replace(", ", ","));
    let base = match builtin {
        true => postgres_builtin(&word, modifier.as_deref(), zone, &fields),
        false => {
            let own = quoted(&word, cursor.dialect);
            match (qualified.take(), modifier) {
                (Some(schema), Some(modifier)) => format!("{schema}.{own}({modifier})"),
                (Some(schema), None) => format!("{schema}.{own}"),
                (None, Some(modifier)) => format!("{own}({modifier})"),
                (None, None) => own,
            }
        }
    };
    Some(format!("{}{base}{array}", if set { "setof " } else { "" }))
}

fn interval_fields(cursor: &mut Cursor<'_, '_>) -> String {
    const FIELDS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
    let mut fields = String::new();
    if let Some(from) = cursor.eat_any(&FIELDS) {
        fields = format!(" {}", from.to_lowercase());
        if cursor.eat("TO")
            && let Some(to) = cursor.eat_any(&FIELDS)
        {
            fields = format!("{fields} to {}", to.to_lowercase());
        }
    }
    fields
}

fn array(cursor: &mut Cursor<'_, '_>) -> &'static str {
    let mut array = "";
    if cursor.eat("ARRAY") {
        array = "[]";
    }
    while cursor.eat_sign("[") {
        if !cursor.sees_sign("]") {
            cursor.next();
        }
        cursor.eat_sign("]");
        array = "[]";
    }
    array
}

fn postgres_builtin(word: &str, modifier: Option<&str>, zone: &str, fields: &str) -> String {
    let name = match word {
        "int" | "int4" => "integer",
        "int2" => "smallint",
        "int8" => "bigint",
        "serial4" => "serial",
        "serial8" => "bigserial",
        "serial2" => "smallserial",
        "float8" => "double precision",
        "float4" => "real",
        "float" => match modifier.and_then(|text| text.parse::<u32>().ok()) {
            Some(bits) if bits <= 24 => return "real".to_owned(),
            _ => return "double precision".to_owned(),
        },
        "bool" => "boolean",
        "decimal" | "dec" => "numeric",
        "varchar"
        | "char varying"
        | "nchar varying"
        | "national character varying"
        | "national char varying" => "character varying",
        "char" | "nchar" | "national character" | "national char" | "character" => {
            return format!("character({})", modifier.unwrap_or("1"));
        }
        "bit" => return format!("bit({})", modifier.unwrap_or("1")),
        "varbit" => "bit varying",
        "timestamptz" => return with_zone("timestamp", modifier, " with time zone"),
        "timetz" => return with_zone("time", modifier, " with time zone"),
        "timestamp" | "time" => return with_zone(word, modifier, zone),
        "numeric" => "numeric",
        word => word,
    };
    let modifier = match (name, modifier) {
        ("numeric", Some(modifier)) if !modifier.contains(',') => format!("({modifier},0)"),
        (_, Some(modifier)) => format!("({modifier})"),
        (_, None) => String::new(),
    };
    format!("{name}{fields}{modifier}")
}

fn with_zone(word: &str, modifier: Option<&str>, zone: &str) -> String {
    match modifier {
        Some(modifier) => format!("{word}({modifier}){zone}"),
        None => format!("{word}{zone}"),
    }
}

/// Words that end a type in SQLite, where it may be made of any others.
const SQLITE_STOPS: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
    "DEFERRABLE",
];

fn sqlite(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let is_part = |cursor: &Cursor<'_, '_>| {
        cursor.peek().is_some_and(|lexeme| {
            matches!(
                lexeme.kind,
                TokenKind::Word | TokenKind::QuotedName | TokenKind::String
            )
        }) && !cursor.sees_any(SQLITE_STOPS)
    };
    let mut words = Vec::new();
    while is_part(cursor) {
        let lexeme = cursor.next()?;
        words.push(match lexeme.kind {
            TokenKind::Word => lexeme.text.to_lowercase(),
            _ => super::fragment::unquote(lexeme.text).to_lowercase(),
        });
    }
    if words.is_empty() {
        return None;
    }
    let mut text = words.join(" ");
    if let Some(mut inner) = cursor.group() {
        text = format!("{text}({})", inner.fragment().text.replace(", ", ","));
    }
    Some(text)
}

fn mysql(cursor: &mut Cursor<'_, '_>) -> Option<String> {
    let first = cursor.next()?;
    if first.kind != TokenKind::Word {
        return None;
    }
    let mut word = first.text.to_lowercase();
    match word.as_str() {
        "double" => {
            cursor.eat("PRECISION");
        }
        "national" => {
            word = cursor.next()?.text.to_lowercase();
            cursor.eat("VARYING").then(|| word = "varchar".to_owned());
        }
        "character" | "char" if cursor.eat("VARYING") => word = "varchar".to_owned(),
        "long" => {
            word = match cursor.eat_any(&["VARCHAR", "VARBINARY"]) {
                Some("VARBINARY") => "mediumblob".to_owned(),
                _ => "mediumtext".to_owned(),
            }
        }
        _ => {}
    }
    let modifier = cursor
        .group()
        .map(|mut inner| inner.fragment().text.replace(", ", ","));
    let mut flags = String::new();
    while let Some(flag) = cursor.eat_any(&["UNSIGNED", "SIGNED", "ZEROFILL"]) {
        if flag != "SIGNED" && !flags.contains(&flag.to_lowercase()) {
            flags = format!("{flags} {}", flag.to_lowercase());
        }
    }
    Some(format!("{}{flags}", mysql_base(&word, modifier.as_deref())))
}

fn mysql_base(word: &str, modifier: Option<&str>) -> String {
    let name = match word {
        "integer" | "int4" => "int",
        "int1" => "tinyint",
        "int2" => "smallint",
        "int3" | "middleint" => "mediumint",
        "int8" => "bigint",
        "bool" | "boolean" => return "tinyint(1)".to_owned(),
        "dec" | "numeric" | "fixed" | "decimal" => {
            return match modifier {
                None => "decimal(10,0)".to_owned(),
                Some(modifier) if !modifier.contains(',') => format!("decimal({modifier},0)"),
                Some(modifier) => format!("decimal({modifier})"),
            };
        }
        "real" | "float8" => "double",
        "float4" => "float",
        "character" | "nchar" => "char",
        "nvarchar" => "varchar",
        "serial" => return "serial".to_owned(),
        word => word,
    };
    match (name, modifier) {
        // A display width is no part of the type any more, but `tinyint(1)` is shown.
        ("smallint" | "mediumint" | "int" | "bigint", Some(_)) => name.to_owned(),
        ("tinyint", Some(width)) if width != "1" => name.to_owned(),
        ("char" | "binary" | "bit", None) => format!("{name}(1)"),
        (_, Some(modifier)) => format!("{name}({modifier})"),
        (_, None) => name.to_owned(),
    }
}

/// A Postgres type as the engine spells it; the text itself when it is none.
pub(crate) fn normal(text: &str) -> String {
    let dialect = crate::dialect::POSTGRES;
    let tokens = crate::lex::lex(text, dialect).tokens;
    let lexemes = crate::lex::lexemes(text, &tokens);
    let mut cursor = Cursor::new(&lexemes, dialect);
    match read(&mut cursor) {
        Some(data_type) if cursor.is_end() => data_type.text.to_string(),
        _ => text.to_owned(),
    }
}

/// `CREATE TYPE`, after these words.
pub(super) fn create(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let name = cursor.object_name()?;
    let definition = if cursor.eat("AS ENUM") {
        let mut labels = Vec::new();
        let inner = cursor.group()?;
        if !inner.is_end() {
            for mut part in inner.by_comma() {
                labels.push(part.string_value()?);
                part.end()?;
            }
        }
        TypeDefinition::Enum(labels)
    } else if cursor.sees("AS") && cursor.peek_at(1)?.text == "(" {
        cursor.eat("AS");
        let inner = cursor.group()?;
        let mut attributes = Vec::new();
        if !inner.is_end() {
            for mut part in inner.by_comma() {
                attributes.push(table::column(&mut part)?);
                part.end()?;
            }
        }
        TypeDefinition::Composite(attributes)
    } else if cursor.sees("AS RANGE") || cursor.sees_sign("(") || cursor.is_end() {
        TypeDefinition::Other(cursor.fragment())
    } else {
        return None;
    };
    cursor.end()?;
    Some(Change::CreateType(CreateType { name, definition }))
}

/// `ALTER TYPE name`, after these words, without the forms that any object has.
pub(super) fn alter(name: super::ObjectName, cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let mut actions = Vec::new();
    loop {
        actions.push(action(cursor)?);
        if !cursor.eat_sign(",") {
            break;
        }
    }
    cursor.end()?;
    Some(Change::AlterType(AlterType { name, actions }))
}

fn action(cursor: &mut Cursor<'_, '_>) -> Option<TypeAction> {
    if cursor.eat("ADD VALUE") {
        let if_exists = cursor.if_not_exists();
        let label = cursor.string_value()?;
        let place = match cursor.eat_any(&["BEFORE", "AFTER"]) {
            Some(word) => Some((word == "BEFORE", cursor.string_value()?)),
            None => None,
        };
        return Some(TypeAction::AddValue {
            label,
            if_exists,
            place,
        });
    }
    if cursor.eat("RENAME VALUE") {
        let from = cursor.string_value()?;
        cursor.expect("TO")?;
        let to = cursor.string_value()?;
        return Some(TypeAction::RenameValue { from, to });
    }
    if cursor.eat("RENAME ATTRIBUTE") {
        let from = cursor.ident()?;
        cursor.expect("TO")?;
        let to = cursor.ident()?;
        cursor.behavior();
        return Some(TypeAction::RenameAttribute { from, to });
    }
    if cursor.eat("ADD ATTRIBUTE") {
        let name = cursor.ident()?;
        let data_type = read(cursor)?;
        if cursor.eat("COLLATE") {
            cursor.object_name()?;
        }
        cursor.behavior();
        let span = name.span.to(data_type.span);
        return Some(TypeAction::AddAttribute(super::ColumnDef {
            name,
            data_type: Some(data_type),
            options: Vec::new(),
            span,
        }));
    }
    if cursor.eat("DROP ATTRIBUTE") {
        let if_missing = cursor.if_exists();
        let name = cursor.ident()?;
        let behavior = cursor.behavior();
        return Some(TypeAction::DropAttribute {
            name,
            if_missing,
            behavior,
        });
    }
    if cursor.eat("ALTER ATTRIBUTE") {
        let name = cursor.ident()?;
        cursor.eat("SET DATA");
        cursor.expect("TYPE")?;
        let data_type = read(cursor)?;
        if cursor.eat("COLLATE") {
            cursor.object_name()?;
        }
        cursor.behavior();
        return Some(TypeAction::AlterAttribute { name, data_type });
    }
    None
}

/// `CREATE DOMAIN`, after these words.
pub(super) fn create_domain(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let name = cursor.object_name()?;
    cursor.eat("AS");
    let data_type = read(cursor)?;
    let options = table::column_options(cursor)?;
    cursor.end()?;
    Some(Change::CreateDomain(CreateDomain {
        name,
        data_type,
        options,
    }))
}

/// `ALTER DOMAIN name`, after these words.
pub(super) fn alter_domain(name: super::ObjectName, cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let action = if cursor.eat("SET DEFAULT") {
        DomainAction::Default(Some(cursor.fragment()))
    } else if cursor.eat("DROP DEFAULT") {
        DomainAction::Default(None)
    } else if cursor.eat("SET NOT NULL") {
        DomainAction::NotNull(true)
    } else if cursor.eat("DROP NOT NULL") {
        DomainAction::NotNull(false)
    } else if cursor.eat("ADD") {
        DomainAction::AddConstraint(constraint::of_table(cursor)?)
    } else if cursor.eat("DROP CONSTRAINT") {
        let if_missing = cursor.if_exists();
        let name = cursor.ident()?;
        cursor.behavior();
        DomainAction::DropConstraint { name, if_missing }
    } else if cursor.eat("VALIDATE CONSTRAINT") {
        DomainAction::ValidateConstraint(cursor.ident()?)
    } else {
        return None;
    };
    cursor.end()?;
    Some(Change::AlterDomain(AlterDomain { name, action }))
}

/// The types of the arguments by which a routine is known: `(a int, OUT b text)` is `integer`.
pub(super) fn arguments(inner: &Cursor<'_, '_>) -> Option<Vec<Type>> {
    let mut types = Vec::new();
    if inner.is_end() || inner.sees_sign("*") {
        return Some(types);
    }
    for mut part in inner.by_comma() {
        let out = argument_mode(&mut part) == Some("OUT");
        let data_type = argument_type(&mut part)?;
        if argument_mode(&mut part).is_some() {
            return None;
        }
        if !out {
            types.push(data_type);
        }
    }
    Some(types)
}

fn argument_mode(part: &mut Cursor<'_, '_>) -> Option<&'static str> {
    part.eat_any(&["INOUT", "IN OUT", "IN", "OUT", "VARIADIC"])
}

/// Reads `name type`, `type` or `name mode type`, and what follows.
fn argument_type(part: &mut Cursor<'_, '_>) -> Option<Type> {
    let stops = |cursor: &Cursor<'_, '_>| {
        cursor.is_end() || cursor.sees("DEFAULT") || cursor.sees_sign("=") || cursor.sees_sign(":=")
    };
    let start = *part;
    if let Some(data_type) = read(part)
        && stops(part)
    {
        part.fragment();
        return Some(data_type);
    }
    *part = start;
    part.ident()?;
    argument_mode(part);
    let data_type = read(part)?;
    if !stops(part) {
        return None;
    }
    part.fragment();
    Some(data_type)
}
