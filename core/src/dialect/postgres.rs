//! PostgreSQL.

use super::phrase::Phrase;
use super::{Bodies, Client, Grammar, Outside, When};

pub(super) static GRAMMAR: Grammar = Grammar {
    name_quotes: &[(b'"', b'"')],
    string_quotes: b"'",
    string_prefixes: &["E", "U&", "N", "B", "X"],
    escaping_prefixes: &["E"],
    name_prefixes: &["U&"],
    charset_introducers: false,
    backslash_escapes: false,
    dollar_quotes: true,
    nested_comments: true,
    hash_comments: false,
    dashes_need_blank: false,
    return_ends_line: true,
    end_closes_comment: false,
    executable_comments: &[],
    digits_begin_words: false,
    dollar_begins_words: false,
    number_prefixes: &[
        ("0X", u8::is_ascii_hexdigit),
        ("0O", is_octal_digit),
        ("0B", is_binary_digit),
    ],
    digit_underscores: true,
    parameter_signs: b"",
    question_parameters: false,
    dollar_parameters: true,
    quoted_variables: false,
    operators: &["::", ":=", ".."],
    operator_signs: b"+-*/<>=~!@#%^&|`?",
    client: Client {
        backslash: true,
        short: &[],
        words: &[],
        dot_lines: false,
        line_words: &[],
        delimiter: None,
        copy_rows: true,
        variables: true,
    },
    bodies: Bodies::Flat {
        head: Phrase("CREATE [OR] [REPLACE] FUNCTION|PROCEDURE"),
        opener: Phrase("BEGIN ATOMIC"),
        parenthesised: Some(Phrase("CREATE [OR] [REPLACE] RULE")),
    },
    transaction_control: &[
        Phrase("BEGIN"),
        Phrase("START TRANSACTION"),
        Phrase("COMMIT"),
        Phrase("END"),
        Phrase("ROLLBACK"),
        Phrase("ABORT"),
        Phrase("SAVEPOINT"),
        Phrase("RELEASE"),
        Phrase("PREPARE TRANSACTION"),
        Phrase("SET [LOCAL|SESSION] TRANSACTION"),
    ],
    transaction_settings: &[],
    outside_transactions: &[
        always("CREATE [UNIQUE] INDEX CONCURRENTLY"),
        always("DROP INDEX CONCURRENTLY"),
        always("REINDEX () DATABASE|SCHEMA|SYSTEM"),
        always("REINDEX () INDEX|TABLE CONCURRENTLY"),
        Outside {
            phrase: Phrase("REINDEX ()"),
            when: When::IfOn("CONCURRENTLY"),
        },
        Outside {
            phrase: Phrase("CLUSTER [VERBOSE] ()"),
            when: When::Alone,
        },
        always("VACUUM"),
        always("ALTER TABLE … DETACH PARTITION … CONCURRENTLY"),
        always("CREATE DATABASE"),
        always("DROP DATABASE"),
        always("ALTER DATABASE * SET TABLESPACE"),
        always("CREATE TABLESPACE"),
        always("DROP TABLESPACE"),
        always("ALTER SYSTEM"),
        Outside {
            phrase: Phrase("CREATE SUBSCRIPTION"),
            when: When::UnlessOff(&["CONNECT", "CREATE_SLOT"]),
        },
        Outside {
            phrase: Phrase("DROP SUBSCRIPTION"),
            when: When::Perhaps("the subscription has a replication slot"),
        },
        always("ALTER SUBSCRIPTION * REFRESH PUBLICATION"),
        Outside {
            phrase: Phrase("ALTER SUBSCRIPTION * SET|ADD|DROP PUBLICATION"),
            when: When::UnlessOff(&["REFRESH"]),
        },
        always("DISCARD ALL"),
        always("COMMIT PREPARED"),
        always("ROLLBACK PREPARED"),
        Outside {
            phrase: Phrase("REPACK ()"),
            when: When::IfOn("CONCURRENTLY"),
        },
        Outside {
            phrase: Phrase("REPACK ()"),
            when: When::Alone,
        },
    ],
    pragmas_outside_transactions: &[],
    implicit_commits: &[],
    without_commit: &[],
};

const fn always(phrase: &'static str) -> Outside {
    Outside {
        phrase: Phrase(phrase),
        when: When::Always,
    }
}

fn is_octal_digit(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

fn is_binary_digit(byte: &u8) -> bool {
    matches!(byte, b'0' | b'1')
}
