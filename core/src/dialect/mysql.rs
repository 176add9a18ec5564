//! MySQL and MariaDB, which differ here in a few answers only.

use super::phrase::Phrase;
use super::{Bodies, Client, Grammar};

pub(super) static MYSQL: Grammar = Grammar {
    // JavaScript bodies, since 9.0.
    dollar_quotes: true,
    ..SHARED
};

pub(super) static MARIADB: Grammar = Grammar {
    executable_comments: &["/*!", "/*M!"],
    bodies: Bodies::Nested { anywhere: true },
    ..SHARED
};

const SHARED: Grammar = Grammar {
    name_quotes: &[(b'`', b'`')],
    // With the mode ANSI_QUOTES the double quote quotes names, which the text cannot tell.
    string_quotes: b"'\"",
    string_prefixes: &["N", "X", "B"],
    escaping_prefixes: &[],
    name_prefixes: &[],
    charset_introducers: true,
    backslash_escapes: true,
    dollar_quotes: false,
    nested_comments: false,
    hash_comments: true,
    dashes_need_blank: true,
    return_ends_line: false,
    end_closes_comment: false,
    executable_comments: &["/*!"],
    digits_begin_words: true,
    dollar_begins_words: true,
    number_prefixes: &[("0X", u8::is_ascii_hexdigit), ("0B", is_binary_digit)],
    digit_underscores: false,
    parameter_signs: b"@",
    question_parameters: true,
    dollar_parameters: false,
    quoted_variables: true,
    operators: &[
        "<=>", "->>", "->", "<<", ">>", "<=", ">=", "<>", "!=", ":=", "||", "&&", "..",
    ],
    operator_signs: b"",
    client: Client {
        backslash: true,
        short: &["\\G", "\\g"],
        words: &["\\N"],
        dot_lines: false,
        line_words: &[
            "CONNECT",
            "DELIMITER",
            "PAGER",
            "PROMPT",
            "QUIT",
            "SOURCE",
            "SYSTEM",
            "TEE",
        ],
        delimiter: Some("DELIMITER"),
        copy_rows: false,
        variables: false,
    },
    bodies: Bodies::Nested { anywhere: false },
    transaction_control: &[
        Phrase("BEGIN"),
        Phrase("START TRANSACTION"),
        Phrase("COMMIT"),
        Phrase("ROLLBACK"),
        Phrase("SAVEPOINT"),
        Phrase("RELEASE SAVEPOINT"),
        Phrase("SET TRANSACTION"),
        Phrase("XA"),
        Phrase("LOCK TABLE|TABLES"),
        Phrase("UNLOCK TABLE|TABLES"),
    ],
    transaction_settings: &["AUTOCOMMIT"],
    outside_transactions: &[],
    pragmas_outside_transactions: &[],
    implicit_commits: &[
        Phrase("CREATE"),
        Phrase("ALTER"),
        Phrase("DROP"),
        Phrase("RENAME"),
        Phrase("TRUNCATE"),
        Phrase("GRANT"),
        Phrase("REVOKE"),
        Phrase("SET PASSWORD"),
        Phrase("SET DEFAULT ROLE"),
        Phrase("BACKUP STAGE"),
        Phrase("ANALYZE [NO_WRITE_TO_BINLOG|LOCAL] TABLE|TABLES"),
        Phrase("OPTIMIZE"),
        Phrase("CHECK TABLE|TABLES"),
        Phrase("REPAIR"),
        Phrase("FLUSH"),
        Phrase("RESET"),
        Phrase("CACHE INDEX"),
        Phrase("LOAD INDEX"),
        Phrase("IMPORT TABLE"),
        Phrase("LOCK TABLE|TABLES"),
        Phrase("UNLOCK TABLE|TABLES"),
        Phrase("BEGIN"),
        Phrase("START TRANSACTION|SLAVE|REPLICA|ALL"),
        Phrase("STOP SLAVE|REPLICA|ALL"),
        Phrase("CHANGE MASTER|REPLICATION"),
        Phrase("COMMIT"),
        Phrase("INSTALL"),
        Phrase("UNINSTALL"),
    ],
    without_commit: &[
        Phrase("CREATE [OR] [REPLACE] TEMPORARY TABLE"),
        Phrase("DROP TEMPORARY TABLE|TABLES"),
        Phrase("DROP PREPARE"),
        Phrase("RESET PERSIST"),
        Phrase("BEGIN NOT ATOMIC"),
    ],
};

fn is_binary_digit(byte: &u8) -> bool {
    matches!(byte, b'0' | b'1')
}
