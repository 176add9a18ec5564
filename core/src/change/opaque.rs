//! What is known of a statement that is not modelled: the names that it mentions.

use super::cursor::{Cursor, string_value};
use super::fragment::name_of;
use super::{Change, Data, DataVerb, Name, Opaque, Uses};
use crate::dialect::Dialect;
use crate::lex::{self, Lexeme, TokenKind};

/// A legal statement of which only the words are known.
pub(super) fn read(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Opaque {
    let mut mentions = names(lexemes, dialect);
    let mut anything = false;
    let mut reshapes = !lexemes.first().is_some_and(|first| first.is("DO"));
    for lexeme in lexemes
        .iter()
        .filter(|lexeme| lexeme.kind == TokenKind::String)
    {
        let inner = string_value(lexeme.text);
        let tokens = lex::lex(&inner, dialect).tokens;
        let words = lex::lexemes(&inner, &tokens);
        anything |= runs_text(&words);
        reshapes |= changes_columns(&words);
        mentions.extend(names(&words, dialect));
    }
    mentions.sort();
    mentions.dedup();
    let first = lexemes.first().map_or("", |first| first.text);
    let why = match first.to_ascii_uppercase().as_str() {
        "DO" => "a DO block can change anything",
        "CALL" | "EXEC" | "EXECUTE" | "PREPARE" => "what it runs is not in the text",
        _ => "the model does not know this statement",
    };
    let anything = anything
        || matches!(
            first.to_ascii_uppercase().as_str(),
            "CALL" | "EXECUTE" | "PREPARE"
        );
    Opaque {
        why,
        mentions,
        anything,
        reshapes,
    }
}

fn names(lexemes: &[Lexeme<'_>], dialect: Dialect) -> Vec<Name> {
    lexemes
        .iter()
        .filter_map(|lexeme| name_of(lexeme.kind, lexeme.text, dialect))
        .collect()
}

/// Whether the words may change the columns of a table. Constraints, indexes, triggers and types
/// have names of their own, which are mentioned then.
pub(crate) fn changes_columns(words: &[Lexeme<'_>]) -> bool {
    const NAMED: &[&str] = &[
        "CONSTRAINT",
        "INDEX",
        "TRIGGER",
        "FUNCTION",
        "PROCEDURE",
        "TYPE",
        "POLICY",
        "VIEW",
        "SEQUENCE",
        "EXTENSION",
        "SCHEMA",
        "DOMAIN",
        "VALUE",
        "UNIQUE",
        "PRIMARY",
        "FOREIGN",
        "CHECK",
        "MATERIALIZED",
        "RULE",
        "ROLE",
    ];
    words.iter().enumerate().any(|(at, word)| {
        let after = |names: &[&str]| {
            words
                .get(at + 1)
                .is_some_and(|next| names.iter().any(|name| next.is(name)))
        };
        let before = |names: &[&str]| at > 0 && names.iter().any(|name| words[at - 1].is(name));
        ["COLUMN", "RENAME", "INHERIT", "ATTACH", "DETACH", "EXECUTE"]
            .iter()
            .any(|reshaping| word.is(reshaping) && !after(&["FUNCTION", "PROCEDURE", "ON"]))
            || ((word.is("ADD") || word.is("DROP")) && !after(NAMED))
            || (word.is("TYPE") && !before(&["CREATE", "DROP", "ALTER"]))
            || (word.is("SET") && after(&["NOT", "DEFAULT", "DATA", "SCHEMA"]))
    })
}

/// Whether statements are run that are put together at run time. Triggers and privileges have an
/// `EXECUTE` of their own.
fn runs_text(words: &[Lexeme<'_>]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let next = words.get(at + 1);
        let own = |next: &Lexeme<'_>| {
            ["FUNCTION", "PROCEDURE", "ON"]
                .iter()
                .any(|word| next.is(word))
        };
        word.is("EXECUTE") && !next.is_some_and(own)
    })
}

/// Words in a block that change the schema, run what is not in the text, or stop it.
const DOING: &[&str] = &[
    "CREATE",
    "ALTER",
    "DROP",
    "EXECUTE",
    "GRANT",
    "REVOKE",
    "COMMENT",
    "PERFORM",
    "CALL",
    "RENAME",
    "EXCEPTION",
    "REINDEX",
    "REFRESH",
];

/// `DO`, after this word: a block that only writes rows is no danger to the schema.
pub(super) fn block(cursor: &mut Cursor<'_, '_>) -> Option<Change> {
    let mut body = None;
    while !cursor.is_end() {
        if cursor.eat("LANGUAGE") {
            cursor.next()?;
        } else {
            body = Some(cursor.string()?);
        }
    }
    let inner = string_value(body?);
    let tokens = lex::lex(&inner, cursor.dialect).tokens;
    let words = lex::lexemes(&inner, &tokens);
    let acts = words
        .iter()
        .any(|word| DOING.iter().any(|doing| word.is(doing)));
    (!acts).then(|| {
        Change::Data(Data {
            verb: DataVerb::Update,
            targets: Vec::new(),
            columns: Vec::new(),
            filtered: true,
            uses: Uses::default(),
            plain: Vec::new(),
            values: None,
            single: false,
            lenient: true,
            may_be_null: false,
            worded: Vec::new(),
            mentions: Vec::new(),
            calls: Vec::new(),
        })
    })
}
