//! `CREATE TABLE` and the columns in it.

use std::sync::Arc;

use super::cursor::Cursor;
use super::fragment::Fragment;
use super::{
    Change, ColumnDef, ColumnOption, CreateTable, Generated, Identity, IfExists, TableElement,
    TableOption, TableOrigin, constraint, data_type, index, query, sequence,
};
use crate::dialect::Family;
use crate::lex::TokenKind;

/// `CREATE … TABLE`, after these words.
pub(super) fn create(
    cursor: &mut Cursor<'_, '_>,
    if_exists: IfExists,
    temporary: bool,
    nature: Vec<&'static str>,
) -> Option<Change> {
    let if_exists = match cursor.if_not_exists() {
        IfExists::Keep => IfExists::Keep,
        _ => if_exists,
    };
    let name = cursor.object_name()?;
    let mut table = CreateTable {
        name,
        if_exists,
        temporary,
        nature,
        elements: Vec::new(),
        origin: TableOrigin::Elements,
        options: Vec::new(),
        partition_by: None,
        inherits: Vec::new(),
        names: Vec::new(),
    };
    if table.nature.contains(&"VIRTUAL") {
        cursor.expect("USING")?;
        table.origin = TableOrigin::Module(cursor.fragment());
        return Some(Change::CreateTable(table));
    }
    if cursor.eat("PARTITION OF") {
        let parent = cursor.object_name()?;
        elements(cursor, &mut table)?;
        let bound = cursor.until(|cursor| {
            cursor.sees_any(&["PARTITION", "WITH", "TABLESPACE", "USING", "SERVER"])
                && !cursor.sees("WITH (")
        });
        let bound = bound_without_modulus(bound, cursor);
        table.origin = TableOrigin::PartitionOf { parent, bound };
    } else if cursor.eat("OF") {
        table.origin = TableOrigin::OfType(cursor.object_name()?);
        elements(cursor, &mut table)?;
    } else if cursor.eat("LIKE") {
        let like = like(cursor)?;
        table.elements.push(like);
    } else if is_column_list(cursor) {
        elements(cursor, &mut table)?;
    } else if cursor.peek().is_some_and(|lexeme| lexeme.text == "(") {
        // Names for the columns of the query behind.
        let mut ahead = *cursor;
        table.names = ahead.columns()?;
        if !ahead.sees("AS") {
            return None;
        }
        *cursor = ahead;
    }
    options(cursor, &mut table)?;
    cursor.end()?;
    Some(Change::CreateTable(table))
}

/// `FOR VALUES WITH (modulus …)` holds a `WITH` of its own.
fn bound_without_modulus<'l, 't>(
    bound: &'l [crate::lex::Lexeme<'t>],
    cursor: &mut Cursor<'l, 't>,
) -> Fragment {
    if bound.last().is_some_and(|last| last.is("VALUES")) && cursor.sees("WITH") {
        cursor.next();
        let inner = cursor.group().map(|mut inner| inner.fragment().text);
        let mut fragment = Fragment::of(bound, cursor.dialect);
        fragment.text = format!("{} with ({})", fragment.text, inner.unwrap_or_default()).into();
        return fragment;
    }
    Fragment::of(bound, cursor.dialect)
}

/// Whether the parentheses hold columns, and not just the names of those of a query.
fn is_column_list(cursor: &Cursor<'_, '_>) -> bool {
    let mut ahead = *cursor;
    let Some(inner) = ahead.group() else {
        return false;
    };
    if inner.is_end() {
        return true;
    }
    let names_only = inner.by_comma().iter().all(|part| part.rest().len() == 1);
    !(names_only && ahead.sees("AS"))
}

fn elements(cursor: &mut Cursor<'_, '_>, table: &mut CreateTable) -> Option<()> {
    let Some(inner) = cursor.group() else {
        return Some(());
    };
    if inner.is_end() {
        return Some(());
    }
    for mut part in inner.by_comma() {
        element(&mut part, table)?;
    }
    Some(())
}

