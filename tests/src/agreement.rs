//! Chains of migrations, replayed on the model and run on an engine side by side.

use std::collections::BTreeMap;

use backstitch::Engine;
use backstitch::testing::{catalogue, disagreements};
use backstitch_core::Dialect;
use backstitch_core::facts::{About, Disagreement, Facts, of_schema};
use backstitch_core::migration::Transaction;
use backstitch_core::options::Options;
use backstitch_core::proof;
use backstitch_core::set::Set;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::corpus::Chain;
use crate::servers::{self, Database, Roles};

/// A difference that is known, and why it is there.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The engine as the corpus names it.
    pub engine: &'static str,
    /// The chain; empty for any.
    pub chain: &'static str,
    /// The kind of the object.
    pub kind: &'static str,
    /// The property; empty for the object itself.
    pub property: &'static str,
    /// What the model says and what the engine says.
    pub said: [&'static str; 2],
    /// Why.
    pub why: &'static str,
}

/// What the model gets wrong, or the comparison. It is to become shorter.
pub const KNOWN: &[Known] = &[
    Known {
        engine: "mysql",
        chain: "juspay__decision-engine",
        kind: "table",
        property: "",
        said: [THERE, NOT_THERE],
        why: "its first migration makes another database and goes there",
    },
    Known {
        engine: "sqlite",
        chain: "afadil__wealthfolio",
        kind: "constraint",
        property: "",
        said: [THERE, NOT_THERE],
        why: LEGACY,
    },
    Known {
        engine: "sqlite",
        chain: "afadil__wealthfolio",
        kind: "constraint",
        property: "",
        said: [NOT_THERE, THERE],
        why: LEGACY,
    },
    Known {
        engine: "postgres",
        chain: "brocaar__chirpstack-application-server",
        kind: "extension",
        property: "",
        said: [NOT_THERE, THERE],
        why: PRELUDE,
    },
    Known {
        engine: "postgres",
        chain: "chirpstack__chirpstack",
        kind: "extension",
        property: "",
        said: [NOT_THERE, THERE],
        why: PRELUDE,
    },
];

const THERE: &str = "there";
const NOT_THERE: &str = "not there";
const PRELUDE: &str = "an operator makes it before the first migration";
const LEGACY: &str = "under `legacy_alter_table` foreign keys do not follow a renamed table";

/// How a chain fared.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// After how many migrations model and engine were compared.
    pub compared: usize,
    /// After how many of them they said the same.
    pub equal: usize,
    /// How many differences are among the known ones.
    pub known: usize,
    /// Where else they began to differ, by the migration.
    pub differences: Vec<(String, Disagreement)>,
    /// The migration at which the engine stopped, and why.
    pub stopped: Option<(String, String)>,
}

/// Follows a chain of the corpus, as far as it applied when the corpus was made. None without the
/// server.
pub async fn follow_chain(chain: &Chain, set: &Set, step: usize) -> Option<Course> {
    let applied = |id: &str| {
        let truth = chain.truth.get(id);
        truth.is_some_and(|truth| truth.up_applies == "yes")
    };
    let preludes: Vec<&'static str> = chain.preludes().collect();
    let run = Run {
        set,
        chain: &chain.name,
        preludes: &preludes,
        step,
        goes_on: &applied,
    };
    match &*chain.engine {
        "postgres" => run.on::<sqlx::Postgres>(servers::Engine::Postgres).await,
        "sqlite" => run.on::<sqlx::Sqlite>(servers::Engine::Sqlite).await,
        _ => run.on::<sqlx::MySql>(servers::Engine::MariaDb).await,
    }
}

/// A chain and how to follow it.
#[derive(Clone, Copy)]
pub struct Run<'r> {
    /// Its migrations.
    pub set: &'r Set,
    /// Its name.
    pub chain: &'r str,
    /// What runs before the first of them.
    pub preludes: &'r [&'static str],
    /// Model and engine are compared after each `step`-th, and after the last.
    pub step: usize,
    /// Whether a migration is run.
    pub goes_on: &'r dyn Fn(&str) -> bool,
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.chain)
    }
}

