//! What the README says other teams' scripts do is done here by commands that are there.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The heading of the table.
const TABLE: &str = "| what teams write for themselves | here |";

#[test]
fn every_command_of_the_table_is_there() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("the README is there");
    let (_, table) = readme.split_once(TABLE).expect("the table is there");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut calls = 0;
    for row in rows {
        let here = row.split('|').nth(2).expect("two columns");
        // Where none is named, an option is one of all commands that talk to a database.
        let mut page = help(&["up"]);
        for code in here.split('`').skip(1).step_by(2) {
            let words: Vec<&str> = code.split_whitespace().collect();
            let names = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
            if words[0].chars().all(|c| c.is_ascii_lowercase()) && words[0] != "latest" {
                let depth = 1 + usize::from(["backup", "repair"].contains(&words[0]));
                let command: Vec<&str> = words.iter().filter(names).take(depth).copied().collect();
                page = help(&command);
            }
            calls += 1;
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let is_known = page.split_whitespace().any(|word| word == *option);
                assert!(is_known, "{option} is no option in: {row}");
            }
        }
    }
    assert!(calls > 40, "{calls} commands and options were read");
}

fn help(command: &[&str]) -> String {
    let mut call = Command::new(env!("CARGO_BIN_EXE_backstitch"));
    let output = call.args(command).arg("--help").output();
    let output = output.expect("the program is there");
    assert!(output.status.success(), "{command:?} is no command");
    String::from_utf8(output.stdout).expect("help is text")
}
