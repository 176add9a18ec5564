//! What a SQLite database holds, by the statements that `sqlite_schema` keeps.
//!
//! The statements are kept as they were written, so they are read as tokens: neither blanks,
//! comments, case nor quotes count, nor whether a constraint stands with its column or on its own.

mod definition;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection};

use self::definition::{Constraint, Definition, Reference, Table};
use crate::engine::Driver;
use crate::error::Error;
use crate::message::{Message, Piece};
use crate::testing::catalogue::{Attributes, Catalogue, Kind, ObjectName};
use crate::testing::sandbox::{self, Provable};

impl Provable for Sqlite {
    /// A folder of this name in the temporary folder, because a database can be several files.
    async fn create(url: &str, name: &str) -> Result<(), Error> {
        if url.parse::<SqliteConnectOptions>().is_err() {
            return Err(crate::plan::usage(
                "this is not a URL of a SQLite database".to_owned(),
                "write `sqlite::memory:`: the proof makes a file of its own",
            ));
        }
        sweep();
        std::fs::create_dir(folder(name)).map_err(|error| impossible("make", name, &error))
    }

    async fn destroy(_url: &str, name: &str) -> Result<(), Error> {
        std::fs::remove_dir_all(folder(name)).map_err(|error| impossible("remove", name, &error))
    }

    /// What the URL says is of no use here: it is about its own file. The file is thrown away, so
    /// nobody need wait until it is on the disk.
    fn options(_of_server: SqliteConnectOptions, name: &str) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(folder(name).join("proof.db"))
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Off)
    }

    async fn snapshot(
        connection: &mut SqliteConnection,
        without: &[&str],
    ) -> Result<Catalogue, sqlx::Error> {
        let settings = ["user_version", "application_id"];
        let pragmas = settings.map(|name| Piece::query(format!("PRAGMA {name}")));
        let objects = Piece::query(
            "SELECT type, tbl_name, name, sql FROM sqlite_schema \
             WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite#_%' ESCAPE '#'",
        );
        let message = Message::of([objects].into_iter().chain(pragmas));
        let answers = Sqlite::send(connection, &message).await;
        let mut answers = answers.map_err(|refused| refused.error)?.into_iter();
        let mut reader = Reader::default();
        for row in answers.next().unwrap_or_default().rows {
            if let [Some(kind), Some(table), Some(name), Some(sql)] = &row[..]
                && !without.contains(&table.as_str())
            {
                reader.add(kind, table, name, &Definition::new(sql));
            }
        }
        let mut catalogue = reader.finish();
        for (name, answer) in settings.into_iter().zip(answers) {
            let value = answer.rows.into_iter().flatten().flatten().next();
            let attributes = [("value".to_owned(), value.unwrap_or_default())];
            catalogue.add(object(Kind::Setting, None, name), attributes.into());
        }
        Ok(catalogue)
    }
}

/// Makes objects of statements.
#[derive(Default)]
struct Reader {
    catalogue: Catalogue,
    /// By their names.
    tables: BTreeMap<String, Table>,
}

impl Reader {
    fn add(&mut self, kind: &str, table: &str, name: &str, statement: &Definition<'_>) {
        let (kind, parent, attributes) = match kind {
            "table" => {
                self.tables.insert(name.to_lowercase(), statement.table());
                return;
            }
            "index" => (Kind::Index, Some(table), statement.index()),
            "trigger" => (Kind::Trigger, Some(table), says(statement.after_name())),
            _ => (Kind::View, None, says(statement.after_name())),
        };
        self.catalogue.add(object(kind, parent, name), attributes);
    }

    /// What a foreign key refers to can only be told when all tables are known.
    fn finish(mut self) -> Catalogue {
        let primary_keys = self.tables.iter().filter_map(|(name, table)| {
            let key = table.primary_key()?;
            Some((name.clone(), key.to_owned()))
        });
        let primary_keys: BTreeMap<String, String> = primary_keys.collect();
        for (name, table) in std::mem::take(&mut self.tables) {
            let catalogue = &mut self.catalogue;
            catalogue.add(object(Kind::Table, None, &name), table.attributes);
            for (column, attributes) in table.columns {
                catalogue.add(object(Kind::Column, Some(&name), &column), attributes);
            }
            for constraint in table.constraints {
                let (called, attributes) = constraint.tell(&primary_keys);
                catalogue.add(object(Kind::Constraint, Some(&name), &called), attributes);
            }
        }
        self.catalogue
    }
}

impl Constraint {
    /// Its name and attributes. Without a name it goes by what it says.
    fn tell(self, primary_keys: &BTreeMap<String, String>) -> (String, Attributes) {
        let mut words = self.definition;
        if let Some(Reference {
            table,
            columns,
            actions,
        }) = self.reference
        {
            let columns = columns.or_else(|| primary_keys.get(&table).cloned());
            let gap = if actions.is_empty() { "" } else { " " };
            words = format!(
                "{words} references {table} {}{gap}{actions}",
                columns.unwrap_or_default()
            );
        }
        match self.name {
            Some(name) => (name, says(words)),
            None => (words, Attributes::new()),
        }
    }
}

fn says(words: String) -> Attributes {
    [("definition".to_owned(), words)].into()
}

fn object(kind: Kind, parent: Option<&str>, name: &str) -> ObjectName {
    ObjectName {
        kind,
        schema: None,
        parent: parent.map(str::to_lowercase),
        name: match kind {
            // What an unnamed one says may hold texts.
            Kind::Constraint => name.to_owned(),
            _ => name.to_lowercase(),
        },
    }
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(name)
}

/// Removes what dead runs left in the temporary folder: nothing tells whether one is alive, but
/// none takes a day.
fn sweep() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| sandbox::is_older(name, DAY))
        {
            // Somebody else's, or gone already.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn impossible(verb: &str, name: &str, error: &std::io::Error) -> Error {
    crate::plan::usage(
        format!(
            "cannot {verb} the folder {}: {error}",
            folder(name).display()
        ),
        "make room in the temporary folder, or let `TMPDIR` name another",
    )
}
