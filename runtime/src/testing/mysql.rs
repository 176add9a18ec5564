//! What a MySQL or MariaDB database holds, by `information_schema`.
//!
//! The two products, and their versions, have different columns there, so the views are read as
//! they are and each attribute is taken where its column is. Positions of `AUTO_INCREMENT`, times
//! and sizes are not looked at, nor are accounts, which belong to the whole server.

mod others;

use std::collections::BTreeMap;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{MySql, MySqlConnection};

use crate::engine::Driver;
use crate::error::Error;
use crate::message::{Answer, Message, Piece};
use crate::testing::catalogue::{Attributes, Catalogue, Kind, ObjectName, POSITION};
use crate::testing::sandbox::{self, Provable};

impl Provable for MySql {
    async fn create(url: &str, name: &str) -> Result<(), Error> {
        let unused = "SELECT schema_name FROM information_schema.schemata \
             WHERE schema_name LIKE 'backstitch#_prove#_%' ESCAPE '#' AND schema_name NOT IN \
             (SELECT db FROM information_schema.processlist WHERE db IS NOT NULL)";
        sandbox::sweep::<MySql>(url, unused, drop_database).await;
        let create = format!("CREATE DATABASE {}", MySql::quote_name(name));
        sandbox::run_on_server::<MySql>(url, &[create]).await
    }

    async fn destroy(url: &str, name: &str) -> Result<(), Error> {
        sandbox::run_on_server::<MySql>(url, &drop_database(name)).await
    }

    fn options(of_server: MySqlConnectOptions, name: &str) -> MySqlConnectOptions {
        of_server.database(name)
    }

    async fn snapshot(
        connection: &mut MySqlConnection,
        without: &[&str],
    ) -> Result<Catalogue, sqlx::Error> {
        let queries = QUERIES.iter().map(|sql| Piece::query(*sql));
        let answers = send(connection, &Message::of(queries)).await?;
        let mut answers = answers.into_iter().map(Rows::new);
        let mut next = || answers.next().unwrap_or_default();
        let mut reader = Reader::new(without);
        reader.database(&next());
        reader.tables(&next());
        reader.columns(&next());
        reader.indexes(&next());
        reader.foreign_keys(&next(), &next());
        reader.checks(&next(), &next());
        reader.partitions(&next());
        reader.views(&next());
        reader.triggers(&next());
        reader.routines(&next(), &next());
        reader.events(&next());
        reader.grants(&next());
        for name in std::mem::take(&mut reader.sequences) {
            let sql = format!("SHOW CREATE SEQUENCE {}", MySql::quote_name(&name));
            let answers = send(connection, &Message::of([Piece::query(sql)])).await?;
            reader.sequence(name, answers);
        }
        Ok(reader.catalogue)
    }
}

fn drop_database(name: &str) -> Vec<String> {
    vec![
        // A session that died may not have let go of its locks yet.
        "SET lock_wait_timeout = 10".to_owned(),
        format!("DROP DATABASE IF EXISTS {}", MySql::quote_name(name)),
    ]
}

async fn send(
    connection: &mut MySqlConnection,
    message: &Message<'_>,
) -> Result<Vec<Answer>, sqlx::Error> {
    MySql::send(connection, message)
        .await
        .map_err(|refused| refused.error)
}

/// In the order in which [`Provable::snapshot`] reads the answers.
const QUERIES: [&str; 15] = [
    "SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()",
    "SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
     ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
    "SELECT * FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() \
     AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    "SELECT * FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.TABLE_CONSTRAINTS WHERE TABLE_SCHEMA = DATABASE() \
     AND CONSTRAINT_TYPE = 'CHECK'",
    "SELECT * FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() \
     AND PARTITION_NAME IS NOT NULL \
     ORDER BY TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION",
    "SELECT * FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()",
    "SELECT * FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA = DATABASE() \
     AND ORDINAL_POSITION > 0 ORDER BY ROUTINE_TYPE, SPECIFIC_NAME, ORDINAL_POSITION",
    "SELECT * FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
    "SELECT GRANTEE, TABLE_NAME, NULL AS COLUMN_NAME, PRIVILEGE_TYPE, IS_GRANTABLE \
     FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = DATABASE() UNION ALL \
     SELECT GRANTEE, TABLE_NAME, COLUMN_NAME, PRIVILEGE_TYPE, IS_GRANTABLE \
     FROM information_schema.COLUMN_PRIVILEGES WHERE TABLE_SCHEMA = DATABASE() \
     ORDER BY 1, 2, 3, 4",
];

/// An answer whose values are found by the names of their columns.
#[derive(Default)]
struct Rows {
    columns: BTreeMap<String, usize>,
    rows: Vec<Vec<Option<String>>>,
}

/// One row of it.
#[derive(Clone, Copy)]
struct Row<'r> {
    columns: &'r BTreeMap<String, usize>,
    values: &'r [Option<String>],
}

