//! SQL text as tokens, without loss and without opinion.
//!
//! Every byte of the text belongs to exactly one token, so joining the tokens gives back the text.
//! Lexing never fails: what is not understood becomes a [`TokenKind::Operator`], and what is not
//! finished (a string, a comment) becomes a token to the end of the text and a [`Fault`].
//! Where statements begin and end is [`split`](crate::split)'s business.
//!
//! Two texts that mean something different have different tokens, because checksums are taken over
//! the texts of the tokens. The way there is linear: no byte is looked at more than a few times.

mod lexer;

use crate::diagnostic::Diagnostic;
use crate::dialect::Dialect;
use crate::source::{Source, Span};

/// What a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Spaces, tabs, line ends, a byte order mark.
    Blank,
    /// `-- …` or `# …`, without the line end.
    LineComment,
    /// `/* … */`, nested where the dialect nests. Not the comments that the engine executes.
    BlockComment,
    /// A keyword or a name without quotes.
    Word,
    /// `"name"`, `` `name` ``, `[name]`, `U&"name"`.
    QuotedName,
    /// A string with its prefix: `'…'`, `E'…'`, `U&'…'`, `N'…'`, `x'…'`, `_utf8mb4'…'`, `$tag$…$tag$`.
    String,
    /// `1`, `1.5e-3`, `0xff`.
    Number,
    /// `?`, `$1`, `:name`, `@variable`, `@@system`.
    Parameter,
    /// One operator or other sign: `<=`, `::`, `->>`, `,`, `.`.
    Operator,
    /// `(` or `[`, where it is not the quote of a name.
    Open,
    /// `)` or `]`.
    Close,
    /// `;`
    Semicolon,
    /// `/*! … */` and `/*M! … */`: a comment that the server executes.
    ExecutableComment,
    /// What a client program takes for itself and no server understands: `\connect x`, `.read x`,
    /// `DELIMITER $$` up to the next `DELIMITER`, and the semicolon of a `COPY … FROM STDIN` with
    /// the rows behind it.
    Client,
}

impl TokenKind {
    /// Whether it is a comment or blank, so that the engine does not see it.
    pub fn is_trivia(self) -> bool {
        matches!(
            self,
            TokenKind::Blank | TokenKind::LineComment | TokenKind::BlockComment
        )
    }
}

/// A stretch of text of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// What is left open at the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A string.
    String,
    /// A dollar-quoted string.
    DollarString,
    /// A quoted name.
    QuotedName,
    /// A block comment.
    BlockComment,
}

/// Something that begins and does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was left open.
    pub open: Open,
    /// The sign or word that opened it.
    pub span: Span,
}

/// The tokens of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lexed {
    /// In order and without gaps.
    pub tokens: Vec<Token>,
    /// What does not end.
    pub faults: Vec<Fault>,
}

/// A token that the engine sees, with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexeme<'t> {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
    /// How it reads.
    pub text: &'t str,
}

impl Lexeme<'_> {
    /// Whether it is this word, in any case and without quotes.
    pub fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word
            && self.text.len() == word.len()
            && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is this operator.
    pub fn is_operator(&self, operator: &str) -> bool {
        self.kind == TokenKind::Operator && self.text == operator
    }
}

/// Reads `text` as tokens of `dialect`.
pub fn lex(text: &str, dialect: Dialect) -> Lexed {
    lexer::read(text, dialect.grammar())
}

/// The tokens that the engine sees.
pub fn lexemes<'t>(text: &'t str, tokens: &[Token]) -> Vec<Lexeme<'t>> {
    tokens
        .iter()
        .filter(|token| !token.kind.is_trivia())
        .map(|token| Lexeme {
            kind: token.kind,
            span: token.span,
            text: token.span.of(text),
        })
        .collect()
}

/// The texts of the tokens that the engine sees: what a checksum is taken over.
pub fn significant<'t>(text: &'t str, tokens: &[Token]) -> impl Iterator<Item = &'t str> {
    tokens
        .iter()
        .filter(|token| !token.kind.is_trivia())
        .map(|token| token.span.of(text))
}

/// The tokens of a part of a text, with spans that point into the whole.
pub(crate) fn lex_within(text: &str, part: Span, dialect: Dialect) -> Vec<Token> {
    let mut tokens = lex(part.of(text), dialect).tokens;
    for token in &mut tokens {
        token.span.start += part.start;
        token.span.end += part.start;
    }
    tokens
}

