//! Makes up chains of migrations and compares our word on their ways back with what engines do.
//!
//! `cargo run -p backstitch-tests --bin differ -- --engine postgres --seed 1 --chains 50` prints the
//! figures, and each case on which we are wrong with whatever it does not need left out;
//! `--list unproven|unsaid` shows what is right and not known, and what the engine refuses and we do
//! not. `--played` asks SQLite in memory too, as the macro does. Servers are those of the tests.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use backstitch::Engine;
use backstitch_core::Dialect;
use backstitch_tests::differ::{Arena, Case, Disagreement, Opinion, Tally, kind_of, word};
use backstitch_tests::generate::Pool;
use backstitch_tests::servers;
use sqlx::{Executor, MySql, Postgres, Sqlite};

/// How many cases of a kind are shown.
const SHOWN: usize = 2;

/// What is asked on the command line.
struct Asked {
    engine: Option<String>,
    list: Option<String>,
    pool: Option<String>,
    cases: Option<String>,
    seed: u64,
    chains: u64,
    length: usize,
    opinion: Opinion,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Asked::read();
    let wants = |name: &str| asked.engine.as_deref().is_none_or(|only| only == name);
    if wants("postgres") {
        differ::<Postgres>(servers::Engine::Postgres, Dialect::Postgres, &asked).await;
    }
    if wants("sqlite") {
        differ::<Sqlite>(servers::Engine::Sqlite, Dialect::Sqlite, &asked).await;
    }
    if wants("mysql") {
        differ::<MySql>(servers::Engine::MariaDb, Dialect::MariaDb, &asked).await;
    }
}

impl Asked {
    fn read() -> Asked {
        let mut asked = Asked {
            engine: None,
            list: None,
            pool: None,
            cases: None,
            seed: 1,
            chains: 20,
            length: 8,
            opinion: Opinion::Model,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_default();
            match word.as_str() {
                "--engine" => asked.engine = Some(value()),
                "--list" => asked.list = Some(value()),
                "--cases" => asked.cases = Some(value()),
                "--pool" => asked.pool = Some(value()),
                "--seed" => asked.seed = value().parse().expect("a number"),
                "--chains" => asked.chains = value().parse().expect("a number"),
                "--length" => asked.length = value().parse().expect("a number"),
                "--played" => asked.opinion = Opinion::Played,
                _ => println!("`{word}` is not known"),
            }
        }
        asked
    }
}

async fn differ<DB: Engine>(server: servers::Engine, dialect: Dialect, asked: &Asked)
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'c> &'c mut DB::Connection: backstitch::Connect<'c, DB>,
{
    let Some(mut arena) = Arena::<DB>::open(server, dialect, asked.opinion).await else {
        return;
    };
    if let Some(file) = &asked.cases {
        let text = std::fs::read_to_string(file).expect("a file of cases");
        for case in Case::read(&text) {
            let truth = arena.truth(&case).await;
            let word = word(&case, dialect, asked.opinion);
            let said = word.error.unwrap_or_else(|| format!("{:?}", word.verdict));
            let mark = arena.judge(&case).await.map(|(wrong, _)| wrong);
            println!(
                "{:?} / {:?}\n  {truth:?}\n  {said}\n  {mark:?}",
                case.up, case.down
            );
        }
        return;
    }
    let pool = match &asked.pool {
        Some(file) => Pool::read(&std::fs::read_to_string(file).expect("a pool")),
        None => Pool::of(dialect),
    };
    let mut tally = Tally::default();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for seed in asked.seed..asked.seed + asked.chains {
        arena.play(&pool, seed, asked.length, &mut tally).await;
        for found in std::mem::take(&mut tally.disagreements) {
            let kind = format!("{:?} {}", found.wrong, kind_of(&found.why));
            let seen = kinds.entry(kind).or_default();
            *seen += 1;
            if *seen <= SHOWN {
                println!("seed {seed}: {}", arena.shrink(&found).await);
            }
        }
    }
    println!(
        "{}: {} chains, {} migrations, {} ways back; revert {} (proven {}), do not {} (broken {})",
        dialect.name(),
        asked.chains,
        tally.migrations,
        tally.downs,
        tally.reverting[0],
        tally.reverting[1],
        tally.broken[0],
        tally.broken[1]
    );
    for (kind, count) in &kinds {
        println!("{count:6} {kind}");
    }
    match asked.list.as_deref() {
        Some("unproven") => tell(&tally.unproven),
        Some("unsaid") => {
            for [why, statement] in &tally.unsaid {
                println!("  {statement}\n      {why}");
            }
        }
        _ => {}
    }
}

fn tell(all: &[Disagreement]) {
    for one in all {
        println!("{}\n  {:?}\n  {:?}", one.why, one.case.up, one.case.down);
    }
}