impl Rows {
    fn new(answer: Answer) -> Rows {
        let columns = answer.columns.iter().map(|name| name.to_ascii_uppercase());
        Rows {
            columns: columns.zip(0..).collect(),
            rows: answer.rows,
        }
    }

    fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row {
            columns: &self.columns,
            values,
        })
    }
}

impl<'r> Row<'r> {
    /// The value, unless it is NULL or this server has no such column.
    fn get(self, column: &str) -> Option<&'r str> {
        self.values.get(*self.columns.get(column)?)?.as_deref()
    }

    fn text(self, column: &str) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }

    /// The values under the names of attributes, but for those that are `usual`.
    fn attributes(self, taken: &[(&str, &str, &str)]) -> Attributes {
        let taken = taken.iter().filter_map(|(column, attribute, usual)| {
            let value = self.get(column).filter(|value| value != usual)?;
            Some(((*attribute).to_owned(), value.to_owned()))
        });
        taken.filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// Makes objects of rows.
struct Reader<'w> {
    without: &'w [&'w str],
    catalogue: Catalogue,
    /// The name of the database, which definitions of views quote.
    database: String,
    views: Vec<String>,
    /// The sequences, which are asked for one by one.
    sequences: Vec<String>,
}

impl<'w> Reader<'w> {
    fn new(without: &'w [&'w str]) -> Reader<'w> {
        Reader {
            without,
            catalogue: Catalogue::default(),
            database: String::new(),
            views: Vec::new(),
            sequences: Vec::new(),
        }
    }

    /// Adds an object, unless it is part of the history.
    fn add(&mut self, kind: Kind, parent: Option<&str>, name: String, attributes: Attributes) {
        let is_history = |name: &str| self.without.contains(&name);
        if parent.is_some_and(is_history) || kind == Kind::Table && is_history(&name) {
            return;
        }
        let object = ObjectName {
            kind,
            schema: None,
            parent: parent.map(str::to_owned),
            name,
        };
        self.catalogue.add(object, attributes);
    }

    fn database(&mut self, schemata: &Rows) {
        for row in schemata.iter() {
            self.database = row.text("SCHEMA_NAME");
            let attributes = row.attributes(&[
                ("DEFAULT_CHARACTER_SET_NAME", "character set", ""),
                ("DEFAULT_COLLATION_NAME", "collation", ""),
                ("SCHEMA_COMMENT", "comment", ""),
            ]);
            self.add(Kind::Database, None, "defaults".to_owned(), attributes);
        }
    }

    fn tables(&mut self, tables: &Rows) {
        for row in tables.iter() {
            let name = row.text("TABLE_NAME");
            match row.get("TABLE_TYPE") {
                Some("SEQUENCE") => self.sequences.push(name),
                Some("VIEW") => self.views.push(name),
                _ => {
                    let attributes = row.attributes(&[
                        ("TABLE_TYPE", "form", "BASE TABLE"),
                        ("ENGINE", "engine", ""),
                        ("ROW_FORMAT", "row format", ""),
                        ("TABLE_COLLATION", "collation", ""),
                        ("CREATE_OPTIONS", "options", ""),
                        ("TABLE_COMMENT", "comment", ""),
                    ]);
                    self.add(Kind::Table, None, name, attributes);
                }
            }
        }
    }

    fn columns(&mut self, columns: &Rows) {
        for row in columns.iter() {
            let table = row.text("TABLE_NAME");
            if self.sequences.contains(&table) {
                continue;
            }
            let name = row.text("COLUMN_NAME");
            if self.views.contains(&table) {
                // Everything else about it comes from the columns that it shows.
                let taken = [
                    ("ORDINAL_POSITION", POSITION, ""),
                    ("COLUMN_TYPE", "type", ""),
                ];
                self.add(Kind::Column, Some(&table), name, row.attributes(&taken));
                continue;
            }
            let mut attributes = row.attributes(&[
                ("ORDINAL_POSITION", POSITION, ""),
                ("COLUMN_TYPE", "type", ""),
                ("EXTRA", "extra", ""),
                ("CHARACTER_SET_NAME", "character set", ""),
                ("COLLATION_NAME", "collation", ""),
                ("COLUMN_COMMENT", "comment", ""),
                ("GENERATION_EXPRESSION", "generated", ""),
                ("SRS_ID", "srid", ""),
            ]);
            if row.get("IS_NULLABLE") == Some("NO") {
                attributes.insert("not null".to_owned(), "yes".to_owned());
            }
            // Only MariaDB quotes the texts among the defaults, and has this column.
            let is_quoted = row.get("IS_GENERATED").is_some();
            let default = row.get("COLUMN_DEFAULT");
            if let Some(default) = default.filter(|value| !is_quoted || *value != "NULL") {
                let default = match is_quoted || row.get("EXTRA").is_some_and(is_expression) {
                    true => default.to_owned(),
                    false => MySql::quote_text(default),
                };
                attributes.insert("default".to_owned(), default);
            }
            self.add(Kind::Column, Some(&table), name, attributes);
        }
    }

    fn indexes(&mut self, statistics: &Rows) {
        let mut indexes: BTreeMap<(String, String), (Attributes, Vec<String>)> = BTreeMap::new();
        for row in statistics.iter() {
            let index = (row.text("TABLE_NAME"), row.text("INDEX_NAME"));
            let (_, keys) = indexes.entry(index).or_insert_with(|| {
                let mut attributes = row.attributes(&[
                    ("INDEX_TYPE", "form", "BTREE"),
                    ("INDEX_COMMENT", "comment", ""),
                    ("IS_VISIBLE", "visible", "YES"),
                    ("IGNORED", "ignored", "NO"),
                ]);
                if row.get("NON_UNIQUE") == Some("0") {
                    attributes.insert("unique".to_owned(), "yes".to_owned());
                }
                (attributes, Vec::new())
            });
            let mut key = match (row.get("COLUMN_NAME"), row.get("EXPRESSION")) {
                (Some(column), _) => column.to_owned(),
                (None, expression) => format!("({})", expression.unwrap_or_default()),
            };
            if let Some(length) = row.get("SUB_PART") {
                key = format!("{key}({length})");
            }
            if row.get("COLLATION") == Some("D") {
                key.push_str(" desc");
            }
            keys.push(key);
        }
        for ((table, name), (mut attributes, keys)) in indexes {
            let definition = format!("({})", keys.join(", "));
            attributes.insert("definition".to_owned(), definition);
            self.add(Kind::Index, Some(&table), name, attributes);
        }
    }

    fn foreign_keys(&mut self, constraints: &Rows, columns: &Rows) {
        for row in constraints.iter() {
            let (table, name) = (row.text("TABLE_NAME"), row.text("CONSTRAINT_NAME"));
            let is_its = |column: &Row<'_>| {
                column.get("TABLE_NAME") == Some(&table)
                    && column.get("CONSTRAINT_NAME") == Some(&name)
            };
            let columns: Vec<Row<'_>> = columns.iter().filter(is_its).collect();
            let list = |column: &str| {
                let names: Vec<String> = columns.iter().map(|row| row.text(column)).collect();
                names.join(", ")
            };
            let schema = columns
                .first()
                .and_then(|row| row.get("REFERENCED_TABLE_SCHEMA"))
                .filter(|schema| *schema != self.database);
            let schema = schema.map_or(String::new(), |schema| format!("{schema}."));
            let definition = format!(
                "foreign key ({}) references {schema}{} ({}) on delete {} on update {}",
                list("COLUMN_NAME"),
                row.text("REFERENCED_TABLE_NAME"),
                list("REFERENCED_COLUMN_NAME"),
                row.text("DELETE_RULE").to_lowercase(),
                row.text("UPDATE_RULE").to_lowercase(),
            );
            let attributes = [("definition".to_owned(), definition)].into();
            self.add(Kind::Constraint, Some(&table), name, attributes);
        }
    }

    fn checks(&mut self, checks: &Rows, constraints: &Rows) {
        for row in checks.iter() {
            let name = row.text("CONSTRAINT_NAME");
            // MariaDB tells the table here, because there the name alone does not; MySQL there.
            let constraint = constraints
                .iter()
                .find(|one| one.get("CONSTRAINT_NAME") == Some(&name));
            let table = row
                .get("TABLE_NAME")
                .or(constraint.and_then(|one| one.get("TABLE_NAME")));
            let mut attributes = Attributes::new();
            let definition = format!("check ({})", row.text("CHECK_CLAUSE"));
            attributes.insert("definition".to_owned(), definition);
            if constraint.and_then(|one| one.get("ENFORCED")) == Some("NO") {
                attributes.insert("enforced".to_owned(), "no".to_owned());
            }
            self.add(Kind::Constraint, table, name, attributes);
        }
    }

    fn partitions(&mut self, partitions: &Rows) {
        let mut tables: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
        for row in partitions.iter() {
            let words = |columns: &[&str]| {
                let words: Vec<&str> = columns.iter().filter_map(|one| row.get(one)).collect();
                words.join(" ").trim_end().to_owned()
            };
            let (_, lines) = tables.entry(row.text("TABLE_NAME")).or_insert_with(|| {
                let by = [
                    "PARTITION_METHOD",
                    "PARTITION_EXPRESSION",
                    "SUBPARTITION_METHOD",
                    "SUBPARTITION_EXPRESSION",
                ];
                (words(&by), Vec::new())
            });
            lines.push(words(&[
                "PARTITION_NAME",
                "SUBPARTITION_NAME",
                "PARTITION_DESCRIPTION",
                "PARTITION_COMMENT",
            ]));
        }
        for (table, (by, lines)) in tables {
            let attributes = [
                ("partition by".to_owned(), by),
                ("partitions".to_owned(), lines.join("\n")),
            ];
            self.add(Kind::Table, None, table, attributes.into());
        }
    }
}

/// Whether MySQL says that the default is an expression and not a text.
fn is_expression(extra: &str) -> bool {
    extra.contains("DEFAULT_GENERATED")
}
