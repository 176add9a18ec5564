//! Names, folded as the engine folds them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::dialect::{Dialect, Folding};
use crate::source::Span;

/// A name as the engine knows it. Names are equal when the engine takes them for the same.
#[derive(Clone)]
pub struct Name {
    text: Arc<str>,
    /// What is compared; the same as `text` where the engine tells cases apart.
    key: Arc<str>,
}

impl Name {
    /// A name as the engine keeps it: what stands between the quotes.
    pub fn new(text: &str, dialect: Dialect) -> Name {
        match dialect.modelling().longest_name {
            Some(longest) => Name::uncut(cut(text, longest), dialect),
            None => Name::uncut(text, dialect),
        }
    }

    /// What is compared like a name and may be longer than one: the types of arguments.
    pub(crate) fn uncut(kept: &str, dialect: Dialect) -> Name {
        let text: Arc<str> = kept.into();
        let key = match dialect.modelling().folding {
            Folding::Lower => text.clone(),
            Folding::Insensitive if kept.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                kept.to_ascii_lowercase().into()
            }
            Folding::Insensitive => text.clone(),
        };
        Name { text, key }
    }

    /// A name as it is written without quotes.
    pub fn unquoted(text: &str, dialect: Dialect) -> Name {
        match dialect.modelling().folding {
            Folding::Lower if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Name::new(&text.to_ascii_lowercase(), dialect)
            }
            _ => Name::new(text, dialect),
        }
    }

    /// How the engine shows it, without quotes.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is compared.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The longest beginning of `text` with at most `longest` bytes.
pub(crate) fn cut(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.key == other.key
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// The name.
    pub name: Name,
    /// The word or the quotes.
    pub span: Span,
}

/// The name of an object, with its schema where that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// The schema.
    pub schema: Option<Name>,
    /// The name in it.
    pub name: Name,
    /// All of it.
    pub span: Span,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => fmt::Display::fmt(&self.name, f),
        }
    }
}
