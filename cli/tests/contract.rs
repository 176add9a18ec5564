//! `JSON.md` tells of every field that a command prints, and the command prints every field that it
//! tells of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use backstitch_tests::servers::Engine;
use serde_json::Value;

use crate::session::Session;

/// The sections, each with calls that together print all of it, and sections that it refers to.
const SECTIONS: [(&str, &[&str], &[&str]); 9] = [
    ("`check`", &["backstitch check --format json"], &[]),
    ("`plan`", &["backstitch plan --json --target 2"], &[]),
    (
        "`up`, `rollback`",
        &[
            "backstitch up --json --backup",
            "backstitch rollback --json --force --reason tried",
        ],
        &[],
    ),
    ("`status`", &["backstitch status --json"], &[]),
    (
        "`history`",
        &[
            "backstitch repair not-applied 2 --reason tried",
            "backstitch history --json",
        ],
        &["`status`"],
    ),
    ("`ping`", &["backstitch ping --json"], &[]),
    ("`backup list`", &["backstitch backup list --json"], &[]),
    ("`verify`", &["backstitch verify --json"], &[]),
    ("`optimize`", &["backstitch optimize --analyze --json"], &[]),
];

#[test]
fn every_field_is_told_and_every_told_field_is_there() {
    let session = Session::open("shop", Engine::Sqlite).expect("SQLite is always there");
    // Something to be found.
    let risky = session.folder().join("migrations/0002_orders.sql");
    let text = fs::read_to_string(&risky).expect("a file");
    let text = text.replace("DROP TABLE orders;", "DROP TABLE users;");
    fs::write(session.folder().join("migrations/0009_wrong.sql"), text).expect("writable");
    for (section, calls, others) in SECTIONS {
        let told = told(section);
        let elsewhere: BTreeSet<String> = others.iter().flat_map(|one| words(one)).collect();
        let elsewhere: BTreeSet<String> = words(section).union(&elsewhere).cloned().collect();
        let mut printed = BTreeSet::new();
        let mut first = BTreeSet::new();
        for call in calls {
            let output = session.call(call);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let Ok(json) = serde_json::from_str::<Value>(&text) else {
                assert!(call.contains("repair"), "{call}\n{text}");
                continue;
            };
            first.extend(json.as_object().expect("an object").keys().cloned());
            fields(&json, &mut printed);
        }
        let secret: Vec<_> = printed.difference(&elsewhere).collect();
        assert!(
            secret.is_empty(),
            "JSON.md does not tell of {secret:?} of {section}"
        );
        assert_eq!(told, first, "{section}: in JSON.md, and printed");
        if section == "`check`" {
            fs::remove_file(session.folder().join("migrations/0009_wrong.sql")).expect("there");
        }
    }
}

/// What one of the two has that people read by.
fn section(title: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("JSON.md");
    let text = fs::read_to_string(path).expect("it is there");
    let (_, rest) = text
        .split_once(&format!("\n## {title}\n"))
        .unwrap_or_else(|| panic!("JSON.md has no section {title}"));
    rest.split("\n## ").next().expect("a section").to_owned()
}

/// All words in backticks.
fn words(title: &str) -> BTreeSet<String> {
    section(title)
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The fields of the document itself: the first column of a table, or what stands before a colon or
/// in a list at the beginning of the section.
fn told(title: &str) -> BTreeSet<String> {
    let text = section(title);
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let names = |text: &str| -> Vec<String> {
        text.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    if !rows.is_empty() {
        return rows
            .iter()
            .flat_map(|row| names(row.split('|').nth(1).expect("a cell")))
            .collect();
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut depth = 0;
    let plain: String = text
        .chars()
        .filter(|sign| {
            depth += i32::from(*sign == '(');
            let is_plain = depth == 0;
            depth -= i32::from(*sign == ')');
            is_plain
        })
        .collect();
    // `steps`: for each … . `remaining`: …
    let sentences = plain.split_inclusive(". ");
    sentences
        .flat_map(|sentence| names(sentence.split(':').next().expect("a text")))
        .collect()
}

fn fields(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(object) => {
            for (name, value) in object {
                found.insert(name.clone());
                fields(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
