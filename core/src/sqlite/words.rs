//! What a statement is and which names stand in it, read off its tokens.
//!
//! This decides which objects a statement may touch, never whether it is right: that is SQLite's
//! word. So it takes too many names rather than too few.

use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};
use crate::migration::Script;
use crate::source::Span;
use crate::statement::Statement;

/// A statement with its tokens.
pub(super) struct Line<'s> {
    pub(super) statement: &'s Statement,
    pub(super) text: &'s str,
    pub(super) lexemes: Vec<Lexeme<'s>>,
    pub(super) act: Act,
}

/// What a statement is, as far as it matters to where and on what it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It makes a table, view or trigger and looks at no rows.
    Define,
    /// It drops, renames or alters.
    Alter,
    /// It reads or writes rows.
    Data,
    /// It changes settings.
    Pragma,
    /// It reaches for another database.
    Attach,
    /// It rewrites the file and changes nothing in it.
    Vacuum,
    /// It steers a transaction, which is the runner's business.
    Control,
}

/// The statements of a script, in order.
pub(super) fn lines(script: &Script, dialect: Dialect) -> Vec<Line<'_>> {
    let statements = script.statements.iter();
    statements
        .map(|statement| line(script.source.text(), statement, dialect))
        .collect()
}

/// One statement of a file.
pub(super) fn line<'s>(text: &'s str, statement: &'s Statement, dialect: Dialect) -> Line<'s> {
    let tokens = lex::lex_within(text, statement.span, dialect);
    let lexemes = lex::lexemes(text, &tokens);
    Line {
        statement,
        text: statement.span.of(text),
        act: act(&lexemes),
        lexemes,
    }
}

impl Line<'_> {
    /// Every name in it, in lower case. Strings count, because SQLite takes them for names where a
    /// name must stand.
    pub(super) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.lexemes.iter().filter_map(name)
    }

    /// The names that stand where tables, views, indexes and triggers are named.
    pub(super) fn relations(&self) -> impl Iterator<Item = String> + '_ {
        self.lexemes.windows(2).filter_map(|two| {
            let [before, candidate] = two else {
                return None;
            };
            let stands =
                BEFORE_RELATIONS.iter().any(|word| before.is(word)) || before.is_operator(".");
            stands.then(|| name(candidate)).flatten()
        })
    }

    /// Whether `sought`, in lower case, is a name in it.
    pub(super) fn mentions(&self, sought: &str) -> bool {
        self.place(sought).is_some()
    }

    /// Where `sought`, in lower case, is named for the first time.
    pub(super) fn place(&self, sought: &str) -> Option<Span> {
        let place = self
            .lexemes
            .iter()
            .find(|lexeme| name(lexeme).is_some_and(|name| name == sought))?;
        Some(place.span)
    }

    /// Whether this word stands in it, without quotes.
    pub(super) fn has(&self, word: &str) -> bool {
        self.lexemes.iter().any(|lexeme| lexeme.is(word))
    }

    /// The object that it makes or gives a new name, in lower case.
    pub(super) fn made(&self) -> Option<String> {
        if self.begins(&["ALTER"]) && self.has("RENAME") {
            let behind_to = self.lexemes.windows(2).rev().find(|two| two[0].is("TO"))?;
            return name(&behind_to[1]);
        }
        if !self.begins(&["CREATE"]) {
            return None;
        }
        let heads = ["TABLE", "INDEX", "VIEW", "TRIGGER"];
        let head = self
            .lexemes
            .iter()
            .position(|lexeme| heads.iter().any(|head| lexeme.is(head)))?;
        let guards = ["IF", "NOT", "EXISTS"];
        let mut rest = self.lexemes[head + 1..]
            .iter()
            .skip_while(|lexeme| guards.iter().any(|word| lexeme.is(word)));
        let first = rest.next()?;
        match rest.next() {
            Some(dot) if dot.is_operator(".") => name(rest.next()?),
            _ => name(first),
        }
    }

    /// Whether it may leave other rows behind.
    pub(super) fn writes(&self) -> bool {
        let makes_index = self.begins(&["CREATE"])
            && self.lexemes.iter().take(3).any(|lexeme| lexeme.is("INDEX"));
        self.act == Act::Data && !makes_index
    }

    /// Whether it begins with these words.
    pub(super) fn begins(&self, words: &[&str]) -> bool {
        self.lexemes.len() >= words.len()
            && words
                .iter()
                .zip(&self.lexemes)
                .all(|(word, lexeme)| lexeme.is(word))
    }
}

const BEFORE_RELATIONS: &[&str] = &[
    "EXISTS",
    "FROM",
    "INDEX",
    "INTO",
    "JOIN",
    "ON",
    "REFERENCES",
    "TABLE",
    "TO",
    "TRIGGER",
    "UPDATE",
    "VIEW",
];

