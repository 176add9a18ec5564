//! What must hold for every text, however odd: reading never fails, loses nothing and takes time in
//! proportion; checksums change with what the engine sees and with nothing else.
//!
//! Texts are made of the signs and words that open and close things, since plain letters find
//! nothing.

use backstitch_core::checksum::{Checksum, Digest, Hasher, Role};
use backstitch_core::diagnostic::Section;
use backstitch_core::lex::{Token, TokenKind};
use backstitch_core::migration::Transaction;
use backstitch_core::source::Source;
use backstitch_core::split::Split;
use backstitch_core::{Dialect, lex, split, statement};
use proptest::prelude::*;

/// Pieces of text that open, close, escape or separate something in some dialect.
const PIECES: &[&str] = &[
    "'",
    "''",
    "\"",
    "`",
    "[",
    "]",
    "(",
    ")",
    ";",
    "\\",
    "$",
    "$$",
    "$a$",
    "/*",
    "*/",
    "/*!",
    "/*M!50000 ",
    "--",
    "-- ",
    "#",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\0",
    "\u{feff}",
    "ü",
    "名",
    "E'",
    "U&'",
    "U&\"",
    "x'",
    "N'",
    "_utf8'",
    "@",
    "@@",
    "@'",
    ":",
    "::",
    ":=",
    "?",
    "1",
    "1.",
    ".5",
    "e",
    "1e",
    "0x",
    "0b",
    "_",
    "..",
    "+",
    "-",
    "*",
    "/",
    "<",
    ">",
    "=",
    "~",
    "|",
    "&",
    ",",
    ".",
    "a",
    "BEGIN ",
    "END ",
    "END;",
    "ATOMIC ",
    "CREATE ",
    "TRIGGER ",
    "PROCEDURE p() ",
    "FUNCTION f() ",
    "EVENT e DO ",
    "FOR EACH ROW ",
    "CASE ",
    "WHEN ",
    "THEN ",
    "ELSE ",
    "IF ",
    "LOOP ",
    "WHILE ",
    "DO ",
    "REPEAT ",
    "UNTIL ",
    "FOR ",
    "DECLARE ",
    "HANDLER ",
    "RULE ",
    "COPY t FROM STDIN;\n",
    "\n\\.\n",
    "\\connect x\n",
    ".read x\n",
    "DELIMITER $$\n",
    "DELIMITER ;\n",
    "PACKAGE ",
    "REINDEX ",
    "PRAGMA ",
    "foreign_keys ",
    "SET ",
    "autocommit",
    "WITH ",
    "SELECT ",
    "BEGIN NOT ATOMIC ",
];

fn dialects() -> impl Strategy<Value = Dialect> {
    proptest::sample::select(&Dialect::ALL[..])
}

fn texts() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 0..60);
    prop_oneof![
        4 => pieces.prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
        1 => proptest::collection::vec(any::<u8>(), 0..200)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

fn split_all(text: &str, tokens: &[Token], dialect: Dialect) -> Split {
    split::split(text, tokens, 0..tokens.len(), dialect)
}

/// Every step over a text, with what must hold after each.
fn read(text: &str, dialect: Dialect) {
    let lexed = lex::lex(text, dialect);
    let mut end = 0;
    for token in &lexed.tokens {
        assert_eq!(token.span.range().start, end, "no gap and no overlap");
        assert!(!token.span.is_empty());
        end = token.span.range().end;
        assert!(text.is_char_boundary(end));
    }
    assert_eq!(end, text.len(), "nothing is lost");

    let split = split_all(text, &lexed.tokens, dialect);
    let mut covered = 0;
    for piece in &split.pieces {
        let tokens = &lexed.tokens[piece.tokens.clone()];
        assert!(covered <= piece.lead.start && piece.lead.end == piece.tokens.start);
        assert!(lexed.tokens[covered..piece.lead.start].iter().all(|token| {
            token.kind.is_trivia() || matches!(token.kind, TokenKind::Semicolon | TokenKind::Client)
        }));
        assert!(
            lexed.tokens[piece.lead.clone()]
                .iter()
                .all(|token| token.kind.is_trivia())
        );
        assert!(!tokens[0].kind.is_trivia() && !tokens[tokens.len() - 1].kind.is_trivia());
        assert_eq!(piece.span, tokens[0].span.to(tokens[tokens.len() - 1].span));
        covered = piece.tokens.end;
    }
    assert!(lexed.tokens[covered..].iter().all(|token| {
        token.kind.is_trivia() || matches!(token.kind, TokenKind::Semicolon | TokenKind::Client)
    }));

    let source = Source::new("m.sql", text.to_owned());
    let mut diagnostics = lex::diagnose(&source, &lexed);
    diagnostics.extend(split::diagnose(&source, &split, Section::Up));
    for piece in &split.pieces {
        let _ = statement::commits(text, piece, &lexed.tokens, dialect);
        let _ = statement::is_query(text, piece, &lexed.tokens, dialect);
        for transaction in [Transaction::One, Transaction::None] {
            diagnostics.extend(statement::diagnose(
                &source,
                piece,
                &lexed.tokens,
                dialect,
                transaction,
                Section::Up,
            ));
        }
    }
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        assert!(
            !label.span.of(text).is_empty(),
            "a caret has words to stand under"
        );
    }
}

