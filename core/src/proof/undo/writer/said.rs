//! What is said about an object: comments and privileges.

use super::{Grants, Writer};
use crate::change::Name;
use crate::dialect::Family;
use crate::schema::print;
use crate::schema::{Body, Object};

impl Writer<'_> {
    /// Comment, owner and privileges.
    pub(super) fn said(&self, before: &Object, after: &Object) -> Option<Vec<String>> {
        let mut statements = Vec::new();
        if before.comment != after.comment {
            statements.push(self.comment(before)?);
        }
        if let Some(owner) = &before.owner
            && before.owner != after.owner
        {
            let (word, name) = self.addressed(before)?;
            statements.push(format!(
                "ALTER {word} {name} OWNER TO {};",
                role(owner, self)
            ));
        }
        if before.grants != after.grants {
            let (word, name) = self.addressed(before)?;
            let word = match &before.body {
                Body::Table(_) | Body::View(_) => "TABLE",
                Body::Enum(_) | Body::Composite(_) | Body::Domain(_) => "TYPE",
                _ => &*word,
            };
            statements.extend(self.grants(
                &before.grants,
                &after.grants,
                &format!("{word} {name}"),
            ));
        }
        Some(statements)
    }

    pub(super) fn grants(&self, before: &Grants, after: &Grants, on: &str) -> Vec<String> {
        let mut statements = Vec::new();
        for ((who, what), _) in after
            .iter()
            .filter(|(place, _)| !before.contains_key(place))
        {
            statements.push(match what.strip_prefix("no ") {
                Some(what) => format!(
                    "GRANT {} ON {on} TO {};",
                    what.to_uppercase(),
                    role(who, self)
                ),
                None => format!(
                    "REVOKE {} ON {on} FROM {};",
                    privilege(what),
                    role(who, self)
                ),
            });
        }
        for ((who, what), option) in before {
            if after.get(&(who.clone(), what.clone())) == Some(option) {
                continue;
            }
            let with = if *option { " WITH GRANT OPTION" } else { "" };
            statements.push(match what.strip_prefix("no ") {
                Some(what) => format!(
                    "REVOKE {} ON {on} FROM {};",
                    what.to_uppercase(),
                    role(who, self)
                ),
                None => format!(
                    "GRANT {} ON {on} TO {}{with};",
                    privilege(what),
                    role(who, self)
                ),
            });
        }
        statements
    }

    pub(super) fn comment(&self, object: &Object) -> Option<String> {
        let text = object.comment.as_deref().unwrap_or("NULL");
        if self.family() != Family::Postgres {
            return None;
        }
        let (word, name) = self.addressed(object)?;
        Some(format!("COMMENT ON {word} {name} IS {text};"))
    }

    /// The words with which a statement speaks of an object: `FUNCTION f(integer)`.
    fn addressed(&self, object: &Object) -> Option<(String, String)> {
        let drop = print::drop(self.key, object, self.dialect)?;
        let words = drop.strip_prefix("DROP ")?.strip_suffix(';')?;
        let kinds = [
            "FOREIGN TABLE",
            "MATERIALIZED VIEW",
            "TEXT SEARCH CONFIGURATION",
            "TEXT SEARCH DICTIONARY",
        ];
        let length = match kinds.iter().find(|kind| words.starts_with(**kind)) {
            Some(kind) => kind.len(),
            None => words.find(' ')?,
        };
        Some((words[..length].to_owned(), words[length + 1..].to_owned()))
    }
}

pub(super) fn role(name: &Name, writer: &Writer<'_>) -> String {
    match name.as_str() {
        "public" => "PUBLIC".to_owned(),
        name => writer.name(name),
    }
}

/// `select (a, b)` with its word in upper case.
pub(super) fn privilege(text: &str) -> String {
    match text.split_once(' ') {
        Some((word, rest)) if rest.starts_with('(') => format!("{} {rest}", word.to_uppercase()),
        _ => text.to_uppercase(),
    }
}