/// The name that a token is, in lower case and without quotes.
pub(super) fn name(lexeme: &Lexeme<'_>) -> Option<String> {
    match lexeme.kind {
        TokenKind::Word => Some(lexeme.text.to_ascii_lowercase()),
        TokenKind::QuotedName | TokenKind::String => unquoted(lexeme.text).map(|mut name| {
            name.make_ascii_lowercase();
            name
        }),
        _ => None,
    }
}

/// The text between quotes, where the two are of one kind.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let open = text.chars().next()?;
    let close = match open {
        '[' => ']',
        '"' | '`' | '\'' => open,
        _ => return None,
    };
    let inside = text[1..].strip_suffix(close)?;
    Some(match open {
        '[' => inside.to_owned(),
        _ => inside.replace(&format!("{close}{close}"), &close.to_string()),
    })
}

/// A name as it can be written anywhere.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as people write it: with quotes only where it needs them.
pub(super) fn written(name: &str) -> String {
    let is_plain = name
        .bytes()
        .enumerate()
        .all(|(at, b)| b == b'_' || b.is_ascii_alphabetic() || at > 0 && b.is_ascii_digit());
    let is_keyword = KEYWORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    if is_plain && !is_keyword && !name.is_empty() {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Words that SQLite takes for a name in quotes only, of those that people name things by.
const KEYWORDS: &[&str] = &[
    "add",
    "all",
    "alter",
    "and",
    "as",
    "autoincrement",
    "between",
    "case",
    "check",
    "collate",
    "commit",
    "constraint",
    "create",
    "default",
    "deferrable",
    "delete",
    "distinct",
    "drop",
    "else",
    "escape",
    "except",
    "exists",
    "foreign",
    "from",
    "group",
    "having",
    "in",
    "index",
    "insert",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "limit",
    "not",
    "nothing",
    "notnull",
    "null",
    "on",
    "or",
    "order",
    "primary",
    "references",
    "returning",
    "select",
    "set",
    "table",
    "then",
    "to",
    "transaction",
    "union",
    "unique",
    "update",
    "using",
    "values",
    "when",
    "where",
];

fn act(lexemes: &[Lexeme<'_>]) -> Act {
    let first = |words: &[&str]| {
        lexemes
            .first()
            .is_some_and(|lexeme| words.iter().any(|word| lexeme.is(word)))
    };
    let has = |word: &str| lexemes.iter().any(|lexeme| lexeme.is(word));
    let makes = |word: &str| lexemes.iter().take(3).any(|lexeme| lexeme.is(word));
    if first(&["CREATE"]) {
        let is_shape = makes("VIEW") || makes("TRIGGER") || makes("TABLE") && !has("SELECT");
        return if is_shape && !makes("VIRTUAL") {
            Act::Define
        } else {
            Act::Data
        };
    }
    match () {
        _ if first(&["ALTER", "DROP"]) => Act::Alter,
        _ if first(&["PRAGMA"]) => Act::Pragma,
        _ if first(&["ATTACH", "DETACH"]) => Act::Attach,
        _ if first(&["VACUUM"]) => Act::Vacuum,
        _ if first(&["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"]) => Act::Control,
        _ => Act::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: Act, relations: &[&str]) {
        let statement = Statement {
            span: Span::new(0..sql.len()),
            commits: false,
            batch: None,
            allows: Vec::new(),
            unchecked: None,
        };
        let dialect = Dialect::from_name("sqlite").expect("an engine");
        let line = line(sql, &statement, dialect);
        assert_eq!(line.act, expected, "{sql}");
        assert_eq!(line.relations().collect::<Vec<_>>(), relations, "{sql}");
    }

    #[test]
    fn acts_and_relations() {
        check(
            "CREATE TABLE a (b REFERENCES [C d])",
            Act::Define,
            &["a", "c d"],
        );
        check("create table a as select * from b", Act::Data, &["a", "b"]);
        check(
            "CREATE UNIQUE INDEX IF NOT EXISTS i ON 't'(x)",
            Act::Data,
            &["if", "i", "t"],
        );
        check(
            "CREATE TEMP VIEW v AS SELECT 1 FROM main.t",
            Act::Define,
            &["v", "main", "t"],
        );
        check("CREATE VIRTUAL TABLE f USING fts5(a)", Act::Data, &["f"]);
        check("ALTER TABLE a RENAME TO \"B\"", Act::Alter, &["a", "b"]);
        check("WITH x AS (SELECT 1) DELETE FROM y", Act::Data, &["y"]);
        check("VACUUM INTO 'x'", Act::Vacuum, &["x"]);
        check("", Act::Data, &[]);
    }

    #[test]
    fn quotes_come_and_go() {
        assert_eq!(unquoted("\"a\"\"b\"").as_deref(), Some("a\"b"));
        assert_eq!(unquoted("[a b]").as_deref(), Some("a b"));
        assert_eq!(unquoted("'"), None);
        assert_eq!(unquoted("'open"), None);
        assert_eq!(written("users"), "users");
        assert_eq!(written("order"), "\"order\"");
        assert_eq!(written("a b"), "\"a b\"");
        assert_eq!(written("1a"), "\"1a\"");
    }
}
