//! What a table is made of, by SQLite's own account where it gives one.
//!
//! The pragmas do not tell checks, collations, generated values and the words about conflicts;
//! those are read off the stored statement.

use super::catalogue::Object;
use super::stage::{Stage, Theatre};
use super::words::{name, quoted, unquoted};
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};
use crate::migration::ForeignKeys;

/// A table in parts that can be compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Definition {
    pub(super) columns: Vec<Column>,
    /// Unique keys, checks and the like, each as a text that says all of it.
    pub(super) constraints: Vec<String>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    /// Names of checks, which only messages show.
    pub(super) names: Vec<String>,
    /// `STRICT`, `WITHOUT ROWID`
    pub(super) options: Vec<String>,
}

/// A foreign key, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ForeignKey {
    pub(super) columns: Vec<String>,
    pub(super) parent: String,
    /// Empty where the primary key is meant.
    pub(super) referenced: Vec<String>,
    /// `ON DELETE CASCADE` and the like.
    pub(super) actions: String,
}

impl std::fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "FOREIGN KEY ({}) REFERENCES {}",
            self.columns.join(", "),
            self.parent
        )?;
        if !self.referenced.is_empty() {
            write!(f, " ({})", self.referenced.join(", "))?;
        }
        write!(f, "{}", self.actions)
    }
}

/// A column.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// In lower case; may be empty.
    pub(super) data_type: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    /// Its place in the primary key, from one; zero when it is no part of it.
    pub(super) key: u32,
    /// Its collation, generated value and autoincrement, as written.
    pub(super) traits: Vec<String>,
    /// Its definition as written.
    pub(super) text: String,
}

impl Column {
    /// Whether it is called so.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether SQLite calculates its values.
    pub(super) fn is_generated(&self) -> bool {
        self.traits.iter().any(|words| words.starts_with("AS "))
    }
}

impl Definition {
    /// The columns of the primary key in their order, in lower case.
    pub(super) fn primary_key(&self) -> Vec<String> {
        let mut columns: Vec<_> = self
            .columns
            .iter()
            .filter(|column| column.key > 0)
            .collect();
        columns.sort_by_key(|column| column.key);
        columns
            .iter()
            .map(|column| column.name.to_lowercase())
            .collect()
    }

    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.is(name))
    }
}

/// Reads the definition of a table that is on the stage. `None` where SQLite does not tell.
pub(super) fn read(stage: &Stage, table: &Object, dialect: Dialect) -> Option<Definition> {
    let tokens = lex::lex(&table.sql, dialect).tokens;
    let lexemes = lex::lexemes(&table.sql, &tokens);
    let open = lexemes
        .iter()
        .position(|lexeme| lexeme.kind == TokenKind::Open)?;
    let close = closing(&lexemes, open)?;
    let mut definition = Definition {
        options: lexemes[close + 1..]
            .split(|lexeme| lexeme.is_operator(","))
            .map(|option| canonical(option).to_uppercase())
            .filter(|option| !option.is_empty())
            .collect(),
        ..Definition::default()
    };
    read_columns(stage, &table.name, &mut definition)?;
    read_keys(stage, &table.name, &mut definition)?;
    for element in elements(&lexemes[open + 1..close]) {
        read_element(&table.sql, element, &mut definition);
    }
    definition.constraints.sort();
    definition.foreign_keys.sort();
    definition.names.sort();
    definition.options.sort();
    Some(definition)
}

/// The same for a table that is on no stage yet.
pub(super) fn read_alone(
    theatre: &Theatre,
    table: &Object,
    dialect: Dialect,
) -> Option<Definition> {
    let stage = theatre.open(ForeignKeys::Off).ok()?;
    stage.execute(&table.sql).ok()?;
    read(&stage, table, dialect)
}

fn read_columns(stage: &Stage, table: &str, definition: &mut Definition) -> Option<()> {
    let rows = stage
        .table(&format!("PRAGMA table_xinfo({})", quoted(table)))
        .ok()?;
    for row in rows {
        let [_, name, data_type, not_null, default, key, _hidden] = row.try_into().ok()?;
        definition.columns.push(Column {
            name: name?,
            data_type: squeezed(&data_type.unwrap_or_default()).to_lowercase(),
            not_null: not_null.as_deref() == Some("1"),
            default,
            key: key?.parse().ok()?,
            ..Column::default()
        });
    }
    Some(())
}

