//! What must hold for every folder, however odd what stands in it: all that reads what people write
//! ends, without panic and on a small stack, and what it says points into a text.
//!
//! Texts are statements, as `whole/` has them for each family of engines, in which a few tokens are
//! left out, doubled, swapped or replaced by signs that are longer than a byte.
#![cfg(feature = "model")]

use backstitch_core::checksum::Role;
use backstitch_core::dir::{Layout, Loaded};
use backstitch_core::migration::{Foreign, Habit, Markers, Text};
use backstitch_core::options::{self, Options};
use backstitch_core::proof::{self, Extent};
use backstitch_core::render::{Finding, Style, render};
use backstitch_core::report::Report;
use backstitch_core::source::{Source, Span};
use backstitch_core::{
    Diagnostic, Dialect, Migration, Set, change, facts, lockfile, migration, resume,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const POSTGRES: &str = include_str!("whole/postgres.sql");
const MYSQL: &str = include_str!("whole/mysql.sql");
const SQLITE: &str = include_str!("whole/sqlite.sql");

/// What takes the place of a token: signs of several bytes, and what opens, closes or separates.
const ODD: &[&str] = &[
    "ü",
    "名",
    "😀",
    "\u{feff}",
    "\0",
    "\u{a0}",
    "\u{301}",
    "ſ",
    "İ",
    "ß",
    "$",
    "$$",
    "$ü$",
    "'",
    "''",
    "'ü",
    "\"",
    "\"ü\"",
    "`",
    "`ü`",
    "[",
    "]",
    "[ü]",
    "(",
    ")",
    "{",
    "}",
    ";",
    "\\",
    "/*",
    "*/",
    "/*!",
    "--",
    "-- @",
    "#",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "@",
    ":",
    "::",
    ",",
    ".",
    "..",
    "=",
    "?",
    "%",
    "|",
    "||",
    "<",
    "*",
    "-",
    "0x",
    "1e",
    "99999999999999999999999999",
    "E'",
    "U&'",
    "N'",
    "x'",
    "NULL",
    "a.b.c.d",
    "TABLE",
    "SELECT",
    "FROM",
    "ON",
    "AS",
    "TO",
    "BEGIN",
    "END",
    "$1",
];

const HEADERS: &[&str] = &[
    "-- @name: a",
    "-- @description: b\n--   ü\n--\tc",
    "-- @timestamp: 2026-01-05T10:00:00Z",
    "-- @timestamp: 2026-01-05 10:00",
    "-- @rollbackSafe: false",
    "-- @rollbackSafe: on",
    "-- @performanceImpact: low",
    "-- @dependencies: [0001_a, 0002_a]",
    "-- @dependencies: [ü,]",
    "-- @transaction: false",
    "-- @phase: expand",
    "-- @irreversible: ü",
    "-- @foreignKeys: off",
    "-- @lockTimeout: 5s",
    "-- @lockTimeout: 99999999999999999999h",
    "-- @lockTimeout: 5ü",
    "-- @statementTimeout: 1.5 s",
    "-- @supersedes: v1:aabb",
    "-- @step: a.b-c",
    "-- @assumes: [table auth.users, extension postgis]",
    "-- @assumes: [column \"a.b\".c.d, ü, \"]",
    "-- @external: [ü]",
    "-- @allow: drop-table-loses-data (ü)",
    "-- @allow: ü",
    "-- @batch: 100, pause 5ms, at most 3 rounds",
    "-- @batch: 5, at most ü rounds",
    "-- @ü: ü",
    "/* @name: a */",
    "-- CHECK BEFORE: ü\nSELECT 1;",
    "-- CHECK AFTER\nSELECT 1; SELECT 2;",
    "-- UP MIGRATION",
    "-- DOWN MIGRATION (ü)",
    "-- migrate:up transaction:false",
    "-- migrate:down",
    "-- +goose Up",
    "-- +goose Down",
    "-- +goose StatementBegin",
    "-- +goose NO TRANSACTION",
];

const OPTIONS: &[&str] = &[
    "engine = \"postgres\"",
    "engine = \"ü\"",
    "server = \"14.2\"",
    "server = \"8.0.31-ü\"",
    "server = \"99999999999999999999.1\"",
    "server = \".\"",
    "server = 14",
    "since = \"0001_a\"",
    "since = \"after 0002_ü\"",
    "small-tables = [\"ü\", 5]",
    "external = [\"table ü.x\", \"public.*\"]",
    "external = [\"function f(\", \"\\\"\", \"a.b.c.d\", \"\", \"*\"]",
    "versions = \"timestamp\"",
    "schema = \"\\u00fc'\"",
    "seeds = 1979-05-27",
    "dir = ü",
    "[rules]",
    "drop-table-loses-data = \"warn\"",
    "ü = \"deny\"",
    "[rules.ü]",
    "x = [[[[",
    "= \"\"\"",
];

const CHECKED: &str = "-- @name: a\n-- @description: b\n-- @timestamp: 2026-01-05T10:00:00Z\n\
                       -- @rollbackSafe: false\n";

/// A small mistake in a text, at a place among its tokens.
#[derive(Clone, Debug)]
enum Slip {
    Drop,
    Double,
    Swap,
    Replace(&'static str),
    Insert(&'static str),
    Cut,
}

fn slips(most: usize) -> impl Strategy<Value = Vec<(Slip, Index)>> {
    let slip = prop_oneof![
        2 => Just(Slip::Drop),
        2 => Just(Slip::Double),
        2 => Just(Slip::Swap),
        4 => select(ODD).prop_map(Slip::Replace),
        2 => select(ODD).prop_map(Slip::Insert),
        1 => Just(Slip::Cut),
    ];
    prop::collection::vec((slip, any::<Index>()), 0..=most)
}

/// Words and single signs, blanks included. Without the lexer, which is what is tried.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = match is_word(first) {
            true => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(len);
        tokens.push(token);
        rest = behind;
    }
    tokens
}

fn slipped(text: &str, slips: &[(Slip, Index)]) -> String {
    let mut tokens = tokens(text);
    for (slip, place) in slips {
        if tokens.is_empty() {
            break;
        }
        let at = place.index(tokens.len());
        let next = (at + 2).min(tokens.len() - 1);
        match slip {
            Slip::Drop => drop(tokens.remove(at)),
            Slip::Double => tokens.insert(at, tokens[at]),
            Slip::Swap => tokens.swap(at, next),
            Slip::Replace(odd) => tokens[at] = odd,
            Slip::Insert(odd) => tokens.insert(at, odd),
            Slip::Cut => tokens.truncate(at),
        }
    }
    tokens.concat()
}

fn statement(dialect: Dialect, place: &Index) -> &'static str {
    let all = match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite => SQLITE,
        Dialect::MySql | Dialect::MariaDb => MYSQL,
    };
    let lines: Vec<&str> = all.lines().collect();
    lines[place.index(lines.len())]
}

