//! The rules say what they are meant to say, and nothing else.
//!
//! Pages are executed: the bad examples of a page raise exactly its rule, the good ones nothing. A
//! block marked `before` holds earlier migrations, whose tables are taken to hold rows; the block
//! behind it is the migration that is judged. Annotations that every migration needs are left out
//! where they do not matter.
//!
//! The cases of others are read from the folder that `BACKSTITCH_RULE_CASES` names, by default one
//! beside the repository, and each says in its first line what must be found.
#![cfg(feature = "model")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use backstitch_core::migration;
use backstitch_core::options::{self, Level, Options};
use backstitch_core::source::{Located, Source, Span};
use backstitch_core::{Diagnostic, Dialect, Set, Severity, proof, rule};

/// The migration that is judged.
const JUDGED: &str = "0002_judged";

#[test]
fn what_pages_say_is_so() {
    let mut wrong = Vec::new();
    for rule in rule::all() {
        let (bad, good) = rule.page.split_once("\n## Good\n").expect("a good example");
        let (_, bad) = bad.split_once("\n## Bad\n").expect("a bad example");
        for (examples, expected) in [(bad, Some(rule.code)), (good, None)] {
            let examples = examples_of(examples);
            if examples.is_empty() {
                wrong.push(format!("{}: an example is missing", rule.code));
            }
            for example in examples {
                let found = judge(&example, &loud(rule));
                if codes(&found) != expected.into_iter().collect() {
                    let what = if expected.is_some() { "bad" } else { "good" };
                    wrong.push(format!(
                        "{} ({what}):\n{}{}",
                        rule.code,
                        example.text,
                        shown(&found)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Options under which a rule is heard that is silent by itself.
fn loud(rule: &rule::Rule) -> Options {
    let mut options = Options::default();
    if rule.level == Level::Info {
        let (value, span) = (Level::Warn, Span::default());
        options
            .rules
            .insert(rule.code.to_owned(), Located { value, span });
    }
    options
}

#[test]
fn pages_have_one_form() {
    for rule in rule::all() {
        let mut parts = rule.page.split("\n\n");
        assert_eq!(parts.next(), Some(&*format!("# {}", rule.code)));
        let summary = parts.next().unwrap_or_default();
        assert!(
            summary.ends_with('.') && !summary.contains('\n'),
            "{}: {summary}",
            rule.code
        );
        for heading in ["\n## What it cannot see\n", "\n## Sources\n"] {
            assert!(rule.page.contains(heading), "{}: {heading}", rule.code);
        }
    }
}

#[test]
fn rules_are_in_order_and_have_names_of_their_own() {
    let names: Vec<&str> = rule::names().collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len());
    assert!(rule::all().is_sorted_by_key(|rule| rule.code));
}

#[test]
fn the_cases_of_others_are_judged_as_they_say() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/rule-cases");
    let named = std::env::var_os("BACKSTITCH_RULE_CASES").map(PathBuf::from);
    let Ok(entries) = fs::read_dir(named.unwrap_or(beside)) else {
        announce(
            "skipped the rule cases: there are none; BACKSTITCH_RULE_CASES names their folder",
        );
        return;
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "sql"))
        .collect();
    paths.sort();
    let mut wrong = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).expect("readable");
        let (example, expected) = case(&text);
        let found = judge(&example, &example.options);
        if codes(&found) != expected.iter().map(String::as_str).collect() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            wrong.push(format!("{name}: expected {expected:?}\n{}", shown(&found)));
        }
    }
    let right = paths.len() - wrong.len();
    announce(&format!(
        "rule cases: {right} of {} as expected",
        paths.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is to be judged.
struct Example {
    dialect: Dialect,
    options: Options,
    before: String,
    /// The migration, without the annotations that do not matter.
    text: String,
    /// What `@rollbackSafe` says where the migration does not.
    safe: bool,
}

/// The examples among these blocks of a page.
fn examples_of(markdown: &str) -> Vec<Example> {
    let mut before = String::new();
    let mut examples = Vec::new();
    for block in markdown.split("\n```").skip(1).step_by(2) {
        let (info, text) = block.split_once('\n').expect("a block");
        let words: Vec<&str> = info.split(' ').collect();
        let dialect = words.iter().find_map(|word| Dialect::from_name(word));
        if words.contains(&"before") {
            before = text.to_owned();
            continue;
        }
        examples.push(Example {
            dialect: dialect.expect("an engine"),
            options: Options::default(),
            before: std::mem::take(&mut before),
            text: format!("{text}\n"),
            safe: false,
        });
    }
    examples
}

/// The annotations that a migration needs and the example leaves out.
fn header(text: &str, safe: bool) -> String {
    let safe = safe.to_string();
    [
        ("@name", "Users"),
        ("@description", "The people who sign in."),
        ("@timestamp", "2026-01-05T10:00:00Z"),
        ("@rollbackSafe", &*safe),
    ]
    .iter()
    .filter(|(key, _)| !text.contains(&format!("{key}:")))
    .map(|(key, value)| format!("-- {key}: {value}\n"))
    .collect()
}

/// A case of others, and the codes that it expects.
fn case(text: &str) -> (Example, BTreeSet<String>) {
    let (first, _) = text.split_once('\n').expect("a first line");
    let (engine, expected) = first.split_once("; expect:").expect("what is expected");
    let words: Vec<&str> = engine
        .trim_start_matches("-- engine:")
        .split_whitespace()
        .collect();
    let dialect = match words.contains(&"flavor=mariadb") {
        true => Dialect::MariaDb,
        false => Dialect::from_name(words[0]).expect("an engine"),
    };
    let server = words.last().and_then(|word| word.parse().ok());
    let part = |name: &str| {
        let (_, behind) = text
            .split_once(&format!("\n-- @{name}\n"))
            .unwrap_or(("", ""));
        let end = ["before", "up", "down"]
            .iter()
            .filter_map(|next| behind.find(&format!("-- @{next}\n")));
        behind[..end.min().unwrap_or(behind.len())].to_owned()
    };
    let metas: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("-- @meta "))
        .map(|meta| format!("-- @{meta}\n"))
        .collect();
    let alone = match text.contains("\n-- options: tx=off\n") {
        true => "-- @transaction: false\n",
        false => "",
    };
    let (up, down) = (part("up"), part("down"));
    let example = Example {
        dialect,
        options: Options {
            server,
            ..Options::default()
        },
        before: part("before"),
        text: format!("{alone}{metas}-- UP MIGRATION\n{up}\n-- DOWN MIGRATION\n{down}\n"),
        safe: true,
    };
    let expected = expected
        .split(',')
        .map(str::trim)
        .filter(|code| *code != "none");
    (example, expected.map(str::to_owned).collect())
}

/// All that is found about the migration that is judged.
fn judge(example: &Example, options: &Options) -> Vec<Diagnostic> {
    let mut migrations = Vec::new();
    let mut found = Vec::new();
    if !example.before.trim().is_empty() {
        let text = format!(
            "-- @irreversible: it is the ground\n-- UP MIGRATION\n{}\n",
            example.before
        );
        let source = Source::new("0001_before.sql", text);
        migrations.extend(migration::parse("0001_before", &source, example.dialect).0);
    }
    let text = format!("{}{}", header(&example.text, example.safe), example.text);
    let source = Source::new(format!("{JUDGED}.sql"), text);
    let (judged, diagnostics) = migration::parse(JUDGED, &source, example.dialect);
    migrations.extend(judged);
    found.extend(diagnostics);
    for diagnostic in &mut found {
        diagnostic
            .migration
            .get_or_insert_with(|| JUDGED.to_owned());
    }
    let (set, diagnostics) = Set::new(example.dialect, migrations);
    found.extend(diagnostics);
    found.extend(proof::check(&set, options).diagnostics);
    found.retain(|one| one.migration.as_deref() == Some(JUDGED) && one.severity > Severity::Info);
    found
}

fn codes(found: &[Diagnostic]) -> BTreeSet<&str> {
    found.iter().map(|one| one.code).collect()
}

fn shown(found: &[Diagnostic]) -> String {
    use backstitch_core::render::{Style, render_all};
    match found.is_empty() {
        true => "nothing was found\n".to_owned(),
        false => render_all(found, Style::Plain),
    }
}

/// Tells it even where tests are quiet.
fn announce(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

// How findings become what people see.

const ORDERS: &str = "CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);";
const INDEX: &str = "CREATE INDEX orders_total_idx ON orders (total);";

/// What is said about an index that is built on a table with rows, as code and severity.
#[track_caller]
fn check(options: &str, above: &str, expected: &[(&str, Severity)]) {
    let (options, faults) = options::parse(&Source::new(options::FILE_NAME, options.to_owned()));
    assert_eq!(faults, []);
    let text = format!(
        "-- UP MIGRATION\n{above}\n{INDEX}\n-- DOWN MIGRATION\nDROP INDEX orders_total_idx;"
    );
    let before = format!("-- @irreversible: it is the ground\n-- UP MIGRATION\n{ORDERS}\n");
    let files = [
        ("0001_before", before),
        (JUDGED, format!("{}{text}\n", header(&text, false))),
        ("0003_later", "-- UP MIGRATION\nSELECT 1;\n".to_owned()),
    ];
    let migrations = files.map(|(id, text)| {
        migration::parse(
            id,
            &Source::new(format!("{id}.sql"), text),
            Dialect::Postgres,
        )
        .0
        .expect("a migration")
    });
    let (set, _) = Set::new(Dialect::Postgres, migrations.into());
    let found = proof::check(&set, &options).diagnostics;
    let found = found
        .iter()
        .filter(|one| one.migration.as_deref() == Some(JUDGED));
    let found: Vec<_> = found.map(|one| (one.code, one.severity)).collect();
    assert_eq!(found, expected, "{above}");
}

const CODE: &str = "index-not-concurrent";

#[test]
fn levels_are_those_of_the_options() {
    check("", "", &[(CODE, Severity::Warn)]);
    for (level, severity) in [
        ("info", Severity::Info),
        ("warn", Severity::Warn),
        ("deny", Severity::Error),
    ] {
        check(
            &format!("[rules]\n{CODE} = \"{level}\""),
            "",
            &[(CODE, severity)],
        );
        check(
            &format!("[rules]\nlocking = \"{level}\""),
            "",
            &[(CODE, severity)],
        );
    }
    check(&format!("[rules]\n{CODE} = \"allow\""), "", &[]);
    check(
        &format!("[rules]\nlocking = \"deny\"\n{CODE} = \"allow\""),
        "",
        &[],
    );
    check("[rules]\nstyle = \"deny\"", "", &[(CODE, Severity::Warn)]);
}

#[test]
fn small_tables_and_old_migrations_are_remarks() {
    check("small-tables = [\"orders\"]", "", &[(CODE, Severity::Info)]);
    check(
        "small-tables = [\"public.orders\"]",
        "",
        &[(CODE, Severity::Info)],
    );
    check("small-tables = [\"users\"]", "", &[(CODE, Severity::Warn)]);
    check("since = \"0002_judged\"", "", &[(CODE, Severity::Warn)]);
    check("since = \"0003_later\"", "", &[(CODE, Severity::Info)]);
}

#[test]
fn an_allow_needs_a_rule_that_fires_and_a_reason() {
    let allow = |rule: &str, reason: &str| format!("-- @allow: {rule} ({reason})");
    check("", &allow(CODE, "nobody writes at night"), &[]);
    check(
        "",
        &allow(CODE, "todo"),
        &[("allow-without-reason", Severity::Error)],
    );
    check("", &allow(CODE, "it is fine"), &[]);
    check(
        "",
        &allow(CODE, CODE),
        &[("allow-without-reason", Severity::Error)],
    );
    let unknown = allow("index-not-concurent", "nobody writes at night");
    check(
        "",
        &unknown,
        &[(CODE, Severity::Warn), ("allow-unknown", Severity::Error)],
    );
    let stale = allow("drop-table-loses-data", "nobody writes at night");
    check(
        "",
        &stale,
        &[(CODE, Severity::Warn), ("allow-stale", Severity::Warn)],
    );
    let off = "[rules]\ndrop-table-loses-data = \"allow\"";
    check(off, &stale, &[(CODE, Severity::Warn)]);
}
