//! Rehearses the SQLite chains of the corpus and compares with what SQLite did with each file.
//!
//! The figures are printed (`--nocapture`); what must never be is asserted. Without the corpus
//! there is nothing to compare.
#![cfg(feature = "sqlite")]
// The figures are what this test is for.
#![allow(clippy::print_stdout)]

// The reader of the corpus is shared with the tests that cross crates.
#[path = "../../tests/src/corpus.rs"]
#[allow(dead_code, unreachable_pub)]
mod corpus;

use std::collections::BTreeMap;
use std::time::Instant;

use backstitch_core::dir::{self, Layout};
use backstitch_core::options::Options;
use backstitch_core::sqlite::{Outcome, rehearse};
use backstitch_core::{Dialect, Severity};

#[test]
fn what_is_found_is_true() {
    let Some(folder) = corpus::folder() else {
        return;
    };
    let dialect = Dialect::Sqlite;
    let mut table: BTreeMap<(String, &str), u32> = BTreeMap::new();
    let (mut false_errors, mut false_reverts, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut elapsed = std::time::Duration::ZERO;
    let (mut count, mut suggested) = (0, 0);
    for chain in corpus::chains(&folder, dialect.name()) {
        let loaded = dir::load(&chain.dir, &chain.name, dialect, Layout::UpDown);
        let start = Instant::now();
        let rehearsals = rehearse(&loaded.set, &Options::default());
        elapsed += start.elapsed();
        for (migration, rehearsal) in loaded.set.migrations.iter().zip(&rehearsals) {
            suggested += u32::from(rehearsal.suggestion.is_some());
            let Some(truth) = chain.truth.get(&migration.id) else {
                continue;
            };
            count += 1;
            let errors = rehearsal
                .diagnostics
                .iter()
                .filter(|d| d.severity == Severity::Error);
            let errors: Vec<_> = errors
                .map(|d| format!("{}: {}", d.code, d.message))
                .collect();
            let outcome = match &rehearsal.outcome {
                Outcome::Reverts => "reverts",
                Outcome::ColumnOrderOnly => "column order",
                Outcome::Broken(_) => "broken",
                Outcome::DownFails => "down fails",
                Outcome::UpFails => "up fails",
                Outcome::Missing => "missing",
                Outcome::Irreversible => "irreversible",
                Outcome::Unknown(_) => "unknown",
            };
            let said = format!(
                "{} runs={} reverts={}",
                truth.down_present, truth.down_runs, truth.down_reverts
            );
            *table.entry((said, outcome)).or_default() += 1;
            let because = match &rehearsal.outcome {
                Outcome::Unknown(because) => because.as_str(),
                _ => "",
            };
            let line = format!(
                "{}/{} {outcome} {because} {errors:?} | {}",
                chain.name, migration.id, truth.note
            );
            let reverts = truth.down_reverts == "yes";
            if !errors.is_empty() && reverts || matches!(rehearsal.outcome, Outcome::UpFails) {
                false_errors.push(line);
            } else if matches!(rehearsal.outcome, Outcome::Reverts) && !reverts {
                false_reverts.push(line);
            } else if !because.is_empty()
                || matches!(rehearsal.outcome, Outcome::ColumnOrderOnly)
                    != (truth.down_reverts == "colorder")
            {
                rest.push(line);
            }
        }
    }
    println!(
        "{count} migrations in {:.0} ms, {suggested} ways back suggested",
        elapsed.as_secs_f64() * 1e3
    );
    for ((said, outcome), count) in &table {
        println!("{count:5}  {said:32} {outcome}");
    }
    println!("the rest:\n{}", rest.join("\n"));
    println!("false errors:\n{}", false_errors.join("\n"));
    println!("false reverts:\n{}", false_reverts.join("\n"));
    assert!(false_errors.is_empty() && false_reverts.is_empty());
}
