//! A file as text, and places in it.
//!
//! Everything else points into a [`Source`] by [`Span`]; turning bytes into lines and columns for
//! people happens here and nowhere else. Reading files is [`dir`](crate::dir)'s work.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// A range of bytes in a [`Source`], always on character boundaries.
///
/// Written as `[start, end]` when serialised, so that a migration's facts stay short.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(from = "(u32, u32)", into = "(u32, u32)")]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The span of `range`.
    ///
    /// # Panics
    /// When the range reaches beyond [`Source::MAX_LEN`], which [`dir`](crate::dir) does not let in.
    pub fn new(range: Range<usize>) -> Span {
        let narrow = |byte: usize| u32::try_from(byte).expect("sources are smaller than 4 GiB");
        Span {
            start: narrow(range.start),
            end: narrow(range.end),
        }
    }

    /// The span as a range of indices.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many bytes it covers.
    pub fn len(self) -> usize {
        self.range().len()
    }

    /// Whether it covers nothing: a place rather than a stretch.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The text it covers.
    pub fn of(self, text: &str) -> &str {
        &text[self.range()]
    }
}

impl From<(u32, u32)> for Span {
    fn from((start, end): (u32, u32)) -> Span {
        Span { start, end }
    }
}

impl From<Span> for (u32, u32) {
    fn from(span: Span) -> (u32, u32) {
        (span.start, span.end)
    }
}

/// A value and where it stands in its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The words that say it.
    pub span: Span,
}

/// A place for people: both numbers count from one, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// The text of one file and the path by which people know it. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    inner: Arc<Inner>,
}

struct Inner {
    path: String,
    text: std::borrow::Cow<'static, str>,
    /// Where the lines begin, from the first time that somebody asks for a place: a file may have
    /// as many findings as lines.
    lines: OnceLock<Vec<u32>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Source) -> bool {
        let is_same = Arc::ptr_eq(&self.inner, &other.inner);
        is_same || self.path() == other.path() && self.text() == other.text()
    }
}

impl Eq for Source {}

impl Default for Source {
    fn default() -> Source {
        Source::new("", "")
    }
}

impl Source {
    /// The longest text, in bytes, that is read: 64 MiB.
    pub const MAX_LEN: usize = 64 << 20;

    /// A source of this `text`, shown to people as `path`.
    pub fn new(path: impl Into<String>, text: impl Into<std::borrow::Cow<'static, str>>) -> Source {
        Source {
            inner: Arc::new(Inner {
                path: path.into(),
                text: text.into(),
                lines: OnceLock::new(),
            }),
        }
    }

    /// The path as people see it, with forward slashes, usually relative to the crate.
    pub fn path(&self) -> &str {
        &self.inner.path
    }

    /// The whole text, a byte order mark and carriage returns included.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// The line and column of a byte. A byte beyond the end is the end.
    pub fn position(&self, byte: usize) -> Position {
        let text = self.text();
        let mut byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        let lines = self.inner.lines.get_or_init(|| {
            let behind = text
                .match_indices('\n')
                .map(|(newline, _)| newline as u32 + 1);
            std::iter::once(0).chain(behind).collect()
        });
        let line = lines.partition_point(|start| *start as usize <= byte);
        let column = text[lines[line - 1] as usize..byte]
            .trim_start_matches('\u{feff}')
            .chars()
            .count()
            + 1;
        Position {
            line: line as u32,
            column: column as u32,
        }
    }

    /// The part of `span` that stands on its first line, without the line end.
    pub fn first_line(&self, span: Span) -> Span {
        let words = span.of(self.text());
        let len = words.find(['\r', '\n']).unwrap_or(words.len());
        Span::new(span.start as usize..span.start as usize + len)
    }

    /// `path:line:column` of a byte, as terminals and editors understand it.
    pub fn locate(&self, byte: usize) -> String {
        let Position { line, column } = self.position(byte);
        format!("{}:{line}:{column}", self.path())
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({}, {} bytes)", self.path(), self.text().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("m.sql", "a\nüöx\r\n");
        let at = |byte| {
            let Position { line, column } = source.position(byte);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(3), (2, 1), "inside a character is that character");
        assert_eq!(at(6), (2, 3));
        assert_eq!(at(99), (3, 1));
        assert_eq!(source.locate(6), "m.sql:2:3");
    }

    #[test]
    fn a_byte_order_mark_is_not_a_column() {
        assert_eq!(Source::new("m.sql", "\u{feff}ab").position(4).column, 2);
    }
}