/// How long the opener of a dollar-quoted string is, and what stands inside; nothing where it does
/// not end.
pub(crate) fn dollar_quoted(text: &str) -> Option<(usize, &str)> {
    let tag = text.strip_prefix('$')?.find('$')?;
    let (opener, rest) = text.split_at(tag + "$$".len());
    Some((opener.len(), rest.strip_suffix(opener)?))
}

/// What is left open and what no text may hold, as errors.
pub fn diagnose(source: &Source, lexed: &Lexed) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<_> = lexed
        .faults
        .iter()
        .map(|fault| unterminated(source, fault))
        .collect();
    diagnostics.extend(nul_character(source));
    diagnostics
}

fn unterminated(source: &Source, fault: &Fault) -> Diagnostic {
    let opener = fault.span.of(source.text());
    let quote = opener
        .char_indices()
        .next_back()
        .map_or("", |(at, _)| &opener[at..]);
    let (code, what, help) = match fault.open {
        Open::String => (
            "unterminated-string",
            "string",
            format!("Close it where it ends; a quote inside is doubled: `{quote}{quote}`."),
        ),
        Open::DollarString => (
            "unterminated-dollar-quote",
            "dollar-quoted string",
            format!("Close it where it ends:\n{opener}"),
        ),
        Open::QuotedName => (
            "unterminated-name",
            "quoted name",
            format!(
                "Close it where it ends:\n{}",
                if quote == "[" { "]" } else { quote }
            ),
        ),
        Open::BlockComment => (
            "unterminated-comment",
            "comment",
            "Close it where it ends:\n*/".to_owned(),
        ),
    };
    Diagnostic::error(code, format!("this {what} does not end"))
        .at(source, fault.span, "opened here")
        .why("Everything from here to the end of the file is part of it, section markers included.")
        .help(help)
}

