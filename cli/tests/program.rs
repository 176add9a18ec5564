//! The programs as people call them, screen by screen.
//!
//! A file in `tests/screens` is a session: each line that begins with `$` is called in
//! `tests/projects`, and what follows is what the screen shows, standard error marked with `!` and
//! an exit code other than zero in brackets. `BLESS=1` writes the files anew: read each as a user
//! would.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[test]
fn screens_look_as_expected() {
    let mut wrong = Vec::new();
    for file in screens() {
        let expected = fs::read_to_string(&file).expect("a screen");
        let calls = expected.lines().filter_map(|line| line.strip_prefix("$ "));
        let shown: Vec<String> = calls.map(screen).collect();
        let shown = shown.join("\n");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&file, shown).expect("writable");
        } else if shown != expected {
            wrong.push(format!("{}:\n{shown}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What code scanning services refuse a file without, and what would lead them astray.
#[test]
fn sarif_is_what_its_schema_asks_for() {
    let output = call("backstitch check broken --format sarif");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["version"], "2.1.0");
    assert!(
        document["$schema"]
            .as_str()
            .is_some_and(|url| url.ends_with("sarif-2.1.0.json"))
    );
    let runs = document["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "backstitch");
    let rules = driver["rules"].as_array().expect("rules");
    let results = runs[0]["results"].as_array().expect("results");
    assert!(results.len() > 3, "{results:#?}");
    for result in results {
        let rule = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        let level = result["level"].as_str().expect("a level");
        assert!(["error", "warning", "note"].contains(&level), "{level}");
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        let locations = result["locations"].as_array().expect("a place");
        let related = result["relatedLocations"].as_array().into_iter().flatten();
        for location in locations.iter().chain(related) {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"]
                .as_str()
                .expect("a file");
            assert!(!uri.starts_with('/') && !uri.contains([' ', '\\']), "{uri}");
            let region = physical["region"].as_object().expect("a region");
            assert!(
                region.values().all(|number| number.as_u64() >= Some(1)),
                "{region:?}"
            );
        }
    }
}

/// Not a screen, since each new rule adds a line.
#[test]
fn all_codes_are_listed_and_explained() {
    let output = call("backstitch explain");
    let list = String::from_utf8(output.stdout).expect("text");
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(codes.len() > 70, "{list}");
    assert!(codes.is_sorted(), "{list}");
    for code in [
        "annotation-missing",
        "drop-table-loses-data",
        "version-duplicate",
    ] {
        assert!(codes.contains(&code), "{code} is not in\n{list}");
        assert_eq!(
            call(&format!("backstitch explain {code}")).status.code(),
            Some(0)
        );
    }
}

/// `backstitch check | head -n 1`: what is found and the exit code do not depend on the reader.
#[test]
fn a_reader_may_go_away() {
    let folder = many(1_000, "SELECT 'x;\n");
    let mut child = program("backstitch")
        .args(["check", "--engine", "postgres"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    drop(reader);
    let output = child.wait_with_output().expect("the program ends");
    assert!(line.starts_with("error["), "{line}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

/// A device that is full is an error, and no panic.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_told() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let output = program("backstitch")
        .arg("explain")
        .stdout(full.expect("every Linux has it"))
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.starts_with("error: the output cannot be written: "),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(1));
}

fn screens() -> Vec<PathBuf> {
    let entries = fs::read_dir(tests().join("screens")).expect("the screens");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a screen").path())
        .collect();
    files.sort();
    assert!(files.len() > 5, "the screens are gone");
    files
}

/// What a call shows.
fn screen(call_line: &str) -> String {
    let output = call(call_line);
    let mut shown = format!("$ {call_line}\n");
    shown += &String::from_utf8(output.stdout).expect("text");
    for line in String::from_utf8(output.stderr).expect("text").lines() {
        writeln!(shown, "{}", format!("! {line}").trim_end()).expect("a string");
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => writeln!(shown, "[exit {code}]").expect("a string"),
        None => shown += "[killed]\n",
    }
    // Colours are to be seen, and the version is to stay out of it.
    shown
        .replace('\x1b', "␛")
        .replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
}

/// Runs `cd FOLDER && NAME=VALUE PROGRAM ARGUMENTS`, the first two where they are given.
fn call(line: &str) -> Output {
    let (folder, line) = match line.strip_prefix("cd ") {
        Some(rest) => rest.split_once(" && ").expect("a call behind `cd`"),
        None => ("", line),
    };
    let words: Vec<&str> = line.split(' ').collect();
    let set = words.iter().take_while(|word| word.contains('=')).count();
    let (variables, words) = words.split_at(set);
    let variables = variables.iter().filter_map(|word| word.split_once('='));
    program(words[0])
        .args(&words[1..])
        .envs(variables)
        .current_dir(tests().join("projects").join(folder))
        .output()
        .expect("the program runs")
}

fn program(name: &str) -> Command {
    let path = match name {
        "backstitch" => env!("CARGO_BIN_EXE_backstitch"),
        "cargo-backstitch" => env!("CARGO_BIN_EXE_cargo-backstitch"),
        _ => panic!("{name} is no program of this crate"),
    };
    let mut command = Command::new(path);
    command.env_remove("NO_COLOR").env_remove("DATABASE_URL");
    command
}

/// A folder of so many migrations.
fn many(count: usize, up: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for version in 1..=count {
        let file = folder.path().join(format!("{version:04}_many.sql"));
        let text = format!("-- @name: Many\n\n-- UP MIGRATION\n{up}\n-- DOWN MIGRATION\n{up}");
        fs::write(file, text).expect("writable");
    }
    folder
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}
