//! Statements with a mistake: what the engine takes for no SQL, we refuse before it sees it.
//!
//! Goal: where the engine's parser is satisfied we never speak of a syntax error, and where it is
//! not we nearly always do. Method: mistakes of a fixed seed in statements of our own, in the
//! migrations of the examples, and in the corpus where that is at hand.

use std::path::Path;

use backstitch::Layout;
use backstitch::core::Dialect;
use backstitch_tests::announce::announce;
use backstitch_tests::corpus;
use backstitch_tests::grammar::{Answer, Grammar};
use backstitch_tests::servers::{Database, Engine};
use backstitch_tests::syntax::{self, Chain};

/// How many of a hundred mistakes have to be found.
struct Demand {
    ours: usize,
    of_corpus: usize,
}

#[tokio::test]
async fn mistakes_in_sql_of_postgres_are_found() {
    let demand = Demand {
        ours: 99,
        of_corpus: 99,
    };
    agree("postgres", Engine::Postgres, demand).await;
}

/// SQLite itself is asked.
#[tokio::test]
async fn mistakes_in_sql_of_sqlite_are_found() {
    let demand = Demand {
        ours: 99,
        of_corpus: 99,
    };
    agree("sqlite", Engine::Sqlite, demand).await;
}

/// There is no second opinion for it, so most are left to the server.
#[tokio::test]
async fn what_is_sql_of_mysql_is_not_refused() {
    let demand = Demand {
        ours: 0,
        of_corpus: 0,
    };
    agree("mysql", Engine::MariaDb, demand).await;
}

async fn agree(name: &str, engine: Engine, demand: Demand) {
    let Some(database) = Database::create(engine) else {
        return;
    };
    for seed in 1..=3 {
        compare(name, &database, &our_chains(name), seed, 500, demand.ours).await;
    }
    let Some(folder) = corpus::folder() else {
        announce(&format!(
            "skipped mistakes in the corpus on {name}: {} leads nowhere",
            corpus::CORPUS
        ));
        return;
    };
    let chains = syntax::chains_of_corpus(&folder, name);
    compare(name, &database, &chains, 4, 2000, demand.of_corpus).await;
}

async fn compare(
    name: &str,
    database: &Database,
    chains: &[Chain],
    seed: u64,
    count: usize,
    percent: usize,
) {
    let grammar = Grammar::of(database).await.expect("the server is there");
    let tally = syntax::measure(grammar, chains, seed, count).await;
    announce(&format!("mistakes in SQL of {name}, seed {seed}: {tally}"));
    let list = |lines: &[syntax::Line]| {
        let lines = lines.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(
        tally.wrongly_refused.is_empty(),
        "{}",
        list(&tally.wrongly_refused)
    );
    assert!(tally.syntax * 4 > count, "hardly anything was a mistake");
    let missed = tally.missed.len();
    assert!(
        (tally.syntax - missed) * 100 >= percent * tally.syntax,
        "{missed} of {} missed:\n{}",
        tally.syntax,
        list(&tally.missed)
    );
}

fn our_chains(engine: &str) -> Vec<Chain> {
    let dialect = Dialect::from_name(engine).expect("a name of ours");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shapes = here.join("corpus/statements").join(engine);
    let example = here.join("../migrations/todo").join(engine);
    let mut chains = vec![syntax::load(&shapes, "shapes", dialect, Layout::UpDown)];
    if example.is_dir() {
        chains.push(syntax::load(&example, "todo", dialect, Layout::Annotated));
    }
    chains
}

/// The canary: both parties can tell SQL from what is none.
#[tokio::test]
async fn the_judges_are_awake() {
    for engine in [Engine::Postgres, Engine::Sqlite, Engine::MariaDb] {
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let mut grammar = Grammar::of(&database).await.expect("the server is there");
        assert_eq!(grammar.ask("SELECT 1").await, Answer::Parsed);
        let answer = grammar.ask("SELEC 1").await;
        assert!(matches!(answer, Answer::Syntax(_)), "{answer:?}");
    }
    for dialect in [Dialect::Postgres, Dialect::Sqlite, Dialect::MySql] {
        assert_eq!(syntax::refusal("SELECT 1", dialect), None);
        assert!(syntax::refusal("SELEC 1", dialect).is_some());
    }
}