fn nul_character(source: &Source) -> Option<Diagnostic> {
    let first = source.text().find('\0')?;
    Some(
        Diagnostic::error("nul-character", "the file holds a NUL character")
            .at(source, Span::new(first..first + 1), "the first one")
            .why("Engines end a statement at it, or refuse it.")
            .help("Save the file as UTF-8 text; many of them are a sign of UTF-16."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lexes `sql` and compares the texts of the tokens that the engine sees.
    #[track_caller]
    fn check(dialect: Dialect, sql: &str, expected: &[&str]) {
        let lexed = lex(sql, dialect);
        let joined: String = lexed
            .tokens
            .iter()
            .map(|token| token.span.of(sql))
            .collect();
        assert_eq!(joined, sql, "lossless");
        assert_eq!(lexed.faults, []);
        let texts: Vec<_> = significant(sql, &lexed.tokens).collect();
        assert_eq!(texts, expected, "{}", dialect.name());
    }

    /// The kind of the only token that the engine sees.
    #[track_caller]
    fn kind(dialect: Dialect, sql: &str) -> TokenKind {
        check(dialect, sql, &[sql]);
        let lexed = lex(sql, dialect);
        lexed.tokens[0].kind
    }

    #[test]
    fn standard_strings_take_backslashes_as_they_are() {
        check(Dialect::Postgres, r"'a\' 'b'", &[r"'a\'", "'b'"]);
        check(Dialect::Sqlite, r"'a\' 'it''s'", &[r"'a\'", "'it''s'"]);
        check(Dialect::MySql, r"'a\' b' c", &[r"'a\' b'", "c"]);
        check(Dialect::MariaDb, r#""a\" b""c" d"#, &[r#""a\" b""c""#, "d"]);
    }

    #[test]
    fn prefixes_belong_to_their_strings() {
        for sql in [r"E'a\'b'", r"e'\\'", "U&'d!0061'", "N'x'", "B'01'", "X'ff'"] {
            assert_eq!(kind(Dialect::Postgres, sql), TokenKind::String);
        }
        assert_eq!(
            kind(Dialect::Postgres, r#"U&"d\0061t""#),
            TokenKind::QuotedName
        );
        check(Dialect::Postgres, "typE'a'", &["typE", "'a'"]);
        assert_eq!(kind(Dialect::Sqlite, "x'ff'"), TokenKind::String);
        check(Dialect::Sqlite, "e'a'", &["e", "'a'"]);
        for sql in ["_utf8mb4'a'", "_latin1\"a\"", "N'a'", "x'ff'", "b'1'"] {
            assert_eq!(kind(Dialect::MySql, sql), TokenKind::String);
        }
    }

    #[test]
    fn an_escape_string_goes_on_behind_a_line_end() {
        check(
            Dialect::Postgres,
            "E'a' -- c\n 'b\\'c' d",
            &["E'a'", r"'b\'c'", "d"],
        );
        check(
            Dialect::Postgres,
            "E'a'\n'b'\n'c\\'' d",
            &["E'a'", "'b'", r"'c\''", "d"],
        );
        check(Dialect::Postgres, "E'a' 'b\\' d", &["E'a'", r"'b\'", "d"]);
        check(Dialect::Postgres, "'a'\n'b\\' d", &["'a'", r"'b\'", "d"]);
        check(
            Dialect::Postgres,
            "E'a'\n, 'b\\' d",
            &["E'a'", ",", r"'b\'", "d"],
        );
    }

    #[test]
    fn dollar_quotes() {
        for sql in ["$$a;'b$$", "$a$ $$ $b$ $a$", "$tag_1$x$tag_1$", "$ä$;$ä$"] {
            assert_eq!(kind(Dialect::Postgres, sql), TokenKind::String);
        }
        assert_eq!(kind(Dialect::Postgres, "$12"), TokenKind::Parameter);
        assert_eq!(kind(Dialect::Postgres, "a$b$c"), TokenKind::Word);
        check(Dialect::Postgres, "$1$", &["$1", "$"]);
        check(Dialect::Postgres, "AS$$x", &["AS$$x"]);
        check(Dialect::Sqlite, "$a $b", &["$a", "$b"]);
        check(Dialect::MySql, "AS $$ a; b $$", &["AS", "$$ a; b $$"]);
        check(Dialect::MariaDb, "$$ a $$", &["$$", "a", "$$"]);
    }

    #[test]
    fn comments() {
        check(Dialect::Postgres, "a/* b /* c */ ; */d--e", &["a", "d"]);
        check(Dialect::Sqlite, "a/* b /* c */d-- e\nf", &["a", "d", "f"]);
        check(Dialect::Sqlite, "a /* open", &["a"]);
        check(
            Dialect::MySql,
            "a#b\nc-- d\ne--1--\tf\n--\n--",
            &["a", "c", "e", "-", "-", "1"],
        );
        check(Dialect::MySql, "/*/ a */ b", &["b"]);
        check(Dialect::MySql, "/*+ hint */ /*M! 1 */ b", &["b"]);
        check(Dialect::Postgres, "a -- b\rc", &["a", "c"]);
        check(Dialect::Sqlite, "a -- b\rc\r\nd", &["a", "d"]);
    }

    #[test]
    fn comments_that_the_server_executes_are_one_token() {
        let one = "/*!50001 SET a = '*/', `*/` = 1 /* b */ -- */\n */";
        assert_eq!(kind(Dialect::MySql, one), TokenKind::ExecutableComment);
        assert_eq!(
            kind(Dialect::MariaDb, "/*M!100000 a; b */"),
            TokenKind::ExecutableComment
        );
        check(
            Dialect::MySql,
            "/*!40101 a */; b",
            &["/*!40101 a */", ";", "b"],
        );
    }

    #[test]
    fn operators_of_their_own_making() {
        check(
            Dialect::Postgres,
            "a->>'b'#>c@>d?|e??f",
            &[
                "a", "->>", "'b'", "#>", "c", "@>", "d", "?|", "e", "??", "f",
            ],
        );
        check(Dialect::Postgres, "a*-1", &["a", "*", "-", "1"]);
        check(Dialect::Postgres, "a@-1", &["a", "@-", "1"]);
        check(Dialect::Postgres, "a<-+-1", &["a", "<", "-", "+", "-", "1"]);
        check(Dialect::Postgres, "a+--b\nc", &["a", "+", "c"]);
        check(Dialect::Postgres, "a*/*b*/c", &["a", "*", "c"]);
        check(
            Dialect::Postgres,
            "a::b:=c..d=>e[1:2]",
            &[
                "a", "::", "b", ":=", "c", "..", "d", "=>", "e", "[", "1", ":", "2", "]",
            ],
        );
        check(
            Dialect::Postgres,
            "a<>b!=c<=d>=e",
            &["a", "<>", "b", "!=", "c", "<=", "d", ">=", "e"],
        );
        check(Dialect::Postgres, "`", &["`"]);
    }

    #[test]
    fn operators_from_a_list() {
        check(
            Dialect::Sqlite,
            "a->>b->c==d<>e||f<<g",
            &[
                "a", "->>", "b", "->", "c", "==", "d", "<>", "e", "||", "f", "<<", "g",
            ],
        );
        check(
            Dialect::MySql,
            "a<=>b:=c->>d||e&&f!=g",
            &[
                "a", "<=>", "b", ":=", "c", "->>", "d", "||", "e", "&&", "f", "!=", "g",
            ],
        );
        check(Dialect::MySql, "a\0b\u{1}", &["a", "\0", "b", "\u{1}"]);
    }

    #[test]
    fn names() {
        assert_eq!(kind(Dialect::Postgres, r#""a""b;""#), TokenKind::QuotedName);
        for sql in ["\"a;\"", "`a``;`", "[a;\"b]"] {
            assert_eq!(kind(Dialect::Sqlite, sql), TokenKind::QuotedName);
        }
        check(Dialect::Sqlite, "[a]]", &["[a]", "]"]);
        check(Dialect::MySql, "`a;``b`.c", &["`a;``b`", ".", "c"]);
        for dialect in Dialect::ALL {
            assert_eq!(kind(dialect, "größe_$1"), TokenKind::Word);
            assert_eq!(kind(dialect, "名前"), TokenKind::Word);
        }
    }

    #[test]
    fn numbers() {
        for sql in ["1", "1.5e-3", ".5", "0x1F", "1E+5", "12.", "1.5"] {
            for dialect in Dialect::ALL {
                assert_eq!(kind(dialect, sql), TokenKind::Number, "{sql}");
            }
        }
        for sql in ["1_000", "0b01", "0o17", "0x_ff", "1_0.5_0e1_0"] {
            assert_eq!(kind(Dialect::Postgres, sql), TokenKind::Number, "{sql}");
        }
        check(Dialect::Postgres, "1..2", &["1", "..", "2"]);
        check(
            Dialect::Postgres,
            "1a 1e 1_",
            &["1", "a", "1", "e", "1", "_"],
        );
        check(Dialect::MariaDb, "1..2", &["1", "..", "2"]);
    }

    #[test]
    fn words_may_begin_with_a_digit() {
        for sql in ["2fa", "1e", "0xg", "1_000", "1e5x", "0b2"] {
            assert_eq!(kind(Dialect::MySql, sql), TokenKind::Word, "{sql}");
        }
        check(Dialect::MySql, "t.1e5 1e5", &["t", ".", "1e5", "1e5"]);
        check(
            Dialect::MySql,
            "t.2fa.x 1.5",
            &["t", ".", "2fa", ".", "x", "1.5"],
        );
        check(Dialect::MySql, "1e-5-e", &["1e-5", "-", "e"]);
    }

    #[test]
    fn parameters() {
        for sql in ["?", "?12", ":a", "@a", "$a"] {
            assert_eq!(kind(Dialect::Sqlite, sql), TokenKind::Parameter);
        }
        for sql in ["?", "@a.b$c", "@@global.x", "@'a b'", "@\"a\"", "@`a b`"] {
            assert_eq!(kind(Dialect::MySql, sql), TokenKind::Parameter);
        }
        check(Dialect::MySql, "'u'@'h' a@b", &["'u'", "@'h'", "a", "@b"]);
        check(Dialect::Sqlite, "a: b", &["a", ":", "b"]);
    }

    #[test]
    fn commands_of_client_programs() {
        check(
            Dialect::Postgres,
            "\\connect x; y\na;",
            &["\\connect x; y", "a", ";"],
        );
        check(
            Dialect::Postgres,
            "SELECT 1 \\gexec\nb",
            &["SELECT", "1", "\\gexec", "b"],
        );
        check(
            Dialect::Sqlite,
            "a;\n .read x\nb",
            &["a", ";", ".read x", "b"],
        );
        check(Dialect::Sqlite, "a\n.b", &["a", ".", "b"]);
        check(
            Dialect::MySql,
            "source a.sql\nSELECT\nsource",
            &["source a.sql", "SELECT", "source"],
        );
        check(Dialect::MySql, "a\\G b\\N", &["a", "\\G", "b", "\\N"]);
        check(
            Dialect::MySql,
            "delimiter //\na; b//\nDELIMITER ;\nc",
            &["delimiter //\na; b//\nDELIMITER ;", "c"],
        );
        check(
            Dialect::MySql,
            "DELIMITER $$\na;",
            &["DELIMITER $$", "a", ";"],
        );
    }

    #[test]
    fn copied_rows_are_no_sql() {
        check(
            Dialect::Postgres,
            "COPY t (a) FROM stdin;\nit's\t$$\n\\N\n\\.\nb;",
            &[
                "COPY",
                "t",
                "(",
                "a",
                ")",
                "FROM",
                "stdin",
                ";\nit's\t$$\n\\N\n\\.",
                "b",
                ";",
            ],
        );
        check(
            Dialect::Postgres,
            "COPY t FROM stdin;\n1\n\\.\na;\nCOPY t FROM stdin;\n2\n\\.\n",
            &[
                "COPY",
                "t",
                "FROM",
                "stdin",
                ";\n1\n\\.",
                "a",
                ";",
                "COPY",
                "t",
                "FROM",
                "stdin",
                ";\n2\n\\.",
            ],
        );
        check(
            Dialect::Postgres,
            "COPY t FROM stdin;\na;",
            &["COPY", "t", "FROM", "stdin", ";", "a", ";"],
        );
        check(
            Dialect::Postgres,
            "COPY t FROM 'f';\na\n\\.",
            &["COPY", "t", "FROM", "'f'", ";", "a", "\\."],
        );
    }

    #[test]
    fn a_byte_order_mark_and_line_ends_are_blank() {
        for dialect in Dialect::ALL {
            check(dialect, "\u{feff}\r\na\r\n -- b\r\n\t;\r\n", &["a", ";"]);
        }
    }

    #[test]
    fn what_does_not_end_is_a_fault_and_points_at_its_opener() {
        let check = |dialect, sql, open, opener| {
            let lexed = lex(sql, dialect);
            let faults: Vec<_> = lexed
                .faults
                .iter()
                .map(|f| (f.open, f.span.of(sql)))
                .collect();
            assert_eq!(faults, [(open, opener)], "{sql}");
        };
        check(Dialect::Postgres, "a 'b", Open::String, "'");
        check(Dialect::Postgres, r"a E'b\'", Open::String, "E'");
        check(Dialect::Postgres, "a \"b", Open::QuotedName, "\"");
        check(Dialect::Postgres, "a U&\"b", Open::QuotedName, "U&\"");
        check(Dialect::Postgres, "a /* /* */", Open::BlockComment, "/*");
        check(Dialect::Postgres, "a $f$ $$", Open::DollarString, "$f$");
        check(Dialect::Sqlite, "a [b", Open::QuotedName, "[");
        check(Dialect::MySql, "a _utf8'b", Open::String, "_utf8'");
        check(Dialect::MySql, "a /*! 'b */", Open::BlockComment, "/*!");
        check(Dialect::MySql, "a /* b", Open::BlockComment, "/*");
    }

    #[test]
    fn faults_and_nul_become_errors_with_what_to_write() {
        let diagnose = |sql: &'static str| {
            let source = Source::new("m.sql", sql);
            let found = diagnose(&source, &lex(sql, Dialect::Postgres));
            found
                .into_iter()
                .map(|d| (d.code, d.help))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            diagnose("$f$ a"),
            [(
                "unterminated-dollar-quote",
                "Close it where it ends:\n$f$".to_owned()
            )]
        );
        assert_eq!(
            diagnose("E'a"),
            [(
                "unterminated-string",
                "Close it where it ends; a quote inside is doubled: `''`.".to_owned()
            )]
        );
        assert_eq!(diagnose("a\0")[0].0, "nul-character");
        assert_eq!(diagnose("a"), []);
    }
}
