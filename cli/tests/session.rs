//! A project of its own with a database of its own, and what a call in it shows.

use std::fmt::Write as _;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use backstitch::engines::{MySql, Postgres, Sqlite};
use backstitch_cli::Product;
use backstitch_tests::project::Project;
use backstitch_tests::servers::Engine;
use regex::Regex;
use sqlx::Connection;

/// Such a project.
pub(crate) struct Session {
    project: Project,
}

impl Deref for Session {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}

impl Session {
    /// A copy of that project, and an empty database; `None` where its server is not there.
    pub(crate) fn open(project: &str, engine: Engine) -> Option<Session> {
        let from = tests().join("projects").join(project);
        let project = Project::new(engine)?;
        copy(&from, project.folder());
        Some(Session { project })
    }

    /// What the call shows, without what differs each time.
    pub(crate) fn screen(&self, line: &str) -> String {
        if let Some(sql) = line.strip_prefix("sql ") {
            self.sql(sql);
            return format!("$ {line}\n");
        }
        let output = self.call(line);
        let mut shown = format!("$ {line}\n");
        shown += &String::from_utf8(output.stdout).expect("text");
        for line in String::from_utf8(output.stderr).expect("text").lines() {
            writeln!(shown, "{}", format!("! {line}").trim_end()).expect("a string");
        }
        match output.status.code() {
            Some(0) => {}
            Some(code) => writeln!(shown, "[exit {code}]").expect("a string"),
            None => shown += "[killed]\n",
        }
        self.steady(&shown)
    }

    /// Runs `NAME=VALUE PROGRAM ARGUMENTS`, where `{URL}` stands for the database.
    pub(crate) fn call(&self, line: &str) -> Output {
        let line = line.replace("{URL}", self.url());
        let words = words(&line);
        let set = words.iter().take_while(|word| word.contains('=')).count();
        let (variables, words) = words.split_at(set);
        let variables = variables.iter().filter_map(|word| word.split_once('='));
        let mut command = self.program(&words[0]);
        command.args(&words[1..]).envs(variables);
        command.output().expect("the program runs")
    }

    /// Somebody works on the database by hand.
    pub(crate) fn sql(&self, sql: &str) {
        match self.engine() {
            Engine::Postgres | Engine::PgBouncer => ask::<Postgres>(self.url(), sql),
            Engine::MariaDb => ask::<MySql>(self.url(), sql),
            Engine::Sqlite => ask::<Sqlite>(self.url(), sql),
        }
    }

    /// The program, with nothing but this database around it.
    pub(crate) fn program(&self, name: &str) -> Command {
        let path = match name {
            "backstitch" => env!("CARGO_BIN_EXE_backstitch"),
            // What people do between two calls.
            "cp" | "mv" | "rm" | "cat" | "ls" => name,
            _ => panic!("{name} is not called in sessions"),
        };
        let mut command = Command::new(path);
        command
            .current_dir(self.folder())
            .env("DATABASE_URL", self.url())
            .env_remove("BACKSTITCH_ENV")
            .env_remove("NO_COLOR");
        command
    }

    /// Takes out what differs from run to run, from machine to machine.
    pub(crate) fn steady(&self, shown: &str) -> String {
        let mut shown = shown.replace('\x1b', "␛");
        let folder = self.folder().display().to_string();
        shown = shown.replace(&folder, "[FOLDER]");
        let place = self.url().split("://").nth(1).unwrap_or_default();
        let place = place.split('?').next().unwrap_or_default();
        shown = match place.rsplit_once('/') {
            Some((host, name)) if self.engine() != Engine::Sqlite => {
                let host = host.rsplit('@').next().unwrap_or_default();
                shown.replace(name, "[DATABASE]").replace(host, "[HOST]")
            }
            _ => shown.replace(place, "[DATABASE]"),
        };
        for (pattern, instead) in [
            (
                r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)",
                "[WHEN]",
            ),
            (r"just now|\d+ (minute|hour)s? ago", "[AGO]"),
            (r"<?\d+(\.\d+)? m?s\b", "[TIME]"),
            // On a busy machine a lock is free a moment later.
            (r", \[TIME\] of it waiting for others", ""),
            // What stands in columns moves with it.
            (r" {2,}(\[TIME\]|\[WHEN\])", "  $1"),
            (r"(\[TIME\]|\[WHEN\]) {2,}", "$1  "),
            (r#"(_ms": )[\d.]+"#, "${1}[MS]"),
            (r#"("run": ")[^"]+"#, "${1}[RUN]"),
            (
                r"(PostgreSQL|SQLite|MariaDB|MySQL) \d+(\.\d+)*",
                "$1 [VERSION]",
            ),
            (r"[\w.-]+ pid \d+ \(backstitch [\d.]+\)", "[WHO]"),
            (r"[\w\[\]]+-\d{8}T\d{6}Z(-\d+)?", "[BACKUP]"),
            (r"\b\d+(\.\d+)? k?B\b", "[SIZE]"),
            (r" {2,}(\[AGO\]|\[SIZE\])", "  $1"),
            (r"(\[AGO\]|\[SIZE\]) {2,}", "$1  "),
            (r"(?m) +$", ""),
        ] {
            let pattern = Regex::new(pattern).expect("a pattern");
            shown = pattern.replace_all(&shown, instead).into_owned();
        }
        shown
    }
}

fn ask<DB: Product>(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let mut connection = DB::Connection::connect(url).await.expect("reachable");
        DB::ask(&mut connection, sql).await.expect("it runs");
        let _ = connection.close().await;
    });
}

/// The files of a folder of the tests that end so, in order.
pub(crate) fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(tests().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    files.sort();
    files
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The words of a call; quotes hold some together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for sign in line.chars() {
        match sign {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("one word at least").push(sign),
        }
    }
    words
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("writable")),
        }
    }
}
