//! The commands as a part of a service, inside its runtime, and as a program of their own, outside of
//! any: every command that talks to a database, on every engine, and where the settings come from.

use std::fs;
use std::path::Path;
use std::process::Command;

use backstitch_tests::servers::{Database, Engine};
use serde_json::Value;
use tempfile::TempDir;

const ENGINES: [Engine; 3] = [Engine::Sqlite, Engine::Postgres, Engine::MariaDb];

/// A folder in which the service runs, as it might in its image: without the project around it.
struct Place {
    folder: TempDir,
    database: Database,
}

/// What a call has shown.
#[derive(Debug)]
struct Shown {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Place {
    fn open(engine: Engine) -> Option<Place> {
        let database = Database::create(engine)?;
        let folder = tempfile::tempdir().expect("a folder");
        Some(Place { folder, database })
    }

    fn on_sqlite() -> Place {
        Place::open(Engine::Sqlite).expect("it needs no server")
    }

    /// What developers have around them.
    fn with_project(self) -> Place {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["migrations", "seeds"] {
            fs::create_dir(self.folder.path().join(folder)).expect("writable");
            for file in fs::read_dir(from.join(folder)).expect("readable") {
                let file = file.expect("readable");
                let to = self.folder.path().join(folder).join(file.file_name());
                fs::copy(file.path(), to).expect("writable");
            }
        }
        self
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).expect("writable");
    }

    /// Runs `NAME=VALUE service migrate up`, or `NAME=VALUE service-migrate up`.
    fn call(&self, line: &str) -> Shown {
        let words: Vec<&str> = line.split(' ').collect();
        let set = words.iter().take_while(|word| word.contains('=')).count();
        let (variables, words) = words.split_at(set);
        let program = match words[0] {
            "service" => env!("CARGO_BIN_EXE_service"),
            "service-migrate" => env!("CARGO_BIN_EXE_service-migrate"),
            other => panic!("there is no program {other}"),
        };
        let output = Command::new(program)
            .args(&words[1..])
            .current_dir(self.folder.path())
            .env("DATABASE_URL", self.database.url())
            .env_remove("BACKSTITCH_ENV")
            .envs(variables.iter().filter_map(|word| word.split_once('=')))
            .output()
            .expect("the program runs");
        Shown {
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
            code: output.status.code(),
        }
    }

    /// The same, where it has to end with this code and show this.
    #[track_caller]
    fn shows(&self, line: &str, code: i32, expected: &str) -> Shown {
        let shown = self.call(line);
        let all = format!("{}{}", shown.out, shown.err);
        assert_eq!(shown.code, Some(code), "{line}\n{all}");
        assert!(all.contains(expected), "{line}: no {expected:?} in\n{all}");
        // Advice has to work when it is typed here.
        assert!(!all.contains("backstitch up"), "{line}\n{all}");
        assert!(!all.contains("backstitch plan"), "{line}\n{all}");
        assert!(!all.contains("panicked"), "{line}\n{all}");
        shown
    }
}

#[test]
fn every_online_command_works_inside_a_runtime() {
    every_online_command("service migrate");
}

#[test]
fn every_online_command_works_outside_of_one() {
    every_online_command("service-migrate");
}

fn every_online_command(mount: &str) {
    for engine in ENGINES {
        let Some(place) = Place::open(engine) else {
            continue;
        };
        let place = place.with_project();
        let works =
            |command: &str, expected: &str| place.shows(&format!("{mount} {command}"), 0, expected);
        let is_told = |command: &str, code: i32, expected: &str| {
            place.shows(&format!("{mount} {command}"), code, expected)
        };
        works("ping", " answers: ");
        works("status", &format!("{mount} up  "));
        is_told("status --check", 3, "3 pending");
        works("plan", "0002_orders");
        works("up --dry-run", "0003_customer_email");
        works("up --target 2", "2 migrations applied");
        works("up --verbose", "1 migration applied");
        works("up", "up to date");
        works("status --check", "healthy");
        let json = works("status --json", "healthy").out;
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["totals"]["applied"], 3, "{json}");
        works("history --who", "0003_customer_email");
        works("verify", "");
        works("seed", "0001_customers");
        works("backup create --reason tested", "backed up as ");
        works("backup list", "tested");
        is_told("rollback", 1, &format!("{mount} rollback --force --backup"));
        works("rollback --force --reason tested", "taken back");
        works("redo", "0002_orders");
        works("backup restore latest --yes", "restored ");
        works("status --check", "3 applied");
        works("backup prune --keep-days 0 --keep 1", "1 backup deleted");
        works("optimize --analyze", "");
        is_told("repair resume 3 --done 1", 2, "a repair needs a reason");
        is_told("adopt --from sqlx", 2, "adopt-table-missing");
        works("baseline 3", "nothing to record");
        works("reset --yes", "3 migrations applied");
        is_told(
            "reset --environment production --yes",
            1,
            "error[production]",
        );
    }
}

