//! Real migrations through the real runtime on real engines.
//!
//! Goal: a file that applied on the engine by other means applies here, and a file that the engine
//! refused is refused here, with a position. Method: each chain of the corpus is loaded as it is
//! and applied to a fresh database; how far it comes is compared with the truth that came with the
//! corpus. The exceptions are listed below, each with its reason. On the servers every chain is
//! verified right behind: nobody has changed anything since, so there must be no drift.

mod agreement;
mod syntax;

use std::collections::BTreeMap;

use backstitch::core::{Dialect, Severity, dir};
use backstitch::{Drift, Engine, Error, Layout, Migrations, Verify};
use backstitch_tests::announce::announce;
use backstitch_tests::corpus::{self, Chain};
use backstitch_tests::servers::{self, Database, Roles};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Executor, Pool};

/// Where a chain cannot go on here, for a reason that lies outside: (engine, chain, id, reason).
/// From there on nothing is judged.
const LIMITS: &[(&str, &str, &str, &str)] = &[
    (
        "sqlite",
        "authelia__authelia",
        "0002_V0002_WebAuthn",
        APPLICATION_FUNCTION,
    ),
    (
        "sqlite",
        "pocket-id__pocket-id",
        "0034_20250705000000_normalize",
        APPLICATION_FUNCTION,
    ),
    (
        "postgres",
        "artifacthub__hub",
        "0001_001_initial_schema",
        TEMPLATE,
    ),
    (
        "postgres",
        "authgear__authgear-server__audit",
        "0001_20210531162744_add_audit_log_table",
        TEMPLATE,
    ),
    (
        "postgres",
        "juspay__superposition",
        "0035_2025_10_28_070717_functions_modifications",
        TEMPLATE,
    ),
    (
        "mysql",
        "openfga__openfga",
        "0007_007_collate_object_id",
        MARIADB,
    ),
    (
        "mysql",
        "ory__hydra",
        "0065_20220513000001_string_slice_json",
        MARIADB,
    ),
    (
        "mysql",
        "ory__keto",
        "0008_20220513200400_create_uuid_mapping_table",
        MARIADB,
    ),
    (
        "mysql",
        "ory__kratos",
        "0014_20200317160354_create_profile_request_forms",
        MARIADB,
    ),
    (
        "postgres",
        "theopensystemslab__planx-new",
        "0157_1715689232003_create_view_submission_services_log",
        TABLES_OF_THE_TOOL,
    ),
];
const APPLICATION_FUNCTION: &str = "it calls a function that the application registers";
const TABLES_OF_THE_TOOL: &str = "it reads tables that the project's own tool keeps";
const TEMPLATE: &str = "it is a template that the project's own tool fills in";
const MARIADB: &str = "the truth is of MySQL, and MariaDB refuses it";

/// How one file of a chain fared.
struct Verdict {
    chain: String,
    id: String,
    outcome: Outcome,
}

enum Outcome {
    Agrees,
    /// It cannot be told here, and why.
    Unjudged(String),
    Disagrees(String),
}

#[tokio::test]
async fn real_chains_apply_on_postgres_as_they_do_elsewhere() {
    agree("postgres", servers::Engine::Postgres, async |url| {
        sqlx::PgPool::connect(url)
            .await
            .expect("the server is there")
    })
    .await;
}

#[tokio::test]
async fn real_chains_apply_on_sqlite_as_they_do_elsewhere() {
    agree("sqlite", servers::Engine::Sqlite, async |url| {
        // The truth was measured as the `sqlite3` shell has it.
        let options: SqliteConnectOptions = url.parse().expect("a URL of sqlx");
        let options = options.foreign_keys(false);
        sqlx::SqlitePool::connect_with(options)
            .await
            .expect("a file can be made")
    })
    .await;
}

#[tokio::test]
async fn real_chains_apply_on_mysql_as_they_do_elsewhere() {
    agree("mysql", servers::Engine::MariaDb, async |url| {
        sqlx::MySqlPool::connect(url)
            .await
            .expect("the server is there")
    })
    .await;
}

async fn agree<DB: Engine>(
    engine: &str,
    server: servers::Engine,
    connect: impl AsyncFn(&str) -> Pool<DB>,
) where
    for<'c> &'c Pool<DB>: Executor<'c, Database = DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let Some(folder) = corpus::folder() else {
        announce(&format!(
            "skipped the corpus on {engine}: {} leads nowhere",
            corpus::CORPUS
        ));
        return;
    };
    let mut verdicts = Vec::new();
    let mut verified = Verified::default();
    for chain in corpus::chains(&folder, engine) {
        let _roles = Roles::alone(server).await;
        let Some(database) = Database::create(server) else {
            return;
        };
        let pool = connect(database.url()).await;
        for sql in chain.preludes() {
            sqlx::raw_sql(sql)
                .execute(&pool)
                .await
                .expect("the prelude runs");
        }
        // What is wrong with a DOWN does not keep the UP from running.
        let loaded = dir::load(&chain.dir, &chain.name, DB::DIALECT, Layout::UpDown);
        let migrations = Migrations::<DB>::from_set(loaded.set);
        verdicts.extend(apply(&chain, &migrations, &pool).await);
        // On SQLite a replay would only do the same once more.
        if DB::DIALECT != Dialect::Sqlite {
            verified.chain(&chain, &migrations, &pool).await;
        }
        pool.close().await;
    }
    report(engine, &verdicts);
    verified.report(engine);
}

