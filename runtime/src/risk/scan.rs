//! What statements take away, by their words: no grammar, no database.
//!
//! It is made for the statements that DOWNs consist of. What it does not know it says so about.

use std::collections::BTreeMap;

use backstitch_core::Dialect;
use backstitch_core::lex::{self, TokenKind};

use crate::words::{Name, Words};

/// Something that a statement takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// A table.
    Table(Name),
    /// A column of a table.
    Column(Name, Name),
    /// All rows of a table.
    AllRows(Name),
    /// Some rows of a table.
    Rows(Name),
    /// Values in a table.
    Values(Name),
    /// The columns of a table that are not among these, which take its place; `None` where that
    /// is not all that is left out.
    Rebuilt(Name, Option<Vec<String>>),
    /// What does not fit into the new type of a column.
    Retyped(Name),
    /// An object and what depends on it.
    Dependents(String),
    /// Nobody knows: the beginning of the statement.
    Unclear(String),
}

/// What the statements take away, in order. What one of them has made itself is no loss.
pub(super) fn losses<'s>(statements: impl Iterator<Item = &'s str>, dialect: Dialect) -> Vec<Loss> {
    let mut scan = Scan {
        // Where DDL cannot be taken back a schema is a database, and goes with all that is in it.
        schemas_hold_on: dialect.has_transactional_ddl(),
        ..Scan::default()
    };
    for sql in statements {
        let tokens = lex::lex(sql, dialect).tokens;
        let lexemes = lex::lexemes(sql, &tokens);
        scan.statement(&mut Words::of(&lexemes), sql);
    }
    scan.losses
}

#[derive(Default)]
struct Scan {
    losses: Vec<Loss>,
    /// Tables that these statements have made, with their columns.
    made: BTreeMap<String, Vec<String>>,
    /// Tables that were copied into one of those, with the columns of that one where nothing else
    /// was left out.
    copied: BTreeMap<String, Option<Vec<String>>>,
    /// Whether a schema is dropped only when it is empty, unless told otherwise.
    schemas_hold_on: bool,
}

impl Scan {
    fn statement(&mut self, words: &mut Words<'_>, sql: &str) {
        let whole = words.clone();
        let understood = match words.word().to_ascii_uppercase().as_str() {
            "CREATE" => {
                self.create(words);
                Some(())
            }
            "DROP" => self.drop(words),
            "ALTER" => self.alter(words),
            "TRUNCATE" => self.truncate(words),
            "DELETE" if whole.has("WHERE") => self.of_table(words, "FROM", Loss::Rows),
            "DELETE" => self.of_table(words, "FROM", Loss::AllRows),
            "UPDATE" => self.of_table(words, "ONLY", Loss::Values),
            "REPLACE" => self.of_table(words, "INTO", Loss::Values),
            "INSERT" => {
                self.insert(words, &whole);
                Some(())
            }
            "SELECT" | "WITH" if !calls_or_writes(&whole) => Some(()),
            "SET" | "RESET" | "COMMENT" | "GRANT" | "REVOKE" | "ANALYZE" | "ANALYSE"
            | "REINDEX" | "VACUUM" | "PRAGMA" | "REFRESH" | "LOCK" | "CLUSTER" | "RENAME"
            | "UNLOCK" => Some(()),
            _ => None,
        };
        if understood.is_none() {
            self.losses.push(Loss::Unclear(beginning(sql)));
        }
    }

    fn lose(&mut self, table: Name, loss: impl FnOnce(Name) -> Loss) {
        if !self.made.contains_key(&table.key()) {
            self.losses.push(loss(table));
        }
    }

    fn create(&mut self, words: &mut Words<'_>) {
        while ["TEMP", "TEMPORARY", "UNLOGGED", "GLOBAL", "LOCAL"]
            .iter()
            .any(|one| words.skip(one))
        {}
        if words.skip("TABLE") {
            words.skip_existence();
            if let Some(name) = words.name() {
                self.made.insert(name.key(), words.columns());
            }
        }
    }