impl Run<'_> {
    /// Runs the UPs in an empty database. None without the server.
    ///
    /// # Panics
    /// When the database cannot be reached, or its catalogue cannot be read.
    pub async fn on<DB: Engine>(self, server: servers::Engine) -> Option<Course>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let _roles = Roles::alone(server).await;
        let database = Database::create(server)?;
        let mut connection = <DB::Connection as Connection>::connect(database.url())
            .await
            .expect("the database is there");
        let dialect = self.set.dialect;
        let prepare = self.preludes.iter().copied().chain([reset(dialect)]);
        for sql in prepare {
            execute::<DB>(&mut connection, sql.to_owned())
                .await
                .expect("it is SQL of the engine");
        }
        let mut claims = self.claims();
        let mut course = Course::default();
        let mut before: Vec<Disagreement> = Vec::new();
        for migration in &self.set.migrations {
            if !(self.goes_on)(&migration.id) {
                break;
            }
            let text = migration.up.source.text();
            let in_one = migration.transaction == Transaction::One && wants_transactions(dialect);
            let begin = if in_one { "BEGIN" } else { "SELECT 1" };
            let commit = if in_one { "COMMIT" } else { "SELECT 1" };
            execute::<DB>(&mut connection, begin.to_owned())
                .await
                .expect("it is SQL of the engine");
            for statement in &migration.up.statements {
                let sql = statement.span.of(text).to_owned();
                if let Err(error) = execute::<DB>(&mut connection, sql).await {
                    course.stopped = Some((migration.id.clone(), error.to_string()));
                    return Some(course);
                }
            }
            if let Err(error) = execute::<DB>(&mut connection, commit.to_owned()).await {
                course.stopped = Some((migration.id.clone(), error.to_string()));
                return Some(course);
            }
            let _ = execute::<DB>(&mut connection, reset(dialect).to_owned()).await;
            let Some(claim) = claims.remove(&migration.id) else {
                continue;
            };
            let held = catalogue::<DB>(database.url())
                .await
                .expect("the catalogue can be read");
            let all = disagreements(&claim, &held, dialect);
            let (known, found): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|one| self.is_known(one));
            course.compared += 1;
            course.equal += usize::from(found.is_empty());
            course.known += known.len();
            // What differed before is told once.
            let new = found.iter().filter(|one| !before.contains(one));
            let new = new.map(|one| (migration.id.clone(), one.clone()));
            course.differences.extend(new);
            before = found;
        }
        let _ = connection.close().await;
        Some(course)
    }

    /// What the model says after each migration at which it is asked.
    fn claims(&self) -> BTreeMap<String, Facts> {
        let mut claims = BTreeMap::new();
        let count = self.set.migrations.len();
        let mut at = 0;
        proof::check_each(self.set, &Options::default(), |migration, schema| {
            at += 1;
            if at % self.step.max(1) == 0 || at == count {
                claims.insert(migration.id.clone(), of_schema(schema));
            }
        });
        claims
    }

    fn is_known(&self, found: &Disagreement) -> bool {
        let engine = self.set.dialect.name();
        let (property, said) = match &found.about {
            About::Missing => ("", [THERE, NOT_THERE]),
            About::Unknown => ("", [NOT_THERE, THERE]),
            About::Property {
                name,
                model,
                engine,
            } => (*name, [model.as_str(), engine.as_str()]),
        };
        KNOWN.iter().any(|known| {
            known.engine == engine
                && (known.chain.is_empty() || known.chain == self.chain)
                && known.kind == found.object.kind
                && known.property == property
                && known.said == said
        })
    }
}

/// What kind of difference it is, without names.
pub fn cause(found: &Disagreement) -> String {
    let kind = found.object.kind;
    match &found.about {
        About::Missing => format!("{kind}: model there, engine not there"),
        About::Unknown => format!("{kind}: model not there, engine there"),
        About::Property {
            name,
            model,
            engine,
        } => match (model.as_str(), engine.as_str()) {
            ("yes" | "no" | "", "yes" | "no" | "") => {
                format!("{kind}: {name}: model {model}, engine {engine}")
            }
            _ => format!("{kind}: {name}"),
        },
    }
}

async fn execute<DB: Engine>(connection: &mut DB::Connection, sql: String) -> sqlx::Result<()>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let statement = sqlx::raw_sql(AssertSqlSafe(sql));
    connection.execute(statement).await.map(|_| ())
}

/// Whether migrations need one; elsewhere it would only forbid what files of other tools do.
fn wants_transactions(dialect: Dialect) -> bool {
    dialect == Dialect::Postgres
}

/// What takes back the settings of a migration, as each has a session of its own.
fn reset(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "RESET ALL",
        Dialect::Sqlite => "PRAGMA foreign_keys = OFF",
        Dialect::MySql | Dialect::MariaDb => "SET SESSION foreign_key_checks = DEFAULT",
    }
}