fn read_keys(stage: &Stage, table: &str, definition: &mut Definition) -> Option<()> {
    let rows = stage
        .table(&format!("PRAGMA foreign_key_list({})", quoted(table)))
        .ok()?;
    let mut last = None;
    for row in rows {
        let [id, _, parent, from, to, on_update, on_delete, matching] = row.try_into().ok()?;
        if last != id {
            last = id;
            definition.foreign_keys.push(ForeignKey {
                columns: Vec::new(),
                parent: parent?.to_lowercase(),
                referenced: Vec::new(),
                actions: actions(&on_update?, &on_delete?, &matching?),
            });
        }
        let key = definition.foreign_keys.last_mut()?;
        key.columns.push(from?.to_lowercase());
        key.referenced.extend(to.map(|to| to.to_lowercase()));
    }
    let rows = stage
        .table(&format!("PRAGMA index_list({})", quoted(table)))
        .ok()?;
    for row in rows {
        let [_, index, _, origin, _] = row.try_into().ok()?;
        let head = match origin?.as_str() {
            "u" => "UNIQUE",
            "pk" => "PRIMARY KEY",
            _ => continue,
        };
        let parts = stage
            .table(&format!("PRAGMA index_xinfo({})", quoted(&index?)))
            .ok()?;
        let mut columns = Vec::new();
        for part in parts {
            let [_, _, column, desc, collation, is_key] = part.try_into().ok()?;
            if is_key.as_deref() != Some("1") {
                continue;
            }
            let mut words = column.unwrap_or_default().to_lowercase();
            match collation.unwrap_or_default().to_uppercase().as_str() {
                "BINARY" => {}
                other => words += &format!(" COLLATE {other}"),
            }
            if desc.as_deref() == Some("1") {
                words += " DESC";
            }
            columns.push(words);
        }
        definition
            .constraints
            .push(format!("{head} ({})", columns.join(", ")));
    }
    Some(())
}

fn actions(on_update: &str, on_delete: &str, matching: &str) -> String {
    let parts = [
        ("ON UPDATE", on_update, "NO ACTION"),
        ("ON DELETE", on_delete, "NO ACTION"),
        ("MATCH", matching, "NONE"),
    ];
    let said = parts.iter().filter(|(_, what, default)| what != default);
    said.map(|(when, what, _)| format!(" {when} {what}"))
        .collect()
}

