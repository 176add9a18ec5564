//! A project with a database of its own, what `backstitch` says in it, and what the database holds.

use std::fs;
use std::ops::Deref;
use std::process::Command;

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch_cli::Product;
use backstitch_tests::project::Project;
use backstitch_tests::servers::Engine;
use sqlx::Connection;

pub(crate) struct Place {
    project: Project,
}

impl Deref for Place {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}

/// What a call has said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Place {
    /// An empty project and an empty database; `None` where its server is not there.
    pub(crate) fn new(engine: Engine) -> Option<Place> {
        let project = Project::new(engine)?;
        Some(Place { project })
    }

    /// A file of the project.
    pub(crate) fn read(&self, file: &str) -> String {
        let text = fs::read_to_string(self.folder().join(file));
        text.unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Calls `backstitch` with these words, those in quotes together.
    pub(crate) fn call(&self, line: &str) -> Said {
        let words = line.split('\'').enumerate().flat_map(|(at, part)| {
            let words: Vec<&str> = match at % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            };
            words
        });
        let output = Command::new(env!("CARGO_BIN_EXE_backstitch"))
            .args(words)
            .current_dir(self.folder())
            .env("DATABASE_URL", self.url())
            .env("NO_COLOR", "1")
            .env("COLUMNS", "200")
            .env_remove("BACKSTITCH_ENV")
            .output()
            .expect("it runs");
        let (out, err) = (&output.stdout, &output.stderr);
        let text = String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err);
        Said {
            code: output.status.code(),
            text: format!("$ backstitch {line}\n{text}"),
        }
    }

    /// A call that must work and say this.
    #[track_caller]
    pub(crate) fn says(&self, line: &str, expected: &str) -> String {
        let said = self.call(line);
        assert!(
            said.text.contains(expected),
            "{expected:?} is not in\n{}",
            said.text
        );
        assert_eq!(said.code, Some(0), "{}", said.text);
        said.text
    }

    /// A call that must be refused, with this exit code and all of these words.
    #[track_caller]
    pub(crate) fn refuses(&self, line: &str, code: i32, expected: &[&str]) -> String {
        let said = self.call(line);
        for words in expected {
            assert!(
                said.text.contains(words),
                "{words:?} is not in\n{}",
                said.text
            );
        }
        assert_eq!(said.code, Some(code), "{}", said.text);
        said.text
    }

    /// Somebody works on the database by hand.
    pub(crate) fn sql(&self, sql: &str) -> Vec<String> {
        match self.engine() {
            Engine::Postgres | Engine::PgBouncer => ask::<Postgres>(self.url(), sql),
            Engine::MariaDb => ask::<MySql>(self.url(), sql),
            Engine::Sqlite => ask::<Sqlite>(self.url(), sql),
        }
    }

    /// Everything that would show that something has run again, or was written anew: which object
    /// it is, where its rows are and what stands in them. Our own tables are left out.
    pub(crate) fn state(&self) -> Vec<String> {
        let mut state = match self.engine() {
            Engine::Postgres | Engine::PgBouncer => self.sql(
                "SELECT 'class', oid::text, relname::text, relfilenode::text FROM pg_class \
                 WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_m%' \
                 UNION ALL SELECT 'routine', oid::text, proname::text, xmin::text FROM pg_proc \
                 WHERE pronamespace = 'public'::regnamespace \
                 UNION ALL SELECT 'trigger', oid::text, tgname::text, xmin::text FROM pg_trigger \
                 WHERE NOT tgisinternal \
                 UNION ALL SELECT 'sequence', schemaname::text, sequencename::text, \
                   last_value::text FROM pg_sequences WHERE sequencename NOT LIKE '\\_\\_m%' \
                 ORDER BY 1, 3",
            ),
            Engine::MariaDb => self.sql(
                "SELECT 'table', table_name, CAST(create_time AS CHAR), \
                   CAST(auto_increment AS CHAR) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_m%' \
                 UNION ALL SELECT 'trigger', trigger_name, CAST(created AS CHAR), NULL \
                 FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1, 2",
            ),
            Engine::Sqlite => self.sql(
                "SELECT type, name, CAST(rootpage AS TEXT), sql FROM sqlite_schema \
                 WHERE tbl_name NOT LIKE '\\_\\_m%' ESCAPE '\\' ORDER BY 1, 2",
            ),
        };
        let is_postgres = self.engine() == Engine::Postgres;
        for table in self.tables() {
            // Where a row is, and by which transaction, on the engine that tells.
            let also = if is_postgres {
                "ctid::text, xmin::text, "
            } else {
                ""
            };
            let mut rows = self.sql(&format!("SELECT {also}t.* FROM {table} t"));
            rows.sort();
            state.extend(rows.into_iter().map(|row| format!("{table}: {row}")));
        }
        state
    }

    /// The tables of the shop and of the tool.
    fn tables(&self) -> Vec<String> {
        let all = match self.engine() {
            Engine::Postgres | Engine::PgBouncer => {
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
            }
            Engine::MariaDb => {
                "SELECT table_name FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
            }
            Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table'",
        };
        let mut tables = self.sql(all);
        tables.retain(|table| !table.starts_with("__m"));
        tables.sort();
        assert!(tables.len() > 5, "{tables:?}");
        tables
    }
}

/// The rows, each as a line.
fn ask<DB: Product>(url: &str, sql: &str) -> Vec<String> {
    wait(async {
        let mut connection = DB::Connection::connect(url).await.expect("reachable");
        let rows = DB::ask(&mut connection, sql).await;
        let rows = rows.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        connection.close().await.expect("it closes");
        let word = |word: Option<String>| word.unwrap_or_else(|| "NULL".to_owned());
        let line = |row: Vec<Option<String>>| row.into_iter().map(word).collect::<Vec<_>>();
        rows.into_iter().map(|row| line(row).join(" | ")).collect()
    })
}

pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    // Diesel's connections are waited for inside, which takes more than one thread.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}
