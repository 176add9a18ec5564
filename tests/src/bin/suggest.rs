//! Asks for the DOWN of migrations that have lost theirs, and pastes what is suggested.
//!
//! `cargo run -p backstitch-tests --bin suggest -- ../shared/corpus` takes every migration that a
//! real engine has seen go and come back, leaves its DOWN out, and prints for each engine how many
//! are given a suggestion and how many of these are proven. `--list` names those without one,
//! `--write FOLDER` writes the chains with what was suggested, for a real engine to try.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_core::dir::{self, Layout};
use backstitch_core::migration::{self, Migration};
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Checked, Verdict};
use backstitch_core::source::Source;
use backstitch_core::{Dialect, Set};
use backstitch_tests::corpus::{self, Chain};

const ENGINES: [&str; 3] = ["postgres", "sqlite", "mysql"];

#[derive(Default)]
struct Asked {
    corpus: Option<PathBuf>,
    write: Option<PathBuf>,
    lists: bool,
}

#[derive(Default)]
struct Figures {
    /// Proven with the DOWN that they had.
    asked: usize,
    suggested: usize,
    proven: usize,
    without: Vec<String>,
}

fn main() {
    let mut asked = Asked::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => asked.lists = true,
            "--write" => asked.write = words.next().map(PathBuf::from),
            _ => asked.corpus = Some(PathBuf::from(word)),
        }
    }
    let Some(folder) = asked.corpus.clone().or_else(corpus::folder) else {
        println!("no corpus: name its folder");
        std::process::exit(2);
    };
    for engine in ENGINES {
        let mut figures = Figures::default();
        for chain in corpus::chains(&folder, engine) {
            measure(&chain, &asked, &mut figures);
        }
        report(engine, &figures, asked.lists);
    }
}

fn measure(chain: &Chain, asked: &Asked, figures: &mut Figures) {
    let dialect = Dialect::from_name(&chain.engine).expect("the corpus names engines as we do");
    let loaded = dir::load(&chain.dir, &chain.name, dialect, Layout::UpDown);
    let whole = check(&loaded.set);
    let reverts = |one: &&Migration| {
        let truth = chain.truth.get(&one.id);
        let reverts = truth.is_some_and(|truth| truth.down_reverts == "yes");
        // What is opaque has no known inverse; what changes nothing needs none.
        reverts && whole.proofs[&one.id].verdict == Verdict::Proven
    };
    let ids: Vec<String> = loaded
        .set
        .migrations
        .iter()
        .filter(reverts)
        .map(|one| one.id.clone())
        .collect();
    let stripped = loaded
        .set
        .migrations
        .iter()
        .map(|one| match ids.contains(&one.id) {
            true => with_down(one, None, dialect),
            false => one.clone(),
        });
    let (set, _) = Set::new(dialect, stripped.collect());
    let bare = check(&set);
    let mut pasted = BTreeMap::new();
    for id in &ids {
        if bare.proofs[id].verdict == Verdict::Proven {
            continue;
        }
        figures.asked += 1;
        match &bare.proofs[id].suggestion {
            Some(suggestion) => {
                let down = suggestion
                    .split_once("-- DOWN MIGRATION\n")
                    .expect("a section")
                    .1;
                pasted.insert(id.clone(), down.to_owned());
            }
            None => figures.without.push(format!("{}/{id}", chain.name)),
        }
    }
    let filled = loaded
        .set
        .migrations
        .iter()
        .map(|one| match pasted.get(&one.id) {
            Some(down) => with_down(one, Some(down), dialect),
            None => one.clone(),
        });
    let (set, _) = Set::new(dialect, filled.collect());
    let checked = check(&set);
    figures.suggested += pasted.len();
    for (id, down) in &pasted {
        match checked.proofs[id].verdict == Verdict::Proven {
            true => figures.proven += 1,
            false => println!(
                "NOT PROVEN {}/{id}\n{down}\n{:?}",
                chain.name, checked.proofs[id].verdict
            ),
        }
    }
    if let Some(folder) = &asked.write {
        write(&folder.join(&chain.engine).join(&chain.name), &set, &pasted);
    }
}

fn check(set: &Set) -> Checked {
    proof::check(set, &Options::default())
}

/// The migration with another DOWN, or none.
fn with_down(one: &Migration, down: Option<&str>, dialect: Dialect) -> Migration {
    let down = down.map(|down| Source::new("suggested.sql", down.to_owned()));
    let up = &one.up.source;
    let (migration, _) = migration::parse_up_down(&one.id, up, down.as_ref(), dialect);
    migration.expect("it could be read before")
}

/// The chain with what was suggested, and an empty DOWN where nothing was: that is not tried.
fn write(folder: &Path, set: &Set, pasted: &BTreeMap<String, String>) {
    fs::create_dir_all(folder).expect("a folder");
    for one in &set.migrations {
        let up = one.up.source.text();
        fs::write(folder.join(format!("{}.up.sql", one.id)), up).expect("writable");
        if let Some(down) = pasted.get(&one.id) {
            fs::write(folder.join(format!("{}.down.sql", one.id)), down).expect("writable");
        }
    }
}

fn report(engine: &str, figures: &Figures, lists: bool) {
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "{engine}: suggested {:.1} % of {}, proven {:.1} % of {}",
        share(figures.suggested, figures.asked),
        figures.asked,
        share(figures.proven, figures.suggested),
        figures.suggested,
    );
    if lists {
        for one in &figures.without {
            println!("  {one}");
        }
    }
}