fn checksum(text: &str, dialect: Dialect) -> Checksum {
    let lexed = lex::lex(text, dialect);
    let mut hasher = Hasher::new();
    for piece in split_all(text, &lexed.tokens, dialect).pieces {
        hasher.statement(
            Role::Up,
            lex::significant(text, &lexed.tokens[piece.tokens]),
        );
    }
    hasher.finish()
}

/// Statements that every dialect reads without fault, as the tokens they are made of.
const WORDS: &[&str] = &[
    "SELECT", "a", "'b;\nc'", "'it''s'", "\"d e\"", "1", "2.5e-3", "<=", "+", ",", "(", ")", ";",
    "größe", "=", ".", "x'ff'", "CASE", "END",
];

/// What may stand between two tokens without changing anything.
const TRIVIA: &[&str] = &[
    " ",
    "\n",
    "\r\n",
    "\t ",
    " -- c; 'x\n",
    "/* ; ' */",
    "\n\n  ",
    " /* a */ -- b\r\n ",
];

fn words() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(WORDS), 1..30)
}

fn trivia() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(TRIVIA), 31)
}

fn weave(words: &[&str], trivia: &[&str]) -> String {
    let pairs = words.iter().zip(trivia);
    pairs
        .flat_map(|(word, trivia)| [*trivia, *word])
        .chain(["\n"])
        .collect()
}

/// How many cases are tried; more where `PROPTEST_CASES` asks for more.
fn cases(usual: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let asked = asked.and_then(|asked| asked.parse().ok());
    asked.unwrap_or(usual)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_fails_and_loses_nothing(text in texts(), dialect in dialects()) {
        read(&text, dialect);
    }

    #[test]
    fn splitting_a_part_stays_in_that_part(text in texts(), dialect in dialects(), cut in any::<prop::sample::Index>()) {
        let lexed = lex::lex(&text, dialect);
        let from = cut.index(lexed.tokens.len() + 1);
        for piece in split::split(&text, &lexed.tokens, from..lexed.tokens.len(), dialect).pieces {
            prop_assert!(piece.lead.start >= from);
        }
    }

    #[test]
    fn blank_and_comments_do_not_count(words in words(), one in trivia(), other in trivia(), dialect in dialects()) {
        let (one, other) = (weave(&words, &one), weave(&words, &other));
        prop_assert_eq!(checksum(&one, dialect), checksum(&other, dialect));
        prop_assert_eq!(checksum(&one, dialect), checksum(&format!("\u{feff}{one}"), dialect));
    }

    #[test]
    fn every_token_counts(words in words(), blank in trivia(), at in any::<prop::sample::Index>(), dialect in dialects()) {
        let at = at.index(words.len());
        prop_assume!(words[at] != ";");
        let was = checksum(&weave(&words, &blank), dialect);
        for byte in 0..words[at].len() {
            let mut changed = words[at].as_bytes().to_vec();
            changed[byte] = if changed[byte] == b'z' { b'y' } else { b'z' };
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let mut words = words.clone();
            words[at] = &changed;
            prop_assert_ne!(checksum(&weave(&words, &blank), dialect), was, "{}", changed);
        }
        let mut fewer = words.clone();
        fewer.remove(at);
        prop_assert_ne!(checksum(&weave(&fewer, &blank), dialect), was);
    }

    #[test]
    fn a_digest_does_not_know_order_and_forgets_what_is_taken_out(ids in proptest::collection::hash_set("[0-9]{4}_[a-z]{1,8}", 1..12)) {
        let ids: Vec<_> = ids.into_iter().collect();
        let sum = |id: &str| checksum(id, Dialect::Postgres);
        let add = |digest: Digest, id: &String| digest.with(id, &sum(id));
        let all = ids.iter().fold(Digest::EMPTY, add);
        prop_assert_eq!(ids.iter().rev().fold(Digest::EMPTY, add), all);
        let without = all.without(&ids[0], &sum(&ids[0]));
        prop_assert_eq!(ids[1..].iter().fold(Digest::EMPTY, add), without);
        prop_assert_ne!(without, all);
        prop_assert_eq!(all.to_string().parse::<Digest>(), Ok(all));
    }
}