fn dialects() -> impl Strategy<Value = Dialect> {
    select(&Dialect::ALL[..])
}

/// Some statements, most of them as they should be.
type Body = Vec<(Index, Vec<(Slip, Index)>)>;

fn body() -> impl Strategy<Value = Body> {
    let slips = prop_oneof![2 => Just(Vec::new()), 3 => slips(3)];
    prop::collection::vec((any::<Index>(), slips), 0..6)
}

fn written(body: &Body, dialect: Dialect) -> String {
    body.iter()
        .map(|(place, slips)| slipped(statement(dialect, place), slips) + "\n")
        .collect()
}

/// One file, or two, of a set.
#[derive(Clone, Debug)]
struct File {
    header: Vec<&'static str>,
    up: Body,
    down: Option<Body>,
    slips: Vec<(Slip, Index)>,
}

fn file() -> impl Strategy<Value = File> {
    let header = prop::collection::vec(select(HEADERS), 0..4);
    let slips = prop_oneof![3 => Just(Vec::new()), 1 => slips(2)];
    let parts = (header, body(), prop::option::of(body()), slips);
    parts.prop_map(|(header, up, down, slips)| File {
        header,
        up,
        down,
        slips,
    })
}

impl File {
    /// The migration as this layout has it.
    fn parse(
        &self,
        version: u64,
        dialect: Dialect,
        layout: Layout,
    ) -> (Option<Migration>, Vec<Diagnostic>) {
        let id = format!("{version:04}_a");
        let (header, up) = (self.header.join("\n"), written(&self.up, dialect));
        let down = self.down.as_ref().map(|down| written(down, dialect));
        let source = |name: &str, text: &str| Source::new(name, slipped(text, &self.slips));
        let under = |up_marker: &str, down_marker: &str| {
            let down = down.iter().map(|down| format!("\n{down_marker}\n{down}"));
            let text = format!("{header}\n{up_marker}\n{up}{}", down.collect::<String>());
            source("m.sql", &text)
        };
        let foreign = |text| {
            let foreign = Foreign {
                id: &id,
                version,
                slug: "a",
                text,
                habit: [Habit::InTransaction, Habit::Bare, Habit::InOneMessage]
                    [self.header.len() % 3],
            };
            migration::parse_foreign(&foreign, dialect)
        };
        match layout {
            Layout::Annotated => {
                let first = format!("{CHECKED}{header}\n-- UP MIGRATION");
                let source = under(&first, "-- DOWN MIGRATION");
                migration::parse(&id, &source, dialect)
            }
            Layout::Dbmate => foreign(Text::Together(
                &under("-- migrate:up", "-- migrate:down"),
                Markers::Migrate,
            )),
            Layout::Goose => foreign(Text::Together(
                &under("-- +goose Up", "-- +goose Down"),
                Markers::Goose,
            )),
            _ => {
                let down = down.map(|down| source("m.down.sql", &down));
                let up = source("m.up.sql", &up);
                foreign(Text::Apart {
                    up: &up,
                    down: down.as_ref(),
                })
            }
        }
    }
}

