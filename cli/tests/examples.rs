//! Every example of every help page is typed into a shell, in a project on SQLite where it makes
//! sense, and has to end well.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sqlx::migrate::Migrator;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// The pages, and what has happened in the project before one of their examples is typed.
const PAGES: [(&str, &str); 24] = [
    ("--help", "backstitch up && cp -r migrations db"),
    ("new --help", ""),
    (
        "check --help",
        "rm backstitch.toml && cp -r diesel db && rm -r db/*_users_login",
    ),
    ("explain --help", ""),
    (
        "import --help",
        "rm -r backstitch.toml migrations && cp -r $TOOL migrations",
    ),
    ("lock --help", "backstitch lock"),
    ("ping --help", ""),
    ("status --help", "backstitch up"),
    ("plan --help", "backstitch up --target 3"),
    ("up --help", "backstitch up --target 3"),
    (
        "rollback --help",
        "backstitch up --target 8 && backstitch up",
    ),
    ("redo --help", "backstitch up"),
    ("history --help", "backstitch up"),
    ("verify --help", "backstitch up"),
    ("repair --help", ""),
    ("baseline --help", ""),
    ("adopt --help", ""),
    ("seed --help", "backstitch up"),
    ("reset --help", "backstitch up"),
    ("optimize --help", "backstitch up"),
    ("graph --help", ""),
    (
        "backup --help",
        "backstitch up && backstitch backup create && ./name-the-copy",
    ),
    (
        "completions --help",
        "mkdir -p .local/share/bash-completion/completions .zfunc .config/fish/completions",
    ),
    ("manual --help", ""),
];

/// What an example needs beside what its page needs.
const FIRST: [(&str, &str); 6] = [
    (
        "adopt --from sqlx --accept",
        "sed -i 's/^CREATE TABLE t3 (id INTEGER/CREATE TABLE t3 (id INT/' migrations/0003_table.sql",
    ),
    ("repair applied", "true"),
    ("repair not-applied", "backstitch up"),
    ("repair resume", "./stop-in-the-middle; backstitch up; true"),
    ("repair checksum", "backstitch up && ./edit-the-up"),
    ("repair way-back", "backstitch up && ./edit-the-down"),
];

/// Examples that ask, where nobody is there to be asked, and what they say then.
const ASKING: [(&str, &str); 2] = [
    ("backstitch reset  ", "not-confirmed"),
    ("backstitch backup restore latest  ", "not-confirmed"),
];

#[test]
fn every_example_works() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (page, before) in PAGES {
        for example in examples(page) {
            count += 1;
            let project = Project::new();
            if page.starts_with("adopt") {
                project.is_migrated_by_sqlx();
            }
            if let Err(why) = project.tries(before, &example) {
                wrong.push(format!("{page}: {}\n{why}", example.line));
            }
        }
    }
    assert!(count > 60, "the examples are gone: {count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The pages of all commands are tried, and those below a command show the same.
#[test]
fn no_page_is_left_out() {
    for (page, below) in [
        ("repair", "applied not-applied resume checksum way-back"),
        ("backup", "create list restore prune"),
    ] {
        let shown = |page: &str| -> Vec<String> {
            examples(page)
                .into_iter()
                .map(|example| example.call)
                .collect()
        };
        for below in below.split(' ') {
            let below = shown(&format!("{page} {below} --help"));
            assert_eq!(below, shown(&format!("{page} --help")));
        }
    }
    let help = output(Command::new(env!("CARGO_BIN_EXE_backstitch")).arg("--help"));
    let text = String::from_utf8(help.stdout).expect("text");
    let commands = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().expect("a name");
        let tried = PAGES.iter().any(|(page, _)| page.starts_with(command));
        assert!(tried || command == "help", "{command}");
    }
}

struct Example {
    /// As it stands on the page.
    line: String,
    /// Without what is said about it.
    call: String,
}

/// The examples of a page: two spaces, the call, two spaces, what it does.
fn examples(page: &str) -> Vec<Example> {
    let help = output(Command::new(env!("CARGO_BIN_EXE_backstitch")).args(page.split(' ')));
    let text = String::from_utf8(help.stdout).expect("text");
    let text = text.split_once("\nExamples:\n").map(|(_, text)| text);
    let text = text.unwrap_or_else(|| panic!("{page}: no examples"));
    let lines = text.lines().take_while(|line| line.starts_with("  "));
    let calls = lines.filter(|line| !line.starts_with("   "));
    calls
        .map(|line| Example {
            line: format!("{}  ", line.trim()),
            call: line.trim().split("  ").next().expect("a call").to_owned(),
        })
        .collect()
}

/// The migrations of the project.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=9;

/// What one of them does.
fn up(version: u32) -> String {
    let users = match version {
        1 => "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
        _ => "",
    };
    format!(
        "{users}CREATE TABLE t{version} (id INTEGER PRIMARY KEY, other INTEGER);\n\
         CREATE INDEX t{version}_other ON t{version} (other);\n"
    )
}

