//! Compares the model with the catalogues of real engines, migration by migration.
//!
//! `cargo run -p backstitch-tests --bin agree -- ../shared/corpus --engine postgres` prints how
//! often they agree and why not; `--list TEXT` names the differences whose cause holds the text,
//! `--chain` looks at one chain, `--step N` compares after each N-th migration only.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use backstitch_core::Dialect;
use backstitch_core::dir::{self, Layout};
use backstitch_tests::agreement::{self, Course};
use backstitch_tests::corpus;

/// What is asked on the command line.
struct Asked {
    corpus: Option<PathBuf>,
    engine: Option<String>,
    chain: Option<String>,
    list: Option<String>,
    step: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let asked = Asked::read();
    let Some(folder) = asked.corpus.clone().or_else(corpus::folder) else {
        println!("no corpus: name its folder");
        std::process::exit(2);
    };
    for engine in ["postgres", "sqlite", "mysql"] {
        if asked.engine.as_deref().is_none_or(|only| only == engine) {
            let courses = courses(&folder, engine, &asked).await;
            report(engine, &courses, &asked);
        }
    }
}

impl Asked {
    fn read() -> Asked {
        let mut asked = Asked {
            corpus: None,
            engine: None,
            chain: None,
            list: None,
            step: 1,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next();
            match word.as_str() {
                "--engine" => asked.engine = value(),
                "--chain" => asked.chain = value(),
                "--list" => asked.list = value(),
                "--step" => asked.step = value().and_then(|n| n.parse().ok()).unwrap_or(1),
                _ => asked.corpus = Some(PathBuf::from(word)),
            }
        }
        asked
    }
}

async fn courses(folder: &Path, engine: &str, asked: &Asked) -> Vec<(String, Course)> {
    let mut courses = Vec::new();
    for chain in corpus::chains(folder, engine) {
        if asked
            .chain
            .as_deref()
            .is_some_and(|only| only != chain.name)
        {
            continue;
        }
        let dialect = Dialect::from_name(engine).expect("the corpus names engines as we do");
        let set = dir::load(&chain.dir, &chain.name, dialect, Layout::UpDown).set;
        let course = agreement::follow_chain(&chain, &set, asked.step).await;
        courses.extend(course.map(|course| (chain.name, course)));
    }
    courses
}

fn report(engine: &str, courses: &[(String, Course)], asked: &Asked) {
    let compared: usize = courses.iter().map(|(_, course)| course.compared).sum();
    let equal: usize = courses.iter().map(|(_, course)| course.equal).sum();
    let known: usize = courses.iter().map(|(_, course)| course.known).sum();
    println!(
        "{engine}: {compared} migrations of {} chains compared, {equal} equal ({:.1} %), {known} known differences",
        courses.len(),
        100.0 * equal as f64 / compared.max(1) as f64
    );
    for (chain, course) in courses {
        if let Some((id, why)) = &course.stopped {
            println!("  {chain} stopped at {id}: {why}");
        }
    }
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for (chain, course) in courses {
        for (id, difference) in &course.differences {
            let cause = agreement::cause(difference);
            if asked
                .list
                .as_ref()
                .is_some_and(|text| cause.contains(text.as_str()))
            {
                println!("  {chain}/{id} {difference}");
            }
            *causes.entry(cause).or_default() += 1;
        }
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (cause, count) in causes {
        println!("  {count:5} {cause}");
    }
}