#[test]
fn the_service_brings_its_database_up_to_date() {
    for engine in ENGINES {
        let Some(place) = Place::open(engine) else {
            continue;
        };
        place.shows("service serve", 0, "3 migrations applied");
        place.shows("service migrate status --check", 0, "3 applied");
    }
}

/// An image has the program and nothing else; no folder is missed.
#[test]
fn no_project_need_be_around() {
    let place = Place::on_sqlite();
    fs::create_dir_all(place.folder.path().join("somebody/elses")).expect("writable");
    for project in ["somebody/elses", "somebody"] {
        place.write(
            &format!("{project}/backstitch.toml"),
            "environment = \"elses\"\n",
        );
    }
    place.shows("service migrate up", 0, "3 migrations applied");
    place.shows("service migrate status", 0, "not set (BACKSTITCH_ENV)");
    place.shows("service migrate backup create", 0, "backed up as ");
    place.shows("service migrate backup list", 0, "just now");
    place.shows("service migrate seed", 1, "seeds-missing");
}

#[test]
fn settings_come_from_the_file_the_environment_and_flags() {
    let place = Place::on_sqlite();
    let environment = |line: &str, expected: &str| {
        let shown = place.shows(line, 0, "Environment");
        let line = shown
            .out
            .lines()
            .find_map(|line| line.strip_prefix("Environment"));
        assert_eq!(line.map(str::trim), Some(expected), "{shown:?}");
    };
    place.write(
        "backstitch.toml",
        "environment = \"by-file\"\nnamespace = \"shop\"\n",
    );
    place.write("other.toml", "environment = \"by-other-file\"\n");
    environment("service migrate status", "by-file");
    environment(
        "service migrate status --options other.toml",
        "by-other-file",
    );
    environment(
        "BACKSTITCH_ENV=by-variable service migrate status",
        "by-variable",
    );
    environment(
        "BACKSTITCH_ENV=by-variable service migrate status --environment by-flag",
        "by-flag",
    );
    place.shows("service migrate up", 0, "3 migrations applied");
    place.shows("service migrate status --namespace other", 0, "0 applied");
    let other = "--url sqlite:other.db?mode=rwc";
    place.shows(&format!("service migrate status {other}"), 0, "other.db");
    place.write("other.env", "DATABASE_URL=sqlite:by-env-file.db?mode=rwc\n");
    place.shows(
        "DATABASE_URL= service-migrate status --env-file other.env",
        0,
        "by-env-file.db",
    );
    place.shows(
        "service-migrate status --dir elsewhere",
        2,
        "migrations-embedded",
    );
    place.shows(
        "service-migrate status --engine mysql",
        2,
        "migrations-embedded",
    );
    place.shows(
        "service migrate status --url postgres://me@db/shop",
        2,
        "engine-differs",
    );
}

#[test]
fn commands_on_files_need_the_files() {
    let place = Place::on_sqlite().with_project();
    place.shows(
        "service migrate check",
        0,
        "3 migrations for SQLite: all proven",
    );
    place.shows("service migrate lock", 0, "");
    place.shows("service migrate graph", 0, "customers");
    place.shows(
        "service migrate new add customer phone",
        0,
        "0004_add_customer_phone.sql",
    );
    // The new file is not in the program that is running.
    place.shows("service migrate up", 0, "3 migrations applied");
    let bare = Place::on_sqlite();
    bare.shows("service migrate check", 1, "error[");
    bare.shows(
        "service migrate explain rollback-missing",
        0,
        "rollback-missing",
    );
}

/// Only a program with no other commands knows all of its command line.
#[test]
fn completions_are_those_of_the_whole_program() {
    let place = Place::on_sqlite();
    place.shows("service-migrate completions bash", 0, "_service__migrate()");
    place.shows("service-migrate manual", 0, "service-migrate");
    place.shows("service migrate completions bash", 2, "part-of-a-service");
    place.shows("service migrate manual", 2, "part-of-a-service");
}

#[test]
fn help_calls_the_commands_as_they_are_called_here() {
    let place = Place::on_sqlite();
    place.shows("service-migrate --help", 0, "  service-migrate status  ");
    place.shows(
        "service-migrate up --help",
        0,
        "  service-migrate up --dry-run",
    );
    place.shows(
        "service migrate up --help",
        0,
        "  service migrate up --dry-run",
    );
    place.shows(
        "service migrate help up",
        0,
        "  service migrate up --dry-run",
    );
    place.shows(
        "service migrate backup restore --help",
        0,
        "  service migrate backup restore latest",
    );
}