struct Project(TempDir);

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project(folder);
        let write = |file: &str, text: &str| {
            let path = project.0.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        };
        write(".git/HEAD", "");
        write("backstitch.toml", "engine = \"sqlite\"\n");
        write(
            "seeds/0001_first.sql",
            "INSERT OR IGNORE INTO t1 (id) VALUES (1);\n",
        );
        for version in VERSIONS {
            let no_users = match version {
                1 => "DROP TABLE users;\n",
                _ => "",
            };
            let text = format!(
                "-- @name: Table {version}\n-- @description: A table.\n\
                 -- @timestamp: 2026-01-0{version}T10:00:00Z\n-- @rollbackSafe: true\n\n\
                 -- UP MIGRATION\n{}\n\
                 -- DOWN MIGRATION\nDROP TABLE t{version};\n{no_users}",
                up(version)
            );
            write(&format!("migrations/000{version}_table.sql"), &text);
        }
        write("data/todo.db", "");
        let tools = [
            ("start-the-service", "exit 0"),
            (
                "pg_dump",
                "echo 'CREATE TABLE first (id INTEGER PRIMARY KEY);'",
            ),
            (
                "name-the-copy",
                "cd backups && for f in *; do sed -i s/shop-[0-9TZ]*/shop-20260105T100000Z/g $f.json 2>/dev/null; mv $f shop-20260105T100000Z.${f#*.}; done; sed -i s/shop-[0-9TZ]*/shop-20260105T100000Z/g *.json",
            ),
            (
                "stop-in-the-middle",
                "cd migrations && sed -i '5a -- @transaction: false' 0007_table.sql && sed -i 's/^CREATE INDEX t7.*/&\\nINSERT INTO nowhere VALUES (1);/' 0007_table.sql",
            ),
            (
                "edit-the-up",
                "sed -i 's/^CREATE TABLE t7 (id INTEGER/CREATE TABLE t7 (id INT/' migrations/0007_table.sql",
            ),
            (
                "edit-the-down",
                "sed -i 's/^DROP TABLE t7/DROP TABLE IF EXISTS t7/' migrations/0007_table.sql",
            ),
        ];
        for (name, script) in tools {
            write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
            write(name, &format!("#!/bin/sh\n{script}\n"));
        }
        let found = Command::new("chmod")
            .args(["-R", "+x", "."])
            .current_dir(project.0.path())
            .status();
        assert!(found.expect("chmod runs").success());
        let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/tools");
        for tool in ["sqlx", "diesel", "goose", "refinery"] {
            let copied = Command::new("cp")
                .arg("-r")
                .arg(all.join(tool))
                .arg(project.0.path())
                .status();
            assert!(copied.expect("cp runs").success());
        }
        project
    }

    /// sqlx has applied all of it, from files of its own.
    fn is_migrated_by_sqlx(&self) {
        let folder = self.0.path().join("theirs");
        fs::create_dir(&folder).expect("writable");
        for version in VERSIONS {
            let file = folder.join(format!("{version}_table.sql"));
            fs::write(file, up(version)).expect("writable");
        }
        let url = format!(
            "sqlite:{}?mode=rwc",
            self.0.path().join("shop.db").display()
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let migrator = Migrator::new(folder).await.expect("sqlx reads them");
            let mut connection = SqliteConnection::connect(&url).await.expect("it opens");
            let ran = migrator.run_direct(None, &mut connection, false).await;
            ran.expect("sqlx runs them");
            connection.close().await.expect("it closes");
        });
    }

    fn tries(&self, before: &str, example: &Example) -> Result<(), String> {
        let command = FIRST.iter().find(|(words, _)| example.call.contains(words));
        let first = command.map_or("", |(_, first)| first);
        let tool = ["sqlx", "diesel", "goose", "refinery"]
            .into_iter()
            .find(|tool| example.call.contains(tool))
            .unwrap_or("sqlx");
        for prepared in [before, first] {
            let output = self.shell(&prepared.replace("$TOOL", tool));
            if !output.status.success() {
                return Err(format!("cannot be prepared: {}", told(&output)));
            }
        }
        if tool == "goose" && example.call.contains("db/goose") {
            self.shell("mkdir -p db && mv migrations db/goose");
        }
        // Servers that are not there.
        let call = example
            .call
            .replace("postgres://me@db/shop", "sqlite:shop.db")
            .replace("postgres://me@test-server/postgres", "sqlite:data/todo.db");
        let output = self.shell(&call);
        let said = told(&output);
        match ASKING
            .iter()
            .find(|(asks, _)| example.line.starts_with(asks))
        {
            Some((_, expected)) if said.contains(expected) => Ok(()),
            None if output.status.success() => Ok(()),
            _ => Err(format!("{:?}\n{said}", output.status)),
        }
    }

    fn shell(&self, call: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_backstitch"));
        let folder = self.0.path();
        let path = std::env::var("PATH").unwrap_or_default();
        let ours = program.parent().expect("a folder").display();
        output(
            Command::new("sh")
                .args(["-c", call])
                .current_dir(folder)
                .env("HOME", folder)
                .env("PATH", format!("{}/bin:{ours}:{path}", folder.display()))
                .env("DATABASE_URL", "sqlite:shop.db?mode=rwc")
                .env_remove("BACKSTITCH_ENV"),
        )
    }
}

fn told(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr];
    texts
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .concat()
}

fn output(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}
