//! The program, built as everybody builds it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use backstitch_tests::process::{Finished, Process};
use backstitch_tests::servers::{Database, Engine};

/// Runs it to its end.
pub(crate) fn ran(database: &Database, arguments: &[&str]) -> Finished {
    let mut command = quickstart(database);
    command.args(arguments);
    Process::start(command).wait()
}

/// The program, on this database and not yet started.
pub(crate) fn quickstart(database: &Database) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(PROGRAM.get_or_init(build));
    command.env("DATABASE_URL", database.url());
    command.env_remove("RUST_LOG").env_remove("PORT");
    command
}

/// The folder of the to-do migrations for an engine.
pub(crate) fn migrations(engine: Engine) -> PathBuf {
    let name = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres | Engine::PgBouncer => "postgres",
        Engine::MariaDb => panic!("the to-do app has no migrations for it"),
    };
    workspace().join("migrations/todo").join(name)
}

pub(crate) fn workspace() -> &'static Path {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().expect("the crate is in the workspace")
}

/// Cargo tells no other package where a program is, so it is asked for the name of what it builds.
/// For the whole workspace, so that what the tests have compiled is not compiled once more.
fn build() -> PathBuf {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--workspace",
            "--bin=quickstart",
            "--message-format=json",
        ])
        .current_dir(workspace())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "the example does not compile");
    let messages = String::from_utf8(output.stdout).expect("cargo writes JSON");
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    programs.next_back().expect("it has built a program")
}