/// What `verify` says of chains that were applied a moment ago.
#[derive(Default)]
struct Verified {
    chains: usize,
    clean: usize,
    /// How many objects the model says nothing about.
    not_compared: usize,
    /// What it tells all the same.
    told: Vec<String>,
}

impl Verified {
    async fn chain<DB: Engine>(
        &mut self,
        chain: &Chain,
        migrations: &Migrations<DB>,
        pool: &Pool<DB>,
    ) {
        let external = chain
            .preludes()
            .filter(|sql| sql.starts_with("CREATE TABLE"));
        let external = external.filter_map(|sql| sql.split(' ').nth(2));
        let verify = Verify::new().external(external);
        let found = match migrations.migrator().verify(pool, verify).await {
            Ok(found) => found,
            Err(error) => panic!("{}: {error}", chain.name),
        };
        self.chains += 1;
        self.not_compared += found.not_compared.len();
        match &found.drift {
            Drift::None => self.clean += 1,
            drift => self.told.push(format!("{}: {drift}", chain.name)),
        }
    }

    fn report(&self, engine: &str) {
        if self.chains == 0 {
            return;
        }
        announce(&format!(
            "drift on {engine}: {} of {} chains are clean right after they ran; {} objects are \
             not compared",
            self.clean, self.chains, self.not_compared
        ));
        assert!(self.told.is_empty(), "{}", self.told.join("\n"));
    }
}

fn report(engine: &str, verdicts: &[Verdict]) {
    let mut unjudged = BTreeMap::new();
    let mut disagreements = Vec::new();
    let mut agreed = 0;
    for Verdict { chain, id, outcome } in verdicts {
        match outcome {
            Outcome::Agrees => agreed += 1,
            Outcome::Unjudged(why) => *unjudged.entry((chain, why)).or_insert(0) += 1,
            Outcome::Disagrees(account) => disagreements.push(format!("{chain}/{id}: {account}")),
        }
    }
    let judged = agreed + disagreements.len();
    announce(&format!(
        "corpus on {engine}: {agreed} of {judged} judged files agree; {} of {} cannot be judged",
        verdicts.len() - judged,
        verdicts.len(),
    ));
    for ((chain, why), count) in unjudged {
        announce(&format!("  {count} files of {chain}: {why}"));
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n\n"));
}

async fn apply<DB: Engine>(
    chain: &Chain,
    migrations: &Migrations<DB>,
    pool: &Pool<DB>,
) -> Vec<Verdict> {
    let (done, error) = match migrations.up(pool).await {
        Ok(report) => (report.done, None),
        Err(error) => (error.report().done.clone(), Some(error)),
    };
    let mut limit = None;
    let mut verdicts = Vec::new();
    for (id, truth) in &chain.truth {
        let is_done = done.iter().any(|one| one.id == *id);
        let failed = error.as_ref().filter(|error| error.migration() == Some(id));
        if limit.is_none() && !is_done {
            limit = limit_of(chain, id, failed);
        }
        let agrees = match truth.up_applies.as_str() {
            "yes" => is_done,
            "no" => failed.is_some_and(has_position),
            _ => !is_done && failed.is_none(),
        };
        let outcome = match (&limit, agrees) {
            (Some(why), _) => Outcome::Unjudged(why.clone()),
            (None, true) => Outcome::Agrees,
            (None, false) => {
                let account = error
                    .as_ref()
                    .map_or("it applied".to_owned(), ToString::to_string);
                Outcome::Disagrees(format!("{} by the truth; {account}", truth.up_applies))
            }
        };
        verdicts.push(Verdict {
            chain: chain.name.clone(),
            id: id.clone(),
            outcome,
        });
    }
    verdicts
}

/// Why a chain cannot go on behind this migration, if that lies outside of the library.
fn limit_of(chain: &Chain, id: &str, failed: Option<&Error>) -> Option<String> {
    let known = LIMITS
        .iter()
        .find(|limit| (limit.0, limit.1, limit.2) == (&chain.engine, &chain.name, id));
    if let Some((.., why)) = known {
        return Some((*why).to_owned());
    }
    let message = &failed?.diagnostics().first()?.message;
    let expected = chain
        .truth
        .get(id)
        .is_some_and(|truth| truth.up_applies == "no");
    let missing = message.starts_with("extension ") && message.ends_with(" is not available");
    (missing && !expected).then(|| message.clone())
}

fn has_position(error: &Error) -> bool {
    error
        .diagnostics()
        .iter()
        .any(|found| found.severity == Severity::Error && found.position().is_some())
}
