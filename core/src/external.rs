//! Objects that exist outside of the migrations, as the options and headers name them.
//!
//! `[kind] [schema.]name`: without a kind it may be anything of that name; a `*` at the end stands
//! for any ending. What the model makes of them is the business of [`proof`](crate::proof).

use crate::diagnostic::did_you_mean;

/// An object that somebody else makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// What it is.
    pub kind: Kind,
    /// The names before the last: a schema; for a column its table, and before that a schema.
    pub within: Vec<String>,
    /// Its name, or the beginning of it with a `*` behind.
    pub name: String,
}

/// What somebody else makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is said: anything of that name.
    Any,
    /// A table.
    Table,
    /// A view, materialised or not.
    View,
    /// A sequence.
    Sequence,
    /// A type or domain.
    Type,
    /// A function or procedure.
    Function,
    /// A column of a table that may be made by migrations.
    Column,
    /// A schema and all that is in it.
    Schema,
    /// An extension.
    Extension,
}

/// Why a text names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// In a few words.
    pub why: String,
    /// What was probably meant.
    pub instead: Option<String>,
}

/// The words for kinds.
const KINDS: [(&str, Kind); 8] = [
    ("table", Kind::Table),
    ("view", Kind::View),
    ("sequence", Kind::Sequence),
    ("type", Kind::Type),
    ("function", Kind::Function),
    ("column", Kind::Column),
    ("schema", Kind::Schema),
    ("extension", Kind::Extension),
];

impl External {
    /// Reads `public.geometry_columns`, `extension postgis`, `column users.legacy_id`.
    pub fn parse(text: &str) -> Result<External, Unreadable> {
        let bad = |why: &str| Unreadable {
            why: why.to_owned(),
            instead: None,
        };
        let (word, path) = match text.trim().split_once(char::is_whitespace) {
            Some((word, path)) => (Some(word), path.trim()),
            None => (None, text.trim()),
        };
        let kind = match word {
            None => Kind::Any,
            Some(word) => kind(word).ok_or_else(|| {
                let near = did_you_mean(word, KINDS.map(|(known, _)| known));
                Unreadable {
                    why: "not a kind of object".to_owned(),
                    instead: near.map(|near| format!("{near} {path}")),
                }
            })?,
        };
        let parts = parts(path).ok_or_else(|| bad("not the name of an object"))?;
        let (least, most) = match kind {
            Kind::Schema | Kind::Extension => (1, 1),
            Kind::Column => (2, 3),
            _ => (1, 2),
        };
        if parts.len() < least {
            return Err(bad("a column without its table"));
        }
        if parts.len() > most {
            return Err(bad("too many names"));
        }
        let (name, within) = parts.split_last().expect("a path has a last part");
        Ok(External {
            kind,
            within: within.to_vec(),
            name: name.clone(),
        })
    }

    /// Its schema, where that is written.
    pub fn schema(&self) -> Option<&str> {
        let at = match self.kind {
            Kind::Column => self.within.len().checked_sub(2)?,
            _ => self.within.len().checked_sub(1)?,
        };
        Some(&self.within[at])
    }

    /// Whether something of this name is meant.
    pub fn is_called(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.name,
        }
    }
}

fn kind(word: &str) -> Option<Kind> {
    let found = KINDS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    found.map(|(_, kind)| *kind)
}

/// The names of a path, without their quotes.
fn parts(path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = path;
    loop {
        let end = match rest.chars().next()? {
            quote @ ('"' | '`') => rest[1..].find(quote)? + 2,
            _ => rest.find('.').unwrap_or(rest.len()),
        };
        let (part, behind) = rest.split_at(end);
        let name = part.trim_matches(['"', '`']);
        let is_quoted = part.len() != name.len();
        let is_name_char = |c: char| c.is_alphanumeric() || "_$-*".contains(c);
        if name.is_empty() || !is_quoted && !name.chars().all(is_name_char) {
            return None;
        }
        parts.push(name.to_owned());
        match behind.strip_prefix('.') {
            Some(behind) => rest = behind,
            None if behind.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_schemas_and_quotes_are_read() {
        let check = |text: &str, kind: Kind, schema: Option<&str>, name: &str| {
            let external = External::parse(text).expect(text);
            assert_eq!(external.kind, kind, "{text}");
            assert_eq!(external.schema(), schema, "{text}");
            assert_eq!(external.name, name, "{text}");
        };
        check("geometry_columns", Kind::Any, None, "geometry_columns");
        check("public.geo_*", Kind::Any, Some("public"), "geo_*");
        check("table auth.users", Kind::Table, Some("auth"), "users");
        check("extension uuid-ossp", Kind::Extension, None, "uuid-ossp");
        check("Schema auth", Kind::Schema, None, "auth");
        check("column users.legacy", Kind::Column, None, "legacy");
        check(
            "column app.users.legacy",
            Kind::Column,
            Some("app"),
            "legacy",
        );
        check("type \"Odd.One\"", Kind::Type, None, "Odd.One");
    }

    #[test]
    fn what_names_nothing_is_told() {
        let check = |text: &str, why: &str, instead: Option<&str>| {
            let bad = External::parse(text).expect_err(text);
            assert_eq!(bad.why, why, "{text}");
            assert_eq!(bad.instead.as_deref(), instead, "{text}");
        };
        check("", "not the name of an object", None);
        check("a..b", "not the name of an object", None);
        check("\"a", "not the name of an object", None);
        check("a.b.c", "too many names", None);
        check("schema a.b", "too many names", None);
        check("column email", "a column without its table", None);
        check("tabel users", "not a kind of object", Some("table users"));
        check("CREATE TABLE users", "not a kind of object", None);
    }
}
