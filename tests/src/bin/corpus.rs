//! Compares what is proven without a database with what real engines did.
//!
//! `cargo run -p backstitch-tests --bin corpus -- ../shared/corpus` prints the figures of each
//! engine; `--list false-errors|false-proofs|unproven|missed|opaque` names the migrations behind
//! them, `--engine`, `--chain` and `--show ID` look closer. `--rules` counts what the rules find, and
//! `--rule CODE` shows it.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use backstitch_core::dir::Layout;
use backstitch_core::options::Options;
use backstitch_core::proof::{self, Checked, Proof, Verdict};
use backstitch_core::render::{self, Style};
use backstitch_core::{Diagnostic, Dialect, Severity, dir};
use backstitch_tests::corpus::{self, Chain, Truth};

const ENGINES: [&str; 3] = ["postgres", "sqlite", "mysql"];

/// What is asked on the command line.
#[derive(Default)]
struct Asked {
    corpus: Option<PathBuf>,
    list: Option<String>,
    engine: Option<String>,
    chain: Option<String>,
    show: Option<String>,
    rules: bool,
    rule: Option<String>,
}

/// What is counted for an engine.
#[derive(Default)]
struct Figures {
    /// How often each warning is found.
    warnings: BTreeMap<&'static str, usize>,
    false_errors: Vec<Line>,
    false_proofs: Vec<Line>,
    reverting: usize,
    unproven: Vec<Line>,
    broken: usize,
    missed: Vec<Line>,
    opaque: Vec<Line>,
    statements: usize,
}

/// A migration and what is said about it.
struct Line {
    migration: String,
    why: String,
}

fn main() {
    let asked = Asked::read();
    let Some(folder) = asked.corpus.clone().or_else(corpus::folder) else {
        println!("no corpus: name its folder");
        std::process::exit(2);
    };
    for engine in ENGINES {
        if asked.engine.as_deref().is_none_or(|only| only == engine) {
            let figures = measure(&folder, engine, &asked);
            report(engine, &figures, &asked);
        }
    }
}

impl Asked {
    fn read() -> Asked {
        let mut asked = Asked::default();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next();
            match word.as_str() {
                "--list" => asked.list = value(),
                "--engine" => asked.engine = value(),
                "--chain" => asked.chain = value(),
                "--show" => asked.show = value(),
                "--rules" => asked.rules = true,
                "--rule" => asked.rule = value(),
                _ => asked.corpus = Some(PathBuf::from(word)),
            }
        }
        asked
    }
}

fn measure(folder: &Path, engine: &str, asked: &Asked) -> Figures {
    let dialect = Dialect::from_name(engine).expect("the corpus names engines as we do");
    let mut figures = Figures::default();
    for chain in corpus::chains(folder, engine) {
        if asked
            .chain
            .as_deref()
            .is_some_and(|only| only != chain.name)
        {
            continue;
        }
        let loaded = dir::load(&chain.dir, &chain.name, dialect, Layout::UpDown);
        let checked = proof::check(&loaded.set, &Options::default());
        tell(&mut figures, &chain, &checked, asked);
        for (id, proof) in &checked.proofs {
            if let Some(truth) = chain.truth.get(id) {
                judge(&mut figures, &chain, id, truth, proof, &checked);
            }
            if asked.show.as_deref() == Some(id) {
                show(id, proof, &checked);
            }
        }
    }
    figures
}

/// Counts what the rules find, and shows what was asked for.
fn tell(figures: &mut Figures, chain: &Chain, checked: &Checked, asked: &Asked) {
    for found in &checked.diagnostics {
        if found.severity > Severity::Info {
            *figures.warnings.entry(found.code).or_default() += 1;
        }
        if asked.rule.as_deref() == Some(found.code) {
            println!("{}: {}", chain.name, render::render(found, Style::Plain));
        }
    }
}

