//! A `CREATE` statement of `sqlite_schema`, taken apart by its tokens.
//!
//! SQLite accepted the statement before it kept it, so whatever is not understood here is a part of
//! the text that counts as it is; nothing is refused.

mod tokens;

use std::collections::BTreeMap;

use backstitch_core::lex::{self, Lexeme, TokenKind};
use sqlx::Sqlite;

use self::tokens::{clauses, closing, items, literal, name_of, normal, quoted, step, take_name};
use crate::engine::Driver;
use crate::testing::catalogue::{Attributes, POSITION};

/// A statement as its tokens.
pub(super) struct Definition<'t> {
    tokens: Vec<Lexeme<'t>>,
}

/// What a `CREATE TABLE` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// Of the table itself.
    pub(super) attributes: Attributes,
    /// By their names, with their positions among the attributes.
    pub(super) columns: BTreeMap<String, Attributes>,
    /// In any order.
    pub(super) constraints: Vec<Constraint>,
}

/// A key, a foreign key or a check, whether it stands with a column or on its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Constraint {
    /// The name that a check was given. Those of keys are of no consequence.
    pub(super) name: Option<String>,
    /// What it says; of a foreign key the columns alone.
    pub(super) definition: String,
    /// What a foreign key refers to.
    pub(super) reference: Option<Reference>,
}

/// `REFERENCES table (columns) …`
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) table: String,
    /// In brackets; `None` means the primary key.
    pub(super) columns: Option<String>,
    /// What happens when, but for what happens anyway.
    pub(super) actions: String,
}

