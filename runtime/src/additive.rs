//! Whether the release before a migration still works after it, as far as the statements tell.
//!
//! They are read by their words alone. What is known to only add, adds; everything else counts as
//! not compatible, and the file can say otherwise by `@phase`.

use backstitch_core::lex;
use backstitch_core::migration::Script;
use backstitch_core::statement::Statement;
use backstitch_core::{Dialect, Migration};

use crate::words::Words;

/// Whether the UP only adds what a program that does not know of it does not notice.
pub(crate) fn is_additive(migration: &Migration, dialect: Dialect) -> bool {
    let Script {
        source, statements, ..
    } = &migration.up;
    let add = |one: &Statement| adds(one.span.of(source.text()), dialect);
    // Nobody knows what a function does.
    migration.step.is_none() && statements.iter().all(add)
}

fn adds(sql: &str, dialect: Dialect) -> bool {
    let tokens = lex::lex(sql, dialect).tokens;
    let lexemes = lex::lexemes(sql, &tokens);
    let mut words = Words::of(&lexemes);
    match words.word().to_ascii_uppercase().as_str() {
        "CREATE" => creates(&mut words),
        "ALTER" if words.skip("TABLE") => {
            words.skip_existence();
            words.skip("ONLY");
            words.name().is_some() && words.actions().iter_mut().all(adds_column)
        }
        "COMMENT" | "ANALYZE" | "ANALYSE" | "GRANT" => true,
        _ => false,
    }
}

/// Not a unique index, which forbids rows, nor a trigger, which does something to them, nor what
/// replaces.
fn creates(words: &mut Words<'_>) -> bool {
    const NEW: [&str; 9] = [
        "TABLE",
        "INDEX",
        "VIEW",
        "MATERIALIZED",
        "SEQUENCE",
        "SCHEMA",
        "TYPE",
        "DOMAIN",
        "EXTENSION",
    ];
    if words.skip("OR") {
        return false;
    }
    while ["UNLOGGED", "FULLTEXT", "SPATIAL"]
        .iter()
        .any(|one| words.skip(one))
    {}
    NEW.iter().any(|kind| words.skip(kind))
}

/// A column that nobody need fill, and that forbids nothing.
fn adds_column(words: &mut Words<'_>) -> bool {
    const OTHERS: [&str; 13] = [
        "CONSTRAINT",
        "PRIMARY",
        "UNIQUE",
        "FOREIGN",
        "CHECK",
        "EXCLUDE",
        "INDEX",
        "KEY",
        "FULLTEXT",
        "SPATIAL",
        "PARTITION",
        "PERIOD",
        "SYSTEM",
    ];
    const FORBIDDING: [&str; 6] = [
        "PRIMARY",
        "UNIQUE",
        "CHECK",
        "REFERENCES",
        "CONSTRAINT",
        "AUTO_INCREMENT",
    ];
    if !words.skip("ADD") || OTHERS.iter().any(|other| words.next_is(other)) {
        return false;
    }
    words.skip("COLUMN");
    words.skip_existence();
    if words.name().is_none() {
        return false;
    }
    let must_be_filled = words.has("NOT") && !words.has("DEFAULT");
    !must_be_filled && !FORBIDDING.iter().any(|word| words.has(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_adds_is_known() {
        for sql in [
            "CREATE TABLE a (id integer PRIMARY KEY)",
            "create table if not exists a (id integer)",
            "CREATE INDEX CONCURRENTLY i ON a (b)",
            "CREATE TYPE mood AS ENUM ('good')",
            "ALTER TABLE a ADD COLUMN b text",
            "ALTER TABLE a ADD b numeric(4, 2) NOT NULL DEFAULT 0, ADD COLUMN c integer NULL",
            "COMMENT ON TABLE a IS 'x'",
        ] {
            assert!(adds(sql, Dialect::Postgres), "{sql}");
        }
    }

    #[test]
    fn what_may_be_noticed_is_not() {
        for sql in [
            "DROP TABLE a",
            "CREATE UNIQUE INDEX i ON a (b)",
            "CREATE OR REPLACE VIEW v AS SELECT 1",
            "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f()",
            "ALTER TABLE a ADD COLUMN b text NOT NULL",
            "ALTER TABLE a ADD CHECK (b > 0)",
            "ALTER TABLE a ADD CONSTRAINT c UNIQUE (b)",
            "ALTER TABLE a ADD b integer REFERENCES c",
            "ALTER TABLE a ADD b integer, DROP c",
            "ALTER TABLE a RENAME TO b",
            "ALTER TYPE mood ADD VALUE 'bad'",
            "INSERT INTO a VALUES (1)",
            "UPDATE a SET b = 1",
            "DO $$ BEGIN END $$",
        ] {
            assert!(!adds(sql, Dialect::Postgres), "{sql}");
        }
    }
}