/// The whole way of a folder through the checks, with what must hold at its end.
fn check(files: &[File], dialect: Dialect, layout: Layout, toml: &str) {
    let (options, found) = options::parse(&Source::new("backstitch.toml", toml.to_owned()));
    let (mut migrations, mut diagnostics) = (Vec::new(), Vec::new());
    for (file, version) in files.iter().zip(1..) {
        let (migration, found) = file.parse(version, dialect, layout);
        let is_wrong = found
            .iter()
            .any(|one| one.severity == backstitch_core::Severity::Error);
        if let Some(migration) = &migration {
            read_again(migration, dialect, is_wrong);
        }
        migrations.extend(migration);
        diagnostics.extend(found);
    }
    let (set, found_of_set) = Set::new(dialect, migrations);
    diagnostics.extend(found_of_set);
    let (lock, of_lock) = lockfile::parse(&Source::new("backstitch.lock", lockfile::write(&set)));
    assert!(of_lock.is_empty() && lockfile::compare(&lock, &set).is_empty());
    follow(&set, &options);
    let loaded = Loaded {
        set,
        diagnostics,
        unread: Vec::new(),
        files: Vec::new(),
    };
    tell(&Report::of(loaded, layout, &options, found).diagnostics);
}

/// What comes of a migration beside the checks: what is embedded, stored and looked up later.
fn read_again(migration: &Migration, dialect: Dialect, is_wrong: bool) {
    let facts = migration.to_facts();
    let again = Migration::from_facts(&facts, migration.source()).expect("facts come back");
    assert_eq!(again.checksum, migration.checksum);
    let scripts = [Some(&migration.up), migration.down.as_ref()];
    for script in scripts.into_iter().flatten() {
        let _ = resume::controls_transactions(script, dialect);
        let _ = resume::prefixes(script, Role::Down, dialect);
        for statement in &script.statements {
            let _ = resume::read(statement.span.of(script.source.text()), dialect);
        }
    }
    if let Some(stored) = migration::stored_down(migration) {
        match migration::parse_stored_down(&stored, "stored", dialect) {
            Ok(stored) if !is_wrong => {
                assert_eq!(Some(stored.checksum), migration.down_checksum);
            }
            Ok(_) => {}
            Err(found) => {
                // An UP that does not end hides that a DOWN begins with what is for a client.
                let is_hidden = found.iter().all(|one| one.code == "client-command");
                assert!(
                    is_wrong || is_hidden,
                    "what is stored comes back: {found:#?}"
                );
            }
        }
    }
}

/// What `verify` asks the model.
fn follow(set: &Set, options: &Options) {
    let extent = |migration: &Migration| match migration.version % 3 {
        0 => Extent::Partly,
        _ => Extent::Whole,
    };
    let schema = proof::forward(set, options, extent, |stage| {
        for key in &stage.touched {
            let _ = facts::of_object(key, stage.schema);
        }
    });
    let model = facts::of_schema(&schema);
    let mut engine = model.clone();
    engine.objects.pop_first();
    for (one, other) in [(&model, &engine), (&engine, &model)] {
        for found in facts::disagreements(one, other, set.dialect) {
            let _ = facts::remedy(&schema, &found.object, &found.about);
        }
    }
}