fn show(id: &str, proof: &Proof, checked: &Checked) {
    println!("{:#?}", proof.verdict);
    for found in findings(checked, id) {
        println!("{}", render::render(found, Style::Plain));
    }
}

fn findings<'c>(checked: &'c Checked, id: &'c str) -> impl Iterator<Item = &'c Diagnostic> {
    checked
        .diagnostics
        .iter()
        .filter(move |found| found.migration.as_deref() == Some(id))
}

fn judge(
    figures: &mut Figures,
    chain: &Chain,
    id: &str,
    truth: &Truth,
    proof: &Proof,
    checked: &Checked,
) {
    let line = |why: String| Line {
        migration: format!("{}/{id}", chain.name),
        why,
    };
    figures.statements += proof.statements;
    if truth.up_applies != "yes" {
        return;
    }
    if let Some(error) = findings(checked, id).find(|found| {
        found.severity == Severity::Error
            && (truth.down_reverts == "yes" || truth.down_reverts == "colorder" || is_of_up(found))
    }) {
        figures
            .false_errors
            .push(line(format!("{}: {}", error.code, error.message)));
    }
    if proof.opaque > 0 {
        figures.opaque.push(line(because(&proof.verdict)));
    }
    let reverts = matches!(truth.down_reverts.as_str(), "yes" | "colorder");
    if reverts {
        figures.reverting += 1;
        if proof.verdict != Verdict::Proven {
            figures.unproven.push(line(because(&proof.verdict)));
        }
        return;
    }
    if truth.down_reverts != "no" {
        return;
    }
    if proof.verdict == Verdict::Proven {
        figures.false_proofs.push(line(truth.note.clone()));
    }
    if truth.down_present == "yes" {
        figures.broken += 1;
        if !matches!(proof.verdict, Verdict::Broken(_)) {
            figures.missed.push(line(format!(
                "{} || {}",
                because(&proof.verdict),
                truth.note
            )));
        }
    }
}

fn is_of_up(found: &Diagnostic) -> bool {
    found.section == Some(backstitch_core::diagnostic::Section::Up)
        && !found.code.starts_with("rollback")
}

fn because(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Unproven(reasons) => reasons.join("; "),
        Verdict::Broken(leftovers) => {
            let first = leftovers
                .first()
                .map(|left| format!("{} {} {:?}", left.key.name, left.part, left.difference));
            format!("broken: {}", first.unwrap_or_default())
        }
        Verdict::Proven | Verdict::Missing | Verdict::Irreversible => verdict.name().to_owned(),
    }
}

fn report(engine: &str, figures: &Figures, asked: &Asked) {
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "{engine}: false errors {}, false proofs {}, coverage {:.1} % of {}, catch {:.1} % of {}, {} statements",
        figures.false_errors.len(),
        figures.false_proofs.len(),
        share(
            figures.reverting - figures.unproven.len(),
            figures.reverting
        ),
        figures.reverting,
        share(figures.broken - figures.missed.len(), figures.broken),
        figures.broken,
        figures.statements,
    );
    if asked.rules {
        for (code, count) in &figures.warnings {
            println!("{count:7} {code}");
        }
    }
    let lines = match asked.list.as_deref() {
        Some("false-errors") => &figures.false_errors,
        Some("false-proofs") => &figures.false_proofs,
        Some("unproven") => &figures.unproven,
        Some("missed") => &figures.missed,
        Some("opaque") => &figures.opaque,
        _ => return,
    };
    for line in lines {
        println!("  {} {}", line.migration, line.why);
    }
    histogram(lines);
}

/// How often each reason is given, names left out.
fn histogram(lines: &[Line]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines {
        let words: Vec<&str> = line.why.split('`').step_by(2).collect();
        let reason: String = words.join("…").chars().take(70).collect();
        *counts.entry(reason).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (reason, count) in counts.iter().take(40) {
        println!("  {count:5} {reason}");
    }
}