impl<'t> Definition<'t> {
    pub(super) fn new(sql: &'t str) -> Definition<'t> {
        let lexed = lex::lex(sql, Sqlite::DIALECT);
        let mut tokens = lex::lexemes(sql, &lexed.tokens);
        while tokens
            .pop_if(|last| last.kind == TokenKind::Semicolon)
            .is_some()
        {}
        Definition { tokens }
    }

    /// Everything behind the name of the object.
    pub(super) fn after_name(&self) -> String {
        normal(&self.tokens[self.name_end()..])
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::default();
        let rest = &self.tokens[self.name_end()..];
        let is_virtual = self.tokens.get(1).is_some_and(|token| token.is("virtual"));
        let end = closing(rest).filter(|_| !is_virtual);
        let (Some(end), Some(TokenKind::Open)) = (end, rest.first().map(|first| first.kind)) else {
            let attributes = [("definition".to_owned(), normal(rest))];
            table.attributes.extend(attributes);
            return table;
        };
        let options = normal(&rest[end + 1..]);
        if !options.is_empty() {
            table.attributes.insert("options".to_owned(), options);
        }
        for item in items(&rest[1..end]) {
            match item.first() {
                Some(first) if begins_constraint(first) => table.add_constraints(item),
                Some(_) => table.add_column(item),
                None => {}
            }
        }
        table
    }

    /// Whether it is unique, and what stands behind its name, without the name of the table.
    pub(super) fn index(&self) -> Attributes {
        let mut attributes = Attributes::new();
        if self.tokens.get(1).is_some_and(|token| token.is("unique")) {
            attributes.insert("unique".to_owned(), "yes".to_owned());
        }
        let rest = &self.tokens[self.name_end()..];
        let open = rest.iter().position(|token| token.kind == TokenKind::Open);
        // Ascending is what an index is anyway.
        let is_usual = |token: &&Lexeme<'t>| token.is("asc");
        let rest = rest[open.unwrap_or(0)..]
            .iter()
            .filter(|token| !is_usual(token));
        let rest: Vec<Lexeme<'t>> = rest.copied().collect();
        attributes.insert("definition".to_owned(), normal(&rest));
        attributes
    }

    /// The token behind `CREATE … [IF NOT EXISTS] [schema.]name`.
    fn name_end(&self) -> usize {
        const KINDS: [&str; 4] = ["table", "view", "index", "trigger"];
        let is_kind = |token: &Lexeme<'t>| KINDS.iter().any(|kind| token.is(kind));
        let kind = self.tokens.iter().position(is_kind).unwrap_or(0);
        let mut at = kind + 1;
        let words = |at: usize, word| self.tokens.get(at).is_some_and(|token| token.is(word));
        if words(at, "if") && words(at + 1, "not") && words(at + 2, "exists") {
            at += 3;
        }
        if self
            .tokens
            .get(at + 1)
            .is_some_and(|dot| dot.is_operator("."))
        {
            at += 2;
        }
        (at + 1).min(self.tokens.len())
    }
}

impl Table {
    /// `name [type] clause…`
    fn add_column(&mut self, item: &[Lexeme<'_>]) {
        let name = name_of(&item[0]);
        let mut attributes = Attributes::new();
        let position = self.columns.len() + 1;
        attributes.insert(POSITION.to_owned(), position.to_string());
        let mut clauses = clauses(&item[1..]);
        let words = clauses.next().map(normal).unwrap_or_default();
        if !words.is_empty() {
            attributes.insert("type".to_owned(), words);
        }
        for clause in clauses {
            let (given, words) = take_name(clause);
            let text = |words: &[Lexeme<'_>]| normal(words);
            let on_itself = |kind: &str, count: usize| {
                let rest = text(&words[count..]);
                let gap = if rest.is_empty() { "" } else { " " };
                format!("{kind} ({}){gap}{rest}", quoted(&name))
            };
            let Some(first) = words.first() else {
                continue;
            };
            let first = first.text.to_lowercase();
            match first.as_str() {
                "null" => {}
                "not" => {
                    let on_conflict = text(&words[2.min(words.len())..]);
                    let value = match on_conflict.is_empty() {
                        true => "yes".to_owned(),
                        false => on_conflict,
                    };
                    attributes.insert("not null".to_owned(), value);
                }
                "default" => {
                    attributes.insert("default".to_owned(), literal(&words[1..]));
                }
                "collate" => {
                    attributes.insert("collation".to_owned(), text(&words[1..]));
                }
                "generated" | "as" => {
                    let open = words.iter().position(|one| one.kind == TokenKind::Open);
                    let value = text(&words[open.unwrap_or(0)..]);
                    // Nobody need say so.
                    let value = value.strip_suffix(" virtual").unwrap_or(&value);
                    attributes.insert("generated".to_owned(), value.to_owned());
                }
                "primary" => self.add_key(on_itself("primary key", 2)),
                "unique" => self.add_key(on_itself("unique", 1)),
                "references" => {
                    let columns = format!("foreign key ({})", quoted(&name));
                    self.add_foreign_key(columns, words);
                }
                _ => self.add_check(given, text(words)),
            }
        }
        self.columns.insert(name, attributes);
    }

    /// One constraint, or several: SQLite does not ask for commas between them.
    fn add_constraints(&mut self, item: &[Lexeme<'_>]) {
        let mut start = 0;
        let mut depth = 0;
        for at in 1..=item.len() {
            if let Some(token) = item.get(at) {
                depth += step(token);
                let is_named = item[start].is("constraint") && at <= start + 2;
                if depth != 0 || is_named || !begins_constraint(token) {
                    continue;
                }
            }
            let (given, words) = take_name(&item[start..at]);
            let references = words.iter().position(|word| word.is("references"));
            match words.first() {
                Some(first) if first.is("check") => self.add_check(given, normal(words)),
                Some(first) if first.is("foreign") => {
                    let (columns, reference) = words.split_at(references.unwrap_or(words.len()));
                    self.add_foreign_key(normal(columns), reference);
                }
                _ => self.add_key(normal(words)),
            }
            start = at;
        }
    }

    fn add_key(&mut self, definition: String) {
        self.constraints.push(Constraint {
            definition,
            ..Constraint::default()
        });
    }

    fn add_check(&mut self, name: Option<String>, definition: String) {
        self.constraints.push(Constraint {
            name,
            definition,
            reference: None,
        });
    }

    fn add_foreign_key(&mut self, definition: String, reference: &[Lexeme<'_>]) {
        self.constraints.push(Constraint {
            name: None,
            definition,
            reference: Some(Reference::read(reference)),
        });
    }

    /// The columns of the primary key, in brackets.
    pub(super) fn primary_key(&self) -> Option<&str> {
        let definitions = self.constraints.iter().map(|one| one.definition.as_str());
        let key = definitions.filter_map(|words| words.strip_prefix("primary key "));
        key.map(|key| key.split_inclusive(')').next().unwrap_or(key))
            .next()
    }
}

impl Reference {
    /// `REFERENCES table [(columns)] [ON …] [MATCH name] [[NOT] DEFERRABLE …]`
    fn read(tokens: &[Lexeme<'_>]) -> Reference {
        let table = tokens.get(1).map(name_of).unwrap_or_default();
        let rest = tokens.get(2..).unwrap_or_default();
        let (columns, rest) = match closing(rest) {
            Some(end) if rest[0].kind == TokenKind::Open => {
                (Some(normal(&rest[..=end])), &rest[end + 1..])
            }
            _ => (None, rest),
        };
        let begins = |token: &Lexeme<'_>| {
            ["on", "match", "not", "deferrable"]
                .iter()
                .any(|word| token.is(word))
        };
        let mut actions: Vec<String> = Vec::new();
        let mut start = 0;
        for at in 1..=rest.len() {
            let is_not = at > 0 && rest[at - 1].is("not");
            if rest.get(at).is_some_and(|token| is_not || !begins(token)) {
                continue;
            }
            let words = normal(&rest[start..at]);
            // The engine reads MATCH and takes no notice of it.
            let is_usual = words.is_empty()
                || words.starts_with("match ")
                || words.starts_with("not deferrable")
                || words.ends_with(" no action")
                || words == "deferrable"
                || words == "deferrable initially immediate";
            if !is_usual {
                actions.push(words);
            }
            start = at;
        }
        actions.sort();
        Reference {
            table,
            columns,
            actions: actions.join(" "),
        }
    }
}

/// The words of a table's definition that begin a constraint rather than a column.
fn begins_constraint(token: &Lexeme<'_>) -> bool {
    const WORDS: [&str; 5] = ["constraint", "primary", "unique", "check", "foreign"];
    WORDS.iter().any(|word| token.is(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sql: &str) -> Vec<String> {
        let table = Definition::new(sql).table();
        let attributes = |attributes: &Attributes| {
            let all = attributes
                .iter()
                .map(|(name, value)| format!(" {name}={value}"));
            all.collect::<String>()
        };
        let columns = table
            .columns
            .iter()
            .map(|(name, all)| format!("{name}:{}", attributes(all)));
        let mut constraints: Vec<String> = table
            .constraints
            .iter()
            .map(|one| {
                let name = one.name.as_ref().map(|name| format!(" named {name}"));
                let reference = one
                    .reference
                    .as_ref()
                    .map(|to| format!(" → {}{:?} {}", to.table, to.columns.as_deref(), to.actions));
                let (name, reference) = (name.unwrap_or_default(), reference.unwrap_or_default());
                format!("+ {}{reference}{name}", one.definition)
            })
            .collect();
        constraints.sort();
        [format!("table:{}", attributes(&table.attributes))]
            .into_iter()
            .chain(columns)
            .chain(constraints)
            .collect()
    }

    #[test]
    fn clauses_of_columns() {
        assert_eq!(
            told(
                "CREATE TABLE IF NOT EXISTS main.\"t\" (\n  id INTEGER PRIMARY KEY AUTOINCREMENT,\n\
                 [a b] VARCHAR(20) NOT NULL DEFAULT 'X' COLLATE NOCASE, -- a, b\n\
                 c REFERENCES u(id) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE NULL,\n\
                 d INT CONSTRAINT unique CHECK (d > 0 AND (d, 1) IN (SELECT 1, 2)) UNIQUE,\n\
                 e DEFAULT NULL, f AS (d + 1) STORED, g INT GENERATED ALWAYS AS (1) VIRTUAL\n\
                 ) STRICT, WITHOUT ROWID"
            ),
            [
                "table: options=strict, without rowid",
                "a b: collation=nocase default='X' not null=yes position=2 type=varchar(20)",
                "c: position=3",
                "d: position=4 type=int",
                "e: default=null position=5",
                "f: generated=(d + 1) stored position=6",
                "g: generated=(1) position=7 type=int",
                "id: position=1 type=integer",
                "+ check (d > 0 and (d, 1) in (select 1, 2)) named unique",
                "+ foreign key (c) → uSome(\"(id)\") on delete set null on update set default",
                "+ primary key (id) autoincrement",
                "+ unique (d)",
            ]
        );
    }

    #[test]
    fn constraints_need_no_commas() {
        let expected = [
            "table:",
            "a: position=1",
            "b: position=2 type=text",
            "+ check (a in (1, 2))",
            "+ foreign key (a) → tSome(\"(b)\") ",
            "+ unique (b)",
        ];
        let without = "create table t (a, b TEXT, unique(b) CONSTRAINT fk FOREIGN KEY (a) REFERENCES t (b) CHECK(a in (1,2)))";
        assert_eq!(told(without), expected);
        // As `ALTER TABLE ADD COLUMN` leaves it.
        let added = "CREATE TABLE t (a, UNIQUE (b), CONSTRAINT fk FOREIGN KEY (a) REFERENCES t(b), CHECK (a IN (1, 2)), `b` text)";
        assert_eq!(told(added), expected);
    }

    #[test]
    fn ways_of_writing_do_not_count() {
        let same = |a: &str, b: &str| {
            assert_eq!(Definition::new(a).table(), Definition::new(b).table());
        };
        same(
            "CREATE TABLE \"Users\"(\"Id\" INTEGER PRIMARY KEY,mail TEXT UNIQUE REFERENCES \"b\"(c) MATCH SIMPLE)",
            "create table users ( id integer, mail text, constraint pk primary key (id), /* x */ \
             unique (mail), foreign key (mail) references b (c) on delete no action not deferrable );",
        );
        same(
            "CREATE TABLE t (a DEFAULT 'x')",
            "CREATE TABLE t ('a' DEFAULT 'x')",
        );
        let differ = |a: &str, b: &str| {
            assert_ne!(Definition::new(a).table(), Definition::new(b).table());
        };
        differ(
            "CREATE TABLE t (a DEFAULT \"x\")",
            "CREATE TABLE t (a DEFAULT \"X\")",
        );
        differ(
            "CREATE TABLE t (a DEFAULT 'x')",
            "CREATE TABLE t (a DEFAULT 'X')",
        );
    }

    #[test]
    fn other_objects() {
        let index = |sql: &str| Definition::new(sql).index();
        assert_eq!(
            index("CREATE UNIQUE INDEX \"i\" ON \"t\" (\"a\" ASC, lower( b ) DESC) WHERE a!=1"),
            index("create unique index i on t(a, lower(b) desc) where a <> 1")
        );
        assert_ne!(
            index("CREATE INDEX i ON t (a)"),
            index("CREATE UNIQUE INDEX i ON t (a)")
        );
        let view =
            Definition::new("CREATE VIEW v (x) AS SELECT count( * ) FROM \"t\"").after_name();
        assert_eq!(view, "(x) as select count(*) from t");
        let trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; SELECT 'A'; END;";
        assert_eq!(
            Definition::new(trigger).after_name(),
            "after insert on t begin delete from t; select 'A'; end"
        );
        let fts = Definition::new("CREATE VIRTUAL TABLE f USING fts5(a, tokenize = \"trigram\")");
        assert_eq!(
            fts.table().attributes.into_values().next().as_deref(),
            Some("using fts5(a, tokenize = trigram)")
        );
    }
}