    fn drop(&mut self, words: &mut Words<'_>) -> Option<()> {
        let cascades = words.has("CASCADE");
        words.skip("TEMPORARY");
        if words.skip("TABLE") || words.skip("TABLES") {
            words.skip_existence();
            loop {
                let table = words.name()?;
                let key = table.key();
                match self.copied.get(&key).cloned() {
                    Some(columns) => self.lose(table, |table| Loss::Rebuilt(table, columns)),
                    None => self.lose(table, Loss::Table),
                }
                if !words.skip_sign(",") {
                    break;
                }
            }
            return Some(());
        }
        let kind = words.word().to_ascii_uppercase();
        match kind.as_str() {
            // What is computed, and what only forbids or finds.
            "VIEW" | "INDEX" | "TRIGGER" | "FUNCTION" | "PROCEDURE" | "AGGREGATE" | "RULE"
            | "POLICY" | "STATISTICS" | "OPERATOR" | "CAST" | "EVENT" | "COLLATION" | "TEXT"
            | "MATERIALIZED" | "PUBLICATION" | "SUBSCRIPTION" | "ROUTINE" | "CONVERSION"
                if !cascades =>
            {
                Some(())
            }
            "SEQUENCE" | "TYPE" | "DOMAIN" if !cascades => Some(()),
            "SCHEMA" if !cascades && self.schemas_hold_on => Some(()),
            "ROLE" | "USER" | "SERVER" | "FOREIGN" | "DATABASE" | "TABLESPACE" | "" => None,
            _ => {
                words.skip_existence();
                let name = words
                    .name()
                    .map_or(String::new(), |name| format!(" {}", name.shown()));
                let what = format!("{}{name}", kind.to_ascii_lowercase());
                self.losses.push(Loss::Dependents(what));
                Some(())
            }
        }
    }

    fn truncate(&mut self, words: &mut Words<'_>) -> Option<()> {
        words.skip("TABLE");
        loop {
            words.skip("ONLY");
            let table = words.name()?;
            self.lose(table, Loss::AllRows);
            if !words.skip_sign(",") {
                return Some(());
            }
        }
    }

    fn of_table(
        &mut self,
        words: &mut Words<'_>,
        before: &str,
        loss: fn(Name) -> Loss,
    ) -> Option<()> {
        for word in ["LOW_PRIORITY", "QUICK", "IGNORE", before, "ONLY"] {
            words.skip(word);
        }
        let table = words.name()?;
        self.lose(table, loss);
        Some(())
    }

    /// An insert adds; where it copies, what it copies is not lost with its table.
    fn insert(&mut self, words: &mut Words<'_>, whole: &Words<'_>) {
        if words.skip("OR") && words.skip("REPLACE")
            || whole.has("CONFLICT")
            || whole.has("DUPLICATE")
        {
            words.skip("INTO");
            if let Some(table) = words.name() {
                self.lose(table, Loss::Values);
            }
            return;
        }
        words.skip("INTO");
        let into = words.name().map(|name| name.key());
        let Some(columns) = into.and_then(|into| self.made.get(&into)).cloned() else {
            return;
        };
        let others = [
            "WHERE",
            "JOIN",
            "LIMIT",
            "DISTINCT",
            "GROUP",
            "HAVING",
            "EXCEPT",
            "INTERSECT",
        ];
        let is_all = !others.iter().any(|other| whole.has(other));
        while !words.is_empty() {
            if words.skip("FROM") || words.skip("JOIN") {
                let kept = is_all.then(|| columns.clone());
                self.copied
                    .extend(words.name().map(|name| (name.key(), kept)));
            } else {
                words.advance();
            }
        }
    }

    fn alter(&mut self, words: &mut Words<'_>) -> Option<()> {
        if !words.skip("TABLE") {
            // Other objects hold no rows, but for those that belong to the whole server.
            let kind = words.word().to_ascii_uppercase();
            return match kind.as_str() {
                "DATABASE" | "ROLE" | "USER" | "SYSTEM" | "SERVER" | "TABLESPACE" | "FOREIGN"
                | "" => None,
                _ => Some(()),
            };
        }
        words.skip_existence();
        words.skip("ONLY");
        let table = words.name()?;
        words.skip_sign("*");
        for mut action in words.actions() {
            self.action(&table, &mut action)?;
        }
        Some(())
    }