fn element(part: &mut Cursor<'_, '_>, table: &mut CreateTable) -> Option<()> {
    if part.sees("LIKE") && part.family() != Family::Sqlite {
        part.eat("LIKE");
        let like = like(part)?;
        table.elements.push(like);
        return part.end();
    }
    if constraint::begins(part) {
        // SQLite does without the comma between table constraints.
        while !part.is_end() {
            let constraint = constraint::of_table(part)?;
            table.elements.push(TableElement::Constraint(constraint));
        }
        return Some(());
    }
    if part.family() == Family::MySql && index::begins_in_table(part) {
        let index = index::in_table(part)?;
        table.elements.push(TableElement::Index(index));
        return part.end();
    }
    let partition = matches!(
        table.origin,
        TableOrigin::PartitionOf { .. } | TableOrigin::OfType(_)
    );
    let column = match partition {
        true => typed_column(part)?,
        false => column(part)?,
    };
    table.elements.push(TableElement::Column(column));
    // SQLite: a table constraint right behind the last column.
    while !part.is_end() && part.family() == Family::Sqlite {
        let constraint = constraint::of_table(part)?;
        table.elements.push(TableElement::Constraint(constraint));
    }
    part.end()
}

fn like(cursor: &mut Cursor<'_, '_>) -> Option<TableElement> {
    let table = cursor.object_name()?;
    let mut including = Vec::new();
    while let Some(word) = cursor.eat_any(&["INCLUDING", "EXCLUDING"]) {
        let what = cursor.next()?.text.to_lowercase();
        including.push((word == "INCLUDING", what));
    }
    Some(TableElement::Like { table, including })
}

fn options(cursor: &mut Cursor<'_, '_>, table: &mut CreateTable) -> Option<()> {
    while !cursor.is_end() {
        cursor.eat_sign(",");
        if cursor.eat("INHERITS") {
            table.inherits = cursor.group()?.object_names()?;
        } else if cursor.sees("PARTITION BY") {
            cursor.eat("PARTITION BY");
            let by = match cursor.family() {
                Family::MySql => cursor.fragment(),
                _ => Fragment::of(
                    cursor.until(|cursor| cursor.sees_any(&["WITH", "TABLESPACE", "USING"])),
                    cursor.dialect,
                ),
            };
            table.partition_by = Some(by);
        } else if cursor.eat("WITHOUT ROWID") {
            table.options.push(flag("without rowid"));
        } else if cursor.eat("STRICT") {
            table.options.push(flag("strict"));
        } else if cursor.eat("WITHOUT OIDS") {
        } else if cursor.sees("WITH") && cursor.peek_at(1)?.text == "(" {
            cursor.next();
            table.options.extend(cursor.option_list()?);
        } else if cursor.family() == Family::Postgres
            && let Some(name) =
                cursor.eat_any(&["TABLESPACE", "USING", "ON COMMIT", "SERVER", "OPTIONS"])
        {
            let value = cursor.until(|cursor| {
                cursor.sees_any(&["WITH", "TABLESPACE", "USING", "ON", "AS", "OPTIONS"])
            });
            table.options.push(TableOption {
                name: name.to_lowercase().into(),
                value: Fragment::of(value, cursor.dialect).text,
            });
        } else if cursor.sees_any(&["AS", "SELECT", "WITH", "VALUES", "TABLE"])
            || cursor.sees_sign("(")
        {
            cursor.eat("AS");
            table.origin = TableOrigin::Query(query::read(cursor));
        } else if cursor.family() == Family::MySql {
            table.options.push(mysql_option(cursor)?);
        } else {
            return None;
        }
    }
    Some(())
}

fn flag(name: &'static str) -> TableOption {
    TableOption {
        name: name.into(),
        value: "".into(),
    }
}

