//! Makes mistakes in real statements and compares our word on them with the engine's.
//!
//! `cargo run -p backstitch-tests --bin mutate -- ../shared/corpus --engine postgres --seed 1
//! --count 2000` prints the figures; `--list missed|refused|other` names the statements behind
//! them. Without `--engine` all engines are asked; servers are those of the tests.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use backstitch_tests::corpus;
use backstitch_tests::grammar::Grammar;
use backstitch_tests::servers::{Database, Engine};
use backstitch_tests::syntax::{self, Tally};

const ENGINES: [(&str, Engine); 3] = [
    ("postgres", Engine::Postgres),
    ("sqlite", Engine::Sqlite),
    ("mysql", Engine::MariaDb),
];

/// What is asked on the command line.
struct Asked {
    corpus: Option<PathBuf>,
    engine: Option<String>,
    list: Option<String>,
    seed: u64,
    count: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Asked::read();
    let Some(folder) = asked.corpus.clone().or_else(corpus::folder) else {
        println!("no corpus: name its folder");
        std::process::exit(2);
    };
    for (name, engine) in ENGINES {
        if asked.engine.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let Some(database) = Database::create(engine) else {
            continue;
        };
        let grammar = Grammar::of(&database).await.expect("the server is there");
        let chains = syntax::chains_of_corpus(&folder, name);
        let tally = syntax::measure(grammar, &chains, asked.seed, asked.count).await;
        report(name, &tally, &asked);
    }
}

impl Asked {
    fn read() -> Asked {
        let mut asked = Asked {
            corpus: None,
            engine: None,
            list: None,
            seed: 1,
            count: 2000,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().unwrap_or_default();
            match word.as_str() {
                "--engine" => asked.engine = Some(value()),
                "--list" => asked.list = Some(value()),
                "--seed" => asked.seed = value().parse().expect("a number"),
                "--count" => asked.count = value().parse().expect("a number"),
                _ => asked.corpus = Some(PathBuf::from(word)),
            }
        }
        asked
    }
}

fn report(engine: &str, tally: &Tally, asked: &Asked) {
    println!("{engine}, seed {}: {tally}", asked.seed);
    let lines = match asked.list.as_deref() {
        Some("missed") => &tally.missed,
        Some("refused") => &tally.wrongly_refused,
        Some("other") => &tally.refused_otherwise,
        _ => return,
    };
    for line in lines {
        println!("  {line}\n");
    }
}