    fn action(&mut self, table: &Name, words: &mut Words<'_>) -> Option<()> {
        match words.word().to_ascii_uppercase().as_str() {
            "DROP" => {
                const OTHERS: [&str; 8] = [
                    "CONSTRAINT",
                    "INDEX",
                    "KEY",
                    "PRIMARY",
                    "FOREIGN",
                    "CHECK",
                    "SYSTEM",
                    "PERIOD",
                ];
                if OTHERS.iter().any(|other| words.skip(other)) {
                    return Some(());
                }
                if words.skip("PARTITION") {
                    self.lose(table.clone(), Loss::AllRows);
                    return Some(());
                }
                words.skip("COLUMN");
                words.skip_existence();
                let column = words.name()?;
                self.lose(table.clone(), |table| Loss::Column(table, column));
                Some(())
            }
            "ALTER" => {
                if words.has("TYPE") {
                    self.lose(table.clone(), Loss::Retyped);
                }
                Some(())
            }
            "MODIFY" | "CHANGE" | "CONVERT" => {
                self.lose(table.clone(), Loss::Retyped);
                Some(())
            }
            "TRUNCATE" | "EXCHANGE" | "DISCARD" => {
                self.lose(table.clone(), Loss::AllRows);
                Some(())
            }
            "RENAME" => {
                // The new name is that of a table which these statements have at hand.
                words.skip("AS");
                if words.skip("TO")
                    && let Some(name) = words.name()
                {
                    let columns = self.made.remove(&table.key());
                    self.made
                        .extend(columns.map(|columns| (name.key(), columns)));
                }
                Some(())
            }
            "ADD" | "SET" | "RESET" | "ENABLE" | "DISABLE" | "VALIDATE" | "OWNER" | "ATTACH"
            | "DETACH" | "CLUSTER" | "REPLICA" | "FORCE" | "NO" | "INHERIT" | "NOT" | "OF"
            | "ENGINE" | "COMMENT" | "AUTO_INCREMENT" | "DEFAULT" | "CHARACTER" | "COLLATE"
            | "ALGORITHM" | "LOCK" | "ORDER" | "ROW_FORMAT" | "REORGANIZE" | "COALESCE"
            | "PARTITION" | "REMOVE" | "ANALYZE" | "REBUILD" | "OPTIMIZE" | "CHARSET" | "WITH"
            | "WITHOUT" | "EXPRESSION" => Some(()),
            _ => None,
        }
    }
}

/// Whether a query does more than read, as far as its words tell: it calls functions other than
/// those everybody knows, or has a statement inside.
fn calls_or_writes(words: &Words<'_>) -> bool {
    const HARMLESS: [&str; 12] = [
        "count",
        "min",
        "max",
        "sum",
        "coalesce",
        "set_config",
        "setval",
        "nextval",
        "exists",
        "in",
        "values",
        "select",
    ];
    let writes = ["INSERT", "UPDATE", "DELETE", "INTO", "MERGE"];
    if writes.iter().any(|word| words.has(word)) {
        return true;
    }
    words.lexemes.windows(2).any(|pair| {
        pair[1].kind == TokenKind::Open
            && matches!(pair[0].kind, TokenKind::Word | TokenKind::QuotedName)
            && !HARMLESS.iter().any(|name| pair[0].is(name))
    })
}