/// What the pragmas do not tell of a column or constraint.
fn read_element(sql: &str, element: &[Lexeme<'_>], definition: &mut Definition) {
    let Some((first, last)) = element.first().zip(element.last()) else {
        return;
    };
    let is_constraint = CONSTRAINTS.iter().any(|word| first.is(word));
    let subject = if is_constraint { None } else { own_name(first) };
    let mut traits = Vec::new();
    // What a word about a conflict or a delay belongs to.
    let mut about = String::new();
    let mut at = 0;
    while at < element.len() {
        let words = &element[at..];
        let word = &words[0];
        if let [_, constraint, rule, ..] = words
            && word.is("CONSTRAINT")
        {
            // Messages show the names of checks. Those of keys show nowhere.
            definition
                .names
                .extend(name(constraint).filter(|_| rule.is("CHECK")));
            at += 1;
        } else if word.is("CHECK") {
            let end = words
                .get(1)
                .and_then(|_| closing(element, at + 1))
                .unwrap_or(element.len() - 1);
            let inside = element.get(at + 2..end).unwrap_or_default();
            definition
                .constraints
                .push(format!("CHECK ({})", canonical(inside)));
            at = end;
        } else if word.is("COLLATE") && subject.is_some() {
            let collation = words.get(1).and_then(name).unwrap_or_default();
            // The one that there is anyway.
            if collation != "binary" {
                traits.push(format!("COLLATE {}", collation.to_uppercase()));
            }
        } else if word.is("AUTOINCREMENT") {
            traits.push("AUTOINCREMENT".to_owned());
        } else if word.is("AS")
            && words
                .get(1)
                .is_some_and(|open| open.kind == TokenKind::Open)
        {
            let end = closing(element, at + 1).unwrap_or(element.len() - 1);
            let inside = element.get(at + 2..end).unwrap_or_default();
            let stored = element.get(end + 1).is_some_and(|word| word.is("STORED"));
            let kind = if stored { "STORED" } else { "VIRTUAL" };
            traits.push(format!("AS ({}) {kind}", canonical(inside)));
            at = end;
        } else if word.is("ON") && words.get(1).is_some_and(|word| word.is("CONFLICT")) {
            let action = words
                .get(2)
                .map_or(String::new(), |word| word.text.to_uppercase());
            if action != "ABORT" {
                let of = subject.clone().unwrap_or_default();
                definition
                    .constraints
                    .push(format!("{about} {of} ON CONFLICT {action}"));
            }
        } else if word.is("DEFERRABLE") {
            let delayed = words.get(2).is_some_and(|word| word.is("DEFERRED"));
            let is_not = at > 0 && element[at - 1].is("NOT");
            if delayed && !is_not {
                let of = subject.clone().unwrap_or_default();
                definition
                    .constraints
                    .push(format!("{about} {of} DEFERRABLE INITIALLY DEFERRED"));
            }
        } else if word.kind == TokenKind::Open {
            let end = closing(element, at).unwrap_or(element.len() - 1);
            if is_constraint {
                about += &format!(
                    " ({})",
                    canonical(element.get(at + 1..end).unwrap_or_default())
                );
            }
            at = end;
        } else if ["PRIMARY", "UNIQUE", "FOREIGN", "REFERENCES", "NOT"]
            .iter()
            .any(|head| word.is(head))
        {
            about = word.text.to_uppercase();
        }
        at += 1;
    }
    if let Some(subject) = subject
        && let Some(column) = definition
            .columns
            .iter_mut()
            .find(|column| column.is(&subject))
    {
        traits.sort();
        column.traits = traits;
        column.text = sql[first.span.range().start..last.span.range().end].to_owned();
    }
}

const CONSTRAINTS: &[&str] = &["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/// A name as written, without quotes.
fn own_name(lexeme: &Lexeme<'_>) -> Option<String> {
    match lexeme.kind {
        TokenKind::Word => Some(lexeme.text.to_owned()),
        TokenKind::QuotedName | TokenKind::String => unquoted(lexeme.text),
        _ => None,
    }
}

/// What stands between the commas of a list.
pub(super) fn elements<'l, 't>(list: &'l [Lexeme<'t>]) -> Vec<&'l [Lexeme<'t>]> {
    let mut elements = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, lexeme) in list.iter().enumerate() {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => depth = depth.saturating_sub(1),
            _ if depth == 0 && lexeme.is_operator(",") => {
                elements.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    elements.push(&list[start..]);
    elements
}

/// The index of the sign that closes what opens at `open`.
pub(super) fn closing(lexemes: &[Lexeme<'_>], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, lexeme) in lexemes.iter().enumerate().skip(open) {
        match lexeme.kind {
            TokenKind::Open => depth += 1,
            TokenKind::Close => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// An expression in one spelling: single spaces, words in lower case, names without the quotes that
/// they do not need. A name in double quotes may be a string to SQLite and keeps its letters.
pub(super) fn canonical(lexemes: &[Lexeme<'_>]) -> String {
    let mut text = String::new();
    for lexeme in lexemes {
        if !text.is_empty() {
            text.push(' ');
        }
        text += &spelling(lexeme);
    }
    text
}

fn spelling(lexeme: &Lexeme<'_>) -> String {
    match lexeme.kind {
        TokenKind::Word => lexeme.text.to_lowercase(),
        TokenKind::QuotedName => match unquoted(lexeme.text) {
            Some(name) if is_plain(&name) => name,
            Some(name) => quoted(&name),
            None => lexeme.text.to_owned(),
        },
        TokenKind::Operator => match lexeme.text {
            "==" => "=",
            "!=" => "<>",
            other => other,
        }
        .to_owned(),
        _ => lexeme.text.to_owned(),
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn squeezed(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words
        .join(" ")
        .replace(" (", "(")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(", ", ",")
}