/// Short texts are tried one and all.
#[test]
fn all_short_texts() {
    const SIGNS: &[&str] = &[
        "'", "\"", "`", "$", "\\", "/*", "*/", "-", "\n", ";", "E", "1", ".",
    ];
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts
            .iter()
            .flat_map(|text| SIGNS.iter().map(move |sign| format!("{text}{sign}")))
            .collect();
        for text in &texts {
            for dialect in Dialect::ALL {
                read(text, dialect);
            }
        }
    }
}

/// Long rows of what opens and never closes, or tempts to look back or ahead each time. With a step
/// that is not linear this test does not end.
#[test]
fn long_texts_take_time_in_proportion() {
    const TEMPTATIONS: &[&str] = &[
        "(",
        "[",
        "/*",
        "/*!",
        "/*! ' */",
        "*/",
        "'",
        "\"",
        "`",
        "$$",
        "$a",
        "$a$",
        "+",
        "+*",
        "-+",
        "@",
        "@-+",
        "_",
        "_a'",
        "E'a'\n",
        "E'a' --\n",
        "\\",
        "\\\n",
        ";",
        "a;",
        "a.",
        "1",
        "1.",
        "1_",
        ".1",
        "0x",
        "2fa ",
        "CASE ",
        "BEGIN ",
        "END ",
        "END;",
        "IF ",
        "CREATE PROCEDURE p() BEGIN ",
        "CREATE PROCEDURE p() BEGIN IF a THEN ",
        "CREATE TRIGGER t BEGIN a;",
        "CREATE TRIGGER begin ",
        "CREATE FUNCTION f() BEGIN ATOMIC a; END;",
        "CREATE RULE r (",
        "COPY t FROM STDIN;\n",
        "DELIMITER $$\n",
        "DELIMITER $$\na\nDELIMITER ;\n",
        ".read x\n",
        "\n",
        "-- a\n",
        "#",
        ":a ",
        "::",
        "REINDEX (",
        "WITH a AS (",
        "SET autocommit ",
        "DO $$ COMMIT; $$;",
        "/*!1*/",
        "CREATE /*!1*/ ",
        "a:",
        "PACKAGE ",
        "CREATE PACKAGE p BEGIN a; END; ",
    ];
    for temptation in TEMPTATIONS {
        let len = if temptation.len() == 1 {
            1 << 18
        } else {
            1 << 17
        };
        let text = temptation.repeat(len / temptation.len());
        for dialect in Dialect::ALL {
            let lexed = lex::lex(&text, dialect);
            let split = split_all(&text, &lexed.tokens, dialect);
            for piece in &split.pieces {
                let _ = statement::inspect(&text, piece, &lexed.tokens, dialect);
                let _ = statement::commits(&text, piece, &lexed.tokens, dialect);
                let _ = statement::is_query(&text, piece, &lexed.tokens, dialect);
            }
        }
    }
}