/// Every caret stands under words, and every way to write it down ends.
fn tell(found: &[Diagnostic]) {
    for one in found {
        for label in &one.labels {
            let text = label.source.text();
            assert!(text.get(label.span.range()).is_some(), "{one:#?}");
        }
        for style in [Style::Plain, Style::Ansi] {
            assert!(render(one, style).ends_with('\n'));
        }
        serde_json::to_string(&Finding::from(one)).expect("plain data");
    }
}

/// On no more of a stack than threads have of their own accord.
fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let thread = thread.spawn(work).expect("a thread can be made");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// How many cases are tried; more where `PROPTEST_CASES` asks for more.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let asked = asked.and_then(|asked| asked.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn whole_sets_are_checked(
        files in prop::collection::vec(file(), 1..5),
        dialect in dialects(),
        layout in select(&[Layout::Annotated, Layout::Annotated, Layout::UpDown, Layout::Dbmate, Layout::Goose][..]),
        toml in prop::collection::vec(select(OPTIONS), 0..2),
    ) {
        on_a_thread(move || check(&files, dialect, layout, &toml.join("\n")));
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn statements_are_read(place in any::<Index>(), slips in slips(3), dialect in dialects()) {
        let text = slipped(statement(dialect, &place), &slips);
        on_a_thread(move || {
            let span = Span::new(0..text.len());
            if let Err(error) = change::read(&text, span, dialect) {
                assert!(text.get(error.span.range()).is_some(), "{error:?}");
                let _ = change::mend(&text, span, dialect, &error);
            }
            let _ = change::unread(&text, span, dialect, "a test");
            let _ = resume::read(&text, dialect);
            let _ = resume::mentions(&text, "author", dialect);
            let _ = migration::parse_stored_down(&text, "stored", dialect);
        });
    }

    #[test]
    fn headers_are_read(
        lines in prop::collection::vec(select(HEADERS), 0..8),
        slips in slips(4),
        dialect in dialects(),
    ) {
        let text = slipped(&lines.join("\n"), &slips) + "\n-- UP MIGRATION\nSELECT 1;";
        tell(&migration::parse("0001_a", &Source::new("m.sql", text), dialect).1);
    }

    #[test]
    fn options_and_locks_are_read(
        lines in prop::collection::vec(select(OPTIONS), 0..5),
        slips in slips(4),
    ) {
        let toml = slipped(&lines.join("\n"), &slips);
        let (options, found) = options::parse(&Source::new("backstitch.toml", toml));
        tell(&found);
        tell(&options.check_rules(["drop-table-loses-data"]));
        let text = "-- @name: a\n-- UP MIGRATION\nSELECT 1;";
        let (migration, _) = migration::parse("0001_a", &Source::new("m.sql", text), Dialect::Sqlite);
        let (set, _) = Set::new(Dialect::Sqlite, migration.into_iter().collect());
        tell(options.check_since(&set).as_slice());
        let lock = slipped(&lockfile::write(&set), &slips);
        let (lock, found) = lockfile::parse(&Source::new("backstitch.lock", lock));
        tell(&found);
        tell(&lockfile::compare(&lock, &set));
    }
}

/// Values and keys of the options nest as deep as somebody writes them.
#[test]
fn options_nest_without_end() {
    on_a_thread(|| {
        for (before, deep, behind) in [
            ("x = ", "[", ""),
            ("x = ", "{a = ", ""),
            ("", "a.", "a = 1"),
            ("[", "a.", "a]\nb = 1"),
            ("[rules]\n", "a.", "a = 1"),
            ("", "[[a]]\n", ""),
            ("", "[a]\n", ""),
            ("", "x = 1\n", ""),
            ("external = [", "\"ü\", ", "]"),
        ] {
            for times in [100, 10_000] {
                let text = format!("{before}{}{behind}", deep.repeat(times));
                let source = Source::new("backstitch.toml", text);
                let (options, found) = options::parse(&source);
                tell(&found);
                tell(&options.check_rules([]));
            }
        }
    });
}