/// A statement on one short line.
fn beginning(sql: &str) -> String {
    const LONGEST: usize = 60;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(down: &[&str], expected: &[&str]) {
        let found = losses(down.iter().copied(), Dialect::Postgres);
        let found: Vec<String> = found
            .into_iter()
            .map(|loss| match loss {
                Loss::Table(table) => format!("table {}", table.shown()),
                Loss::Column(table, column) => format!("column {} {}", table.sql, column.sql),
                Loss::AllRows(table) => format!("all rows {}", table.shown()),
                Loss::Rows(table) => format!("rows {}", table.shown()),
                Loss::Values(table) => format!("values {}", table.shown()),
                Loss::Rebuilt(table, Some(columns)) => {
                    format!("rebuilt {} {}", table.shown(), columns.join(" "))
                }
                Loss::Rebuilt(table, None) => format!("rebuilt {} in part", table.shown()),
                Loss::Retyped(table) => format!("retyped {}", table.shown()),
                Loss::Dependents(what) => format!("dependents {what}"),
                Loss::Unclear(what) => format!("unclear {what}"),
            })
            .collect();
        assert_eq!(found, expected, "{down:?}");
    }

    #[test]
    fn tables_and_columns_are_found() {
        check(&["DROP TABLE a"], &["table a"]);
        check(
            &["drop table if exists app.\"B c\", d cascade"],
            &["table app.B c", "table d"],
        );
        check(&["ALTER TABLE a DROP COLUMN b"], &["column a b"]);
        check(
            &[
                "ALTER TABLE IF EXISTS ONLY s.a DROP IF EXISTS \"B\" CASCADE, ADD c numeric(4, 2), DROP d",
            ],
            &["column s.a \"B\"", "column s.a d"],
        );
        check(&["ALTER TABLE a DROP CONSTRAINT x, DROP PRIMARY KEY"], &[]);
    }

    #[test]
    fn what_holds_no_rows_is_no_loss() {
        check(
            &[
                "DROP INDEX CONCURRENTLY IF EXISTS i",
                "DROP VIEW v",
                "DROP FUNCTION f(integer)",
                "DROP TRIGGER t ON a",
                "DROP TYPE mood",
                "CREATE INDEX i ON a (b)",
                "ALTER TABLE a RENAME TO b",
                "ALTER TABLE a ALTER COLUMN b SET DEFAULT 1",
                "ALTER SEQUENCE s OWNED BY NONE",
                "INSERT INTO a VALUES (1)",
                "SELECT setval('s', max(id)) FROM a",
            ],
            &[],
        );
    }

    #[test]
    fn changes_of_rows_are_found() {
        check(&["DELETE FROM a WHERE b = 1"], &["rows a"]);
        check(&["DELETE FROM a"], &["all rows a"]);
        check(&["TRUNCATE TABLE a, b"], &["all rows a", "all rows b"]);
        check(&["UPDATE a SET b = 1"], &["values a"]);
        check(
            &["INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET b = 1"],
            &["values a"],
        );
        check(
            &["ALTER TABLE a ALTER COLUMN b TYPE integer"],
            &["retyped a"],
        );
        check(&["ALTER TABLE a MODIFY b INT"], &["retyped a"]);
    }

    #[test]
    fn a_rebuild_keeps_what_it_copies() {
        check(
            &[
                "CREATE TABLE new (id integer, \"N\" numeric(4, 2), PRIMARY KEY (id))",
                "INSERT INTO new (id) SELECT id FROM old",
                "DROP TABLE old",
                "ALTER TABLE new RENAME TO old",
                "DROP TABLE old",
            ],
            &["rebuilt old id n primary"],
        );
        check(
            &[
                "CREATE TABLE new (id integer)",
                "INSERT INTO new (id) SELECT id FROM old WHERE id > 1",
                "DROP TABLE old",
            ],
            &["rebuilt old in part"],
        );
        check(&["CREATE TEMP TABLE t (id integer)", "DROP TABLE t"], &[]);
        check(
            &[
                "CREATE TABLE new (id integer)",
                "DROP TABLE old",
                "ALTER TABLE new RENAME TO old",
            ],
            &["table old"],
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        check(&["DO $$ BEGIN END $$"], &["unclear DO $$ BEGIN END $$"]);
        check(&["SELECT drop_all()"], &["unclear SELECT drop_all()"]);
        check(
            &["WITH g AS (DELETE FROM a RETURNING id) SELECT id FROM g"],
            &["unclear WITH g AS (DELETE FROM a RETURNING id) SELECT id FROM g"],
        );
        check(&["DROP ROLE app"], &["unclear DROP ROLE app"]);
        check(&["DROP TYPE mood CASCADE"], &["dependents type mood"]);
        check(&["DROP SCHEMA app CASCADE"], &["dependents schema app"]);
        check(&["DROP EXTENSION citext"], &["dependents extension citext"]);
        check(
            &["ALTER TABLE a FROBNICATE b"],
            &["unclear ALTER TABLE a FROBNICATE b"],
        );
    }
}