/// `ENGINE = InnoDB`, `DEFAULT CHARSET=utf8mb4`, `COMMENT 'x'`: an option of a table in MySQL.
pub(super) fn mysql_option(cursor: &mut Cursor<'_, '_>) -> Option<TableOption> {
    const NAMES: &[(&str, &str)] = &[
        ("CHARACTER SET", "charset"),
        ("CHARSET", "charset"),
        ("COLLATE", "collate"),
        ("ENGINE", "engine"),
        ("TYPE", "engine"),
        ("COMMENT", "comment"),
        ("ROW_FORMAT", "row_format"),
        ("AUTO_INCREMENT", "auto_increment"),
        ("KEY_BLOCK_SIZE", "key_block_size"),
        ("DATA DIRECTORY", "data directory"),
        ("INDEX DIRECTORY", "index directory"),
        ("STATS_PERSISTENT", "stats_persistent"),
        ("STATS_AUTO_RECALC", "stats_auto_recalc"),
        ("STATS_SAMPLE_PAGES", "stats_sample_pages"),
        ("AVG_ROW_LENGTH", "avg_row_length"),
        ("CHECKSUM", "checksum"),
        ("COMPRESSION", "compression"),
        ("ENCRYPTION", "encryption"),
        ("MAX_ROWS", "max_rows"),
        ("MIN_ROWS", "min_rows"),
        ("PACK_KEYS", "pack_keys"),
        ("DELAY_KEY_WRITE", "delay_key_write"),
    ];
    cursor.eat("DEFAULT");
    let (_, name) = NAMES.iter().find(|(words, _)| cursor.eat(words))?;
    cursor.eat_sign("=");
    let value = cursor.next()?;
    let value = match value.kind {
        TokenKind::Word => value.text.to_lowercase(),
        TokenKind::QuotedName => super::fragment::unquote(value.text).to_lowercase(),
        TokenKind::String if *name != "comment" => {
            super::fragment::unquote(value.text).to_lowercase()
        }
        _ => value.text.to_owned(),
    };
    Some(TableOption {
        name: (*name).into(),
        value: value.into(),
    })
}

/// A column as it stands in `CREATE TABLE` or behind `ADD COLUMN`, up to the end or a comma.
pub(super) fn column(cursor: &mut Cursor<'_, '_>) -> Option<ColumnDef> {
    let start = *cursor;
    let name = cursor.ident()?;
    let may_lack_type = cursor.family() == Family::Sqlite;
    let data_type = match data_type::read(cursor) {
        Some(data_type) => Some(data_type),
        None if may_lack_type => None,
        None => return None,
    };
    let options = column_options(cursor)?;
    Some(ColumnDef {
        name,
        data_type,
        options,
        span: cursor.span_since(start),
    })
}

/// A column of a partition or of a table of a type: it has its type from there.
fn typed_column(cursor: &mut Cursor<'_, '_>) -> Option<ColumnDef> {
    let start = *cursor;
    let name = cursor.ident()?;
    cursor.eat("WITH OPTIONS");
    let options = column_options(cursor)?;
    Some(ColumnDef {
        name,
        data_type: None,
        options,
        span: cursor.span_since(start),
    })
}

/// What may follow the type of a column, up to the end or something else.
pub(super) fn column_options(cursor: &mut Cursor<'_, '_>) -> Option<Vec<ColumnOption>> {
    let mut options = Vec::new();
    while !cursor.is_end() && !cursor.sees_sign(",") && !cursor.sees_any(&["FIRST", "AFTER"]) {
        match column_option(cursor)? {
            Some(option) => options.push(option),
            None => break,
        }
    }
    Some(options)
}

/// Words that end a default expression.
const OPTION_HEADS: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "NOT NULL",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "COMMENT",
    "ON UPDATE",
    "DEFERRABLE",
    "NOT DEFERRABLE",
    "INITIALLY",
    "FIRST",
    "AFTER",
    "STORAGE",
    "COMPRESSION",
    "CHARACTER SET",
    "CHARSET",
    "INVISIBLE",
    "VISIBLE",
    "KEY",
    "FOREIGN",
    "NOT VALID",
    "AS",
];

/// One option. `Some(None)` when something else comes next, that ends the column.
fn column_option(cursor: &mut Cursor<'_, '_>) -> Option<Option<ColumnOption>> {
    if cursor.eat("NOT NULL") {
        if cursor.eat("ON CONFLICT") {
            cursor.next()?;
        }
        return Some(Some(ColumnOption::NotNull));
    }
    if cursor.eat("NULL") {
        return Some(Some(ColumnOption::Null));
    }
    if cursor.eat("DEFAULT") {
        let mut first = true;
        let value = cursor.until(|cursor| {
            let head = !first && (cursor.sees_sign(",") || cursor.sees_any(OPTION_HEADS));
            first = false;
            head
        });
        return Some(Some(ColumnOption::Default(Fragment::of(
            value,
            cursor.dialect,
        ))));
    }
    if cursor.eat("COLLATE") {
        let start = *cursor;
        cursor.object_name()?;
        let collation = Fragment::of(cursor.read_since(start), cursor.dialect);
        return Some(Some(ColumnOption::Collate(collation)));
    }
    if cursor.eat("AUTO_INCREMENT") || cursor.eat("AUTOINCREMENT") {
        return Some(Some(ColumnOption::AutoIncrement));
    }
    if cursor.family() != Family::Postgres && cursor.eat("COMMENT") {
        let text = cursor.string()?;
        return Some(Some(ColumnOption::Comment(text.into())));
    }
    if cursor.eat("ON UPDATE") {
        let value = cursor.until(|cursor| cursor.sees_sign(",") || cursor.sees_any(OPTION_HEADS));
        return Some(Some(ColumnOption::OnUpdate(Fragment::of(
            value,
            cursor.dialect,
        ))));
    }
    if let Some(option) = generated(cursor)? {
        return Some(Some(option));
    }
    if let Some(name) = cursor.eat_any(&[
        "CHARACTER SET",
        "CHARSET",
        "STORAGE",
        "COMPRESSION",
        "OPTIONS",
    ]) {
        let name: Arc<str> = match name {
            "CHARACTER SET" | "CHARSET" => "charset".into(),
            name => name.to_lowercase().into(),
        };
        let start = *cursor;
        if cursor.group().is_none() {
            cursor.next()?;
        }
        let value = Fragment::of(cursor.read_since(start), cursor.dialect).text;
        return Some(Some(ColumnOption::Other(TableOption { name, value })));
    }
    if cursor.family() == Family::MySql {
        if let Some(name) = cursor.eat_any(&["INVISIBLE", "VISIBLE", "BINARY", "ASCII", "UNICODE"])
        {
            return Some(Some(ColumnOption::Other(flag(match name {
                "INVISIBLE" => "invisible",
                "BINARY" => "binary",
                "VISIBLE" => "visible",
                "ASCII" => "ascii",
                _ => "unicode",
            }))));
        }
        if let Some(name) = cursor.eat_any(&["COLUMN_FORMAT", "SRID"]) {
            return Some(Some(ColumnOption::Other(TableOption {
                name: name.to_lowercase().into(),
                value: cursor.next()?.text.into(),
            })));
        }
    }
    if constraint::begins_on_column(cursor) {
        let constraint = constraint::of_column(cursor)?;
        return Some(Some(match constraint.rule {
            // A name of its own for NOT NULL is kept by newer servers only.
            super::ConstraintRule::NotNull(_) => ColumnOption::NotNull,
            _ => ColumnOption::Constraint(constraint),
        }));
    }
    Some(None)
}

fn generated(cursor: &mut Cursor<'_, '_>) -> Option<Option<ColumnOption>> {
    let start = *cursor;
    let always = match cursor.eat_any(&["GENERATED ALWAYS AS", "GENERATED BY DEFAULT AS", "AS"]) {
        Some(words) => words != "GENERATED BY DEFAULT AS",
        None => return Some(None),
    };
    if cursor.eat("IDENTITY") {
        let options = match cursor.group() {
            Some(mut inner) => sequence::options(&mut inner)?,
            None => Vec::new(),
        };
        return Some(Some(ColumnOption::Identity(Identity { always, options })));
    }
    let Some(mut inner) = cursor.group() else {
        *cursor = start;
        return Some(None);
    };
    let expression = inner.fragment();
    let stored = match cursor.eat_any(&["STORED", "PERSISTENT", "VIRTUAL"]) {
        Some(word) => word != "VIRTUAL",
        None => false,
    };
    Some(Some(ColumnOption::Generated(Generated {
        expression,
        stored,
    })))
}
